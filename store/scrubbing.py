"""Taking out of the database's files what an update or a delete only let go of."""

import random
import time
from collections.abc import Iterable
from typing import Any

import pysqlite3
from sqlalchemy import make_url, text

from store.clock import monotonic_seconds
from store.engines import schema_engine, write_engine
from store.errors import StoreError

PATIENCE_SECONDS = 60.0
_sqlite: Any = pysqlite3


class StillInUse(StoreError):
    """The rows are changed, but earlier bytes of them are still in the database's files."""

    code = "store_still_in_use"
    remedy = "Run the same command again when the long read (a build, a backup) or the busy writer has ended."


def scrub(url: str, tables: Iterable[str]) -> None:
    """Write the database anew, so that its files hold what its rows hold and nothing from before.

    SQLite: the whole file, and its log is cut to nothing. PostgreSQL: these tables, with new statistics (the old ones
    quote values); its write-ahead log keeps earlier pages until it is recycled. Other processes may go on meanwhile:
    they wait. Raises `StillInUse` if they leave no gap for a minute.
    """
    if make_url(url).get_backend_name() == "sqlite":
        _scrub_file(url)
    else:
        _scrub_tables(url, sorted(tables))


def _scrub_file(url: str) -> None:
    engine = write_engine(url)
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA temp_store=FILE")  # a whole store may not fit into memory
        cursor.execute("PRAGMA busy_timeout=0")
        deadline = monotonic_seconds() + PATIENCE_SECONDS
        _until_free(deadline, lambda: cursor.execute("VACUUM") is not None)
        _until_free(deadline, lambda: cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
    finally:
        connection.close()
        engine.dispose()


def _until_free(deadline: float, attempt: Any) -> None:
    """SQLite's own waiting looks too seldom to find the short gaps of a busy writer."""
    while True:
        try:
            if attempt():
                return
        except _sqlite.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {_sqlite.SQLITE_BUSY, _sqlite.SQLITE_LOCKED}:
                raise
        if monotonic_seconds() > deadline:
            raise StillInUse(f"The store's file was in use for {PATIENCE_SECONDS:.0f} seconds and is not cleaned yet.")
        time.sleep(random.uniform(0.0005, 0.005))  # noqa: S311 - two that wait must not step together


def _scrub_tables(url: str, tables: list[str]) -> None:
    engine = schema_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in tables:
                connection.execute(text(f'VACUUM (FULL, ANALYZE) "{table}"'))
    finally:
        engine.dispose()
