"""Messages of the outbox on the wire, without what they say."""

from typing import Any, Self

from pydantic import Field
from sqlalchemy import Row

from api.wire import Instant, Wire
from store.enums import Destination, OutboxKind, OutboxState


class OutboxMessageAnswer(Wire):
    message_id: str
    destination: Destination
    kind: OutboxKind
    conversation_id: str | None = Field(description="The platform's id of the conversation")
    incidence_id: str | None
    state: OutboxState
    attempts: int
    failure: str | None = Field(description="The last reason, in codes", examples=["http 422 parameter_invalid"])
    created_at: Instant
    due_at: Instant = Field(description="When it was given up; of a PENDING one, when it is tried next")
    expires_at: Instant | None = Field(description="When it is not worth sending any more")

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class OutboxMessagesAnswer(Wire):
    items: list[OutboxMessageAnswer]
