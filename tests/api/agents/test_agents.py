from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.agents.assignment import assign_incidence
from api.agents.rules import Seat, pick_agent
from api.incidences.timeline import SYSTEM
from store import clock
from store.enums import AgentLevel, Role
from store.session import open_store
from store.settings import Settings
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, Api, serve_api
from tests.api.story import Floor, Time, add_agent, put_order, read, set_status, started, until

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)

seats = st.builds(
    Seat,
    agent_id=st.uuids().map(str),
    levels=st.lists(st.sampled_from(AgentLevel), min_size=1, unique=True),
    open_limit=st.integers(0, 4),
    open_count=st.integers(0, 5),
    idle_since=st.integers(0, 3).map(lambda hours: EPOCH + timedelta(hours=hours)),
)


@given(st.lists(seats, unique_by=lambda seat: seat.agent_id), st.sampled_from(AgentLevel))
def test_the_least_loaded_who_is_free_and_has_the_level_is_picked(known: list[Seat], level: AgentLevel):
    fitting = [seat for seat in known if level in seat.levels and seat.open_count < seat.open_limit]
    picked = pick_agent(known, level)
    assert (picked is None) == (not fitting)
    if picked is None:
        return
    assert picked in fitting
    for other in fitting:
        assert picked.open_count <= other.open_count
        if picked.open_count == other.open_count:
            assert picked.idle_since <= other.idle_since
        if (picked.open_count, picked.idle_since) == (other.open_count, other.idle_since):
            assert picked.agent_id <= other.agent_id


@given(st.lists(seats, unique_by=lambda seat: seat.agent_id), st.sampled_from(AgentLevel), st.randoms())
def test_the_pick_does_not_depend_on_the_order_of_the_list(known: list[Seat], level: AgentLevel, random):
    shuffled = random.sample(known, len(known))
    assert pick_agent(shuffled, level) == pick_agent(known, level)


@pytest.fixture
def admin(api: Api) -> httpx2.Client:
    return api.as_role(Role.ADMIN)


def test_an_admin_makes_and_changes_agents(admin: httpx2.Client):
    wanted = {
        "agentId": "agent-ravi",
        "name": "Ravi",
        "levels": ["AGENT", "SENIOR_AGENT"],
        "platformIds": {"INTERCOM": "8"},
    }
    made = admin.post("/agents", json=wanted)
    assert made.status_code == 201, made.text
    assert {**made.json(), "createdAt": 0, "updatedAt": 0} == {
        **wanted,
        "openLimit": 5,
        "openCount": 0,
        "status": "AWAY",
        "createdAt": 0,
        "updatedAt": 0,
    }
    assert admin.post("/agents", json=wanted).json()["code"] == "agent_exists"
    changed = admin.patch("/agents/agent-ravi", json={"openLimit": 2, "levels": ["TECH_TEAM"]}).json()
    assert (changed["openLimit"], changed["levels"], changed["name"]) == (2, ["TECH_TEAM"], "Ravi")
    assert "agent-ravi" in {item["agentId"] for item in admin.get("/agents").json()["items"]}
    assert admin.patch("/agents/nobody", json={}).status_code == 404


def test_an_agent_sets_the_own_status_only(api: Api):
    agent = api.as_role(Role.AGENT)
    assert agent.put(f"/agents/{AGENT_ID}/status", json={"status": "BUSY"}).json()["agent"]["status"] == "BUSY"
    assert agent.put(f"/agents/{SUPERVISOR_ID}/status", json={"status": "AWAY"}).status_code == 403
    assert set_status(api, AGENT_ID, "AWAY") == []


def test_who_becomes_available_takes_the_longest_waiting_up_to_the_limit(
    api_on_each_engine: Api, monkeypatch: pytest.MonkeyPatch
):
    api = api_on_each_engine
    api.as_role(Role.ADMIN).patch(f"/agents/{AGENT_ID}", json={"openLimit": 2})
    time = Time(monkeypatch)
    waiting = []
    for number in range(3):
        time.pass_(seconds=1)
        waiting.append(started(api, f"user-{number}")["incidenceId"])
    assert set_status(api, AGENT_ID, "AVAILABLE") == waiting[:2]
    assert [read(api, each)["status"] for each in waiting] == ["ASSIGNED", "ASSIGNED", "OPEN"]


@pytest.mark.parametrize("way", ["close", "order", "limit", "reassign"])
def test_a_freed_agent_takes_the_longest_waiting_at_once(api: Api, admin: httpx2.Client, way: str):
    admin.patch(f"/agents/{AGENT_ID}", json={"openLimit": 1})
    set_status(api, AGENT_ID, "AVAILABLE")
    first, second, third = (started(api, f"user-{number}")["incidenceId"] for number in range(3))
    assert [read(api, each)["agentId"] for each in (first, second, third)] == [AGENT_ID, None, None]
    if way == "close":
        api.as_role(Role.APP).patch(f"/incidences/{first}", json={"outcome": "RESOLVED"})
    elif way == "order":
        put_order(api, "order-1", "user-0", 12_000)
    elif way == "limit":
        admin.patch(f"/agents/{AGENT_ID}", json={"openLimit": 2})
    else:
        api.store.write(assign_incidence, first, SUPERVISOR_ID, actor=SYSTEM, at=clock.now())
        assert read(api, first)["agentId"] == SUPERVISOR_ID
    assert [read(api, each)["agentId"] for each in (second, third)] == [AGENT_ID, None]


def test_work_is_dealt_out_evenly(api: Api):
    for name in ("a", "b", "c"):
        add_agent(api.store, name, "AGENT")
    dealt = [started(api, f"user-{number}")["agentId"] for number in range(6)]
    assert sorted(dealt) == ["a", "a", "b", "b", "c", "c"]
    assert sorted(dealt[:3]) == ["a", "b", "c"]


def test_what_waits_when_the_product_starts_is_given_out(sqlite_settings: Settings):
    with open_store(sqlite_settings) as store:
        incidence_id = Floor(store).begin("user-1", 12_000)
        add_agent(store, "agent-early", "AGENT")
    with serve_api(sqlite_settings) as api:
        until(lambda: read(api, incidence_id)["agentId"] == "agent-early")
