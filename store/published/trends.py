"""How one metric moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from store.enums import Period
from store.published.kpis import catalogue, catalogue_entry, filter_sql, is_final
from store.published.versions import Published

PERIOD_DAYS = {
    Period.DAY: "date",
    Period.WEEK: "cast(date_trunc('week', date) as date)",
    Period.MONTH: "cast(date_trunc('month', date) as date)",
}


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """`date` is the first day of the period."""

    date: date
    value: float | None
    numerator: float | None
    denominator: float | None
    is_final: bool


def trend(
    warehouse: Published,
    metric: str,
    *,
    period: Period,
    start_date: date,
    end_date: date,
    filters: Mapping[str, str] | None = None,
) -> list[TrendPoint]:
    """Points of the periods that begin within the dates, oldest first.

    One filter or none is answered from `analytics_daily`, crossed ones of additive metrics from the cube by the same
    definition. Raises `UnknownMetric`, and ValueError for a filter the metric cannot be cut by.
    """
    filters = dict(filters or {})
    entry = catalogue_entry(warehouse, metric)
    refused = set(filters) - set(entry["dimensions"])
    if refused:
        allowed = ", ".join(entry["dimensions"]) or "nothing"
        raise ValueError(f"{metric} cannot be cut by {', '.join(sorted(refused))}; it can by {allowed}")
    if len(filters) > 1 and not entry["is_additive"]:
        raise ValueError(f"{metric} is not additive; its trend takes one filter at a time")
    return _points(warehouse, [entry], period, start_date, end_date, filters).get(metric, [])


def trends(
    warehouse: Published,
    *,
    period: Period,
    start_date: date,
    end_date: date,
    filters: Mapping[str, str] | None = None,
) -> dict[str, list[TrendPoint]]:
    """The same for every metric that can be cut by the filters, by name; a metric without a point is not in it."""
    filters = dict(filters or {})
    entries = [
        entry
        for entry in catalogue(warehouse)
        if set(filters) <= set(entry["dimensions"]) and (entry["is_additive"] or len(filters) <= 1)
    ]
    return _points(warehouse, entries, period, start_date, end_date, filters)


def _points(
    warehouse: Published,
    entries: list[dict[str, Any]],
    period: Period,
    start_date: date,
    end_date: date,
    filters: dict[str, str],
) -> dict[str, list[TrendPoint]]:
    known = {entry["metric"]: entry for entry in entries}
    asked = {"metrics": list(known), "start_date": start_date, "end_date": end_date}
    found: dict[str, list[TrendPoint]] = {}
    if len(filters) <= 1:
        segment = "=".join(next(iter(filters.items()))) if filters else "ALL"
        rows = warehouse.query(
            """
            select metric, date, value, cast(numerator as double) as numerator, cast(denominator as double) as denominator,
              is_final, definition_version
            from marts.analytics_daily
            where list_contains($metrics, metric) and period = $period and segment = $segment
              and date between $start_date and $end_date
            order by date
            """,
            asked | {"period": period.value, "segment": segment},
        )
        for row in rows:
            entry = known[row.pop("metric")]
            if row.pop("definition_version") == entry["definition_version"]:
                found.setdefault(entry["metric"], []).append(TrendPoint(**row))
        return found
    condition, parameters = filter_sql(warehouse, filters)
    rows = warehouse.query(
        f"""
        select metric, {PERIOD_DAYS[period]} as start_date, max(date) as last_date,
               sum(numerator) as numerator, sum(denominator) as denominator
        from marts.fct_kpis
        where list_contains($metrics, metric) and {condition}
        group by all
        having start_date between $start_date and $end_date
        order by start_date
        """,
        parameters | asked,
    )
    for row in rows:
        entry = known[row["metric"]]
        found.setdefault(entry["metric"], []).append(
            TrendPoint(
                date=row["start_date"],
                value=float(row["numerator"] / row["denominator"]) if row["denominator"] else None,
                numerator=float(row["numerator"]),
                denominator=float(row["denominator"]),
                is_final=is_final(warehouse, row["last_date"], entry["attribution_days"]),
            )
        )
    return found
