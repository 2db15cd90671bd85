"""What stops people, over any period and any filter: reasons, the screens they meet them on, and what comes back.

The marts `fct_friction_reasons` and `fct_repeat_issues` hold the same figures for the weeks of the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from store.published.kpis import INCIDENCES, filter_sql
from store.published.periods import ReportPeriod
from store.published.versions import Published
from store.published.weekly_report import FrictionReason

DAYS_BEFORE = 28
REPEATED_MORE_THAN = 3


@dataclass(frozen=True, slots=True)
class ScreenReason:
    """Incidences of one category on one screen."""

    app_screen: str
    issue_category: str
    incidence_count: int
    cx_cost_paise: int
    lost_value_paise: int


@dataclass(frozen=True, slots=True)
class WeeklyRepeat:
    """A category that came more than three times in the week from `week_start_date`; `user_count` of them repeated it."""

    week_start_date: date
    issue_category: str
    incidence_count: int
    open_or_dropped_count: int
    user_count: int
    lost_value_paise: int


def friction_reasons(
    warehouse: Published, period: ReportPeriod, filters: Mapping[str, str] | None = None
) -> list[FrictionReason]:
    """Categories of the period, most frequent first.

    `four_week_average` is scaled to the period's length: what as many days usually have, by the 28 days before; None
    while there are no 28 days of facts before it.
    """
    condition, parameters = filter_sql(warehouse, filters or {})
    rows = warehouse.query(
        f"""
        with first_day as (
            select min(created_date) as date from {INCIDENCES} where is_demo = $realm
        ),
        screens as (
            select issue_category, app_screen,
                   count(*) filter (created_date >= $start_date) as incidence_count,
                   count(*) filter (created_date < $start_date) as incidence_count_before,
                   coalesce(sum(cx_cost_paise) filter (created_date >= $start_date), 0) as cx_cost_paise,
                   coalesce(sum(lost_value_paise) filter (created_date >= $start_date), 0) as lost_value_paise
            from {INCIDENCES}
            where created_date between cast($start_date as date) - $days_before and $end_date and {condition}
            group by all
        ),
        categories as (
            select issue_category,
                   sum(incidence_count) as incidence_count,
                   arg_max(app_screen, (incidence_count, app_screen)) as top_screen,
                   max(incidence_count) as top_screen_count,
                   if(any_value(first_day.date) <= cast($start_date as date) - $days_before,
                      sum(incidence_count_before) * $day_count / $days_before, null) as four_week_average,
                   sum(cx_cost_paise) as cx_cost_paise,
                   sum(lost_value_paise) as lost_value_paise
            from screens cross join first_day
            group by issue_category
            having sum(incidence_count) > 0
        )
        select row_number() over (order by incidence_count desc, issue_category) as rank, issue_category,
               cast(incidence_count as bigint) as incidence_count, top_screen, top_screen_count, four_week_average,
               incidence_count / nullif(four_week_average, 0) - 1 as trend_rate,
               cast(cx_cost_paise as bigint) as cx_cost_paise, cast(lost_value_paise as bigint) as lost_value_paise
        from categories
        order by rank
        """,
        parameters
        | _days(period)
        | {"realm": _realm(warehouse, filters), "day_count": period.day_count, "days_before": DAYS_BEFORE},
    )
    return [FrictionReason(**row) for row in rows]


def screens_and_reasons(
    warehouse: Published, period: ReportPeriod, filters: Mapping[str, str] | None = None
) -> list[ScreenReason]:
    """Where in the app which reason comes up: a line for each pair that does."""
    condition, parameters = filter_sql(warehouse, filters or {})
    rows = warehouse.query(
        f"""
        select app_screen, issue_category, count(*) as incidence_count,
               cast(sum(cx_cost_paise) as bigint) as cx_cost_paise,
               cast(sum(lost_value_paise) as bigint) as lost_value_paise
        from {INCIDENCES}
        where created_date between $start_date and $end_date and {condition}
        group by all
        order by incidence_count desc, app_screen, issue_category
        """,
        parameters | _days(period),
    )
    return [ScreenReason(**row) for row in rows]


def repeat_issues(
    warehouse: Published, period: ReportPeriod, filters: Mapping[str, str] | None = None
) -> list[WeeklyRepeat]:
    """Categories that came more than three times in a week, newest week first.

    Seven days are one week, wherever they begin; of a longer period the ISO weeks that lie in it whole count.
    """
    condition, parameters = filter_sql(warehouse, filters or {})
    week = "cast($start_date as date)" if period.day_count == 7 else "cast(date_trunc('week', created_date) as date)"
    rows = warehouse.query(
        f"""
        with users as (
            select {week} as week_start_date, issue_category, user_id, count(*) as incidence_count,
                   count(*) filter (not is_closed or outcome = 'DROPPED') as open_or_dropped_count,
                   sum(lost_value_paise) as lost_value_paise
            from {INCIDENCES}
            where created_date between $start_date and $end_date and issue_category <> 'UNCLASSIFIED' and {condition}
            group by all
        )
        select week_start_date, issue_category, cast(sum(incidence_count) as bigint) as incidence_count,
               cast(sum(open_or_dropped_count) as bigint) as open_or_dropped_count,
               count(*) filter (incidence_count > {REPEATED_MORE_THAN}) as user_count,
               cast(sum(lost_value_paise) as bigint) as lost_value_paise
        from users
        where week_start_date >= $start_date and week_start_date + 6 <= $end_date
        group by all
        having sum(incidence_count) > {REPEATED_MORE_THAN}
        order by week_start_date desc, incidence_count desc, issue_category
        """,
        parameters | _days(period),
    )
    return [WeeklyRepeat(**row) for row in rows]


def _days(period: ReportPeriod) -> dict[str, object]:
    return {"start_date": period.start_date, "end_date": period.end_date}


def _realm(warehouse: Published, filters: Mapping[str, str] | None) -> bool:
    return filters["source"] == "demo" if filters and "source" in filters else warehouse.is_demo
