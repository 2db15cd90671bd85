"""The API is killed while many write: what it acknowledged is there, and once."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from api.tokens.service import insert_key
from store.enums import Role, TimelineEvent
from store.session import open_store
from store.settings import Settings
from store.tables import friction_signals, incidence_timeline, incidences
from tests.api.robustness.processes import REAL, ApiProcess, api_process
from tests.api.robustness.writing import CONNECTIONS, Clients, Keys, Log
from tests.api.serving import SUPERVISOR_ID, make_people

HASTY = "tests.api.robustness.hasty:create_hasty_app"


@dataclass(frozen=True)
class Found:
    """How many acknowledged rows are missing, and how many rows there are beyond one for each request."""

    lost: int
    doubled: int


def test_nothing_acknowledged_is_lost_or_doubled_by_kills(store_settings: Settings, size: Callable[..., int]):
    kills = size(small=2 if store_settings.is_sqlite else 1, full=200)
    log, ready_after = killed_under_writers(store_settings, make_keys(store_settings), REAL, kills)
    in_order = sorted(ready_after)
    print(
        f"{kills} kills, {log.count} acknowledged, {log.replayed} answered again;"
        f" ready after: median {in_order[kills // 2]:.2f} s, p95 {in_order[int(kills * 0.95)]:.2f} s, most {in_order[-1]:.2f} s"
    )
    assert found(store_settings, log) == Found(lost=0, doubled=0)


def test_an_api_that_answers_before_it_commits_is_found_out(sqlite_settings: Settings):
    log, _ = killed_under_writers(sqlite_settings, make_keys(sqlite_settings), HASTY, kills=1)
    assert found(sqlite_settings, log).lost > 0


def make_keys(settings: Settings) -> Keys:
    """One of the app's, and so many of the desk's that no rate limit is met."""

    def make(connection: Connection) -> Keys:
        app_key = make_people(connection)[Role.APP]
        return Keys(
            app_key,
            [
                insert_key(connection, role=Role.SUPERVISOR, label=f"desk {number}", agent_id=SUPERVISOR_ID)
                for number in range(CONNECTIONS)
            ],
        )

    with open_store(settings) as store:
        return store.write(make)


def killed_under_writers(settings: Settings, keys: Keys, factory: str, kills: int) -> tuple[Log, list[float]]:
    """The clients' log, and the seconds that each restart took."""
    with api_process(settings, factory) as api:
        clients = Clients(api.address, keys)
        return clients.log, asyncio.run(_kill(api, clients, kills))


async def _kill(api: ApiProcess, clients: Clients, kills: int) -> list[float]:
    """Kill right after an answer: what was answered too early is lost then."""
    ready_after = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(clients.run())
        for _ in range(kills):
            await clients.answers(random.randint(64, 256))
            api.kill()
            ready_after.append(await asyncio.to_thread(api.start))
        clients.end()
    return ready_after


def found(settings: Settings, log: Log) -> Found:
    with open_store(settings) as store, store.read() as connection:
        if store.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
        notes = incidence_timeline.c.event_type == TimelineEvent.NOTE
        kept = {
            "incidences": (log.incidences, select(incidences.c.user_id, incidences.c.incidence_id)),
            "notes": (log.notes, select(incidence_timeline.c.text, incidence_timeline.c.event_id).where(notes)),
            "signals": (log.signals, select(friction_signals.c.user_id, friction_signals.c.client_event_id)),
        }
        lost = doubled = 0
        for acknowledged, query in kept.values():
            rows = [tuple(row) for row in connection.execute(query)]
            lost += len(set(acknowledged.items()) - set(rows))
            doubled += len(rows) - len({asked for asked, _ in rows})
        return Found(lost, doubled)
