import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.platforms.events import UnreadableEvent
from ingestion.platforms.freshchat import events as freshchat
from ingestion.platforms.intercom import events as intercom
from store.enums import ActorType, ChatEvent, Platform
from tests.chats import Chat, at

MODULES = {Platform.INTERCOM: intercom, Platform.FRESHCHAT: freshchat}
CHATS = [
    Chat(Platform.INTERCOM, "c1", "user-meera"),
    Chat(Platform.INTERCOM, "c1", "user-meera", is_old_shape=True),
    Chat(Platform.FRESHCHAT, "c1", "user-meera"),
]
IDS = ["intercom", "intercom-old", "freshchat"]


def changed(body: bytes, **members: Any) -> bytes:
    return json.dumps(json.loads(body) | members).encode()


@pytest.mark.parametrize("chat", CHATS, ids=IDS)
def test_every_event_is_read_in_every_shape(chat: Chat):
    read = MODULES[chat.platform].read_event
    start, reply, assigned, closed, opened = (
        read(body)
        for body in (chat.starts(), chat.is_answered(1), chat.is_assigned(2), chat.is_resolved(3), chat.is_reopened(4))
    )
    is_intercom = chat.platform is Platform.INTERCOM
    assert start.event_type is (ChatEvent.STARTED if is_intercom else ChatEvent.MESSAGE_RECEIVED)
    assert (start.platform_user_id, start.user_id) == ("contact-user-meera", "user-meera" if is_intercom else None)
    assert [(m.text, m.author, m.author_id) for m in start.messages] == [
        ("Namaste", ActorType.USER, "contact-user-meera")
    ]
    assert [(m.text, m.author, m.author_id) for m in reply.messages] == [("Forty.", ActorType.AGENT, "agent-1")]
    assert (assigned.event_type, assigned.agent_platform_id) == (ChatEvent.AGENT_ASSIGNED, "agent-1")
    assert (closed.event_type, opened.event_type) == (ChatEvent.RESOLVED, ChatEvent.REOPENED)
    events = (start, reply, assigned, closed, opened)
    assert [event.occurred_at for event in events] == [at(minute) for minute in range(5)]
    assert {event.conversation_id for event in events} == {"c1"}
    assert len({event.dedup_key for event in events}) == 5


@pytest.mark.parametrize("chat", CHATS, ids=IDS)
def test_what_is_stored_at_arrival_is_what_is_read_later(chat: Chat):
    for body in (chat.starts(), chat.says(1), chat.is_assigned(2), chat.is_resolved(3), chat.is_reopened(4)):
        delivery, event = MODULES[chat.platform].read_delivery(body), MODULES[chat.platform].read_event(body)
        for name in ("dedup_key", "topic", "conversation_id", "occurred_at"):
            assert getattr(delivery, name) == getattr(event, name)
        assert delivery.body == body


@pytest.mark.parametrize("chat", CHATS, ids=IDS)
def test_a_second_delivery_has_the_same_key(chat: Chat):
    read = MODULES[chat.platform].read_delivery
    body = chat.is_resolved(3)
    again = changed(body, delivery_attempts=3) if chat.platform is Platform.INTERCOM else body
    assert read(body).dedup_key == read(again).dedup_key
    assert read(body).dedup_key != read(chat.is_resolved(4)).dedup_key


@pytest.mark.parametrize("chat", CHATS, ids=IDS)
def test_what_leaves_the_store_has_no_word_of_a_person(chat: Chat):
    for body in (chat.starts(), chat.says(1, "call me on 98200 12345, meera@example.com"), chat.is_answered(2)):
        redacted = json.dumps(MODULES[chat.platform].read_delivery(body).redacted_body)
        for word in ("Namaste", "98200", "example.com", "Meera", "Asha", "Forty"):
            assert word not in redacted
        assert "c1" in redacted


def test_a_message_is_read_as_plain_text():
    html = "<p>Rice &amp; dal<br>for 40</p>\n<ul><li>no  onion</li></ul><script>x</script>"
    assert intercom.plain_text(html) == "Rice & dal\nfor 40\nno onion\nx"
    assert intercom.plain_text("<p></p>") == ""


def test_an_assignment_to_a_team_or_to_nobody_has_no_effect():
    chat = CHATS[0]
    body = json.loads(chat.is_assigned(2))
    for nobody in ({"type": "team", "id": "77"}, {"type": "nobody_admin", "id": None}):
        body["data"]["item"]["conversation_parts"]["conversation_parts"][0]["assigned_to"] = nobody
        assert intercom.read_event(json.dumps(body).encode()).event_type is None
    assert freshchat.read_event(CHATS[2].is_assigned(2, agent="")).event_type is None


def test_an_assignment_may_carry_a_message():
    body = json.loads(CHATS[0].is_assigned(2))
    body["data"]["item"]["conversation_parts"]["conversation_parts"][0]["body"] = "<p>I take this.</p>"
    event = intercom.read_event(json.dumps(body).encode())
    assert event.event_type is ChatEvent.AGENT_ASSIGNED
    assert [message.text for message in event.messages] == ["I take this."]


def test_notes_between_agents_stay_between_them():
    chat = Chat(Platform.FRESHCHAT, "c1", "user-meera")
    assert freshchat.read_event(chat.says(1, "he is angry", is_private=True)).event_type is None
    assert intercom.read_event(changed(CHATS[0].is_answered(1), topic="conversation.admin.noted")).event_type is None


def test_odd_messages_of_freshchat_are_read():
    chat = Chat(Platform.FRESHCHAT, "c1", "user-meera")
    event = freshchat.read_event(chat.says(1, "पुराना", is_odd=True))
    assert (event.event_type, event.messages[0].text) == (ChatEvent.MESSAGE_RECEIVED, "पुराना")
    assert event.platform_user_id == "contact-user-meera"


def test_unknown_topics_are_stored_without_effect():
    body = changed(CHATS[0].says(1), topic="conversation_part.tag.created")
    assert intercom.read_event(body).event_type is None
    assert intercom.read_delivery(body).topic == "conversation_part.tag.created"
    assert freshchat.read_event(changed(CHATS[2].says(1), action="csat_update")).event_type is None


def test_a_lead_has_no_id_of_the_apps():
    body = json.loads(CHATS[1].starts())
    body["data"]["item"]["user"]["type"] = "lead"
    assert intercom.read_event(json.dumps(body).encode()).user_id is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"id":NaN}', b"[" * 100_000, b'{"id":{}}', b'{"id":"a b"}']
)
@pytest.mark.parametrize("module", [intercom, freshchat])
def test_what_cannot_be_read_is_kept_under_its_own_bytes(module: Any, body: bytes):
    delivery = module.read_delivery(body)
    assert delivery.body == body
    assert delivery.dedup_key == module.read_delivery(body).dedup_key
    assert module.read_delivery(body + b" ").dedup_key != delivery.dedup_key


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
bodies = [(chat, body) for chat in CHATS for body in (chat.starts(), chat.is_assigned(2), chat.is_resolved(3))]


@given(st.sampled_from(bodies), st.integers(0, 1_000), json_values)
def test_whatever_a_member_holds_it_is_read_or_refused(case: tuple[Chat, bytes], number: int, value: Any):
    chat, body = case
    tree = json.loads(body)
    places = list(_places(tree))
    holder, name = places[number % len(places)]
    holder[name] = value
    spoilt = json.dumps(tree).encode()
    MODULES[chat.platform].read_delivery(spoilt)
    with suppress(UnreadableEvent):
        MODULES[chat.platform].read_event(spoilt)


def _places(tree: Any):
    for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, name
        if isinstance(value, dict | list):
            yield from _places(value)
