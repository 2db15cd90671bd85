"""The operational store attached to DuckDB as catalog `ops`, READ_ONLY, whatever its engine."""

import importlib
import re
from pathlib import Path

import duckdb
from psycopg.conninfo import conninfo_to_dict, make_conninfo


def attach_sqlite(connection: duckdb.DuckDBPyConnection, file: Path, *, scan_threads: int = 1) -> None:
    """Attach a SQLite file, which nothing else in this process may have open through another library."""
    _load(connection, "sqlite_scanner")
    # With more threads each one reads another snapshot, and rows are torn apart although there is a transaction.
    connection.execute(f"SET sqlite_disable_multithreaded_scans = {scan_threads == 1}")
    connection.execute(f"SET threads = {scan_threads}")
    connection.execute(f"ATTACH {_literal(file)} AS ops (TYPE sqlite, READ_ONLY, BUSY_TIMEOUT 60000)")


def attach_postgresql(connection: duckdb.DuckDBPyConnection, url: str) -> None:
    """Attach the database of a URL of SQLAlchemy's."""
    _load(connection, "postgres_scanner")
    address = conninfo_to_dict(re.sub(r"^postgresql\+\w+:", "postgresql:", url))
    # Not in the address: DuckDB's errors repeat that.
    password = address.pop("password", None)
    connection.execute(f"CREATE SECRET ops_password (TYPE postgres, PASSWORD {_literal(password or '')})")
    connection.execute("SET threads = 1")
    where = _literal(make_conninfo("", **address))
    connection.execute(f"ATTACH {where} AS ops (TYPE postgres, READ_ONLY, SECRET ops_password)")


def _load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its Python package: the extension site is not reachable everywhere."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    file = Path(str(package.__file__)).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    connection.execute(f"LOAD {_literal(file)}")


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
