"""Recommendations of a week, and what became of those that somebody decided on."""

from dataclasses import dataclass
from datetime import datetime

from store.enums import RecommendationState
from store.published.kpis import INCIDENCES
from store.published.periods import ReportPeriod
from store.published.versions import Published
from store.published.weekly_report import Recommendation

FEWEST_DAYS_AFTER = 7
"""Sooner nothing is said: one quiet day is no success."""


@dataclass(frozen=True, slots=True)
class WeeklyMean:
    """What a category on a screen has a week; money in paise."""

    incidence_count: float
    cx_cost_paise: float
    lost_value_paise: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A recommendation that somebody accepted, did or rejected, and how its category went on that screen.

    `before` is a week's mean of the 28 days before the day of the decision, `after` of the `days_after` whole days since
    it; None for fewer than seven, and if it was rejected.
    """

    recommendation_id: str
    week: str
    issue_category: str
    app_screen: str
    fix_title: str
    state: RecommendationState
    changed_at: datetime
    days_after: int
    before: WeeklyMean
    after: WeeklyMean | None


def recommendations(warehouse: Published, period: ReportPeriod) -> list[Recommendation]:
    """Of a period that has a report (`last_7_days` or an ISO week), dearest first; empty for any other."""
    rows = warehouse.query(
        """
        select recommendation_id, rank, issue_category, app_screen, incidence_count, four_week_average, trend_rate,
               lost_value_paise, cx_cost_paise, discount_paise, usual_loss_paise, value_at_risk_paise,
               evidence_incidence_ids, fix_title, fix_detail, state
        from marts.fct_weekly_recommendations
        where period = $period and is_demo = $is_demo
        order by rank
        """,
        {"period": period.name, "is_demo": warehouse.is_demo},
    )
    return [Recommendation(**row) for row in rows]


def has_recommendation(warehouse: Published, recommendation_id: str) -> bool:
    rows = warehouse.query(
        "select 1 from marts.fct_weekly_recommendations where recommendation_id = ? limit 1", [recommendation_id]
    )
    return bool(rows)


def decisions(warehouse: Published) -> list[Decision]:
    """What was decided on, latest first, with a week's mean before and after."""
    rows = warehouse.query(
        f"""
        with decided as (
            select recommendation_id, period as week, issue_category, app_screen, fix_title, state, state_changed_at,
                   cast(state_changed_at + interval '5 hours 30 minutes' as date) as decided_date
            from marts.fct_weekly_recommendations
            where state <> 'OPEN' and is_demo = $is_demo
            -- The last 7 days and the week they end in share an id; the week is what people remember.
            qualify row_number() over (partition by recommendation_id order by period = 'last_7_days') = 1
        ),
        today as (
            select cast(as_of + interval '5 hours 30 minutes' as date) as date from marts.data_as_of
        ),
        spans as (
            select decided.*, cast(greatest(0, today.date - decided_date - 1) as integer) as days_after
            from decided cross join today
        )
        select recommendation_id, week, spans.issue_category, spans.app_screen, fix_title, state,
               state_changed_at as changed_at, days_after,
               count(i.incidence_id) filter (i.created_date < decided_date) as count_before,
               coalesce(sum(i.cx_cost_paise) filter (i.created_date < decided_date), 0) as cost_before,
               coalesce(sum(i.lost_value_paise) filter (i.created_date < decided_date), 0) as lost_before,
               count(i.incidence_id) filter (i.created_date > decided_date) as count_after,
               coalesce(sum(i.cx_cost_paise) filter (i.created_date > decided_date), 0) as cost_after,
               coalesce(sum(i.lost_value_paise) filter (i.created_date > decided_date), 0) as lost_after
        from spans
        left join {INCIDENCES} as i
            on i.is_demo = $is_demo and i.issue_category = spans.issue_category and i.app_screen = spans.app_screen
            and i.created_date between decided_date - 28 and decided_date + days_after
        group by all
        order by changed_at desc, recommendation_id
        """,
        {"is_demo": warehouse.is_demo},
    )
    return [_decision(row) for row in rows]


def _decision(row: dict[str, object]) -> Decision:
    before, after = (
        [float(str(row.pop(f"{what}_{side}"))) for what in ("count", "cost", "lost")] for side in ("before", "after")
    )
    days_after = int(str(row["days_after"]))
    state = RecommendationState(str(row.pop("state")))
    is_told = days_after >= FEWEST_DAYS_AFTER and state is not RecommendationState.REJECTED
    return Decision(
        **row,  # pyright: ignore[reportArgumentType]
        state=state,
        before=WeeklyMean(*(total / 4 for total in before)),
        after=WeeklyMean(*(total * 7 / days_after for total in after)) if is_told else None,
    )
