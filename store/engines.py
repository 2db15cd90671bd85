"""Engines for the operational store: what each database needs so that a commit is durable and a read is a snapshot."""

import os
import random
import time
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from store.clock import monotonic_seconds
from store.errors import SqliteTooOld, StoreBusy

OLDEST_SAFE_SQLITE = (3, 51, 3)
LOCK_WAIT_SECONDS = 60.0
KEPT_STATEMENTS = 512
"""Prepared, on each connection: an INSERT of many rows is another statement for each number of rows."""
_MIB = 1024 * 1024
_ONE_SNAPSHOT = r"-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read"
"""Of the session, so that it holds without BEGIN too, and is not sent with each."""
_sqlite: Any = pysqlite3
"""A C module without types."""


def check_sqlite_version(version: tuple[int, int, int]) -> None:
    """Raise `SqliteTooOld` for a SQLite whose WAL can lose commits."""
    if version < OLDEST_SAFE_SQLITE:
        found, oldest = (".".join(map(str, v)) for v in (version, OLDEST_SAFE_SQLITE))
        raise SqliteTooOld(f"SQLite {found} can lose committed changes; {oldest} is the oldest that does not.")


def read_engine(url: str) -> Engine:
    """An engine whose connections only read, each transaction from one snapshot."""
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(address, begin=_begin_read, pragmas={"query_only": 1, "cache_size": -16 * 1024})
    return _postgresql_engine(address, pool_size=8, defaults=_ONE_SNAPSHOT)


def write_engine(url: str) -> Engine:
    """An engine whose every transaction writes: on SQLite it waits for the write lock and has its own change number."""
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(address, begin=_begin_change, pragmas={"cache_size": -64 * 1024})
    return _postgresql_engine(address, pool_size=2)


def schema_engine(url: str) -> Engine:
    """An engine for migrations, on a store that may still be empty. Makes the directory and the file of SQLite."""
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        _make_private_file(address)
        return _sqlite_engine(address, begin=_begin_write, pragmas={})
    return _postgresql_engine(address, pool_size=1)


def _address(url: str) -> URL:
    address = make_url(url)
    match address.get_backend_name():
        case "sqlite":
            return address.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return address.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(
                f"SUPPORTLED_OPERATIONS_URL names {other}; the store is a sqlite:/// or a postgresql:// URL."
            )


def _make_private_file(address: URL) -> None:
    """SQLite gives the write-ahead log the rights of the file: names and phones are for our own user only."""
    if address.database:
        path = Path(address.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT, 0o600))


def _postgresql_engine(address: URL, *, pool_size: int, defaults: str = "") -> Engine:
    engine = create_engine(
        address,
        pool_size=pool_size,
        pool_pre_ping=True,
        connect_args={
            "options": f"-c TimeZone=UTC -c synchronous_commit=on {defaults}".strip(),
            "application_name": "supportled",
        },
    )

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.prepared_max = KEPT_STATEMENTS

    event.listen(engine, "connect", prepare)
    return engine


def _sqlite_engine(address: URL, *, begin: Any, pragmas: dict[str, int]) -> Engine:
    check_sqlite_version(_sqlite.sqlite_version_info)
    if not address.database:
        raise ValueError("SUPPORTLED_OPERATIONS_URL must name a file: sqlite:////absolute/path/operations.sqlite3")
    engine = create_engine(address, module=pysqlite3, connect_args={"cached_statements": KEPT_STATEMENTS})

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver thinks
        for pragma, value in {
            "busy_timeout": 5_000,
            "journal_mode": "WAL",
            "synchronous": "FULL",
            "foreign_keys": 1,
            "temp_store": "MEMORY",
            "journal_size_limit": 64 * _MIB,
            "wal_autocheckpoint": 4_000,
            **pragmas,
        }.items():
            connection.execute(f"PRAGMA {pragma}={value}")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _begin_read(connection: Connection) -> None:
    _driver(connection).execute("BEGIN")


def _begin_write(connection: Connection) -> None:
    """Take the write lock, or raise `StoreBusy`.

    SQLite's own waiting sleeps up to 0.1 s between two looks and so never finds the short gaps that a busy writer leaves.
    """
    driver = _driver(connection)
    deadline = monotonic_seconds() + LOCK_WAIT_SECONDS
    driver.set_busy_timeout(0)
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except _sqlite.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != _sqlite.SQLITE_BUSY:
                    raise
                if monotonic_seconds() > deadline:
                    raise StoreBusy(
                        f"Another process has held the store for {LOCK_WAIT_SECONDS:.0f} seconds."
                    ) from error
                time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - two that wait must not step together
            else:
                return
    finally:
        driver.set_busy_timeout(5_000)


def _begin_change(connection: Connection) -> None:
    _begin_write(connection)
    _driver(connection).execute("UPDATE store_counters SET value = value + 1 WHERE name = 'change'")
