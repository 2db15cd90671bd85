"""Prompts on the wire."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Self

from pydantic import Field
from sqlalchemy import Row

from api.notifications.rules import Decision, Hidden
from api.notifications.service import wording_of
from api.rules.schemas import TextsAnswer
from api.rules.sets import Rules
from api.wire import Id, Input, Instant, RowId, Wire
from store.enums import Flow, FrictionAction, PromptStatus, RuleSet


class PromptAnswer(Wire):
    """What the app shows. To accept, `POST /incidences` with its `promptId`; to dismiss, `POST /notifications/suppress`."""

    prompt_id: RowId
    rule_set: RuleSet
    code: str = Field(examples=["PAYMENT_RETRY"])
    action: FrictionAction | None = Field(description="What is offered; null for a notification.")
    text: TextsAnswer | None
    screen: str | None
    incidence_id: str | None = Field(description="The incidence that is OFFERED with it, if people may help.")
    due_at: Instant
    expires_at: Instant

    @classmethod
    def of(cls, rules: Rules, row: Row[Any]) -> Self:
        texts, action = wording_of(rules, row.rule_set, row.rule_code)
        return cls(
            prompt_id=row.prompt_id,
            rule_set=row.rule_set,
            code=row.rule_code,
            action=action,
            text=TextsAnswer.of(texts) if texts is not None else None,
            screen=row.screen,
            incidence_id=row.incidence_id,
            due_at=row.due_at,
            expires_at=row.due_at + timedelta(minutes=rules.policies.prompt_expiry_minutes),
        )


class HiddenAnswer(Wire):
    """A rule that is newly due and whose prompt is not shown."""

    rule_set: RuleSet
    code: str
    reason: Hidden


def hidden_of(decisions: Iterable[Decision]) -> list[HiddenAnswer]:
    """Those of the decisions that hide their prompt."""
    return [
        HiddenAnswer(rule_set=one.due.rule_set, code=one.due.code, reason=one.hidden)
        for one in decisions
        if one.hidden is not None
    ]


class TriggerInput(Input):
    user_id: Id | None = Field(None, description="A user token may leave it out.", examples=["user-81"])


class NotificationAnswer(Wire):
    code: str
    flow: Flow
    is_due: bool = Field(description="Its condition is met on the present screen.")
    status: PromptStatus | None = Field(description="What became of it in this session; null: it was not due yet.")


class TriggerAnswer(Wire):
    prompt: PromptAnswer | None = Field(description="What to show now, if anything.")
    notifications: list[NotificationAnswer]
    hidden: list[HiddenAnswer]
    rule_version: int


class SuppressAnswer(Wire):
    suppressed_until: Instant = Field(description="No prompt is shown before.")
    dismissed_prompts: list[RowId]
