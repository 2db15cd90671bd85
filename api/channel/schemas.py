"""Routing and channel escalation on the wire."""

from pydantic import Field

from api.incidences.schemas import IncidenceAnswer
from api.wire import Input, RowId, RupeesIn, Wire
from store.enums import Channel, EscalationLevel, EventType, RoutedChannel


class RouteInput(Input):
    order_value: RupeesIn | None = Field(None, description="Left out or null: unknown, which counts as 0")
    event_type: EventType | None = None


class RouteAnswer(Wire):
    allowed_channels: list[RoutedChannel] = Field(description="Empty: no human support", examples=[["CHAT"]])
    is_self_serve_only: bool
    chat_channel: Channel | None = Field(description="What CHAT is unless another is asked for; null without CHAT")
    escalate_after_minutes: float | None = Field(description="An unresolved chat gets a call after this long")
    reasons: list[str]
    rule_version: int


class ChannelEscalationInput(Input):
    incidence_id: RowId
    reason: str | None = Field(None, min_length=1, max_length=500)


class EscalationAnswer(Wire):
    """What was done. `level` is null if this trigger had fired before: then nothing changed."""

    incidence: IncidenceAnswer
    level: EscalationLevel | None
    is_repeated: bool
    reasons: list[str]
    rule_version: int
