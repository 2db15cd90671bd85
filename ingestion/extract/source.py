"""How DuckDB reads the operational store on each engine: attached READ_ONLY, all tables in one transaction.

A pass-through query is the only way to push a filter down, so what is incremental goes through `sqlite_query` and
`postgres_query`; the only value in them is a whole number of our own manifest.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import duckdb
from sqlalchemy import make_url

from ingestion.contracts import APPEND_ONLY, OPERATIONAL, RawTable
from ingestion.extract.cursor import Position
from ingestion.raw.draft import quoted
from store.attached import attach_postgresql, attach_sqlite
from store.settings import Settings


class Source(Protocol):
    """The operational store as one engine gives it, open as catalog `ops` and used within one transaction."""

    def position(self) -> Position:
        """How far the store is at this instant."""
        ...

    def changed_rows(self, table: RawTable, since: Position | None, /) -> str:
        """The condition on the store's side that gives what changed; empty for every row."""
        ...

    def ask(self, query: str, /) -> list[tuple[str, ...]]:
        """What the store itself answers to a query in its own SQL, in words."""
        ...

    def rows(self, table: RawTable, condition: str, row_count: int, /) -> str:
        """A query of DuckDB that gives the rows, of which there are `row_count`, in the contract's types."""
        ...


def open_source(connection: duckdb.DuckDBPyConnection, settings: Settings, scan_threads: int = 1) -> Source:
    """Attach the store to the connection. Raises FileNotFoundError or an error of DuckDB if it is not there."""
    if settings.is_sqlite:
        return SqliteSource(connection, settings.operations_url, scan_threads)
    return PostgresqlSource(connection, settings.operations_url)


def measure(source: Source, conditions: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """`row_count` and sums of the tables of the contract, counted by the store itself among the rows that a condition gives.

    One question for all of them: each is a round trip, and most tables have nothing new.
    """
    counts = " UNION ALL ".join(_counting(OPERATIONAL[name], condition) for name, condition in conditions.items())
    return {
        name: dict(zip(("row_count", *OPERATIONAL[name].sums), map(int, figures.split()), strict=True))
        for name, figures in source.ask(counts)
    }


def _counting(table: RawTable, condition: str) -> str:
    sums = (f'coalesce(sum(t."{column}"), 0)' for column in table.sums)
    figures = " || ' ' || ".join(["cast(count(*) AS text)", *sums])
    return f"SELECT '{table.name}' AS name, {figures} AS figures FROM \"{table.name}\" AS t" + (
        f" WHERE {condition}" if condition else ""
    )


class SqliteSource:
    """A SQLite file, opened by DuckDB's own SQLite, which must be the only one in this process that does."""

    _SHARE_WORTH_A_SCAN = 5
    """From a fifth of the table on, the attached scan with its typed columns is faster than the pass-through as text."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, url: str, scan_threads: int) -> None:
        path = Path(make_url(url).database or "")
        if not path.is_file():
            raise FileNotFoundError(f"there is no operational store at {path}: run `supportled up` first")
        attach_sqlite(connection, path, scan_threads=scan_threads)
        self._connection = connection

    def position(self) -> Position:
        ((store_id, change),) = self.ask(
            "SELECT store_id, (SELECT value FROM store_counters WHERE name = 'change') FROM store_identity",
        )
        last_rows = {}
        for name in sorted(APPEND_ONLY):
            last = self.ask(f'SELECT rowid, change_seq FROM "{name}" ORDER BY rowid DESC LIMIT 1')
            if last:
                last_rows[name] = (int(last[0][0]), int(last[0][1]))
        return Position(store_id, int(change) + 1, last_rows)

    def changed_rows(self, table: RawTable, since: Position | None, /) -> str:
        if since is None:
            return ""
        if table.name not in APPEND_ONLY:
            return f"change_seq >= {since.next_change_seq:d}"
        rowid, change_seq = since.last_rows.get(table.name, (0, 0))
        anchor = self.ask(f'SELECT change_seq FROM "{table.name}" WHERE rowid = {rowid:d}')
        # SQLite gives the number of a deleted last row again: only while that row stands are all later ones above it.
        return f"rowid > {rowid:d}" if anchor == [(str(change_seq),)] else ""

    def rows(self, table: RawTable, condition: str, row_count: int, /) -> str:
        columns = ", ".join(f'{_from_sqlite(name, kind)} AS "{name}"' for name, kind in table.columns.items())
        where = f" WHERE {condition}" if condition else ""
        if self._is_worth_a_scan(table, condition, row_count) and self._can_be_scanned(table):
            return f'SELECT {columns} FROM ops."{table.name}"{where}'
        texts = ", ".join(_exact_text(name, kind) for name, kind in table.columns.items())
        query = f'SELECT {texts} FROM "{table.name}" AS t{where}'
        return f"SELECT {columns} FROM sqlite_query('ops', '{quoted(query)}')"

    def _can_be_scanned(self, table: RawTable) -> bool:
        """Whether DuckDB, attached, takes the columns for what they are."""
        if "TIME" in table.columns.values():
            return False  # it takes them for timestamps
        # SQLite keeps a document that is a bare number as a number, where DuckDB expects text.
        documents = [
            f"typeof(\"{name}\") IN ('integer', 'real')" for name, kind in table.columns.items() if kind == "JSON"
        ]
        if not documents:
            return True
        return not self.ask(f'SELECT 1 FROM "{table.name}" WHERE {" OR ".join(documents)} LIMIT 1')

    def _is_worth_a_scan(self, table: RawTable, condition: str, row_count: int) -> bool:
        if not condition:
            return True
        ((highest,),) = self.ask(f'SELECT max(rowid) FROM "{table.name}"')
        return row_count * self._SHARE_WORTH_A_SCAN >= int(highest or 0)

    def ask(self, query: str) -> list[tuple[str, ...]]:
        return self._connection.execute(f"FROM sqlite_query('ops', '{quoted(query)}')").fetchall()


class PostgresqlSource:
    """A PostgreSQL database. DuckDB's transaction is one REPEATABLE READ READ ONLY transaction of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, url: str) -> None:
        attach_postgresql(connection, url)
        self._connection = connection

    def position(self) -> Position:
        # A lower number may commit later: what was still running now has at least xmin, and is read (again) next time.
        ((store_id, xmin),) = self.ask(
            "SELECT store_id, pg_snapshot_xmin(pg_current_snapshot())::text FROM store_identity"
        )
        return Position(store_id, int(xmin))

    def changed_rows(self, _table: RawTable, since: Position | None, /) -> str:
        return f"change_seq >= {since.next_change_seq:d}" if since else ""

    def rows(self, table: RawTable, condition: str, _row_count: int, /) -> str:
        columns = ", ".join(_from_postgresql(name, kind) for name, kind in table.columns.items())
        where = f" WHERE {condition}" if condition else ""
        query = f'SELECT {columns} FROM "{table.name}"{where}'
        return f"FROM postgres_query('ops', '{quoted(query)}')"

    def ask(self, query: str) -> list[tuple[str, ...]]:
        return self._connection.execute(f"FROM postgres_query('ops', '{quoted(query)}')").fetchall()


def _from_sqlite(name: str, kind: str) -> str:
    match kind:
        case "TIMESTAMP":
            return f'make_timestamp(cast("{name}" AS BIGINT))'
        case "JSON":
            # SQLAlchemy stores None as the JSON word.
            return f"cast(nullif(\"{name}\", 'null') AS JSON)"
        case "TIME" | "DATE" | "BOOLEAN" | "BIGINT" | "DOUBLE":
            return f'cast("{name}" AS {kind})'
        case _:
            return f'"{name}"'


def _exact_text(name: str, kind: str) -> str:
    # With its table before it, for SQLite takes "a column that is not there" for that text. And it writes a number with
    # 15 digits, which is not always the number.
    column = f't."{name}"'
    return (
        f"CASE WHEN {column} IS NOT NULL THEN printf('%!.17g', {column}) END AS \"{name}\""
        if kind == "DOUBLE"
        else column
    )


def _from_postgresql(name: str, kind: str) -> str:
    match kind:
        case "TIMESTAMP":
            return f'"{name}" AT TIME ZONE \'UTC\' AS "{name}"'
        case "JSON":
            return f'nullif("{name}"::text, \'null\') AS "{name}"'
        case _:
            return f'"{name}"'
