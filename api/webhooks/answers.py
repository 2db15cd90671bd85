"""The one thing a chat is answered by itself: self-serve help, or that nobody is here now."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from api.incidences.reading import get_incidence
from api.incidences.rules import WORKED_ON, status_of
from api.notifications.rules import is_office_open
from api.outbox.service import enqueue
from api.rules.sets import Rules, Texts
from store.enums import IncidenceStatus, OutboxKind
from store.tables import outbox, platform_identities, users

WORTH_ANSWERING = timedelta(minutes=15)
"""After the last word of a conversation; what we hear of later is not answered by a machine."""


def answer_once(connection: Connection, rules: Rules, conversation: Row[Any], at: datetime) -> bool:
    """Answer a conversation if it gets no person, or none now, and was never answered so; whether it was.

    Who is not matched yet may well get a person: nothing is said before the platform was asked whose the user is.
    """
    if (
        not conversation.is_open
        or conversation.incidence_id is None
        or at - conversation.last_event_at > WORTH_ANSWERING
    ):
        return False
    row = get_incidence(connection, conversation.incidence_id)
    text = _text(rules, status_of(row), is_open=is_office_open(rules.office_hours, at))
    if text is None or (status_of(row) is IncidenceStatus.SELF_SERVE and not _is_settled(connection, conversation)):
        return False
    key = {"platform": conversation.platform, "conversation": conversation.conversation_id}
    if connection.execute(_ANSWERED, key).first() is not None:
        return False
    language = connection.execute(_LANGUAGE, {"user": row.user_id}).scalar_one_or_none()
    enqueue(
        connection,
        destination=conversation.platform,
        kind=OutboxKind.SEND_MESSAGE,
        payload={"text": text.of(language)},
        at=at,
        conversation_id=conversation.conversation_id,
        incidence_id=row.incidence_id,
    )
    return True


def _text(rules: Rules, status: IncidenceStatus, *, is_open: bool) -> Texts | None:
    if status is IncidenceStatus.SELF_SERVE:
        return rules.policies.self_serve_text
    return rules.policies.outside_hours_text if status in WORKED_ON and not is_open else None


def _is_settled(connection: Connection, conversation: Row[Any]) -> bool:
    key = {"platform": conversation.platform, "contact": conversation.platform_user_id}
    row = connection.execute(_IDENTITY, key).first()
    return row is None or row.user_id is not None or row.looked_up_at is not None


_ANSWERED = (
    select(outbox.c.message_id)
    .where(
        outbox.c.destination == bindparam("platform"),
        outbox.c.conversation_id == bindparam("conversation"),
        outbox.c.kind == OutboxKind.SEND_MESSAGE,
    )
    .limit(1)
)
_IDENTITY = select(platform_identities.c.user_id, platform_identities.c.looked_up_at).where(
    platform_identities.c.platform == bindparam("platform"),
    platform_identities.c.platform_user_id == bindparam("contact"),
)
_LANGUAGE = select(users.c.language).where(users.c.user_id == bindparam("user"))
