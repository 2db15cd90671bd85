"""Live streams (SSE): what was committed, told to whoever listens, also what other processes wrote.

A feed reads a table by `change_seq`, so that there is one source of what happened: the rows. They are read every moment, only
while somebody listens, and each listener gets what it asks for. The id of an event says up to where its listener knows
everything: who comes back with it as Last-Event-ID misses nothing, and may get some events again; each names its row.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request
from fastapi.sse import ServerSentEvent
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from store.clock import monotonic_seconds
from store.session import Store

LOOKS_EVERY_SECONDS = {True: 0.25, False: 1.0}
"""By whether the store is SQLite, where this process is the only one that writes."""
MOST_AT_ONCE = 1_000
"""More changes than these are not told one by one: the listener reads anew."""
MOST_WAITING = 256
"""Events that wait for a slow listener before it is dropped."""
HEARTBEAT_SECONDS = 15.0
LONGEST_SECONDS = 600.0
"""Then the listener comes back, and shows that its key is still good."""
RETRY_MILLISECONDS = 1_000
RESET = "reset"
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is new or changed. `subject` is whom it is about, `name` and `data` what listeners get."""

    key: str
    change_seq: int
    subject: str
    name: str
    data: Mapping[str, Any]


Feed = Callable[[Connection, int, int], list[Change]]
"""(connection, lowest change_seq, limit) → the changes from there on by (change_seq, key), at most `limit`."""
Wants = Callable[[Change], bool]


@dataclass(eq=False, slots=True)
class _Listener:
    wants: Wants
    position: int
    events: asyncio.Queue[ServerSentEvent | None] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    """None ends the stream."""

    def tell(self, changes: list[Change] | None, position: int) -> None:
        """Queue what it wants of the changes, `None` for too many. A full queue ends the stream: it comes back for the rest."""
        try:
            for event in self._events(changes, position):
                self.events.put_nowait(event)
            self.position = position
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """End the stream without what waits: the id that the listener has says nothing of that."""
        while not self.events.empty():
            self.events.get_nowait()
        self.events.put_nowait(None)

    def _events(self, changes: list[Change] | None, position: int) -> Iterator[ServerSentEvent]:
        if changes is None:
            yield ServerSentEvent(event=RESET, data={}, id=str(position))
            return
        wanted = [change for change in changes if self.wants(change)]
        for number, change in enumerate(wanted, start=1):
            known = position if number == len(wanted) else self.position
            yield ServerSentEvent(event=change.name, data=change.data, id=str(known))


@dataclass(eq=False, slots=True)
class _Tail:
    """One feed: up to where it was read, what of the rest was told, and who listens."""

    feed: Feed
    position: int = 0
    told: set[tuple[int, str]] = field(default_factory=set)
    """On PostgreSQL a transaction with a lower number may commit later: what is above the oldest running one is read again."""
    listeners: set[_Listener] = field(default_factory=set)

    def begin(self, connection: Connection) -> None:
        """Nobody listened: what is in this snapshot is told to nobody."""
        self.position = horizon(connection)
        self.told = {(change.change_seq, change.key) for change in self.feed(connection, self.position, MOST_AT_ONCE)}

    def advance(self, connection: Connection) -> None:
        """Tell every listener what is new in this snapshot."""
        position = horizon(connection)
        found = self.feed(connection, self.position, MOST_AT_ONCE + 1)
        is_too_much = len(found) > MOST_AT_ONCE
        new = [change for change in found if (change.change_seq, change.key) not in self.told]
        self.told = {(change.change_seq, change.key) for change in found if change.change_seq >= position}
        self.position = position
        for listener in self.listeners:
            listener.tell(None if is_too_much else new, position)

    def since(self, connection: Connection, position: int) -> list[Change] | None:
        """What a listener missed that knows everything up to `position`; None if that is too much, or no position of ours."""
        if position > self.position:
            return None
        missed = self.feed(connection, position, MOST_AT_ONCE + 1)
        return missed if len(missed) <= MOST_AT_ONCE else None


class Streams:
    """The feeds of one process. All of it lives on the event loop; only `close` may be called from anywhere."""

    def __init__(self, store: Store, feeds: Mapping[str, Feed]) -> None:
        self._store = store
        self._tails = {name: _Tail(feed) for name, feed in feeds.items()}
        self._loop = asyncio.get_running_loop()
        self._somebody_listens = asyncio.Event()
        self._is_closed = False

    async def run(self) -> None:
        """Read the feeds while somebody listens, until cancelled."""
        while True:
            await self._somebody_listens.wait()
            await asyncio.sleep(LOOKS_EVERY_SECONDS[self._store.is_sqlite])
            listened = [tail for tail in self._tails.values() if tail.listeners]
            if not listened:
                self._somebody_listens.clear()
                continue
            try:
                with self._store.read() as connection:
                    for tail in listened:
                        tail.advance(connection)
            except SQLAlchemyError as error:  # the next look reads what this one did not
                _log.warning("stream.not_read", error_type=type(error).__name__)

    async def listen(self, feed: str, wants: Wants, last_event_id: str | None = None) -> AsyncIterator[ServerSentEvent]:
        """The wanted changes from now on, or from where `last_event_id` says; `reset` in place of more than can be told.

        Between them, every 15 seconds, an event without data that carries the newest id. It ends after ten minutes, when the
        server ends, and when the listener is too slow; a browser comes back by itself.
        """
        if self._is_closed:
            return
        tail = self._tails[feed]
        listener = self._join(tail, wants, last_event_id)
        ends_at = monotonic_seconds() + LONGEST_SECONDS
        try:
            if last_event_id is None:
                yield ServerSentEvent(id=str(listener.position), retry=RETRY_MILLISECONDS)
            else:
                yield ServerSentEvent(retry=RETRY_MILLISECONDS, comment="again")
            while (left := ends_at - monotonic_seconds()) > 0:
                try:
                    event = await asyncio.wait_for(listener.events.get(), min(HEARTBEAT_SECONDS, left))
                except TimeoutError:
                    event = ServerSentEvent(id=str(listener.position))
                if event is None:
                    return
                yield event
        finally:
            tail.listeners.discard(listener)

    def close(self) -> None:
        """End every stream at once, and those that begin from now on. From any thread, or a signal's handler."""
        self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self._is_closed = True
        for tail in self._tails.values():
            for listener in tail.listeners:
                listener.end()

    def _join(self, tail: _Tail, wants: Wants, last_event_id: str | None) -> _Listener:
        """A listener that gets what it missed, then what comes: both by one snapshot, so that nothing is lost between."""
        with self._store.read() as connection:
            tail.advance(connection) if tail.listeners else tail.begin(connection)
            listener = _Listener(wants, tail.position)
            if last_event_id is not None:
                listener.position = int(last_event_id)
                listener.tell(tail.since(connection, listener.position), tail.position)
        tail.listeners.add(listener)
        self._somebody_listens.set()
        return listener


def horizon(connection: Connection) -> int:
    """The lowest change_seq that what commits later may have: who listens from there on misses nothing of a later moment."""
    return connection.execute(_HORIZON[connection.dialect.name]).scalar_one()


_HORIZON = {
    "sqlite": text("SELECT value + 1 FROM store_counters WHERE name = 'change'"),
    "postgresql": text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"),
}


@contextmanager
def closed_on_signals(streams: Streams) -> Iterator[None]:
    """The server waits for open answers before it ends: a signal to end ends the streams first.

    What handled the signal before handles it then. Signals come to the main thread only; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING_SIGNALS}

    def end(number: int, frame: Any) -> None:
        streams.close()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in _ENDING_SIGNALS:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _streams(request: Request) -> Streams:
    return request.app.state.streams


StreamsDep = Annotated[Streams, Depends(_streams)]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}$",
        description="The id of the last event you got; browsers send it.",
    ),
]
