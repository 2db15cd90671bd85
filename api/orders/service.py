"""What the app tells of its orders: placed, changed, cancelled. Placing one closes the incidence that led to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from api.errors import BadRequest, Conflict, NotFound
from api.incidences.closing import end
from api.incidences.following import follow_order_facts
from api.incidences.reading import IS_OPEN_LIVE, LIVE_SOURCE, order_facts
from api.incidences.timeline import Actor, append_event
from api.orders.changes import decide_change, refuse_open_changes
from api.outbox.telling import tell_closing, tell_order
from api.rules.sets import Rules
from store.enums import (
    ActorType,
    EventType,
    OrderChangeStatus,
    OrderImpact,
    OrderStatus,
    Outcome,
    Stage,
    TimelineEvent,
)
from store.prepared import DIALECTS
from store.tables import incidences, orders


class OrderOfAnotherUser(Conflict):
    code = "order_of_another_user"
    remedy = "An order belongs to one user for ever; use another orderId."


class OrderCancelled(Conflict):
    code = "order_cancelled"
    remedy = "A cancelled order stays so; place a new one."


@dataclass(frozen=True, slots=True)
class OrderFact:
    """An order as the app knows it now. `placed_at` None is now."""

    order_id: str
    user_id: str
    status: OrderStatus
    value_paise: int
    event_type: EventType | None = None
    event_date: date | None = None
    guest_count: int | None = None
    items: Sequence[Any] | None = None
    placed_at: datetime | None = None
    change_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedOrder:
    """`is_new`: nobody had told of it. `converted_incidence_id`: what it closed."""

    order_id: str
    is_new: bool
    converted_incidence_id: str | None


def record_order(connection: Connection, rules: Rules, order: OrderFact, at: datetime) -> RecordedOrder:
    """Keep the order as it is now, and draw the consequences once.

    A new one closes the user's open incidence from before it as CONVERTED and fills in its order; a changed value is followed
    by what is open about it; a cancelled one refuses what agents still asked of it, and no outcome changes. Telling the same
    again changes nothing. Raises `OrderOfAnotherUser`, `OrderCancelled`, `BadRequest`, `NotFound`.
    """
    if order.placed_at is not None and order.placed_at > at:
        raise BadRequest("placedAt: is in the future")
    there = connection.execute(_LOCK, {"id": order.order_id}).first()
    if there is None:
        placed_at = order.placed_at or at
        if connection.execute(_INSERT[connection.dialect.name], _new_row(order, placed_at, at)).rowcount == 1:
            converted = None
            if order.status is not OrderStatus.CANCELLED:
                converted = _convert(connection, order, placed_at, at)
                _follow(connection, rules, order, at)
                _carry_out(connection, order, at)
            return RecordedOrder(order.order_id, True, converted)
        there = connection.execute(_LOCK, {"id": order.order_id}).one()  # another process was told at the same time
    _change(connection, rules, there, order, at)
    return RecordedOrder(order.order_id, False, None)


def get_order(connection: Connection, order_id: str) -> Row[Any]:
    """Raises `NotFound`."""
    row = connection.execute(_ORDER, {"id": order_id}).first()
    if row is None:
        raise NotFound("There is no such order, or it is not yours.")
    return row


def _new_row(order: OrderFact, placed_at: datetime, at: datetime) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "status": order.status,
        **_told(order),
        "placed_at": placed_at,
        "recorded_at": at,
        "cancelled_at": at if order.status is OrderStatus.CANCELLED else None,
        "source": LIVE_SOURCE,
        "source_id": order.order_id,
        "updated_at": at,
    }


def _told(order: OrderFact) -> dict[str, Any]:
    return {
        "event_type": order.event_type,
        "event_date": order.event_date,
        "guest_count": order.guest_count,
        "value_paise": order.value_paise,
        "items": list(order.items or ()),
    }


def _change(connection: Connection, rules: Rules, there: Row[Any], order: OrderFact, at: datetime) -> None:
    if there.user_id != order.user_id:
        raise OrderOfAnotherUser("This order is another user's.")
    told = {name: value for name, value in _told(order).items() if (getattr(there, name) or None) != (value or None)}
    if there.status == OrderStatus.CANCELLED:
        if order.status is not OrderStatus.CANCELLED:
            raise OrderCancelled("This order was cancelled.")
        return
    is_cancelled = order.status is OrderStatus.CANCELLED
    if told or is_cancelled:
        status = OrderStatus.CANCELLED if is_cancelled else OrderStatus.MODIFIED
        values = {**told, "status": status, "cancelled_at": at if is_cancelled else None, "updated_at": at}
        connection.execute(update(orders).where(orders.c.order_id == order.order_id).values(values))
        _follow(connection, rules, order, at)
    _carry_out(connection, order, at)
    if is_cancelled:
        refuse_open_changes(connection, order.order_id, "The order was cancelled.", at)


def _convert(connection: Connection, order: OrderFact, placed_at: datetime, at: datetime) -> str | None:
    """Close the open incidence that came before this order; the id, or None if there is none."""
    for row in connection.execute(_BEFORE_ORDER, {"user": order.user_id, "order": order.order_id}).all():
        if row.created_at > placed_at:
            continue
        actor = Actor(ActorType.USER, order.user_id)
        values: dict[str, Any] = {
            "order_id": order.order_id,
            "order_impact": OrderImpact.PLACED,
            "order_value_paise": order.value_paise,
            "event_type": order.event_type or row.event_type,
        }
        append_event(
            connection,
            row.incidence_id,
            TimelineEvent.ORDER_PLACED,
            actor,
            at,
            channel=row.channel,
            details={"orderId": order.order_id},
        )
        end(connection, row, Outcome.CONVERTED, actor, at, values)
        tell_order(connection, row.incidence_id)
        tell_closing(connection, row.incidence_id)
        return row.incidence_id
    return None


def _carry_out(connection: Connection, order: OrderFact, at: datetime) -> None:
    """The change that this event carries out, if it names one, is APPLIED."""
    if order.change_request_id is not None:
        request_id, applied = order.change_request_id, OrderChangeStatus.APPLIED
        decide_change(connection, order.order_id, request_id, applied, reason=None, discount_paise=None, at=at)


def _follow(connection: Connection, rules: Rules, order: OrderFact, at: datetime) -> None:
    """What is open about this order goes by its value."""
    facts = order_facts(connection, order.user_id, order.order_id)
    for row in connection.execute(_ABOUT_ORDER, {"user": order.user_id, "order": order.order_id}).all():
        follow_order_facts(connection, rules, row, facts, at)
        tell_order(connection, row.incidence_id)


_ORDER = select(orders).where(orders.c.order_id == bindparam("id"))
_LOCK = _ORDER.with_for_update()
_INSERT = {
    name: dialect.insert(orders).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    for name, dialect in DIALECTS.items()
}
_OPEN_OF_USER = select(incidences).where(incidences.c.user_id == bindparam("user"), IS_OPEN_LIVE).with_for_update()
_BEFORE_ORDER = _OPEN_OF_USER.where(
    incidences.c.stage == Stage.PRE_ORDER,
    (incidences.c.order_id == bindparam("order")) | incidences.c.order_id.is_(None),
).order_by(incidences.c.order_id.is_(None))
_ABOUT_ORDER = _OPEN_OF_USER.where(incidences.c.order_id == bindparam("order"))
