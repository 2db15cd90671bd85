"""What a chat platform tells us, in one shape for all of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.enums import ActorType, ChatEvent, Platform


class UnreadableEvent(Exception):
    """The body is signed and in no shape that is known. Its text names members, never what they hold."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that a customer sent or can see. `text` is plain, whatever the platform's own form is.

    `author_id` is the author's id on the platform. `written_at` None is the event's own time.
    """

    message_id: str
    text: str
    author: ActorType
    author_id: str | None = None
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """One event of a conversation.

    `event_type` is None for what has no effect on us, as an internal note: it is stored and counted. `dedup_key` is the same
    at every delivery. An assignment or a closing may carry messages too.
    """

    platform: Platform
    dedup_key: str
    topic: str
    event_type: ChatEvent | None
    occurred_at: datetime | None = None
    """None if the platform does not say, or says nonsense: then it is when we received it."""
    conversation_id: str | None = None
    platform_user_id: str | None = None
    user_id: str | None = None
    """What the platform has as the app's own id of the user. Not surely one: platforms make some up for visitors."""
    agent_platform_id: str | None = None
    """Whom the conversation was assigned to."""
    actor_platform_id: str | None = None
    """Who did it, on the platform."""
    messages: tuple[Message, ...] = ()
    channels: tuple[str, ...] = ()
    """What may say over which channel the user writes, the most exact first: keys of the configured map."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body as it is stored: what is known of it without understanding it, and a copy that may leave the store."""

    platform: Platform
    dedup_key: str
    topic: str
    conversation_id: str | None
    occurred_at: datetime | None
    body: bytes
    redacted_body: dict[str, Any] | None
