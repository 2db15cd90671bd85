"""/desk: the queue, one incidence, the team."""

from fastapi import APIRouter, Request

from api.dashboard.pages import PageRoute, render
from api.dashboard.session import StaffViewer

router = APIRouter(prefix="/desk", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def show_queue(viewer: StaffViewer, request: Request):
    return render(request, "desk/queue.html", viewer)
