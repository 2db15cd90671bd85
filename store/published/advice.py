"""What the report of the week before advised, and how those categories went since."""

from dataclasses import dataclass
from datetime import timedelta

from store.enums import RecommendationState
from store.published.periods import ReportPeriod, iso_week_name
from store.published.versions import Published

MOST = 5


@dataclass(frozen=True, slots=True)
class PastAdvice:
    """One recommendation of ISO week `week`: its category and screen then and in the period of the report."""

    week: str
    rank: int
    issue_category: str
    app_screen: str
    fix_title: str
    state: RecommendationState
    incidence_count_then: int
    incidence_count: int
    lost_value_paise_then: int
    lost_value_paise: int


def past_advice(warehouse: Published, period: ReportPeriod) -> list[PastAdvice]:
    """The first five of the last ISO week that had ended when the period began, in their order; empty for the first week."""
    week = iso_week_name(period.start_date - timedelta(days=7))
    rows = warehouse.query(
        """
        select past.period as week, past.rank, past.issue_category, past.app_screen, past.fix_title, past.state,
               past.incidence_count as incidence_count_then, coalesce(here.incidence_count, 0) as incidence_count,
               past.lost_value_paise as lost_value_paise_then, coalesce(here.lost_value_paise, 0) as lost_value_paise
        from marts.fct_weekly_recommendations as past
        left join marts.fct_weekly_recommendations as here
            on here.period = $period and here.is_demo = past.is_demo
            and here.issue_category = past.issue_category and here.app_screen = past.app_screen
        where past.period = $week and past.is_demo = $is_demo and past.value_at_risk_paise > 0 and past.rank <= $most
        order by past.rank
        """,
        {"period": period.name, "week": week, "is_demo": warehouse.is_demo, "most": MOST},
    )
    return [PastAdvice(**{**row, "state": RecommendationState(row["state"])}) for row in rows]
