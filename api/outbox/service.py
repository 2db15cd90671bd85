"""The outbox: messages written in the transaction of the change that asks for them, claimed for an attempt, and settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, null, or_, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from api.errors import Conflict, NotFound
from api.outbox.rules import SEEN_BY_CUSTOMERS, TIME_TO_LIVE, Attempt, Decision
from store.enums import Destination, OutboxKind, OutboxState
from store.ids import new_id
from store.tables import outbox

LIVE_SOURCE = "app"
"""The demo's messages are told, never sent."""
FAILURE_LENGTH = 500


class MessageNotDead(Conflict):
    code = "message_not_dead"
    remedy = "Only what is DEAD, UNCERTAIN or EXPIRED can be sent again; GET /outbox/dead lists it."


class MessageSuperseded(Conflict):
    code = "message_superseded"
    remedy = "Nothing is to be done: the platform was told the newer state."


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process is to send before `claimed_until`, and whether an earlier attempt may have arrived."""

    message_id: str
    destination: Destination
    kind: OutboxKind
    conversation_id: str | None
    incidence_id: str | None
    payload: Mapping[str, Any]
    attempts: int
    was_open: bool
    created_at: datetime
    expires_at: datetime
    claimed_until: datetime


def enqueue(
    connection: Connection,
    *,
    destination: Destination | str,
    kind: OutboxKind,
    payload: Mapping[str, Any],
    at: datetime,
    conversation_id: str | None = None,
    incidence_id: str | None = None,
    expires_after_seconds: float | None = None,
    source: str = LIVE_SOURCE,
) -> str:
    """Have a message sent once this is committed; its id.

    Messages of one conversation go in the order in which they were written. One that was not sent after
    `expires_after_seconds` (by default as long as its kind is worth sending) is not sent any more.
    """
    message_id = new_id(at)
    row: dict[str, Any] = {
        "message_id": message_id,
        "destination": Destination(destination),
        "kind": kind,
        "conversation_id": conversation_id,
        "incidence_id": incidence_id,
        "payload": dict(payload),
        "state": OutboxState.PENDING,
        "created_at": at,
        "due_at": at,
        "expires_at": at
        + (TIME_TO_LIVE[kind] if expires_after_seconds is None else timedelta(seconds=expires_after_seconds)),
        "source": source,
    }
    if conversation_id is not None:
        place = {"destination": row["destination"], "conversation": conversation_id}
        row["order_in_conversation"] = (connection.execute(_LAST_PLACE, place).scalar_one() or 0) + 1
    connection.execute(insert(outbox), row)
    return message_id


def is_any_due(connection: Connection, destinations: Sequence[Destination], at: datetime) -> bool:
    """Whether `claim` would find something for one of these."""
    wanted = {"destinations": [*destinations], "at": at, "limit": 1}
    return connection.execute(_DUE, wanted).first() is not None


def claim(connection: Connection, room: Mapping[Destination, int], lease_seconds: float, at: datetime) -> list[Claimed]:
    """Take what is due, the longest due first, as much as there is room for at each destination.

    Of each conversation only the first message that is not settled; what another process holds is left to it.
    """
    until = at + timedelta(seconds=lease_seconds)
    claimed = []
    for destination, limit in room.items():
        if limit > 0:
            wanted = {"destinations": [destination], "at": at, "limit": limit}
            claimed += [_claimed(row, until) for row in connection.execute(_LOCK_DUE, wanted)]
    if claimed:
        connection.execute(_CLAIM, [{"id": each.message_id, "until": until} for each in claimed])
    return claimed


def settle(connection: Connection, message: Claimed, attempt: Attempt, decision: Decision, at: datetime) -> bool:
    """Write down what became of an attempt; False if it took so long that another process has begun the next."""
    is_sent = decision.state is OutboxState.SENT
    values = {
        "id": message.message_id,
        "held_until": message.claimed_until,
        "new_state": decision.state,
        "new_due_at": decision.due_at,
        "still_open_until": at if decision.is_open else None,
        "why": None if decision.failure is None else decision.failure[:FAILURE_LENGTH],
        "when_sent": at if is_sent else None,
        "their_id": attempt.platform_message_id,
    }
    return connection.execute(_SETTLE, values).rowcount == 1


def expire(connection: Connection, at: datetime, limit: int) -> list[Row[Any]]:
    """Give up what is not worth sending any more, at most `limit`; the rows as they were.

    What a customer may have seen is looked up once more instead, by the sender.
    """
    rows = list(connection.execute(_LOCK_EXPIRED, {"at": at, "limit": limit}))
    if rows:
        connection.execute(_EXPIRE, [{"id": row.message_id} for row in rows])
    return rows


def is_any_expired(connection: Connection, at: datetime) -> bool:
    return connection.execute(_EXPIRED, {"at": at, "limit": 1}).first() is not None


def sent_ids(connection: Connection, destination: Destination, conversation_id: str) -> frozenset[str]:
    """What the platform calls the texts that we know we sent in this conversation."""
    wanted = {"destination": destination, "conversation": conversation_id}
    return frozenset(connection.execute(_SENT_IDS, wanted).scalars())


def list_messages(
    connection: Connection, states: Sequence[OutboxState], limit: int, destination: Destination | None = None
) -> Sequence[Row[Any]]:
    """Messages of these states, the newest first, without what they say."""
    destinations = [destination] if destination is not None else [*Destination]
    return connection.execute(_LISTED, {"states": [*states], "destinations": destinations, "limit": limit}).all()


def resend(connection: Connection, message_id: str, at: datetime) -> Row[Any]:
    """Have a message that was given up sent again, as long as it is worth it from now; its row.

    What a customer may have seen is looked up before. Raises `NotFound`, `MessageNotDead`, `MessageSuperseded`.
    """
    row = connection.execute(_LOCK, {"id": message_id}).first()
    if row is None or row.source != LIVE_SOURCE:
        raise NotFound("There is no such message.", remedy="GET /outbox/dead lists them.")
    if row.state not in GIVEN_UP:
        raise MessageNotDead(f"It is {row.state}.", state=row.state)
    if row.conversation_id is not None and row.kind not in SEEN_BY_CUSTOMERS:
        newer = {
            "destination": row.destination,
            "conversation": row.conversation_id,
            "kind": row.kind,
            "place": row.order_in_conversation,
        }
        if connection.execute(_NEWER, newer).first() is not None:
            raise MessageSuperseded("A newer message of this kind was written for the conversation.")
    connection.execute(
        _RESEND, {"id": message_id, "now": at, "until": at + TIME_TO_LIVE[OutboxKind(row.kind)], "begun": 0}
    )
    return connection.execute(_BY_ID, {"id": message_id}).one()


def _claimed(row: Row[Any], until: datetime) -> Claimed:
    return Claimed(
        message_id=row.message_id,
        destination=Destination(row.destination),
        kind=OutboxKind(row.kind),
        conversation_id=row.conversation_id,
        incidence_id=row.incidence_id,
        payload=row.payload,
        attempts=row.attempts + 1,
        was_open=row.claimed_until is not None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        claimed_until=until,
    )


GIVEN_UP = (OutboxState.DEAD, OutboxState.UNCERTAIN, OutboxState.EXPIRED)
_O = outbox.c
_EARLIER = outbox.alias("earlier")


def _at(name: str = "at") -> Any:
    return bindparam(name, type_=_O.due_at.type)


def _is_first_of_its_conversation() -> ColumnElement[bool]:
    """UUIDs of version 7 tell two apart that were written at once by two processes."""
    before = tuple_(_EARLIER.c.order_in_conversation, _EARLIER.c.message_id) < tuple_(
        _O.order_in_conversation, _O.message_id
    )
    waiting = select(_EARLIER.c.message_id).where(
        _EARLIER.c.conversation_id == _O.conversation_id,
        _EARLIER.c.destination == _O.destination,
        _EARLIER.c.state == OutboxState.PENDING,
        before,
    )
    return or_(_O.conversation_id.is_(None), ~waiting.correlate(outbox).exists())


_is_pending = and_(_O.state == OutboxState.PENDING, _O.source == LIVE_SOURCE)
_is_free = or_(_O.claimed_until.is_(None), _O.claimed_until <= _at())
_needs_look = and_(_O.claimed_until.is_not(None), _O.kind.in_(SEEN_BY_CUSTOMERS))
_LAST_PLACE = select(func.max(_O.order_in_conversation)).where(
    _O.conversation_id == bindparam("conversation"), _O.destination == bindparam("destination")
)
_DUE = (
    select(outbox)
    .where(
        _is_pending,
        _O.due_at <= _at(),
        _is_free,
        or_(_O.expires_at > _at(), _needs_look),
        _O.destination.in_(bindparam("destinations", expanding=True)),
        _is_first_of_its_conversation(),
    )
    .order_by(_O.due_at, _O.message_id)
    .limit(bindparam("limit"))
)
_LOCK_DUE = _DUE.with_for_update(skip_locked=True, of=outbox)
_CLAIM = (
    update(outbox).where(_O.message_id == bindparam("id")).values(claimed_until=_at("until"), attempts=_O.attempts + 1)
)
_SETTLE = (
    update(outbox)
    .where(_O.message_id == bindparam("id"), _O.state == OutboxState.PENDING, _O.claimed_until == _at("held_until"))
    .values(
        state=bindparam("new_state"),
        due_at=_at("new_due_at"),
        claimed_until=_at("still_open_until"),
        failure=bindparam("why"),
        sent_at=_at("when_sent"),
        platform_message_id=bindparam("their_id"),
    )
    .execution_options(preserve_rowcount=True)
)
_EXPIRED = (
    select(outbox)
    .where(_is_pending, _is_free, _O.expires_at <= _at(), ~_needs_look)
    .order_by(_O.expires_at)
    .limit(bindparam("limit"))
)
_LOCK_EXPIRED = _EXPIRED.with_for_update(skip_locked=True)
_EXPIRE = update(outbox).where(_O.message_id == bindparam("id")).values(state=OutboxState.EXPIRED)
_SENT_IDS = select(_O.platform_message_id).where(
    _O.conversation_id == bindparam("conversation"),
    _O.destination == bindparam("destination"),
    _O.platform_message_id.is_not(None),
)
_LISTED = (
    select(*(column for column in _O if column.name != "payload"))
    .where(
        _O.state.in_(bindparam("states", expanding=True)),
        _O.destination.in_(bindparam("destinations", expanding=True)),
        _O.source == LIVE_SOURCE,
    )
    .order_by(_O.due_at.desc(), _O.message_id.desc())
    .limit(bindparam("limit"))
)
_BY_ID = select(outbox).where(_O.message_id == bindparam("id"))
_LOCK = _BY_ID.with_for_update()
_NEWER = (
    select(_O.message_id)
    .where(
        _O.conversation_id == bindparam("conversation"),
        _O.destination == bindparam("destination"),
        _O.kind == bindparam("kind"),
        _O.order_in_conversation > bindparam("place"),
    )
    .limit(1)
)
_RESEND = (
    update(outbox)
    .where(_O.message_id == bindparam("id"))
    .values(
        state=OutboxState.PENDING,
        due_at=_at("now"),
        expires_at=_at("until"),
        attempts=bindparam("begun"),
        failure=null(),
    )
)
