"""The desk shows what the demo left open until there is a live incidence, and nothing of it reaches anybody."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from api.agent.approvals import open_approvals
from api.agent.worklist import Asked, View, Worklist, read_worklist
from api.agents.assignment import assign_incidence, assign_waiting
from api.escalation.service import fire_due
from api.incidences.timeline import SYSTEM
from api.paging import PageQuery
from api.rules.registry import load_rules
from ingestion.simulate import seed_demo
from store import clock
from store.session import Store
from store.tables import incidences, outbox, timers
from tests.api.story import Floor, add_agent
from tests.ingestion.simulate.frames import UNTIL


@pytest.fixture
def city(sqlite_store: Store) -> Store:
    seed_demo(sqlite_store.settings, users=2_000, days=4, until=UNTIL, progress=lambda _: None)
    return sqlite_store


def worklist(store: Store, view: View = View.ALL, agent_id: str | None = None) -> Worklist:
    with store.read() as connection:
        return read_worklist(connection, Asked(view), agent_id)


def test_an_empty_desk_is_no_demo(sqlite_store: Store):
    assert not worklist(sqlite_store).is_demo


def test_the_demo_is_worked_on_until_a_live_incidence_comes(city: Store):
    shown = worklist(city)
    assert shown.is_demo
    assert len(shown.entries) == shown.counts[View.ALL] == 10
    assert all(entry.is_demo and entry.clock and entry.name and entry.order_value_paise for entry in shown.entries)
    add_agent(city, "meera", "AGENT", "SENIOR_AGENT")
    taken = next(entry for entry in shown.entries if entry.agent_id is None)
    city.write(assign_incidence, taken.incidence_id, "meera", actor=SYSTEM, at=clock.now())

    live = Floor(city).begin("real-user", 12_000)
    shown = worklist(city)
    assert not shown.is_demo
    assert [entry.incidence_id for entry in shown.entries] == [live]
    mine = worklist(city, View.MINE, "meera").entries
    assert taken.incidence_id in {entry.incidence_id for entry in mine}, "what she took stays hers"
    with city.read() as connection:
        assert not open_approvals(connection, PageQuery(10, None), requested_by=None)


def test_clocks_of_the_demo_run_out_and_nobody_is_given_anything(city: Store):
    add_agent(city, "meera", "AGENT", "SENIOR_AGENT", "SUPERVISOR", "TECH_TEAM")
    before = worklist(city)
    at = UNTIL + timedelta(minutes=16)
    with city.read() as connection:
        rules = load_rules(connection, at)
    fired = city.write(fire_due, rules, at)
    assert city.write(assign_waiting, at) == []
    assert fired
    after = {entry.incidence_id: entry for entry in worklist(city).entries}
    assert all(after[each.incidence_id].agent_id == each.agent_id for each in before.entries)
    assert all(entry.escalation_level == "SUPERVISOR" for entry in after.values())
    with city.read() as connection:
        assert connection.execute(select(func.count()).where(timers.c.done_at.is_(None))).scalar_one() == 0
        assert set(connection.execute(select(outbox.c.state)).scalars()) <= {"SENT"}
        assert set(connection.execute(select(incidences.c.source)).scalars()) == {"demo"}
