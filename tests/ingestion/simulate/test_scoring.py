"""The vectorised scores equal the definition, followed event by event."""

from typing import Any

import pandas as pd
import pytest

from ingestion.simulate import simulate
from tests.ingestion.simulate.frames import UNTIL, Frames, frames_of

SECOND = 1_000_000
Row = dict[Any, Any]
HIGH_VALUE = {"WEDDING", "CORPORATE", "RELIGIOUS"}


@pytest.fixture(scope="module")
def frames() -> Frames:
    return frames_of(simulate(until=UNTIL, seed=11, days=30, users=700))


def _score(events: list[Row], orders: list[int], evaluation: Row) -> dict[str, Any]:
    """The definition, word for word: fold the user's events up to `after_seq`, in the server's order."""
    at, session_id = evaluation["evaluated_at"], evaluation["session_id"]
    flow, backs, prices, event_type, prior = None, 0, 0, None, 0
    active = beat = left = None
    for event in events:
        if event["seq"] > evaluation["after_seq"]:
            break
        if event["kind"] == "CART":
            event_type = event["event_type"]
        if event["kind"] == "PROFILE":
            prior = event["prior_order_count"] or 0
        if event["session_id"] != session_id:
            continue
        if event["kind"] == "SCREEN" and event["flow"] is not None:
            if event["flow"] != flow:
                flow, backs = event["flow"], 0
            elif event["is_back_navigation"]:
                backs += 1
        prices += event["signal_type"] == "PRICE_CALCULATION"
        if event["signal_type"] == "HEARTBEAT":
            beat, left = event["recorded_at"], None
        elif event["signal_type"] == "APP_BACKGROUND":
            left = event["recorded_at"]
        elif event["kind"] != "PROFILE":
            active, left = event["recorded_at"], None
    inactivity = 0
    if active is not None and beat is not None:
        present_until = left or max(beat, active) + 30 * SECOND
        inactivity = max(0, min(at, present_until) - active)
    elif active is not None and flow in {"CHECKOUT", "PAYMENT", "GUEST_COUNT"}:
        inactivity = min(at, active + 1800 * SECOND) - active
    is_high, is_first = event_type in HIGH_VALUE, prior == 0 and not any(placed < at for placed in orders)
    seconds = inactivity // SECOND
    score = 30 * (seconds > 60) + 25 * (backs > 3) + 20 * (prices > 5) + 15 * is_high + 10 * is_first
    return {
        "inactivity_seconds": seconds,
        "back_navigation_count": backs,
        "price_check_count": prices,
        "is_high_value_event": is_high,
        "is_first_time_user": is_first,
        "score": min(score, 100),
        "is_help_due": score > 50,
    }


def test_each_score_follows_from_the_users_events(frames: Frames) -> None:
    signals = frames["friction_signals"].assign(kind="SIGNAL")
    log = pd.concat([signals, frames["context_updates"]]).sort_values("seq")
    log = log.astype(object).where(log.notna(), None)
    events: dict[Any, list[Row]] = {user_id: part.to_dict("records") for user_id, part in log.groupby("user_id")}
    orders = frames["orders"].groupby("user_id")["placed_at"].apply(list).to_dict()
    evaluations: list[Row] = frames["friction_scores"].to_dict("records")
    assert len(evaluations) > 500
    for evaluation in evaluations:
        user_id = evaluation["user_id"]
        expected = _score(events[user_id], orders.get(user_id, []), evaluation)
        assert {name: evaluation[name] for name in expected} == expected


def test_scores_of_every_kind_occur(frames: Frames) -> None:
    scores = frames["friction_scores"]
    assert (scores["inactivity_seconds"] > 60).any()
    assert (scores["back_navigation_count"] > 3).any()
    assert (scores["price_check_count"] > 5).any()
    assert scores["is_help_due"].astype(bool).mean() < 0.6
    with_beats = set(frames["friction_signals"].query("signal_type == 'HEARTBEAT'")["session_id"])
    paused = scores[scores["inactivity_seconds"] > 60]["session_id"]
    assert 0.1 < paused.isin(with_beats).mean() < 0.9
    assert frames["context_updates"]["is_back_navigation"].astype(bool).any()
