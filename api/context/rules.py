"""The context of a user as the fold of the log, in the server's order. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from api.rules.sets import DURATION_SIGNALS
from store.enums import EventType, Flow, SignalType

STACK_LIMIT = 50
RETRIES = "payment_retries"
UNKNOWN = "unknown_signals"
"""Counts beside those of known signal types. In lower case, so that no signal is called like it."""
_KNOWN = frozenset(SignalType)
_DURATIONS: Mapping[str, str] = {signal: f"longest_{signal.lower()}" for signal in DURATION_SIGNALS}


@dataclass(frozen=True, slots=True)
class Cart:
    """`value_paise` is what the catalogue made of it when it was set; None before any price is known."""

    items: tuple[Mapping[str, Any], ...] = ()
    platter: Mapping[str, Any] | None = None
    guest_count: int | None = None
    event_date: date | None = None
    event_type: EventType | None = None
    value_paise: int | None = None


@dataclass(frozen=True, slots=True)
class ContextState:
    """What is known of a user after the event `last_seq`. All but the cart is of the present, or last, session."""

    session_id: str | None = None
    session_started_at: datetime | None = None
    screen: str | None = None
    flow: Flow | None = None
    """The flow last entered: a screen without one leaves it."""
    screens: tuple[str, ...] = ()
    """The way here, the present screen last."""
    is_foreground: bool = True
    last_activity_at: datetime | None = None
    last_heartbeat_at: datetime | None = None
    last_sign_at: datetime | None = None
    """Of any event of the app; while it is in the background, when it went there."""
    back_navigation_count: int = 0
    """On the present flow since it was entered."""
    price_check_count: int = 0
    signal_counts: Mapping[str, float] = field(default_factory=dict)
    client_seq: int | None = None
    cart: Cart = Cart()
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class _Logged:
    """`seq` is that of the event, or of the last one of several."""

    session_id: str
    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class ScreenShown(_Logged):
    screen: str
    flow: Flow | None
    client_seq: int | None = None


@dataclass(frozen=True, slots=True)
class CartSet(_Logged):
    cart: Cart
    client_seq: int | None = None


@dataclass(frozen=True, slots=True)
class ProfileSet(_Logged):
    """The backend's doing, no sign of the user."""


@dataclass(frozen=True, slots=True)
class SignalsSent(_Logged):
    """Signals recorded at one instant, in order: type and value."""

    signals: Sequence[tuple[str, float | None]]


Event = ScreenShown | CartSet | ProfileSet | SignalsSent


def goes_on(state: ContextState, at: datetime, timeout: timedelta) -> bool:
    """Whether the session of the state is still that of the instant."""
    return state.last_sign_at is not None and at - state.last_sign_at <= timeout


def is_way_back(state: ContextState, session_id: str, screen: str) -> bool:
    """Whether showing the screen in this session goes back to the one before."""
    return session_id == state.session_id and len(state.screens) > 1 and state.screens[-2] == screen


def is_late(state: ContextState, session_id: str, client_seq: int | None) -> bool:
    """Whether the app sent it before something that is known: then it is accepted and ignored."""
    return (
        client_seq is not None
        and state.client_seq is not None
        and session_id == state.session_id
        and client_seq < state.client_seq
    )


def fold(state: ContextState, event: Event) -> ContextState:
    """The state after the event. An event of another session begins that one; the cart goes on."""
    match event:
        case ProfileSet():
            return replace(state, last_seq=event.seq)
        case ScreenShown():
            return _shown(_entered(state, event), event)
        case CartSet():
            entered = _entered(state, event)
            return replace(
                entered,
                cart=event.cart,
                client_seq=entered.client_seq if event.client_seq is None else event.client_seq,
                **_activity(event),
            )
        case SignalsSent():
            return _signalled(_entered(state, event), event)


def _entered(state: ContextState, event: Event) -> ContextState:
    if event.session_id == state.session_id:
        return state
    return ContextState(
        session_id=event.session_id, session_started_at=event.at, cart=state.cart, last_seq=state.last_seq
    )


def _activity(event: Event) -> dict[str, Any]:
    return {"last_activity_at": event.at, "last_sign_at": event.at, "is_foreground": True, "last_seq": event.seq}


def _shown(state: ContextState, event: ScreenShown) -> ContextState:
    is_back = is_way_back(state, event.session_id, event.screen)
    screens = state.screens
    if is_back:
        screens = screens[:-1]
    elif not screens or screens[-1] != event.screen:
        screens = (*screens, event.screen)[-STACK_LIMIT:]
    backs = state.back_navigation_count
    if event.flow is not None:
        backs = 0 if event.flow != state.flow else backs + is_back
    return replace(
        state,
        screen=event.screen,
        flow=event.flow or state.flow,
        screens=screens,
        back_navigation_count=backs,
        client_seq=state.client_seq if event.client_seq is None else event.client_seq,
        **_activity(event),
    )


def _signalled(state: ContextState, event: SignalsSent) -> ContextState:
    counts = dict(state.signal_counts)
    is_foreground, active, beat = state.is_foreground, state.last_activity_at, state.last_heartbeat_at
    for signal, value in event.signals:
        is_foreground = signal != SignalType.APP_BACKGROUND
        if signal == SignalType.HEARTBEAT:
            beat = event.at
        elif is_foreground:
            active = event.at
        name = signal if signal in _KNOWN else UNKNOWN
        counts[name] = counts.get(name, 0) + 1
        if signal == SignalType.PAYMENT_ATTEMPT and counts.get(SignalType.PAYMENT_FAILED):
            counts[RETRIES] = counts.get(RETRIES, 0) + 1
        elif signal in _DURATIONS and value is not None:
            counts[_DURATIONS[signal]] = max(counts.get(_DURATIONS[signal], 0), value)
    return replace(
        state,
        is_foreground=is_foreground,
        last_activity_at=active,
        last_heartbeat_at=beat,
        last_sign_at=event.at,
        price_check_count=int(counts.get(SignalType.PRICE_CALCULATION, 0)),
        signal_counts=counts,
        last_seq=event.seq,
    )


def count_of(state: ContextState, signal: SignalType) -> int:
    """How many signals of the type the session had."""
    return int(state.signal_counts.get(signal, 0))


def longest_of(state: ContextState, signal: SignalType) -> float:
    """The most seconds that a signal of the session told of, for signals that tell seconds."""
    return state.signal_counts.get(_DURATIONS[signal], 0)


def cart_value_paise(
    lines: Sequence[tuple[str, int]], prices: Mapping[str, tuple[int, bool]], guest_count: int | None
) -> int | None:
    """Σ price × quantity; a price per plate counts for each guest (one, while their number is unknown).

    `lines` are item and quantity, `prices` paise and whether per plate. Items without a price count nothing; None if no line
    has one and there is any.
    """
    priced = [(prices[item], quantity) for item, quantity in lines if item in prices]
    if lines and not priced:
        return None
    guests = 1 if guest_count is None else guest_count
    return sum(price * quantity * (guests if per_plate else 1) for (price, per_plate), quantity in priced)
