"""The fields a mapping can fill, for each kind of file: what they hold, which are needed, what fills them otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from store.enums import (
    ActorType,
    Channel,
    EventType,
    Flow,
    IncidenceTrigger,
    OrderImpact,
    OrderStatus,
    Outcome,
    Stage,
    Tier,
)


class Kind(StrEnum):
    """What one row of a file is."""

    INCIDENCES = "incidences"
    EVENTS = "events"
    ORDERS = "orders"
    USERS = "users"
    SIGNALS = "signals"


class Holds(StrEnum):
    """What a field holds, and so how its text is read."""

    NATIVE_ID = "an id of the file's own, kept as it is"
    ID = "an id: letters, digits and . _ : -"
    TEXT = "text"
    CODE = "a code"
    WORD = "a word"
    TIME = "a time"
    DATE = "a date"
    COUNT = "a whole number from 0"
    NUMBER = "a number"
    AMOUNT = "an amount of money"
    FLAG = "yes or no"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `words` are what a WORD can be; `fallback` fills it where file and mapping are silent."""

    holds: Holds
    is_needed: bool = False
    words: type[StrEnum] | None = None
    fallback: str | None = None
    longest: int = 128

    @property
    def description(self) -> str:
        return " | ".join(self.words) if self.words else self.holds.value


def _id(*, needed: bool = False) -> Field:
    return Field(Holds.ID, needed)


def _word(words: type[StrEnum], fallback: str | None = None, *, needed: bool = False) -> Field:
    return Field(Holds.WORD, needed, words, fallback)


_TIME = Field(Holds.TIME)
_NEEDED_TIME = Field(Holds.TIME, is_needed=True)
_COUNT = Field(Holds.COUNT)

CASE_FIELDS: Mapping[str, Field] = {
    "user_id": _id(needed=True),
    "order_id": _id(),
    "stage": _word(Stage, needed=True),
    "channel": _word(Channel),
    "trigger": _word(IncidenceTrigger, IncidenceTrigger.USER_INITIATED),
    "app_screen": Field(Holds.TEXT),
    "issue_category": Field(Holds.CODE),
    "root_cause": Field(Holds.TEXT, longest=500),
    "resolution_type": Field(Holds.TEXT),
    "order_impact": _word(OrderImpact),
    "event_type": _word(EventType),
    "order_value": Field(Holds.AMOUNT),
}
"""What an incidence carries, told by its own row or, in an event log, by its first or last event."""

FIELDS: Mapping[Kind, Mapping[str, Field]] = {
    Kind.INCIDENCES: {
        "source_id": Field(Holds.NATIVE_ID, is_needed=True),
        **CASE_FIELDS,
        "agent_id": _id(),
        "outcome": _word(Outcome),
        "created_at": _NEEDED_TIME,
        "opened_at": _TIME,
        "assigned_at": _TIME,
        "resolved_at": _TIME,
        "reopen_count": Field(Holds.COUNT, fallback="0"),
        "wait_count": Field(Holds.COUNT, fallback="0"),
        "escalation_count": Field(Holds.COUNT, fallback="0"),
        "is_helped": Field(Holds.FLAG),
    },
    Kind.EVENTS: {
        "incidence": Field(Holds.NATIVE_ID, is_needed=True),
        "source_id": Field(Holds.NATIVE_ID),
        "activity": Field(Holds.TEXT, is_needed=True),
        "occurred_at": _NEEDED_TIME,
        "actor_type": _word(ActorType),
        "agent_id": _id(),
        "text": Field(Holds.TEXT, longest=100_000),
        **CASE_FIELDS,
    },
    Kind.ORDERS: {
        "order_id": _id(needed=True),
        "user_id": _id(needed=True),
        "status": _word(OrderStatus),
        "event_type": _word(EventType),
        "event_date": Field(Holds.DATE),
        "guest_count": _COUNT,
        "value": Field(Holds.AMOUNT, is_needed=True),
        "placed_at": _NEEDED_TIME,
        "cancelled_at": _TIME,
    },
    Kind.USERS: {
        "user_id": _id(needed=True),
        "name": Field(Holds.TEXT, longest=200),
        "phone": Field(Holds.TEXT, longest=32),
        "language": Field(Holds.TEXT, fallback="en", longest=16),
        "tier": _word(Tier, Tier.BRONZE),
        "prior_order_count": Field(Holds.COUNT, fallback="0"),
        "last_order_date": Field(Holds.DATE),
    },
    Kind.SIGNALS: {
        "source_id": Field(Holds.NATIVE_ID),
        "user_id": _id(needed=True),
        "session_id": _id(),
        "signal_type": Field(Holds.TEXT, is_needed=True, longest=64),
        "value": Field(Holds.NUMBER),
        "screen": Field(Holds.TEXT),
        "flow": _word(Flow),
        "recorded_at": _NEEDED_TIME,
    },
}

ALWAYS_PERSONAL = frozenset({"name", "phone", "text"})
"""Fields whose text never leaves the operational store, whatever a mapping says."""
