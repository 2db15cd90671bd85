"""Deliveries of the chat platforms for a sample of the demo's chats, in the platforms' own shapes."""

import json
import random

from ingestion.simulate.city import SOURCE
from ingestion.simulate.ids import Ids
from ingestion.simulate.ledger import Record
from ingestion.simulate.visits import SECOND

SAMPLE_SHARE = 0.25
_TOPICS = {
    "OPENED": ("conversation.user.created", "chat.started"),
    "MESSAGE/USER": ("conversation.user.replied", "chat.message.received"),
    "MESSAGE/AGENT": ("conversation.admin.replied", "chat.message.received"),
    "ASSIGNED": ("conversation.admin.assigned", "chat.agent.assigned"),
    "CLOSED": ("conversation.admin.closed", "chat.resolved"),
    "REOPENED": ("conversation.admin.opened", "chat.reopened"),
}
_FRESHCHAT_ACTIONS = {
    "OPENED": None,
    "MESSAGE/USER": "message_create",
    "MESSAGE/AGENT": "message_create",
    "ASSIGNED": "conversation_assignment",
    "CLOSED": "conversation_resolution",
    "REOPENED": "conversation_reopen",
}


def deliver(
    rng: random.Random, ids: Ids, incidences: list[Record], timeline: list[Record]
) -> tuple[list[Record], list[Record], list[Record]]:
    """Rows of webhook_events, platform_conversations and platform_identities for every fourth chat that has ended.

    What is still open has none: live services would tell the platform of it, which has no such conversation.
    """
    chats = {
        row["incidence_id"]: row
        for row in incidences
        if row["channel"] in {"IN_APP_CHAT", "WHATSAPP"} and row["outcome"] and rng.random() < SAMPLE_SHARE
    }
    events: list[Record] = []
    conversations: dict[str, Record] = {}
    identities: dict[tuple[str, str], Record] = {}
    for note in timeline:
        incidence = chats.get(note["incidence_id"])
        if incidence is None:
            continue
        kind = f"MESSAGE/{note['actor_type']}" if note["event_type"] == "MESSAGE" else note["event_type"]
        if kind not in _TOPICS:
            continue
        is_intercom = incidence["channel"] == "IN_APP_CHAT"
        platform = "INTERCOM" if is_intercom else "FRESHCHAT"
        topic = _TOPICS[kind][0] if is_intercom else _FRESHCHAT_ACTIONS[kind]
        if topic is None:
            continue
        conversation_id = f"demo-{incidence['incidence_id']}"
        platform_user_id = f"contact-{incidence['user_id']}"
        at = note["occurred_at"]
        event_id = ids.at(at)
        body = _intercom if is_intercom else _freshchat
        events.append(
            {
                "event_id": event_id,
                "platform": platform,
                "dedup_key": f"demo-{event_id}",
                "topic": topic,
                "event_type": _TOPICS[kind][1],
                "conversation_id": conversation_id,
                "incidence_id": incidence["incidence_id"],
                "body": body(event_id, topic, conversation_id, platform_user_id, note, note["text"]).encode(),
                "redacted_body": body(event_id, topic, conversation_id, platform_user_id, note, None),
                "state": "APPLIED",
                "attempts": 1,
                "duplicate_count": 0,
                "failure": None,
                "occurred_at": at,
                "received_at": at + rng.randint(200, 1_500) * 1000,
                "processed_at": at + 2 * SECOND,
                "source": SOURCE,
            }
        )
        conversations[conversation_id] = {
            "platform": platform,
            "conversation_id": conversation_id,
            "incidence_id": incidence["incidence_id"],
            "platform_user_id": platform_user_id,
            "is_open": False,
            "last_event_at": at,
        }
        identities.setdefault(
            (platform, platform_user_id),
            {
                "platform": platform,
                "platform_user_id": platform_user_id,
                "user_id": incidence["user_id"],
                "first_seen_at": at,
                "linked_at": at,
            },
        )
    return events, list(conversations.values()), list(identities.values())


def _intercom(event_id: str, topic: str, conversation: str, contact: str, note: Record, text: str | None) -> str:
    seconds = note["occurred_at"] // SECOND
    item: Record = {
        "type": "conversation",
        "id": conversation,
        "updated_at": seconds,
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]},
        "admin_assignee_id": note["agent_id"],
    }
    if note["event_type"] == "MESSAGE":
        part: Record = {"type": "conversation_part", "part_type": "comment", "created_at": seconds}
        if text is not None:
            part["body"] = f"<p>{text}</p>"
        item["conversation_parts"] = {"type": "conversation_part.list", "conversation_parts": [part]}
    envelope = {
        "type": "notification_event",
        "id": f"notif_{event_id}",
        "topic": topic,
        "app_id": "demo",
        "created_at": seconds,
        "data": {"type": "notification_event_data", "item": item},
    }
    return json.dumps(envelope, ensure_ascii=False)


def _freshchat(event_id: str, topic: str, conversation: str, contact: str, note: Record, text: str | None) -> str:
    actor = {
        "actor_type": note["actor_type"].lower(),
        "actor_id": note["agent_id"] if note["actor_type"] == "AGENT" else contact,
    }
    at = f"{note['occurred_at'] // 1000}"
    if topic == "message_create":
        message: Record = {"id": event_id, "conversation_id": conversation, "message_type": "normal"}
        if text is not None:
            message["message_parts"] = [{"text": {"content": text}}]
        data: Record = {"message": message}
    else:
        name = {"conversation_assignment": "assignment", "conversation_resolution": "resolve"}.get(topic, "reopen")
        data = {name: {"conversation": {"conversation_id": conversation}, "to_agent_id": note["agent_id"]}}
    return json.dumps({"actor": actor, "action": topic, "action_time": at, "data": data}, ensure_ascii=False)
