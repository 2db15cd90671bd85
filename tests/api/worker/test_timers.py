"""Clocks run out once, never early and soon, whoever is killed meanwhile."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from store import clock
from store.enums import EscalationTrigger, IncidenceTrigger, Stage, TimelineEvent
from store.ids import new_id
from store.session import Store
from store.settings import ROOT, Settings
from store.tables import escalation_log, incidence_timeline, incidences, timers
from tests.api.story import add_agent, until

UNRESOLVED = timedelta(minutes=15)


def open_many(store: Store, count: int, first_due_at: datetime, within: timedelta) -> None:
    """Incidences whose one clock falls due at moments spread over `within`."""
    rows, clocks = [], []
    for number in range(count):
        due_at = first_due_at + within * (number / count)
        at = due_at - UNRESOLVED
        incidence_id = new_id(at)
        rows.append(
            {
                "incidence_id": incidence_id,
                "source_id": incidence_id,
                "user_id": f"user-{number}",
                "stage": Stage.PRE_ORDER,
                "trigger": IncidenceTrigger.USER_INITIATED,
                "channel": "IN_APP_CHAT",
                "first_channel": "IN_APP_CHAT",
                "allowed_channels": ["CHAT", "CALL"],
                "created_at": at,
                "opened_at": at,
                "updated_at": at,
            }
        )
        clocks.append(
            {
                "timer_id": new_id(at),
                "incidence_id": incidence_id,
                "kind": EscalationTrigger.UNRESOLVED,
                "due_at": due_at,
            }
        )

    def put(connection: Connection) -> None:
        connection.execute(insert(incidences), rows)
        connection.execute(insert(timers), clocks)

    store.write(put)


@contextmanager
def workers(settings: Settings, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    running = [start_worker(settings) for _ in range(count)]
    try:
        yield running
    finally:
        for worker in running:
            worker.kill()
            worker.wait()


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    places = {"SUPPORTLED_VAR": str(settings.var_dir), "SUPPORTLED_OPERATIONS_URL": settings.operations_url}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.api.worker.looping"],
        cwd=ROOT,
        env=os.environ | places,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_each_clock_runs_out_once_never_early_and_soon_though_workers_are_killed(
    store: Store, store_settings: Settings, size: Callable[..., int]
):
    count, kills = size(small=200, full=10_000), size(small=1, full=20)
    spread = timedelta(seconds=size(small=3, full=120))
    for number in range(4):
        add_agent(store, f"vikram-{number}", "SUPERVISOR", limit=20)
    first_due_at = clock.now() + timedelta(seconds=size(small=3, full=20))
    open_many(store, count, first_due_at, spread)
    with workers(store_settings, 1 if store.is_sqlite else size(small=2, full=4)) as running:
        for number in range(kills):
            next_kill_at = first_due_at + spread * ((number + 0.5) / kills)
            until(lambda at=next_kill_at: clock.now() >= at, seconds=300)
            victim = random.randrange(len(running))
            running[victim].kill()
            running[victim].wait()
            running[victim] = start_worker(store_settings)
        until(lambda: undone(store) == 0, seconds=120)
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(escalation_log)).scalar_one() == count
        told = select(func.count()).where(incidence_timeline.c.event_type == TimelineEvent.ESCALATED)
        assert connection.execute(told).scalar_one() == count
        late = sorted(
            (row.escalated_at - row.due_at).total_seconds()
            for row in connection.execute(
                select(timers.c.due_at, escalation_log.c.escalated_at).join(
                    escalation_log,
                    (escalation_log.c.incidence_id == timers.c.incidence_id)
                    & (escalation_log.c.trigger == EscalationTrigger.UNRESOLVED),
                )
            )
        )
    print(f"late: median {late[count // 2]:.2f} s, p99 {late[int(count * 0.99)]:.2f} s, most {late[-1]:.2f} s")
    assert late[0] >= 0
    assert late[int(count * 0.99)] <= size(small=60, full=5)  # the small size says nothing: machines are busy


def undone(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).where(timers.c.done_at.is_(None))).scalar_one()
