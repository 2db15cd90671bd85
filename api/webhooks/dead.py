"""Events that were given up: what they are, and applying them again once the cause is gone."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, RowMapping, select, update

from store.enums import WebhookState
from store.tables import webhook_events


def list_dead(connection: Connection, limit: int = 1_000) -> Sequence[RowMapping]:
    """The newest dead events with their reasons; no word of what they say."""
    columns = ("event_id", "platform", "topic", "attempts", "failure", "received_at")
    query = select(*(webhook_events.c[name] for name in columns)).where(webhook_events.c.state == WebhookState.DEAD)
    return connection.execute(query.order_by(webhook_events.c.received_at.desc()).limit(limit)).mappings().all()


def replay_dead(connection: Connection, event_ids: Collection[str] = ()) -> int:
    """Have these dead events, or all of them, applied again from the bytes as received; how many. Erased ones stay."""
    again = update(webhook_events).where(
        webhook_events.c.state == WebhookState.DEAD, webhook_events.c.body.is_not(None)
    )
    if event_ids:
        again = again.where(webhook_events.c.event_id.in_(event_ids))
    values = {"state": WebhookState.PENDING, "attempts": 0, "due_at": None, "processed_at": None}
    return connection.execute(again.values(values).execution_options(preserve_rowcount=True)).rowcount
