"""Thousands of deliveries at once, doubled, shuffled, at one instant, poisoned, with the server killed meanwhile."""

import asyncio
import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from api.rules.registry import load_rules
from api.serving import uvicorn_options
from api.webhooks import applying
from api.webhooks.accepting import accept
from api.webhooks.dead import list_dead, replay_dead
from api.worker.loops import Loop
from ingestion.platforms.events import PlatformEvent
from store.clock import monotonic_seconds
from store.enums import Platform, WebhookState
from store.session import Store, open_store
from store.settings import ROOT, Settings
from store.tables import incidence_timeline, incidences, webhook_events
from tests.api.serving import serve_api
from tests.api.story import until
from tests.api.webhooks.chatting import CONNECTIONS, NOW, add_agents, add_users, delivery, outcomes, tell_at_once
from tests.chats import Chat, platforms_toml, signed

AT_ONCE = 64
PLATFORMS = [*Platform]
Told = tuple[Platform, bytes]


def stories(count: int, chance: random.Random) -> tuple[list[str], list[Told]]:
    """Users, and events of chats of theirs in the order in which they happened."""
    users: list[str] = []
    told: list[tuple[float, Told]] = []
    while len(told) < count:
        number = len(users)
        users.append(f"user-{number}")
        talk = Chat(chance.choice(PLATFORMS), f"chat-{number}", users[-1], is_old_shape=bool(number % 3 == 0))
        events = [(0, talk.starts()), (1, talk.is_assigned(1)), (2, talk.is_answered(2)), (3, talk.says(3))]
        if chance.random() < 0.8:
            events.append((5, talk.is_resolved(5)))
        if chance.random() < 0.4:
            events += [(8, talk.is_reopened(8)), (9, talk.is_assigned(9, "agent-2")), (11, talk.is_resolved(11))]
        if chance.random() < 0.2:
            events.append((14, talk.says(14, "and the cake?")))
        told += [(minutes, (talk.platform, body)) for minutes, body in events]
    return users, [one for _, one in sorted(told[:count], key=lambda pair: pair[0])]


def doubled(told: Sequence[Told], count: int, chance: random.Random) -> list[Told]:
    """These and, to make `count`, some of them again; shuffled."""
    every = [*told, *(chance.choice(told) for _ in range(count - len(told)))]
    chance.shuffle(every)
    return every


def state_hash(store: Store) -> str:
    return hashlib.sha256(repr(sorted(outcomes(store).items())).encode()).hexdigest()


async def deliver_all(
    address: Callable[[], str], told: Sequence[Told], *, until_taken: bool = False
) -> tuple[list[float], dict[int, int]]:
    """Deliver 64 at once; the seconds that each took, and how often each status came. `until_taken`: again until 2xx."""
    seconds: list[float] = []
    statuses: dict[int, int] = {}
    # Signed before: at 64 connections what the client computes would be waited for by every answer.
    left = iter([(platform.lower(), body, signed(platform, body)) for platform, body in told])

    async def carry(client: httpx2.AsyncClient) -> None:
        for door, body, headers in left:
            status = 0
            while status != 200:
                began = monotonic_seconds()
                try:
                    answer = await client.post(f"{address()}/webhooks/{door}", content=body, headers=headers)
                    status = answer.status_code
                except httpx2.HTTPError:
                    status = 0
                    await asyncio.sleep(0.05)
                seconds.append(monotonic_seconds() - began)
                statuses[status] = statuses.get(status, 0) + 1
                if not until_taken:
                    break

    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx2.AsyncClient(timeout=30, limits=limits) as client:
        await asyncio.gather(*(carry(client) for _ in range(AT_ONCE)))
    return sorted(seconds), statuses


def pending(store: Store) -> int:
    query = select(func.count()).where(webhook_events.c.state == WebhookState.PENDING)
    with store.read() as connection:
        return connection.execute(query.select_from(webhook_events)).scalar_one()


class Served:
    """The API as its own process on a port that stays the same; it can be killed and started again."""

    def __init__(self, settings: Settings, factory: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._places = {"SUPPORTLED_VAR": str(settings.var_dir), "SUPPORTLED_OPERATIONS_URL": settings.operations_url}
        self._factory = factory
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = ["-m", "uvicorn", *uvicorn_options(self.port, factory=self._factory)]
        return subprocess.Popen(
            [sys.executable, *command, "--log-level", "critical"],
            cwd=ROOT,
            env=os.environ | self._places,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.address}/readyz", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        self._process = self._start()


@contextmanager
def served(settings: Settings, factory: str = "api.app:create_app") -> Iterator[Served]:
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    settings.platforms_file.write_text(platforms_toml())
    api = Served(settings, factory)
    try:
        until(api.is_ready, seconds=60)
        yield api
    finally:
        api.kill()


@pytest.fixture
def in_order(sqlite_settings: Settings, size: Callable[..., int]) -> tuple[list[str], list[Told], str]:
    """Users, their events, and the hash of what these come to, each told once and in order."""
    chance = random.Random(7)
    users, told = stories(size(small=210, full=7_000), chance)
    with open_store(sqlite_settings) as store:
        add_agents(store)
        add_users(store, users)
        tell_at_once(store, told)
        return users, told, state_hash(store)


@pytest.fixture
def other_store_settings(request: pytest.FixtureRequest, tmp_path, _migrated_file, engine: str) -> Settings:
    if engine == "postgresql":
        return Settings.at(tmp_path / "other", request.getfixturevalue("migrated_postgres_url"))
    settings = Settings.at(tmp_path / "other")
    settings.var_dir.mkdir()
    (settings.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    return settings


@contextmanager
def served_here(settings: Settings) -> Iterator[str]:
    """The API in this process, its worker applying events and nothing else."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    settings.platforms_file.write_text(platforms_toml())
    events = applying.EventApplier(settings)
    loop = Loop("webhook_events", 0.05, events.apply, events.is_due, batch=applying.AT_ONCE)
    with serve_api(settings, loops=(loop,)) as api:
        yield api.address


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_doubled_shuffled_deliveries_come_to_what_each_once_in_order_does(
    in_order: tuple[list[str], list[Told], str], other_store_settings: Settings, size: Callable[..., int]
):
    users, told, expected = in_order
    every = doubled(told, size(small=300, full=10_000), random.Random(8))
    with open_store(other_store_settings) as store:
        add_agents(store)
        add_users(store, users)
        with served_here(other_store_settings) as address:
            began = monotonic_seconds()
            seconds, statuses = asyncio.run(deliver_all(lambda: address, every))
            taken = monotonic_seconds() - began
            assert statuses == {200: len(every)}
            until(lambda: pending(store) == 0, seconds=600)
        print(
            f"{len(every):,} deliveries of {len(told):,} events in {taken:.1f} s, applied after"
            f" {monotonic_seconds() - began:.1f} s; p99 {seconds[int(len(seconds) * 0.99)] * 1000:.0f} ms"
        )
        assert state_hash(store) == expected
        with store.read() as connection:
            counted = connection.execute(select(func.sum(webhook_events.c.duplicate_count))).scalar_one()
        assert counted == len(every) - len(told)


@pytest.mark.release
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_kills_lose_and_double_nothing(in_order: tuple[list[str], list[Told], str], other_store_settings: Settings):
    """Every two seconds the server is killed; who was not answered delivers again."""
    users, told, expected = in_order
    every = doubled(told, 10_000, random.Random(9))
    with open_store(other_store_settings) as store, served(other_store_settings) as api:
        add_agents(store)
        add_users(store, users)
        is_done = threading.Event()
        kills = 0

        def kill_now_and_then() -> None:
            nonlocal kills
            while not is_done.wait(2):
                api.kill()
                kills += 1
                api.start_again()
                until(api.is_ready, seconds=60)

        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        _, statuses = asyncio.run(deliver_all(lambda: api.address, every, until_taken=True))
        is_done.set()
        killer.join()
        until(lambda: pending(store) == 0, seconds=600)
        print(f"{kills} kills; answers {statuses}")
        assert kills
        assert set(statuses) <= {0, 200}
        assert statuses[200] == len(every)
        assert state_hash(store) == expected


def test_what_happens_at_one_instant_is_one_incidence_a_conversation(sqlite_store: Store, size: Callable[..., int]):
    """Six messages of each conversation, all at the same instant, in any order."""
    count = size(small=40, full=2_000)
    add_users(sqlite_store, [f"user-{number}" for number in range(count)])
    told: list[Told] = []
    for number in range(count):
        talk = Chat(Platform.FRESHCHAT, f"chat-{number}", f"user-{number}")
        told += [(talk.platform, talk.says(0, f"message {n}").replace(b"-user-0", f"-{n}".encode())) for n in range(6)]
    random.Random(3).shuffle(told)
    tell_at_once(sqlite_store, told)
    with sqlite_store.read() as connection:
        begun = connection.execute(select(func.count()).select_from(incidences)).scalar_one()
        written = connection.execute(
            select(func.count()).select_from(incidence_timeline).where(incidence_timeline.c.event_type == "MESSAGE")
        ).scalar_one()
    assert (begun, written) == (count, 6 * count)


@pytest.mark.release
def test_everything_is_answered_soon_while_the_platforms_hang_and_the_worker_stands_still(sqlite_settings: Settings):
    """Whatever the worker waits for, an answer waits for the disk alone."""
    count = 10_000
    _, told = stories(count, random.Random(5))
    factory = "tests.api.webhooks.standing:create_app"
    with socket.create_server(("127.0.0.1", 0)) as hanging, served(sqlite_settings, factory) as api:
        hung = f"base_url = 'http://127.0.0.1:{hanging.getsockname()[1]}'\naccess_token = 't'\n"
        connected = platforms_toml().replace("[intercom]\n", f"[intercom]\n{hung}")
        sqlite_settings.platforms_file.write_text(connected.replace("[freshchat]\n", f"[freshchat]\n{hung}"))
        seconds, statuses = asyncio.run(deliver_all(lambda: api.address, told))
        with open_store(sqlite_settings) as store, store.read() as connection:
            kept = connection.execute(select(func.count()).select_from(webhook_events)).scalar_one()
    p99 = seconds[int(count * 0.99)] * 1000
    print(f"{count:,} answers at 64 connections: median {seconds[count // 2] * 1000:.0f} ms, p99 {p99:.0f} ms")
    assert statuses == {200: count}
    assert kept == count
    assert p99 <= 250


def test_poison_among_events_stops_nothing_and_is_applied_once_the_cause_is_gone(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: Callable[..., int]
):
    """A fault of ours that some events meet: they die with a reason, and one replay after the repair applies them all."""
    count = size(small=100, full=1_000)
    add_users(sqlite_store, [f"user-{number}" for number in range(count)])
    read = applying._READERS[Platform.INTERCOM]

    def stumble(body: bytes) -> PlatformEvent:
        event = read(body)
        if event.messages and "poison" in event.messages[0].text:
            raise KeyError(event.messages[0].text)
        return event

    def words(number: int) -> str:
        return "poison, my number is 98200 12345" if number % 10 == 0 else "hello"

    def put(connection: Any) -> None:
        for number in range(count):
            talk = Chat(Platform.INTERCOM, f"chat-{number}", f"user-{number}")
            accept(connection, delivery(talk.platform, talk.starts(number / 100, words(number))), NOW)

    sqlite_store.write(put)
    monkeypatch.setitem(applying._READERS, Platform.INTERCOM, stumble)
    now, rounds = NOW, 0
    while pending(sqlite_store):
        rounds += 1
        now += applying.timedelta(seconds=60)
        sqlite_store.write(
            lambda c, now=now: applying.apply_pending(c, load_rules(c, now), CONNECTIONS, now, limit=count)
        )
        if rounds == 1:
            assert _count(sqlite_store, WebhookState.APPLIED) == count * 9 // 10
    assert rounds == applying.TRIES
    with sqlite_store.read() as connection:
        dead = list_dead(connection)
    assert len(dead) == count // 10
    assert all(row.failure.startswith("KeyError at test_many.py") for row in dead)
    assert "98200" not in repr(dead) + capsys.readouterr().out
    monkeypatch.undo()
    assert sqlite_store.write(replay_dead) == count // 10
    sqlite_store.write(lambda c: applying.apply_pending(c, load_rules(c, now), CONNECTIONS, now, limit=count))
    assert _count(sqlite_store, WebhookState.APPLIED) == count


def _count(store: Store, state: WebhookState) -> int:
    with store.read() as connection:
        query = select(func.count()).select_from(webhook_events).where(webhook_events.c.state == state)
        return connection.execute(query).scalar_one()
