"""The friction score, its reasons, and what is due. Pure; the warehouse computes the same in `int_friction__*`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.context.rules import ContextState, count_of, longest_of
from api.rules.sets import DURATION_SIGNALS, FrictionRules, HelpRule, SignalRule, Texts
from store.enums import HIGH_VALUE_EVENTS, Flow, FrictionAction, RuleSet, SignalType

LARGEST_SCORE = 100
HELP = "HELP"
PRESENT_AFTER_HEARTBEAT = timedelta(seconds=30)
PRESENT_WITHOUT_HEARTBEATS = timedelta(minutes=30)
WAITING_FLOWS = frozenset({Flow.CHECKOUT, Flow.PAYMENT, Flow.GUEST_COUNT})
"""Where standing still means hesitating, for apps that send no heartbeats."""
PERSON_ACTIONS = frozenset({FrictionAction.CALL_OPTION, FrictionAction.EXPERT_CONSULTATION})
"""What cannot be offered without somebody who answers."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the score is made of, at one moment."""

    inactivity_seconds: int
    back_navigation_count: int
    price_check_count: int
    is_high_value_event: bool
    is_first_time_user: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that added to the score. `measure` is what was found: seconds, a count, or 1."""

    code: str
    points: int
    measure: int
    over: float | None
    issue_category: str | None


@dataclass(frozen=True, slots=True)
class Score:
    score: int
    reasons: tuple[Reason, ...]
    is_help_due: bool


@dataclass(frozen=True, slots=True)
class Due:
    """A rule whose prompt is due. `action` is None for notifications; the lowest `priority` is the strongest."""

    rule_set: RuleSet
    code: str
    rule_version: int
    priority: int
    text: Texts
    offers_person: bool
    issue_category: str | None
    action: FrictionAction | None = None


def inactivity_seconds(state: ContextState, at: datetime) -> int:
    """Whole seconds since the last activity, while the user was present.

    With heartbeats that is until the app went to the background, else 30 seconds after the last sign; without, half an hour
    on the waiting flows. Heartbeats and going away are no activity.
    """
    active = state.last_activity_at
    if active is None:
        return 0
    until = present_until(state)
    if until is None:
        return 0
    return max(0, (min(at, until) - active) // _SECOND)


def present_until(state: ContextState) -> datetime | None:
    """Until when the user's standing still counts; None where it does not."""
    active, beat = state.last_activity_at, state.last_heartbeat_at
    if active is None:
        return None
    if beat is not None:
        return max(beat, active) + PRESENT_AFTER_HEARTBEAT if state.is_foreground else state.last_sign_at
    return active + PRESENT_WITHOUT_HEARTBEATS if state.flow in WAITING_FLOWS else None


def inputs_of(state: ContextState, at: datetime, *, first_order_at: datetime | None, prior_order_count: int) -> Inputs:
    """The inputs of the score at the instant, after the events that the state is made of."""
    return Inputs(
        inactivity_seconds=inactivity_seconds(state, at),
        back_navigation_count=state.back_navigation_count,
        price_check_count=state.price_check_count,
        is_high_value_event=state.cart.event_type in HIGH_VALUE_EVENTS,
        is_first_time_user=prior_order_count == 0 and (first_order_at is None or first_order_at >= at),
    )


def score_of(rules: FrictionRules, inputs: Inputs) -> Score:
    """The sum of the weights of what is over its threshold, or true; at most 100."""
    measures: Mapping[str, int] = {
        "INACTIVITY": inputs.inactivity_seconds,
        "BACK_NAVIGATION": inputs.back_navigation_count,
        "PRICE_CHECK": inputs.price_check_count,
        "HIGH_VALUE_EVENT": int(inputs.is_high_value_event),
        "FIRST_TIME_USER": int(inputs.is_first_time_user),
    }
    reasons = tuple(
        Reason(rule.code, rule.points, measures[rule.code], rule.over, rule.issue_category)
        for rule in rules.scores
        if measures[rule.code] > (rule.over or 0)
    )
    score = min(sum(reason.points for reason in reasons), LARGEST_SCORE)
    return Score(score, reasons, score > rules.help.over)


def due_actions(
    rules: FrictionRules, state: ContextState, inputs: Inputs, score: Score, here: Flow | None
) -> list[Due]:
    """Every friction rule whose prompt is due, strongest first. `here` is the flow of the present screen."""
    found = [
        _due(rules, rule, rule.signal_type)
        for rule in rules.signals
        if _measure(rule.signal_type, state, inputs, here) > rule.over
    ]
    if score.is_help_due:
        found.append(_due(rules, rules.help, HELP))
    return sorted(found, key=lambda due: due.priority)


def category_of(score: Score) -> str | None:
    """The issue category of the weightiest reason that has one."""
    named = [reason for reason in score.reasons if reason.issue_category is not None]
    return max(named, key=lambda reason: reason.points).issue_category if named else None


def _measure(signal: SignalType, state: ContextState, inputs: Inputs, here: Flow | None) -> float:
    if signal is SignalType.BACK_NAVIGATION:
        return inputs.back_navigation_count
    if signal not in DURATION_SIGNALS:
        return count_of(state, signal)
    told = longest_of(state, signal)
    if signal is SignalType.CHECKOUT_INACTIVITY and here is Flow.CHECKOUT:
        return max(told, inputs.inactivity_seconds)
    return told


def _due(rules: FrictionRules, rule: SignalRule | HelpRule, code: str) -> Due:
    return Due(
        RuleSet.FRICTION,
        code,
        rules.version,
        rule.priority,
        rule.text,
        rule.action in PERSON_ACTIONS,
        rule.issue_category,
        rule.action,
    )
