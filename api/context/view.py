"""The context of a user as agents and the app see it."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select

from api.context.reading import no_context, read_known
from api.context.rules import count_of, goes_on
from api.context.schemas import CartLine, ContextAnswer, Platter
from api.friction.rules import inactivity_seconds, inputs_of, score_of
from api.rules.sets import Rules
from store.clock import IST
from store.enums import OrderStatus, SignalType, Tier
from store.tables import orders, users


def context_of(connection: Connection, rules: Rules, user_id: str, at: datetime) -> ContextAnswer:
    """The user's context at the instant. Raises `NotFound` if nothing is known of the user."""
    known = read_known(connection, user_id)
    if known is None:
        raise no_context()
    person = connection.execute(_PERSON, {"user": user_id}).first()
    placed = connection.execute(_PLACED, {"user": user_id}).one()
    state, cart = known.state, known.state.cart
    timeout = timedelta(minutes=rules.policies.session_timeout_minutes)
    is_going_on = goes_on(state, at, timeout)
    inputs = inputs_of(state, at, first_order_at=known.first_order_at, prior_order_count=known.prior_order_count)
    last_dates = [
        *([person.last_order_date] if person is not None and person.last_order_date else []),
        *([placed.last_at.astimezone(IST).date()] if placed.last_at else []),
    ]
    return ContextAnswer(
        user_id=user_id,
        session_id=state.session_id,
        is_present=is_going_on
        and state.is_foreground
        and _is_heard(state.last_heartbeat_at, state.last_sign_at, at, rules),
        current_screen=state.screen,
        previous_screens=list(state.screens[:-1]),
        last_activity=state.last_activity_at,
        session_duration=_seconds(state.session_started_at, at if is_going_on else state.last_sign_at),
        inactivity_seconds=inactivity_seconds(state, at),
        cart_items=[CartLine.model_validate(item) for item in cart.items],
        selected_platter=Platter.model_validate(cart.platter) if cart.platter else None,
        guest_count=cart.guest_count,
        event_date=cart.event_date,
        event_type=cart.event_type,
        cart_value=cart.value_paise,
        language=person.language if person is not None else "en",
        tier=Tier(person.tier) if person is not None and person.tier else None,
        past_order_count=(person.prior_order_count if person is not None else 0) + placed.placed_count,
        last_order_date=max(last_dates, default=None),
        hesitation_score=score_of(rules.friction, inputs).score,
        back_navigation_count=state.back_navigation_count,
        price_check_count=state.price_check_count,
        signal_counts={signal: count for signal in SignalType if (count := count_of(state, signal))},
    )


def _seconds(start: datetime | None, end: datetime | None) -> int:
    return max(0, (end - start) // timedelta(seconds=1)) if start is not None and end is not None else 0


def _is_heard(beat_at: datetime | None, sign_at: datetime | None, at: datetime, rules: Rules) -> bool:
    """An app that sends heartbeats is not there any more when they stop."""
    return beat_at is None or sign_at is None or at - sign_at <= timedelta(seconds=rules.policies.presence_seconds)


_PERSON = select(users).where(users.c.user_id == bindparam("user"))
_PLACED = select(func.count().label("placed_count"), func.max(orders.c.placed_at).label("last_at")).where(
    orders.c.user_id == bindparam("user"), orders.c.status != OrderStatus.CANCELLED
)
