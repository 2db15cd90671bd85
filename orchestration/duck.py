"""How batch work opens DuckDB files: bounded, quiet, without reaching for the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY_LIMIT = "2500MB"
THREADS = 2


@contextmanager
def open_file(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is checkpointed and closed at the end, so that nothing of it stays in a `.wal`."""
    config = {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(spill_dir(path)),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(str(path), read_only=read_only, config=config)
    try:
        yield connection
        if not read_only:
            connection.execute("checkpoint")
    finally:
        connection.close()


def spill_dir(path: Path) -> Path:
    """Where a query puts what does not fit into memory: outside the directory of the file, which is published as it is."""
    return path.parent.parent / f"{path.parent.name}.spill"


def quoted(name: str) -> str:
    """An identifier for SQL text."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A text literal for statements that take no parameters, such as ATTACH."""
    return "'" + str(value).replace("'", "''") + "'"


def table_names(connection: duckdb.DuckDBPyConnection, schema: str, database: str | None = None) -> list[str]:
    """Tables (not views) of a schema, by name."""
    rows = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? and database_name = coalesce(?, current_database()) "
        "order by table_name",
        [schema, database],
    ).fetchall()
    return [name for (name,) in rows]
