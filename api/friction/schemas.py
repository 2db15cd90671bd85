"""Friction on the wire."""

from enum import StrEnum
from typing import Self

from pydantic import Field

from api.context.schemas import SignalInput
from api.friction.rules import Due, Reason
from api.notifications.schemas import HiddenAnswer, PromptAnswer
from api.rules.schemas import TextsAnswer
from api.wire import Id, Input, Instant, Wire
from store.enums import FrictionAction, RoutedChannel, RuleSet


class Done(StrEnum):
    """What an evaluation did, beside keeping its score."""

    PROMPT_SHOWN = "PROMPT_SHOWN"
    PROMPT_REPEATED = "PROMPT_REPEATED"
    PROMPT_WITHHELD = "PROMPT_WITHHELD"
    PROMPT_SUPPRESSED = "PROMPT_SUPPRESSED"
    SELF_SERVE_HELP = "SELF_SERVE_HELP"
    INCIDENCE_OFFERED = "INCIDENCE_OFFERED"
    INCIDENCE_JOINED = "INCIDENCE_JOINED"


class DetectInput(Input):
    user_id: Id | None = Field(None, description="A user token may leave it out.", examples=["user-81"])


class FrictionSignalInput(SignalInput):
    user_id: Id | None = Field(None, description="A user token may leave it out.", examples=["user-81"])


class ReasonAnswer(Wire):
    code: str = Field(examples=["BACK_NAVIGATION"])
    points: int
    measure: int = Field(description="Seconds, a count, or 1 for what is true")
    threshold: float | None = Field(description="It was over this; null: true or false")

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(code=reason.code, points=reason.points, measure=reason.measure, threshold=reason.over)


class ActionAnswer(Wire):
    rule_set: RuleSet
    code: str = Field(examples=["PAYMENT_FAILED"])
    action: FrictionAction | None = Field(description="null for a notification")
    text: TextsAnswer
    priority: int = Field(description="The lowest is the strongest.")

    @classmethod
    def of(cls, due: Due) -> Self:
        return cls(
            rule_set=due.rule_set,
            code=due.code,
            action=due.action,
            text=TextsAnswer.of(due.text),
            priority=due.priority,
        )


class DetectAnswer(Wire):
    """Show `prompt`, if there is one: `actions` are due, but caps, snoozing and the holdout decide what is shown."""

    user_id: str
    session_id: str
    evaluated_at: Instant
    score: int = Field(ge=0, le=100)
    is_help_due: bool
    reasons: list[ReasonAnswer]
    actions: list[ActionAnswer] = Field(description="Every rule that is due now, strongest first")
    rule_version: int
    allowed_channels: list[RoutedChannel]
    channel_reasons: list[str]
    prompt: PromptAnswer | None
    incidence_id: str | None
    hidden: list[HiddenAnswer]
    done: list[Done] = Field(description="Empty: nothing new")
