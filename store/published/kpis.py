"""KPIs of any period and any crossed filter.

Additive ones are sums over the cube `fct_kpis`, divided at the end; percentiles, uplift and repeats are computed from
facts of the period (docs/definitions.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from store.clock import IST
from store.published.periods import ReportPeriod
from store.published.versions import Published

DIMENSIONS = ("stage", "channel", "event_type", "order_band", "language", "tier", "source")
"""What a KPI can be cut by; a metric's own list is in `dim_kpis.dimensions`."""

FINAL_AFTER_DAYS = 3
"""A figure is provisional until its period has ended, its attribution window closed, and this many days passed."""

INCIDENCES = "(select * replace (first_channel as channel) from marts.fct_incidences where merged_into is null)"
"""Incidences as figures count them: what was merged into another nowhere, by the channel each began on."""

PERCENTILES = {"time_to_resolve_p50": 0.5, "time_to_resolve_p90": 0.9}


class UnknownMetric(KeyError):
    """No KPI of that name in the catalogue."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One metric over one period. `value` is None for an empty period, or when the filter is none of the metric's."""

    metric: str
    label: str
    unit: str
    direction: str
    target: float | None
    value: float | None
    numerator: float | None
    denominator: float | None
    interval_low: float | None
    interval_high: float | None
    is_final: bool
    definition: str
    definition_version: int


def catalogue(warehouse: Published) -> list[dict[str, Any]]:
    """The KPI catalogue, one row a metric, in its own order; `dimensions` as a tuple."""
    rows = warehouse.query("select * from marts.dim_kpis order by position")
    for row in rows:
        row["dimensions"] = tuple(name for name in row["dimensions"].split(",") if name)
    return rows


def catalogue_entry(warehouse: Published, metric: str) -> dict[str, Any]:
    for entry in catalogue(warehouse):
        if entry["metric"] == metric:
            return entry
    raise UnknownMetric(metric)


def filter_sql(warehouse: Published, filters: Mapping[str, str], alias: str = "") -> tuple[str, dict[str, object]]:
    """A condition for the filters. Without a source it keeps to the default realm: real sources and demo never mix."""
    unknown = set(filters) - set(DIMENSIONS)
    if unknown:
        raise ValueError(f"no such dimension: {', '.join(sorted(unknown))}")
    conditions = [f"{alias}{name} = ${name}" for name in filters]
    parameters: dict[str, object] = dict(filters)
    if "source" not in filters:
        conditions.append(f"{alias}is_demo = $is_demo")
        parameters["is_demo"] = warehouse.is_demo
    return " and ".join(conditions), parameters


def is_final(warehouse: Published, end_date: date, attribution_days: int) -> bool:
    today = warehouse.as_of.astimezone(IST).date()
    return end_date + timedelta(days=attribution_days + FINAL_AFTER_DAYS) < today


def kpis(warehouse: Published, period: ReportPeriod, filters: Mapping[str, str] | None = None) -> list[Kpi]:
    """Every KPI of the catalogue over the period, in the catalogue's order. Raises ValueError for an unknown dimension."""
    filters = dict(filters or {})
    condition, parameters = filter_sql(warehouse, filters)
    days = {"start_date": period.start_date, "end_date": period.end_date}
    sums = {
        row["metric"]: (float(row["numerator"]), float(row["denominator"]))
        for row in warehouse.query(
            "select metric, sum(numerator) as numerator, sum(denominator) as denominator from marts.fct_kpis "
            f"where date between $start_date and $end_date and {condition} group by metric",
            parameters | days,
        )
    }
    answers = []
    for entry in catalogue(warehouse):
        numerator = denominator = value = low = high = None
        metric = entry["metric"]
        if set(filters) <= set(entry["dimensions"]):
            if entry["is_additive"]:
                numerator, denominator = sums.get(metric, (None, None))
                value = numerator / denominator if numerator is not None and denominator else None
            elif metric in PERCENTILES:
                value, denominator = _percentile(warehouse, PERCENTILES[metric], condition, parameters | days)
            elif metric == "repeat_issue_count":
                value = _repeat_issues(warehouse, period, condition, parameters | days)
            elif metric == "prompt_uplift":
                value, low, high = _uplift(warehouse, period, filters)
        answers.append(
            Kpi(
                metric=metric,
                label=entry["label"],
                unit=entry["unit"],
                direction=entry["direction"],
                target=entry["target"],
                value=value,
                numerator=numerator,
                denominator=denominator,
                interval_low=low,
                interval_high=high,
                is_final=is_final(warehouse, period.end_date, entry["attribution_days"]),
                definition=entry["definition"],
                definition_version=entry["definition_version"],
            )
        )
    return answers


def breakdown(
    warehouse: Published, metric: str, period: ReportPeriod, dimension: str, filters: Mapping[str, str] | None = None
) -> list[tuple[str, float, float]]:
    """Each value of the dimension with the metric's numerator and denominator, the most frequent first.

    Empty for a metric that cannot be cut by it, or that is no sum. Raises `UnknownMetric`.
    """
    entry = catalogue_entry(warehouse, metric)
    filters = dict(filters or {})
    if not {dimension, *filters} <= set(entry["dimensions"]):
        return []
    condition, parameters = filter_sql(warehouse, filters)
    rows = warehouse.query(
        f"""
        select {dimension} as name, sum(numerator) as numerator, sum(denominator) as denominator
        from marts.fct_kpis
        where metric = $metric and date between $start_date and $end_date and {condition}
        group by all
        order by denominator desc, name
        """,
        parameters | {"metric": metric, "start_date": period.start_date, "end_date": period.end_date},
    )
    return [(row["name"], float(row["numerator"]), float(row["denominator"])) for row in rows]


def _percentile(
    warehouse: Published, share: float, condition: str, parameters: dict[str, object]
) -> tuple[float | None, float]:
    row = warehouse.query(
        "select quantile_cont(time_to_resolve_seconds, $share) as value, count(time_to_resolve_seconds) as closed "
        f"from {INCIDENCES} where is_closed and resolved_date between $start_date and $end_date and {condition}",
        parameters | {"share": share},
    )[0]
    return row["value"], float(row["closed"])


def _repeat_issues(
    warehouse: Published, period: ReportPeriod, condition: str, parameters: dict[str, object]
) -> float | None:
    # Seven days are one week, wherever they begin; a longer period counts the ISO weeks that lie in it whole.
    if period.day_count < 7:
        return None
    week = "$start_date" if period.day_count == 7 else "cast(date_trunc('week', created_date) as date)"
    row = warehouse.query(
        f"""
        with categories as (
            select {week} as week_start_date, issue_category
            from {INCIDENCES}
            where created_date between $start_date and $end_date and issue_category <> 'UNCLASSIFIED' and {condition}
            group by all
            having count(*) > 3
        )
        select count(*) as repeats from categories
        where week_start_date >= $start_date and week_start_date + 6 <= $end_date
        """,
        parameters,
    )[0]
    return float(row["repeats"])


def _uplift(
    warehouse: Published, period: ReportPeriod, filters: Mapping[str, str]
) -> tuple[float | None, float | None, float | None]:
    if filters.get("source", "app") not in {"app", "demo"}:
        return None, None, None
    is_demo = filters["source"] == "demo" if "source" in filters else warehouse.is_demo
    rows = warehouse.query(
        """
        select uplift, interval_low, interval_high from marts.fct_prompt_uplift
        where "window" = '28_DAYS' and is_demo = $is_demo and period_end_date <= $end_date
        order by period_end_date desc limit 1
        """,
        {"is_demo": is_demo, "end_date": period.end_date},
    )
    return (rows[0]["uplift"], rows[0]["interval_low"], rows[0]["interval_high"]) if rows else (None, None, None)
