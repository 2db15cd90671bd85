"""Which notifications are due, and which of the prompts that are due is shown. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from api.context.rules import RETRIES, ContextState, count_of
from api.friction.rules import Due, Inputs
from api.rules.sets import NotificationRules, OfficeHours
from store.clock import IST
from store.enums import Flow, FrictionAction, PromptStatus, RoutedChannel, RuleSet, SignalType


class Hidden(StrEnum):
    """Why a prompt that is due is not shown."""

    HOLDOUT = "HOLDOUT"
    SNOOZED = "SNOOZED"
    NO_CHANNEL = "NO_CHANNEL"
    OUTSIDE_OFFICE_HOURS = "OUTSIDE_OFFICE_HOURS"
    SESSION_LIMIT = "SESSION_LIMIT"
    STRONGER_PROMPT = "STRONGER_PROMPT"


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides about prompts beside the rules that are due."""

    channels: Collection[RoutedChannel]
    is_office_open: bool
    is_holdout: bool
    is_snoozed: bool
    room: int
    """How many more prompts the session may have."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a rule that is due; `hidden` is None for the one that is shown."""

    due: Due
    status: PromptStatus
    hidden: Hidden | None


def due_notifications(rules: NotificationRules, state: ContextState, inputs: Inputs, here: Flow | None) -> list[Due]:
    """Every notification whose condition is met on the present screen, strongest first."""
    measures = {
        "INACTIVITY_SECONDS": inputs.inactivity_seconds,
        "PLATTER_VIEWED_COUNT": count_of(state, SignalType.PLATTER_VIEWED),
        "CUSTOMIZATION_CHANGE_COUNT": count_of(state, SignalType.CUSTOMIZATION_CHANGE),
        "CART_VALUE_PAISE": state.cart.value_paise or 0,
        "PAYMENT_RETRY_COUNT": int(state.signal_counts.get(RETRIES, 0)),
    }
    return [
        Due(
            RuleSet.NOTIFICATION,
            rule.code,
            rules.version,
            rule.priority,
            rule.text,
            rule.offers_person,
            rule.issue_category,
        )
        for rule in rules.rules
        if rule.flow is here and measures[rule.condition] > rule.over
    ]


def decide(due: Sequence[Due], situation: Situation) -> list[Decision]:
    """What becomes of each rule that is due and new in its session: the strongest that may be is shown, or withheld from
    who is in the holdout; the others are suppressed. `due` is in order of strength.
    """
    decisions: list[Decision] = []
    is_taken = False
    for one in due:
        hidden = _hidden(one, situation, is_taken=is_taken)
        if hidden is not None:
            decisions.append(Decision(one, PromptStatus.SUPPRESSED, hidden))
            continue
        is_taken = True
        if situation.is_holdout:
            decisions.append(Decision(one, PromptStatus.WITHHELD, Hidden.HOLDOUT))
        else:
            decisions.append(Decision(one, PromptStatus.OFFERED, None))
    return decisions


def _hidden(due: Due, situation: Situation, *, is_taken: bool) -> Hidden | None:
    if situation.is_snoozed:
        return Hidden.SNOOZED
    if situation.room < 1:
        return Hidden.SESSION_LIMIT
    if due.offers_person:
        needs_call = due.action is FrictionAction.CALL_OPTION
        if not situation.channels or (needs_call and RoutedChannel.CALL not in situation.channels):
            return Hidden.NO_CHANNEL
        if not situation.is_office_open:
            return Hidden.OUTSIDE_OFFICE_HOURS
    return Hidden.STRONGER_PROMPT if is_taken else None


def is_office_open(hours: OfficeHours, at: datetime) -> bool:
    """Whether people answer at the instant: in a span of its Indian weekday, on no holiday."""
    local = at.astimezone(IST)
    if local.date() in hours.holidays:
        return False
    return any(span.weekday == local.weekday() and span.opens <= local.time() < span.closes for span in hours.spans)
