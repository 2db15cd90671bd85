"""When a message is sent, sent again, or given up. Pure: the clock and chance are arguments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from store.enums import OutboxKind, OutboxState

TIME_TO_LIVE = {
    OutboxKind.SEND_USER_CONTEXT: timedelta(hours=6),
    OutboxKind.UPDATE_CONVERSATION: timedelta(hours=24),
    OutboxKind.ROUTE_TO_AGENT: timedelta(hours=2),
    OutboxKind.CLOSE_CONVERSATION: timedelta(days=3),
    OutboxKind.SEND_MESSAGE: timedelta(minutes=15),
    OutboxKind.ORDER_CHANGE: timedelta(hours=1),  # the order may be another by then
}
"""How long after it was asked for each is still worth sending."""

SEEN_BY_CUSTOMERS = frozenset({OutboxKind.SEND_MESSAGE})
"""What a customer would read twice if it were sent twice. The others set a state, or name a request by its id: twice is as
once."""


class Result(StrEnum):
    """What an attempt came to."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    """It will never be taken as it is."""
    NOT_ARRIVED = "NOT_ARRIVED"
    """Surely not done: no connection, or sent away by the platform (too many requests, a key that does not fit)."""
    UNKNOWN = "UNKNOWN"
    """Perhaps done: no answer, a connection that broke, an error of theirs."""
    NOT_FOUND_THERE = "NOT_FOUND_THERE"
    """Looked up after an attempt of unknown result: it is not there."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `reason` has codes only, no text of a person; `wait_seconds` is the platform's word for everything we send;
    `answer` is what the receiver said, read as JSON."""

    result: Result
    reason: str | None = None
    wait_seconds: float | None = None
    platform_message_id: str | None = None
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the sender is. Seconds."""

    first_pause: float = 2.0
    longest_pause: float = 600.0
    settling: float = 20.0
    """How long a platform may still be at work on what it did not answer: what customers see is looked up no earlier."""
    most_attempts: int = 12
    connect: float = 5.0
    """For a connection; the whole of an exchange has the time-out of the destination's settings."""
    lease: float = 60.0
    """For a whole attempt; it ends before another process may begin the next."""
    looks_every: float = 0.25
    most_at_once: int = 16
    """To each destination."""
    failures_to_rest: int = 10
    """In a row; then the destination gets a rest, and after it one message at a time until one arrives."""
    rest: float = 15.0
    longest_rest: float = 300.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the row becomes. `is_open`: an attempt may have arrived, though nobody said so."""

    state: OutboxState
    due_at: datetime
    is_open: bool = False
    failure: str | None = None


def must_look_up(kind: OutboxKind | str, *, is_open: bool) -> bool:
    """Whether it may be sent only after the platform was asked if it is there."""
    return is_open and kind in SEEN_BY_CUSTOMERS


def decide(
    pace: Pace,
    attempt: Attempt,
    *,
    kind: OutboxKind | str,
    was_open: bool,
    attempts: int,
    expires_at: datetime,
    at: datetime,
    chance: float,
) -> Decision:
    """What follows from an attempt that was the `attempts`-th; `chance` in [0, 1) spreads the pauses.

    Gives up as DEAD what is refused or failed too often, as UNCERTAIN what a customer may have seen and nobody can say, as
    EXPIRED what is not worth another attempt.
    """
    if attempt.result is Result.DONE:
        return Decision(OutboxState.SENT, at)
    if attempt.result is Result.REFUSED and not must_look_up(kind, is_open=was_open):
        return Decision(OutboxState.DEAD, at, failure=attempt.reason)
    is_open = attempt.result is Result.UNKNOWN or (was_open and attempt.result is not Result.NOT_FOUND_THERE)
    needs_look = must_look_up(kind, is_open=is_open)
    if attempts >= pace.most_attempts or attempt.result is Result.REFUSED:
        given_up = OutboxState.UNCERTAIN if needs_look else OutboxState.DEAD
        return Decision(given_up, at, is_open, attempt.reason)
    seconds = pause_seconds(pace, attempts, chance)
    if attempt.wait_seconds is not None:
        seconds = max(seconds, attempt.wait_seconds)
    if needs_look:
        seconds = max(seconds, pace.settling)
    due_at = at + timedelta(seconds=seconds)
    if due_at >= expires_at and not needs_look:
        return Decision(OutboxState.EXPIRED, at, is_open, attempt.reason)
    return Decision(OutboxState.PENDING, due_at, is_open, attempt.reason)


def pause_seconds(pace: Pace, attempts: int, chance: float) -> float:
    """Doubled with each attempt up to the longest; between half of it and all of it, as `chance` has it."""
    whole = min(pace.longest_pause, pace.first_pause * 2.0 ** min(attempts - 1, 32))
    return whole * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a destination is sent anything. Made anew when the process starts."""

    failures: int = 0
    rests_until: datetime | None = None

    def free(self, pace: Pace, in_flight: int, at: datetime) -> int:
        """How many more may be sent now."""
        if self.rests_until is not None and at < self.rests_until:
            return 0
        most = 1 if self.failures >= pace.failures_to_rest else pace.most_at_once
        return max(0, most - in_flight)

    def after(self, pace: Pace, attempt: Attempt, at: datetime) -> "Breaker":
        """What it is after this attempt."""
        if attempt.wait_seconds is not None:
            until = at + timedelta(seconds=attempt.wait_seconds)
            return replace(self, rests_until=until if self.rests_until is None else max(until, self.rests_until))
        if attempt.result not in {Result.NOT_ARRIVED, Result.UNKNOWN}:
            return Breaker(rests_until=self.rests_until)
        failures = self.failures + 1
        if failures < pace.failures_to_rest:
            return replace(self, failures=failures)
        rest = min(pace.longest_rest, pace.rest * 2.0 ** min(failures - pace.failures_to_rest, 16))
        return Breaker(failures, at + timedelta(seconds=rest))


LONGEST_WAIT_SECONDS = 900.0
"""A longer wait that a platform asks for is a mistake of somebody's."""


def asked_wait_seconds(headers: Mapping[str, str], at: datetime) -> float | None:
    """How long the platform asks us to wait: Intercom's X-RateLimit-Reset (unix seconds), or Retry-After (seconds or a date).

    `headers` have lower-case names. None if they do not say.
    """
    waits = [_until_reset(headers.get("x-ratelimit-reset"), at), _retry_after(headers.get("retry-after"), at)]
    known = [wait for wait in waits if wait is not None]
    return min(LONGEST_WAIT_SECONDS, max(0.0, *known)) if known else None


def _until_reset(value: str | None, at: datetime) -> float | None:
    seconds = _whole(value)
    return seconds - at.timestamp() if seconds is not None else None


def _retry_after(value: str | None, at: datetime) -> float | None:
    seconds = _whole(value)
    if value is None or seconds is not None:
        return seconds
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (until.replace(tzinfo=until.tzinfo or UTC) - at).total_seconds()


def _whole(value: str | None) -> int | None:
    """A whole number of seconds, of a length that a clock may have."""
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,12}", value.strip()) else None
