"""Rules as an app's developer or an admin reads and writes them: rupees, minutes, plain words."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from api.rules.sets import (
    DURATION_SIGNALS,
    Band,
    EscalationRules,
    FrictionRules,
    HelpRule,
    NotificationRule,
    NotificationRules,
    RoutingRules,
    ScoreRule,
    SignalRule,
    Texts,
)
from api.wire import Input, Instant, RupeesIn, RupeesOut, Wire
from store.enums import EscalationLevel, EscalationTrigger, EventType, Flow, FrictionAction, RoutedChannel, SignalType

Unit = Literal["SECONDS", "COUNT"]
Line = Annotated[str, Field(min_length=1, max_length=300)]
CategoryCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$", examples=["PRICE_CLARITY"])]
_NEVER = datetime.min.replace(tzinfo=UTC)


class TextsAnswer(Wire):
    en: str
    hi: str

    @classmethod
    def of(cls, texts: Texts) -> Self:
        return cls(en=texts.en, hi=texts.hi)


class TextsInput(Input):
    en: Line = Field(examples=["Need help with quantities?"])
    hi: Line = Field(examples=["क्या मात्रा तय करने में मदद चाहिए?"])

    def texts(self) -> Texts:
        return Texts(self.en, self.hi)


class Versioned(Wire):
    version: int
    valid_from: Instant


def _unit(signal: SignalType) -> Unit:
    return "SECONDS" if signal in DURATION_SIGNALS else "COUNT"


class ThresholdAnswer(Wire):
    signal: SignalType
    threshold: float = Field(description="The action is due when the measure is over it.")
    unit: Unit
    action: FrictionAction
    text: TextsAnswer
    priority: int = Field(description="Of several that are due the lowest is shown.")
    issue_category: str | None

    @classmethod
    def of(cls, rule: SignalRule) -> Self:
        return cls(
            signal=rule.signal_type,
            threshold=rule.over,
            unit=_unit(rule.signal_type),
            action=rule.action,
            text=TextsAnswer.of(rule.text),
            priority=rule.priority,
            issue_category=rule.issue_category,
        )


class ThresholdInput(Input):
    signal: SignalType = Field(examples=["QUANTITY_CHANGE"])
    threshold: float = Field(ge=0, le=1_000_000, examples=[5])
    unit: Unit | None = Field(None, description="Follows from the signal; if sent, it must be that one.")
    action: FrictionAction = Field(examples=["QUANTITY_HELP"])
    text: TextsInput
    priority: int = Field(ge=1, le=1_000, examples=[9])
    issue_category: CategoryCode | None = None

    def rule(self) -> SignalRule:
        return SignalRule(
            self.signal, self.threshold, self.action, self.priority, self.text.texts(), self.issue_category
        )


class ScoreAnswer(Wire):
    code: str
    threshold: float | None = Field(description="null: the input is true or false")
    points: int
    issue_category: str | None

    @classmethod
    def of(cls, rule: ScoreRule) -> Self:
        return cls(code=rule.code, threshold=rule.over, points=rule.points, issue_category=rule.issue_category)


class ScoreInput(Input):
    code: Literal["INACTIVITY", "BACK_NAVIGATION", "PRICE_CHECK", "HIGH_VALUE_EVENT", "FIRST_TIME_USER"]
    threshold: float | None = Field(None, ge=0, le=1_000_000)
    points: int = Field(ge=0, le=100)
    issue_category: CategoryCode | None = None

    def rule(self) -> ScoreRule:
        return ScoreRule(self.code, self.threshold, self.points, self.issue_category)


class HelpAnswer(Wire):
    threshold: float = Field(description="Help is due when the score is over it.")
    action: FrictionAction
    text: TextsAnswer
    priority: int
    issue_category: str | None

    @classmethod
    def of(cls, rule: HelpRule) -> Self:
        return cls(
            threshold=rule.over,
            action=rule.action,
            text=TextsAnswer.of(rule.text),
            priority=rule.priority,
            issue_category=rule.issue_category,
        )


class HelpInput(Input):
    threshold: float = Field(ge=0, le=100)
    action: FrictionAction
    text: TextsInput
    priority: int = Field(ge=1, le=1_000)
    issue_category: CategoryCode | None = None

    def rule(self) -> HelpRule:
        return HelpRule(self.threshold, self.action, self.priority, self.text.texts(), self.issue_category)


class ThresholdsAnswer(Versioned):
    thresholds: list[ThresholdAnswer]
    scores: list[ScoreAnswer]
    help: HelpAnswer

    @classmethod
    def of(cls, rules: FrictionRules) -> Self:
        return cls(
            version=rules.version,
            valid_from=rules.valid_from,
            thresholds=[ThresholdAnswer.of(rule) for rule in rules.signals],
            scores=[ScoreAnswer.of(rule) for rule in rules.scores],
            help=HelpAnswer.of(rules.help),
        )


class ThresholdsInput(Input):
    """The whole set: what is not in it is not in force any more."""

    thresholds: list[ThresholdInput] = Field(max_length=50)
    scores: list[ScoreInput] = Field(max_length=5)
    help: HelpInput

    def rules(self) -> FrictionRules:
        return FrictionRules(
            0,
            _NEVER,
            scores=tuple(score.rule() for score in self.scores),
            signals=tuple(threshold.rule() for threshold in self.thresholds),
            help=self.help.rule(),
        )


class BandAnswer(Wire):
    order_value_min: RupeesOut = Field(description="From this many rupees")
    order_value_max: RupeesOut | None = Field(description="To under this many; null: no end")
    channels: list[RoutedChannel] = Field(description="Empty: no human support")
    escalate_after_minutes: float | None = Field(description="Unresolved this long on chat, a call is offered")

    @classmethod
    def of(cls, band: Band) -> Self:
        seconds = band.escalate_after_seconds
        return cls(
            order_value_min=band.min_paise,
            order_value_max=band.max_paise,
            channels=list(band.channels),
            escalate_after_minutes=None if seconds is None else seconds / 60,
        )


class BandInput(Input):
    order_value_min: RupeesIn = Field(examples=[5000])
    order_value_max: RupeesIn | None = Field(examples=[25000])
    channels: list[RoutedChannel] = Field(max_length=10, examples=[["CHAT"]])
    escalate_after_minutes: int | None = Field(None, ge=1, le=1_440, examples=[10])

    def band(self) -> Band:
        minutes = self.escalate_after_minutes
        return Band(
            self.order_value_min,
            self.order_value_max,
            tuple(self.channels),
            None if minutes is None else minutes * 60,
        )


class RoutingAnswer(Versioned):
    bands: list[BandAnswer]
    always_assisted_event_types: list[EventType] = Field(description="CHAT and CALL whatever the order's value")

    @classmethod
    def of(cls, rules: RoutingRules, always_assisted: frozenset[EventType]) -> Self:
        return cls(
            version=rules.version,
            valid_from=rules.valid_from,
            bands=[BandAnswer.of(band) for band in rules.bands],
            always_assisted_event_types=sorted(always_assisted),
        )


class RoutingInput(Input):
    """The whole set, rising: the bands cover every order value once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "bands": [
                        {"orderValueMin": 0, "orderValueMax": 5000, "channels": []},
                        {
                            "orderValueMin": 5000,
                            "orderValueMax": 25000,
                            "channels": ["CHAT"],
                            "escalateAfterMinutes": 10,
                        },
                        {"orderValueMin": 25000, "orderValueMax": None, "channels": ["CHAT", "CALL"]},
                    ]
                }
            ]
        }
    )
    bands: list[BandInput] = Field(min_length=1, max_length=50)


class EscalationRuleAnswer(Wire):
    trigger: EscalationTrigger
    level: EscalationLevel
    order_value_over: RupeesOut | None
    unresolved_over_minutes: float | None


class EscalationRulesAnswer(Versioned):
    rules: list[EscalationRuleAnswer]

    @classmethod
    def of(cls, rules: EscalationRules) -> Self:
        return cls(
            version=rules.version,
            valid_from=rules.valid_from,
            rules=[
                EscalationRuleAnswer(
                    trigger=rule.trigger,
                    level=rule.level,
                    order_value_over=rule.order_value_over_paise,
                    unresolved_over_minutes=None
                    if rule.unresolved_over_seconds is None
                    else rule.unresolved_over_seconds / 60,
                )
                for rule in rules.by_trigger.values()
            ],
        )


class NotificationRuleAnswer(Wire):
    code: str
    flow: Flow
    condition: str = Field(description="What is measured", examples=["INACTIVITY_SECONDS"])
    threshold: float = Field(description="Due when the measure is over it; CART_VALUE is in rupees.")
    text: TextsAnswer
    priority: int = Field(description="Of several that are due the lowest is shown.")
    offers_person: bool = Field(description="Not shown outside office hours.")
    issue_category: str | None

    @classmethod
    def of(cls, rule: NotificationRule) -> Self:
        is_money = rule.condition.endswith("_PAISE")
        return cls(
            code=rule.code,
            flow=rule.flow,
            condition=rule.condition.removesuffix("_PAISE"),
            threshold=rule.over / 100 if is_money else rule.over,
            text=TextsAnswer.of(rule.text),
            priority=rule.priority,
            offers_person=rule.offers_person,
            issue_category=rule.issue_category,
        )


class NotificationRulesAnswer(Versioned):
    rules: list[NotificationRuleAnswer]

    @classmethod
    def of(cls, rules: NotificationRules) -> Self:
        return cls(
            version=rules.version,
            valid_from=rules.valid_from,
            rules=[NotificationRuleAnswer.of(rule) for rule in rules.rules],
        )
