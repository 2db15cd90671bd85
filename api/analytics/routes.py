"""GET /analytics/*: figures from the published warehouse, cached by version, with ETag."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from api.analytics.reader import Question, WarehouseReader
from api.analytics.schemas import (
    CostAnalysisAnswer,
    FrictionReportAnswer,
    KpiAnswer,
    KpisAnswer,
    RecommendationChange,
    RecommendationStateAnswer,
    TrendAnswer,
    TrendPointAnswer,
    cost_lines,
    provenance,
)
from api.analytics.service import set_recommendation_state
from api.auth import ANALYST_ROLES, ANALYSTS, KPI_READERS, requires
from api.deps import IfNoneMatch, Once
from api.errors import BadRequest, NotFound, WarehouseMissing
from api.tokens.keyring import Principal
from api.wire import RowId
from store import clock, published
from store.enums import Channel, EventType, Period, Stage, Tier
from store.published import Published, ReportPeriod, UnknownMetric, UnknownPeriod, WarehouseUnavailable
from store.published.recommendations import has_recommendation

router = APIRouter(prefix="/analytics", tags=["analytics"])

Word = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]


def read_filters(
    stage: Annotated[Stage | None, Query()] = None,
    channel: Annotated[Channel | None, Query()] = None,
    event_type: Annotated[EventType | None, Query(alias="eventType")] = None,
    order_band: Annotated[str | None, Query(alias="orderBand", pattern="^(UNDER_5K|5K_TO_25K|FROM_25K)$")] = None,
    language: Word = None,
    tier: Annotated[Tier | None, Query()] = None,
    source: Word = None,
) -> dict[str, str]:
    """The segment asked for, by the warehouse's dimension names."""
    given = {
        "stage": stage,
        "channel": channel,
        "event_type": event_type,
        "order_band": order_band,
        "language": language,
        "tier": tier,
        "source": source,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def read_period(
    period: Annotated[
        str, Query(max_length=64, description="last_7_days, 2026-W47, 2026-11 or 2026-11-23 (Indian days)")
    ] = "last_7_days",
    start_date: Annotated[date | None, Query(alias="from", description="With `to`, instead of period")] = None,
    end_date: Annotated[date | None, Query(alias="to")] = None,
) -> Callable[[Published], ReportPeriod]:
    """Which days are meant; `last_7_days` can be told only once the version is open."""
    if (start_date is None) != (end_date is None):
        raise BadRequest("from, to: send both, or neither")
    if start_date is not None and end_date is not None:
        if start_date > end_date:
            raise BadRequest("from: is after to")
        named = ReportPeriod(f"{start_date}/{end_date}", start_date, end_date)
        return lambda _: named
    return lambda warehouse: published.parse_period(period, warehouse.as_of)


Filters = Annotated[dict[str, str], Depends(read_filters)]
WantedPeriod = Annotated[Callable[[Published], ReportPeriod], Depends(read_period)]


def _as_json(question: Callable[[Published], BaseModel]) -> Question:
    return lambda warehouse: question(warehouse).model_dump_json().encode()


async def answer(request: Request, known_etag: str | None, question: Callable[[Published], BaseModel]) -> Response:
    """The question's answer as JSON, 304 when the caller has it, or the problem that keeps it from being answered."""
    reader: WarehouseReader = request.app.state.warehouse
    key = f"{request.url.path}?{urlencode(sorted(request.query_params.multi_items()))}"
    try:
        found = await reader.ask(key, _as_json(question), known_etag=known_etag)
    except WarehouseUnavailable as error:
        raise WarehouseMissing(error) from error
    except UnknownPeriod as error:
        raise BadRequest(f"period: {error}") from error
    except UnknownMetric as error:
        raise NotFound(f"There is no metric {error}.", remedy="GET /analytics/kpis lists them.") from error
    except ValueError as error:
        raise BadRequest(str(error)) from error
    headers = {"ETag": found.etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if found.is_unchanged:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type="application/json", headers=headers)


@router.get("/kpis", dependencies=KPI_READERS, response_model=KpisAnswer)
async def get_kpis(
    request: Request, period: WantedPeriod, filters: Filters, known_etag: IfNoneMatch = None
) -> Response:
    """Every KPI of the catalogue over the period, with target, numerator, denominator and definition."""
    return await answer(request, known_etag, partial(_kpis, period=period, filters=filters))


def _kpis(warehouse: Published, period: Callable[[Published], ReportPeriod], filters: dict[str, str]) -> KpisAnswer:
    days = period(warehouse)
    figures = published.kpis(warehouse, days, filters)
    return KpisAnswer.model_validate(
        provenance(warehouse, days, filters) | {"kpis": [KpiAnswer.of(kpi) for kpi in figures]}
    )


@router.get("/friction-report", dependencies=ANALYSTS, response_model=FrictionReportAnswer)
async def get_friction_report(
    request: Request,
    week: Annotated[
        str | None, Query(pattern=r"^\d{4}-W\d{2}$", description="An ISO week; else the last 7 days")
    ] = None,
    known_etag: IfNoneMatch = None,
) -> Response:
    """The weekly friction report: what hurt, what it cost, what to fix first."""
    return await answer(request, known_etag, partial(_friction_report, week=week))


def _friction_report(warehouse: Published, week: str | None = None) -> FrictionReportAnswer:
    return FrictionReportAnswer.of(warehouse, published.weekly_report(warehouse, week=week))


@router.get("/cost-analysis", dependencies=ANALYSTS, response_model=CostAnalysisAnswer)
async def get_cost_analysis(
    request: Request, period: WantedPeriod, filters: Filters, known_etag: IfNoneMatch = None
) -> Response:
    """What help cost in the period, by stage and channel, and what an assisted order cost."""
    return await answer(request, known_etag, partial(_cost_analysis, period=period, filters=filters))


def _cost_analysis(
    warehouse: Published, period: Callable[[Published], ReportPeriod], filters: dict[str, str]
) -> CostAnalysisAnswer:
    days = period(warehouse)
    figures = {kpi.metric: KpiAnswer.of(kpi) for kpi in published.kpis(warehouse, days, filters)}
    return CostAnalysisAnswer.model_validate(
        provenance(warehouse, days, filters)
        | {
            "cost_per_assisted_order": figures["cost_per_assisted_order"],
            "post_order_cost_per_order": figures["post_order_cost_per_order"],
            "lines": cost_lines(published.cost_analysis(warehouse, days, filters)),
        }
    )


@router.get("/trend/{metric}", dependencies=KPI_READERS, response_model=TrendAnswer)
async def get_trend(
    request: Request,
    metric: Annotated[str, Path(pattern=r"^[a-z0-9_]{1,64}$", examples=["self_serve_conversion_rate"])],
    filters: Filters,
    granularity: Annotated[Period, Query(description="One point a day, week or month")] = Period.DAY,
    period: Annotated[
        str, Query(max_length=64, description="The days to show, as in /analytics/kpis")
    ] = "last_90_days",
    start_date: Annotated[date | None, Query(alias="from")] = None,
    end_date: Annotated[date | None, Query(alias="to")] = None,
    known_etag: IfNoneMatch = None,
) -> Response:
    """One metric over time, oldest point first."""
    wanted = read_period(period, start_date, end_date)

    def question(warehouse: Published) -> TrendAnswer:
        days = wanted(warehouse)
        entry = next((row for row in published.catalogue(warehouse) if row["metric"] == metric), None)
        if entry is None:
            raise UnknownMetric(metric)
        points = published.trend(
            warehouse, metric, period=granularity, start_date=days.start_date, end_date=days.end_date, filters=filters
        )
        return TrendAnswer.model_validate(
            provenance(warehouse, days, filters)
            | {
                "metric": metric,
                "label": entry["label"],
                "unit": "RUPEES" if entry["unit"] == "PAISE" else entry["unit"],
                "granularity": granularity,
                "definition_version": entry["definition_version"],
                "points": [TrendPointAnswer.of(point, entry["unit"]) for point in points],
            }
        )

    return await answer(request, known_etag, question)


@router.post("/recommendations/{recommendationId}", response_model=RecommendationStateAnswer)
async def post_recommendation_state(
    request: Request,
    caller: Annotated[Principal, Depends(requires(*ANALYST_ROLES))],
    recommendation_id: Annotated[RowId, Path(alias="recommendationId")],
    change: RecommendationChange,
    once: Once,
) -> Response:
    """Accept, finish or reject a recommendation."""
    reader: WarehouseReader = request.app.state.warehouse
    try:
        is_known = await reader.read(
            f"recommendation {recommendation_id}", lambda warehouse: has_recommendation(warehouse, recommendation_id)
        )
    except WarehouseUnavailable as error:
        raise WarehouseMissing(error) from error
    if not is_known:
        raise NotFound(
            f"There is no recommendation {recommendation_id}.", remedy="GET /analytics/friction-report lists them."
        )
    return await once(200, _set_state, recommendation_id, change, caller.agent_id or caller.key_id)


def _set_state(
    connection: Connection, recommendation_id: str, change: RecommendationChange, changed_by: str
) -> RecommendationStateAnswer:
    changed_at = clock.now()
    set_recommendation_state(
        connection,
        recommendation_id,
        state=change.state,
        note=change.note,
        changed_by=changed_by,
        changed_at=changed_at,
    )
    return RecommendationStateAnswer(
        recommendation_id=recommendation_id, state=change.state, note=change.note, changed_at=changed_at
    )


_LAST_WEEK = read_period("last_7_days", None, None)
USUAL: dict[str, Question] = {
    "/analytics/kpis?": _as_json(partial(_kpis, period=_LAST_WEEK, filters={})),
    "/analytics/cost-analysis?": _as_json(partial(_cost_analysis, period=_LAST_WEEK, filters={})),
    "/analytics/friction-report?": _as_json(_friction_report),
}
"""What is asked without saying which days: made ready when a version is published."""
