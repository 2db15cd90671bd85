"""What offering help does, against those who are never offered any."""

from dataclasses import dataclass
from datetime import date

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
