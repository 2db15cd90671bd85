"""What an export holds: tables of figures, without a row about any person."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from orchestration.duck import literal, quoted
from orchestration.exports.told import PERIOD_END, Told
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
    "restatements": "select * from marts.restatements where date between $start_date and $end_date order by all",
    "restated_since_last_export": f"""
        with last_told as (
            select metric, period, date, segment, max(told_before.version) as told_in_version
            from (select distinct metric, period, date, segment from marts.restatements)
            inner join told_before on date between first_date and last_date and {PERIOD_END} < day
            group by all
        ),
        restated as (
            select
                told_in_version, metric, period, date, segment, first(old_value order by version) as was,
                last(new_value order by version) as is_now, string_agg(distinct cause, ', ' order by cause) as causes,
                bool_or(old_value is distinct from new_value) as has_moved
            from marts.restatements inner join last_told using (metric, period, date, segment)
            where version > told_in_version and date between $start_date and $end_date
            group by all
        )
        select told_in_version, metric, period, date, segment, was as old_value, is_now as new_value, causes
        from restated
        where was is distinct from is_now or not has_moved
        order by all
    """,
}
"""File name → query. Rows have a set order, so that the same version gives the same bytes.

What is restated since the last export is what readers of the exports before must know: each figure once, as the last export
that told it had it and as it is now. One that moved and came back is not listed; the same value of other counts is.
"""

FORMULA = r"'^\s*[=+\-@|＝＋－＠]|^[\t\r\n]'"
"""Text that a spreadsheet would take for a formula, as `store.spreadsheet.harmless` has it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for. `before`: what earlier exports told, oldest first."""

    first: date
    last: date
    formats: tuple[str, ...]
    before: tuple[Told, ...]

    @property
    def since_version(self) -> str | None:
        """The version of the last export, None for the first."""
        return self.before[-1].version if self.before else None

    @property
    def parameters(self) -> dict[str, object]:
        return {"start_date": self.first, "end_date": self.last}


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
        self._load_told()
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

    def _load_told(self) -> None:
        self._cursor.execute(
            "create or replace temp table told_before (version varchar, first_date date, last_date date, day date)"
        )
        for told in self.scope.before:
            self._cursor.execute("insert into told_before values (?, ?, ?, ?)", list(astuple(told)))

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
