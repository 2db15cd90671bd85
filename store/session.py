"""The way into the operational store: one URL, SQLite or PostgreSQL, the same code on both."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from store.engines import read_engine, write_engine
from store.errors import StoreOutOfDate, StoreUnavailable
from store.settings import Settings
from store.transactions import run_alone
from store.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")

HEAD_REVISION = "0014"
"""The migration this code was written for; a test holds it equal to the newest one."""


class Store:
    """The operational store, open. Made by `open_store`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._read_engine = read_engine(settings.operations_url)
        self._write_engine = write_engine(settings.operations_url)
        self._readers: deque[Connection] = deque()
        self._askers: deque[Connection] = deque()
        self._asked: dict[Callable[..., Any], list[tuple[Any, asyncio.Future[Any]]]] = {}

    @property
    def is_sqlite(self) -> bool:
        return self._write_engine.dialect.name == "sqlite"

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that reads one snapshot, taken at its first statement, until the `with` ends. It cannot write."""
        return self._read_again() if self.is_sqlite else self._read_engine.connect()

    @contextmanager
    def _read_again(self) -> Iterator[Connection]:
        """SQLAlchemy's connections are kept, not only the driver's: making one costs more than a small read."""
        connection = self._readers.pop() if self._readers else self._read_engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.rollback()
        self._readers.append(connection)

    def ask(self, question: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer to `question(connection, *args, **kwargs)`, which reads, and minds not that each statement has its own snapshot.

        On PostgreSQL that is a round trip for each statement, where `read` makes three more. A kept connection that was lost
        is replaced, and the question asked again.
        """
        if self.is_sqlite:
            with self.read() as connection:
                return question(connection, *args, **kwargs)
        try:
            return self._ask(question, *args, **kwargs)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        while self._askers:  # those were lost with it
            self._askers.pop().close()
        return self._ask(question, *args, **kwargs)

    def _ask(self, question: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        connection = self._askers.pop() if self._askers else self._asking_engine.connect()
        try:
            answer = question(connection, *args, **kwargs)
        except BaseException:
            connection.close()
            raise
        self._askers.append(connection)
        return answer

    def ask_together(
        self, question: Callable[[Connection, Sequence[K]], Mapping[K, T]], key: K
    ) -> asyncio.Future[T | None]:
        """What `question(connection, keys)` finds for this key; None if nothing. For an event loop.

        On PostgreSQL what is asked in one turn of the loop is asked as one question: requests that come together share their
        round trips. As `ask` otherwise.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T | None] = loop.create_future()
        asked = self._asked.setdefault(question, [])
        asked.append((key, future))
        if self.is_sqlite:
            self._answer_together(question)
        elif len(asked) == 1:
            loop.call_soon(self._answer_together, question)
        return future

    def _answer_together(self, question: Callable[[Connection, Sequence[Any]], Mapping[Any, Any]]) -> None:
        asked = [(key, future) for key, future in self._asked.pop(question) if not future.done()]
        try:
            found = self.ask(question, [*{key for key, _ in asked}])
        except Exception as error:  # noqa: BLE001 - it is theirs who asked
            for _, future in asked:
                future.set_exception(error)
        else:
            for key, future in asked:
                future.set_result(found.get(key))

    @cached_property
    def _asking_engine(self) -> Engine:
        return self._read_engine.execution_options(isolation_level="AUTOCOMMIT")

    def write(self, change: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `change(connection, *args, **kwargs)` in one transaction; when this returns it is on disk.

        For commands. It waits up to a minute while another process writes, then raises `StoreBusy`; `OutcomeUnknown` if the
        commit itself fails.
        """
        with self._write_engine.connect() as connection:
            return run_alone(connection, lambda connection: change(connection, *args, **kwargs))

    @cached_property
    def writer(self) -> Writer:
        """The writer thread with group commit, started when it is first asked for. For processes that serve."""
        return Writer(self._write_engine)

    def checkpoint(self) -> bool:
        """Bring SQLite's log into its file and cut it to nothing, as after a long read; False if readers are in the way.

        For the process that writes: another SQLite library must not do it. Nothing to do on PostgreSQL.
        """
        if not self.is_sqlite:
            return True
        connection = self._write_engine.raw_connection()
        try:
            is_blocked, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_blocked
        finally:
            connection.close()

    def close(self) -> None:
        """Write what is queued and let go of the database."""
        if "writer" in self.__dict__:
            self.writer.close()
        for kept in (self._readers, self._askers):
            while kept:
                kept.pop().close()
        self._read_engine.dispose()
        self._write_engine.dispose()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The operational store of these settings, already migrated (`store.migrations.migrate`).

    Raises `SqliteTooOld`, `StoreUnavailable` or `StoreOutOfDate`, each with its remedy.
    """
    store = Store(settings)
    try:
        _check_revision(store)
        yield store
    finally:
        store.close()


def next_seqs(connection: Connection, count: int) -> range:
    """The next `count` numbers of the context log (`context_updates` and `friction_signals` share them), in a row.

    On PostgreSQL a number may be seen later than a higher one, and numbers of a transaction that failed are never used.
    """
    first = connection.execute(_NEXT_SEQS[connection.dialect.name], {"count": count}).scalar_one()
    return range(first, first + count)


_NEXT_SEQS = {
    "sqlite": text(
        "UPDATE store_counters SET value = value + :count WHERE name = 'context_event' RETURNING value - :count + 1"
    ),
    "postgresql": text("SELECT next_context_event_seqs(:count)"),
}


def _check_revision(store: Store) -> None:
    found = _found_revision(store)
    if found != HEAD_REVISION:
        raise StoreOutOfDate(f"The operational store has schema {found or 'none'}, this release needs {HEAD_REVISION}.")


def _found_revision(store: Store) -> str | None:
    file = make_url(store.settings.operations_url).database
    if store.is_sqlite and not (file and Path(file).exists()):
        return None  # opening it would make an empty one
    try:
        with store.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except OperationalError as error:
        raise StoreUnavailable(f"The operational store cannot be opened: {error.orig}") from error
