"""Friction scores of the demo, computed from its log by other means than the warehouse's SQL: each checks the other.

The rules are those of the first version of `friction_rules`.
"""

from dataclasses import dataclass

import numpy as np

from ingestion.simulate.app_log import Log, Step
from ingestion.simulate.log_rows import FLOWS, back_navigations, flows_shown
from ingestion.simulate.visits import SECOND, Visits

HELP_OVER = 50
SESSION_TIMEOUT_US = 30 * 60 * SECOND
PRESENCE_US = 30 * SECOND
_WAITING_FLOWS = ("CHECKOUT", "PAYMENT", "GUEST_COUNT")


@dataclass(frozen=True, slots=True)
class Scores:
    """One entry an evaluation, in the order given."""

    inactivity_seconds: np.ndarray
    back_navigation_count: np.ndarray
    price_check_count: np.ndarray
    is_high_value_event: np.ndarray
    is_first_time_user: np.ndarray
    score: np.ndarray


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known after each event of the log."""

    back_navigation_count: np.ndarray
    price_check_count: np.ndarray
    last_activity_at: np.ndarray
    last_heartbeat_at: np.ndarray
    """0 before the session's first."""
    left_at: np.ndarray
    """When the app went to the background, if that is later than the last activity and nothing came after; else 0."""
    is_on_waiting_flow: np.ndarray


def score_at(visits: Visits, inputs: Inputs, after: np.ndarray, visit: np.ndarray, at: np.ndarray) -> Scores:
    """Scores at the instants `at`, of the events up to index `after` of the log."""
    active, beat = inputs.last_activity_at[after], inputs.last_heartbeat_at[after]
    left = inputs.left_at[after]
    present_until = np.where(left > 0, left, np.maximum(beat, active) + PRESENCE_US)
    with_beats = np.maximum(0, np.minimum(at, present_until) - active)
    waiting = np.where(inputs.is_on_waiting_flow[after], np.minimum(at, active + SESSION_TIMEOUT_US) - active, 0)
    inactivity = np.where(active > 0, np.where(beat > 0, with_beats, waiting), 0) // SECOND
    back, price = inputs.back_navigation_count[after], inputs.price_check_count[after]
    high, first = visits.is_high_value[visit], visits.is_first_time_user[visit]
    score = 30 * (inactivity > 60) + 25 * (back > 3) + 20 * (price > 5) + 15 * high + 10 * first
    return Scores(inactivity, back, price, high, first, np.minimum(score, 100))


def inputs_after_each_event(log: Log) -> Inputs:
    step, at = log.step, log.at
    index = np.arange(len(step))
    start = log.first_of_visit[:-1][log.visit]

    def so_far(flags: np.ndarray) -> np.ndarray:
        """How many of the session's events up to each one have the flag."""
        total = np.cumsum(flags)
        return total - np.concatenate([[0], total])[start]

    def last(flags: np.ndarray) -> np.ndarray:
        """Index of the session's latest event with the flag, -1 before the first."""
        latest = np.maximum.accumulate(np.where(flags, index, -1))
        return np.where(latest >= start, latest, -1)

    def time_of(event: np.ndarray) -> np.ndarray:
        return np.where(event >= 0, at[event], 0)

    flow, is_back = flows_shown(log), back_navigations(log)
    shows_flow = flow >= 0
    flow_now = np.where(last(shows_flow) >= 0, flow[last(shows_flow)], -1)
    flow_before = np.concatenate([[-1], flow_now[:-1]])
    flow_before[log.first_of_visit[:-1][log.first_of_visit[:-1] < len(step)]] = -1
    enters = shows_flow & (flow != flow_before)
    backs = so_far(is_back & shows_flow & ~enters)
    entered_at = last(enters)
    back_count = backs - np.where(entered_at >= 0, backs[entered_at], 0)

    beats = step == Step.HEARTBEAT
    leaves = step == Step.BACKGROUND
    active = last(~beats & ~leaves & (step != Step.PROFILE))
    beat, left = last(beats), last(leaves)
    has_left = (left > active) & (left > beat) & (left > last(step == Step.FOREGROUND))
    return Inputs(
        back_navigation_count=back_count,
        price_check_count=so_far(step == Step.PRICE_CALCULATION),
        last_activity_at=time_of(active),
        last_heartbeat_at=time_of(beat),
        left_at=np.where(has_left, time_of(left), 0),
        is_on_waiting_flow=np.isin(flow_now, [FLOWS.index(name) for name in _WAITING_FLOWS]),
    )
