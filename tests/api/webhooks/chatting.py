"""A store in which chats happen, event by event, and what became of them without the ids that chance gave."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from api.incidences.rules import status_of
from api.rules.registry import load_rules
from api.rules.sets import Rules
from api.webhooks.accepting import accept
from api.webhooks.applying import apply_pending
from ingestion.platforms.events import Delivery
from ingestion.platforms.freshchat import events as freshchat
from ingestion.platforms.intercom import events as intercom
from store.enums import Platform
from store.platform_settings import Connections, PlatformSettings
from store.session import Store
from store.tables import (
    agents,
    incidence_timeline,
    incidences,
    platform_conversations,
    platform_identities,
    user_context,
    webhook_events,
)
from tests.api.story import add_agent
from tests.chats import SENDER, START

AGENTS = {"asha": "agent-1", "ravi": "agent-2"}
"""By what the platforms call them."""
NOW = START + timedelta(days=2)
BY_CLOCKS = ("ESCALATED", "CHANNEL_ADDED")
"""What a clock does depends on when it looked, not on the chat."""
_timeline_kind = incidence_timeline.c.event_type
_READERS = {Platform.INTERCOM: intercom.read_delivery, Platform.FRESHCHAT: freshchat.read_delivery}
CONNECTIONS = Connections(
    intercom=PlatformSettings(Platform.INTERCOM, "http://127.0.0.1:9", sender_id=SENDER[Platform.INTERCOM]),
    freshchat=PlatformSettings(Platform.FRESHCHAT, "http://127.0.0.1:9", sender_id=SENDER[Platform.FRESHCHAT]),
)


def add_agents(store: Store, status: str = "AWAY") -> None:
    """Agents whom both platforms know."""
    for agent_id, platform_id in AGENTS.items():
        add_agent(store, agent_id, "AGENT", limit=10_000, status=status)
        ids = dict.fromkeys(Platform, platform_id)
        store.write(
            lambda c, agent_id=agent_id, ids=ids: c.execute(
                update(agents).where(agents.c.agent_id == agent_id).values(platform_ids=ids)
            )
        )


def add_users(store: Store, user_ids: Iterable[str], rupees: int = 12_000) -> None:
    """Users of the app with such a cart, whom each platform knows by the app's id."""

    def put(connection: Connection) -> None:
        rows = [{"user_id": user, "cart_value_paise": rupees * 100, "updated_at": START} for user in user_ids]
        connection.execute(insert(user_context), rows)
        known = [
            {"platform": platform, "platform_user_id": f"contact-{row['user_id']}", "user_id": row["user_id"],
             "first_seen_at": START, "linked_at": START}
            for row in rows for platform in Platform
        ]  # fmt: skip
        connection.execute(insert(platform_identities), known)

    store.write(put)


def delivery(platform: Platform, body: bytes) -> Delivery:
    return _READERS[platform](body)


def tell(store: Store, *told: tuple[Platform, bytes], at: Any = NOW, connections: Connections = CONNECTIONS) -> None:
    """Deliver these one by one, each applied before the next."""

    def change(connection: Connection) -> None:
        rules = load_rules(connection, at)
        for platform, body in told:
            accept(connection, delivery(platform, body), at)
            apply_all(connection, rules, at, connections)

    store.write(change)


def tell_at_once(store: Store, told: Iterable[tuple[Platform, bytes]], at: Any = NOW) -> None:
    """Deliver these together, then apply until nothing is left to do."""

    def change(connection: Connection) -> None:
        rules = load_rules(connection, at)
        for platform, body in told:
            accept(connection, delivery(platform, body), at)
        apply_all(connection, rules, at)

    store.write(change)


def apply_all(connection: Connection, rules: Rules, at: Any, connections: Connections = CONNECTIONS) -> None:
    while apply_pending(connection, rules, connections, at, limit=500):
        pass


def outcomes(store: Store) -> dict[str, Any]:
    """What became of each conversation, by its id."""
    with store.read() as connection:
        conversations = connection.execute(select(platform_conversations)).all()
        rows = {row.incidence_id: row for row in connection.execute(select(incidences))}
        told: dict[str, list[Any]] = {}
        for event in connection.execute(select(incidence_timeline).where(_timeline_kind.not_in(BY_CLOCKS))):
            told.setdefault(event.incidence_id, []).append(_event(event))
        events: dict[str, list[Any]] = {}
        for event in connection.execute(select(webhook_events)):
            told_of = (event.topic, event.occurred_at, event.state, event.event_type, event.actor_type)
            events.setdefault(event.conversation_id, []).append(told_of)
    members: dict[str, list[str]] = {}
    for conversation in conversations:
        members.setdefault(conversation.incidence_id, []).append(conversation.conversation_id)
    return {
        conversation.conversation_id: {
            "is_open": conversation.is_open,
            "agent": (conversation.agent_platform_id, conversation.assigned_at),
            "last_event_at": conversation.last_event_at,
            "shares_incidence_with": sorted(members[conversation.incidence_id]),
            "incidence": _incidence(rows[conversation.incidence_id]),
            "timeline": sorted(told[conversation.incidence_id], key=repr),
            "events": sorted(events[conversation.conversation_id], key=repr),
        }
        for conversation in conversations
    }


def _incidence(row: Any) -> dict[str, Any]:
    names = ("user_id", "stage", "channel", "agent_id", "created_at", "opened_at", "assigned_at", "resolved_at")
    more = ("time_to_resolve_seconds", "reopen_count", "order_id", "is_self_serve")
    return {"status": status_of(row), **{name: getattr(row, name) for name in (*names, *more)}}


def _event(event: Any) -> tuple[Any, ...]:
    """Which of two assignments is called the first, and who is said to have reopened, is how it looked as they came."""
    kind = "ASSIGNED" if event.event_type == "REASSIGNED" else event.event_type
    actor = event.actor_type if kind not in {"REOPENED", "CLOSED"} else None
    return kind, actor, event.agent_id, event.text, event.occurred_at
