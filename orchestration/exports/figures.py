"""What an export holds: tables of figures, without a row about any person."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from orchestration.duck import literal, quoted
from store.enums import Period
from store.published import Published

TABLES = {
    **{
        f"kpis_{name}": f"""
            select date, metric, segment, value, numerator, denominator, definition_version, is_final
            from marts.analytics_daily
            where period = '{period}' and date between $start_date and $end_date
            order by metric, segment, date, definition_version
        """
        for name, period in (("daily", Period.DAY), ("weekly", Period.WEEK), ("monthly", Period.MONTH))
    },
    "prompt_uplift": """
        select * from marts.fct_prompt_uplift where period_end_date between $start_date and $end_date
        order by all
    """,
    "definitions": "select * from marts.dim_kpis order by position",
    "restatements": """
        select *, version > coalesce($since_version, '') as is_since_last_export
        from marts.restatements
        where date between $start_date and $end_date
        order by all
    """,
}
"""File name → query. Rows have a set order, so that the same version gives the same bytes."""

FORMULA = r"'^\s*[=+\-@|＝＋－＠]|^[\t\r\n]'"
"""Text that a spreadsheet would take for a formula, as `store.spreadsheet.harmless` has it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for. `since_version`: the version exported before, whose figures readers know."""

    first: date
    last: date
    formats: tuple[str, ...]
    since_version: str | None

    @property
    def parameters(self) -> dict[str, object]:
        return {"start_date": self.first, "end_date": self.last, "since_version": self.since_version}


@dataclass(frozen=True, slots=True)
class Table:
    """`sha256` is of the values, in whatever file they are."""

    row_count: int
    sha256: str


class Figures:
    """The tables of one export, computed once."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, scope: Scope) -> None:
        self._cursor = cursor
        self.scope = scope
        self.tables = {name: self._load(name, sql) for name, sql in TABLES.items()}

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query over `export_<table>`."""
        self._cursor.execute(sql)
        names = [column[0] for column in self._cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in self._cursor.fetchall()]

    def copy(self, name: str, kind: str, path: Path) -> None:
        """Write one table as CSV or Parquet; text that would be a formula gets an apostrophe in CSV."""
        source = f"export_{name}"
        if kind == "parquet":
            self._cursor.execute(f"copy {source} to {literal(path)} (format parquet, compression zstd)")
            return
        columns = ", ".join(
            f"if(regexp_matches({quoted(column)}, {FORMULA}), '''' || {quoted(column)}, {quoted(column)}) as {quoted(column)}"
            if type_ == "VARCHAR"
            else quoted(column)
            for column, type_ in self.columns(name)
        )
        self._cursor.execute(f"copy (select {columns} from {source}) to {literal(path)} (format csv, header)")

    def columns(self, name: str) -> list[tuple[str, str]]:
        """Names and types."""
        rows = self._cursor.execute(f"describe export_{name}").fetchall()
        return [(row[0], row[1]) for row in rows]

    def _load(self, name: str, sql: str) -> Table:
        parameters = {key: value for key, value in self.scope.parameters.items() if f"${key}" in sql}
        self._cursor.execute(f"create or replace temp table export_{name} as {sql}", parameters)
        digest = sha256()
        result = self._cursor.execute(f"select * from export_{name}")
        row_count = 0
        while rows := result.fetchmany(10_000):
            row_count += len(rows)
            digest.update("\n".join(map(repr, rows)).encode())
        return Table(row_count, digest.hexdigest())


@contextmanager
def figures(warehouse: Published, scope: Scope, *, threads: int = 1) -> Iterator[Figures]:
    """The figures of this version. One thread and a set order: the same rows always make the same bytes."""
    with warehouse.cursor() as cursor:
        cursor.execute(f"set threads = {threads}")
        yield Figures(cursor, scope)
