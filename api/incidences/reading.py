"""Finding incidences, and holding one while it is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, literal_column, select, text

from api.errors import Conflict, NotFound
from store.enums import EventType, OrderStatus, Stage
from store.prepared import DIALECTS, Prepared, is_one_of
from store.tables import incidences, orders, user_context

LIVE_SOURCE, DEMO_SOURCE = "app", "demo"


class IncidenceAlreadyClosed(Conflict):
    code = "incidence_already_closed"
    remedy = "Read it again; to go on with it, reopen it by PATCH with outcome null."


class IncidenceMerged(Conflict):
    code = "incidence_merged"
    remedy = "Go on in the incidence that mergedInto names."


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What routing goes by: the value and event of the order, else of the cart; None where nothing is known."""

    value_paise: int | None = None
    event_type: EventType | None = None


def find_incidence(connection: Connection, incidence_id: str) -> Row[Any] | None:
    return _BY_ID.first(connection, {"id": incidence_id})


def get_incidence(connection: Connection, incidence_id: str) -> Row[Any]:
    """Raises `NotFound`."""
    row = find_incidence(connection, incidence_id)
    if row is None:
        raise no_incidence()
    return row


def lock_incidence(connection: Connection, incidence_id: str) -> Row[Any]:
    """The row, nobody else's to change until the transaction ends. Raises `NotFound`."""
    row = _LOCK.first(connection, {"id": incidence_id})
    if row is None:
        raise no_incidence()
    return row


def find_open(connection: Connection, user_id: str, stage: Stage, order_id: str | None) -> Row[Any] | None:
    """The open live incidence of (user, stage, order), locked; there is at most one."""
    return _OPEN.first(connection, {"user": user_id, "stage": stage, "order": order_id or ""})


def shown_source(connection: Connection) -> str:
    """Whose incidences the desk shows: live ones as soon as there is any, until then those of the demo if there is one."""
    for source in (LIVE_SOURCE, DEMO_SOURCE):
        if connection.execute(_ANY_OF, {"source": source}).first() is not None:
            return source
    return LIVE_SOURCE


def is_of(source: str) -> ColumnElement[bool]:
    """A condition, in words that no index has: SQLite would take the one of (source, source_id), where nearly every row is
    live."""
    return incidences.c.source + literal_column("''") == source


def require_not_merged(row: Row[Any]) -> None:
    if row.merged_into is not None:
        raise IncidenceMerged("It was joined to another incidence.", mergedInto=row.merged_into)


def order_facts(connection: Connection, user_id: str, order_id: str | None) -> OrderFacts:
    """As `facts_of_orders`, for one."""
    [facts] = facts_of_orders(connection, [(user_id, order_id)])
    return facts


def facts_of_orders(connection: Connection, asked: Sequence[tuple[str, str | None]]) -> list[OrderFacts]:
    """For each (user, order) the value and event of the order if it is known, else of the user's cart.

    Raises `NotFound` for an order of another user. A cancelled order still has its value.
    """
    found = [_facts_of_known(connection, user_id, order_id) for user_id, order_id in asked]
    users = [user_id for (user_id, _), facts in zip(asked, found, strict=True) if facts is None]
    rows = _CARTS.all(connection, {"ids": users}) if users else []
    carts = {row.user_id: OrderFacts(row.cart_value_paise, _event_type(row.event_type)) for row in rows}
    return [facts or carts.get(user_id) or OrderFacts() for (user_id, _), facts in zip(asked, found, strict=True)]


def _facts_of_known(connection: Connection, user_id: str, order_id: str | None) -> OrderFacts | None:
    order = _ORDER.first(connection, {"id": order_id}) if order_id is not None else None
    if order is None:
        return None
    if order.user_id != user_id:
        raise NotFound("There is no such order, or it is not the user's.")
    return OrderFacts(order.value_paise, _event_type(order.event_type))


def has_order(connection: Connection, user_id: str, order_id: str) -> bool:
    """Whether the app told of this order of this user and it stands."""
    order = _ORDER.first(connection, {"id": order_id})
    return order is not None and order.user_id == user_id and order.status != OrderStatus.CANCELLED


def no_incidence() -> NotFound:
    return NotFound("There is no such incidence, or it is not yours.")


def _event_type(word: str | None) -> EventType | None:
    return EventType(word) if word is not None else None


_ONE = select(incidences).where(incidences.c.incidence_id == bindparam("id"))
_BY_ID = Prepared(_ONE)
_LOCK = Prepared(_ONE.with_for_update())
IS_LIVE = is_of(LIVE_SOURCE)
_ANY_OF = select(incidences.c.incidence_id).where(incidences.c.source == bindparam("source")).limit(1)
IS_OPEN_LIVE = text("outcome IS NULL AND merged_into IS NULL AND source = 'app'")
"""In the words of the index, so that it is used."""
_OPEN = Prepared(
    select(incidences)
    .where(
        incidences.c.user_id == bindparam("user"),
        incidences.c.stage == bindparam("stage"),
        func.coalesce(incidences.c.order_id, literal_column("''")) == bindparam("order"),
        IS_OPEN_LIVE,
    )
    .with_for_update()
)
_ORDER = Prepared(
    select(orders.c.user_id, orders.c.status, orders.c.value_paise, orders.c.event_type).where(
        orders.c.order_id == bindparam("id")
    )
)
_CARTS = Prepared(
    {
        name: select(user_context.c.user_id, user_context.c.cart_value_paise, user_context.c.event_type).where(
            is_one_of(user_context.c.user_id, "ids", name)
        )
        for name in DIALECTS
    }
)
