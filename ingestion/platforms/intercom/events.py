"""What Intercom's webhooks say, in the two shapes of a conversation that are in use."""

from collections.abc import Mapping
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from ingestion.platforms.events import Delivery, Message, PlatformEvent, UnreadableEvent
from ingestion.platforms.reading import (
    items,
    key_of,
    key_of_body,
    member,
    parse,
    read_id,
    seconds,
    storable,
    word,
)
from ingestion.platforms.redaction import redact
from store.enums import ActorType, ChatEvent, Platform

PING = "ping"
TOPICS = {
    "conversation.user.created": ChatEvent.STARTED,
    "conversation.user.replied": ChatEvent.MESSAGE_RECEIVED,
    "conversation.admin.replied": ChatEvent.MESSAGE_RECEIVED,
    "conversation.admin.assigned": ChatEvent.AGENT_ASSIGNED,
    "conversation.admin.open.assigned": ChatEvent.AGENT_ASSIGNED,
    "conversation.admin.closed": ChatEvent.RESOLVED,
    "conversation.admin.opened": ChatEvent.REOPENED,
}
"""The topics that have an effect. Others are stored and counted."""

_USERS = {"user", "lead", "contact", "visitor"}
_AUTHORS = {"admin": ActorType.AGENT, **dict.fromkeys(_USERS, ActorType.USER)}
_HARMLESS = frozenset(
    {
        "type", "id", "topic", "app_id", "created_at", "updated_at", "notified_at", "first_sent_at", "delivery_attempts",
        "data", "item", "user", "user_id", "contacts", "external_id", "assignee", "admin_assignee_id", "team_assignee_id",
        "author", "assigned_to", "source", "delivered_as", "conversation_message", "conversation_parts", "part_type",
        "total_count", "open", "state", "read", "priority", "waiting_since", "snoozed_until", "channel", "initial", "current",
    }
)  # fmt: skip


def read_delivery(body: bytes) -> Delivery:
    """What is stored of a body, whether or not it can be understood."""
    try:
        envelope = parse(body)
        event_id = read_id(envelope.get("id"))
        conversation_id = read_id(_item(envelope).get("id"))
    except UnreadableEvent:
        return Delivery(Platform.INTERCOM, key_of_body(body), "unreadable", None, None, body, None)
    topic = word(envelope.get("topic")) or "unknown"
    return Delivery(
        platform=Platform.INTERCOM,
        dedup_key=event_id or key_of_body(body),
        topic=topic,
        conversation_id=conversation_id if topic in TOPICS else None,
        occurred_at=_happened_at(envelope, topic),
        body=body,
        redacted_body=redact(envelope, _HARMLESS),
    )


def read_event(body: bytes) -> PlatformEvent:
    """What a body says. Raises `UnreadableEvent`."""
    envelope = parse(body)
    topic = word(envelope.get("topic")) or "unknown"
    event_type = TOPICS.get(topic)
    dedup_key = read_id(envelope.get("id")) or key_of_body(body)
    if event_type is None:
        return PlatformEvent(Platform.INTERCOM, dedup_key, topic, None, _happened_at(envelope, topic))
    item = _item(envelope)
    conversation_id = read_id(item.get("id"))
    if conversation_id is None:
        raise UnreadableEvent(f"{topic} names no conversation")
    messages = _messages(item, is_first=event_type is ChatEvent.STARTED)
    if event_type is ChatEvent.MESSAGE_RECEIVED and not messages:
        event_type = None
    agent_id = _assigned_to(item) if event_type is ChatEvent.AGENT_ASSIGNED else None
    if event_type is ChatEvent.AGENT_ASSIGNED and agent_id is None and not messages:
        event_type = None  # to a team, or to nobody
    user_platform_id, user_id = _user(item)
    return PlatformEvent(
        platform=Platform.INTERCOM,
        dedup_key=dedup_key,
        topic=topic,
        event_type=event_type,
        occurred_at=_happened_at(envelope, topic),
        conversation_id=conversation_id,
        platform_user_id=user_platform_id,
        user_id=user_id,
        agent_platform_id=agent_id,
        actor_platform_id=_actor(item),
        messages=messages,
        channels=_channels(item),
    )


def plain_text(html: str) -> str:
    """The words of a message's HTML, a line for each block."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return storable("\n".join(line for line in lines if line))


class _Words(HTMLParser):
    _BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "pre", "tr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self.parts.append("\n")


def _item(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    item = member(envelope, "data", "item")
    return item if isinstance(item, dict) else {}


def _parts(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for part in items(item, "conversation_parts", "conversation_parts") if isinstance(part, dict)]


def _happened_at(envelope: Mapping[str, Any], topic: str) -> datetime | None:
    """When the thing itself happened; the notification is made a moment later."""
    item = _item(envelope)
    told = seconds(envelope.get("created_at"))
    if TOPICS.get(topic) is ChatEvent.STARTED:
        return seconds(item.get("created_at")) or told
    parts = _parts(item)
    return (seconds(parts[-1].get("created_at")) if parts else None) or told


def _messages(item: Mapping[str, Any], *, is_first: bool) -> tuple[Message, ...]:
    if is_first:
        first = item.get("source") or item.get("conversation_message")
        found = [(first, item.get("created_at"))] if isinstance(first, dict) else []
    else:
        found = [(part, part.get("created_at")) for part in _parts(item) if "note" not in str(part.get("part_type"))]
    return tuple(message for part, at in found if (message := _message(part, at)) is not None)


def _message(part: Mapping[str, Any], at: Any) -> Message | None:
    body = part.get("body")
    has_files = bool(items(part, "attachments"))
    text = plain_text(body) if isinstance(body, str) else ""
    if not body and not has_files:
        return None
    author_id = read_id(member(part, "author", "id"))
    kind = _AUTHORS.get(str(member(part, "author", "type")), ActorType.SYSTEM)
    message_id = read_id(part.get("id")) or key_of(author_id, at, text)
    return Message(message_id, text, kind, author_id, seconds(at))


def _assigned_to(item: Mapping[str, Any]) -> str | None:
    """The admin of the newest assignment; None for a team or nobody."""
    parts = _parts(item)
    for found in ([parts[-1].get("assigned_to")] if parts else []) + [item.get("assignee")]:
        if isinstance(found, dict) and found.get("type") is not None:
            return read_id(found.get("id")) if found["type"] == "admin" else None
    return read_id(item.get("admin_assignee_id"))


def _actor(item: Mapping[str, Any]) -> str | None:
    parts = _parts(item)
    return read_id(member(parts[-1], "author", "id")) if parts else None


def _user(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The contact's id, and what may be the app's own id: for a lead it is one that Intercom made up."""
    user = item.get("user")
    if isinstance(user, dict):
        return read_id(user.get("id")), read_id(user.get("user_id")) if user.get("type") == "user" else None
    contact = next((each for each in items(item, "contacts", "contacts") if isinstance(each, dict)), None)
    if contact is not None:
        return read_id(contact.get("id")), read_id(contact.get("external_id"))
    authors = [member(item, "source", "author"), *(part.get("author") for part in _parts(item))]
    return next((read_id(each.get("id")) for each in authors if member(each, "type") in _USERS), None), None


def _channels(item: Mapping[str, Any]) -> tuple[str, ...]:
    found = (member(item, "channel", "current"), member(item, "channel", "initial"), member(item, "source", "type"))
    return tuple(name for value in found if (name := word(value)) is not None)
