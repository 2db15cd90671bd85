"""What each page shows: functions of the open warehouse and the question, run on the warehouse's threads and kept."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from api.dashboard.insights import downloads, findings, sheets
from api.dashboard.insights.asked import Asked
from api.dashboard.insights.choices import choices
from api.errors import NotFound
from store import charts, display, published
from store.display import figure
from store.published import Kpi, Published, ReportPeriod, TrendPoint
from store.published.friction import ScreenReason, friction_reasons, repeat_issues, screens_and_reasons
from store.published.kpis import breakdown, catalogue_entry
from store.published.prompts import prompt_effects, prompt_outcomes
from store.published.recommendations import decisions, recommendations
from store.published.rows import ROWS, find_rows, incidence_rows, metric_rows
from store.spreadsheet import Sheet

KEY_METRICS = (
    "self_serve_conversion_rate",
    "assisted_conversion_rate",
    "time_to_resolve",
    "cost_per_assisted_order",
    "repeat_issue_count",
    "prompt_uplift",
)
"""The owner's metrics; what the page begins with."""
PAGE_ROWS = 50
HEAT_STEPS = 5
MOST_REASONS_ACROSS = 8
SPARK_WEEKS = 13


@dataclass(frozen=True, slots=True)
class Provenance:
    """What stands on every page: of which days and which data it is."""

    period: ReportPeriod
    as_of: datetime
    version: str
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """A KPI, how it moved since the period before, and its last weeks."""

    kpi: Kpi
    moved: str | None
    is_better: bool | None
    target: str | None
    """`met` or `missed`; None without a value or a target."""
    can_be_cut: bool
    spark: Markup
    has_rows: bool


@dataclass(frozen=True, slots=True)
class HeatCell:
    issue_category: str
    pair: ScreenReason | None
    step: int
    """0 (nothing) to 5 (the most of the table)."""


def provenance(warehouse: Published, asked: Asked) -> dict[str, Any]:
    days = asked.days(warehouse)
    return {
        "provenance": Provenance(days, warehouse.as_of, warehouse.version, asked.is_demo(warehouse)),
        "choices": choices(warehouse, days),
        "is_demo": asked.is_demo(warehouse),
    }


def overview(warehouse: Published, asked: Asked) -> dict[str, Any]:
    here, before = downloads.kpis_asked(warehouse, asked)
    known = {entry["metric"]: entry for entry in published.catalogue(warehouse)}
    weeks = downloads.weekly_trends(warehouse, asked)
    tiles = {
        kpi.metric: _tile(asked, kpi, past, known[kpi.metric], weeks.get(kpi.metric, []))
        for kpi, past in zip(here, before, strict=True)
    }
    told = next(
        (pair for pair in zip(here, before, strict=True) if tiles[pair[0].metric].can_be_cut), (here[0], before[0])
    )
    return provenance(warehouse, asked) | {
        "finding": findings.kpi(*told),
        "key_tiles": [tiles[metric] for metric in KEY_METRICS if metric in tiles],
        "more_tiles": [tile for metric, tile in tiles.items() if metric not in KEY_METRICS],
        "definitions": here,
    }


def kpi_page(warehouse: Published, asked: Asked, metric: str) -> dict[str, Any]:
    """Raises `UnknownMetric`."""
    entry = catalogue_entry(warehouse, metric)
    step = asked.get("by", "week", tuple(downloads.GRANULARITIES))
    here, before = (
        next(kpi for kpi in kpis if kpi.metric == metric) for kpis in downloads.kpis_asked(warehouse, asked)
    )
    points = _points(warehouse, asked, metric, step)
    tile = _tile(asked, here, before, entry, points if step == "week" else _points(warehouse, asked, metric, "week"))
    by = asked.more.get("dimension") or next(
        (name for name in ("order_band", "event_type", "channel", "language") if name in entry["dimensions"]), None
    )
    cut = breakdown(warehouse, metric, asked.days(warehouse), by, asked.filters) if by else []
    finding = findings.trend(here.unit, points, step)
    return provenance(warehouse, asked) | {
        "tile": tile,
        "step": step,
        "steps": tuple(downloads.GRANULARITIES),
        "finding": findings.kpi(here, before),
        "trend_finding": finding,
        "chart": charts.line_chart(
            [charts.Point(display.day_short(p.date), p.value, p.is_final) for p in points],
            name=finding,
            written=_written(here.unit),
            target=here.target,
        ),
        "trend": sheets.trend_sheet(entry, points),
        "dimension": by,
        "dimensions": [name for name in entry["dimensions"] if entry["is_additive"]],
        "breakdown": sheets.breakdown_sheet(entry, by, cut) if by and cut else None,
        "entry": entry,
        "definitions": [here],
    }


def friction(warehouse: Published, asked: Asked) -> dict[str, Any]:
    days = asked.days(warehouse)
    reasons = friction_reasons(warehouse, days, asked.filters)
    pairs = screens_and_reasons(warehouse, days, asked.filters)
    repeats = repeat_issues(warehouse, days, asked.filters)
    most = max((reason.incidence_count for reason in reasons), default=0)
    across, heat = _heat(pairs)
    return provenance(warehouse, asked) | {
        "reasons_finding": findings.reasons(reasons),
        "reasons": [
            (
                reason,
                charts.bar(
                    reason.incidence_count,
                    max(most, *(r.four_week_average or 0 for r in reasons)),
                    usual=reason.four_week_average,
                ),
            )
            for reason in reasons[: downloads.TOP_REASONS]
        ],
        "screens_finding": findings.screens(pairs),
        "across": across,
        "heat": heat,
        "repeats_finding": findings.repeats(repeats),
        "repeats": sheets.repeats_sheet(repeats),
        "definitions": _definitions(warehouse, days, asked.filters, "repeat_issue_count"),
    }


def advice(warehouse: Published, asked: Asked) -> dict[str, Any]:
    """Recommendations as they were built; what was decided since is laid over them by the route."""
    days = downloads.report_period(warehouse, asked)
    found = recommendations(warehouse, days)
    return provenance(warehouse, asked) | {
        "days": days,
        "is_other_period": days != asked.days(warehouse),
        "recommendations": [advice for advice in found if advice.value_at_risk_paise > 0],
        "others": [advice for advice in found if advice.value_at_risk_paise <= 0],
        "decisions": [(made, findings.went(made)) for made in decisions(warehouse)],
        "definitions": [],
    }


def costs(warehouse: Published, asked: Asked) -> dict[str, Any]:
    here, before = downloads.kpis_asked(warehouse, asked)
    known = {entry["metric"]: entry for entry in published.catalogue(warehouse)}
    weeks = downloads.weekly_trends(warehouse, asked)
    tiles = {
        kpi.metric: _tile(asked, kpi, past, known[kpi.metric], weeks.get(kpi.metric, []))
        for kpi, past in zip(here, before, strict=True)
        if kpi.unit == "PAISE"
    }
    kpi = tiles["cost_per_assisted_order"].kpi
    points = weeks.get(kpi.metric, [])
    finding = findings.costs(kpi)
    return provenance(warehouse, asked) | {
        "finding": finding,
        "tiles": list(tiles.values()),
        "chart": charts.line_chart(
            [charts.Point(display.day_short(p.date), p.value, p.is_final) for p in points],
            name=finding,
            written=_written(kpi.unit),
            target=kpi.target,
        ),
        "trend": sheets.trend_sheet(known[kpi.metric], points),
        "costs": sheets.costs_sheet(published.cost_analysis(warehouse, asked.days(warehouse), asked.filters)),
        "definitions": [tile.kpi for tile in tiles.values()],
    }


def prompts(warehouse: Published, asked: Asked) -> dict[str, Any]:
    days = asked.days(warehouse)
    effects = prompt_effects(warehouse, is_demo=asked.is_demo(warehouse))
    windows = [effect for effect in effects if effect.window == "28_DAYS" and effect.period_end_date <= days.end_date]
    finding = findings.uplift(windows[0] if windows else None)
    return provenance(warehouse, asked) | {
        "finding": finding,
        "since_start": next((effect for effect in effects if effect.window == "SINCE_START"), None),
        "window": windows[0] if windows else None,
        "chart": charts.line_chart(
            [
                charts.Point(
                    display.day_short(effect.period_end_date),
                    effect.uplift,
                    low=effect.interval_low,
                    high=effect.interval_high,
                )
                for effect in reversed(windows[:SPARK_WEEKS])
                if effect.uplift is not None
            ],
            name=finding,
            written=display.points,
        ),
        "effects": sheets.effects_sheet(effects),
        "outcomes": sheets.outcomes_sheet(prompt_outcomes(warehouse, days)),
        "definitions": _definitions(warehouse, days, {}, "prompt_uplift"),
    }


def metric_rows_page(warehouse: Published, asked: Asked, metric: str) -> dict[str, Any]:
    """The facts behind a KPI, a page of them. Raises `UnknownMetric`, and ValueError for a filter it cannot be cut by."""
    entry = catalogue_entry(warehouse, metric)
    sets, days = metric_rows(warehouse, metric, asked.days(warehouse), asked.filters)
    side = int(asked.get("side", "0", ("0", "1")[: max(1, len(sets))]))
    number = _page_number(asked)
    found = find_rows(warehouse, sets[side], days, asked.filters, limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS)
    kpi = _definitions(warehouse, asked.days(warehouse), asked.filters, metric)[0]
    return (
        provenance(warehouse, asked)
        | _paged(found.row_count, number)
        | {
            "title": f"Behind {entry['label'].lower()}: {sets[side].name}",
            "kpi": kpi,
            "days": days,
            "side": side,
            "sides": [rows.name for rows in sets],
            "found": found,
            "sheet": Sheet(sets[side].name.capitalize(), found.columns, found.rows),
            "counted_label": entry["numerator_label"] if found.counted_count != found.row_count else None,
            "definitions": [kpi],
        }
    )


def incidences_page(warehouse: Published, asked: Asked) -> dict[str, Any]:
    """Incidences of a reason and a screen."""
    reason, screen = asked.more.get("issueCategory"), asked.more.get("screen")
    number = _page_number(asked)
    found = find_rows(
        warehouse,
        incidence_rows(issue_category=reason, app_screen=screen),
        asked.days(warehouse),
        asked.filters,
        limit=PAGE_ROWS,
        offset=(number - 1) * PAGE_ROWS,
    )
    named = [display.words(word).lower() for word in (reason, screen) if word]
    return (
        provenance(warehouse, asked)
        | _paged(found.row_count, number)
        | {
            "title": f"Incidences: {' on '.join(named)}" if named else "Incidences",
            "found": found,
            "sheet": Sheet("Incidences", found.columns, found.rows),
            "definitions": [],
        }
    )


def evidence_page(warehouse: Published, asked: Asked, recommendation_id: str) -> dict[str, Any]:
    """The incidences that a recommendation stands on, whenever they were."""
    ids = downloads.evidence_ids(warehouse, recommendation_id)
    found = find_rows(warehouse, incidence_rows(ids=ids), None, limit=PAGE_ROWS)
    return (
        provenance(warehouse, asked)
        | _paged(found.row_count, 1)
        | {
            "title": "The evidence of a recommendation",
            "found": found,
            "sheet": Sheet("Evidence", found.columns, found.rows),
            "definitions": [],
        }
    )


def _tile(asked: Asked, kpi: Kpi, before: Kpi, entry: Mapping[str, Any], weeks: Sequence[TrendPoint]) -> Tile:
    moved, is_better = findings.movement(kpi, before), None
    if kpi.value is not None and before.value is not None and moved is not None and not findings.is_nothing(moved):
        is_better = (kpi.value > before.value) == (kpi.direction == "UP")
    target = None
    if kpi.value is not None and kpi.target is not None:
        target = "met" if (kpi.value >= kpi.target if kpi.direction == "UP" else kpi.value <= kpi.target) else "missed"
    can_be_cut = set(asked.filters) <= set(entry["dimensions"])
    spark = charts.sparkline([point.value for point in weeks])
    return Tile(kpi, moved, is_better, target, can_be_cut, spark, kpi.metric in ROWS)


def _points(warehouse: Published, asked: Asked, metric: str, step: str) -> list[TrendPoint]:
    """Empty where the filters cannot be answered: not every metric can be cut, percentiles by one filter at a time."""
    try:
        return downloads.trend_points(warehouse, asked, metric, step)
    except ValueError:
        return []


def _heat(pairs: Sequence[ScreenReason]) -> tuple[list[str], list[tuple[str, list[HeatCell], int]]]:
    """Reasons across (the most frequent), and a line for each screen with its cells and sum."""
    by_reason: dict[str, int] = defaultdict(int)
    by_screen: dict[str, int] = defaultdict(int)
    for pair in pairs:
        by_reason[pair.issue_category] += pair.incidence_count
        by_screen[pair.app_screen] += pair.incidence_count
    across = sorted(by_reason, key=lambda reason: (-by_reason[reason], reason))[:MOST_REASONS_ACROSS]
    found = {(pair.app_screen, pair.issue_category): pair for pair in pairs}
    most = max((pair.incidence_count for pair in pairs), default=1)
    lines = []
    for screen in sorted(by_screen, key=lambda name: (-by_screen[name], name)):
        cells = []
        for reason in across:
            pair = found.get((screen, reason))
            step = 0 if pair is None else 1 + min(HEAT_STEPS - 1, HEAT_STEPS * pair.incidence_count // (most + 1))
            cells.append(HeatCell(reason, pair, step))
        lines.append((screen, cells, by_screen[screen]))
    return across, lines


def _definitions(warehouse: Published, days: ReportPeriod, filters: Mapping[str, str], *metrics: str) -> list[Kpi]:
    return [kpi for kpi in published.kpis(warehouse, days, filters) if kpi.metric in metrics]


def _page_number(asked: Asked) -> int:
    text = asked.more.get("page", "1")
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) < 1_000_000:
        raise NotFound("There is no such page of rows.", remedy="Begin with the first.")
    return int(text)


def _paged(row_count: int, number: int) -> dict[str, Any]:
    last = max(1, -(-row_count // PAGE_ROWS))
    if number > last:
        raise NotFound("There is no such page of rows.", remedy="Begin with the first.")
    return {"page": number, "last_page": last, "row_count": row_count, "first_row": (number - 1) * PAGE_ROWS + 1}


def _written(unit: str) -> Callable[[float], str]:
    return lambda value: figure(value, unit)
