"""/insights: KPIs, what stops people, what to fix, what help costs, and what offering it does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import FileResponse

from api.analytics.reader import WarehouseReader
from api.analytics.service import recommendation_states, set_recommendation_state
from api.dashboard.insights import cells, downloads, exports, views
from api.dashboard.insights.asked import Asked, Question
from api.dashboard.insights.sheets import headline
from api.dashboard.pages import PageRoute, go_to, render
from api.dashboard.session import KPI_VIEWERS, AnalystViewer, KpiViewer, PostedForm, Viewer, way_back
from api.deps import StoreDep
from api.errors import BadRequest, NotAllowed, NotFound
from api.wire import RowId
from store import clock
from store.enums import RecommendationState, Role
from store.published import Published, UnknownMetric, UnknownPeriod
from store.published.recommendations import has_recommendation
from store.spreadsheet import Sheet, write_csv, write_workbook

T = TypeVar("T")

router = APIRouter(prefix="/insights", route_class=PageRoute, include_in_schema=False)

Metric = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,80}$")]
RecommendationId = Annotated[RowId, Path(alias="recommendationId")]
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
View = Callable[[Published, Asked], Mapping[str, Any]]


async def page(request: Request, viewer: Viewer, asked: Asked, template: str, view: View, **more: Any) -> Response:
    """The page that `view` fills; what it asks the warehouse is kept for the version."""
    reader: WarehouseReader = request.app.state.warehouse
    found = await told(reader.read(f"{request.url.path}?{asked.key}", lambda warehouse: view(warehouse, asked)))
    return render(
        request,
        f"insights/{template}.html",
        viewer,
        asked=asked,
        cell=cells.written,
        is_number=cells.is_number,
        headline=headline,
        sees_rows=viewer.role is not Role.INVESTOR,
        **{**found, **more},
    )


async def told(answer: Awaitable[T]) -> T:
    """The warehouse's answer. Raises `WarehouseUnavailable`, and problems that name what was asked for in vain."""
    try:
        return await answer
    except UnknownPeriod as error:
        raise BadRequest(str(error), remedy="Choose a period from the list on /insights.") from error
    except UnknownMetric as error:
        raise NotFound(f"There is no KPI {error}.", remedy="/insights shows them all.") from error
    except ValueError as error:
        raise BadRequest(str(error), remedy="Take the filter away, or choose another.") from error


@router.get("")
async def show_overview(viewer: KpiViewer, request: Request, asked: Question):
    return await page(request, viewer, asked, "overview", views.overview)


@router.get("/kpis/{metric}")
async def show_kpi(viewer: KpiViewer, request: Request, asked: Question, metric: Metric):
    return await page(request, viewer, asked, "kpi", lambda warehouse, asked: views.kpi_page(warehouse, asked, metric))


@router.get("/prompts")
async def show_prompts(viewer: KpiViewer, request: Request, asked: Question):
    return await page(request, viewer, asked, "prompts", views.prompts)


@router.get("/friction")
async def show_friction(viewer: AnalystViewer, request: Request, asked: Question):
    return await page(request, viewer, asked, "friction", views.friction)


@router.get("/costs")
async def show_costs(viewer: AnalystViewer, request: Request, asked: Question):
    return await page(request, viewer, asked, "costs", views.costs)


@router.get("/recommendations")
async def show_recommendations(viewer: AnalystViewer, request: Request, asked: Question, store: StoreDep):
    """What was decided a moment ago stands here at once; before and after come with the next build."""
    with store.read() as connection:
        states = recommendation_states(connection)
    return await page(request, viewer, asked, "recommendations", views.advice, states=states)


@router.post("/recommendations/{recommendationId}")
async def decide(
    viewer: AnalystViewer, request: Request, recommendation_id: RecommendationId, form: PostedForm, store: StoreDep
):
    """Accept, finish, reject or open again; then back to the page."""
    state = form.get("state", "")
    if state not in set(RecommendationState):
        raise BadRequest(f"state: is none of {', '.join(RecommendationState)}")
    note = form.get("note")
    if note is not None and len(note) > 500:
        raise BadRequest("note: has more than 500 characters")
    reader: WarehouseReader = request.app.state.warehouse
    if not await reader.look_up(lambda warehouse: has_recommendation(warehouse, recommendation_id)):
        raise NotFound("There is no such recommendation.", remedy="Open /insights/recommendations.")
    await store.writer.submit(
        set_recommendation_state,
        recommendation_id,
        state=RecommendationState(state),
        note=note,
        changed_by=viewer.agent_id or viewer.principal.key_id,
        changed_at=clock.now(),
    )
    return go_to(f"{way_back(form.get('next'), '/insights/recommendations')}#advice-{recommendation_id}")


@router.get("/recommendations/{recommendationId}/evidence")
async def show_evidence(viewer: AnalystViewer, request: Request, asked: Question, recommendation_id: RecommendationId):
    return await page(
        request,
        viewer,
        asked,
        "rows",
        lambda warehouse, asked: views.evidence_page(warehouse, asked, recommendation_id),
        table="evidence",
        table_asks={"id": recommendation_id},
    )


@router.get("/rows/{metric}")
async def show_rows(viewer: AnalystViewer, request: Request, asked: Question, metric: Metric):
    return await page(
        request,
        viewer,
        asked,
        "rows",
        lambda warehouse, asked: views.metric_rows_page(warehouse, asked, metric),
        table="rows",
        table_asks={"metric": metric, "side": asked.more.get("side")},
    )


@router.get("/incidences")
async def show_incidences(viewer: AnalystViewer, request: Request, asked: Question):
    return await page(
        request,
        viewer,
        asked,
        "rows",
        views.incidences_page,
        table="incidences",
        table_asks={name: asked.more.get(name) for name in ("issueCategory", "screen")},
    )


@router.get("/tables/{name}.{kind}")
async def download(
    viewer: KpiViewer,
    request: Request,
    asked: Question,
    name: Annotated[str, Path(pattern=r"^[a-z-]{1,40}$")],
    kind: Annotated[str, Path(pattern="^(csv|xlsx)$")],
):
    """A table of the pages as a file: the same rows of the same query."""
    wanted = downloads.DOWNLOADS.get(name)
    if wanted is None:
        raise NotFound(f"There is no table {name}.", remedy="Follow a link below a table.")
    if wanted.has_rows and viewer.role is Role.INVESTOR:
        raise NotAllowed("Investors see figures, trends and exports; this table has more.")

    def make(warehouse: Published) -> bytes:
        sheet = wanted.make(warehouse, asked)
        return _file(warehouse, replace(sheet, notes=downloads.provenance_notes(warehouse, asked, sheet)), kind)

    reader: WarehouseReader = request.app.state.warehouse
    body = await told(reader.look_up(make))
    headers = {"Content-Disposition": f'attachment; filename="{name}-{_file_part(asked.period)}.{kind}"'}
    return Response(body, media_type=MEDIA_TYPES[kind], headers=headers)


def _file(warehouse: Published, sheet: Sheet, kind: str) -> bytes:
    if kind == "csv":
        text = StringIO(newline="")
        write_csv(text, sheet.columns, sheet.rows)
        return text.getvalue().encode()
    book = BytesIO()
    write_workbook(book, [sheet], title=sheet.title, made_at=warehouse.as_of)
    return book.getvalue()


def _file_part(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text)


@router.get("/exports")
async def show_exports(viewer: KpiViewer, request: Request, asked: Question, store: StoreDep):
    found = exports.made_exports(store.settings.exports_dir)
    return render(
        request,
        "insights/exports.html",
        viewer,
        asked=asked,
        exports=found,
        choices=None,
        provenance=None,
        definitions=[],
        sees_rows=viewer.role is not Role.INVESTOR,
        is_demo=any(export.is_demo for export in found),
    )


@router.get("/exports/{name}/{file}", dependencies=KPI_VIEWERS)
async def show_export(
    store: StoreDep,
    name: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,100}$")],
    file: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}\.(csv|json|parquet|pdf|xlsx)$")],
) -> Response:
    path = store.settings.exports_dir / name / file
    if not path.is_file():
        raise NotFound("There is no such export.", remedy="See /insights/exports.")
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type=exports.MEDIA_TYPES[path.suffix], headers=headers)
