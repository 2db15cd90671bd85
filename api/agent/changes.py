"""What agents ask the app to do with an order: a row of its own, and a message to the app in the same transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select

from api.context.reading import read_prices
from api.outbox.service import enqueue
from store.enums import Destination, OrderChangeKind, OrderChangeStatus, OutboxKind
from store.ids import new_id
from store.tables import order_change_requests


def request_change(
    connection: Connection,
    incidence: Row[Any],
    *,
    kind: OrderChangeKind,
    action_id: str,
    agent_id: str,
    discount_code: str | None,
    discount_paise: int | None,
    details: Mapping[str, Any],
    at: datetime,
) -> Row[Any]:
    """Ask the app, once this is committed; the request's row."""
    request_id = new_id(at)
    row: dict[str, Any] = {
        "request_id": request_id,
        "incidence_id": incidence.incidence_id,
        "order_id": incidence.order_id,
        "action_id": action_id,
        "agent_id": agent_id,
        "kind": kind,
        "discount_code": discount_code,
        "discount_paise": discount_paise,
        "status": OrderChangeStatus.REQUESTED,
        "requested_at": at,
        "source": incidence.source,
    }
    payload = {
        "requestId": request_id,
        "kind": kind,
        "incidenceId": incidence.incidence_id,
        "userId": incidence.user_id,
        "orderId": incidence.order_id,
        "discountCode": discount_code,
        "discountPaise": discount_paise,
        "details": dict(details),
    }
    connection.execute(insert(order_change_requests).values(**row, details=dict(details)))
    enqueue(
        connection,
        destination=Destination.APP,
        kind=OutboxKind.ORDER_CHANGE,
        payload=payload,
        at=at,
        incidence_id=incidence.incidence_id,
        source=incidence.source,
    )
    return connection.execute(_BY_ID, {"id": request_id}).one()


def changes_of(connection: Connection, incidence_id: str) -> Sequence[Row[Any]]:
    """What was asked for this incidence, oldest first."""
    return connection.execute(_OF_INCIDENCE, {"incidence": incidence_id}).all()


def discounts_given(changes: Sequence[Row[Any]]) -> Counter[str | None]:
    """Paise of the discounts asked for and not refused, by code."""
    given: Counter[str | None] = Counter()
    for row in changes:
        if row.kind == OrderChangeKind.DISCOUNT and row.status != OrderChangeStatus.REFUSED:
            given[row.discount_code] += row.discount_paise or 0
    return given


def unknown_items(connection: Connection, item_ids: Sequence[str], at: datetime) -> frozenset[str]:
    """Those of the items that the catalogue does not sell at the instant."""
    return frozenset(item_ids).difference(read_prices(connection, list(item_ids), at))


_BY_ID = select(order_change_requests).where(order_change_requests.c.request_id == bindparam("id"))
_OF_INCIDENCE = (
    select(order_change_requests)
    .where(order_change_requests.c.incidence_id == bindparam("incidence"))
    .order_by(order_change_requests.c.requested_at, order_change_requests.c.request_id)
)
