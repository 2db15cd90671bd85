from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.agents.assignment import assign_waiting
from api.escalation.rules import due_clocks, is_high_value
from api.escalation.service import escalate
from api.incidences.reopening import reopen_incidence
from api.incidences.rules import highest, status_of
from api.incidences.timeline import SYSTEM
from api.paging import encode_place
from api.rules.sets import EscalationRule, EscalationRules
from store.enums import EscalationLevel, EscalationTrigger, Role
from store.session import Store
from tests.api.serving import Api
from tests.api.story import Floor, add_agent, fill_cart, started

AT = datetime(2026, 11, 23, tzinfo=UTC)
RULES = EscalationRules(
    1,
    AT,
    {
        EscalationTrigger.HIGH_VALUE_ORDER: EscalationRule(
            EscalationTrigger.HIGH_VALUE_ORDER, EscalationLevel.SENIOR_AGENT, 5_000_000, None
        ),
        EscalationTrigger.UNRESOLVED: EscalationRule(
            EscalationTrigger.UNRESOLVED, EscalationLevel.SUPERVISOR, None, 900
        ),
    },
)


@given(st.none() | st.integers(0, 10**10))
def test_a_value_is_high_strictly_over_the_rule(value):
    assert is_high_value(RULES, value) == (value is not None and value > 5_000_000)


@given(
    st.none() | st.integers(1, 10_000),
    st.sets(st.sampled_from(["CHAT", "CALL"])),
    st.sets(st.sampled_from(["CHAT_UNRESOLVED", "UNRESOLVED"])),
)
def test_clocks_run_for_what_has_not_fired_and_never_for_a_call_that_is_there(chat_seconds, allowed, fired):
    clocks = due_clocks(RULES, escalate_chat_after_seconds=chat_seconds, allowed=allowed, started_at=AT, fired=fired)
    expected = {}
    if chat_seconds is not None and "CALL" not in allowed and "CHAT_UNRESOLVED" not in fired:
        expected["CHAT_UNRESOLVED"] = chat_seconds
    if "UNRESOLVED" not in fired:
        expected["UNRESOLVED"] = 900
    assert {each.kind: (each.due_at - AT).total_seconds() for each in clocks} == expected


@given(st.lists(st.none() | st.sampled_from(EscalationLevel)))
def test_the_level_is_the_highest_so_far(levels):
    ranks = {"CALL": 0, "SENIOR_AGENT": 1, "TECH_TEAM": 2, "SUPERVISOR": 3}
    known = [ranks[level] for level in levels if level is not None]
    top = highest(levels)
    assert (top is None) if not known else (top is not None and ranks[top] == max(known))


@pytest.fixture
def floor(store: Store) -> Floor:
    return Floor(store)


def test_an_unresolved_chat_gets_a_call_after_ten_minutes_once(floor: Floor):
    incidence_id = floor.begin("user-1", 12_000)
    floor.later(minutes=10, microseconds=-1)
    assert floor.fire() == []  # never early
    floor.later(microseconds=1)
    assert floor.fire() == ["CHAT_UNRESOLVED"]
    row = floor.row(incidence_id)
    assert (row.allowed_channels, row.escalation_level) == (["CHAT", "CALL"], "CALL")
    assert (row.channel, row.first_channel) == ("IN_APP_CHAT", "IN_APP_CHAT")
    assert floor.log(incidence_id) == [("CHAT_UNRESOLVED", "CALL", None, None)]
    assert floor.timeline(incidence_id) == ["CREATED", "ESCALATED", "CHANNEL_ADDED"]
    assert floor.fire() == []


def test_what_is_unresolved_for_fifteen_minutes_becomes_a_supervisors(floor: Floor):
    add_agent(floor.store, "asha", "AGENT")
    add_agent(floor.store, "vikram", "SUPERVISOR")
    incidence_id = floor.begin("user-1", 30_000)  # CALL is allowed from the start: one clock
    floor.later(minutes=15)
    assert floor.fire() == ["UNRESOLVED"]
    assert floor.row(incidence_id).agent_id == "vikram"
    assert floor.log(incidence_id) == [("UNRESOLVED", "SUPERVISOR", "asha", "vikram")]


def test_closing_stops_every_clock(floor: Floor):
    incidence_id = floor.begin("user-1", 12_000)
    floor.later(minutes=9)
    floor.close(incidence_id)
    floor.later(hours=1)
    assert floor.fire() == []
    assert floor.log(incidence_id) == []


def test_offers_and_self_serve_have_no_clocks(floor: Floor):
    floor.begin("user-1", 4_000)
    floor.begin("user-2", 60_000, as_offer=True)
    floor.later(hours=1)
    assert floor.fire() == []


def test_reopening_starts_the_clocks_that_did_not_fire(floor: Floor):
    incidence_id = floor.begin("user-1", 12_000)
    floor.later(minutes=11)
    assert floor.fire() == ["CHAT_UNRESOLVED"]
    floor.close(incidence_id)
    floor.later(hours=2)
    floor.do(lambda c, rules: reopen_incidence(c, rules, incidence_id, actor=SYSTEM, at=floor.at))
    floor.later(minutes=14)
    assert floor.fire() == []
    floor.later(minutes=1)
    assert floor.fire() == ["UNRESOLVED"]


def test_while_no_supervisor_is_free_its_agent_keeps_it(floor: Floor):
    add_agent(floor.store, "asha", "AGENT", limit=1)
    incidence_id = floor.begin("user-1", 30_000)
    waiting = floor.begin("user-2", 30_000)
    floor.later(minutes=15)
    floor.fire()
    row = floor.row(incidence_id)
    assert (row.agent_id, row.escalation_level) == ("asha", "SUPERVISOR")
    assert ("UNRESOLVED", "SUPERVISOR", "asha", None) in floor.log(incidence_id)
    add_agent(floor.store, "vikram", "SUPERVISOR", limit=1)
    floor.do(lambda c, _: assign_waiting(c, floor.at))
    assert floor.row(incidence_id).agent_id == "vikram"
    assert ("UNRESOLVED", "SUPERVISOR", "asha", "vikram") in floor.log(incidence_id)
    assert floor.row(waiting).agent_id is None  # it needs a supervisor too, and asha is none


def test_a_value_over_fifty_thousand_is_a_senior_agents_at_opening(floor: Floor):
    add_agent(floor.store, "asha", "AGENT")
    add_agent(floor.store, "ravi", "SENIOR_AGENT")
    assert floor.row(floor.begin("user-1", 50_000)).agent_id == "asha"
    over = floor.begin("user-2", 50_001)
    assert floor.row(over).agent_id == "ravi"
    assert floor.log(over) == [("HIGH_VALUE_ORDER", "SENIOR_AGENT", None, "ravi")]


def test_an_open_incidence_follows_the_cart(floor: Floor):
    incidence_id = floor.begin("user-1", 12_000)
    fill_cart(floor.store, "user-1", 51_000)
    floor.follow("user-1")
    row = floor.row(incidence_id)
    assert (row.order_value_paise, row.allowed_channels) == (5_100_000, ["CHAT", "CALL"])
    assert row.escalation_level == "SENIOR_AGENT"
    fill_cart(floor.store, "user-1", 1_000)
    floor.follow("user-1")
    assert floor.row(incidence_id).allowed_channels == ["CHAT", "CALL"]  # what was allowed stays so
    fill_cart(floor.store, "user-1", 52_000)
    floor.follow("user-1")
    assert len(floor.log(incidence_id)) == 1  # once
    floor.later(minutes=10)
    assert floor.fire() == []  # a call is there already


def test_a_cart_that_shrinks_closes_an_offer_to_people(floor: Floor):
    incidence_id = floor.begin("user-1", 12_000, as_offer=True)
    fill_cart(floor.store, "user-1", 1_000)
    floor.follow("user-1")
    assert floor.row(incidence_id).allowed_channels == []
    assert floor.begin("user-1", 1_000) == incidence_id
    assert status_of(floor.row(incidence_id)) == "SELF_SERVE"


def test_a_later_escalation_never_lowers_the_level(floor: Floor):
    incidence_id = floor.begin("user-1", 12_000)
    for trigger in (EscalationTrigger.POLICY_EXCEPTION, EscalationTrigger.EMOTIONAL_CRITICAL):
        floor.do(lambda c, r, t=trigger: escalate(c, r, incidence_id, t, reason=None, actor=SYSTEM, at=floor.at))
    assert floor.row(incidence_id).escalation_level == "SUPERVISOR"
    assert [entry[1] for entry in floor.log(incidence_id)] == ["SUPERVISOR", "SENIOR_AGENT"]


def test_a_cause_escalates_once(api: Api):
    add_agent(api.store, "tara", "TECH_TEAM")
    made = started(api, "user-1")
    agent = api.as_role(Role.AGENT)
    body = {"incidenceId": made["incidenceId"], "trigger": "SYSTEM_BUG", "reason": "The cart empties itself."}
    first, again = (
        agent.post("/escalation/trigger", json=body).json(),
        agent.post("/escalation/trigger", json=body).json(),
    )
    assert (first["level"], first["isRepeated"], first["incidence"]["agentId"]) == ("TECH_TEAM", False, "tara")
    assert (again["level"], again["isRepeated"]) == (None, True)
    assert first["ruleVersion"] == 1
    assert first["reasons"]


@pytest.mark.parametrize("trigger", ["UNRESOLVED", "HIGH_VALUE_ORDER", "CHAT_UNRESOLVED", "IMPORTED"])
def test_what_the_server_notices_itself_cannot_be_claimed(api: Api, trigger: str):
    made = started(api, "user-1")
    body = {"incidenceId": made["incidenceId"], "trigger": trigger}
    assert api.as_role(Role.APP).post("/escalation/trigger", json=body).status_code == 422


def test_what_nobody_works_on_is_not_escalated(api: Api):
    made = started(api, "user-1", 1_000)
    body = {"incidenceId": made["incidenceId"], "trigger": "SYSTEM_BUG"}
    for path in ("/escalation/trigger", "/channel/escalate"):
        answer = api.as_role(Role.AGENT).post(
            path, json=body if "trigger" in path else {"incidenceId": made["incidenceId"]}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "incidence_not_open")


def test_an_agent_may_add_a_call_and_the_app_only_when_it_is_due(api: Api):
    made = started(api, "user-1")
    body = {"incidenceId": made["incidenceId"]}
    early = api.as_role(Role.APP).post("/channel/escalate", json=body)
    assert (early.status_code, early.json()["code"]) == (409, "escalation_not_due")
    assert "dueAt" in early.json()
    added = api.as_role(Role.AGENT).post("/channel/escalate", json=body).json()
    assert (added["level"], added["incidence"]["allowedChannels"]) == ("CALL", ["CHAT", "CALL"])
    again = api.as_role(Role.APP).post("/channel/escalate", json=body).json()
    assert (again["level"], again["isRepeated"]) == (None, True)
    called = api.as_role(Role.APP).patch(f"/incidences/{made['incidenceId']}", json={"channel": "CALL"}).json()
    assert (called["channel"], called["firstChannel"]) == ("CALL", "IN_APP_CHAT")


def test_the_queue_is_ordered_by_level_value_and_age_and_says_why_and_whose(api_on_each_engine: Api):
    api = api_on_each_engine
    add_agent(api.store, "vikram", "SUPERVISOR", limit=1)
    small, large, older, plain = (
        started(api, f"user-{n}", r)["incidenceId"] for n, r in enumerate((6_000, 9_000, 6_000, 7_000))
    )
    app = api.as_role(Role.APP)
    for incidence_id, trigger in (
        (large, "POLICY_EXCEPTION"),
        (small, "POLICY_EXCEPTION"),
        (older, "EMOTIONAL_CRITICAL"),
    ):
        app.post("/escalation/trigger", json={"incidenceId": incidence_id, "trigger": trigger}).raise_for_status()
    queue = api.as_role(Role.SUPERVISOR).get("/escalation/queue").json()
    assert [entry["incidenceId"] for entry in queue["items"]] == [large, small, older, plain]
    assert queue["total"] == 4
    assert [entry["agentId"] for entry in queue["items"]] == ["vikram", None, None, None]
    assert [entry["isWaiting"] for entry in queue["items"]] == [False, True, True, True]
    codes = [[reason["code"] for reason in entry["reasons"]] for entry in queue["items"]]
    assert codes == [
        ["POLICY_EXCEPTION"],
        ["POLICY_EXCEPTION", "WAITING"],
        ["EMOTIONAL_CRITICAL", "WAITING"],
        ["WAITING"],
    ]
    only = api.as_role(Role.SUPERVISOR).get("/escalation/queue", params={"level": "SENIOR_AGENT"}).json()
    assert [entry["incidenceId"] for entry in only["items"]] == [older]

    opened_at = datetime.fromisoformat(queue["items"][0]["openedAt"])
    pages, cursor = [], None
    while not pages or cursor is not None:
        params = {"limit": 1} if cursor is None else {"limit": 1, "cursor": cursor}
        page = api.as_role(Role.SUPERVISOR).get("/escalation/queue", params=params).raise_for_status().json()
        pages += page["items"]
        cursor = page["nextCursor"]
        assert page["total"] == 4
    assert [entry["incidenceId"] for entry in pages] == [large, small, older, plain]
    for foreign, status in ((encode_place(opened_at, older), 422), (encode_place(2**60, 0, opened_at, older), 200)):
        answer = api.as_role(Role.SUPERVISOR).get("/escalation/queue", params={"cursor": foreign})
        assert answer.status_code == status
