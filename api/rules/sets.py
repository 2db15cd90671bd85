"""What rules look like to those who decide by them: frozen, with the version that a decision stores."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from store.enums import (
    AgentLevel,
    Channel,
    EscalationLevel,
    EscalationTrigger,
    EventType,
    Flow,
    FrictionAction,
    RoutedChannel,
    SignalType,
)

DURATION_SIGNALS = frozenset({SignalType.CHECKOUT_INACTIVITY, SignalType.MENU_COMPARISON})
"""Signals measured in seconds; the others are counted."""

TRUE_OR_FALSE_SCORES = frozenset({"HIGH_VALUE_EVENT", "FIRST_TIME_USER"})
SCORE_CODES = ("INACTIVITY", "BACK_NAVIGATION", "PRICE_CHECK", "HIGH_VALUE_EVENT", "FIRST_TIME_USER")
"""The inputs of the friction score, in the owner's order."""

NOTIFICATION_MEASURES = (
    "INACTIVITY_SECONDS",
    "PLATTER_VIEWED_COUNT",
    "CUSTOMIZATION_CHANGE_COUNT",
    "CART_VALUE_PAISE",
    "PAYMENT_RETRY_COUNT",
)
"""What a notification can be due for; of money, in paise."""
PHRASE_KINDS = ("UPSELL", "PROMISE")


@dataclass(frozen=True, slots=True)
class Texts:
    """What a person reads, in English and Hindi."""

    en: str
    hi: str

    def of(self, language: str | None) -> str:
        """In Hindi for those who use it, else in English."""
        return self.hi if language is not None and language.lower().startswith("hi") else self.en


@dataclass(frozen=True, slots=True)
class _Versioned:
    version: int
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """Adds `points` when the input is over `over`, or is true (then `over` is None)."""

    code: str
    over: float | None
    points: int
    issue_category: str | None


@dataclass(frozen=True, slots=True)
class SignalRule:
    """`action` is due when the signal's count, or its seconds, is over `over`."""

    signal_type: SignalType
    over: float
    action: FrictionAction
    priority: int
    text: Texts
    issue_category: str | None


@dataclass(frozen=True, slots=True)
class HelpRule:
    """Help is due when the score is over `over`."""

    over: float
    action: FrictionAction
    priority: int
    text: Texts
    issue_category: str | None


@dataclass(frozen=True, slots=True)
class FrictionRules(_Versioned):
    scores: tuple[ScoreRule, ...]
    """In the owner's order."""
    signals: tuple[SignalRule, ...]
    """Strongest first."""
    help: HelpRule

    def score(self, code: str) -> ScoreRule:
        return next(rule for rule in self.scores if rule.code == code)


@dataclass(frozen=True, slots=True)
class Band:
    """Order values of [min, max) paise; the last band has no max."""

    min_paise: int
    max_paise: int | None
    channels: tuple[RoutedChannel, ...]
    escalate_after_seconds: int | None


@dataclass(frozen=True, slots=True)
class RoutingRules(_Versioned):
    bands: tuple[Band, ...]
    """They cover [0, ∞) once, rising."""


@dataclass(frozen=True, slots=True)
class EscalationRule:
    trigger: EscalationTrigger
    level: EscalationLevel
    order_value_over_paise: int | None
    unresolved_over_seconds: int | None


@dataclass(frozen=True, slots=True)
class EscalationRules(_Versioned):
    by_trigger: Mapping[EscalationTrigger, EscalationRule]


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """Due on a screen of `flow` when the measure named by `condition` is over `over`."""

    code: str
    flow: Flow
    condition: str
    over: float
    priority: int
    text: Texts
    offers_person: bool
    issue_category: str | None


@dataclass(frozen=True, slots=True)
class NotificationRules(_Versioned):
    rules: tuple[NotificationRule, ...]
    """Strongest first."""


@dataclass(frozen=True, slots=True)
class DiscountCode:
    code: str
    percent: float | None
    max_paise: int | None
    description: str
    is_pre_approved: bool


@dataclass(frozen=True, slots=True)
class DiscountLimit:
    max_percent: float
    max_paise: int


@dataclass(frozen=True, slots=True)
class DiscountRules(_Versioned):
    codes: Mapping[str, DiscountCode]
    limits: Mapping[AgentLevel, DiscountLimit]


@dataclass(frozen=True, slots=True)
class CategoryRules(_Versioned):
    names: Mapping[str, Texts]
    """By code."""


@dataclass(frozen=True, slots=True)
class ScreenRules(_Versioned):
    flows: Mapping[str, Flow | None]

    def flow_of(self, screen: str | None) -> Flow | None:
        """The flow of a screen; None if it has none or is unknown."""
        return self.flows.get(screen) if screen is not None else None


@dataclass(frozen=True, slots=True)
class Phrase:
    language: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class PhraseRules(_Versioned):
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class OfficeSpan:
    """weekday 0 is Monday; Indian time."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class OfficeHours(_Versioned):
    spans: tuple[OfficeSpan, ...]
    holidays: Mapping[date, str]


@dataclass(frozen=True, slots=True)
class Policies(_Versioned):
    """Single settings; `values` has every one by its code."""

    values: Mapping[str, Any]
    holdout_share: float
    prompts_per_session: int
    snooze_minutes: int
    prompt_expiry_minutes: int
    session_timeout_minutes: int
    presence_seconds: int
    chat_channels: Mapping[str, Channel]
    always_assisted_event_types: frozenset[EventType]
    approval_required_text: Texts
    outside_hours_text: Texts
    self_serve_text: Texts


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule set in force at one moment."""

    friction: FrictionRules
    routing: RoutingRules
    escalation: EscalationRules
    notifications: NotificationRules
    discounts: DiscountRules
    categories: CategoryRules
    screens: ScreenRules
    phrases: PhraseRules
    office_hours: OfficeHours
    policies: Policies
