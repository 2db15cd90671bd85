"""The outbox: messages written in the transaction of the change that asks for them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select

from api.outbox.rules import TIME_TO_LIVE
from store.enums import Destination, OutboxKind, OutboxState
from store.ids import new_id
from store.tables import outbox


def enqueue(
    connection: Connection,
    *,
    destination: Destination | str,
    kind: OutboxKind,
    payload: Mapping[str, Any],
    at: datetime,
    conversation_id: str | None = None,
    incidence_id: str | None = None,
    expires_after_seconds: float | None = None,
    source: str = "app",
) -> str:
    """Have a message sent once this is committed; its id.

    Messages of one conversation go in the order in which they were written. One that was not sent after
    `expires_after_seconds` (by default as long as its kind is worth sending) is not sent any more.
    """
    message_id = new_id(at)
    row: dict[str, Any] = {
        "message_id": message_id,
        "destination": Destination(destination),
        "kind": kind,
        "conversation_id": conversation_id,
        "incidence_id": incidence_id,
        "payload": dict(payload),
        "state": OutboxState.PENDING,
        "created_at": at,
        "due_at": at,
        "expires_at": at
        + (TIME_TO_LIVE[kind] if expires_after_seconds is None else timedelta(seconds=expires_after_seconds)),
        "source": source,
    }
    if conversation_id is not None:
        row["order_in_conversation"] = _next_place(connection, row["destination"], conversation_id)
    connection.execute(insert(outbox).values(row))
    return message_id


def _next_place(connection: Connection, destination: Destination, conversation_id: str) -> int:
    last = select(func.max(outbox.c.order_in_conversation)).where(
        outbox.c.conversation_id == conversation_id, outbox.c.destination == destination
    )
    return (connection.execute(last).scalar_one() or 0) + 1
