"""What a chat platform hears of an incidence: the outbox after each thing that happens to it."""

from typing import Any

from sqlalchemy import Connection, insert, select, update

from api.agents.assignment import assign_incidence
from api.incidences.timeline import SYSTEM
from api.outbox.telling import introduce
from store import clock
from store.enums import Role
from store.session import Store
from store.tables import agents, outbox, platform_conversations, users
from tests.api.serving import Api
from tests.api.story import add_agent, put_order, set_status, started


def chat(store: Store, incidence_id: str, conversation_id: str = "c1", *, is_open: bool = True) -> None:
    """A conversation on Intercom that belongs to the incidence, as its webhooks would have it."""

    def change(connection: Connection) -> None:
        row = {
            "platform": "INTERCOM",
            "conversation_id": conversation_id,
            "incidence_id": incidence_id,
            "platform_user_id": "contact-1",
            "is_open": is_open,
            "started_at": clock.now(),
            "last_event_at": clock.now(),
        }
        known = {name: value for name, value in row.items() if name in platform_conversations.c}
        connection.execute(insert(platform_conversations).values(known))

    store.write(change)


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """What was written since the last look, in order."""

    def take(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
        rows = connection.execute(select(outbox).order_by(outbox.c.order_in_conversation)).all()
        connection.execute(outbox.delete())
        return [(row.kind, row.payload) for row in rows]

    return store.write(take)


def known_as(store: Store, agent_id: str, platform_id: str) -> None:
    change = update(agents).where(agents.c.agent_id == agent_id).values(platform_ids={"INTERCOM": platform_id})
    store.write(lambda connection: connection.execute(change))


def test_a_chat_that_starts_is_told_who_asks_what_about_and_whose_it_is(api: Api):
    made = started(api, "user-1", 12_000)

    def know(connection: Connection) -> None:
        at = clock.now()
        row = {"user_id": "user-1", "name": "Meera Shah", "phone": "98450", "tier": "GOLD", "prior_order_count": 3}
        connection.execute(insert(users).values(**row, source_id="user-1", created_at=at, updated_at=at))

    api.store.write(know)
    chat(api.store, made["incidenceId"])
    api.store.write(introduce, "INTERCOM", "c1", clock.now())
    context, order, route = told(api.store)
    assert context[0] == "SEND_USER_CONTEXT"
    assert context[1]["platformUserId"] == "contact-1"
    assert context[1]["attributes"] | {"cart_value": "₹12,000"} == context[1]["attributes"]
    assert (context[1]["attributes"]["tier"], context[1]["attributes"]["prior_order_count"]) == ("GOLD", 3)
    assert "Meera" not in str(context)
    assert "98450" not in str(context)
    assert order[0] == "UPDATE_CONVERSATION"
    assert order[1]["attributes"]["order_value"] == "₹12,000"
    assert route == ("ROUTE_TO_AGENT", {"agentPlatformId": None, "level": "AGENT"})


def test_the_chat_follows_who_has_the_incidence(api: Api):
    made = started(api, "user-1", 12_000)
    chat(api.store, made["incidenceId"])
    add_agent(api.store, "asha-2", "AGENT", status="AWAY")
    known_as(api.store, "asha-2", "814860")
    set_status(api, "asha-2", "AVAILABLE")
    assert told(api.store) == [("ROUTE_TO_AGENT", {"agentPlatformId": "814860", "level": "AGENT"})]
    answer = api.as_role(Role.SUPERVISOR).post(
        "/escalation/trigger", json={"incidenceId": made["incidenceId"], "trigger": "POLICY_EXCEPTION", "reason": "x"}
    )
    assert answer.status_code == 200, answer.text
    assert told(api.store) == []  # nobody of the level is free: who has it keeps it
    add_agent(api.store, "vikram-2", "SUPERVISOR", status="AWAY")
    set_status(api, "vikram-2", "AVAILABLE")
    assert told(api.store) == [("ROUTE_TO_AGENT", {"agentPlatformId": None, "level": "SUPERVISOR"})]


def test_what_nobody_has_goes_to_the_group_of_the_level_it_was_escalated_to(api: Api):
    made = started(api, "user-1", 12_000)
    chat(api.store, made["incidenceId"])
    api.as_role(Role.SUPERVISOR).post(
        "/escalation/trigger", json={"incidenceId": made["incidenceId"], "trigger": "POLICY_EXCEPTION", "reason": "x"}
    ).raise_for_status()
    assert told(api.store) == [("ROUTE_TO_AGENT", {"agentPlatformId": None, "level": "SUPERVISOR"})]


def test_an_assignment_that_the_platform_told_is_not_told_back(api: Api):
    made = started(api, "user-1", 12_000)
    chat(api.store, made["incidenceId"])
    add_agent(api.store, "asha-2", "AGENT", status="AWAY")
    at = clock.now()
    given = {"actor": SYSTEM, "at": at, "tells_chat": False}
    api.store.write(lambda connection: assign_incidence(connection, made["incidenceId"], "asha-2", **given))
    assert told(api.store) == []


def test_what_the_platform_has_already_is_told_only_after_we_told_it_otherwise(api: Api):
    made = started(api, "user-1", 12_000)
    chat(api.store, made["incidenceId"])
    add_agent(api.store, "asha-2", "AGENT", status="AWAY")
    known_as(api.store, "asha-2", "814860")
    add_agent(api.store, "ravi-2", "AGENT", status="AWAY")
    known_as(api.store, "ravi-2", "814861")
    theirs = update(platform_conversations).values(agent_platform_id="814860", assigned_at=clock.now())
    api.store.write(lambda connection: connection.execute(theirs))

    def give(agent_id: str) -> None:
        api.store.write(assign_incidence, made["incidenceId"], agent_id, actor=SYSTEM, at=clock.now())

    give("asha-2")
    with api.store.read() as connection:
        assert connection.execute(select(outbox)).all() == []
    give("ravi-2")
    give("asha-2")
    assert [payload["agentPlatformId"] for _, payload in told(api.store)] == ["814861", "814860"]


def test_the_newest_order_details_are_told_once(api: Api):
    put_order(api, "order-1", "user-1", 12_000)
    made = started(api, "user-1", 12_000, stage="POST_ORDER", orderId="order-1")
    chat(api.store, made["incidenceId"])
    chat(api.store, made["incidenceId"], "c2", is_open=False)
    put_order(api, "order-1", "user-1", 13_000, "MODIFIED")
    assert put_order(api, "order-1", "user-1", 14_000, "MODIFIED", guestCount=90).is_success
    ((kind, payload),) = told(api.store)
    assert kind == "UPDATE_CONVERSATION"
    attributes = payload["attributes"]
    assert (attributes["order_value"], attributes["guest_count"], attributes["order_status"]) == (
        "₹14,000",
        90,
        "MODIFIED",
    )


def test_placing_the_order_closes_each_open_conversation_after_telling_it(api: Api):
    made = started(api, "user-1", 12_000)
    chat(api.store, made["incidenceId"], "c1")
    chat(api.store, made["incidenceId"], "c2")
    chat(api.store, made["incidenceId"], "c3", is_open=False)
    assert put_order(api, "order-1", "user-1", 12_500).is_success
    assert [kind for kind, _ in told(api.store)] == ["UPDATE_CONVERSATION"] * 2 + ["CLOSE_CONVERSATION"] * 2


def test_what_has_no_conversation_is_told_to_nobody(api: Api):
    started(api, "user-1", 12_000)
    set_status(api, "agent-asha", "AVAILABLE")
    assert put_order(api, "order-1", "user-1", 12_500).is_success
    assert told(api.store) == []
