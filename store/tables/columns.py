"""Column types and the columns that every table shares."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Dialect, MetaData, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXTERNAL_ID_LENGTH = 128


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime. PostgreSQL keeps `timestamptz`; SQLite keeps whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        if dialect.name == "postgresql":
            return value
        delta = value - EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)
        return EPOCH + timedelta(0, 0, value)


class current_change(ColumnElement[int]):  # noqa: N801 - reads as the SQL function it is
    """The number of the writing transaction: what `change_seq` is filled with.

    On PostgreSQL it is the transaction id, so that a reader can tell what was still running when it last looked. On
    SQLite, where one transaction writes at a time, the session raises a counter once per transaction.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(current_change, "sqlite")
def _current_change_on_sqlite(element: current_change, compiler: SQLCompiler, **kw: Any) -> str:
    return "(SELECT value FROM store_counters WHERE name = 'change')"


@compiles(current_change, "postgresql")
def _current_change_on_postgresql(element: current_change, compiler: SQLCompiler, **kw: Any) -> str:
    return "pg_current_xact_id()::text::bigint"


def change_seq(*, index: bool = True) -> Column[int]:
    """The column by which the extract finds what changed. Append-only tables are found by `seq` and need no index."""
    return Column(
        "change_seq", BigInteger, nullable=False, index=index, default=current_change(), onupdate=current_change()
    )


def source() -> Column[str]:
    """Where a row came from: `app` for live ones, `file:<mapping>`, an import's name, or `demo`."""
    return Column("source", String(64), nullable=False, default="app")


def row_id(name: str) -> Column[str]:
    """A UUID in its 36-character form: version 7 for live rows, version 5 of (source, native id) for rows from files."""
    return Column(name, String(36), primary_key=True)


def reference(name: str, *, nullable: bool = True) -> Column[str]:
    """An id of ours in another table, or of the app's own (users, orders)."""
    return Column(name, String(EXTERNAL_ID_LENGTH), nullable=nullable)


def word(name: str, *, nullable: bool = False) -> Column[str]:
    """A word of store/enums.py, or a code of a rule set."""
    return Column(name, String(64), nullable=nullable)


def document(name: str, *, nullable: bool = True) -> Column[Any]:
    """A value of JSON; None is NULL."""
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def instant(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, Instant, nullable=nullable)


def paise(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)
