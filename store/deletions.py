"""Rows that leave the store, each with a row of `deletions`, so that who reads what changed learns of it."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, literal, select

from store.tables import deletions
from store.tables.columns import Instant, current_change

Reason = Literal["RETENTION", "DEMO_RESET", "CORRECTION"]


def delete_rows(
    connection: Connection, table: Table, condition: ColumnElement[bool], reason: Reason, at: datetime
) -> int:
    """Delete the rows that meet the condition and note each one; how many there were."""
    key = row_key(table)
    forget_deletions(connection, table, condition)
    gone = select(literal(table.name), key, literal(reason), literal(at, Instant()), current_change()).where(condition)
    names = ["table_name", "row_key", "reason", "deleted_at", "change_seq"]
    connection.execute(deletions.insert().from_select(names, gone, include_defaults=False))
    return connection.execute(table.delete().where(condition)).rowcount


def forget_deletions(connection: Connection, table: Table, condition: ColumnElement[bool] | None = None) -> None:
    """What is there (again) is not deleted: drop the notes of these rows, of all rows without a condition."""
    keys = select(row_key(table))
    if condition is not None:
        keys = keys.where(condition)
    connection.execute(deletions.delete().where(deletions.c.table_name == table.name, deletions.c.row_key.in_(keys)))


def row_key(table: Table) -> ColumnElement[Any]:
    """The primary key as `deletions` writes it: its parts joined by `/`."""
    first, *others = [column.cast(deletions.c.row_key.type) for column in table.primary_key.columns]
    for part in others:
        first = first + literal("/") + part
    return first
