"""The agent's desk on the wire: the owner's view of an incidence, actions, notes, approvals."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from sqlalchemy import Row

from api.incidences.schemas import Category, IncidenceAnswer
from api.orders.schemas import OrderChangeAnswer
from api.paging import Page
from api.wire import Id, Input, Instant, InstantIn, RowId, RupeesIn, RupeesOut, Wire
from store.enums import (
    ActorType,
    AgentAction,
    Channel,
    EscalationLevel,
    EscalationTrigger,
    EventType,
    IncidenceStatus,
    OrderImpact,
    Tier,
    TimelineEvent,
)

LONGEST_CALL = timedelta(hours=8)
Text = Annotated[str, Field(min_length=1, max_length=5_000)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class _Action(Input):
    approval_id: RowId | None = Field(
        None, description="A supervisor's approval of the very same action, used up by it."
    )

    @property
    def parameters(self) -> dict[str, Any]:
        """What identifies the action to a supervisor; money in paise."""
        given = self.model_dump(mode="json", by_alias=True, exclude={"action", "approval_id"}, exclude_none=True)
        return {f"{name}Paise" if name in ("amount", "price") else name: value for name, value in given.items()}


class ApplyDiscount(_Action):
    """A pre-approved code, within its limit and the agent's; anything else needs a supervisor."""

    action: Literal[AgentAction.APPLY_DISCOUNT, AgentAction.MANUAL_DISCOUNT_OVER_LIMIT]
    discount_code: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["SORRY5"])
    amount: RupeesIn | None = Field(None, description="Left out, what the code gives on this order.", examples=[500])

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if self.action is AgentAction.APPLY_DISCOUNT and self.discount_code is None and self.amount is None:
            raise ValueError("discountCode: is missing")
        return self


class WantedItem(Input):
    item_id: Id = Field(examples=["platter-veg-royal"])
    quantity: int = Field(ge=0, le=100_000, description="How many there should be; 0 takes it out.", examples=[2])


class ModifyOrder(_Action):
    """How the order, or the cart before there is one, should be; what is left out stays."""

    action: Literal[AgentAction.MODIFY_ORDER]
    items: list[WantedItem] | None = Field(None, min_length=1, max_length=200)
    guest_count: int | None = Field(None, ge=1, le=1_000_000, examples=[90])
    event_date: date | None = None

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if self.items is None and self.guest_count is None and self.event_date is None:
            raise ValueError("items, guestCount or eventDate: is missing")
        return self


class Reassign(_Action):
    action: Literal[AgentAction.REASSIGN]
    agent_id: Id | None = Field(None, description="Who takes it; left out, it goes back to the queue.")


class Escalate(_Action):
    action: Literal[AgentAction.ESCALATE]
    trigger: Literal[
        EscalationTrigger.SYSTEM_BUG, EscalationTrigger.POLICY_EXCEPTION, EscalationTrigger.EMOTIONAL_CRITICAL
    ]
    reason: Reason | None = None


class Close(_Action):
    action: Literal[AgentAction.CLOSE_RESOLVED, AgentAction.CLOSE_DROPPED]
    issue_category: Category | None = Field(None, description="Needed unless the incidence has one.")
    root_cause: str | None = Field(None, max_length=500, examples=["UNCLEAR_INFORMATION"])
    resolution_type: str | None = Field(None, max_length=128, examples=["ANSWERED"])
    order_impact: OrderImpact | None = None


class BlockedAction(_Action):
    """What agents do not do, unless a supervisor approves it."""

    action: Literal[
        AgentAction.CUSTOM_PRICING,
        AgentAction.OFF_CATALOG_ITEM,
        AgentAction.RESTART_JOURNEY,
        AgentAction.UPSELL,
        AgentAction.OFF_SYSTEM_PROMISE,
    ]
    description: Reason | None = Field(None, description="What exactly; the supervisor reads it.")
    item_id: Id | None = None
    price: RupeesIn | None = None


ActionInput = Annotated[
    ApplyDiscount | ModifyOrder | Reassign | Escalate | Close | BlockedAction, Field(discriminator="action")
]


class ActionAnswer(Wire):
    """Every action is recorded, allowed or not."""

    allowed: bool
    reason: str | None = Field(
        description="null if it is allowed", examples=["This action requires supervisor approval"]
    )
    because: str = Field(description="What decided it", examples=["Within your limit of ₹1,000 on this order."])
    rule_version: int
    action_id: str
    action: AgentAction = Field(
        description="What it is by the rules: MANUAL_DISCOUNT_OVER_LIMIT for a discount over it"
    )
    approval_id: str | None = Field(description="Blocked: the approval that was asked for. Allowed: the one used up.")
    order_change: OrderChangeAnswer | None = Field(description="What the app is asked to do")
    incidence: IncidenceAnswer = Field(description="As it is now")


class NoteInput(Input):
    """A note, or the log of a call with startedAt, endedAt and reached."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "Wants the tasting menu by Friday."},
                {
                    "kind": "CALL",
                    "startedAt": "2026-11-23T06:00:00Z",
                    "endedAt": "2026-11-23T06:04:30Z",
                    "reached": True,
                    "text": "Explained what the price includes.",
                },
            ]
        }
    )

    kind: Literal[TimelineEvent.NOTE, TimelineEvent.CALL] = TimelineEvent.NOTE
    text: Text | None = None
    started_at: InstantIn | None = None
    ended_at: InstantIn | None = None
    reached: bool | None = Field(None, description="Whether the user answered")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        call = {"startedAt": self.started_at, "endedAt": self.ended_at, "reached": self.reached}
        if self.kind is TimelineEvent.NOTE:
            if self.text is None:
                raise ValueError("text: is missing")
            if any(value is not None for value in call.values()):
                raise ValueError(f"{', '.join(call)}: belong to kind CALL")
            return self
        missing = [name for name, value in call.items() if value is None]
        if missing:
            raise ValueError(f"{', '.join(missing)}: is missing")
        if self.started_at is not None and self.ended_at is not None:
            if self.ended_at < self.started_at:
                raise ValueError("endedAt: is before startedAt")
            if self.ended_at - self.started_at > LONGEST_CALL:
                raise ValueError("endedAt: is more than 8 hours after startedAt")
        return self


class TimelineEntry(Wire):
    """`text` is what a person wrote; `flags` are the phrases found in an agent's: UPSELL, PROMISE."""

    event_id: str
    event_type: TimelineEvent | str
    actor_type: ActorType
    agent_id: str | None = Field(description="Whom it is about: for an agent's deed that agent")
    channel: Channel | str | None
    status_after: IncidenceStatus | str | None
    text: str | None
    flags: list[str]
    details: dict[str, Any]
    started_at: Instant | None
    ended_at: Instant | None
    reached: bool | None
    occurred_at: Instant

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        values: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields if name in row._fields}
        values |= {"flags": row.flags or [], "details": row.details or {}}
        return cls(**values, reached=row.is_reached)


class ApprovalInput(Input):
    is_approved: bool
    reason: Reason | None = Field(None, description="Why; the agent reads it.")


class ApprovalAnswer(Wire):
    """A blocked action that an agent put before a supervisor."""

    approval_id: str
    incidence_id: str
    action_id: str = Field(description="The action that was blocked")
    action: AgentAction
    parameters: dict[str, Any] = Field(description="What exactly the agent wanted; amounts in paise")
    discount: RupeesOut | None
    requested_by: str
    requested_at: Instant
    supervisor_id: str | None
    is_approved: bool | None = Field(description="null until it is decided")
    is_used: bool
    reason: str | None
    decided_at: Instant | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """From a row of `approvals` joined with action and parameters of the blocked action."""
        values: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields if name in row._fields}
        parameters = dict(row.parameters or {})
        values |= {"discount": parameters.pop("discountPaise", None), "parameters": parameters}
        return cls(**values, is_used=row.used_count > 0)


class ApprovalPage(Page[ApprovalAnswer]):
    """Open ones, newest first."""


class UserDetails(Wire):
    name: str | None
    phone: str | None = Field(
        description="Whole for the agent it is with, supervisors and admins; others see the last digits",
        examples=["+919812345678", "••••••5678"],
    )
    language: str | None
    tier: Tier | str | None


class OrderContext(Wire):
    """Of the order that the incidence is about, else of the user's cart now."""

    cart_items: list[Any]
    guest_count: int | None
    event_date: date | None
    event_type: EventType | str | None
    selected_platter: Any | None
    estimated_value: RupeesOut | None


class AppState(Wire):
    current_screen: str | None
    previous_screens: list[str] = Field(description="Of this session, the latest last")
    items_viewed: int = Field(description="Items and platters opened in this session")
    items_added: int = Field(description="Items added in this session")


class ActionState(Wire):
    action: AgentAction
    allowed: bool
    reason: str | None = Field(description="Why not; null if it is allowed")


class EscalationEntry(Wire):
    trigger: EscalationTrigger | str
    level: EscalationLevel
    reason: str | None
    from_agent_id: str | None
    to_agent_id: str | None
    rule_version: int | None
    escalated_at: Instant


class FrictionReason(Wire):
    code: str = Field(examples=["INACTIVITY"])
    points: int
    measure: int = Field(description="Seconds or a count; 1 for what is true or not")
    over: float | None = Field(description="What it is over; null for what is true or not")


class Friction(Wire):
    """The score at this moment, by the rules in force; nothing is stored for it."""

    score: int
    is_help_due: bool
    reasons: list[FrictionReason]
    rule_version: int


class Dashboard(Wire):
    """The owner's agent view, and beside it the incidence itself."""

    user_details: UserDetails
    order_context: OrderContext
    app_state: AppState
    previous_incidences: list[IncidenceAnswer] = Field(
        description="The user's others, newest first, at most 20; live ones and those that only the warehouse has"
    )
    actions: list[AgentAction]
    action_states: list[ActionState] = Field(description="For each action whether it is open to the caller now")
    incidence: IncidenceAnswer
    incidence_etag: str = Field(description="For If-Match on actions")
    timeline: list[TimelineEntry] = Field(description="Oldest first, the latest 500")
    friction: Friction | None = Field(description="The score of the moment; null if the app told nothing of the user")
    escalations: list[EscalationEntry]
    approvals: list[ApprovalAnswer]
    order_changes: list[OrderChangeAnswer]
    warehouse_version: str | None = Field(description="null while nothing is published: then live incidences alone")
