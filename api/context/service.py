"""What the app tells of a user is logged and folded in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from api.context.reading import lock_state, read_prices
from api.context.rules import (
    Cart,
    CartSet,
    ContextState,
    Event,
    ProfileSet,
    ScreenShown,
    SignalsSent,
    cart_value_paise,
    fold,
    goes_on,
    is_late,
    is_way_back,
)
from api.context.schemas import CartInput, ProfileInput, ScreenInput, SignalInput, SignalsAnswer, UpdateAnswer
from api.context.signal_log import insert_signals, instant_of
from api.friction.rules import inactivity_seconds
from api.incidences.following import follow_cart
from api.notifications.watch import look_after
from api.rules.sets import Rules
from store import clock
from store.enums import ContextUpdateKind, SignalType
from store.ids import new_id
from store.prepared import Prepared
from store.session import next_seqs
from store.tables import context_updates, friction_signals, user_context, users

_KNOWN_SIGNALS = frozenset(SignalType)


def show_screen(connection: Connection, rules: Rules, user_id: str, wanted: ScreenInput) -> UpdateAnswer:
    """The user came to a screen."""
    at = clock.now()
    state = lock_state(connection, user_id, at)
    session_id = _session_at(state, rules, at)
    if is_late(state, session_id, wanted.client_seq):
        return _update_answer(state, is_applied=False)
    (seq,) = next_seqs(connection, 1)
    event = ScreenShown(
        session_id, at, seq, wanted.current_screen, rules.screens.flow_of(wanted.current_screen), wanted.client_seq
    )
    row = {
        "screen": event.screen,
        "flow": event.flow,
        "is_back_navigation": is_way_back(state, session_id, event.screen),
        "client_seq": wanted.client_seq,
        "client_at": wanted.timestamp,
    }
    _log_update(connection, user_id, ContextUpdateKind.SCREEN, event, row)
    return _update_answer(_save(connection, user_id, fold(state, event)))


def set_cart(connection: Connection, rules: Rules, user_id: str, wanted: CartInput) -> UpdateAnswer:
    """The cart is now this; its value is computed, and the open incidence about it follows."""
    at = clock.now()
    state = lock_state(connection, user_id, at)
    session_id = _session_at(state, rules, at)
    if is_late(state, session_id, wanted.client_seq):
        return _update_answer(state, is_applied=False)
    cart, unpriced = _priced(connection, wanted, at)
    (seq,) = next_seqs(connection, 1)
    event = CartSet(session_id, at, seq, cart, wanted.client_seq)
    columns = _cart_columns(cart)
    row = {**columns, "client_seq": wanted.client_seq, "client_at": wanted.timestamp}
    _log_update(connection, user_id, ContextUpdateKind.CART, event, row)
    state = _save(connection, user_id, fold(state, event))
    connection.execute(_SAVE_CART, {"user": user_id, **columns})
    follow_cart(connection, rules, user_id, at)
    return _update_answer(state, unpriced=unpriced)


def set_profile(connection: Connection, rules: Rules, user_id: str, wanted: ProfileInput) -> None:
    """Who the user is, as the app's backend knows it. It is no activity of the user's."""
    at = clock.now()
    state = lock_state(connection, user_id, at)
    (seq,) = next_seqs(connection, 1)
    event = ProfileSet(_session_at(state, rules, at), at, seq)
    row = {"language": wanted.language, "tier": wanted.tier, "prior_order_count": wanted.prior_order_count}
    _log_update(connection, user_id, ContextUpdateKind.PROFILE, event, row)
    connection.execute(_SAVE_SEQ, {"user": user_id, "last_seq": fold(state, event).last_seq})
    person = {
        **wanted.model_dump(by_alias=False),
        "user_id": user_id,
        "source": "app",
        "source_id": user_id,
        "created_at": at,
        "updated_at": at,
    }
    connection.execute(_SAVE_USER[connection.dialect.name], person)


def log_signals(connection: Connection, rules: Rules, signals: Mapping[str, Sequence[SignalInput]]) -> SignalsAnswer:
    """Log the signals of each user; those with a `clientEventId` that the user's log has are left out."""
    at = clock.now()
    new: list[str] = []
    for user_id in sorted(signals):  # two who write the same users take them in one order
        new += _log_signals_of(connection, rules, user_id, signals[user_id], at)
    received = sum(map(len, signals.values()))
    return SignalsAnswer(received=received, new=len(new), unknown=sum(signal not in _KNOWN_SIGNALS for signal in new))


def _log_signals_of(
    connection: Connection, rules: Rules, user_id: str, signals: Sequence[SignalInput], at: datetime
) -> list[str]:
    state = lock_state(connection, user_id, at)
    session_id = _session_at(state, rules, at)
    seqs = next_seqs(connection, len(signals))
    present = state.screen if session_id == state.session_id else None
    flow_of = rules.screens.flow_of
    recorded_at = instant_of(connection, at)
    rows = [
        (
            seq,
            user_id,
            session_id,
            signal.signal_type,
            signal.value,
            screen := signal.screen or present,
            flow_of(screen),
            signal.client_event_id,
            instant_of(connection, signal.timestamp) if signal.timestamp is not None else None,
            recorded_at,
            "app",
        )
        for seq, signal in zip(seqs, signals, strict=True)
    ]
    stored_count = insert_signals(connection, rows)
    if not stored_count:
        return []
    new = list(zip(seqs, signals, strict=True))
    if stored_count < len(rows):
        span = {"user": user_id, "first": seqs[0], "last": seqs[-1]}
        stored = set(connection.execute(_STORED, span).scalars())
        new = [(seq, signal) for seq, signal in new if seq in stored]
    sent = [(signal.signal_type, signal.value) for _, signal in new]
    later = _save(connection, user_id, fold(state, SignalsSent(session_id, at, new[-1][0], sent)))
    if inactivity_seconds(state, at) < inactivity_seconds(later, at):
        look_after(connection, rules, user_id, at)  # present all along, as this heartbeat says: nobody has looked yet
    return [signal for signal, _ in sent]


def _session_at(state: ContextState, rules: Rules, at: datetime) -> str:
    """The session of an event of this instant: the present one, or a new one after too long a silence."""
    timeout = timedelta(minutes=rules.policies.session_timeout_minutes)
    if state.session_id is not None and goes_on(state, at, timeout):
        return state.session_id
    return new_id(at)


def _priced(connection: Connection, wanted: CartInput, at: datetime) -> tuple[Cart, list[str]]:
    lines = [(line.item_id, line.quantity) for line in wanted.cart_items]
    prices = read_prices(connection, [item for item, _ in lines], at)
    cart = Cart(
        items=tuple(line.model_dump() for line in wanted.cart_items),
        platter=wanted.selected_platter.model_dump() if wanted.selected_platter else None,
        guest_count=wanted.guest_count,
        event_date=wanted.event_date,
        event_type=wanted.event_type,
        value_paise=cart_value_paise(lines, prices, wanted.guest_count),
    )
    return cart, sorted({item for item, _ in lines if item not in prices})


def _log_update(
    connection: Connection, user_id: str, kind: ContextUpdateKind, event: Event, columns: Mapping[str, Any]
) -> None:
    row = {
        "seq": event.seq,
        "user_id": user_id,
        "session_id": event.session_id,
        "kind": kind,
        "recorded_at": event.at,
        **columns,
    }
    _LOG.run(connection, {name: value for name, value in row.items() if value is not None})


def _save(connection: Connection, user_id: str, state: ContextState) -> ContextState:
    """Write what events of a session change; the cart is written where it is set."""
    row = {
        "user": user_id,
        "session_id": state.session_id,
        "session_started_at": state.session_started_at,
        "current_screen": state.screen,
        "current_flow": state.flow,
        "screen_stack": list(state.screens),
        "is_foreground": state.is_foreground,
        "last_activity_at": state.last_activity_at,
        "last_heartbeat_at": state.last_heartbeat_at,
        "back_navigation_count": state.back_navigation_count,
        "price_check_count": state.price_check_count,
        "signal_counts": state.signal_counts,
        "client_seq": state.client_seq,
        "last_seq": state.last_seq,
        "updated_at": state.last_sign_at,
    }
    _SAVE.run(connection, row)
    return state


def _cart_columns(cart: Cart) -> dict[str, Any]:
    return {
        "cart_items": list(cart.items),
        "selected_platter": cart.platter,
        "guest_count": cart.guest_count,
        "event_date": cart.event_date,
        "event_type": cart.event_type,
        "cart_value_paise": cart.value_paise,
    }


def _update_answer(state: ContextState, *, is_applied: bool = True, unpriced: Sequence[str] = ()) -> UpdateAnswer:
    return UpdateAnswer(
        is_applied=is_applied,
        session_id=state.session_id,
        current_screen=state.screen,
        flow=state.flow,
        back_navigation_count=state.back_navigation_count,
        cart_value=state.cart.value_paise,
        unpriced_items=list(unpriced),
    )


_LOG = Prepared(insert(context_updates))
_MINE = user_context.c.user_id == bindparam("user")
_SESSION_COLUMNS = (
    "session_id",
    "session_started_at",
    "current_screen",
    "current_flow",
    "screen_stack",
    "is_foreground",
    "last_activity_at",
    "last_heartbeat_at",
    "back_navigation_count",
    "price_check_count",
    "signal_counts",
    "client_seq",
    "last_seq",
    "updated_at",
)
_SAVE = Prepared(update(user_context).where(_MINE).values({name: bindparam(name) for name in _SESSION_COLUMNS}))
_CART_NAMES = ("cart_items", "guest_count", "event_date", "event_type", "cart_value_paise")
_SAVE_CART = (
    update(user_context)
    .where(_MINE)
    .values({name: bindparam(name) for name in _CART_NAMES})
    .values(selected_platter=bindparam("selected_platter", type_=JSON(none_as_null=True)))
)
_SAVE_SEQ = update(user_context).where(_MINE).values(last_seq=bindparam("last_seq"))
_DIALECTS = {dialect.dialect.name: dialect for dialect in (sqlite, postgresql)}
_STORED = select(friction_signals.c.seq).where(
    friction_signals.c.seq.between(bindparam("first"), bindparam("last")),
    friction_signals.c.user_id == bindparam("user"),
)
_PERSON = (
    "name",
    "phone",
    "language",
    "tier",
    "prior_order_count",
    "last_order_date",
    "source",
    "source_id",
    "updated_at",
)


def _upsert_user(dialect: Any) -> Any:
    person = dialect.insert(users)
    changed = {name: person.excluded[name] for name in (*_PERSON, "change_seq")}
    return person.on_conflict_do_update(index_elements=["user_id"], set_=changed)


_SAVE_USER = {name: _upsert_user(dialect) for name, dialect in _DIALECTS.items()}
