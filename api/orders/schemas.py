"""Orders and the changes asked of the app, on the wire."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field
from sqlalchemy import Row

from api.wire import Id, Input, Instant, InstantIn, RowId, RupeesIn, RupeesOut, Wire
from store.enums import EventType, OrderChangeKind, OrderChangeStatus, OrderStatus


class OrderInput(Input):
    """The order as it is now. Sending the same again changes nothing."""

    user_id: Id
    status: OrderStatus
    order_value: RupeesIn
    event_type: EventType | None = None
    event_date: date | None = None
    guest_count: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    items: Annotated[list[Any], Field(max_length=1_000)] | None = None
    placed_at: InstantIn | None = Field(
        None, description="When it was placed, if that was before now; it never changes."
    )
    change_request_id: RowId | None = Field(
        None, description="The change that an agent asked for and that is carried out by this: it becomes APPLIED."
    )


class OrderAnswer(Wire):
    order_id: str
    user_id: str
    status: OrderStatus
    order_value: RupeesOut
    event_type: EventType | str | None
    event_date: date | None
    guest_count: int | None
    items: list[Any]
    placed_at: Instant
    cancelled_at: Instant | None
    updated_at: Instant
    converted_incidence_id: str | None = Field(None, description="The incidence that this request closed as CONVERTED")

    @classmethod
    def of(cls, row: Row[Any], converted_incidence_id: str | None = None) -> Self:
        values: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields if name in row._fields}
        values |= {"items": row.items or [], "order_value": row.value_paise}
        return cls(**values, converted_incidence_id=converted_incidence_id)


class OrderChangeAnswer(Wire):
    """A change that an agent asks the app to make."""

    request_id: str
    incidence_id: str
    order_id: str | None
    kind: OrderChangeKind
    discount_code: str | None
    discount: RupeesOut | None
    details: dict[str, Any]
    status: OrderChangeStatus
    requested_at: Instant
    decided_at: Instant | None
    refusal_reason: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        values: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields if name in row._fields}
        values |= {"details": row.details or {}, "discount": row.discount_paise}
        return cls(**values)


class OrderChangesAnswer(Wire):
    items: list[OrderChangeAnswer]


class OrderChangeDecision(Input):
    status: OrderChangeStatus = Field(description="APPLIED or REFUSED")
    reason: str | None = Field(None, min_length=1, max_length=500, description="Why it was refused")
    discount: RupeesIn | None = Field(None, description="What was taken off in the end; never more than was asked for")
