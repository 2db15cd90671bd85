from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from store.enums import BLOCKED_ACTIONS, Role
from tests.api.agent.desk import act, acted, agent_client, decide, rows, sell
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, Api
from tests.api.story import add_agent, put_order, read, set_status, started, timeline

LATER = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = "This action requires supervisor approval"


@pytest.fixture
def asha(api: Api) -> httpx2.Client:
    return api.as_role(Role.AGENT)


@pytest.fixture
def vikram(api: Api) -> httpx2.Client:
    return api.as_role(Role.SUPERVISOR)


@pytest.fixture
def incidence_id(api: Api) -> str:
    """Of a cart of ₹12,000; it waits for an agent."""
    return started(api, "user-1")["incidenceId"]


def test_a_pre_approved_code_is_asked_of_the_app(api_on_each_engine: Api):
    api = api_on_each_engine
    incidence_id = started(api, "user-1")["incidenceId"]
    done = acted(api.as_role(Role.AGENT), incidence_id, "APPLY_DISCOUNT", discountCode="SORRY5")
    assert (done["allowed"], done["reason"], done["ruleVersion"], done["approvalId"]) == (True, None, 1, None)
    assert done["because"] == "Within your limit of ₹600 on this order."
    change = done["orderChange"]
    assert (change["kind"], change["discountCode"], change["discount"], change["status"]) == (
        "DISCOUNT",
        "SORRY5",
        600,
        "REQUESTED",
    )
    (message,) = rows(api, "outbox")
    assert (message["destination"], message["kind"], message["state"]) == ("APP", "ORDER_CHANGE", "PENDING")
    assert message["payload"]["requestId"] == change["requestId"]
    assert message["payload"]["discountPaise"] == 60_000
    (action,) = rows(api, "agent_actions")
    assert (action["action_id"], action["agent_id"], action["action"], action["is_allowed"], action["reason"]) == (
        done["actionId"],
        AGENT_ID,
        "APPLY_DISCOUNT",
        True,
        None,
    )
    assert timeline(api, incidence_id) == ["CREATED", "ASSIGNED", "ACTION"]
    assert done["incidence"]["agentId"] == AGENT_ID


def test_the_app_answers_what_was_asked(api: Api, asha: httpx2.Client, incidence_id: str):
    change = acted(asha, incidence_id, "APPLY_DISCOUNT", discountCode="SORRY5")["orderChange"]
    put_order(api, "order-1", "user-1", 11_400, changeRequestId=change["requestId"]).raise_for_status()
    (asked,) = rows(api, "order_change_requests")
    assert (asked["status"], asked["order_id"]) == ("APPLIED", "order-1")


@pytest.mark.parametrize("action", sorted(BLOCKED_ACTIONS))
def test_a_blocked_action_is_recorded_and_put_before_the_supervisors(
    api: Api, asha: httpx2.Client, vikram: httpx2.Client, incidence_id: str, action: str
):
    done = acted(asha, incidence_id, action)
    assert (done["allowed"], done["reason"], done["action"], done["orderChange"]) == (False, REFUSED, action, None)
    (row,) = rows(api, "agent_actions")
    assert (row["is_allowed"], row["reason"], row["rule_version"]) == (False, REFUSED, 1)
    (waiting,) = vikram.get("/agent/approvals").json()["items"]
    assert (waiting["approvalId"], waiting["actionId"], waiting["requestedBy"], waiting["isApproved"]) == (
        done["approvalId"],
        done["actionId"],
        AGENT_ID,
        None,
    )
    assert rows(api, "order_change_requests") == rows(api, "outbox") == []
    assert timeline(api, incidence_id)[-1] == "ACTION"


@pytest.mark.parametrize(
    "wanted",
    [
        {"discountCode": "FESTIVE10"},
        {"discountCode": "CORPORATE12"},
        {"amount": 100},
        {"discountCode": "SORRY5", "amount": 600.01},
    ],
    ids=["over the role's limit", "not pre-approved", "no code", "more than the code gives"],
)
def test_a_discount_beyond_the_rules_is_one_over_the_limit(
    api: Api, asha: httpx2.Client, incidence_id: str, wanted: dict[str, Any]
):
    done = acted(asha, incidence_id, "APPLY_DISCOUNT", **wanted)
    assert (done["allowed"], done["action"]) == (False, "MANUAL_DISCOUNT_OVER_LIMIT")
    assert rows(api, "order_change_requests") == []


def test_discounts_add_up(asha: httpx2.Client, api: Api, incidence_id: str):
    assert acted(asha, incidence_id, "APPLY_DISCOUNT", discountCode="SORRY5", amount=300)["allowed"]
    assert not acted(asha, incidence_id, "APPLY_DISCOUNT", discountCode="WELCOME5")["allowed"]
    assert acted(asha, incidence_id, "APPLY_DISCOUNT", discountCode="WELCOME5", amount=300)["allowed"]


def test_an_approved_action_passes_once(api_on_each_engine: Api):
    api = api_on_each_engine
    asha, vikram = api.as_role(Role.AGENT), api.as_role(Role.SUPERVISOR)
    incidence_id = started(api, "user-1")["incidenceId"]
    wanted = {"discountCode": "FESTIVE10"}
    approval_id = acted(asha, incidence_id, "APPLY_DISCOUNT", **wanted)["approvalId"]
    early = acted(asha, incidence_id, "APPLY_DISCOUNT", **wanted, approvalId=approval_id)
    assert (early["allowed"], early["because"], early["approvalId"]) == (
        False,
        "The approval is not decided yet.",
        approval_id,
    )
    decided = decide(vikram, approval_id, is_approved=True, reason="A good customer")
    assert (decided.status_code, decided.json()["isApproved"], decided.json()["supervisorId"]) == (
        200,
        True,
        SUPERVISOR_ID,
    )
    done = acted(asha, incidence_id, "APPLY_DISCOUNT", **wanted, approvalId=approval_id)
    assert (done["allowed"], done["orderChange"]["discount"], done["approvalId"]) == (True, 1_200, approval_id)
    again = acted(asha, incidence_id, "APPLY_DISCOUNT", **wanted, approvalId=approval_id)
    assert (again["allowed"], again["because"]) == (False, "The approval was used; it holds once.")
    assert again["approvalId"] != approval_id
    assert len(rows(api, "order_change_requests")) == 1
    assert timeline(api, incidence_id).count("APPROVAL") == 1


def test_a_refused_action_stays_blocked(asha: httpx2.Client, vikram: httpx2.Client, incidence_id: str):
    approval_id = acted(asha, incidence_id, "CUSTOM_PRICING", price=9_000)["approvalId"]
    assert decide(vikram, approval_id, is_approved=False).json()["isApproved"] is False
    done = acted(asha, incidence_id, "CUSTOM_PRICING", price=9_000, approvalId=approval_id)
    assert (done["allowed"], done["because"]) == (False, "The supervisor refused it.")


def test_an_approval_is_of_the_very_same_action(
    api: Api, asha: httpx2.Client, vikram: httpx2.Client, incidence_id: str
):
    approval_id = acted(asha, incidence_id, "CUSTOM_PRICING", price=9_000)["approvalId"]
    decide(vikram, approval_id, is_approved=True)
    for action, more in (("CUSTOM_PRICING", {"price": 8_000}), ("OFF_CATALOG_ITEM", {"price": 9_000})):
        assert not acted(asha, incidence_id, action, **more, approvalId=approval_id)["allowed"]
    done = acted(asha, incidence_id, "CUSTOM_PRICING", price=9_000, approvalId=approval_id)
    assert (done["allowed"], done["orderChange"]["kind"]) == (True, "MODIFICATION")
    assert done["orderChange"]["details"] == {"pricePaise": 900_000}
    other = started(api, "user-2")["incidenceId"]
    assert act(asha, other, "CUSTOM_PRICING", price=9_000, approvalId=approval_id).status_code == 404


def test_a_question_that_waits_is_not_asked_twice(asha: httpx2.Client, vikram: httpx2.Client, incidence_id: str):
    asked = [acted(asha, incidence_id, "UPSELL", description="dessert")["approvalId"] for _ in range(2)]
    assert asked[0] == asked[1]
    assert len(vikram.get("/agent/approvals").json()["items"]) == 1


def test_an_approval_is_decided_once(asha: httpx2.Client, vikram: httpx2.Client, incidence_id: str):
    approval_id = acted(asha, incidence_id, "UPSELL")["approvalId"]
    assert decide(vikram, approval_id, is_approved=True).status_code == 200
    again = decide(vikram, approval_id, is_approved=False)
    assert (again.status_code, again.json()["code"]) == (409, "approval_already_decided")
    assert vikram.get("/agent/approvals").json()["items"] == []
    assert decide(vikram, "0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11", is_approved=True).status_code == 404


def test_nobody_approves_what_they_asked_for(vikram: httpx2.Client, incidence_id: str):
    approval_id = acted(vikram, incidence_id, "UPSELL")["approvalId"]
    answer = decide(vikram, approval_id, is_approved=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "own_approval")


def test_an_agent_sees_only_what_they_asked_for(api: Api, asha: httpx2.Client, incidence_id: str):
    ravi = agent_client(api, "agent-ravi", status="AWAY")
    acted(asha, incidence_id, "UPSELL")
    assert len(asha.get("/agent/approvals").json()["items"]) == 1
    assert ravi.get("/agent/approvals").json()["items"] == []


def test_what_the_catalogue_sells_can_be_ordered(api: Api, asha: httpx2.Client, incidence_id: str):
    sell(api, "paneer")
    done = acted(asha, incidence_id, "MODIFY_ORDER", items=[{"itemId": "paneer", "quantity": 2}], guestCount=90)
    assert done["allowed"]
    assert (done["orderChange"]["kind"], done["orderChange"]["details"]) == (
        "MODIFICATION",
        {"items": [{"itemId": "paneer", "quantity": 2}], "guestCount": 90},
    )


def test_what_the_catalogue_does_not_sell_needs_a_supervisor(api: Api, asha: httpx2.Client, incidence_id: str):
    sell(api, "paneer")
    sell(api, "lobster")
    sell(api, "lobster", is_active=False, since=LATER)
    wanted = [{"itemId": "paneer", "quantity": 1}, {"itemId": "lobster", "quantity": 1}]
    done = acted(asha, incidence_id, "MODIFY_ORDER", items=wanted)
    assert (done["allowed"], done["action"], done["because"]) == (
        False,
        "OFF_CATALOG_ITEM",
        "The catalogue does not sell lobster.",
    )
    assert acted(asha, incidence_id, "MODIFY_ORDER", items=[{"itemId": "lobster", "quantity": 0}])["allowed"]


def test_closing_says_what_it_was_about(api: Api, asha: httpx2.Client, incidence_id: str):
    missing = act(asha, incidence_id, "CLOSE_RESOLVED")
    assert (missing.status_code, missing.json()["code"]) == (422, "issue_category_required")
    unknown = act(asha, incidence_id, "CLOSE_RESOLVED", issueCategory="NO_SUCH")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_request")
    assert rows(api, "agent_actions") == []
    done = acted(asha, incidence_id, "CLOSE_DROPPED", issueCategory="PRICE_CLARITY", orderImpact="LOST")
    assert (done["incidence"]["outcome"], done["incidence"]["issueCategory"]) == ("DROPPED", "PRICE_CLARITY")
    assert rows(api, "incidences")[0]["lost_value_paise"] == 1_200_000
    assert timeline(api, incidence_id) == ["CREATED", "ASSIGNED", "ACTION", "CLOSED"]
    closed = act(asha, incidence_id, "CLOSE_RESOLVED", issueCategory="PRICE_CLARITY")
    assert (closed.status_code, closed.json()["code"]) == (409, "incidence_already_closed")


def test_a_category_that_is_known_is_not_asked_again(api: Api, asha: httpx2.Client):
    incidence_id = started(api, "user-1", issueCategory="APP_BUG")["incidenceId"]
    assert acted(asha, incidence_id, "CLOSE_RESOLVED")["incidence"]["outcome"] == "RESOLVED"


def test_closing_gives_the_agent_the_longest_waiting(api: Api, asha: httpx2.Client):
    api.as_role(Role.ADMIN).patch(f"/agents/{AGENT_ID}", json={"openLimit": 1}).raise_for_status()
    set_status(api, AGENT_ID, "AVAILABLE")
    first, second = (started(api, user)["incidenceId"] for user in ("user-1", "user-2"))
    assert (read(api, first)["agentId"], read(api, second)["agentId"]) == (AGENT_ID, None)
    acted(asha, first, "CLOSE_RESOLVED", issueCategory="APP_BUG")
    assert read(api, second)["agentId"] == AGENT_ID


def test_reassigning_to_an_agent(api: Api, asha: httpx2.Client, incidence_id: str):
    add_agent(api.store, "agent-ravi", "AGENT", status="AWAY")
    acted(asha, incidence_id, "REASSIGN", agentId=AGENT_ID)
    done = acted(asha, incidence_id, "REASSIGN", agentId="agent-ravi")
    assert done["incidence"]["agentId"] == "agent-ravi"
    assert timeline(api, incidence_id) == ["CREATED", "ACTION", "ASSIGNED", "ACTION", "REASSIGNED"]
    late = act(asha, incidence_id, "REASSIGN", agentId=AGENT_ID)
    assert (late.status_code, late.json()["code"], late.json()["agentId"]) == (
        409,
        "incidence_of_another_agent",
        "agent-ravi",
    )


def test_what_goes_back_to_the_queue_waits_or_is_someone_elses(api: Api, asha: httpx2.Client, incidence_id: str):
    acted(asha, incidence_id, "REASSIGN", agentId=AGENT_ID)
    back = acted(asha, incidence_id, "REASSIGN")
    assert (back["incidence"]["agentId"], back["incidence"]["status"]) == (None, "OPEN")
    acted(asha, incidence_id, "REASSIGN", agentId=AGENT_ID)
    add_agent(api.store, "agent-ravi", "AGENT")
    assert acted(asha, incidence_id, "REASSIGN")["incidence"]["agentId"] == "agent-ravi"


def test_what_would_come_straight_back_is_not_given_away(api: Api, asha: httpx2.Client):
    set_status(api, AGENT_ID, "AVAILABLE")
    incidence_id = started(api, "user-1")["incidenceId"]
    answer = act(asha, incidence_id, "REASSIGN")
    assert (answer.status_code, answer.json()["code"]) == (409, "nobody_else_is_free")
    assert read(api, incidence_id)["agentId"] == AGENT_ID
    assert timeline(api, incidence_id) == ["CREATED", "ASSIGNED"]


def test_escalating_moves_it_to_the_level_once(api: Api, asha: httpx2.Client, incidence_id: str):
    add_agent(api.store, "agent-tara", "TECH_TEAM")
    done = acted(asha, incidence_id, "ESCALATE", trigger="SYSTEM_BUG", reason="Checkout is blank")
    assert (done["incidence"]["escalationLevel"], done["incidence"]["agentId"]) == ("TECH_TEAM", "agent-tara")
    assert timeline(api, incidence_id) == ["CREATED", "ASSIGNED", "ACTION", "ESCALATED", "REASSIGNED"]
    again = act(api.as_role(Role.SUPERVISOR), incidence_id, "ESCALATE", trigger="SYSTEM_BUG")
    assert (again.status_code, again.json()["code"]) == (409, "already_escalated")
    assert act(asha, incidence_id, "ESCALATE", trigger="UNRESOLVED").status_code == 422


def test_a_supervisor_acts_on_everything_without_taking_it(api: Api, asha: httpx2.Client, vikram: httpx2.Client):
    incidence_id = started(api, "user-1", rupees=100_000, channel="CALL")["incidenceId"]
    assert acted(vikram, incidence_id, "APPLY_DISCOUNT", discountCode="CORPORATE12")["allowed"]
    assert read(api, incidence_id)["agentId"] is None


def test_nobody_acts_on_what_no_person_works_on(api: Api, asha: httpx2.Client):
    incidence_id = started(api, "user-1", rupees=1_000)["incidenceId"]
    answer = act(asha, incidence_id, "CLOSE_RESOLVED", issueCategory="APP_BUG")
    assert (answer.status_code, answer.json()["code"]) == (409, "incidence_not_open")


def test_an_action_for_a_state_that_is_gone_is_not_done(api: Api, asha: httpx2.Client, incidence_id: str):
    etag = asha.get(f"/agent/dashboard/{incidence_id}").json()["incidenceEtag"]
    url, body = f"/agent/actions/{incidence_id}", {"action": "CLOSE_RESOLVED", "issueCategory": "APP_BUG"}
    acted(asha, incidence_id, "REASSIGN", agentId=AGENT_ID)
    stale = asha.post(url, json=body, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    etag = asha.get(f"/agent/dashboard/{incidence_id}").json()["incidenceEtag"]
    assert asha.post(url, json=body, headers={"If-Match": etag}).status_code == 200


def test_a_repeated_request_acts_once(api: Api, asha: httpx2.Client, incidence_id: str):
    url, body = f"/agent/actions/{incidence_id}", {"action": "APPLY_DISCOUNT", "discountCode": "SORRY5"}
    first, second = (asha.post(url, json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json() == second.json()
    assert len(rows(api, "order_change_requests")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"action": "NO_SUCH"},
        {"action": "APPLY_DISCOUNT"},
        {"action": "APPLY_DISCOUNT", "discountCode": "NOSUCH"},
        {"action": "MODIFY_ORDER"},
        {"action": "MODIFY_ORDER", "guestCount": 10, "price": 1},
        {"action": "ESCALATE"},
        {},
    ],
)
def test_what_is_no_action_is_refused(api: Api, asha: httpx2.Client, incidence_id: str, body: dict[str, Any]):
    assert asha.post(f"/agent/actions/{incidence_id}", json=body).status_code == 422
    assert rows(api, "agent_actions") == []
