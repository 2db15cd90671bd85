"""Incidences on the wire: the owner's fields, and what else an app or a desk needs."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import Field
from sqlalchemy import Row

from api.etags import strong_etag
from api.incidences.rules import status_of
from api.paging import Page
from api.wire import Id, Input, Instant, RowId, RupeesOut, Wire
from store.enums import (
    Channel,
    EscalationLevel,
    EventType,
    IncidenceStatus,
    IncidenceTrigger,
    OrderImpact,
    Outcome,
    RoutedChannel,
    Stage,
)
from store.tables import incidences

ScreenName = Annotated[str, Field(min_length=1, max_length=128, examples=["checkout"])]
Category = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$", examples=["PRICE_CLARITY"])]
Inputs = Annotated[dict[str, Any], Field(max_length=200, examples=[{"guestCount": 80}])]
Items = Annotated[list[Any], Field(max_length=500, examples=[[{"itemId": "platter-veg-royal", "quantity": 1}]])]


class IncidenceInput(Input):
    user_id: Id | None = Field(None, description="Whose it is; a user token may leave it out.", examples=["user-81"])
    stage: Stage
    channel: Channel | None = Field(None, description="Left out, the channel is chosen from those that are allowed.")
    trigger: IncidenceTrigger = IncidenceTrigger.USER_INITIATED
    order_id: Id | None = Field(None, examples=["order-12"])
    app_screen: ScreenName | None = None
    user_inputs: Inputs | None = None
    selected_items: Items | None = None
    issue_category: Category | None = None
    prompt_id: RowId | None = Field(None, description="The prompt that the user accepts by this.")


class IncidencePatch(Input):
    """What is left out stays. `outcome` null reopens what has ended."""

    outcome: Outcome | None = None
    issue_category: Category | None = None
    root_cause: str | None = Field(None, max_length=500, examples=["UNCLEAR_INFORMATION"])
    resolution_type: str | None = Field(None, max_length=128, examples=["ANSWERED"])
    order_impact: OrderImpact | None = None
    order_id: Id | None = Field(None, description="An order of this user's that the app has told of.")
    channel: Channel | None = Field(None, description="Must be one of those that are allowed.")
    app_screen: ScreenName | None = None
    user_inputs: Inputs | None = None
    selected_items: Items | None = None


class IncidenceAnswer(Wire):
    incidence_id: str = Field(examples=["0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11"])
    user_id: str
    order_id: str | None
    stage: Stage
    channel: Channel | str | None = Field(description="null until a person is asked for")
    trigger: IncidenceTrigger | str
    outcome: Outcome | None = Field(description="null while it is open")
    status: IncidenceStatus
    app_screen: str | None
    user_inputs: dict[str, Any]
    selected_items: list[Any]
    issue_category: str | None
    root_cause: str | None
    resolution_type: str | None
    time_to_resolve: float | None = Field(description="Seconds from createdAt to the last closing; null while open")
    order_impact: OrderImpact | None
    created_at: Instant
    resolved_at: Instant | None
    agent_id: str | None
    allowed_channels: list[RoutedChannel]
    first_channel: Channel | str | None
    escalation_level: EscalationLevel | None
    event_type: EventType | str | None
    order_value: RupeesOut | None
    opened_at: Instant | None
    assigned_at: Instant | None
    reopen_count: int
    merged_into: str | None = Field(description="The incidence that this one goes on in")
    prompt_id: str | None
    rule_version: int | None = Field(description="The version of the routing rules that it was judged by")
    source: str

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """From a row of the operational store."""
        values = {name: getattr(row, name) for name in _STORED}
        values |= {
            "status": status_of(row),
            "user_inputs": row.user_inputs or {},
            "selected_items": row.selected_items or [],
            "time_to_resolve": row.time_to_resolve_seconds,
            "order_value": row.order_value_paise,
        }
        return cls(**values)

    @classmethod
    def of_published(cls, row: dict[str, Any]) -> Self:
        """From a row of `fct_incidences`, which has neither what a user typed nor the rules' version."""
        values = {name: row[name] for name in cls.model_fields if name in row}
        for name, missing in _MISSING.items():
            if values[name] == missing:
                values[name] = None
        for name in ("created_at", "opened_at", "assigned_at", "resolved_at"):
            values[name] = _aware(values[name])
        values |= {
            "user_inputs": {},
            "selected_items": [],
            "time_to_resolve": row["time_to_resolve_seconds"],
            "order_value": row["order_value_paise"],
            "allowed_channels": [],
            "rule_version": None,
        }
        return cls(**values)

    @property
    def etag(self) -> str:
        """Changes with everything that is told here."""
        return etag_of(self.model_dump_json().encode())


def etag_of(body: bytes | memoryview) -> str:
    """The ETag of an incidence as it goes over the wire."""
    return strong_etag("incidence", sha256(body).hexdigest()[:20])


class IncidenceHistory(Page[IncidenceAnswer]):
    """Newest first. Live incidences and, beside them, those that only the published warehouse still has."""

    warehouse_version: str | None = Field(description="null while nothing is published: then live ones alone")


_STORED = tuple(name for name in IncidenceAnswer.model_fields if name in incidences.c)
_MISSING = {
    "channel": "NONE",
    "first_channel": "NONE",
    "app_screen": "UNKNOWN",
    "issue_category": "UNCLASSIFIED",
    "event_type": "UNKNOWN",
    "escalation_level": "NONE",
}
"""What the warehouse writes where there is nothing."""


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None
