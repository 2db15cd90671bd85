from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.outbox.rules import (
    LONGEST_WAIT_SECONDS,
    SEEN_BY_CUSTOMERS,
    TIME_TO_LIVE,
    Attempt,
    Breaker,
    Pace,
    Result,
    asked_wait_seconds,
    decide,
    pause_seconds,
)
from store.enums import OutboxKind, OutboxState

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
PACE = Pace()
RESULTS = st.sampled_from(Result)


def decided(attempt: Attempt, kind: OutboxKind, *, was_open: bool = False, attempts: int = 1, minutes: float = 600):
    return decide(
        PACE, attempt, kind=kind, was_open=was_open, attempts=attempts,
        expires_at=AT + timedelta(minutes=minutes), at=AT, chance=0.5,
    )  # fmt: skip


def test_every_kind_has_its_time_to_live():
    assert set(TIME_TO_LIVE) == set(OutboxKind)


@given(RESULTS, st.sampled_from(OutboxKind), st.booleans(), st.integers(1, 20), st.floats(-10, 600))
def test_a_text_that_may_have_arrived_is_never_dead_expired_or_forgotten(result, kind, was_open, attempts, minutes):
    decision = decided(Attempt(result), kind, was_open=was_open, attempts=attempts, minutes=minutes)
    may_have_arrived = result is Result.UNKNOWN or (was_open and result in {Result.NOT_ARRIVED, Result.REFUSED})
    if kind in SEEN_BY_CUSTOMERS and may_have_arrived:
        assert decision.is_open
        assert decision.state in {OutboxState.PENDING, OutboxState.UNCERTAIN}
        assert decision.state is OutboxState.UNCERTAIN or decision.due_at >= AT + timedelta(seconds=PACE.settling)
    assert (decision.state is OutboxState.SENT) == (result is Result.DONE)
    if decision.state is OutboxState.PENDING:
        assert attempts < PACE.most_attempts
        assert decision.due_at > AT


@given(st.integers(1, 1_000_000), st.floats(0, 0.999))
def test_pauses_grow_and_end_somewhere(attempts: int, chance: float):
    pause = pause_seconds(PACE, attempts, chance)
    assert PACE.first_pause / 2 <= pause <= PACE.longest_pause
    assert pause_seconds(PACE, attempts, 0.0) <= pause <= pause_seconds(PACE, attempts + 1, 0.999) + 1e-9


def test_what_comes_too_late_is_expired_and_the_platforms_wait_counts():
    busy = Attempt(Result.NOT_ARRIVED, "http 429", wait_seconds=90)
    assert decided(busy, OutboxKind.CLOSE_CONVERSATION).due_at == AT + timedelta(seconds=90)
    assert decided(busy, OutboxKind.CLOSE_CONVERSATION, minutes=1).state is OutboxState.EXPIRED


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-reset": str(int(AT.timestamp()) + 7)}, 7),
        ({"x-ratelimit-reset": str(int(AT.timestamp()) - 7)}, 0),
        ({"retry-after": "12"}, 12),
        ({"retry-after": format_datetime(AT + timedelta(seconds=9), usegmt=True)}, 9),
        ({"retry-after": "12", "x-ratelimit-reset": str(int(AT.timestamp()) + 20)}, 20),
        ({"retry-after": "9" * 5_000}, None),
        ({"retry-after": "99999999"}, LONGEST_WAIT_SECONDS),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-reset": "²"}, None),
    ],
)
def test_a_platform_says_in_three_ways_how_long_to_wait(headers: dict[str, str], seconds: float | None):
    assert asked_wait_seconds(headers, AT) == seconds


@given(st.text())
def test_whatever_a_header_says_the_wait_is_bounded(value: str):
    for name in ("retry-after", "x-ratelimit-reset"):
        wait = asked_wait_seconds({name: value}, AT)
        assert wait is None or 0 <= wait <= LONGEST_WAIT_SECONDS


def test_a_destination_that_fails_in_a_row_rests_then_tries_one_then_goes_on():
    breaker = Breaker()
    lost = Attempt(Result.UNKNOWN)
    for _ in range(PACE.failures_to_rest - 1):
        breaker = breaker.after(PACE, lost, AT)
    assert breaker.free(PACE, 3, AT) == PACE.most_at_once - 3
    breaker = breaker.after(PACE, lost, AT)
    assert breaker.free(PACE, 0, AT) == 0
    rested = AT + timedelta(seconds=PACE.rest)
    assert (breaker.free(PACE, 0, rested), breaker.free(PACE, 1, rested)) == (1, 0)
    worse = breaker.after(PACE, lost, rested)
    assert worse.free(PACE, 0, rested + timedelta(seconds=PACE.rest)) == 0
    better = worse.after(PACE, Attempt(Result.DONE), rested + timedelta(seconds=60))
    assert better.free(PACE, 0, rested + timedelta(seconds=60)) == PACE.most_at_once


@given(st.lists(st.tuples(RESULTS, st.none() | st.floats(0, 900)), max_size=60))
def test_no_rest_is_longer_than_the_longest(attempts):
    breaker = Breaker()
    for result, wait in attempts:
        breaker = breaker.after(PACE, Attempt(result, wait_seconds=wait), AT)
        longest = max(PACE.longest_rest, 900)
        assert breaker.free(PACE, 0, AT + timedelta(seconds=longest)) >= 1
