"""Whose a platform's user is. Until the platform has told, what they ask belongs to `<platform>:<id>`."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, or_, select, update

from api.incidences.closing import end
from api.incidences.following import follow_order_facts
from api.incidences.reading import IS_OPEN_LIVE, LIVE_SOURCE, find_open, get_incidence, order_facts
from api.incidences.reopening import merge_incidence
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.starting import StartIncidence, start_incidence
from api.incidences.timeline import SYSTEM, append_event
from api.incidences.work import change_incidence
from api.outbox.telling import introduce
from api.rules.sets import Rules
from api.webhooks.answers import answer_once
from api.webhooks.conversations import change_conversation, follow_chats
from store.clock import IST
from store.enums import Channel, IncidenceTrigger, OrderStatus, Outcome, Platform, Stage, TimelineEvent
from store.prepared import DIALECTS
from store.tables import incidences, orders, platform_conversations, platform_identities, user_context, users

LONGEST_PAUSE = timedelta(days=1)
"""Between two look-ups of somebody whom the platform does not know by an id of the app's."""
RECENT = timedelta(days=30)
"""So long after it was placed an order without a date is what a chat is about."""
_MOST = 500
_OUR_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a chat is about: the open incidence, else the cart, else the newest order that is still to come."""

    stage: Stage = Stage.PRE_ORDER
    order_id: str | None = None


def alias_of(platform: str, platform_user_id: str) -> str:
    """The user id of somebody whom the app has not named."""
    return f"{platform.lower()}:{platform_user_id}"


def user_of(
    connection: Connection, platform: Platform, platform_user_id: str, claimed: str | None, at: datetime
) -> str:
    """Our id of a platform's user, who is noted if new. `claimed` is believed if the app has told of that user."""
    known = claimed if claimed is not None and connection.execute(_IS_KNOWN, {"id": claimed}).scalar_one() else None
    row = {
        "platform": platform,
        "platform_user_id": platform_user_id,
        "user_id": known,
        "first_seen_at": at,
        "linked_at": at if known else None,
        "look_up_count": 0,
    }
    connection.execute(_NOTE[connection.dialect.name], row)
    found = connection.execute(_ONE, {"platform": platform, "id": platform_user_id}).one()
    return found.user_id or alias_of(platform, platform_user_id)


def waiting_identities(
    connection: Connection, platform: Platform, at: datetime, *, every_seconds: float, limit: int
) -> list[str]:
    """Users whom to look up now, the longest waiting first: at once, then later and later up to once a day."""
    due = []
    for row in connection.execute(_UNLINKED, {"platform": platform, "limit": _MOST}):
        pause = min(LONGEST_PAUSE, timedelta(seconds=every_seconds) * 2.0 ** min(row.look_up_count, 20))
        if row.looked_up_at is None or row.looked_up_at + pause <= at:
            due.append(row.platform_user_id)
    return due[:limit]


def settle_identity(
    connection: Connection,
    rules: Rules,
    platform: Platform,
    platform_user_id: str,
    user_id: str | None,
    at: datetime,
) -> None:
    """What a look-up said: the app's id of the user, or that the platform knows none. Repeating it changes nothing.

    What is no id of the app's (an e-mail address, say, that somebody entered there) counts as none.
    """
    user_id = user_id if user_id is not None and _OUR_ID.fullmatch(user_id) else None
    key = {"platform": platform, "id": platform_user_id}
    row = connection.execute(_ONE, key).first()
    if row is None or row.user_id is not None:
        return
    connection.execute(
        _LOOKED_UP,
        {"on": platform, "id": platform_user_id, "user": user_id, "at": at, "linked": at if user_id else None},
    )
    if user_id is not None:
        _link(connection, rules, platform, platform_user_id, user_id, at)
    for conversation in connection.execute(_CONVERSATIONS, key).all():
        answer_once(connection, rules, conversation, at)


def subject_of(connection: Connection, user_id: str, at: datetime) -> Subject:
    """What a chat of the user is about."""
    there = connection.execute(_OPEN_OF_USER, {"user": user_id}).first()
    if there is not None:
        return Subject(Stage(there.stage), there.order_id)
    if connection.execute(_CART_VALUE, {"user": user_id}).scalar_one_or_none():
        return Subject()
    today = at.astimezone(IST).date()
    order = connection.execute(_COMING_ORDER, {"user": user_id, "today": today, "since": at - RECENT}).first()
    return Subject(Stage.POST_ORDER, order.order_id) if order is not None else Subject()


def _link(
    connection: Connection, rules: Rules, platform: Platform, platform_user_id: str, user_id: str, at: datetime
) -> None:
    alias = alias_of(platform, platform_user_id)
    for row in connection.execute(_OF_USER, {"user": alias}).all():
        moved_to = _hand_over(connection, rules, row, user_id, at)
        conversations = connection.execute(_OF_INCIDENCE, {"incidence": row.incidence_id}).all()
        for conversation in conversations:
            change_conversation(connection, conversation.platform, conversation.conversation_id, incidence_id=moved_to)
        if conversations:
            follow_chats(connection, rules, moved_to, at)
        for conversation in conversations:
            if conversation.is_open:
                introduce(connection, conversation.platform, conversation.conversation_id, at)


def _hand_over(connection: Connection, rules: Rules, row: Row[Any], user_id: str, at: datetime) -> str:
    """Make an incidence the user's, routed anew by what is known of the user; the id in which it goes on."""
    values: dict[str, Any] = {"user_id": user_id, "updated_at": at}
    there = None
    if row.outcome is None:
        subject = (
            subject_of(connection, user_id, at) if row.opened_at is None else Subject(Stage(row.stage), row.order_id)
        )
        there = find_open(connection, user_id, subject.stage, subject.order_id)
        values |= {"stage": subject.stage, "order_id": subject.order_id}
    if there is not None:
        end(connection, row, Outcome.DROPPED, SYSTEM, at, {"resolution_type": "MERGED"})
        values = {"user_id": user_id}
    change_incidence(connection, row.incidence_id, values)
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.IDENTITY_LINKED,
        SYSTEM,
        at,
        channel=row.channel,
        details={"fromUserId": row.user_id, "userId": user_id},
    )
    if there is not None:
        merge_incidence(connection, get_incidence(connection, row.incidence_id), there, SYSTEM, at)
    if row.outcome is None:
        _route_anew(connection, rules, there.incidence_id if there is not None else row.incidence_id, at)
    return there.incidence_id if there is not None else row.incidence_id


def _route_anew(connection: Connection, rules: Rules, incidence_id: str, at: datetime) -> None:
    row = get_incidence(connection, incidence_id)
    facts = order_facts(connection, row.user_id, row.order_id)
    if status_of(row) in WORKED_ON:
        follow_order_facts(connection, rules, row, facts, at)
        return
    channel = connection.execute(_CHANNEL, {"incidence": incidence_id}).scalars().first()
    start = StartIncidence(
        row.user_id,
        Stage(row.stage),
        IncidenceTrigger(row.trigger),
        channel=Channel(channel) if channel else None,
        order_id=row.order_id,
        actor=SYSTEM,
    )
    start_incidence(connection, rules, start, at)  # the open one is joined, and opens if people may help now


_identities = platform_identities.c
_NOTE = {name: dialect.insert(platform_identities).on_conflict_do_nothing() for name, dialect in DIALECTS.items()}
_ONE = select(platform_identities).where(
    _identities.platform == bindparam("platform"), _identities.platform_user_id == bindparam("id")
)
_UNLINKED = (
    select(platform_identities)
    .where(_identities.platform == bindparam("platform"), _identities.user_id.is_(None))
    .order_by(_identities.look_up_count, _identities.first_seen_at)
    .limit(bindparam("limit"))
)
_LOOKED_UP = (
    update(platform_identities)
    .where(_identities.platform == bindparam("on"), _identities.platform_user_id == bindparam("id"))
    .values(
        user_id=bindparam("user"),
        linked_at=bindparam("linked"),
        looked_up_at=bindparam("at"),
        look_up_count=_identities.look_up_count + 1,
    )
)
_IS_KNOWN = select(
    or_(*(exists().where(table.c.user_id == bindparam("id")) for table in (users, user_context, orders)))
)
_conversations = platform_conversations.c
_CONVERSATIONS = select(platform_conversations).where(
    _conversations.platform == bindparam("platform"), _conversations.platform_user_id == bindparam("id")
)
_OF_INCIDENCE = select(platform_conversations).where(_conversations.incidence_id == bindparam("incidence"))
_CHANNEL = select(_conversations.channel).where(
    _conversations.incidence_id == bindparam("incidence"), _conversations.channel.is_not(None)
)
_OF_USER = (
    select(incidences)
    .where(
        incidences.c.user_id == bindparam("user"),
        incidences.c.source == LIVE_SOURCE,
        incidences.c.merged_into.is_(None),
    )
    .order_by(incidences.c.created_at)
    .with_for_update()
)
_OPEN_OF_USER = (
    select(incidences.c.stage, incidences.c.order_id)
    .where(incidences.c.user_id == bindparam("user"), IS_OPEN_LIVE)
    .order_by(incidences.c.opened_at.is_(None), incidences.c.created_at.desc())
    .limit(1)
)
_CART_VALUE = select(user_context.c.cart_value_paise).where(user_context.c.user_id == bindparam("user"))
_COMING_ORDER = (
    select(orders.c.order_id)
    .where(
        orders.c.user_id == bindparam("user"),
        orders.c.status != OrderStatus.CANCELLED,
        or_(
            orders.c.event_date >= bindparam("today"),
            orders.c.event_date.is_(None) & (orders.c.placed_at >= bindparam("since", type_=orders.c.placed_at.type)),
        ),
    )
    .order_by(orders.c.placed_at.desc(), orders.c.order_id)
    .limit(1)
)
