"""The changes that agents ask of the app: what it answers, and what an order's events say of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from api.errors import Conflict, NotFound
from api.incidences.reading import lock_incidence
from api.incidences.timeline import SYSTEM, append_event
from api.incidences.work import change_incidence
from store.enums import OrderChangeKind, OrderChangeStatus, OrderImpact, TimelineEvent
from store.tables import incidences, order_change_requests, orders


class ChangeAlreadyDecided(Conflict):
    code = "change_already_decided"
    remedy = "GET /orders/{orderId}/changes tells what was decided; an agent can ask again."


def list_changes(connection: Connection, order_id: str) -> Sequence[Row[Any]]:
    """What was asked of this order, oldest first. Raises `NotFound` if neither order nor request is known."""
    rows = connection.execute(_OF_ORDER, {"order": order_id}).all()
    if not rows and connection.execute(_ORDER, {"order": order_id}).first() is None:
        raise NotFound(f"There is no order {order_id}.")
    return rows


def answer_change(
    connection: Connection,
    request_id: str,
    status: OrderChangeStatus,
    *,
    reason: str | None,
    discount_paise: int | None,
    at: datetime,
) -> Row[Any]:
    """`decide_change` for the order that the request, or its incidence, is about; there may be none yet."""
    asked = connection.execute(_REQUEST, {"id": request_id}).first()
    if asked is None:
        raise NotFound("There is no such change.")
    order_id = asked.order_id or connection.execute(_INCIDENCE_ORDER, {"id": asked.incidence_id}).scalar_one_or_none()
    return decide_change(connection, order_id, request_id, status, reason=reason, discount_paise=discount_paise, at=at)


def decide_change(
    connection: Connection,
    order_id: str | None,
    request_id: str,
    status: OrderChangeStatus,
    *,
    reason: str | None,
    discount_paise: int | None,
    at: datetime,
) -> Row[Any]:
    """Write the app's answer, once; the same answer again changes nothing. Raises `NotFound`, `ChangeAlreadyDecided`."""
    asked = connection.execute(_REQUEST, {"id": request_id}).first()
    if asked is None or not _is_about(connection, asked, order_id):
        raise NotFound(f"There is no such change of order {order_id}.")
    incidence = lock_incidence(connection, asked.incidence_id)
    asked = connection.execute(_LOCK, {"id": request_id}).one()
    if asked.status == status:
        return asked
    if asked.status != OrderChangeStatus.REQUESTED:
        raise ChangeAlreadyDecided(f"It is {asked.status}.", decided=asked.status)
    discount = asked.discount_paise if discount_paise is None else min(discount_paise, asked.discount_paise or 0)
    connection.execute(
        update(order_change_requests)
        .where(order_change_requests.c.request_id == request_id)
        .values(
            status=status,
            decided_at=at,
            order_id=order_id,
            discount_paise=discount,
            refusal_reason=reason if status is OrderChangeStatus.REFUSED else None,
        )
    )
    is_modified = status is OrderChangeStatus.APPLIED and asked.kind == OrderChangeKind.MODIFICATION
    if is_modified and incidence.order_impact is None:
        change_incidence(connection, incidence.incidence_id, {"order_impact": OrderImpact.MODIFIED, "updated_at": at})
    append_event(
        connection,
        asked.incidence_id,
        TimelineEvent.UPDATED,
        SYSTEM,
        at,
        channel=incidence.channel,
        details={"requestId": request_id, "kind": asked.kind, "status": status, "orderId": order_id},
    )
    return connection.execute(_REQUEST, {"id": request_id}).one()


def refuse_open_changes(connection: Connection, order_id: str, reason: str, at: datetime) -> None:
    """Whatever is still asked of this order will not be done."""
    for row in connection.execute(_OF_ORDER, {"order": order_id}).all():
        if row.status == OrderChangeStatus.REQUESTED:
            refused = OrderChangeStatus.REFUSED
            decide_change(connection, order_id, row.request_id, refused, reason=reason, discount_paise=None, at=at)


def _is_about(connection: Connection, asked: Row[Any], order_id: str | None) -> bool:
    """A change asked for before there was an order is about the order that its incidence led to."""
    if asked.order_id is not None:
        return asked.order_id == order_id
    return connection.execute(_INCIDENCE_ORDER, {"id": asked.incidence_id}).scalar_one_or_none() == order_id


_REQUESTS = order_change_requests.c
_REQUEST = select(order_change_requests).where(_REQUESTS.request_id == bindparam("id"))
_LOCK = _REQUEST.with_for_update()
_OF_ORDER = (
    select(order_change_requests)
    .where(
        or_(
            _REQUESTS.order_id == bindparam("order"),
            _REQUESTS.order_id.is_(None)
            & _REQUESTS.incidence_id.in_(
                select(incidences.c.incidence_id).where(incidences.c.order_id == bindparam("order"))
            ),
        )
    )
    .order_by(_REQUESTS.requested_at, _REQUESTS.request_id)
)
_ORDER = select(orders.c.order_id).where(orders.c.order_id == bindparam("order"))
_INCIDENCE_ORDER = select(incidences.c.order_id).where(incidences.c.incidence_id == bindparam("id"))
