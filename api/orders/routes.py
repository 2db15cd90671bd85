"""PUT and GET /orders/{orderId}, and the changes that agents ask of the app."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from sqlalchemy import Connection

from api.auth import require_own, requires
from api.deps import CurrentRules, Once, OrderId, StoreDep
from api.errors import BadRequest
from api.idempotency import Answered
from api.orders.changes import decide_change, list_changes
from api.orders.schemas import OrderAnswer, OrderChangeAnswer, OrderChangeDecision, OrderChangesAnswer, OrderInput
from api.orders.service import OrderFact, get_order, record_order
from api.rules.sets import Rules
from api.tokens.keyring import Principal
from api.wire import RowId
from store import clock
from store.enums import OrderChangeStatus, Role

router = APIRouter(prefix="/orders", tags=["orders"])
APPS = [Depends(requires(Role.APP))]
STAFF = [Depends(requires(Role.APP, Role.AGENT, Role.SUPERVISOR))]
Reader = Annotated[Principal, Depends(requires(Role.APP, Role.USER, Role.AGENT, Role.SUPERVISOR))]
RequestId = Annotated[RowId, Path(alias="requestId")]


@router.put("/{orderId}", dependencies=APPS, response_model=OrderAnswer, responses={201: {"model": OrderAnswer}})
async def put_order(order_id: OrderId, wanted: OrderInput, rules: CurrentRules, once: Once) -> Response:
    """Tell of an order as it is now: placed, modified or cancelled. 201 the first time; the same again changes nothing.

    Placing it closes the user's open incidence as CONVERTED. An order keeps its user, and a cancelled one stays so.
    """
    order = OrderFact(
        order_id=order_id,
        user_id=wanted.user_id,
        status=wanted.status,
        value_paise=wanted.order_value,
        event_type=wanted.event_type,
        event_date=wanted.event_date,
        guest_count=wanted.guest_count,
        items=wanted.items,
        placed_at=wanted.placed_at,
        change_request_id=wanted.change_request_id,
    )
    return await once(200, _record, rules, order)


@router.get("/{orderId}")
async def fetch_order(order_id: OrderId, caller: Reader, store: StoreDep) -> OrderAnswer:
    """An order as the app last told of it."""
    with store.read() as connection:
        row = get_order(connection, order_id)
    require_own(caller, row.user_id)
    return OrderAnswer.of(row)


@router.get("/{orderId}/changes", dependencies=STAFF)
async def list_order_changes(order_id: OrderId, store: StoreDep) -> OrderChangesAnswer:
    """The changes that agents asked for, oldest first; those that are REQUESTED wait for the app."""
    with store.read() as connection:
        return OrderChangesAnswer(items=[OrderChangeAnswer.of(row) for row in list_changes(connection, order_id)])


@router.post("/{orderId}/changes/{requestId}", dependencies=APPS, response_model=OrderChangeAnswer)
async def answer_order_change(
    order_id: OrderId, request_id: RequestId, wanted: OrderChangeDecision, once: Once
) -> Response:
    """The app's answer: APPLIED or REFUSED. Once; only an APPLIED discount costs."""
    if wanted.status is OrderChangeStatus.REQUESTED:
        raise BadRequest("status: is APPLIED or REFUSED")
    return await once(200, _decide, order_id, request_id, wanted)


def _record(connection: Connection, rules: Rules, order: OrderFact) -> Answered:
    recorded = record_order(connection, rules, order, clock.now())
    answer = OrderAnswer.of(get_order(connection, order.order_id), recorded.converted_incidence_id)
    return Answered(answer, 201 if recorded.is_new else 200)


def _decide(connection: Connection, order_id: str, request_id: str, wanted: OrderChangeDecision) -> OrderChangeAnswer:
    row = decide_change(
        connection,
        order_id,
        request_id,
        wanted.status,
        reason=wanted.reason,
        discount_paise=wanted.discount,
        at=clock.now(),
    )
    return OrderChangeAnswer.of(row)
