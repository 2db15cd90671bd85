"""What Intercom would have delivered of a conversation, made from what its API tells of it. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_USERS = {"user", "lead", "contact", "visitor"}


def bodies(conversation: Mapping[str, Any]) -> list[bytes]:
    """A webhook's body for its beginning and for each of its parts, each with an id that is the same at every sweep."""
    return [
        json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        for envelope in _envelopes(conversation)
    ]


def _envelopes(conversation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    item = {name: value for name, value in conversation.items() if name not in {"conversation_parts", "statistics"}}
    author = (conversation.get("source") or {}).get("author") or {}
    if author.get("type") in _USERS:
        yield _envelope(item, "conversation.user.created", "created", conversation.get("created_at"), [])
    for part in (conversation.get("conversation_parts") or {}).get("conversation_parts") or []:
        topic = _topic(part)
        if topic is not None:
            yield _envelope(item, topic, part.get("id"), part.get("created_at"), [part])


def _topic(part: Mapping[str, Any]) -> str | None:
    """None for what has no webhook, or none that has an effect."""
    kind = str(part.get("part_type"))
    if kind in {"close", "open"}:
        return "conversation.admin.closed" if kind == "close" else "conversation.admin.opened"
    if "assign" in kind and (part.get("assigned_to") or {}).get("type") == "admin":
        return "conversation.admin.assigned"
    if "note" in kind or not (part.get("body") or part.get("attachments")):
        return None
    is_of_user = (part.get("author") or {}).get("type") in _USERS
    return "conversation.user.replied" if is_of_user else "conversation.admin.replied"


def _envelope(item: Mapping[str, Any], topic: str, name: Any, at: Any, parts: list[Any]) -> dict[str, Any]:
    listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    return {
        "type": "notification_event",
        "id": f"sweep:{item.get('id')}:{name}",
        "topic": topic,
        "created_at": at,
        "data": {"type": "notification_event_data", "item": {**item, "conversation_parts": listed}},
    }
