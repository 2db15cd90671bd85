"""Orders and users from files also reach the operational store: agents and rules need them there."""

from datetime import UTC, datetime
from typing import Any

import duckdb
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from ingestion.files.fields import Kind
from ingestion.files.mapping import Mapping
from store.erasures import erased_among
from store.session import open_store
from store.settings import Settings
from store.tables import orders, users

BATCH_ROWS = 1_000


def put_into_store(settings: Settings, connection: duckdb.DuckDBPyConnection, mapping: Mapping, as_of: datetime) -> int:
    """Insert or replace the rows of an orders or users file in batches; the number of rows offered.

    A live row (source `app`) stays as it is. Names and phones are written here and nowhere else. Waits while another
    process writes; raises `StoreBusy` if that takes too long, and a second import goes on from there.
    """
    table, rows = _rows(connection, mapping)
    offered = 0
    with open_store(settings) as store:
        while batch := rows.fetchmany(BATCH_ROWS):
            names = [column[0] for column in rows.description or ()]
            values = [_row(table, dict(zip(names, row, strict=True)), as_of) for row in batch]
            store.write(_upsert, table, values)
            offered += len(values)
    return offered


def _rows(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[Table, duckdb.DuckDBPyConnection]:
    if mapping.kind is Kind.ORDERS:
        return orders, connection.execute("SELECT * EXCLUDE (_file_id, _line) FROM file_orders ORDER BY _line")
    return users, connection.execute(
        "SELECT u.* EXCLUDE (_file_id, _line), a.name, a.phone FROM file_users AS u JOIN accepted AS a ON a.line = u._line "
        "ORDER BY _line"
    )


def _row(table: Table, values: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    aware = {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in values.items()
    }
    return aware | {name: as_of for name in ("created_at", "recorded_at", "updated_at") if name in table.c}


def _upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table)
    (key,) = table.primary_key.columns
    if table is users:
        rows = _without_erased(connection, rows)
    given = [name for name in rows[0] if name not in (key.name, "created_at", "recorded_at")]
    changed = {name: insert.excluded[name] for name in given} | {"change_seq": insert.excluded.change_seq}
    connection.execute(
        insert.on_conflict_do_update(index_elements=[key], set_=changed, where=table.c.source != "app"), rows
    )


def _without_erased(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An old file does not bring back whom `supportled erase` took out: the row comes without name and phone."""
    erased = erased_among(connection, (row["user_id"] for row in rows))
    return [row | {"name": None, "phone": None} if row["user_id"] in erased else row for row in rows]
