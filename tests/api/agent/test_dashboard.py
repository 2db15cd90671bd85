import json
from typing import Any

import duckdb
import httpx2
import pytest
from sqlalchemy import Connection, delete

from api.agent.dashboard import masked_phone
from api.agent.rules import QUICK_ACTIONS
from store import clock
from store.enums import Role
from store.published import SCHEMA_VERSION
from store.settings import Settings
from store.tables import incidence_timeline, incidences
from tests.api.agent.desk import acted, agent_client, sell
from tests.api.serving import AGENT_ID, Api
from tests.api.story import put_order, set_status, start, started

OWNERS_SIX = ["APPLY_DISCOUNT", "MODIFY_ORDER", "REASSIGN", "ESCALATE", "CLOSE_RESOLVED", "CLOSE_DROPPED"]
PROFILE = {"name": "Meera", "phone": "+919812345678", "language": "hi", "tier": "GOLD", "priorOrderCount": 0}


def dashboard(client: httpx2.Client, incidence_id: str) -> dict[str, Any]:
    answer = client.get(f"/agent/dashboard/{incidence_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def states(view: dict[str, Any]) -> dict[str, str | None]:
    """Of each action why it is not open, None if it is."""
    assert all(state["allowed"] == (state["reason"] is None) for state in view["actionStates"])
    return {state["action"]: state["reason"] for state in view["actionStates"]}


@pytest.fixture
def asha(api: Api) -> httpx2.Client:
    return api.as_role(Role.AGENT)


@pytest.fixture
def incidence_id(api: Api) -> str:
    return tell_of_meera(api)


def tell_of_meera(api: Api) -> str:
    """Meera's profile, cart, way through the app and question; the id of her incidence."""
    app = api.as_role(Role.APP)
    sell(api, "paneer", 300)
    app.put("/context/meera/profile", json=PROFILE).raise_for_status()
    cart = {
        "cartItems": [{"itemId": "paneer", "quantity": 40}],
        "guestCount": 40,
        "eventDate": "2026-12-20",
        "eventType": "WEDDING",
        "selectedPlatter": {"itemId": "paneer"},
    }
    app.put("/context/meera/cart", json=cart).raise_for_status()
    for screen in ("home", "menu", "checkout"):
        app.put("/context/meera/screen", json={"currentScreen": screen}).raise_for_status()
    signals = [
        {"clientEventId": f"e{number}", "signalType": word}
        for number, word in enumerate(("ITEM_VIEWED", "ITEM_VIEWED", "PLATTER_VIEWED", "ITEM_ADDED"))
    ]
    app.post("/context/meera/signals", json=signals).raise_for_status()
    return start(app, userId="meera").raise_for_status().json()["incidenceId"]


def test_the_view_is_the_owners(api_on_each_engine: Api):
    api = api_on_each_engine
    incidence_id = tell_of_meera(api)
    view = dashboard(api.as_role(Role.SUPERVISOR), incidence_id)
    assert view["userDetails"] == {"name": "Meera", "phone": "+919812345678", "language": "hi", "tier": "GOLD"}
    assert view["orderContext"] == {
        "cartItems": [{"itemId": "paneer", "quantity": 40}],
        "guestCount": 40,
        "eventDate": "2026-12-20",
        "eventType": "WEDDING",
        "selectedPlatter": {"itemId": "paneer"},
        "estimatedValue": 12_000,
    }
    assert view["appState"] == {
        "currentScreen": "checkout",
        "previousScreens": ["home", "menu"],
        "itemsViewed": 3,
        "itemsAdded": 1,
    }
    assert view["actions"] == OWNERS_SIX == [str(action) for action in QUICK_ACTIONS]
    assert list(states(view).values()) == [None] * 6
    assert (view["incidence"]["incidenceId"], view["previousIncidences"]) == (incidence_id, [])
    assert [event["eventType"] for event in view["timeline"]] == ["CREATED"]
    friction = view["friction"]
    assert (friction["score"], friction["isHelpDue"]) == (25, False)
    assert [(reason["code"], reason["points"]) for reason in friction["reasons"]] == [
        ("HIGH_VALUE_EVENT", 15),
        ("FIRST_TIME_USER", 10),
    ]


def test_of_an_order_the_order_is_shown(api: Api, asha: httpx2.Client, incidence_id: str):
    items = [{"itemId": "paneer", "quantity": 50}]
    put_order(api, "order-1", "meera", 15_000, eventType="WEDDING", guestCount=50, items=items).raise_for_status()
    after = start(api.as_role(Role.APP), userId="meera", stage="POST_ORDER", orderId="order-1").json()["incidenceId"]
    order = dashboard(asha, after)["orderContext"]
    assert (order["cartItems"], order["guestCount"], order["estimatedValue"]) == (items, 50, 15_000)


def test_the_phone_is_for_those_who_may_call(api: Api, asha: httpx2.Client, incidence_id: str):
    ravi = agent_client(api, "agent-ravi", status="AWAY")
    set_status(api, AGENT_ID, "AVAILABLE")

    def phone(client: httpx2.Client) -> str:
        return dashboard(client, incidence_id)["userDetails"]["phone"]

    whole, masked = PROFILE["phone"], "••••••5678"
    assert (phone(asha), phone(ravi)) == (whole, masked)
    assert phone(api.as_role(Role.SUPERVISOR)) == phone(api.as_role(Role.ADMIN)) == whole
    acted(asha, incidence_id, "REASSIGN", agentId="agent-ravi")
    assert (phone(asha), phone(ravi)) == (masked, whole)


def test_a_short_phone_is_not_told_by_its_last_digits():
    assert (masked_phone("100"), masked_phone(None)) == ("••••••", None)


def test_each_action_says_why_it_is_not_open(api: Api, asha: httpx2.Client, incidence_id: str):
    acted(asha, incidence_id, "REASSIGN", agentId=AGENT_ID)
    ravi = agent_client(api, "agent-ravi", status="AWAY")
    assert set(states(dashboard(asha, incidence_id)).values()) == {None}
    assert set(states(dashboard(ravi, incidence_id)).values()) == {f"It is with {AGENT_ID}."}
    assert set(states(dashboard(api.as_role(Role.SUPERVISOR), incidence_id)).values()) == {None}
    assert set(states(dashboard(api.as_role(Role.ADMIN), incidence_id)).values()) == {"Only agents act."}
    acted(asha, incidence_id, "CLOSE_RESOLVED", issueCategory="APP_BUG")
    assert set(states(dashboard(asha, incidence_id)).values()) == {"It is closed: RESOLVED."}


def test_a_discount_needs_a_value_to_be_of(api: Api, asha: httpx2.Client):
    app = api.as_role(Role.APP)
    app.put("/context/user-1/cart", json={"cartItems": [], "eventType": "WEDDING"}).raise_for_status()
    incidence_id = start(app, userId="user-1").json()["incidenceId"]
    why = states(dashboard(asha, incidence_id))
    assert why.pop("APPLY_DISCOUNT") == "The order's value is not known yet."
    assert set(why.values()) == {None}
    answer = asha.post(f"/agent/actions/{incidence_id}", json={"action": "APPLY_DISCOUNT", "discountCode": "SORRY5"})
    assert (answer.status_code, answer.json()["code"]) == (409, "order_value_unknown")


def test_what_happened_is_all_there(api: Api, asha: httpx2.Client, incidence_id: str):
    asha.post(f"/agent/notes/{incidence_id}", json={"text": "I promise"}).raise_for_status()
    change = acted(asha, incidence_id, "MODIFY_ORDER", guestCount=45)["orderChange"]
    approval_id = acted(asha, incidence_id, "UPSELL", description="dessert")["approvalId"]
    acted(asha, incidence_id, "ESCALATE", trigger="EMOTIONAL_CRITICAL", reason="In tears")
    view = dashboard(asha, incidence_id)
    words = ["CREATED", "ASSIGNED", "NOTE", "ACTION", "ACTION", "ACTION", "ESCALATED"]
    assert [event["eventType"] for event in view["timeline"]] == words
    assert (view["timeline"][2]["text"], view["timeline"][2]["flags"]) == ("I promise", ["PROMISE"])
    assert view["orderChanges"] == [change]
    assert [(one["approvalId"], one["action"], one["parameters"]) for one in view["approvals"]] == [
        (approval_id, "UPSELL", {"description": "dessert"})
    ]
    (escalation,) = view["escalations"]
    assert (escalation["trigger"], escalation["level"], escalation["reason"]) == (
        "EMOTIONAL_CRITICAL",
        "SENIOR_AGENT",
        "In tears",
    )


def test_of_a_user_nobody_told_of_nothing_is_made_up(api: Api, asha: httpx2.Client):
    incidence_id = start(api.as_role(Role.APP), userId="stranger").json()["incidenceId"]
    view = dashboard(asha, incidence_id)
    assert view["userDetails"] == {"name": None, "phone": None, "language": None, "tier": None}
    assert view["friction"] is None
    assert (view["appState"]["currentScreen"], view["orderContext"]["estimatedValue"]) == (None, None)


def test_an_unknown_incidence_is_not_found(asha: httpx2.Client):
    assert asha.get("/agent/dashboard/0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11").status_code == 404


def test_what_was_before_is_live_and_published_and_live_wins(api: Api, asha: httpx2.Client, sqlite_settings: Settings):
    set_status(api, AGENT_ID, "AVAILABLE")
    closed = []
    for _ in range(2):
        incidence_id = started(api, "user-1")["incidenceId"]
        acted(asha, incidence_id, "CLOSE_RESOLVED", issueCategory="APP_BUG")
        closed.append(incidence_id)
    pruned, kept = closed
    present = started(api, "user-1")["incidenceId"]
    publish(sqlite_settings, [pruned, kept, present], outcome="DROPPED")
    api.store.write(_prune, pruned)
    view = dashboard(asha, present)
    assert [(one["incidenceId"], one["outcome"]) for one in view["previousIncidences"]] == [
        (kept, "RESOLVED"),
        (pruned, "DROPPED"),
    ]
    assert view["warehouseVersion"] == "v00000001"


def _prune(connection: Connection, incidence_id: str) -> None:
    for table in (incidence_timeline, incidences):
        connection.execute(delete(table).where(table.c.incidence_id == incidence_id))


def publish(settings: Settings, incidence_ids: list[str], *, outcome: str) -> None:
    """A warehouse that knows these incidences of user-1, each a minute after the one before, a day ago."""
    directory = settings.published_dir / "v00000001"
    directory.mkdir(parents=True)
    with duckdb.connect(str(directory / "warehouse.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.data_as_of as select timestamp '2026-11-22 18:30:00' as as_of, false as is_demo"
        )
        connection.execute(
            """
            create table marts.fct_incidences as
            select unnest(?) as incidence_id, 'user-1' as user_id, null::varchar as order_id, 'PRE_ORDER' as stage,
                'IN_APP_CHAT' as channel, 'IN_APP_CHAT' as first_channel, 'USER_INITIATED' as trigger, ? as status,
                ? as outcome, 'UNKNOWN' as app_screen, 'APP_BUG' as issue_category, null::varchar as root_cause,
                null::varchar as resolution_type, null::varchar as order_impact, 'UNKNOWN' as event_type,
                1200000::bigint as order_value_paise, null::varchar as agent_id, ?::timestamp as created_at,
                null::timestamp as opened_at, null::timestamp as assigned_at, null::timestamp as resolved_at,
                60.0::double as time_to_resolve_seconds, 0 as reopen_count, 'NONE' as escalation_level,
                null::varchar as merged_into, null::varchar as prompt_id, 'app' as source
            """,
            [incidence_ids, outcome, outcome, clock.now().replace(year=2025, tzinfo=None)],
        )
    (directory / "manifest.json").write_text(json.dumps({"version": "v00000001", "schema_version": SCHEMA_VERSION}))
    settings.current_link.symlink_to(directory)
