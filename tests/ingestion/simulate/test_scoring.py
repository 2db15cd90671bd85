"""The vectorised scores equal the definition, followed event by event."""

from dataclasses import dataclass
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


@dataclass
class Session:
    """The definition, word for word: the user's events up to an evaluation, folded in the server's order."""

    session_id: str
    flow: str | None = None
    backs: int = 0
    prices: int = 0
    active: int | None = None
    beat: int | None = None
    left: int | None = None

    def see(self, event: Row) -> None:
        if event["session_id"] != self.session_id or event["kind"] == "PROFILE":
            return
        if event["kind"] == "SCREEN" and event["flow"] is not None:
            self.backs = 0 if event["flow"] != self.flow else self.backs + bool(event["is_back_navigation"])
            self.flow = event["flow"]
        self.prices += event["signal_type"] == "PRICE_CALCULATION"
        if event["signal_type"] == "APP_BACKGROUND":
            self.left = event["recorded_at"]
            return
        self.left = None
        if event["signal_type"] == "HEARTBEAT":
            self.beat = event["recorded_at"]
        else:
            self.active = event["recorded_at"]

    def inactivity_seconds(self, at: int) -> int:
        if self.active is None:
            return 0
        if self.beat is not None:
            present_until = self.left or max(self.beat, self.active) + 30 * SECOND
        elif self.flow in {"CHECKOUT", "PAYMENT", "GUEST_COUNT"}:
            present_until = self.active + 1800 * SECOND
        else:
            return 0
        return max(0, min(at, present_until) - self.active) // SECOND


def _score(events: list[Row], orders: list[int], evaluation: Row) -> Row:
    at = evaluation["evaluated_at"]
    known = [event for event in events if event["seq"] <= evaluation["after_seq"]]
    session = Session(evaluation["session_id"])
    for event in known:
        session.see(event)
    cart = next((event for event in reversed(known) if event["kind"] == "CART"), None)
    profile = next((event for event in reversed(known) if event["kind"] == "PROFILE"), None)
    is_high = cart is not None and cart["event_type"] in HIGH_VALUE
    is_first = not (profile and profile["prior_order_count"]) and not any(placed < at for placed in orders)
    seconds = session.inactivity_seconds(at)
    score = 30 * (seconds > 60) + 25 * (session.backs > 3) + 20 * (session.prices > 5) + 15 * is_high + 10 * is_first
    return {
        "inactivity_seconds": seconds,
        "back_navigation_count": session.backs,
        "price_check_count": session.prices,
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
