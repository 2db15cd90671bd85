"""Several processes write on PostgreSQL: each test has two writers of their own, as two processes have."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from api.agents.assignment import open_count
from api.escalation.service import fire_due
from api.incidences.closing import close_incidence
from api.incidences.reading import IncidenceAlreadyClosed
from api.incidences.starting import StartIncidence, start_incidence
from api.incidences.timeline import SYSTEM
from api.rules.registry import load_rules
from store.enums import IncidenceTrigger, Outcome, Role, Stage
from store.session import Store, open_store
from store.settings import Settings
from store.tables import incidences
from tests.api.robustness.processes import api_process
from tests.api.serving import serve_api
from tests.api.story import Floor, add_agent, fill_cart, started


@pytest.fixture
def settings(migrated_postgres_url: str, tmp_path) -> Settings:
    return Settings.at(tmp_path / "var", migrated_postgres_url)


@pytest.fixture
def two(settings: Settings) -> Iterator[tuple[Store, Store]]:
    with open_store(settings) as one, open_store(settings) as other:
        yield one, other


def begin(store: Store, floor: Floor, user_id: str) -> Future[Any]:
    start = StartIncidence(user_id, Stage.PRE_ORDER, IncidenceTrigger.USER_INITIATED)
    return store.writer.submit_future(lambda c: start_incidence(c, load_rules(c, floor.at), start, floor.at))


def test_two_starts_at_once_are_one_incidence(two: tuple[Store, Store]):
    floor = Floor(two[0])
    for number in range(20):
        fill_cart(two[0], f"user-{number}", 12_000)
    answers = [[begin(store, floor, f"user-{number}") for store in two] for number in range(20)]
    for pair in answers:
        one, other = (future.result() for future in pair)
        assert one.incidence_id == other.incidence_id
        assert {one.joined, other.joined} == {True, False}
    with two[0].read() as connection:
        assert connection.execute(select(func.count()).select_from(incidences)).scalar_one() == 20


def test_no_agent_gets_more_than_the_limit(two: tuple[Store, Store]):
    floor = Floor(two[0])
    add_agent(two[0], "asha", "AGENT", limit=3)
    add_agent(two[0], "ravi", "AGENT", limit=2)
    for number in range(20):
        fill_cart(two[0], f"user-{number}", 12_000)
    for future in [begin(two[number % 2], floor, f"user-{number}") for number in range(20)]:
        future.result()
    with two[0].read() as connection:
        assert (open_count(connection, "asha"), open_count(connection, "ravi")) == (3, 2)


def test_a_resolve_that_races_its_escalation_is_never_escalated_after(two: tuple[Store, Store]):
    floor = Floor(two[0])
    add_agent(two[0], "vikram", "SUPERVISOR", limit=100)
    ids = [floor.begin(f"user-{number}", 30_000) for number in range(40)]
    floor.later(minutes=15)
    gate = Barrier(2)

    def resolve() -> None:
        gate.wait()
        closings = [
            two[0].writer.submit_future(
                close_incidence, incidence_id, outcome=Outcome.RESOLVED, actor=SYSTEM, at=floor.at
            )
            for incidence_id in reversed(ids)
        ]
        for closing in closings:
            closing.result()

    def escalate() -> int:
        gate.wait()
        fired = 0
        for _ in range(20):
            change = two[1].writer.submit_future(lambda c: fire_due(c, load_rules(c, floor.at), floor.at, 5))
            fired += sum(each.level is not None for each in change.result())
        return fired

    with ThreadPoolExecutor(2) as threads:
        resolving, escalating = threads.submit(resolve), threads.submit(escalate)
        resolving.result()
        fired = escalating.result()
    told = {incidence_id: floor.timeline(incidence_id) for incidence_id in ids}
    for events in told.values():
        assert events.count("CLOSED") == 1
        assert "ESCALATED" not in events or events.index("ESCALATED") < events.index("CLOSED")
    assert sum("ESCALATED" in events for events in told.values()) == fired
    with pytest.raises(IncidenceAlreadyClosed):
        floor.close(ids[0])


def test_a_worker_takes_the_clocks_that_another_does_not_hold(two: tuple[Store, Store]):
    floor = Floor(two[0])
    ids = {floor.begin(f"user-{number}", 30_000) for number in range(10)}
    floor.later(minutes=15)

    def fire(connection: Connection) -> set[str]:
        return {each.incidence_id for each in fire_due(connection, load_rules(connection, floor.at), floor.at, 5)}

    def fire_beside(connection: Connection) -> tuple[set[str], set[str]]:
        return fire(connection), two[1].write(fire)

    one, other = two[0].write(fire_beside)
    assert len(one) == len(other) == 5
    assert one | other == ids


def test_two_processes_that_patch_in_opposite_order_never_fail(settings: Settings, size: Callable[..., int]):
    """The API of the test's own process, and another one. Their batches lock the same rows in opposite order."""
    with serve_api(settings, loops=()) as api, api_process(settings) as other:
        paths = [f"/incidences/{started(api, f'user-{number}')['incidenceId']}" for number in range(12)]
        client = api.as_role(Role.APP)

        def patch(address: str, order: list[str], word: str) -> list[int]:
            codes = []
            with ThreadPoolExecutor(12) as threads:
                for turn in range(size(small=5, full=200)):
                    body = {"rootCause": f"{word}-{turn}"}
                    codes += threads.map(
                        lambda path, body=body: client.patch(address + path, json=body).status_code, order
                    )
            return codes

        with ThreadPoolExecutor(2) as sides:
            one = sides.submit(patch, api.address, paths, "one")
            two = sides.submit(patch, other.address, paths[::-1], "two")
        assert set(one.result() + two.result()) == {200}
