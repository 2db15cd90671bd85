"""Requests to Freshchat's REST API v2, and what its answers say. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ingestion.platforms.requests import Call, NotSendable, Sender
from store.enums import AgentLevel, OutboxKind

PAGE = 50


def render(kind: OutboxKind | str, conversation_id: str, payload: Mapping[str, Any], sender: Sender) -> Call:
    """The request for a message of the outbox; SEND_USER_CONTEXT is `user` and then `user_context`. Raises `NotSendable`."""
    match kind:
        case OutboxKind.UPDATE_CONVERSATION:
            return Call("PUT", _path(conversation_id), {"properties": dict(payload["attributes"])})
        case OutboxKind.ROUTE_TO_AGENT:
            return Call("PUT", _path(conversation_id), {"status": "assigned", **_assignee(payload, sender)})
        case OutboxKind.CLOSE_CONVERSATION:
            return Call("PUT", _path(conversation_id), {"status": "resolved"})
        case OutboxKind.SEND_MESSAGE:
            body = {
                "message_parts": [{"text": {"content": payload["text"]}}],
                "message_type": "normal",
                "actor_type": "agent",
                "actor_id": sender.sender_id,
            }
            return Call("POST", f"{_path(conversation_id)}/messages", body)
    raise NotSendable(f"{kind} is not one request of Freshchat's")


def user(platform_user_id: str) -> Call:
    return Call("GET", f"/users/{quote(platform_user_id, safe='')}")


def app_user_id(user: Mapping[str, Any]) -> str | None:
    """The app's own id of a user, as the app gave it."""
    found = user.get("reference_id")
    return str(found) if found else None


def user_context(platform_user_id: str, there: Mapping[str, Any], attributes: Mapping[str, Any]) -> Call:
    """Writes the attributes among the properties that `user` answered: the whole list is replaced."""
    names = set(attributes)
    kept = [
        {"name": each["name"], "value": each.get("value")}
        for each in there.get("properties") or []
        if each.get("name") not in names
    ]
    told = [{"name": name, "value": value} for name, value in attributes.items()]
    return Call("PUT", f"/users/{quote(platform_user_id, safe='')}", {"properties": kept + told})


def conversation(conversation_id: str) -> Call:
    return Call("GET", _path(conversation_id))


def messages(conversation_id: str, page: int = 1) -> Call:
    """Messages of a conversation, a page of them."""
    return Call("GET", f"{_path(conversation_id)}/messages?page={page}&items_per_page={PAGE}")


def conversations_of(platform_user_id: str) -> Call:
    return Call("GET", f"/users/{quote(platform_user_id, safe='')}/conversations")


def sent_id(answer: Mapping[str, Any]) -> str | None:
    """The id of the message that a POST answered."""
    return str(answer["id"]) if answer.get("id") is not None else None


def find_sent(
    found: Iterable[Mapping[str, Any]], text: str, sender: Sender, since: datetime, known: frozenset[str]
) -> str | None:
    """The id of a message that we wrote with this text since then, leaving out those already `known`; None if there is none."""
    for message in found:
        if (
            str(message.get("actor_id")) == sender.sender_id
            and str(message.get("id")) not in known
            and _is_since(message.get("created_time"), since)
            and text_of(message) == " ".join(text.split())
        ):
            return str(message["id"])
    return None


def text_of(message: Mapping[str, Any]) -> str:
    """What a message says, without its spacing."""
    parts = message.get("message_parts") or []
    return " ".join(" ".join((part.get("text") or {}).get("content") or "" for part in parts).split())


def _is_since(created: Any, since: datetime) -> bool:
    """A time that cannot be read may be any time: what may be there is not sent again."""
    try:
        return datetime.fromisoformat(created) >= since
    except (TypeError, ValueError):
        return True


def _path(conversation_id: str) -> str:
    return f"/conversations/{quote(conversation_id, safe='')}"


def _assignee(payload: Mapping[str, Any], sender: Sender) -> dict[str, str]:
    if payload.get("agentPlatformId"):
        return {"assigned_agent_id": payload["agentPlatformId"]}
    group = sender.groups.get(AgentLevel(payload["level"]))
    if group is None:
        raise NotSendable(f"no group is configured for {payload['level']}")
    return {"assigned_group_id": group}
