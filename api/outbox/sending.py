"""The loop that sends: claims what is due, makes each attempt outside of any transaction, and settles it."""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

import httpx2
import structlog
from sqlalchemy import Connection

from api.logs import places
from api.outbox.order_changes import refuse_unreached, take_answer
from api.outbox.rules import Attempt, Breaker, Decision, Pace, Result, decide, must_look_up
from api.outbox.service import Claimed, claim, expire, is_any_due, is_any_expired, sent_ids, settle
from api.outbox.transports.app import App
from api.outbox.transports.freshchat import Freshchat
from api.outbox.transports.intercom import Intercom
from api.rules.sets import Rules
from store import clock
from store.enums import Destination, OutboxState
from store.errors import StoreError
from store.platform_settings import Connections, PlatformsFile
from store.session import Store

PATIENT = Pace()
EXPIRED_AT_ONCE = 100
_log = structlog.get_logger()


class Transport(Protocol):
    """A way to one destination, with the settings of this moment."""

    @property
    def timeout_seconds(self) -> float: ...

    async def send(self, message: Claimed) -> Attempt: ...

    async def find(self, message: Claimed, known: frozenset[str]) -> Attempt: ...


def transports(client: httpx2.AsyncClient, connections: Connections) -> dict[Destination, Transport]:
    """What can be reached as things are configured now."""
    ways: dict[Destination, Transport] = {}
    if connections.intercom is not None and connections.intercom.access_token and connections.intercom.sender_id:
        ways[Destination.INTERCOM] = Intercom(client, connections.intercom)
    if connections.freshchat is not None and connections.freshchat.access_token and connections.freshchat.sender_id:
        ways[Destination.FRESHCHAT] = Freshchat(client, connections.freshchat)
    if connections.app is not None:
        ways[Destination.APP] = App(client, connections.app)
    return ways


class Sending:
    """Sends the outbox of a store. Several processes may: each claims what it sends."""

    def __init__(self, store: Store, pace: Pace = PATIENT, *, chance: Callable[[], float] = random.random) -> None:
        self._store = store
        self._pace = pace
        self._chance = chance
        self._file = PlatformsFile(store.settings)
        self._breakers = dict.fromkeys(Destination, Breaker())
        self._in_flight: dict[asyncio.Task[None], Claimed] = {}

    async def run(self) -> None:
        """Send until cancelled. What is under way then stays claimed, and is taken up when its lease has ended."""
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=self._pace.most_at_once)
        timeout = httpx2.Timeout(None, connect=self._pace.connect)
        async with (
            httpx2.AsyncClient(timeout=timeout, follow_redirects=False, limits=limits) as client,
            asyncio.TaskGroup() as tasks,
        ):
            while True:
                ways = transports(client, self._file.current())
                try:
                    claimed = await self._claim(ways)
                except StoreError as error:  # what is under way goes on
                    _log.warning("outbox.store_failed", error_type=type(error).__name__)
                    await asyncio.sleep(1.0)
                    continue
                # One that is claimed while it is under way was so slow that our own lease ended: it is finished first.
                busy = {message.message_id for message in self._in_flight.values()}
                for message in claimed:
                    if message.message_id not in busy:
                        task = tasks.create_task(self._attempt(message, ways[message.destination]))
                        self._in_flight[task] = message
                if self._in_flight:
                    await asyncio.wait(
                        self._in_flight, timeout=self._pace.looks_every, return_when=asyncio.FIRST_COMPLETED
                    )
                    self._in_flight = {task: message for task, message in self._in_flight.items() if not task.done()}
                else:
                    await asyncio.sleep(self._pace.looks_every)

    async def _claim(self, ways: dict[Destination, Transport]) -> list[Claimed]:
        at = clock.now()
        flying = [message.destination for message in self._in_flight.values()]
        room = {way: free for way in ways if (free := self._breakers[way].free(self._pace, flying.count(way), at)) > 0}
        if not room:
            return []
        with self._store.read() as connection:
            if not is_any_due(connection, list(room), at):
                return []
        return await self._store.writer.submit(_claim, room, self._pace.lease)

    async def _attempt(self, message: Claimed, way: Transport) -> None:
        try:
            attempt, was_open = await self._carry(message, way)
            at = clock.now()
            self._breakers[message.destination] = self._breakers[message.destination].after(self._pace, attempt, at)
            decision = decide(
                self._pace,
                attempt,
                kind=message.kind,
                was_open=was_open,
                attempts=message.attempts,
                expires_at=message.expires_at,
                at=at,
                chance=self._chance(),
            )
            is_ours = await self._store.writer.submit(_settle, message, attempt, decision)
        except Exception as error:  # noqa: BLE001 - it stays claimed, and is taken up when its lease has ended
            _log.error(
                "outbox.failed", message_id=message.message_id, error_type=type(error).__name__, places=places(error)
            )
            return
        _report(message, attempt, decision, is_ours=is_ours)

    async def _carry(self, message: Claimed, way: Transport) -> tuple[Attempt, bool]:
        """The attempt, and whether one before it may still have arrived."""
        was_open = message.was_open
        try:
            async with asyncio.timeout(self._pace.lease * 0.9):
                if must_look_up(message.kind, is_open=was_open):
                    found = await self._find(message, way)
                    if found.result is not Result.NOT_FOUND_THERE or clock.now() >= message.expires_at:
                        return found, was_open
                    was_open = False
                async with asyncio.timeout(way.timeout_seconds):
                    return await way.send(message), was_open
        except TimeoutError:
            return Attempt(Result.UNKNOWN, "timed out"), was_open

    async def _find(self, message: Claimed, way: Transport) -> Attempt:
        with self._store.read() as connection:
            known = sent_ids(connection, message.destination, message.conversation_id or "")
        async with asyncio.timeout(way.timeout_seconds):
            return await way.find(message, known)


def expire_outbox(connection: Connection, _: Rules) -> int:
    """Give up what is too old to be sent; how many that were."""
    at = clock.now()
    rows = expire(connection, at, EXPIRED_AT_ONCE)
    for row in rows:
        refuse_unreached(connection, row.kind, row.payload, may_have_arrived=row.claimed_until is not None, at=at)
    return len(rows)


def is_outbox_expired(connection: Connection, _: Rules) -> bool:
    return is_any_expired(connection, clock.now())


def _claim(connection: Connection, room: dict[Destination, int], lease_seconds: float) -> list[Claimed]:
    return claim(connection, room, lease_seconds, clock.now())


def _settle(connection: Connection, message: Claimed, attempt: Attempt, decision: Decision) -> bool:
    at = clock.now()
    if not settle(connection, message, attempt, decision, at):
        return False
    if decision.state is OutboxState.SENT:
        take_answer(connection, message.kind, message.payload, attempt.answer, at)
    elif decision.state is OutboxState.EXPIRED:
        refuse_unreached(connection, message.kind, message.payload, may_have_arrived=decision.is_open, at=at)
    return True


def _report(message: Claimed, attempt: Attempt, decision: Decision, *, is_ours: bool) -> None:
    fields = {
        "message_id": message.message_id,
        "destination": message.destination,
        "kind": message.kind,
        "attempts": message.attempts,
    }
    if not is_ours:
        _log.warning("outbox.lease_lost", **fields)
    elif decision.state is OutboxState.SENT:
        _log.info("outbox.sent", **fields)
    elif decision.state is OutboxState.PENDING:
        _log.info("outbox.put_off", **fields, reason=attempt.reason, due_at=decision.due_at)
    else:
        _log.warning("outbox.given_up", **fields, state=decision.state, reason=attempt.reason)
