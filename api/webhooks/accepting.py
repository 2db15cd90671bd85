"""Storing what arrived, once however often it comes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ingestion.platforms.events import Delivery
from store.enums import WebhookState
from store.ids import new_id
from store.prepared import DIALECTS
from store.tables import webhook_events


def accept(connection: Connection, delivery: Delivery, at: datetime) -> bool:
    """Keep the event to be applied; False if it was there, which is counted. What it says is not judged here."""
    told = delivery.occurred_at
    row = {
        "event_id": new_id(at),
        "platform": delivery.platform,
        "dedup_key": delivery.dedup_key,
        "topic": delivery.topic,
        "conversation_id": delivery.conversation_id,
        "body": delivery.body,
        "redacted_body": delivery.redacted_body,
        "state": WebhookState.PENDING,
        # A clock that runs ahead of ours must not make its event the latest for ever.
        "occurred_at": at if told is None or told > at else told,
        "received_at": at,
    }
    return connection.execute(_INSERT[connection.dialect.name], row).scalar_one() == 0


def _insert(dialect: Any) -> Any:
    insert = dialect.insert(webhook_events)
    return insert.on_conflict_do_update(
        index_elements=["platform", "dedup_key"],
        set_={"duplicate_count": webhook_events.c.duplicate_count + 1, "change_seq": insert.excluded.change_seq},
    ).returning(webhook_events.c.duplicate_count)


_INSERT = {name: _insert(dialect) for name, dialect in DIALECTS.items()}
