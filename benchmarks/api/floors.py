"""The product's application with an empty endpoint beside each route that is measured."""

from fastapi import APIRouter, FastAPI, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.app import create_app
from api.channel.routes import ROUTERS
from api.channel.schemas import RouteInput
from api.context.callers import Teller
from api.friction.schemas import DetectInput
from api.incidences.routes import Starter
from api.incidences.schemas import IncidenceInput

router = APIRouter()
FLOORS = {
    "/floor/route": "/channel/route",
    "/floor/detect": "/friction/detect",
    "/floor/create": "/incidences",
}
"""Each floor, and the route that it stands below: the same body, validated, the same key, checked, and nothing done."""


@router.post("/floor/route", dependencies=ROUTERS)
async def floor_of_route(_: RouteInput) -> Response:
    return _nothing()


@router.post("/floor/detect")
async def floor_of_detect(_: DetectInput, _caller: Teller) -> Response:
    return _nothing()


@router.post("/floor/create")
async def floor_of_create(_: IncidenceInput, _caller: Starter) -> Response:
    return _nothing()


def create_measured_app() -> FastAPI:
    """Each floor is tried just before its route: what comes earlier is found quicker."""
    app = create_app()
    routes = app.router.routes
    for floor in router.routes:
        assert isinstance(floor, APIRoute)
        place = next(i for i, route in enumerate(routes) if _is_post(route, FLOORS[floor.path]))
        routes.insert(place, floor)
    return app


def _nothing() -> Response:
    return Response(b"{}", media_type="application/json")


def _is_post(route: BaseRoute, path: str) -> bool:
    return isinstance(route, APIRoute) and route.path == path and "POST" in (route.methods or ())
