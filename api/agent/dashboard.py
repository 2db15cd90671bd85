"""The agent's view of one incidence, read in one snapshot. Nothing is written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from api.agent.approvals import approvals_of
from api.agent.changes import changes_of
from api.agent.rules import QUICK_ACTIONS, DeskFacts, obstacle_to
from api.agent.schemas import (
    ActionState,
    ApprovalAnswer,
    AppState,
    Dashboard,
    EscalationEntry,
    Friction,
    FrictionReason,
    OrderContext,
    TimelineEntry,
    UserDetails,
)
from api.analytics.reader import WarehouseReader
from api.context.reading import Known, read_known
from api.context.rules import ContextState, count_of
from api.friction.rules import inputs_of, score_of
from api.incidences.history import live_rows, merge, published_rows, without_live
from api.incidences.reading import get_incidence
from api.incidences.rules import status_of
from api.incidences.schemas import IncidenceAnswer
from api.orders.schemas import OrderChangeAnswer
from api.paging import PageQuery
from api.rules.sets import Rules
from api.tokens.keyring import Principal
from store import clock
from store.enums import Role, SignalType
from store.published import WarehouseUnavailable
from store.session import Store
from store.tables import escalation_log, incidence_timeline, orders, users

LONGEST_TIMELINE = 500
PREVIOUS_INCIDENCES = 20
_MASK = "•" * 6
_LAST_DIGITS = 4


async def fetch_view(
    store: Store, warehouse: WarehouseReader, rules: Rules, incidence_id: str, caller: Principal
) -> Dashboard:
    """The view, with earlier incidences from the published warehouse where there is one. Raises `NotFound`."""
    page = PageQuery(PREVIOUS_INCIDENCES + 1, None)
    with store.read() as connection:
        user_id = get_incidence(connection, incidence_id).user_id
    version, published = None, []
    try:
        version, published = await warehouse.look_up(published_rows("user_id", user_id, page))
    except WarehouseUnavailable:
        pass  # what is live can be told without it
    with store.read() as connection:
        live = live_rows(connection, "user_id", user_id, page)
        previous, _ = merge(live, without_live(connection, published) if published else [], page.limit)
        view = read_dashboard(connection, rules, incidence_id, caller, previous, clock.now())
    view.warehouse_version = version
    return view


def read_dashboard(
    connection: Connection,
    rules: Rules,
    incidence_id: str,
    caller: Principal,
    previous: Sequence[IncidenceAnswer],
    at: datetime,
) -> Dashboard:
    """The view of this caller; `previous` are the user's incidences, this one among them. Raises `NotFound`."""
    row = get_incidence(connection, incidence_id)
    known = read_known(connection, row.user_id)
    state = known.state if known is not None else ContextState()
    incidence = IncidenceAnswer.of(row)
    return Dashboard(
        user_details=_user(connection, row, caller),
        order_context=_order(connection, row, state),
        app_state=AppState(
            current_screen=state.screen,
            previous_screens=list(state.screens[:-1]),
            items_viewed=count_of(state, SignalType.ITEM_VIEWED) + count_of(state, SignalType.PLATTER_VIEWED),
            items_added=count_of(state, SignalType.ITEM_ADDED),
        ),
        previous_incidences=[one for one in previous if one.incidence_id != incidence_id][:PREVIOUS_INCIDENCES],
        actions=list(QUICK_ACTIONS),
        action_states=action_states(row, caller),
        incidence=incidence,
        incidence_etag=incidence.etag,
        timeline=_timeline(connection, incidence_id),
        friction=_friction(rules, known, at) if known is not None else None,
        escalations=[
            EscalationEntry.model_validate(entry, from_attributes=True)
            for entry in connection.execute(_ESCALATIONS, {"id": incidence_id})
        ],
        approvals=[ApprovalAnswer.of(approval) for approval in approvals_of(connection, incidence_id)],
        order_changes=[OrderChangeAnswer.of(change) for change in changes_of(connection, incidence_id)],
        warehouse_version=None,
    )


def action_states(row: Row[Any], caller: Principal) -> list[ActionState]:
    """Each quick action, whether it is open to the caller now, and why not."""
    facts = DeskFacts(status_of(row), row.merged_into is not None, row.agent_id, row.order_value_paise)
    is_supervisor = caller.role is Role.SUPERVISOR
    states = []
    for action in QUICK_ACTIONS:
        obstacle = obstacle_to(action, facts, caller.agent_id, is_supervisor=is_supervisor)
        states.append(ActionState(action=action, allowed=obstacle is None, reason=obstacle))
    return states


def masked_phone(phone: str | None) -> str | None:
    """The last four digits, enough to ask for "the number that ends with"; of a short one nothing."""
    if phone is None:
        return None
    return f"{_MASK}{phone[-_LAST_DIGITS:]}" if len(phone) > 2 * _LAST_DIGITS else _MASK


def _user(connection: Connection, row: Row[Any], caller: Principal) -> UserDetails:
    """A phone is for those who may have to call: the agent it is with, supervisors and admins."""
    user = connection.execute(_USER, {"id": row.user_id}).first()
    if user is None:
        return UserDetails(name=None, phone=None, language=None, tier=None)
    may_call = caller.role is not Role.AGENT or (row.agent_id is not None and row.agent_id == caller.agent_id)
    phone = user.phone if may_call else masked_phone(user.phone)
    return UserDetails(name=user.name, phone=phone, language=user.language, tier=user.tier)


def _order(connection: Connection, row: Row[Any], state: ContextState) -> OrderContext:
    order = connection.execute(_ORDER, {"id": row.order_id}).first() if row.order_id is not None else None
    if order is not None:
        return OrderContext(
            cart_items=order.items or [],
            guest_count=order.guest_count,
            event_date=order.event_date,
            event_type=order.event_type,
            selected_platter=None,
            estimated_value=order.value_paise,
        )
    cart = state.cart
    return OrderContext(
        cart_items=list(cart.items),
        guest_count=cart.guest_count,
        event_date=cart.event_date,
        event_type=cart.event_type,
        selected_platter=cart.platter,
        estimated_value=cart.value_paise,
    )


def _timeline(connection: Connection, incidence_id: str) -> list[TimelineEntry]:
    latest = connection.execute(_TIMELINE, {"id": incidence_id}).all()
    return [TimelineEntry.of(event) for event in reversed(latest)]


def _friction(rules: Rules, known: Known, at: datetime) -> Friction:
    inputs = inputs_of(known.state, at, first_order_at=known.first_order_at, prior_order_count=known.prior_order_count)
    score = score_of(rules.friction, inputs)
    return Friction(
        score=score.score,
        is_help_due=score.is_help_due,
        reasons=[FrictionReason.model_validate(reason, from_attributes=True) for reason in score.reasons],
        rule_version=rules.friction.version,
    )


_USER = select(users).where(users.c.user_id == bindparam("id"))
_ORDER = select(orders).where(orders.c.order_id == bindparam("id"))
_TIMELINE = (
    select(incidence_timeline)
    .where(incidence_timeline.c.incidence_id == bindparam("id"))
    .order_by(incidence_timeline.c.occurred_at.desc(), incidence_timeline.c.event_id.desc())
    .limit(LONGEST_TIMELINE)
)
_ESCALATIONS = (
    select(escalation_log)
    .where(escalation_log.c.incidence_id == bindparam("id"))
    .order_by(escalation_log.c.escalated_at, escalation_log.c.escalation_id)
)
