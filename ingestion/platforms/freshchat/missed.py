"""What Freshchat would have delivered of a conversation, made from what its API tells of it. Pure."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def message_bodies(conversation_id: str, user_id: str | None, messages: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """A webhook's body for each message."""
    return [
        _body(
            "message_create",
            message.get("actor_type"),
            message.get("actor_id"),
            message.get("created_time"),
            {"message": {"user_id": user_id, **message, "conversation_id": conversation_id}},
        )
        for message in messages
    ]


def state_bodies(
    conversation: Mapping[str, Any],
    *,
    conversation_id: str,
    user_id: str | None,
    is_open: bool,
    agent_id: str | None,
    looked_at: datetime,
) -> list[bytes]:
    """What makes of a conversation as we know it (open or not, whose) the one that the API tells, as it was looked at.

    When it happened is not told, so it is dated by the look.
    """
    about = {"conversation_id": conversation_id, "user_id": user_id}
    at = looked_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found: list[bytes] = []
    status, assigned_to = conversation.get("status"), conversation.get("assigned_agent_id")
    if status not in {None, "resolved"} and not is_open:
        found.append(_body("conversation_reopen", "system", None, at, {"reopen": {"conversation": about}}))
    if assigned_to and assigned_to != agent_id:
        change = {"to_agent_id": assigned_to, "conversation": about}
        found.append(_body("conversation_assignment", "system", None, at, {"assignment": change}))
    if status == "resolved" and is_open:
        found.append(_body("conversation_resolution", "system", None, at, {"resolve": {"conversation": about}}))
    return found


def _body(action: str, actor_type: Any, actor_id: Any, at: Any, data: Mapping[str, Any]) -> bytes:
    envelope = {
        "actor": {"actor_type": actor_type, "actor_id": actor_id},
        "action": action,
        "action_time": at,
        "data": data,
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
