"""Writing signals by the hundred. SQLAlchemy's own way would cost as much again as the database."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import postgresql, sqlite

from store.tables import friction_signals
from store.tables.columns import Instant

COLUMNS = (
    "seq",
    "user_id",
    "session_id",
    "signal_type",
    "value",
    "screen",
    "flow",
    "client_event_id",
    "client_at",
    "recorded_at",
    "source",
)
_INSTANT = Instant()


def instant_of(connection: Connection, at: datetime | None) -> Any:
    """The instant as the driver takes it."""
    return _INSTANT.process_bind_param(at, connection.dialect)


def insert_signals(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert rows, each with a value for each of COLUMNS as the driver takes it, and leave out those whose
    (user_id, client_event_id) is there; the number that were inserted.
    """
    statement, is_named = _statement(connection.dialect)
    values = [dict(zip(COLUMNS, row, strict=True)) for row in rows] if is_named else list(rows)
    return connection.exec_driver_sql(statement, values).rowcount


@cache
def _statement(dialect: Dialect) -> tuple[str, bool]:
    """The statement as the driver takes it, and whether it wants its values by name."""
    insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(friction_signals)
    once = insert.on_conflict_do_nothing(index_elements=["user_id", "client_event_id"])
    compiled = once.compile(dialect=dialect, column_keys=list(COLUMNS))
    if not dialect.positional:
        return str(compiled), True
    assert tuple(compiled.positiontup or ()) == COLUMNS  # noqa: S101 - the order in which rows are given
    return str(compiled), False
