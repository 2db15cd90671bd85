"""Rows for the operational store, made in bulk and of every table, for the tests of what reads it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Time,
    bindparam,
    text,
)
from sqlalchemy.types import JSON

from store.tables.columns import Instant, current_change

AT = datetime(2026, 11, 20, 6, 30, 15, 123456, tzinfo=UTC)
ORDER_VALUE_PAISE = 1_000_000


def insert_orders(connection: Connection, count: int) -> None:
    """Orders `order-1` … of ORDER_VALUE_PAISE each, in one statement."""
    change = current_change().compile(dialect=connection.dialect)
    connection.execute(
        text(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
            "INSERT INTO orders (order_id, user_id, status, value_paise, placed_at, recorded_at, source, source_id, updated_at, "
            f"change_seq) SELECT 'order-' || i, 'user-' || i % 1000, 'PLACED', :value, :at, :at, 'app', 'order-' || i, :at, {change} "
            "FROM n"
        ).bindparams(bindparam("at", type_=Instant)),
        {"count": count, "value": ORDER_VALUE_PAISE, "at": AT},
    )


TYPED_BY_PEOPLE = {
    ("users", "name"),
    ("users", "phone"),
    ("agents", "name"),
    ("incidences", "user_inputs"),
    ("incidence_timeline", "text"),
    ("escalation_log", "reason"),
    ("agent_actions", "parameters"),
    ("approvals", "reason"),
    ("order_change_requests", "details"),
    ("order_change_requests", "refusal_reason"),
    ("recommendation_states", "note"),
    ("webhook_events", "body"),
    ("webhook_events", "failure"),
    ("outbox", "payload"),
    ("outbox", "failure"),
}
"""Columns that hold what a person is called or typed."""


def row_of(table: Table, number: int, personal: str) -> dict[str, Any]:
    """A row with every column filled, each with a value of its own; those that people type hold `personal` too."""
    return {
        column.name: _value(column, number, personal if (table.name, column.name) in TYPED_BY_PEOPLE else column.name)
        for column in table.columns
        if column.name != "change_seq"
    }


def _value(column: Column[Any], number: int, words: str) -> Any:  # noqa: PLR0911 - one line for each type
    match column.type:
        case Instant():
            return AT + timedelta(days=number)
        case Boolean():
            return number % 2 == 0
        case Integer():
            return number
        case Float():
            return number + 0.1 + 0.2
        case Date():
            return date(2026, 1, 1) + timedelta(days=number)
        case Time():
            return time(9, number, 5)
        case JSON():
            return {"नाम": number, "words": [words, None]}
        case LargeBinary():
            return words.encode()
        case String(length=length):
            return f"{words}-{number}"[-length:] if length else f"{words}-{number}"
        case other:
            raise TypeError(f"no value for {other!r}")
