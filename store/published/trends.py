"""How one metric moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from store.enums import Period
from store.published.kpis import catalogue_entry, filter_sql, is_final
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
    dates = {"start_date": start_date, "end_date": end_date}
    if len(filters) <= 1:
        segment = "=".join(next(iter(filters.items()))) if filters else "ALL"
        rows = warehouse.query(
            """
            select date, value, numerator, denominator, is_final from marts.analytics_daily
            where metric = $metric and period = $period and segment = $segment
              and definition_version = $definition_version
              and date between $start_date and $end_date
            order by date
            """,
            dates
            | {
                "metric": metric,
                "period": period.value,
                "segment": segment,
                "definition_version": entry["definition_version"],
            },
        )
        return [TrendPoint(**row) for row in rows]
    if not entry["is_additive"]:
        raise ValueError(f"{metric} is not additive; its trend takes one filter at a time")
    condition, parameters = filter_sql(warehouse, filters)
    rows = warehouse.query(
        f"""
        select {PERIOD_DAYS[period]} as start_date, max(date) as last_date,
               sum(numerator) as numerator, sum(denominator) as denominator
        from marts.fct_kpis
        where metric = $metric and {condition}
        group by all
        having start_date between $start_date and $end_date
        order by start_date
        """,
        parameters | dates | {"metric": metric},
    )
    return [
        TrendPoint(
            date=row["start_date"],
            value=float(row["numerator"] / row["denominator"]) if row["denominator"] else None,
            numerator=float(row["numerator"]),
            denominator=float(row["denominator"]),
            is_final=is_final(warehouse, row["last_date"], entry["attribution_days"]),
        )
        for row in rows
    ]
