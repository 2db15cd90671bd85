"""Put a demo into the operational store in bulk, and take it out again."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Column, Connection, Table, select, text

from ingestion.simulate.city import SOURCE
from ingestion.simulate.rows import NO_INSTANT, Rows
from store import tables
from store.deletions import delete_rows, forget_deletions
from store.session import next_seqs
from store.tables.columns import Instant, current_change

SEQ_COLUMNS = {
    "friction_signals": "seq",
    "context_updates": "seq",
    "friction_scores": "after_seq",
    "user_context": "last_seq",
}
"""Columns that hold places in the context log."""


def put_rows(
    connection: Connection, all_rows: Iterable[Rows], log_length: int, progress: Callable[[str], None]
) -> None:
    """Insert every row in the caller's transaction. The log's numbers follow those that the store has given out."""
    offset = next_seqs(connection, log_length).start - 1 if log_length else 0
    change = _change_number(connection)
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA cache_size = -262144"))
    for rows in all_rows:
        if not len(rows):
            continue
        moved = SEQ_COLUMNS.get(rows.table.name)
        if moved and offset:
            rows.columns[moved] = np.asarray(rows.columns[moved]) + offset
        rows.columns["change_seq"] = [change] * len(rows)
        _put_table(connection, rows)
        progress(f"  {rows.table.name}: {len(rows):,} rows")
    for table in {rows.table for rows in all_rows}:
        # A row that is back was not deleted.
        forget_deletions(connection, table, table.c.source == SOURCE if "source" in table.c else None)


def _change_number(connection: Connection) -> int:
    return connection.execute(select(current_change())).scalar_one()


def _put_table(connection: Connection, rows: Rows) -> None:
    names = list(rows.columns)
    is_sqlite = connection.dialect.name == "sqlite"
    rows = Rows(rows.table, {name: _bound(rows.table.c[name], rows.columns[name], is_sqlite) for name in names})
    cursor = connection.connection.cursor()
    if is_sqlite:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {rows.table.name} ({', '.join(names)}) VALUES ({marks})"
        for batch in rows.batches():
            cursor.executemany(statement, batch)
    else:
        with cursor.copy(f"COPY {rows.table.name} ({', '.join(names)}) FROM STDIN") as copy:
            for batch in rows.batches():
                for row in batch:
                    copy.write_row(row)
    cursor.close()


def _bound(column: Column[Any], values: Any, is_sqlite: bool) -> Any:
    """The values as the driver takes them: a null instant is None, and PostgreSQL reads instants as text."""
    if not isinstance(column.type, Instant):
        return values
    if isinstance(values, list):
        values = np.array([NO_INSTANT if value is None else value for value in values], dtype=np.int64)
    if is_sqlite:
        bound = values.astype(object)
    else:
        bound = np.datetime_as_string(values.view("datetime64[us]"), timezone="UTC").astype(object)
    if column.nullable:
        bound[values == NO_INSTANT] = None
    return bound


def take_out(connection: Connection, at: datetime) -> dict[str, int]:
    """Delete every demo row and leave a row of `deletions` for each; returns how many by table."""
    taken: dict[str, int] = {}
    for table, is_demo in _demo_rows():
        count = delete_rows(connection, table, is_demo, "DEMO_RESET", at)
        if count:
            taken[table.name] = count
    return taken


def _demo_rows() -> list[tuple[Table, Any]]:
    """Each table with the condition that a row of it is of the demo; those that know it by another table come first."""
    demo_users = select(tables.users.c.user_id).where(tables.users.c.source == SOURCE)
    demo_incidences = select(tables.incidences.c.incidence_id).where(tables.incidences.c.source == SOURCE)
    by_reference = [
        (tables.platform_conversations, tables.platform_conversations.c.incidence_id.in_(demo_incidences)),
        (tables.platform_identities, tables.platform_identities.c.user_id.in_(demo_users)),
        (tables.suppressions, tables.suppressions.c.user_id.in_(demo_users)),
        (tables.timers, tables.timers.c.incidence_id.in_(demo_incidences)),
    ]
    by_source = [(t, t.c.source == SOURCE) for t in tables.metadata.sorted_tables if "source" in t.c]
    return [*by_reference, *by_source]
