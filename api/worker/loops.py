"""The loops that run without a request: each looks whether something is due, and lets one change do it.

They run beside the API in its process. On PostgreSQL there may be several such processes and further ones of
`python -m api.worker`: each change claims what it works on, so that none is done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from api.agents.assignment import assign_waiting, may_assign
from api.escalation.service import fire_due, is_any_due
from api.idempotency import forget_old_answers
from api.logs import places
from api.notifications.service import expire_prompts, is_any_expired
from api.notifications.watch import InactivityWatch
from api.outbox.sending import Sending, expire_outbox, is_outbox_expired
from api.platform_sweep.identities import LookingUp
from api.platform_sweep.sweep import Sweeping
from api.rules.registry import Registry
from api.rules.sets import Rules
from api.webhooks.applying import AT_ONCE as EVENTS_AT_ONCE
from api.webhooks.applying import EventApplier
from store import clock
from store.errors import StoreError
from store.published import current_as_of
from store.retention import is_anything_overdue, prune
from store.session import Store
from store.settings import Settings

AT_ONCE = 25
"""How many clocks one change lets run out: those who wait to write wait for it."""
PRUNED_AT_ONCE = 200
LONGEST_PAUSE_SECONDS = 30.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loop:
    """`change` runs in one transaction of the writer, if `is_due` says so; it returns how many things it did.

    `is_due` reads only: looking costs no commit. A change that did `batch` things or more is followed by another at once.
    """

    name: str
    every_seconds: float
    change: Callable[[Connection, Rules], int]
    is_due: Callable[[Connection, Rules], bool] | None = None
    batch: int | None = None


def _fire(connection: Connection, rules: Rules) -> int:
    return len(fire_due(connection, rules, clock.now(), AT_ONCE))


def _are_timers_due(connection: Connection, _: Rules) -> bool:
    return is_any_due(connection, clock.now())


def _assign(connection: Connection, _: Rules) -> int:
    return len(assign_waiting(connection, clock.now()))


def _may_assign(connection: Connection, _: Rules) -> bool:
    return may_assign(connection)


def _forget(connection: Connection, _: Rules) -> int:
    return forget_old_answers(connection)


def _expire_prompts(connection: Connection, rules: Rules) -> int:
    return expire_prompts(connection, rules, clock.now(), AT_ONCE)


def _is_any_prompt_over(connection: Connection, rules: Rules) -> bool:
    return is_any_expired(connection, rules, clock.now())


def _watching(settings: Settings) -> tuple[Loop, ...]:
    """The loops that remember where they looked, or look beside the store."""
    watch, events = InactivityWatch(), EventApplier(settings)
    return (
        Loop("inactivity", 1.0, watch.look, watch.is_due),
        Loop("webhook_events", 0.25, events.apply, events.is_due, batch=EVENTS_AT_ONCE),
        retention(settings),
    )


def retention(settings: Settings) -> Loop:
    """Takes out of the store what is old and in the published warehouse."""

    def is_due(connection: Connection, _: Rules) -> bool:
        published_as_of = current_as_of(settings)
        return published_as_of is not None and is_anything_overdue(connection, published_as_of, clock.now())

    def change(connection: Connection, _: Rules) -> int:
        published_as_of = current_as_of(settings)
        return prune(connection, published_as_of, clock.now(), PRUNED_AT_ONCE) if published_as_of else 0

    return Loop("retention", 600.0, change, is_due, batch=1)


LOOPS: tuple[Loop, ...] = (
    # Beside other processes a change may get less than there is, so it goes on until nothing was left to it.
    Loop("timers", 0.5, _fire, _are_timers_due, batch=1),
    # Whoever makes room fills it; this finds what two processes missed of each other, and what waits at a start.
    Loop("waiting", 1.0, _assign, _may_assign),
    Loop("prompts", 1.0, _expire_prompts, _is_any_prompt_over, batch=AT_ONCE),
    Loop("outbox_expiry", 5.0, expire_outbox, is_outbox_expired, batch=AT_ONCE),
    Loop("idempotency_keys", 600.0, _forget),
)
"""Add a line here for what else happens without a request."""


async def run_loops(store: Store, registry: Registry, loops: Sequence[Loop] | None = None) -> None:
    """Run every loop, the first time at once, until cancelled. One that fails is written down and tried again, later and later."""
    async with asyncio.TaskGroup() as tasks:
        for loop in (*LOOPS, *_watching(store.settings)) if loops is None else loops:
            tasks.create_task(_run(loop, store, registry), name=f"worker-{loop.name}")
        if loops is None:
            tasks.create_task(_keep("outbox", Sending(store).run), name="worker-outbox")
            tasks.create_task(_keep("sweep", Sweeping(store).run), name="worker-sweep")
            tasks.create_task(_keep("identities", LookingUp(store, registry).run), name="worker-identities")


async def _keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run what has its own loop, as calls over the network do, and begin it again should it fail."""
    failures = 0
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - it goes on whatever happens
            failures += 1
            _report(name, error, failures)
        await asyncio.sleep(pause_seconds(1.0, failures))


async def _run(loop: Loop, store: Store, registry: Registry) -> None:
    failures = 0
    while True:
        try:
            while await _run_once(loop, store, registry):
                failures = 0
            failures = 0
        except Exception as error:  # noqa: BLE001 - a loop goes on whatever happens
            failures += 1
            _report(loop.name, error, failures)
        await asyncio.sleep(pause_seconds(loop.every_seconds, failures))


async def _run_once(loop: Loop, store: Store, registry: Registry) -> bool:
    """Do what is due; whether there may be more."""
    rules = registry.current()
    if loop.is_due is not None:
        with store.read() as connection:
            if not loop.is_due(connection, rules):
                return False
    done = await store.writer.submit(loop.change, rules)
    return loop.batch is not None and done >= loop.batch


def pause_seconds(every_seconds: float, failures: int) -> float:
    """How long to wait: the loop's own time, doubled with each failure in a row up to half a minute."""
    if failures == 0:
        return every_seconds
    return max(every_seconds, min(LONGEST_PAUSE_SECONDS, every_seconds * 2.0 ** min(failures, 10)))


def _report(name: str, error: Exception, failures: int) -> None:
    fields = {"loop": name, "error_type": type(error).__name__, "failures": failures}
    if isinstance(error, StoreError):
        _log.warning("worker.store_failed", **fields)
    else:
        _log.error("worker.failed", **fields, places=places(error))
