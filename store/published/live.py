"""The live tables of the operational store beside the published warehouse, read-only, for analysts."""

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import duckdb
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store.published.versions import WarehouseUnavailable
from store.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


class NoLiveTables(WarehouseUnavailable):
    code = "no_live_tables"
    remedy = "Run ./supportled up; it makes the operational store."


class Live:
    """The operational store as catalog `ops`. What the API writes is there at once; so are names, phones and messages,
    which the warehouse never holds. On SQLite an instant is a whole number of microseconds: `make_timestamp(created_at)`.

    Not for the process that writes the store: two SQLite libraries on one file undo each other's locks.
    """

    def __init__(self, settings: Settings) -> None:
        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})
        attach = _attach_sqlite if settings.is_sqlite else _attach_postgresql
        attach(self._connection, settings.operations_url)
        self._connection.execute("USE ops")

    def frame(self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None) -> "pd.DataFrame":
        """The rows of a query as a pandas frame; a statement that writes is refused."""
        return self._connection.execute(sql, parameters).df()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_live(settings: Settings) -> Live:
    """Open the live tables read-only; raises `NoLiveTables` where there is no store."""
    if settings.is_sqlite and not _path(settings.operations_url).is_file():
        raise NoLiveTables("There is no operational store yet.")
    return Live(settings)


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its Python package: the extension site is not reachable everywhere."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    file = Path(str(package.__file__)).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    connection.execute(f"LOAD {_literal(file)}")


def _attach_sqlite(connection: duckdb.DuckDBPyConnection, url: str) -> None:
    load_extension(connection, "sqlite_scanner")
    # With more threads each one reads another snapshot, and rows are torn apart.
    connection.execute("SET sqlite_disable_multithreaded_scans = true")
    connection.execute(f"ATTACH {_literal(_path(url))} AS ops (TYPE sqlite, READ_ONLY, BUSY_TIMEOUT 60000)")


def _attach_postgresql(connection: duckdb.DuckDBPyConnection, url: str) -> None:
    load_extension(connection, "postgres_scanner")
    address = conninfo_to_dict(re.sub(r"^postgresql\+\w+:", "postgresql:", url))
    # Not in the address: DuckDB's errors repeat that.
    password = address.pop("password", None)
    connection.execute(f"CREATE SECRET ops_password (TYPE postgres, PASSWORD {_literal(password or '')})")
    where = _literal(make_conninfo("", **address))
    connection.execute(f"ATTACH {where} AS ops (TYPE postgres, READ_ONLY, SECRET ops_password)")


def _path(url: str) -> Path:
    return Path(urlsplit(url).path.removeprefix("/"))


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
