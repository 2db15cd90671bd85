"""What offering help does, against those who are never offered any."""

from dataclasses import dataclass
from datetime import date

from store.published.periods import ReportPeriod
from store.published.versions import Published


@dataclass(frozen=True, slots=True)
class PromptEffect:
    """Prompted users and the holdout over a window that ends on a day. Rates are None for an arm without users."""

    window: str
    period_end_date: date
    treated_users: int
    treated_converted: int
    holdout_users: int
    holdout_converted: int
    treated_rate: float | None
    holdout_rate: float | None
    uplift: float | None
    interval_low: float | None
    interval_high: float | None


def prompt_effects(warehouse: Published, *, is_demo: bool | None = None) -> list[PromptEffect]:
    """`SINCE_START` first, then windows of 28 days, newest first."""
    rows = warehouse.query(
        """
        select "window", period_end_date, treated_users, treated_converted, holdout_users, holdout_converted,
               treated_rate, holdout_rate, uplift, interval_low, interval_high
        from marts.fct_prompt_uplift
        where is_demo = $is_demo
        order by "window" = 'SINCE_START' desc, period_end_date desc
        """,
        {"is_demo": warehouse.is_demo if is_demo is None else is_demo},
    )
    return [PromptEffect(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class PromptOutcome:
    """What became of the prompts of one rule that were due in a period."""

    rule_code: str
    due_count: int
    shown_count: int
    accepted_count: int
    dismissed_count: int
    expired_count: int
    suppressed_count: int
    withheld_count: int

    @property
    def accepted_rate(self) -> float | None:
        """Of those that were shown."""
        return self.accepted_count / self.shown_count if self.shown_count else None


def prompt_outcomes(warehouse: Published, period: ReportPeriod) -> list[PromptOutcome]:
    """By rule, the most frequent first."""
    rows = warehouse.query(
        """
        select rule_code, count(*) as due_count, count(shown_at) as shown_count, count(accepted_at) as accepted_count,
               count(dismissed_at) as dismissed_count, count(*) filter (status = 'EXPIRED') as expired_count,
               count(*) filter (status = 'SUPPRESSED') as suppressed_count,
               count(*) filter (status = 'WITHHELD') as withheld_count
        from marts.fct_prompts
        where due_date between $start_date and $end_date and is_demo = $is_demo
        group by rule_code
        order by due_count desc, rule_code
        """,
        {"start_date": period.start_date, "end_date": period.end_date, "is_demo": warehouse.is_demo},
    )
    return [PromptOutcome(**row) for row in rows]
