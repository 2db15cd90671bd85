"""Applying what arrived, in the order in which it happened, one event at a time: the loop of the worker."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, bindparam, literal_column, or_, select, text, update
from sqlalchemy.exc import OperationalError

from api.agent.phrases import flag_text
from api.errors import Problem
from api.incidences.reading import get_incidence
from api.incidences.starting import StartIncidence, start_incidence
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.incidences.work import ChannelNotAllowed
from api.logs import places
from api.notifications.service import accept_prompt, unanswered_of
from api.outbox.telling import introduce
from api.rules.sets import Rules
from api.webhooks.answers import answer_once
from api.webhooks.conversations import (
    add_conversation,
    agent_of,
    change_conversation,
    find_covering,
    follow_chats,
    lock_conversation,
)
from api.webhooks.identity import subject_of, user_of
from api.webhooks.rules import opens_conversation
from ingestion.platforms.events import Message, PlatformEvent, UnreadableEvent
from ingestion.platforms.freshchat import events as freshchat
from ingestion.platforms.intercom import events as intercom
from store import clock
from store.enums import (
    ActorType,
    Channel,
    ChatEvent,
    IncidenceStatus,
    IncidenceTrigger,
    Platform,
    TimelineEvent,
    WebhookState,
)
from store.errors import StoreError
from store.platform_settings import Connections, PlatformsFile
from store.settings import Settings
from store.tables import incidence_timeline, webhook_events
from store.tables.columns import EXTERNAL_ID_LENGTH
from store.transactions import is_worth_another_try

AT_ONCE = 20
"""How many events one change applies: those who wait to write wait for it."""
TRIES = 5
"""An event that fails so often is dead: it waits for a person."""
FIRST_PAUSE_SECONDS = 2.0
_READERS = {Platform.INTERCOM: intercom.read_event, Platform.FRESHCHAT: freshchat.read_event}
_log = structlog.get_logger()


class EventApplier:
    """The loop: `is_due` looks, `apply` does."""

    def __init__(self, settings: Settings) -> None:
        self._platforms = PlatformsFile(settings)

    def is_due(self, connection: Connection, _: Rules) -> bool:
        return connection.execute(_PENDING, {"at": clock.now(), "limit": 1}).first() is not None

    def apply(self, connection: Connection, rules: Rules) -> int:
        return apply_pending(connection, rules, self._platforms.current(), clock.now())


def apply_pending(
    connection: Connection, rules: Rules, platforms: Connections, at: datetime, limit: int = AT_ONCE
) -> int:
    """Apply what is pending and due, the earliest by event time first; how many events were looked at.

    One process does it at a time. An event that fails leaves nothing behind but its reason; the others go on.
    """
    if connection.dialect.name == "postgresql" and not connection.execute(_ALONE).scalar_one():
        return 0
    rows = connection.execute(_PENDING, {"at": at, "limit": limit}).all()
    for row in rows:
        try:
            with connection.begin_nested():
                apply_event(connection, rules, platforms, row, at)
        except (StoreError, OperationalError):
            raise  # the store's trouble is no fault of the event's
        except Exception as error:
            if is_worth_another_try(error):
                raise
            _note_failure(connection, row, error, at)
    return len(rows)


def apply_event(connection: Connection, rules: Rules, platforms: Connections, row: Row[Any], at: datetime) -> None:
    """Apply one stored event. Raises `UnreadableEvent`, and whatever is wrong with what it asks for."""
    if row.body is None:  # taken out with its user
        _settle(connection, row, WebhookState.IGNORED, at)
        return
    event = _READERS[Platform(row.platform)](row.body)
    if event.event_type is None or event.conversation_id is None:
        _settle(connection, row, WebhookState.IGNORED, at)
        return
    actor_type = _writer_of(event, platforms)
    told = event.occurred_at
    occurred_at = told if told is not None and told <= row.received_at else row.occurred_at
    conversation = lock_conversation(connection, event.platform, event.conversation_id)
    if conversation is None and not opens_conversation(event.event_type, actor_type):
        _settle(connection, row, WebhookState.WAITING, at, event, actor_type, occurred_at=occurred_at)
        return
    is_new = conversation is None
    is_late = not is_new and occurred_at < conversation.last_event_at
    if is_new:
        incidence_id = _begin(connection, rules, platforms, event, occurred_at, at)
    else:
        incidence_id = conversation.incidence_id
        if occurred_at > conversation.last_event_at:
            _change(connection, event, last_event_at=occurred_at)
    if incidence_id is None:  # erased
        _settle(connection, row, WebhookState.IGNORED, at)
        return
    _settle(connection, row, WebhookState.APPLIED, at, event, actor_type, incidence_id, occurred_at)
    for message in event.messages:
        _write_message(connection, rules, platforms, event, message, incidence_id, occurred_at, at)
    if event.event_type is ChatEvent.AGENT_ASSIGNED:
        _note_assignment(connection, platforms, event, incidence_id, occurred_at, at)
    if is_new or is_late or not _goes_on(connection, event, conversation, actor_type):
        follow_chats(connection, rules, incidence_id, at)
    if is_new:
        connection.execute(_WAKE, {"on": event.platform, "conversation": event.conversation_id})
        conversation = lock_conversation(connection, event.platform, event.conversation_id)
        if conversation is not None and conversation.is_open:
            introduce(connection, event.platform, event.conversation_id, at)
            answer_once(connection, rules, conversation, at)


def _goes_on(
    connection: Connection, event: PlatformEvent, conversation: Row[Any], actor_type: ActorType | None
) -> bool:
    """Whether it is one more message in an open conversation of an open incidence, as most are: nothing follows from it."""
    if event.event_type is not ChatEvent.MESSAGE_RECEIVED:
        return False
    if actor_type is not ActorType.USER:
        return True
    return conversation.is_open and get_incidence(connection, conversation.incidence_id).outcome is None


def _begin(
    connection: Connection,
    rules: Rules,
    platforms: Connections,
    event: PlatformEvent,
    occurred_at: datetime,
    at: datetime,
) -> str:
    """A user's first word in a conversation: it gets its incidence, a new one or that which is open."""
    if event.platform_user_id is None:
        raise UnreadableEvent(f"{event.topic} names no user")
    user_id = user_of(connection, event.platform, event.platform_user_id, event.user_id, at)
    channel = _channel(rules, platforms, event)
    incidence_id = find_covering(connection, user_id, occurred_at)
    if incidence_id is None:
        incidence_id = _start(connection, rules, user_id, channel, occurred_at, at)
    add_conversation(
        connection,
        platform=event.platform,
        conversation_id=event.conversation_id,
        incidence_id=incidence_id,
        platform_user_id=event.platform_user_id,
        channel=channel,
        last_event_at=occurred_at,
    )
    return incidence_id


def _start(
    connection: Connection, rules: Rules, user_id: str, channel: Channel, occurred_at: datetime, at: datetime
) -> str:
    subject = subject_of(connection, user_id, at)
    offered = unanswered_of(connection, rules, user_id, at)
    prompt = next((row for row in offered if row.due_at <= occurred_at), None)
    start = StartIncidence(
        user_id=user_id,
        stage=subject.stage,
        trigger=IncidenceTrigger.SYSTEM_INITIATED if prompt else IncidenceTrigger.USER_INITIATED,
        channel=channel,
        order_id=subject.order_id,
        prompt_id=prompt.prompt_id if prompt else None,
    )
    try:
        started = start_incidence(connection, rules, start, occurred_at)
    except ChannelNotAllowed:  # the rules know no chat for it; it is one all the same
        started = start_incidence(connection, rules, replace(start, channel=None), occurred_at)
    if prompt is not None:
        accept_prompt(connection, prompt.prompt_id, started.incidence_id, at)
    return started.incidence_id


def _channel(rules: Rules, platforms: Connections, event: PlatformEvent) -> Channel:
    """What the platform's file says of the source, else what the rules say of the platform."""
    settings = platforms.of(event.platform)
    told = settings.channel_of(event.channels) if settings is not None else None
    known = rules.policies.chat_channels
    return told or known.get(event.platform) or known["default"]


def _writer_of(event: PlatformEvent, platforms: Connections) -> ActorType | None:
    """Who wrote what came with the event; what we sent ourselves comes back as the SYSTEM's."""
    if not event.messages:
        return None
    return ActorType.SYSTEM if _is_ours(event.messages[0].author_id, platforms, event) else event.messages[0].author


def _is_ours(platform_id: str | None, platforms: Connections, event: PlatformEvent) -> bool:
    settings = platforms.of(event.platform)
    return settings is not None and platform_id is not None and platform_id == settings.sender_id


def _write_message(
    connection: Connection,
    rules: Rules,
    platforms: Connections,
    event: PlatformEvent,
    message: Message,
    incidence_id: str,
    occurred_at: datetime,
    at: datetime,
) -> None:
    """A row of the timeline, once however often and in whatever event it comes. An agent's phrases are flagged."""
    key = {"incidence": incidence_id, "source": message.message_id}
    if connection.execute(_WRITTEN, key).first() is not None:
        return
    actor = SYSTEM
    if message.author is ActorType.USER:
        actor = Actor(ActorType.USER, get_incidence(connection, incidence_id).user_id)
    elif message.author is ActorType.AGENT and not _is_ours(message.author_id, platforms, event):
        actor = Actor(ActorType.AGENT, agent_of(connection, event.platform, message.author_id))
    conversation = lock_conversation(connection, event.platform, event.conversation_id or "")
    append_event(
        connection,
        incidence_id,
        TimelineEvent.MESSAGE,
        actor,
        at,
        channel=conversation.channel if conversation is not None else None,
        text=message.text,
        flags=flag_text(message.text, rules.phrases) if actor.kind is ActorType.AGENT else None,
        details={"platform": event.platform, "conversationId": event.conversation_id},
        occurred_at=min(message.written_at or occurred_at, occurred_at),
        source_event_id=message.message_id,
    )


def _note_assignment(
    connection: Connection,
    platforms: Connections,
    event: PlatformEvent,
    incidence_id: str,
    occurred_at: datetime,
    at: datetime,
) -> None:
    """Whom the platform gave it to; the latest by event time stays. An agent whom we do not know changes nothing of ours."""
    told_by_us = _is_ours(event.actor_platform_id, platforms, event)
    if event.agent_platform_id is None or told_by_us or _is_ours(event.agent_platform_id, platforms, event):
        return
    conversation = lock_conversation(connection, event.platform, event.conversation_id or "")
    if conversation is None:
        return
    last = (conversation.assigned_at, conversation.agent_platform_id or "")
    if conversation.assigned_at is None or (occurred_at, event.agent_platform_id) > last:
        _change(connection, event, agent_platform_id=event.agent_platform_id, assigned_at=occurred_at)
    agent_id = agent_of(connection, event.platform, event.agent_platform_id)
    row = get_incidence(connection, incidence_id)
    if agent_id is None or row.opened_at is None:
        return
    append_event(
        connection,
        incidence_id,
        TimelineEvent.ASSIGNED if row.assigned_at is None else TimelineEvent.REASSIGNED,
        SYSTEM,
        at,
        agent_id=agent_id,
        channel=conversation.channel,
        status_after=IncidenceStatus.ASSIGNED,
        details={"platform": event.platform, "conversationId": event.conversation_id},
        occurred_at=occurred_at,
        source_event_id=event.dedup_key[:EXTERNAL_ID_LENGTH],
    )


def _change(connection: Connection, event: PlatformEvent, **values: Any) -> None:
    change_conversation(connection, event.platform, event.conversation_id or "", **values)


def _settle(
    connection: Connection,
    row: Row[Any],
    state: WebhookState,
    at: datetime,
    event: PlatformEvent | None = None,
    actor_type: ActorType | None = None,
    incidence_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    told = {
        "id": row.event_id,
        "new_state": state,
        "at": None if state is WebhookState.WAITING else at,
        "kind": event.event_type if event is not None else None,
        "writer": actor_type,
        "of_incidence": incidence_id,
        "of_conversation": event.conversation_id if event is not None else row.conversation_id,
        "happened_at": occurred_at or row.occurred_at,
    }
    connection.execute(_SETTLE, told)


def _note_failure(connection: Connection, row: Row[Any], error: Exception, at: datetime) -> None:
    """Try it again later; or give it up, if it cannot be read or failed too often."""
    attempts = row.attempts + 1
    is_dead = isinstance(error, UnreadableEvent) or attempts >= TRIES
    reason = _reason(error)
    values = {
        "state": WebhookState.DEAD if is_dead else WebhookState.PENDING,
        "attempts": attempts,
        "failure": reason,
        "due_at": None if is_dead else at + timedelta(seconds=FIRST_PAUSE_SECONDS * 2**row.attempts),
        "processed_at": at if is_dead else None,
    }
    connection.execute(update(webhook_events).where(webhook_events.c.event_id == row.event_id).values(values))
    told = {"event_id": row.event_id, "platform": row.platform, "topic": row.topic, "attempts": attempts}
    _log.warning("webhook.dead" if is_dead else "webhook.failed", **told, reason=reason)


def _reason(error: Exception) -> str:
    """Why, without a word of the body's: what an error says may quote it."""
    if isinstance(error, UnreadableEvent):
        return f"UnreadableEvent: {error}"[:500]
    if isinstance(error, Problem):
        return f"{type(error).__name__}: {error.code}"[:500]
    ours = [place for place in places(error) if "site-packages" not in place]
    return f"{type(error).__name__} at {ours[-1].rpartition('/')[2] if ours else 'an unknown place'}"[:500]


_PENDING = (
    select(webhook_events)
    .where(
        webhook_events.c.state == literal_column("'PENDING'"),
        or_(
            webhook_events.c.due_at.is_(None),
            webhook_events.c.due_at <= bindparam("at", type_=webhook_events.c.due_at.type),
        ),
    )
    .order_by(webhook_events.c.occurred_at, webhook_events.c.event_id)
    .limit(bindparam("limit"))
)
"""In the words of the index, so that it is used."""
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('webhook_events'))")
_SETTLE = (
    update(webhook_events)
    .where(webhook_events.c.event_id == bindparam("id"))
    .values(
        state=bindparam("new_state"),
        attempts=webhook_events.c.attempts + 1,
        failure=None,
        due_at=None,
        processed_at=bindparam("at"),
        event_type=bindparam("kind"),
        actor_type=bindparam("writer"),
        incidence_id=bindparam("of_incidence"),
        conversation_id=bindparam("of_conversation"),
        occurred_at=bindparam("happened_at"),
    )
)
_WAKE = (
    update(webhook_events)
    .where(
        webhook_events.c.platform == bindparam("on"),
        webhook_events.c.conversation_id == bindparam("conversation"),
        webhook_events.c.state == WebhookState.WAITING,
    )
    .values(state=WebhookState.PENDING)
)
_WRITTEN = (
    select(incidence_timeline.c.event_id)
    .where(
        incidence_timeline.c.incidence_id == bindparam("incidence"),
        incidence_timeline.c.source_event_id == bindparam("source"),
    )
    .limit(1)
)
