"""Requests to Intercom's REST API 2.16, and what its answers say. Pure."""

import html
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ingestion.platforms.requests import Call, NotSendable, Sender
from store.enums import AgentLevel, OutboxKind

HEADERS = {"Intercom-Version": "2.16"}
PAGE = 50


def render(kind: OutboxKind | str, conversation_id: str, payload: Mapping[str, Any], sender: Sender) -> Call:
    """The request for a message of the outbox. Raises `NotSendable`."""
    match kind:
        case OutboxKind.SEND_USER_CONTEXT:
            body = {"custom_attributes": dict(payload["attributes"])}
            return Call("PUT", f"/contacts/{quote(payload['platformUserId'], safe='')}", body)
        case OutboxKind.UPDATE_CONVERSATION:
            return Call("PUT", _path(conversation_id), {"custom_attributes": dict(payload["attributes"])})
        case OutboxKind.ROUTE_TO_AGENT:
            body = {"message_type": "assignment", "admin_id": sender.sender_id, **_assignee(payload, sender)}
            return Call("POST", f"{_path(conversation_id)}/parts", body)
        case OutboxKind.CLOSE_CONVERSATION:
            body = {"message_type": "close", "type": "admin", "admin_id": sender.sender_id}
            return Call("POST", f"{_path(conversation_id)}/parts", body)
        case OutboxKind.SEND_MESSAGE:
            body = {
                "message_type": "comment",
                "type": "admin",
                "admin_id": sender.sender_id,
                "body": html.escape(payload["text"], quote=False),
            }
            return Call("POST", f"{_path(conversation_id)}/reply", body)
    raise NotSendable(f"{kind} is not for Intercom")


def look_up(conversation_id: str) -> Call:
    """A conversation with its parts, at most the last 500, as plain text."""
    return Call("GET", f"{_path(conversation_id)}?display_as=plaintext")


def contact(platform_user_id: str) -> Call:
    return Call("GET", f"/contacts/{quote(platform_user_id, safe='')}")


def app_user_id(contact: Mapping[str, Any]) -> str | None:
    """The app's own id of a contact; a lead's is one that Intercom made up."""
    found = contact.get("external_id")
    return str(found) if found and contact.get("role") == "user" else None


def changed_since(since: datetime, starting_after: str | None = None) -> Call:
    """Conversations that changed after an instant, a page of them; pages follow by `next_page`."""
    pagination: dict[str, Any] = {"per_page": PAGE}
    if starting_after is not None:
        pagination["starting_after"] = starting_after
    query = {"field": "updated_at", "operator": ">", "value": str(int(since.timestamp()))}
    return Call("POST", "/conversations/search", {"query": query, "pagination": pagination})


def next_page(answer: Mapping[str, Any]) -> str | None:
    """Where the next page of a search starts; None after the last."""
    following = (answer.get("pages") or {}).get("next") or {}
    return following.get("starting_after")


def sent_id(answer: Mapping[str, Any]) -> str | None:
    """The id of what a reply wrote: the newest part of the conversation that is answered."""
    parts = _parts(answer)
    return str(parts[-1]["id"]) if parts and parts[-1].get("id") is not None else None


def find_sent(
    answer: Mapping[str, Any], text: str, sender: Sender, since: datetime, known: frozenset[str]
) -> str | None:
    """The id of a part that we wrote with this text since then, leaving out those already `known`; None if there is none."""
    for part in _parts(answer):
        author = part.get("author") or {}
        if (
            str(author.get("id")) == sender.sender_id
            and author.get("type") in {"admin", "bot"}
            and str(part.get("id")) not in known
            and (part.get("created_at") or 0) >= int(since.timestamp())
            and plain(part.get("body")) == plain(html.escape(text, quote=False))
        ):
            return str(part["id"])
    return None


def plain(body: str | None) -> str:
    """A body without its mark-up and its spacing."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", body or "")).split())


def _parts(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return (answer.get("conversation_parts") or {}).get("conversation_parts") or []


def _path(conversation_id: str) -> str:
    return f"/conversations/{quote(conversation_id, safe='')}"


def _assignee(payload: Mapping[str, Any], sender: Sender) -> dict[str, str]:
    if payload.get("agentPlatformId"):
        return {"type": "admin", "assignee_id": payload["agentPlatformId"]}
    team = sender.groups.get(AgentLevel(payload["level"]))
    if team is None:
        raise NotSendable(f"no team is configured for {payload['level']}")
    return {"type": "team", "assignee_id": team}
