"""The tables that can be taken away as CSV and XLSX, each from the query that the page asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from api.dashboard.insights import sheets
from api.dashboard.insights.asked import Asked
from api.dashboard.insights.sheets import summed_kind
from api.errors import BadRequest, NotFound
from store import published
from store.display import day_range, moment
from store.enums import Period
from store.published import Kpi, Published, ReportPeriod, TrendPoint
from store.published.friction import friction_reasons, repeat_issues, screens_and_reasons
from store.published.kpis import breakdown, catalogue_entry
from store.published.periods import LAST_7_DAYS, period_before
from store.published.prompts import prompt_effects, prompt_outcomes
from store.published.recommendations import decisions, recommendations
from store.published.rows import find_rows, incidence_rows, metric_rows
from store.published.trends import trends
from store.spreadsheet import KINDS, Cell, Column, Kind, Sheet

TOP_REASONS = 10
MOST_ROWS = 100_000
"""Rows of a download; its notes say when there are more."""
GRANULARITIES: Mapping[str, tuple[Period, int]] = {
    "day": (Period.DAY, 28),
    "week": (Period.WEEK, 91),
    "month": (Period.MONTH, 365),
}
"""Steps of a trend, and how many days before the period's end it begins at least."""


def trend_points(warehouse: Published, asked: Asked, metric: str, step: str) -> list[TrendPoint]:
    """The metric by day, week or month, up to the period's end. Raises ValueError for a filter it cannot be cut by."""
    granularity, start, end = _span(warehouse, asked, step)
    points = published.trend(
        warehouse, metric, period=granularity, start_date=start, end_date=end, filters=asked.filters
    )
    return [point for point in points if has_figure(point)]


def weekly_trends(warehouse: Published, asked: Asked) -> dict[str, list[TrendPoint]]:
    """Every metric that the filters can cut, by week."""
    granularity, start, end = _span(warehouse, asked, "week")
    found = trends(warehouse, period=granularity, start_date=start, end_date=end, filters=asked.filters)
    return {metric: [point for point in points if has_figure(point)] for metric, points in found.items()}


def has_figure(point: TrendPoint) -> bool:
    return point.value is not None or bool(point.denominator)


def _span(warehouse: Published, asked: Asked, step: str) -> tuple[Period, date, date]:
    granularity, least_days = GRANULARITIES[step]
    days = asked.days(warehouse)
    return granularity, min(days.start_date, days.end_date - timedelta(days=least_days - 1)), days.end_date


def kpis_asked(warehouse: Published, asked: Asked) -> tuple[list[Kpi], list[Kpi]]:
    """The KPIs of the period and of the one before."""
    days = asked.days(warehouse)
    return (
        published.kpis(warehouse, days, asked.filters),
        published.kpis(warehouse, period_before(days), asked.filters),
    )


def _wanted_metric(asked: Asked) -> str:
    return asked.more.get("metric", "")


def _trend(warehouse: Published, asked: Asked) -> Sheet:
    metric = _wanted_metric(asked)
    step = asked.get("by", "week", tuple(GRANULARITIES))
    return sheets.trend_sheet(catalogue_entry(warehouse, metric), trend_points(warehouse, asked, metric, step))


def _trends(warehouse: Published, asked: Asked) -> Sheet:
    """All metrics by week, one line a point."""
    columns = [
        Column("KPI"),
        Column("Week from", Kind.DATE),
        Column("Value", Kind.NUMBER),
        Column("Numerator", Kind.NUMBER),
        Column("Denominator", Kind.COUNT),
        Column("Final"),
    ]
    rows = []
    found = weekly_trends(warehouse, asked)
    for entry in published.catalogue(warehouse):
        kind = KINDS[entry["unit"]]
        summed = summed_kind(entry["unit"])
        rows += [
            (
                entry["label"],
                point.date,
                Cell(point.value, kind),
                Cell(point.numerator, summed),
                point.denominator,
                point.is_final,
            )
            for point in found.get(entry["metric"], [])
        ]
    return Sheet("Trends", columns, rows)


def _breakdown(warehouse: Published, asked: Asked) -> Sheet:
    entry = catalogue_entry(warehouse, _wanted_metric(asked))
    by = asked.get("dimension", "order_band", published.DIMENSIONS)
    return sheets.breakdown_sheet(
        entry, by, breakdown(warehouse, entry["metric"], asked.days(warehouse), by, asked.filters)
    )


def _rows(warehouse: Published, asked: Asked) -> Sheet:
    metric, side = _wanted_metric(asked), asked.get("side", "0", ("0", "1"))
    sets, days = metric_rows(warehouse, metric, asked.days(warehouse), asked.filters)
    if int(side) >= len(sets):
        raise BadRequest("side: this figure has no such rows")
    found = find_rows(warehouse, sets[int(side)], days, asked.filters, limit=MOST_ROWS)
    counted = catalogue_entry(warehouse, metric)["numerator_label"]
    columns, rows = found.columns, found.rows
    if counted and found.counted_count != found.row_count:
        columns = [*columns, Column(f"Counts among {counted}")]
        rows = [(*row, is_counted) for row, is_counted in zip(rows, found.counted, strict=True)]
    return Sheet(sets[int(side)].name.capitalize(), columns, rows, notes=_limit_note(found.row_count))


def _incidences(warehouse: Published, asked: Asked) -> Sheet:
    wanted = incidence_rows(issue_category=asked.more.get("issueCategory"), app_screen=asked.more.get("screen"))
    found = find_rows(warehouse, wanted, asked.days(warehouse), asked.filters, limit=MOST_ROWS)
    return Sheet("Incidences", found.columns, found.rows, notes=_limit_note(found.row_count))


def _evidence(warehouse: Published, asked: Asked) -> Sheet:
    found = find_rows(
        warehouse, incidence_rows(ids=evidence_ids(warehouse, asked.more.get("id", ""))), None, limit=MOST_ROWS
    )
    return Sheet("Evidence", found.columns, found.rows)


def evidence_ids(warehouse: Published, recommendation_id: str) -> list[str]:
    """The incidences that a recommendation stands on. Raises `NotFound`."""
    rows = warehouse.query(
        "select evidence_incidence_ids from marts.fct_weekly_recommendations where recommendation_id = ? "
        "order by period limit 1",
        [recommendation_id],
    )
    if not rows:
        raise NotFound("There is no such recommendation.", remedy="Open /insights/recommendations.")
    return rows[0]["evidence_incidence_ids"]


def _limit_note(row_count: int) -> list[str]:
    return (
        [f"The newest {MOST_ROWS:,} of {row_count:,} rows; ask for a shorter period."] if row_count > MOST_ROWS else []
    )


@dataclass(frozen=True, slots=True)
class Download:
    """A table that can be taken away. `has_rows`: not for investors, who see figures only."""

    make: Callable[[Published, Asked], Sheet]
    has_rows: bool = True


DOWNLOADS: Mapping[str, Download] = {
    "kpis": Download(lambda warehouse, asked: sheets.kpi_sheet(*kpis_asked(warehouse, asked)), has_rows=False),
    "trend": Download(_trend, has_rows=False),
    "trends": Download(_trends, has_rows=False),
    "breakdown": Download(_breakdown, has_rows=False),
    "prompt-effect": Download(
        lambda warehouse, asked: sheets.effects_sheet(prompt_effects(warehouse, is_demo=asked.is_demo(warehouse))),
        has_rows=False,
    ),
    "prompts": Download(
        lambda warehouse, asked: sheets.outcomes_sheet(prompt_outcomes(warehouse, asked.days(warehouse)))
    ),
    "reasons": Download(
        lambda warehouse, asked: sheets.reasons_sheet(
            friction_reasons(warehouse, asked.days(warehouse), asked.filters)[:TOP_REASONS]
        )
    ),
    "screens": Download(
        lambda warehouse, asked: sheets.screens_sheet(
            screens_and_reasons(warehouse, asked.days(warehouse), asked.filters)
        )
    ),
    "repeats": Download(
        lambda warehouse, asked: sheets.repeats_sheet(repeat_issues(warehouse, asked.days(warehouse), asked.filters))
    ),
    "recommendations": Download(
        lambda warehouse, asked: sheets.recommendations_sheet(
            recommendations(warehouse, report_period(warehouse, asked))
        )
    ),
    "decisions": Download(lambda warehouse, _: sheets.decisions_sheet(decisions(warehouse))),
    "costs": Download(
        lambda warehouse, asked: sheets.costs_sheet(
            published.cost_analysis(warehouse, asked.days(warehouse), asked.filters)
        )
    ),
    "rows": Download(_rows),
    "incidences": Download(_incidences),
    "evidence": Download(_evidence),
}


def report_period(warehouse: Published, asked: Asked) -> ReportPeriod:
    """The period if there are recommendations for it (an ISO week, the last 7 days); else the last 7 days."""
    days = asked.days(warehouse)
    is_week = days.day_count == 7 and ("-W" in days.name or days.name == LAST_7_DAYS)
    return days if is_week else published.last_7_days(warehouse.as_of)


def provenance_notes(warehouse: Published, asked: Asked, sheet: Sheet) -> list[str]:
    """What stands above a table that is taken away."""
    days = asked.days(warehouse)
    segment = ", ".join(f"{name} {value}" for name, value in asked.filters.items()) or "all"
    return [
        f"{sheet.title}, {day_range(days.start_date, days.end_date)} (Indian days); segment: {segment}",
        f"Data as of {moment(warehouse.as_of)}, version {warehouse.version}"
        + (". Demo data: no real customers" if asked.is_demo(warehouse) else ""),
        *sheet.notes,
    ]
