"""Statements of SQLAlchemy Core that are run by the hundred a second: compiled once, then handed to the driver itself.

`connection.execute` costs some 40 µs beside what the database does, and a request that writes makes eight of them. A `Prepared`
gives the same rows and raises the same errors for 5 µs. It takes plain statements: no IN of many values, no RETURNING, and
defaults that are constants or SQL.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from operator import methodcaller
from typing import Any, TypeGuard

import psycopg
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Row,
    Select,
    Text,
    Update,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import TextClause
from sqlalchemy.sql.schema import ScalarElementColumnDefault

Statement = Select[*tuple[Any, ...]] | Insert | Update | TextClause
Parameters = Mapping[str, Any]
Process = Callable[[Any], Any] | None
DIALECTS: Mapping[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
"""Each with its own INSERT, which knows ON CONFLICT."""
FEW_ROWS, MOST_ROWS = 16, 64
"""In one statement."""
_NUMBERED = re.compile(r"\$(\d+)")
_make_row: Any = Row
"""Compiled, and without types that say how it is called."""


@dataclass(slots=True)
class _Plan:
    """A statement as one database and one set of columns want it."""

    text: str
    parameters: tuple[tuple[str, Process, Any], ...]
    """Name, conversion, and the value where none is given, in the order of their places."""
    open_cursor: Callable[[Any], Any]
    columns: SimpleResultMetaData
    processors_of: Callable[[Any], tuple[Process, ...] | None]
    """What the driver's values go through, by the cursor that brought the first of them."""
    _processors: tuple[Process, ...] | None = None
    _is_described: bool = False
    _repeated: dict[int, str] = field(default_factory=dict[int, str])

    def bind(self, given: Parameters) -> list[Any]:
        return [
            process(given.get(name, default)) if process is not None else given.get(name, default)
            for name, process, default in self.parameters
        ]

    def of_rows(self, count: int) -> str:
        """The text of an INSERT of so many rows."""
        text = self._repeated.get(count)
        if text is None:
            head, values, tail = _around_values(self.text)
            rows = ", ".join(_moved(values, number * len(self.parameters)) for number in range(count))
            text = self._repeated[count] = f"{head}{rows}{tail}"
        return text

    def rows(self, cursor: Any, many: Iterable[Sequence[Any]]) -> list[Row[Any]]:
        if not self._is_described:
            self._processors, self._is_described = self.processors_of(cursor), True
        processors, columns = self._processors, self.columns
        place = columns._key_to_index  # noqa: SLF001 - a row of SQLAlchemy's own results is made just so
        return [_make_row(columns, processors, place, values) for values in many]


class Prepared:
    """A statement, or one for each dialect by its name."""

    def __init__(self, statement: Statement | Mapping[str, Statement]) -> None:
        self._statement = statement
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._takes_columns = isinstance(statement, (Mapping, Insert))

    def run(self, connection: Connection, parameters: Parameters) -> int:
        """Run it once; how many rows it wrote."""
        plan = self._plan(connection, parameters)
        return _run(connection, plan, plan.text, plan.bind(parameters)).rowcount

    def run_many(self, connection: Connection, parameters: Sequence[Parameters]) -> int:
        """Run an INSERT for each, all of the same keys; how many rows it wrote."""
        plan = self._plan(connection, parameters[0])
        values = [plan.bind(one) for one in parameters]
        # SQLite's driver lets other threads run at each row, and PostgreSQL is asked for each: here it is once for many.
        place = written = 0
        while place < len(values):
            count = _in_one(len(values) - place)
            some = list(chain.from_iterable(values[place : place + count]))
            written += _run(connection, plan, plan.of_rows(count), some).rowcount
            place += count
        return written

    def first(self, connection: Connection, parameters: Parameters) -> Row[Any] | None:
        """The first row, None without one."""
        plan = self._plan(connection, parameters)
        cursor = _run(connection, plan, plan.text, plan.bind(parameters))
        values = cursor.fetchone()
        return plan.rows(cursor, (values,))[0] if values is not None else None

    def one(self, connection: Connection, parameters: Parameters) -> Row[Any]:
        """The first row. Raises `NoResultFound` without one."""
        row = self.first(connection, parameters)
        if row is None:
            raise NoResultFound("No row was found when one was required")
        return row

    def all(self, connection: Connection, parameters: Parameters) -> list[Row[Any]]:
        plan = self._plan(connection, parameters)
        cursor = _run(connection, plan, plan.text, plan.bind(parameters))
        return plan.rows(cursor, cursor.fetchall())

    def _plan(self, connection: Connection, parameters: Parameters) -> _Plan:
        name = connection.dialect.name
        key = (name, *parameters) if self._takes_columns else (name,)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _compile(self._of(name), connection, parameters)
        return plan

    def _of(self, dialect: str) -> Statement:
        return self._statement[dialect] if isinstance(self._statement, Mapping) else self._statement


def _in_one(waiting: int) -> int:
    """How many of so many rows go into the next statement: all of a few, else so many that few texts are needed in all."""
    return waiting if waiting <= FEW_ROWS else min(waiting - waiting % FEW_ROWS, MOST_ROWS)


def is_one_of(column: ColumnElement[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """That a column of text is one of a list: one parameter of that name however long it is, so the statement stays the same."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=postgresql.ARRAY(Text)))
    return column.in_(select(func.json_each(bindparam(name, type_=JSON)).table_valued("value").c.value))


def _compile(statement: Statement, connection: Connection, parameters: Iterable[str]) -> _Plan:
    dialect = connection.dialect
    if isinstance(statement, Insert):
        statement = statement.inline()  # nothing is asked back
    compiled = statement.compile(
        dialect=_by_place(dialect), column_keys=list(parameters) if isinstance(statement, Insert) else None
    )
    assert isinstance(compiled, SQLCompiler)  # noqa: S101
    assert not compiled.post_compile_params, "an IN of many values cannot be prepared"  # noqa: S101
    values = dict(compiled.params)
    if isinstance(statement, Insert):
        values |= {column.key: column.default.arg for column in compiled.insert_prefetch if _is_plain(column.default)}
    columns = list(statement.selected_columns) if isinstance(statement, Select) else []
    types = [column.type.dialect_impl(dialect) for column in columns]

    def processors_of(cursor: Any) -> tuple[Process, ...] | None:
        found = tuple(
            type_.result_processor(dialect, told[1]) for type_, told in zip(types, cursor.description, strict=True)
        )
        return found if any(found) else None

    return _Plan(
        text=str(compiled),
        parameters=tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect), values.get(name))
            for name in compiled.positiontup or ()
        ),
        open_cursor=psycopg.RawCursor if dialect.name == "postgresql" else methodcaller("cursor"),
        columns=SimpleResultMetaData([str(column.key) for column in columns]),
        processors_of=processors_of,
    )


def _by_place(dialect: Dialect) -> Dialect:
    """The dialect as it writes parameters by their place: PostgreSQL's own $1, which its driver need not look for, SQLite's ?."""
    if dialect.name != "postgresql":
        return dialect
    plain: Any = copy(dialect)
    plain.paramstyle, plain.positional = "numeric_dollar", True
    plain.identifier_preparer = plain.preparer(plain)
    return plain


def _moved(values: str, places: int) -> str:
    """A row of values, with its numbered parameters so many places on."""
    return _NUMBERED.sub(lambda found: f"${int(found[1]) + places}", values)


def _around_values(text: str) -> tuple[str, str, str]:
    """What is before the row of an INSERT, the row with its parentheses, and what is after it."""
    start = text.index(" VALUES (") + len(" VALUES ")
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[:start], text[start : place + 1], text[place + 1 :]
    raise AssertionError("an INSERT has a row of values")


def _is_plain(default: Any) -> TypeGuard[ScalarElementColumnDefault]:
    assert default.is_scalar, "a default that is computed cannot be prepared"  # noqa: S101
    return True


def _run(connection: Connection, plan: _Plan, text: str, values: list[Any]) -> Any:
    if not connection.in_transaction():
        connection.begin()  # as SQLAlchemy does at the first statement
    try:
        cursor = plan.open_cursor(connection.connection.driver_connection)
        cursor.execute(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _wrapped(connection, text, error) from error
    return cursor


def _wrapped(connection: Connection, text: str, error: Exception) -> BaseException:
    """The error as SQLAlchemy raises it; a connection that was lost is let go. What was written is not repeated in it."""
    dialect, driver = connection.dialect, connection.connection.dbapi_connection
    is_lost = dialect.is_disconnect(error, driver, None)  # pyright: ignore[reportArgumentType] - any of its errors
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        text, None, error, dialect.loaded_dbapi.Error, connection_invalidated=is_lost, dialect=dialect
    )
