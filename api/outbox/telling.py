"""What the chat platforms are told of an incidence: the owner's four actions, each for every open conversation it has.

An incidence may be told of what happened hours ago; what the platform is told is told now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, null, select, update

from api.incidences.reading import get_incidence
from api.incidences.rules import WORKED_ON, needed_level, status_of
from api.outbox.service import enqueue
from store import clock
from store.display import rupees
from store.enums import AgentLevel, OutboxKind, OutboxState
from store.tables import agents, orders, outbox, platform_conversations, user_context, users

Attributes = dict[str, str | int]
"""By name, as an agent reads them beside the chat. What is not known is left out. No name and no phone: the platform has them
from the user, or is not to have them."""


def introduce(connection: Connection, platform: str, conversation_id: str, at: datetime) -> None:
    """Tell the platform all that there is to tell of a conversation whose incidence has just become known."""
    conversation = connection.execute(_CONVERSATION, {"platform": platform, "id": conversation_id}).one()
    if conversation.incidence_id is None:
        return
    incidence = get_incidence(connection, conversation.incidence_id)
    if conversation.platform_user_id is not None:
        payload = {
            "platformUserId": conversation.platform_user_id,
            "attributes": _user_attributes(connection, incidence.user_id),
        }
        _tell(connection, conversation, OutboxKind.SEND_USER_CONTEXT, payload, at)
    _tell(connection, conversation, OutboxKind.UPDATE_CONVERSATION, _order_payload(connection, incidence), at)
    if status_of(incidence) in WORKED_ON:
        _tell_route(connection, conversation, incidence.agent_id, needed_level(incidence.escalation_level), at)


def tell_order(connection: Connection, incidence_id: str) -> None:
    """Its order or cart changed. What was not sent yet says the newest only."""
    conversations = _open_conversations(connection, incidence_id)
    if not conversations:
        return
    payload = _order_payload(connection, get_incidence(connection, incidence_id))
    for conversation in conversations:
        waiting = {"platform": conversation.platform, "conversation": conversation.conversation_id}
        if connection.execute(_REPLACE, {**waiting, "new_payload": payload}).rowcount == 0:
            _tell(connection, conversation, OutboxKind.UPDATE_CONVERSATION, payload, clock.now())


def tell_routing(connection: Connection, incidence_id: str, agent_id: str | None, level: AgentLevel) -> None:
    """It is this agent's now or, while there is none, that of the level's group."""
    for conversation in _open_conversations(connection, incidence_id):
        _tell_route(connection, conversation, agent_id, level, clock.now())


def tell_closing(connection: Connection, incidence_id: str) -> None:
    """The order was placed: there is nothing left to talk about."""
    for conversation in _open_conversations(connection, incidence_id):
        _tell(connection, conversation, OutboxKind.CLOSE_CONVERSATION, {}, clock.now())


def _tell_route(
    connection: Connection, conversation: Row[Any], agent_id: str | None, level: AgentLevel, at: datetime
) -> None:
    """What the platform told us last, and we did not change since, is not told back."""
    payload = _route_payload(connection, conversation, agent_id, level)
    if payload["agentPlatformId"] is not None and payload["agentPlatformId"] == conversation.agent_platform_id:
        since = {"platform": conversation.platform, "conversation": conversation.conversation_id}
        if connection.execute(_ROUTED_SINCE, {**since, "since": conversation.assigned_at}).first() is None:
            return
    _tell(connection, conversation, OutboxKind.ROUTE_TO_AGENT, payload, at)


def _tell(
    connection: Connection, conversation: Row[Any], kind: OutboxKind, payload: dict[str, Any], at: datetime
) -> None:
    enqueue(
        connection,
        destination=conversation.platform,
        kind=kind,
        payload=payload,
        at=at,
        conversation_id=conversation.conversation_id,
        incidence_id=conversation.incidence_id,
    )


def _open_conversations(connection: Connection, incidence_id: str) -> Sequence[Row[Any]]:
    return connection.execute(_OPEN, {"incidence": incidence_id}).all()


def _user_attributes(connection: Connection, user_id: str) -> Attributes:
    user = connection.execute(_USER, {"id": user_id}).first()
    context = connection.execute(_CONTEXT, {"id": user_id}).first()
    return _known(
        app_user_id=user_id,
        tier=user and user.tier,
        prior_order_count=user and user.prior_order_count,
        language=user and user.language,
        current_screen=context and context.current_screen,
        cart_value=context and _rupees(context.cart_value_paise),
        cart_guest_count=context and context.guest_count,
    )


def _order_payload(connection: Connection, incidence: Row[Any]) -> dict[str, Any]:
    order = connection.execute(_ORDER, {"id": incidence.order_id}).first() if incidence.order_id else None
    attributes = _known(
        incidence_id=incidence.incidence_id,
        stage=incidence.stage,
        order_id=incidence.order_id,
        order_status=order and order.status,
        order_value=_rupees(incidence.order_value_paise),
        event_type=incidence.event_type,
        event_date=order and order.event_date and order.event_date.isoformat(),
        guest_count=order and order.guest_count,
    )
    return {"attributes": attributes}


def _route_payload(
    connection: Connection, conversation: Row[Any], agent_id: str | None, level: AgentLevel
) -> dict[str, Any]:
    """An agent whom the platform does not know is told by the group of the level."""
    ids = connection.execute(_PLATFORM_IDS, {"id": agent_id}).scalar_one_or_none() if agent_id else None
    return {"agentPlatformId": (ids or {}).get(conversation.platform), "level": level}


def _known(**attributes: Any) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _rupees(paise: int | None) -> str | None:
    return rupees(paise) if paise is not None else None


_CONVERSATION = select(platform_conversations).where(
    platform_conversations.c.platform == bindparam("platform"),
    platform_conversations.c.conversation_id == bindparam("id"),
)
_OPEN = (
    select(platform_conversations)
    .where(platform_conversations.c.incidence_id == bindparam("incidence"), platform_conversations.c.is_open)
    .order_by(platform_conversations.c.platform, platform_conversations.c.conversation_id)
)
_REPLACE = (
    update(outbox)
    .where(
        outbox.c.conversation_id == bindparam("conversation"),
        outbox.c.destination == bindparam("platform"),
        outbox.c.kind == OutboxKind.UPDATE_CONVERSATION,
        outbox.c.state == OutboxState.PENDING,
        outbox.c.claimed_until.is_(null()),
    )
    .values(payload=bindparam("new_payload", type_=outbox.c.payload.type))
    .execution_options(preserve_rowcount=True)
)
_ROUTED_SINCE = (
    select(outbox.c.message_id)
    .where(
        outbox.c.conversation_id == bindparam("conversation"),
        outbox.c.destination == bindparam("platform"),
        outbox.c.kind == OutboxKind.ROUTE_TO_AGENT,
        outbox.c.created_at >= bindparam("since", type_=outbox.c.created_at.type),
    )
    .limit(1)
)
_USER = select(users.c.tier, users.c.prior_order_count, users.c.language).where(users.c.user_id == bindparam("id"))
_CONTEXT = select(user_context.c.current_screen, user_context.c.cart_value_paise, user_context.c.guest_count).where(
    user_context.c.user_id == bindparam("id")
)
_ORDER = select(orders.c.status, orders.c.event_date, orders.c.guest_count).where(orders.c.order_id == bindparam("id"))
_PLATFORM_IDS = select(agents.c.platform_ids).where(agents.c.agent_id == bindparam("id"))
