"""The weekly friction report as data; the API answers it as JSON and the report page tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.published.costs import CostLine, cost_analysis
from store.published.kpis import Kpi, kpis
from store.published.periods import LAST_7_DAYS, ReportPeriod, last_7_days, parse_period, period_before
from store.published.versions import Published

TOP_REASONS = 10


@dataclass(frozen=True, slots=True)
class FrictionReason:
    """One issue category of the period. `trend_rate` is count ÷ four-week average − 1, None without an average."""

    rank: int
    issue_category: str
    incidence_count: int
    top_screen: str | None
    top_screen_count: int
    four_week_average: float | None
    trend_rate: float | None
    cx_cost_paise: int
    lost_value_paise: int


@dataclass(frozen=True, slots=True)
class RepeatIssue:
    issue_category: str
    incidence_count: int
    open_or_dropped_count: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    recommendation_id: str
    rank: int
    issue_category: str
    app_screen: str | None
    incidence_count: int
    four_week_average: float | None
    trend_rate: float | None
    lost_value_paise: int
    cx_cost_paise: int
    discount_paise: int
    usual_loss_paise: int
    value_at_risk_paise: int
    evidence_incidence_ids: list[str]
    fix_title: str
    fix_detail: str
    state: str


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """The owner's six parts, and what they stand on."""

    period: ReportPeriod
    top_friction_reasons: list[FrictionReason]
    unresolved_repeats: list[RepeatIssue]
    cost_per_order: list[CostLine]
    self_serve_rate: Kpi
    recommendations: list[Recommendation]
    kpis: dict[str, Kpi]
    previous_kpis: dict[str, Kpi]
    version: str
    as_of: datetime
    is_demo: bool


def weekly_report(warehouse: Published, *, week: str | None = None) -> WeeklyReport:
    """The report of an ISO week (`2026-W47`), or of the last 7 whole IST days. Raises `UnknownPeriod`."""
    period = last_7_days(warehouse.as_of) if week in (None, LAST_7_DAYS) else parse_period(week, warehouse.as_of)
    here = {metric.metric: metric for metric in kpis(warehouse, period)}
    before = {metric.metric: metric for metric in kpis(warehouse, period_before(period))}
    return WeeklyReport(
        period=period,
        top_friction_reasons=[
            FrictionReason(**row)
            for row in _rows(
                warehouse,
                period,
                """
                select rank, issue_category, incidence_count, top_screen, top_screen_count, four_week_average,
                       trend_rate, cx_cost_paise, lost_value_paise
                from marts.fct_friction_reasons
                where period = $period and is_demo = $is_demo and rank <= $most
                order by rank
                """,
                most=TOP_REASONS,
            )
        ],
        unresolved_repeats=[
            RepeatIssue(**row)
            for row in _rows(
                warehouse,
                period,
                """
                select issue_category, incidence_count, open_or_dropped_count
                from marts.fct_repeat_issues
                where period = $period and is_demo = $is_demo and scope = 'CATEGORY' and is_unresolved
                order by incidence_count desc, issue_category
                """,
            )
        ],
        cost_per_order=cost_analysis(warehouse, period),
        self_serve_rate=here["self_serve_conversion_rate"],
        recommendations=[
            Recommendation(**row)
            for row in _rows(
                warehouse,
                period,
                """
                select recommendation_id, rank, issue_category, app_screen, incidence_count, four_week_average, trend_rate,
                       lost_value_paise, cx_cost_paise, discount_paise, usual_loss_paise, value_at_risk_paise,
                       evidence_incidence_ids, fix_title, fix_detail, state
                from marts.fct_weekly_recommendations
                where period = $period and is_demo = $is_demo
                order by rank
                """,
            )
        ],
        kpis=here,
        previous_kpis=before,
        version=warehouse.version,
        as_of=warehouse.as_of,
        is_demo=warehouse.is_demo,
    )


def _rows(warehouse: Published, period: ReportPeriod, sql: str, **parameters: object) -> list[dict[str, Any]]:
    return warehouse.query(sql, {"period": period.name, "is_demo": warehouse.is_demo} | parameters)
