"""From accepted rows to the rows of schema `raw`, for each kind of file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.files import roll_up
from ingestion.files.fields import Kind
from ingestion.files.mapping import Mapping
from ingestion.files.sql import file_row_id_sql, literal

REJECTED = "rejected_rows"


def make_tables(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    file_id: str,
    file_name: str,
    earlier_events: Iterable[tuple[int, Path]],
) -> tuple[str, ...]:
    """Make a table for each raw table that the file fills, of the same name; their names, `rejected_rows` last.

    Of rows with the same native id the last one counts.
    """
    if mapping.kind is Kind.EVENTS:
        roll_up.roll_up(connection, mapping, file_id, earlier_events)
        names = (roll_up.INCIDENCES, roll_up.EVENTS)
    else:
        shape = _SHAPES[mapping.kind]
        source = literal(mapping.source)
        columns = shape.columns.format(incidence_id=file_row_id_sql(source, "source_id"))
        connection.execute(f"""
            CREATE TABLE {shape.table} AS
            SELECT {columns}, {source} AS source, {shape.native_id} AS source_id, {literal(file_id)} AS _file_id, line AS _line
            FROM accepted
            QUALIFY row_number() OVER (PARTITION BY {shape.native_id} ORDER BY line DESC) = 1
            ORDER BY line
        """)
        names = (shape.table,)
    connection.execute(f"""
        CREATE TABLE {REJECTED} AS
        SELECT {literal(file_id)} AS file_id, {literal(file_name)} AS file_name, line, reason, row_text
        FROM rejected ORDER BY line
    """)
    return (*names, REJECTED)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The raw table of a kind, SQL of the native id, and SQL of the columns beside source and id."""

    table: str
    native_id: str
    columns: str


_SHAPES: dict[Kind, _Shape] = {
    Kind.INCIDENCES: _Shape(
        "file_incidences",
        "source_id",
        # Without a time of its own an incidence was open from the start: somebody thought it worth listing.
        """
            {incidence_id} AS incidence_id, user_id, order_id, stage, channel, trigger, outcome, app_screen,
            issue_category, root_cause, resolution_type, order_impact, agent_id, event_type,
            order_value AS order_value_paise, created_at, coalesce(opened_at, created_at) AS opened_at, assigned_at,
            resolved_at, reopen_count, wait_count, escalation_count, is_helped
        """,
    ),
    Kind.ORDERS: _Shape(
        "file_orders",
        "order_id",
        """
            order_id, user_id, event_type, event_date, guest_count, value AS value_paise, placed_at, cancelled_at,
            coalesce(status, CASE WHEN cancelled_at IS NULL THEN 'PLACED' ELSE 'CANCELLED' END) AS status
        """,
    ),
    Kind.USERS: _Shape("file_users", "user_id", "user_id, language, tier, prior_order_count, last_order_date"),
    Kind.SIGNALS: _Shape(
        "file_signals", "source_id", "user_id, session_id, signal_type, value, screen, flow, recorded_at"
    ),
}
