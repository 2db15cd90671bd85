"""The demo's orders: one for each visit that converts, worth its cart."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from ingestion.simulate.app_log import Log, Step
from ingestion.simulate.calendar import EVENT_TYPES
from ingestion.simulate.catalogue import cart_items
from ingestion.simulate.city import SOURCE
from ingestion.simulate.rows import NO_INSTANT, Rows
from ingestion.simulate.visits import DAY, HOUR, SECOND, Story, Visits
from store.tables import orders

CANCELLED_SHARE = 0.03
_LEAD_DAYS = np.array([25.0, 4.0, 7.0, 6.0, 5.0, 5.0])
"""How long before its event an order is placed, by event type, on average."""


@dataclass(slots=True)
class Orders:
    """One entry an order, in order of time."""

    visit: np.ndarray
    order_id: list[str]
    placed_at: np.ndarray
    cancelled_at: np.ndarray
    of_visit: np.ndarray
    """The index of each visit's order, -1 without one."""
    modified_at: dict[int, int]
    """When an order was changed, by index; filled while incidences are told."""


def place_orders(rng: np.random.Generator, prefix: str, visits: Visits, log: Log, until_us: int) -> Orders:
    """Orders are placed two seconds after the payment that went through. Only those without help are ever cancelled."""
    paid = np.flatnonzero(log.step == Step.PAYMENT_SUCCESS)
    paid = paid[np.argsort(log.seq[paid])]
    visit = log.visit[paid]
    placed = log.at[paid] + 2 * SECOND
    cancelled = placed + (rng.uniform(1.5, 96, len(paid)) * HOUR).astype(np.int64) // 1000 * 1000
    is_cancelled = (
        (rng.random(len(paid)) < CANCELLED_SHARE) & (visits.story[visit] == Story.ORDER) & (cancelled < until_us)
    )
    of_visit = np.full(len(visits), -1)
    of_visit[visit] = np.arange(len(visit))
    return Orders(
        visit=visit,
        order_id=[f"{prefix.removesuffix('u')}o{n:06d}" for n in range(1, len(visit) + 1)],
        placed_at=placed,
        cancelled_at=np.where(is_cancelled, cancelled, NO_INSTANT),
        of_visit=of_visit,
        modified_at={},
    )


def event_dates(rng: np.random.Generator, visits: Visits) -> list[str]:
    """The day of the event that each visit is about, one day ahead or more, as ISO text."""
    lead = 1 + rng.exponential(1.0, len(visits)) * _LEAD_DAYS[visits.event_type]
    days = (visits.started_at + int(19_800 * SECOND)) // DAY + lead.astype(np.int64).clip(1, 120)
    names: dict[int, str] = {}
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for day in np.unique(days).tolist():
        names[day] = (epoch + timedelta(days=day)).date().isoformat()
    return [names[day] for day in days.tolist()]


def order_rows(found: Orders, visits: Visits, user_ids: np.ndarray, dates: list[str]) -> Rows:
    visit = found.visit
    carts = visits.carts
    modified = np.zeros(len(visit), dtype=np.int64)
    for index, at in found.modified_at.items():
        modified[index] = at
    is_cancelled = found.cancelled_at != NO_INSTANT
    status = np.where(is_cancelled, "CANCELLED", np.where(modified > 0, "MODIFIED", "PLACED")).astype(object)
    texts: dict[tuple[int, int], str] = {}
    items = []
    for pair in zip(carts.platter[visit].tolist(), carts.extra[visit].tolist(), strict=True):
        if pair not in texts:
            texts[pair] = cart_items(*pair)
        items.append(texts[pair])
    return Rows(
        orders,
        {
            "order_id": found.order_id,
            "user_id": user_ids[visits.user[visit]],
            "status": status,
            "event_type": np.array(EVENT_TYPES, dtype=object)[visits.event_type[visit]],
            "event_date": [dates[v] for v in visit.tolist()],
            "guest_count": carts.guests[visit],
            "value_paise": carts.value_paise[visit],
            "items": items,
            "placed_at": found.placed_at,
            "recorded_at": found.placed_at,
            "cancelled_at": found.cancelled_at,
            "source": [SOURCE] * len(visit),
            "source_id": found.order_id,
            "updated_at": np.maximum(np.maximum(found.placed_at, found.cancelled_at), modified),
        },
    )
