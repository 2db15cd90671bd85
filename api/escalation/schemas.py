"""Escalations on the wire."""

from typing import Literal

from pydantic import Field

from api.wire import Input, Instant, RowId, RupeesOut, Wire
from store.enums import Channel, EscalationLevel, EscalationTrigger, EventType, IncidenceStatus, Stage

Cause = Literal[EscalationTrigger.SYSTEM_BUG, EscalationTrigger.POLICY_EXCEPTION, EscalationTrigger.EMOTIONAL_CRITICAL]


class EscalationInput(Input):
    incidence_id: RowId
    trigger: Cause = Field(description="What a person reports. High value and lapse of time escalate by themselves.")
    reason: str | None = Field(None, min_length=1, max_length=500)


class QueueReason(Wire):
    """Why it is here. A trigger of the rules, or WAITING: nobody has it."""

    code: str = Field(examples=["UNRESOLVED"])
    text: str
    level: EscalationLevel | None
    since: Instant
    rule_version: int | None


class QueueEntry(Wire):
    incidence_id: str
    user_id: str
    order_id: str | None
    stage: Stage
    status: IncidenceStatus
    channel: Channel | str | None
    escalation_level: EscalationLevel | None
    order_value: RupeesOut | None
    event_type: EventType | str | None
    issue_category: str | None
    agent_id: str | None = Field(description="Whose it is; null: nobody's")
    is_waiting: bool = Field(description="Nobody has it, or nobody of its level")
    created_at: Instant
    opened_at: Instant
    age_seconds: float = Field(description="Since it was opened")
    reasons: list[QueueReason]


class QueueAnswer(Wire):
    """By level, highest first, then order value, then age."""

    items: list[QueueEntry]
    total: int = Field(description="How many there are on all pages")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")
