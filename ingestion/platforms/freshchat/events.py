"""What Freshchat's webhooks say: four actions, and older shapes of a message."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.platforms.events import Delivery, Message, PlatformEvent, UnreadableEvent
from ingestion.platforms.reading import (
    iso_instant,
    items,
    key_of,
    key_of_body,
    member,
    parse,
    read_id,
    storable,
    word,
)
from ingestion.platforms.redaction import redact
from store.enums import ActorType, ChatEvent, Platform

MESSAGE = "message_create"
ACTIONS = {
    MESSAGE: ChatEvent.MESSAGE_RECEIVED,
    "conversation_assignment": ChatEvent.AGENT_ASSIGNED,
    "conversation_resolution": ChatEvent.RESOLVED,
    "conversation_reopen": ChatEvent.REOPENED,
}
"""The actions that have an effect. There is none for a start: that is the first message of a conversation's user."""

_DATA = {
    "conversation_assignment": "assignment",
    "conversation_resolution": "resolve",
    "conversation_reopen": "reopen",
}
_ACTORS = {"user": ActorType.USER, "agent": ActorType.AGENT}
_HARMLESS = frozenset(
    {
        "actor", "actor_type", "actor_id", "action", "action_time", "data", "message", "assignment", "resolve", "reopen",
        "conversation", "conversation_id", "app_id", "id", "channel_id", "user_id", "message_type", "message_source",
        "created_time", "status", "assignor", "assignor_id", "to_agent_id", "to_group_id", "from_agent_id", "from_group_id",
        "resolver", "resolver_id", "reopener", "reopener_id", "assigned_agent_id", "assigned_group_id", "skill_id",
        "sla_policy_id", "sla_breached",
    }
)  # fmt: skip


def read_delivery(body: bytes) -> Delivery:
    """What is stored of a body, whether or not it can be understood."""
    try:
        envelope = parse(body)
        action = word(envelope.get("action")) or "unknown"
        conversation_id = read_id(_conversation_id(envelope, action))
        dedup_key = _dedup_key(envelope, action, body)
    except UnreadableEvent:
        return Delivery(Platform.FRESHCHAT, key_of_body(body), "unreadable", None, None, body, None)
    return Delivery(
        platform=Platform.FRESHCHAT,
        dedup_key=dedup_key,
        topic=action,
        conversation_id=conversation_id,
        occurred_at=_happened_at(envelope),
        body=body,
        redacted_body=redact(envelope, _HARMLESS),
    )


def read_event(body: bytes) -> PlatformEvent:
    """What a body says. Raises `UnreadableEvent`."""
    envelope = parse(body)
    action = word(envelope.get("action")) or "unknown"
    event_type = ACTIONS.get(action)
    dedup_key = _dedup_key(envelope, action, body)
    if event_type is None:
        return PlatformEvent(Platform.FRESHCHAT, dedup_key, action, None, _happened_at(envelope))
    conversation_id = read_id(_conversation_id(envelope, action))
    if conversation_id is None:
        raise UnreadableEvent(f"{action} names no conversation")
    message = _message(envelope) if action == MESSAGE else None
    if action == MESSAGE and message is None:
        event_type = None  # a note between agents
    agent_id = read_id(member(envelope, "data", "assignment", "to_agent_id"))
    if event_type is ChatEvent.AGENT_ASSIGNED and agent_id is None:
        event_type = None  # to a group, or to nobody
    return PlatformEvent(
        platform=Platform.FRESHCHAT,
        dedup_key=dedup_key,
        topic=action,
        event_type=event_type,
        occurred_at=_happened_at(envelope),
        conversation_id=conversation_id,
        platform_user_id=_user(envelope, action, message),
        agent_platform_id=agent_id,
        actor_platform_id=read_id(member(envelope, "actor", "actor_id")),
        messages=(message,) if message is not None else (),
        channels=_channels(envelope, action),
    )


def _body_of(envelope: Mapping[str, Any], action: str) -> Mapping[str, Any]:
    """The member of `data` that the action is about."""
    found = member(envelope, "data", "message" if action == MESSAGE else _DATA.get(action, action))
    return found if isinstance(found, dict) else {}


def _conversation_id(envelope: Mapping[str, Any], action: str) -> Any:
    about = _body_of(envelope, action)
    return about.get("conversation_id") if action == MESSAGE else member(about, "conversation", "conversation_id")


def _dedup_key(envelope: Mapping[str, Any], action: str, body: bytes) -> str:
    if action == MESSAGE and (message_id := read_id(member(envelope, "data", "message", "id"))):
        return f"message:{message_id}"
    conversation_id = _conversation_id(envelope, action)
    if conversation_id is None:
        return key_of_body(body)
    actor_id, at = member(envelope, "actor", "actor_id"), envelope.get("action_time")
    return f"action:{key_of(action, conversation_id, actor_id, at)}"


def _happened_at(envelope: Mapping[str, Any]) -> datetime | None:
    return iso_instant(member(envelope, "data", "message", "created_time")) or iso_instant(envelope.get("action_time"))


def _message(envelope: Mapping[str, Any]) -> Message | None:
    """What was written; None for a note between agents."""
    message = _body_of(envelope, MESSAGE)
    if message.get("message_type") == "private" or message.get("private") is True:
        return None
    author = message.get("actor_type") or member(envelope, "actor", "actor_type")
    author_id = read_id(message.get("actor_id")) or read_id(member(envelope, "actor", "actor_id"))
    text = _text(message)
    message_id = read_id(message.get("id")) or key_of(author_id, envelope.get("action_time"), text)
    return Message(message_id, text, _ACTORS.get(str(author), ActorType.SYSTEM), author_id)


def _text(message: Mapping[str, Any]) -> str:
    """The texts of a message's parts. `msg_parts` is the name of an older shape."""
    parts = items(message, "message_parts") or items(message, "msg_parts")
    return storable("\n".join(text for part in parts if (text := _text_of_part(part))))


def _text_of_part(part: Any) -> str | None:
    found = (member(part, "text", "content"), member(part, "text"), member(part, "content"))
    return next((text for text in found if isinstance(text, str)), None)


def _user(envelope: Mapping[str, Any], action: str, message: Message | None) -> str | None:
    about = _body_of(envelope, action)
    told = read_id(about.get("user_id")) or read_id(member(about, "conversation", "user_id"))
    if told is None and message is not None and message.author is ActorType.USER:
        return message.author_id
    return told


def _channels(envelope: Mapping[str, Any], action: str) -> tuple[str, ...]:
    about = _body_of(envelope, action)
    found = (about.get("channel_id"), member(about, "conversation", "channel_id"), about.get("message_source"))
    return tuple(name for value in found if (name := word(value)) is not None)
