"""What the app says to a change that it was asked for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from api.errors import NotFound
from api.orders.changes import ChangeAlreadyDecided, answer_change
from api.orders.schemas import OrderChangeDecision
from store.enums import OrderChangeStatus, OutboxKind

UNREACHED = "The app could not be reached in time."


def take_answer(
    connection: Connection, kind: OutboxKind, payload: Mapping[str, Any], answer: Any, at: datetime
) -> None:
    """`{"status": "APPLIED" | "REFUSED", "reason", "discount"}` decides at once; any other answer means that the app
    will tell by POST /orders/{orderId}/changes/{requestId}, or by an order that names the change."""
    if kind is not OutboxKind.ORDER_CHANGE or not isinstance(answer, dict):
        return
    fields = {name: answer[name] for name in ("status", "reason", "discount") if name in answer}
    try:
        decision = OrderChangeDecision.model_validate(fields)
    except ValidationError:
        return
    if decision.status is not OrderChangeStatus.REQUESTED:
        _decide(connection, payload, decision.status, decision.reason, decision.discount, at)


def refuse_unreached(
    connection: Connection, kind: str, payload: Mapping[str, Any], *, may_have_arrived: bool, at: datetime
) -> None:
    """A request that surely never arrived is REFUSED: the discount is free again, and the agent sees why."""
    if kind == OutboxKind.ORDER_CHANGE and not may_have_arrived:
        _decide(connection, payload, OrderChangeStatus.REFUSED, UNREACHED, None, at)


def _decide(
    connection: Connection,
    payload: Mapping[str, Any],
    status: OrderChangeStatus,
    reason: str | None,
    discount_paise: int | None,
    at: datetime,
) -> None:
    try:
        answer_change(connection, payload["requestId"], status, reason=reason, discount_paise=discount_paise, at=at)
    except (ChangeAlreadyDecided, NotFound):
        pass  # what was told first stands; an erased request has nothing left to decide
