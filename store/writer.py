"""The one writer thread of a process: whatever waits is written in one transaction, and answered when that is on disk.

A commit costs an fsync however much it holds. So changes queue as plain functions of a connection; the thread takes all
that wait, runs them one after the other, commits once, and only then resolves the answers. What does the same to many
things (`submit_together`) is called once for those that wait side by side. If one fails, all are taken back and run again,
each alone in a savepoint.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from store.errors import OutcomeUnknown, WriterBusy, WriterClosed
from store.transactions import begin, commit, give_up, has_begun, is_worth_another_try, require_alive, run_alone

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
ChangeAll = Callable[[Connection, Sequence[K]], Sequence[T]]

QUEUE_LIMIT = 10_000
SQLITE_BATCH_LIMIT = 512
POSTGRESQL_BATCH_LIMIT = 32
"""Row locks are held until the commit: a long batch would make other writers wait for rows it is long done with."""
WARY_BATCHES = 20
"""How many batches after one that failed have savepoints from the start, lest each be written twice."""
LATER_SECONDS = 0.05
"""How long what nobody waits for may lie, so that there is more of it in one change."""

_log = structlog.get_logger()
_NEXT_SAVEPOINT = ("RELEASE SAVEPOINT change", "SAVEPOINT change")


class _BatchLost(Exception):
    """The transaction is gone with everything in it, not just one change."""


class _ChangeFailed(Exception):
    """A change raised an error, and what it wrote cannot be told from what the others wrote."""


@dataclass(frozen=True, slots=True)
class _Job:
    change: Callable[[Connection], Any]
    future: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    change_all: ChangeAll[Any, Any] | None = None
    """What does the same as `change`, to many; with what `item` it does it here."""
    item: Any = None


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any = None
    error: BaseException | None = None


class Writer:
    """Runs changes one after the other, many to a commit. Use as a context manager, or `close` it.

    A change that raises takes back only its own work, and its caller gets the error. No change may commit or roll back.
    """

    def __init__(self, engine: Engine, *, queue_limit: int = QUEUE_LIMIT) -> None:
        is_postgresql = engine.dialect.name == "postgresql"
        self._batch_limit = POSTGRESQL_BATCH_LIMIT if is_postgresql else SQLITE_BATCH_LIMIT
        self._next_savepoint = _NEXT_SAVEPOINT if not is_postgresql else ("; ".join(_NEXT_SAVEPOINT),)  # one round trip
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._queue_limit = queue_limit
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._later: dict[Callable[[Connection, Sequence[Any]], object], list[Any]] = {}
        self._gathered: list[_Job] = []
        self._is_closed = False
        self._wary_count = 0
        self._connection = engine.connect()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether changes are taken and written."""
        return not self._is_closed and self._thread.is_alive()

    @property
    def waiting_count(self) -> int:
        """How many changes wait to be written."""
        return self._queue.qsize()

    def submit(
        self, change: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """Queue `change(connection, *args, **kwargs)`; awaiting the answer waits for the commit.

        Raises at once `WriterBusy` when the queue is full and `WriterClosed` when the writer is closing. The answer may be
        an `OutcomeUnknown`, `StoreBusy` or `StoreUnavailable`, or what the change raised. Cancelling does not take back what is queued.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._enqueue(_Job(partial(_call, change, args, kwargs), future, loop))
        return future

    def submit_future(
        self, change: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """As `submit`, for threads: a future whose `result()` blocks."""
        future: Future[T] = Future()
        self._enqueue(_Job(partial(_call, change, args, kwargs), future, None))
        return future

    def submit_together(self, change_all: ChangeAll[K, T], item: K) -> asyncio.Future[T]:
        """As `submit`, for one of many: `change_all(connection, items)` answers each in its order, in one set of statements.

        Items whose `change_all` are equal share a call when they wait side by side; so they are gathered for one turn of the
        event loop. One that raises spoils it for all, who are then done each alone: what it raises is the error of the one item.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._gate:
            self._require_room()
            if not self._gathered:
                loop.call_soon(self._put_gathered)
            self._gathered.append(_Job(partial(_call_alone, change_all, item), future, loop, change_all, item))
        return future

    def submit_later(self, write: Callable[[Connection, Sequence[T]], object], item: T) -> None:
        """Have `write(connection, items)` write this one soon, with others of its kind; before all that is submitted after it.

        For what nobody waits for, from an event loop: a failure is only written down. Raises as `submit`.
        """
        with self._gate:
            self._require_room()
            if not self._later:
                asyncio.get_running_loop().call_later(LATER_SECONDS, self._put_later)
            self._later.setdefault(write, []).append(item)

    def close(self) -> None:
        """Take nothing more, write what is queued, end the thread."""
        self._put_gathered()
        self._put_later()
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _enqueue(self, job: _Job) -> None:
        if self._later:
            self._put_later()
        if self._gathered:
            self._put_gathered()
        with self._gate:
            self._require_room()
            self._queue.put(job)

    def _put_gathered(self) -> None:
        if self._later:
            self._put_later()
        with self._gate:
            gathered, self._gathered = self._gathered, []
            for job in gathered:
                self._queue.put(job)

    def _put_later(self) -> None:
        with self._gate:
            if self._is_closed:
                return
            waiting, self._later = self._later, {}
            for write, items in waiting.items():
                future: Future[None] = Future()
                future.add_done_callback(_note_failure)
                self._queue.put(_Job(partial(_call, write, (items,), {}), future, None))

    def _require_room(self) -> None:
        if self._is_closed:
            raise WriterClosed("The writer is closing.")
        if self._queue.qsize() + len(self._gathered) >= self._queue_limit:
            raise WriterBusy(f"{self._queue_limit} changes already wait to be written.")

    def _run(self) -> None:
        is_last = False
        while not is_last:
            jobs, is_last = self._take()
            try:
                answers = self._write(jobs)
            except BaseException as error:  # noqa: BLE001 - the thread lives on, and every caller gets an answer
                answers = [_Answer(error=error)] * len(jobs)
            _resolve(jobs, answers)

    def _take(self) -> tuple[list[_Job], bool]:
        """What waits, at least one job unless the writer closes, and whether nothing comes after."""
        jobs: list[_Job] = []
        job = self._queue.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._batch_limit:
                return jobs, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _write(self, jobs: list[_Job]) -> list[_Answer]:
        if len(jobs) < 2:
            return self._write_one_by_one(jobs)
        if self._wary_count:
            self._wary_count -= 1
            return self._write_together(jobs, self._run_apart)
        try:
            return self._write_together(jobs, self._run_trusting)
        except _ChangeFailed:
            self._wary_count = WARY_BATCHES
            return self._write_together(jobs, self._run_apart)

    def _write_together(self, jobs: list[_Job], run: Callable[[list[_Job]], list[_Answer]]) -> list[_Answer]:
        transaction = begin(self._connection)
        try:
            answers = run(jobs)
        except _ChangeFailed:
            give_up(transaction)
            raise
        except _BatchLost:
            give_up(transaction)
            return self._write_one_by_one(jobs)
        try:
            commit(transaction)
        except OutcomeUnknown as error:
            return [_Answer(error=error)] * len(jobs)
        return answers

    def _write_one_by_one(self, jobs: list[_Job]) -> list[_Answer]:
        return [self._write_alone(job) for job in jobs]

    def _write_alone(self, job: _Job) -> _Answer:
        try:
            return _Answer(run_alone(self._connection, job.change))
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            return _Answer(error=error)

    def _run_trusting(self, jobs: list[_Job]) -> list[_Answer]:
        """Without savepoints, which on PostgreSQL are a round trip for each change. Raises `_ChangeFailed`."""
        answers: list[_Answer] = []
        try:
            for run in _runs(jobs):
                had_begun = has_begun(self._connection)
                answers += [_Answer(value) for value in run(self._connection)]
                require_alive(self._connection, had_begun=had_begun)
        except BaseException as error:
            raise (_BatchLost if is_worth_another_try(error) else _ChangeFailed) from error
        return answers

    def _run_apart(self, jobs: list[_Job]) -> list[_Answer]:
        self._tell("SAVEPOINT change")
        return [self._run_in_savepoint(job) for job in jobs]

    def _run_in_savepoint(self, job: _Job) -> _Answer:
        """Run the change after the savepoint that is there, and leave one for the next.

        SQLite may roll everything back by itself (disk full, I/O error), and on PostgreSQL a change may have caught an error
        that spoiled the transaction: then there is no savepoint to release, and the batch is lost.
        """
        try:
            answer = _Answer(job.change(self._connection))
        except BaseException as error:
            if is_worth_another_try(error):
                raise _BatchLost from error
            self._tell("ROLLBACK TO SAVEPOINT change")
            return _Answer(error=error)
        self._tell(*self._next_savepoint)
        return answer

    def _tell(self, *statements: str) -> None:
        """Straight to the driver: around each change SQLAlchemy's own way costs 17 µs, its nested transactions 50, this 3."""
        driver: Any = self._connection.connection.driver_connection
        try:
            for statement in statements:
                driver.execute(statement)
        except self._driver_error as error:
            raise _BatchLost from error


def _runs(jobs: list[_Job]) -> Iterator[Callable[[Connection], Sequence[Any]]]:
    """What to call for the answers of all, in their order."""
    for change_all, alike in groupby(jobs, key=attrgetter("change_all")):
        if change_all is None:
            yield from (partial(_one_answer, job.change) for job in alike)
        else:
            yield partial(_call, change_all, ([job.item for job in alike],), {})


def _one_answer(change: Callable[[Connection], Any], connection: Connection) -> list[Any]:
    return [change(connection)]


def _call_alone(change_all: ChangeAll[K, T], item: K, connection: Connection) -> T:
    [answer] = change_all(connection, [item])
    return answer


def _call(change: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], connection: Connection) -> T:
    return change(connection, *args, **kwargs)


def _note_failure(written: "Future[None]") -> None:
    error = written.exception()
    if error is not None:
        _log.error("writer.not_written", error_type=type(error).__name__)


def _resolve(jobs: list[_Job], answers: list[_Answer]) -> None:
    """Hand each answer over; each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[_Job, _Answer]]] = {}
    for job, answer in zip(jobs, answers, strict=True):
        by_loop.setdefault(job.loop, []).append((job, answer))
    for loop, pairs in by_loop.items():
        if loop is None:
            _set_results(pairs)
            continue
        try:
            loop.call_soon_threadsafe(_set_results, pairs)
        except RuntimeError:
            pass  # the loop has ended: nobody waits any more


def _set_results(pairs: list[tuple[_Job, _Answer]]) -> None:
    for job, answer in pairs:
        if job.future.done():
            continue  # cancelled by who waited
        if answer.error is not None:
            job.future.set_exception(answer.error)
        else:
            job.future.set_result(answer.value)
