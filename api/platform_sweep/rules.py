"""Which events never arrived, and what is worth an alarm. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.notifications.rules import is_office_open
from api.rules.sets import OfficeHours
from ingestion.platforms.events import PlatformEvent
from store.enums import ChatEvent

UNDER_WAY = timedelta(minutes=2)
"""What is younger may still be delivered."""
SAME_MOMENT = timedelta(seconds=5)
"""Two tellings of one assignment or closing are no further apart."""
_WRITTEN = {ChatEvent.STARTED, ChatEvent.MESSAGE_RECEIVED}


@dataclass(frozen=True, slots=True)
class Arrived:
    """What is known of a conversation: its messages by the platform's ids, and what else happened, when."""

    message_ids: frozenset[str]
    happenings: tuple[tuple[ChatEvent, datetime], ...]


def has_arrived(event: PlatformEvent, arrived: Arrived) -> bool:
    """Whether an event of the platform's account of a conversation came by a webhook, or has no effect."""
    if event.event_type is None or event.occurred_at is None:
        return True
    if event.event_type in _WRITTEN and event.messages:
        return all(message.message_id in arrived.message_ids for message in event.messages)
    return any(
        kind == event.event_type and abs(at - event.occurred_at) <= SAME_MOMENT for kind, at in arrived.happenings
    )


def missed(
    told: Iterable[PlatformEvent], arrived: Arrived, *, since: datetime | None, at: datetime
) -> list[PlatformEvent]:
    """The events since an instant that should have arrived by now and did not."""
    return [
        event
        for event in told
        if not has_arrived(event, arrived)
        and event.occurred_at is not None
        and event.occurred_at <= at - UNDER_WAY
        and (since is None or event.occurred_at >= since)
    ]


_STEP = timedelta(minutes=5)
_LONGEST_LOOK = timedelta(days=8)


def silent_office_minutes(hours: OfficeHours, last_at: datetime, at: datetime) -> float:
    """Minutes of office hours from `last_at` to `at`, to five minutes; no more than eight days are looked at."""
    moment = max(last_at, at - _LONGEST_LOOK)
    minutes = 0.0
    while moment < at:
        step = min(_STEP, at - moment)
        if is_office_open(hours, moment):
            minutes += step.total_seconds() / 60
        moment += step
    return minutes


@dataclass(frozen=True, slots=True)
class Watched:
    """What the alarms go by."""

    silent_minutes: dict[str, float]
    """Office minutes since the last webhook of each platform that is connected."""
    oldest_event_seconds: float | None
    """Age of the oldest event that is still to be applied."""
    dead_events: int
    dead_messages: int
    oldest_message_seconds: float | None
    """How long the message that is longest overdue has been so."""


def alarms_of(
    watched: Watched, *, silent_after_minutes: dict[str, float], old_after_seconds: float
) -> Sequence[tuple[str, str]]:
    """What is wrong, as a code and whom it is about."""
    found = [
        ("webhooks_silent", platform)
        for platform, minutes in watched.silent_minutes.items()
        if minutes >= silent_after_minutes[platform]
    ]
    if watched.oldest_event_seconds is not None and watched.oldest_event_seconds >= old_after_seconds:
        found.append(("webhooks_unprocessed", "events"))
    if watched.oldest_message_seconds is not None and watched.oldest_message_seconds >= old_after_seconds:
        found.append(("outbox_overdue", "messages"))
    return found
