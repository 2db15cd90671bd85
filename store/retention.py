"""What leaves the operational store when it is old and the published warehouse has it.

The store keeps what is open, 24 months of closed incidences, and 90 days of the context log, scores, prompts, sent messages
and webhook bodies (their dedup keys for 24 months). Histories are read from live and published rows together, so nobody
misses what has left. Demo data stays until it is reset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, func, or_, select, update

from store.deletions import delete_rows
from store.tables import (
    agent_actions,
    approvals,
    context_updates,
    deletions,
    escalation_log,
    friction_scores,
    friction_signals,
    incidence_timeline,
    incidences,
    order_change_requests,
    outbox,
    prompts,
    timers,
    webhook_events,
)

KEPT = timedelta(days=90)
CLOSED_KEPT = timedelta(days=730)
LIVE_SOURCE = "app"


@dataclass(frozen=True, slots=True)
class Ageing:
    """Rows of a table that are over at `at` (their last change) if `condition` holds, and leave `kept` after it."""

    table: Table
    at: Column[Any]
    kept: timedelta
    condition: ColumnElement[bool]

    def overdue(self, published_as_of: datetime, now: datetime, limit: int) -> Any:
        """Keys of rows that may leave, the earliest first."""
        (key,) = self.table.primary_key.columns
        before = min(now - self.kept, published_as_of)
        return select(key).where(self.at < before, self.condition).order_by(key).limit(limit)


_later = context_updates.alias("later")
_is_latest_profile = (context_updates.c.kind == "PROFILE") & (
    context_updates.c.seq
    == select(func.max(_later.c.seq))
    .where(_later.c.user_id == context_updates.c.user_id, _later.c.kind == "PROFILE")
    .scalar_subquery()
)
AGEING: Sequence[Ageing] = (
    Ageing(friction_signals, friction_signals.c.recorded_at, KEPT, friction_signals.c.source == LIVE_SOURCE),
    # What is known of a person is in the last profile, however long ago it was told.
    Ageing(
        context_updates,
        context_updates.c.recorded_at,
        KEPT,
        (context_updates.c.source == LIVE_SOURCE) & ~_is_latest_profile,
    ),
    Ageing(friction_scores, friction_scores.c.evaluated_at, KEPT, friction_scores.c.source == LIVE_SOURCE),
    Ageing(
        prompts,
        prompts.c.due_at,
        KEPT,
        (prompts.c.source == LIVE_SOURCE) & prompts.c.status.not_in(("OFFERED", "SHOWN")),
    ),
    Ageing(outbox, outbox.c.sent_at, KEPT, outbox.c.source == LIVE_SOURCE),
    Ageing(webhook_events, webhook_events.c.processed_at, CLOSED_KEPT, webhook_events.c.source == LIVE_SOURCE),
)
_CLOSED = Ageing(
    incidences,
    incidences.c.updated_at,
    CLOSED_KEPT,
    (incidences.c.source == LIVE_SOURCE)
    & or_(incidences.c.outcome.is_not(None), incidences.c.merged_into.is_not(None)),
)
_PARTS = (incidence_timeline, escalation_log, agent_actions, approvals, order_change_requests)
"""What belongs to an incidence and leaves with it."""


def is_anything_overdue(connection: Connection, published_as_of: datetime, now: datetime) -> bool:
    """Whether `prune` would do something. Reads only."""
    questions = [ageing.overdue(published_as_of, now, 1) for ageing in (*AGEING, _CLOSED)]
    return any(
        connection.execute(question).first() is not None for question in (*questions, _bodies(published_as_of, now, 1))
    )


def prune(connection: Connection, published_as_of: datetime, now: datetime, limit: int) -> int:
    """Take out at most `limit` rows of each kind that are old and published; how many left, parts not counted.

    `published_as_of` is up to when the published warehouse has every fact.
    """
    pruned = 0
    for ageing in AGEING:
        keys = connection.execute(ageing.overdue(published_as_of, now, limit)).scalars().all()
        pruned += _leave(connection, ageing.table, keys, now)
    pruned += _prune_incidences(connection, published_as_of, now, limit)
    pruned += _forget_bodies(connection, published_as_of, now, limit)
    # A note of what left has been read by then; whoever starts anew never had the row.
    connection.execute(delete(deletions).where(deletions.c.deleted_at < min(now - KEPT, published_as_of)))
    return pruned


def _leave(connection: Connection, table: Table, keys: Sequence[Any], now: datetime) -> int:
    if not keys:
        return 0
    (key,) = table.primary_key.columns
    return delete_rows(connection, table, key.in_(keys), "RETENTION", now)


def _prune_incidences(connection: Connection, published_as_of: datetime, now: datetime, limit: int) -> int:
    ids = connection.execute(_CLOSED.overdue(published_as_of, now, limit)).scalars().all()
    if not ids:
        return 0
    for part in _PARTS:
        delete_rows(connection, part, part.c.incidence_id.in_(ids), "RETENTION", now)
    connection.execute(delete(timers).where(timers.c.incidence_id.in_(ids)))
    return _leave(connection, incidences, ids, now)


def _bodies(published_as_of: datetime, now: datetime, limit: int) -> Any:
    before = min(now - KEPT, published_as_of)
    return (
        select(webhook_events.c.event_id)
        .where(webhook_events.c.processed_at < before, webhook_events.c.body.is_not(None))
        .order_by(webhook_events.c.event_id)
        .limit(limit)
    )


def _forget_bodies(connection: Connection, published_as_of: datetime, now: datetime, limit: int) -> int:
    ids = connection.execute(_bodies(published_as_of, now, limit)).scalars().all()
    if not ids:
        return 0
    return connection.execute(
        update(webhook_events).where(webhook_events.c.event_id.in_(ids)).values(body=None)
    ).rowcount
