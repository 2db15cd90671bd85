"""What escalates, to whom and when. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.rules.sets import EscalationRules
from store.enums import EscalationLevel, EscalationTrigger, RoutedChannel

BY_CAUSE = (EscalationTrigger.SYSTEM_BUG, EscalationTrigger.POLICY_EXCEPTION, EscalationTrigger.EMOTIONAL_CRITICAL)
"""What a person reports. The others are noticed: by the order's value, or by a clock."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`kind` escalates at `due_at` unless the incidence has closed by then."""

    kind: EscalationTrigger
    due_at: datetime


def due_clocks(
    rules: EscalationRules,
    *,
    escalate_chat_after_seconds: int | None,
    allowed: Collection[RoutedChannel | str],
    started_at: datetime,
    fired: Collection[EscalationTrigger | str] = (),
) -> list[Clock]:
    """The clocks of an incidence that is OPEN since `started_at`: until CALL for a chat without it, until UNRESOLVED.

    Those that have fired do not run again.
    """
    after_seconds = {}
    if escalate_chat_after_seconds is not None and RoutedChannel.CALL not in allowed:
        after_seconds[EscalationTrigger.CHAT_UNRESOLVED] = escalate_chat_after_seconds
    unresolved = rules.by_trigger.get(EscalationTrigger.UNRESOLVED)
    if unresolved is not None and unresolved.unresolved_over_seconds is not None:
        after_seconds[EscalationTrigger.UNRESOLVED] = unresolved.unresolved_over_seconds
    return [
        Clock(kind, started_at + timedelta(seconds=seconds))
        for kind, seconds in after_seconds.items()
        if kind not in fired
    ]


def is_high_value(rules: EscalationRules, order_value_paise: int | None) -> bool:
    """Whether the order's value alone escalates: strictly over the rule's."""
    rule = rules.by_trigger.get(EscalationTrigger.HIGH_VALUE_ORDER)
    if rule is None or rule.order_value_over_paise is None or order_value_paise is None:
        return False
    return order_value_paise > rule.order_value_over_paise


def level_of(rules: EscalationRules, trigger: EscalationTrigger) -> EscalationLevel:
    """What a trigger escalates to; an unresolved chat gets CALL."""
    if trigger is EscalationTrigger.CHAT_UNRESOLVED:
        return EscalationLevel.CALL
    return rules.by_trigger[trigger].level
