"""The report as one self-contained HTML page: no script, no outside request, readable on a phone and on paper."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from markupsafe import Markup

from orchestration.paper import page_of
from orchestration.reports import findings
from store import charts, display, published
from store.enums import Period
from store.published import PastAdvice, Published, TrendPoint, WeeklyReport

TEMPLATE = Path(__file__).parent / "templates" / "friction_report.html"
TREND_WEEKS = 13
SHOWN_KPIS = (
    "self_serve_conversion_rate",
    "assisted_conversion_rate",
    "time_to_resolve",
    "cost_per_assisted_order",
    "contact_rate",
    "friction_rate",
    "escalation_rate",
    "reopen_rate",
    "blocked_action_rate",
)
SHOWN_RECOMMENDATIONS = 10


def render_page(warehouse: Published, report: WeeklyReport, past: Sequence[PastAdvice]) -> str:
    """The page's HTML; `past` is the advice of the week before."""
    weeks = self_serve_weeks(warehouse, report)
    return page_of(
        TEMPLATE,
        report=report,
        past=past,
        shown=[(report.kpis[metric], report.previous_kpis[metric]) for metric in SHOWN_KPIS],
        recommendations=[advice for advice in report.recommendations if advice.value_at_risk_paise > 0][
            :SHOWN_RECOMMENDATIONS
        ],
        weeks=weeks,
        trend=_trend(weeks, report.self_serve_rate.target),
        bar=charts.bar,
        most=max(
            (max(top.incidence_count, top.four_week_average or 0) for top in report.top_friction_reasons), default=0
        ),
        findings=findings,
    )


def self_serve_weeks(warehouse: Published, report: WeeklyReport) -> list[TrendPoint]:
    """The primary KPI by week, up to the report's period."""
    weeks = published.trend(
        warehouse,
        "self_serve_conversion_rate",
        period=Period.WEEK,
        start_date=report.period.start_date - timedelta(weeks=TREND_WEEKS),
        end_date=report.period.end_date,
    )
    return [point for point in weeks if point.value is not None]


def _trend(weeks: Sequence[TrendPoint], target: float | None) -> Markup:
    """The primary KPI as a line; empty with fewer than two weeks."""
    if len(weeks) < 2:
        return Markup("")
    points = [charts.Point(display.day_short(week.date), week.value, week.is_final) for week in weeks]
    name = "Share of orders without help by week; the table below has the figures"
    return charts.line_chart(points, name=name, written=display.share, target=target, height=190)
