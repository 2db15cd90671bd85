"""Finding the context of a user, and holding it while it is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, String, any_, bindparam, exists, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from api.context.rules import Cart, ContextState
from api.errors import NotFound
from store.enums import EventType, Flow
from store.prepared import Prepared
from store.tables import catalogue_items, context_updates, orders, prompts, user_context


@dataclass(frozen=True, slots=True)
class Known:
    """A user's context and what else the score asks: the first order there is, and the orders that the app reported."""

    user_id: str
    state: ContextState
    first_order_at: datetime | None = None
    prior_order_count: int = 0
    has_prompts: bool = True
    """Whether any prompt was due in the session."""


def read_known(connection: Connection, user_id: str) -> Known | None:
    """What is known of the user; None if the app never told anything."""
    row = _KNOWN.first(connection, {"user": user_id})
    return _known(row) if row is not None else None


def read_known_of(connection: Connection, user_ids: Sequence[str]) -> Mapping[str, Known]:
    """The same of each user of whom the app told anything."""
    if connection.dialect.name == "postgresql":
        return {row.user_id: _known(row) for row in _KNOWN_OF_MANY.all(connection, {"users": list(user_ids)})}
    found = ((user_id, read_known(connection, user_id)) for user_id in user_ids)
    return {user_id: known for user_id, known in found if known is not None}


def lock_known(connection: Connection, user_id: str) -> Known:
    """The same, nobody else's to change until the transaction ends. Raises `NotFound`."""
    if _LOCK.first(connection, {"user": user_id}) is None:
        raise no_context()
    row = _KNOWN.one(connection, {"user": user_id})
    return _known(row)


def lock_state(connection: Connection, user_id: str, at: datetime) -> ContextState:
    """The context, held; an empty one is made for a user of whom nothing was known."""
    row = _LOCK.first(connection, {"user": user_id})
    if row is None:
        _BEGIN.run(connection, {"user_id": user_id, "updated_at": at})
        row = _LOCK.one(connection, {"user": user_id})
    return state_of(row)


def state_of(row: Row[Any]) -> ContextState:
    """The state that a row of `user_context` holds."""
    return ContextState(
        session_id=row.session_id,
        session_started_at=row.session_started_at,
        screen=row.current_screen,
        flow=Flow(row.current_flow) if row.current_flow else None,
        screens=tuple(row.screen_stack or ()),
        is_foreground=row.is_foreground,
        last_activity_at=row.last_activity_at,
        last_heartbeat_at=row.last_heartbeat_at,
        last_sign_at=row.updated_at if row.session_id is not None else None,
        back_navigation_count=row.back_navigation_count,
        price_check_count=row.price_check_count,
        signal_counts=row.signal_counts or {},
        client_seq=row.client_seq,
        cart=Cart(
            items=tuple(row.cart_items or ()),
            platter=row.selected_platter,
            guest_count=row.guest_count,
            event_date=row.event_date,
            event_type=EventType(row.event_type) if row.event_type else None,
            value_paise=row.cart_value_paise,
        ),
        last_seq=row.last_seq,
    )


def read_prices(connection: Connection, item_ids: list[str], at: datetime) -> Mapping[str, tuple[int, bool]]:
    """Of each item that is on sale: its price in paise at the instant, and whether that is per plate."""
    if not item_ids:
        return {}
    rows = connection.execute(_PRICES, {"items": item_ids, "at": at})
    latest = {row.item_id: row for row in rows}  # the last one stays
    return {item: (row.price_paise, row.is_priced_per_plate) for item, row in latest.items() if row.is_active}


def no_context() -> NotFound:
    return NotFound(
        "Nothing is known of this user yet.", remedy="Check the id; the app's first event makes the context."
    )


def _known(row: Row[Any]) -> Known:
    return Known(row.user_id, state_of(row), row.first_order_at, row.prior_order_count or 0, bool(row.has_prompts))


_USER = bindparam("user")
_LOCK = Prepared(select(user_context).where(user_context.c.user_id == _USER).with_for_update())


def _facts_of(user: ColumnElement[str]) -> Select[*tuple[Any, ...]]:
    first_order = select(func.min(orders.c.recorded_at)).where(orders.c.user_id == user)
    prior_orders = (
        # In the words of the index, so that it is used.
        select(context_updates.c.prior_order_count)
        .where(context_updates.c.user_id == user, text("kind = 'PROFILE'"))
        .order_by(context_updates.c.seq.desc())
        .limit(1)
    )
    return select(
        user_context,
        first_order.scalar_subquery().label("first_order_at"),
        prior_orders.scalar_subquery().label("prior_order_count"),
        exists().where(prompts.c.session_id == user_context.c.session_id).label("has_prompts"),
    )


_KNOWN = Prepared(_facts_of(_USER).where(user_context.c.user_id == _USER))
_KNOWN_OF_MANY = Prepared(
    _facts_of(user_context.c.user_id).where(
        user_context.c.user_id == any_(bindparam("users", type_=postgresql.ARRAY(String)))
    )
)
_BEGIN = Prepared(
    {dialect.dialect.name: dialect.insert(user_context).on_conflict_do_nothing() for dialect in (sqlite, postgresql)}
)
_PRICES = (
    select(catalogue_items)
    .where(
        catalogue_items.c.item_id.in_(bindparam("items", expanding=True)),
        catalogue_items.c.valid_from <= bindparam("at"),
    )
    .order_by(catalogue_items.c.valid_from)
)
