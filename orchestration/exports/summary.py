"""Two pages of paper for investors: what the figures say, what they mean, and what changed since the last export."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup

from orchestration.exports.figures import Figures
from orchestration.paper import page_of
from orchestration.reports.findings import uplift
from store import charts, display
from store.clock import IST
from store.enums import Period
from store.published import Published

TEMPLATE = Path(__file__).parent / "templates" / "summary.html"
TOLD = (
    "self_serve_conversion_rate",
    "assisted_conversion_rate",
    "time_to_resolve",
    "cost_per_assisted_order",
    "contact_rate",
    "friction_rate",
    "time_to_resolve_under_10_minutes_rate",
    "escalation_rate",
    "reopen_rate",
)
"""KPIs that a month has; the prompts' effect is told in a sentence."""
DRAWN = ("self_serve_conversion_rate", "assisted_conversion_rate", "cost_per_assisted_order", "time_to_resolve")
MOST_MONTHS = 4
"""Columns of the first table."""
MOST_WEEKS = 13
MOST_RESTATEMENTS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One KPI in the last months; `values` are in the order of the months, None where there is none."""

    entry: dict[str, Any]
    values: list[dict[str, Any] | None]

    @property
    def last_whole(self) -> list[dict[str, Any]]:
        """Months with a value, the month under way left out."""
        return [value for value in self.values if value and value["is_whole"] and value["value"] is not None]


def summary_of(warehouse: Published, tables: Figures) -> str:
    """The HTML of the two pages."""
    entries = {str(row["metric"]): row for row in tables.rows("select * from export_definitions order by position")}
    told = [entries[name] for name in TOLD if name in entries]
    months, lines = lines_of(warehouse, tables, told, Period.MONTH)
    _, weeks = lines_of(warehouse, tables, told, Period.WEEK)
    restated = tables.rows(
        "select r.* from export_restated_since_last_export as r inner join export_definitions as d on r.metric = d.metric "
        f"order by segment <> 'ALL', r.metric not in {TOLD}, period <> 'MONTH', period <> 'WEEK', date desc, position, segment"
    )
    behind = lines if any(line.last_whole for line in lines) else weeks
    return page_of(
        TEMPLATE,
        headline=headline(lines, weeks),
        prompts=prompts(warehouse, tables),
        months=months,
        lines=lines,
        behind=behind,
        behind_date=max((line.last_whole[-1]["date"] for line in behind if line.last_whole), default=None),
        named=month if behind is lines else week,
        drawn=[
            (entry, chart)
            for name in DRAWN
            if (entry := entries.get(name)) and (chart := weekly_chart(warehouse, tables, entry))
        ],
        restated=restated[:MOST_RESTATEMENTS],
        restated_count=len(restated),
        apart=display.figures_apart,
        scope=tables.scope,
        warehouse=warehouse,
        entries=entries,
        month=month,
        segment=segment,
    )


def headline(months: Sequence[Line], weeks: Sequence[Line]) -> str:
    """The primary KPI of the last whole month, or week, against the one before, and what a helped order cost."""
    for lines, named in ((months, month), (weeks, week)):
        by_metric = {line.entry["metric"]: line.last_whole for line in lines}
        shares = by_metric.get("self_serve_conversion_rate", [])
        if not shares:
            continue
        sentence = f"{display.share(shares[-1]['value'])} of orders needed no help in {named(shares[-1]['date'])}"
        if len(shares) > 1:
            moved = shares[-1]["value"] - shares[-2]["value"]
            sentence += f", {display.points(moved)} on {named(shares[-2]['date'])}"
        costs = [each for each in by_metric.get("cost_per_assisted_order", []) if each["date"] == shares[-1]["date"]]
        if costs:
            sentence += f"; an order placed with help cost {display.rupees(costs[0]['value'])} of support"
        return f"{sentence}."
    return "No whole week of orders yet."


def prompts(warehouse: Published, tables: Figures) -> str:
    """The effect of prompts over the last 28 days measured; empty before there is any."""
    rows = tables.rows(
        f"""
        select uplift, interval_low, interval_high, period_end_date from export_prompt_uplift
        where "window" = '28_DAYS' and is_demo = {warehouse.is_demo} and uplift is not null
        order by period_end_date desc limit 1
        """
    )
    if not rows:
        return ""
    row = rows[0]
    return f"{uplift(row['uplift'], row['interval_low'], row['interval_high'])}, in the 28 days to {display.day(row['period_end_date'])}."


def lines_of(
    warehouse: Published, tables: Figures, entries: Sequence[dict[str, Any]], period: Period
) -> tuple[list[date], list[Line]]:
    """The last months or weeks of each KPI over all segments, in its present definition."""
    name, last_day = {Period.MONTH: ("monthly", "last_day(k.date)"), Period.WEEK: ("weekly", "k.date + 6")}[period]
    rows = tables.rows(
        f"""
        select k.metric, k.date, k.value, k.numerator, k.denominator, k.is_final,
               {last_day} < cast(timestamp '{warehouse.as_of:%Y-%m-%d %H:%M:%S}' + interval '330 minutes' as date)
               and k.date >= first_date as is_whole
        from export_kpis_{name} as k
        inner join export_definitions as d on k.metric = d.metric and k.definition_version = d.definition_version
        cross join (select min(date) as first_date from export_kpis_daily)
        where k.segment = 'ALL'
        order by k.date
        """
    )
    starts = sorted({row["date"] for row in rows})[-MOST_MONTHS:]
    by_key = {(row["metric"], row["date"]): row for row in rows}
    return starts, [Line(entry, [by_key.get((entry["metric"], each)) for each in starts]) for entry in entries]


def weekly_chart(warehouse: Published, tables: Figures, entry: dict[str, Any]) -> Markup:
    """The last weeks that have ended as a line; empty with fewer than two."""
    rows = tables.rows(
        f"""
        select date, value, is_final from export_kpis_weekly
        where segment = 'ALL' and metric = '{entry["metric"]}' and definition_version = {entry["definition_version"]}
          and value is not null and date + 6 < date '{warehouse.as_of.astimezone(IST):%Y-%m-%d}'
        order by date desc limit {MOST_WEEKS}
        """
    )
    points = [
        charts.Point(display.day_short(row["date"]), row["value"], bool(row["is_final"])) for row in reversed(rows)
    ]
    if len(points) < 2:
        return Markup("")
    unit = str(entry["unit"])
    return charts.line_chart(
        points,
        name=str(entry["label"]),
        written=lambda value: display.figure(value, unit),
        target=entry["target"],
        height=150,
    )


def month(first: date) -> str:
    return f"{first:%B %Y}"


def week(first: date) -> str:
    return f"the week from {display.day(first)}"


def segment(name: str) -> str:
    """`All`, `Channel: WhatsApp`, `Language: Hindi`."""
    dimension, _, value = name.partition("=")
    written = display.language(value) if dimension == "language" else display.words(value)
    return f"{display.words(dimension)}: {written}" if value else display.words(dimension)
