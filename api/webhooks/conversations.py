"""Conversations: which incidence each belongs to, and letting that incidence follow them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from api.agents.assignment import assign_waiting, touch_agent
from api.incidences.closing import close_incidence
from api.incidences.reading import has_order, lock_incidence
from api.incidences.reopening import reopen_incidence
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.incidences.work import change_incidence
from api.rules.sets import Rules
from api.webhooks.rules import Life, Mark, Told, chat_mark, life_of, missing_turns, other_mark
from store.enums import (
    ActorType,
    IncidenceStatus,
    Outcome,
    Stage,
    TimelineEvent,
    WebhookState,
)
from store.tables import agents, incidence_timeline, incidences, platform_conversations, webhook_events

BY_CHAT = "chat"
"""`source_event_id` of the endings and reopenings that a chat caused."""
_ENDS = (TimelineEvent.CLOSED, TimelineEvent.REOPENED)
_ASSIGNS = (TimelineEvent.ASSIGNED, TimelineEvent.REASSIGNED)


def lock_conversation(connection: Connection, platform: str, conversation_id: str) -> Row[Any] | None:
    """The conversation, nobody else's to change until the transaction ends; None before its user's first word."""
    return connection.execute(_LOCK, {"platform": platform, "id": conversation_id}).first()


def add_conversation(connection: Connection, **row: Any) -> None:
    connection.execute(insert(platform_conversations).values(is_open=True, **row))


def change_conversation(connection: Connection, platform: str, conversation_id: str, **values: Any) -> None:
    connection.execute(
        update(platform_conversations)
        .where(
            platform_conversations.c.platform == platform, platform_conversations.c.conversation_id == conversation_id
        )
        .values(values)
    )


def find_covering(connection: Connection, user_id: str, at: datetime) -> str | None:
    """The user's incidence that had a chat at the instant, open or ended since: what began then belongs to it."""
    return connection.execute(_COVERING, {"user": user_id, "at": at}).scalar_one_or_none()


def agent_of(connection: Connection, platform: str, agent_platform_id: str | None) -> str | None:
    """Our agent whom the platform calls so; None if nobody is."""
    if agent_platform_id is None:
        return None
    known = connection.execute(_AGENTS)
    return next((row.agent_id for row in known if row.platform_ids.get(platform) == agent_platform_id), None)


def follow_chats(connection: Connection, rules: Rules, incidence_id: str, at: datetime) -> None:
    """Let the incidence be what the applied events of its conversations make of it, whatever their order of arrival.

    It ends and begins again as of the events' own time. A late event never undoes a later one: it adds what was missing.
    """
    row = lock_incidence(connection, incidence_id)
    heard = connection.execute(_HEARD, {"incidence": incidence_id}).all()
    marks = _marks(heard)
    life = life_of([Mark(row.created_at, is_opening=True), *marks, *_other_marks(connection, incidence_id)])
    began_at = min([life.began_at, *(event.occurred_at for event in heard)])
    if began_at < row.created_at:
        row = _begin_earlier(connection, row, began_at)
    if life.is_open and row.outcome is not None:
        actor = Actor(ActorType.USER, row.user_id) if life.turns and life.turns[-1].is_by_user else SYSTEM
        goes_on_in = reopen_incidence(connection, rules, incidence_id, actor=actor, at=life.since)
        if goes_on_in != incidence_id:
            _move_open(connection, incidence_id, goes_on_in, life.since)
            follow_chats(connection, rules, goes_on_in, at)
            return
        connection.execute(_CLAIM_TURN, {"incidence": incidence_id, "since": life.since})
    elif not life.is_open and row.outcome is None and life.turns[-1].is_by_chat:
        close_incidence(connection, incidence_id, outcome=_outcome(connection, row), actor=SYSTEM, at=life.since)
        connection.execute(_CLAIM_TURN, {"incidence": incidence_id, "since": life.since})
    _tell_turns(connection, incidence_id, life, at)
    _correct(connection, incidence_id, life)
    _follow_assignment(connection, incidence_id, at)
    _note_open(connection, heard, marks)


def _marks(heard: Sequence[Any]) -> list[Mark]:
    marks = (
        chat_mark(event.event_type, event.actor_type, (event.platform, event.conversation_id), event.occurred_at)
        for event in heard
    )
    return [mark for mark in marks if mark is not None]


def _other_marks(connection: Connection, incidence_id: str) -> list[Mark]:
    rows = connection.execute(_ENDINGS, {"incidence": incidence_id})
    return [other_mark(row.event_type, row.occurred_at) for row in rows if row.source_event_id != BY_CHAT]


def _begin_earlier(connection: Connection, row: Row[Any], began_at: datetime) -> Row[Any]:
    """A late event tells that it began before what we heard of first."""
    values: dict[str, Any] = {"created_at": began_at}
    if row.opened_at == row.created_at:
        values["opened_at"] = began_at
    if row.resolved_at is not None:
        values["time_to_resolve_seconds"] = (row.resolved_at - began_at).total_seconds()
    change_incidence(connection, row.incidence_id, values)
    connection.execute(_DATE_CREATION, {"incidence": row.incidence_id, "began": began_at})
    return lock_incidence(connection, row.incidence_id)


def _outcome(connection: Connection, row: Row[Any]) -> Outcome:
    """What its order had converted stays so when the talk that followed ends."""
    is_converted = row.stage == Stage.PRE_ORDER and row.order_id and has_order(connection, row.user_id, row.order_id)
    return Outcome.CONVERTED if is_converted else Outcome.RESOLVED


def _move_open(connection: Connection, from_id: str, to_id: str, since: datetime) -> None:
    """The conversations that are open go on in another incidence; what they said before stays where it was."""
    heard = connection.execute(_HEARD, {"incidence": from_id}).all()
    for conversation in {mark.conversation for mark in _marks(heard) if mark.at >= since}:
        if conversation is not None:
            change_conversation(connection, *conversation, incidence_id=to_id, started_at=since)


def _tell_turns(connection: Connection, incidence_id: str, life: Life, at: datetime) -> None:
    rows = connection.execute(_ENDINGS, {"incidence": incidence_id})
    told = [
        Told(row.event_id, row.occurred_at, row.event_type == TimelineEvent.REOPENED)
        for row in rows
        if row.source_event_id == BY_CHAT
    ]
    dated, added = missing_turns(life, told)
    for event_id, occurred_at in dated:
        connection.execute(_DATE, {"event": event_id, "occurred": occurred_at})
    for turn in added:
        append_event(
            connection,
            incidence_id,
            TimelineEvent.REOPENED if turn.is_opening else TimelineEvent.CLOSED,
            SYSTEM,
            at,
            status_after=IncidenceStatus.OPEN if turn.is_opening else IncidenceStatus.RESOLVED,
            occurred_at=turn.at,
            source_event_id=BY_CHAT,
        )


def _correct(connection: Connection, incidence_id: str, life: Life) -> None:
    """Its times and counts are those of its whole life."""
    row = lock_incidence(connection, incidence_id)
    values: dict[str, Any] = {}
    if life.reopen_count > row.reopen_count:
        values["reopen_count"] = life.reopen_count
    if row.outcome is not None and life.turns and life.turns[-1].is_by_chat and row.resolved_at != life.since:
        values["resolved_at"] = life.since
        values["time_to_resolve_seconds"] = (life.since - row.created_at).total_seconds()
    if values:
        change_incidence(connection, incidence_id, values)


def _follow_assignment(connection: Connection, incidence_id: str, at: datetime) -> None:
    """The latest assignment by event time counts, the platform's or ours."""
    row = lock_incidence(connection, incidence_id)
    status = status_of(row)
    if row.opened_at is None or (row.outcome is None and status not in WORKED_ON):
        return
    given = connection.execute(_GIVEN, {"incidence": incidence_id}).all()
    ours = connection.execute(_OUR_LAST, {"incidence": incidence_id}).scalar_one()
    agent_id, assigned_at = None, None
    for conversation in given:
        agent_id = agent_of(connection, conversation.platform, conversation.agent_platform_id)
        assigned_at = conversation.assigned_at
        if agent_id is not None:
            break
    if agent_id is None or assigned_at is None or (ours is not None and ours > assigned_at):
        return
    first = connection.execute(_FIRST_GIVEN, {"incidence": incidence_id}).scalar_one() or assigned_at
    if (row.agent_id, row.assigned_at) == (agent_id, first):
        return
    change_incidence(connection, incidence_id, {"agent_id": agent_id, "assigned_at": first, "updated_at": at})
    if row.outcome is None and row.agent_id != agent_id:
        touch_agent(connection, agent_id, at)
        if row.agent_id is not None:
            touch_agent(connection, row.agent_id, at)
            assign_waiting(connection, at)


def _note_open(connection: Connection, heard: Sequence[Any], marks: Sequence[Mark]) -> None:
    """Whether each conversation is open, of itself."""
    noted = {(event.platform, event.conversation_id): event.is_open for event in heard}
    for conversation, was_open in noted.items():
        own = [mark for mark in marks if mark.conversation == conversation]
        if any(mark.is_opening for mark in own) and (is_open := life_of(own).is_open) != was_open:
            change_conversation(connection, *conversation, is_open=is_open)


_conversations = platform_conversations.c
_LOCK = (
    select(platform_conversations)
    .where(_conversations.platform == bindparam("platform"), _conversations.conversation_id == bindparam("id"))
    .with_for_update()
)
_at = bindparam("at", type_=incidences.c.created_at.type)
_COVERING = (
    select(incidences.c.incidence_id)
    .join(platform_conversations, _conversations.incidence_id == incidences.c.incidence_id)
    .where(
        incidences.c.user_id == bindparam("user"),
        incidences.c.merged_into.is_(None),
        incidences.c.created_at <= _at,
        or_(incidences.c.resolved_at.is_(None), incidences.c.resolved_at > _at),
    )
    .order_by(incidences.c.created_at.desc())
    .limit(1)
)
_AGENTS = select(agents.c.agent_id, agents.c.platform_ids).order_by(agents.c.agent_id)
_HEARD = (
    select(
        webhook_events.c.platform,
        webhook_events.c.conversation_id,
        webhook_events.c.event_type,
        webhook_events.c.actor_type,
        webhook_events.c.occurred_at,
        _conversations.is_open,
    )
    .join(
        platform_conversations,
        (_conversations.platform == webhook_events.c.platform)
        & (_conversations.conversation_id == webhook_events.c.conversation_id),
    )
    .where(
        _conversations.incidence_id == bindparam("incidence"),
        webhook_events.c.state == WebhookState.APPLIED,
        or_(_conversations.started_at.is_(None), webhook_events.c.occurred_at >= _conversations.started_at),
    )
)
_timeline = incidence_timeline.c
_OF_INCIDENCE = _timeline.incidence_id == bindparam("incidence")
_ENDINGS = (
    select(_timeline.event_id, _timeline.event_type, _timeline.occurred_at, _timeline.source_event_id)
    .where(_OF_INCIDENCE, _timeline.event_type.in_(_ENDS))
    .order_by(_timeline.occurred_at, _timeline.event_id)
)
_CLAIM_TURN = (
    update(incidence_timeline)
    .where(
        _OF_INCIDENCE,
        _timeline.event_type.in_(_ENDS),
        _timeline.source_event_id.is_(None),
        _timeline.occurred_at == bindparam("since", type_=_timeline.occurred_at.type),
    )
    .values(source_event_id=BY_CHAT)
)
_DATE = (
    update(incidence_timeline)
    .where(_timeline.event_id == bindparam("event"))
    .values(occurred_at=bindparam("occurred", type_=_timeline.occurred_at.type))
)
_DATE_CREATION = (
    update(incidence_timeline)
    .where(_OF_INCIDENCE, _timeline.event_type == TimelineEvent.CREATED)
    .values(occurred_at=bindparam("began", type_=_timeline.occurred_at.type))
)
_GIVEN = (
    select(platform_conversations)
    .where(_conversations.incidence_id == bindparam("incidence"), _conversations.agent_platform_id.is_not(None))
    .order_by(_conversations.assigned_at.desc(), _conversations.platform, _conversations.conversation_id)
)
_IS_ASSIGNMENT = _timeline.event_type.in_(_ASSIGNS)
_OUR_LAST = select(func.max(_timeline.occurred_at)).where(
    _OF_INCIDENCE, _IS_ASSIGNMENT, _timeline.source_event_id.is_(None)
)
_FIRST_GIVEN = select(func.min(_timeline.occurred_at)).where(_OF_INCIDENCE, _IS_ASSIGNMENT)
