"""/: where everything is, for whoever is signed in."""

from dataclasses import dataclass

from fastapi import APIRouter, Request

from api.dashboard.pages import PageRoute, render
from api.dashboard.session import MaybeViewer
from api.deps import StoreDep
from store.enums import Role
from store.published import current_as_of, current_version

router = APIRouter(route_class=PageRoute, include_in_schema=False)

STAFF = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN})
ANALYSTS = frozenset({Role.ANALYST, Role.ADMIN})
KPI_READERS = ANALYSTS | {Role.INVESTOR}


@dataclass(frozen=True, slots=True)
class Place:
    href: str
    title: str
    text: str
    roles: frozenset[Role] | None = None
    """None: everybody's, signed in or not."""


PLACES = (
    Place("/desk", "Desk", "Who needs help now, and everything an agent needs to help.", STAFF),
    Place(
        "/desk/team", "Team", "Escalations, approvals and who is available.", frozenset({Role.SUPERVISOR, Role.ADMIN})
    ),
    Place(
        "/insights", "Insights", "KPIs with targets and trends, what stops people, and what help costs.", KPI_READERS
    ),
    Place(
        "/insights/recommendations",
        "What to fix first",
        "Recommendations with evidence, and how past ones went.",
        ANALYSTS,
    ),
    Place("/reports", "Weekly reports", "The friction report of each week, to read, print or work with.", ANALYSTS),
    Place("/insights/exports", "KPI exports", "Figures for investors, with definitions and a manifest.", KPI_READERS),
    Place("/admin", "Admin", "Rules and their history, dead letters, keys and sign-in links.", frozenset({Role.ADMIN})),
    Place(
        "/docs/data",
        "Data documentation",
        "Every table and column of the warehouse, and where it comes from.",
        ANALYSTS,
    ),
    Place("/docs", "API documentation", "Every operation of the API, to read and to try."),
)


@router.get("/")
async def show_front(viewer: MaybeViewer, request: Request, store: StoreDep):
    """Also without a session: then it says how to sign in."""
    places = [place for place in PLACES if place.roles is None or (viewer is not None and viewer.role in place.roles)]
    return render(
        request,
        "front.html",
        viewer,
        places=places,
        version=current_version(store.settings),
        as_of=current_as_of(store.settings),
    )
