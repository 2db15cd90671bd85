"""What we send to the platforms, in the shapes that they document, and what we read of their answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.platforms.freshchat import calls as freshchat
from ingestion.platforms.intercom import calls as intercom
from ingestion.platforms.requests import Call, NotSendable, Sender
from store.enums import AgentLevel, OutboxKind

SENDER = Sender("991", {AgentLevel.SUPERVISOR: "74"})
AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
ATTRIBUTES = {"order_value": "₹1,25,000", "guest_count": 120}
NOBODY: frozenset[str] = frozenset()

FRESHCHAT = [
    (
        OutboxKind.UPDATE_CONVERSATION,
        {"attributes": ATTRIBUTES},
        Call("PUT", "/conversations/c%2F1", {"properties": ATTRIBUTES}),
    ),
    (
        OutboxKind.ROUTE_TO_AGENT,
        {"agentPlatformId": "a1", "level": "AGENT"},
        Call("PUT", "/conversations/c%2F1", {"status": "assigned", "assigned_agent_id": "a1"}),
    ),
    (
        OutboxKind.ROUTE_TO_AGENT,
        {"agentPlatformId": None, "level": "SUPERVISOR"},
        Call("PUT", "/conversations/c%2F1", {"status": "assigned", "assigned_group_id": "74"}),
    ),
    (OutboxKind.CLOSE_CONVERSATION, {}, Call("PUT", "/conversations/c%2F1", {"status": "resolved"})),
    (
        OutboxKind.SEND_MESSAGE,
        {"text": "नमस्ते"},
        Call(
            "POST",
            "/conversations/c%2F1/messages",
            {
                "message_parts": [{"text": {"content": "नमस्ते"}}],
                "message_type": "normal",
                "actor_type": "agent",
                "actor_id": "991",
            },
        ),
    ),
]


@pytest.mark.parametrize(("kind", "payload", "call"), FRESHCHAT)
def test_freshchat_is_sent_what_its_pages_say(kind: OutboxKind, payload: dict[str, Any], call: Call):
    assert freshchat.render(kind, "c/1", payload, SENDER) == call


def test_a_users_properties_are_an_array_merged_with_what_is_there():
    there = {"properties": [{"name": "tier", "value": "SILVER"}, {"name": "theirs", "value": "x"}]}
    assert freshchat.user_context("u 1", there, {"tier": "GOLD"}) == Call(
        "PUT", "/users/u%201", {"properties": [{"name": "theirs", "value": "x"}, {"name": "tier", "value": "GOLD"}]}
    )
    assert freshchat.user_context("u1", {}, {"tier": "GOLD"}).json == {
        "properties": [{"name": "tier", "value": "GOLD"}]
    }


@pytest.mark.parametrize("platform", [intercom, freshchat])
def test_a_level_without_a_group_cannot_be_sent(platform: Any):
    with pytest.raises(NotSendable, match="TECH_TEAM"):
        platform.render(OutboxKind.ROUTE_TO_AGENT, "c1", {"agentPlatformId": None, "level": "TECH_TEAM"}, SENDER)
    with pytest.raises(NotSendable):
        platform.render(OutboxKind.ORDER_CHANGE, "c1", {}, SENDER)


def intercom_answer(body: str, author_id: str = "991", at: int = 0, **more: Any) -> dict[str, Any]:
    part = {
        "id": "p1",
        "body": body,
        "created_at": int(AT.timestamp()) + at,
        "author": {"type": "admin", "id": author_id},
    }
    return {"conversation_parts": {"conversation_parts": [part | more]}}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_text_is_found_again_as_intercom_shows_it(text: str):
    sent = intercom.render(OutboxKind.SEND_MESSAGE, "c1", {"text": text}, SENDER).json["body"]
    for shown in (sent, f"<p>{sent}</p>", f'<p class="no-margin">{sent}</p>\n'):
        assert intercom.find_sent(intercom_answer(shown), text, SENDER, AT, NOBODY) == "p1"


@pytest.mark.parametrize(
    "answer",
    [
        intercom_answer("Hello!"),
        intercom_answer("Hello", "814860"),
        intercom_answer("Hello", at=-1),
        intercom_answer("Hello", id="p0"),
        intercom_answer("Hello", author={"type": "user", "id": "991"}),
        {},
    ],
)
def test_what_is_not_our_text_of_now_is_not_taken_for_it(answer: dict[str, Any]):
    assert intercom.find_sent(answer, "Hello", SENDER, AT, frozenset({"p0"})) is None


def message(
    text: str, author: str = "991", created: Any = "2026-11-23T06:30:00.000Z", name: str = "m1"
) -> dict[str, Any]:
    return {"id": name, "actor_id": author, "created_time": created, "message_parts": [{"text": {"content": text}}]}


def test_freshchats_messages_are_told_apart_by_author_text_time_and_id():
    def found(*messages: dict[str, Any]) -> str | None:
        return freshchat.find_sent(messages, "Hello  you", SENDER, AT, frozenset({"m0"}))

    assert found(message("Hello you")) == "m1"
    assert found(message("Hello you", created="soon")) == "m1"  # it may be; so it is not sent again
    assert found(message("Hello you", "u1"), message("Hello"), message("Hello you", name="m0")) is None
    assert found(message("Hello you", created="2026-11-23T06:29:59.000Z")) is None


def test_markup_in_a_text_is_only_text_to_intercom():
    body = intercom.render(OutboxKind.SEND_MESSAGE, "c1", {"text": "<script>alert(1)</script> & co"}, SENDER).json[
        "body"
    ]
    assert body == "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co"
    assert (
        intercom.render(OutboxKind.CLOSE_CONVERSATION, "../contacts/1", {}, SENDER).path
        == "/conversations/..%2Fcontacts%2F1/parts"
    )
