"""POST /notifications/trigger and /notifications/suppress/{userId}, and the stream of prompts for the app."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from api.auth import requires
from api.context.callers import Teller, own_user
from api.deps import CurrentRules, OwnUserId, RegistryDep, StoreDep
from api.friction.detection import Detected, detect
from api.notifications.schemas import (
    NotificationAnswer,
    PromptAnswer,
    SuppressAnswer,
    TriggerAnswer,
    TriggerInput,
    hidden_of,
)
from api.notifications.service import dismiss, mark_shown, unanswered_of
from api.rules.sets import Rules
from api.tokens.keyring import Principal
from store import clock
from store.enums import PromptStatus, Role, RuleSet

router = APIRouter(prefix="/notifications", tags=["notifications"])
Phone = Annotated[Principal, Depends(requires(Role.USER))]
LOOKS_EVERY_SECONDS = 1.0


@router.post("/trigger", response_model=TriggerAnswer)
async def post_trigger(wanted: TriggerInput, caller: Teller, store: StoreDep, rules: CurrentRules) -> Response:
    """Ask whether a notification is due where the user is now. What is shown is decided as for friction: once for a rule and
    session, three a session, the strongest first, none after a dismissal or for the holdout.
    """
    detected = await detect(store, rules, own_user(caller, wanted.user_id))
    prompt = detected.prompt
    answer = TriggerAnswer(
        prompt=PromptAnswer.of(rules, prompt) if prompt is not None else None,
        notifications=_notifications(rules, detected),
        hidden=hidden_of(detected.decisions),
        rule_version=rules.notifications.version,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post("/suppress/{userId}", dependencies=[Depends(requires(Role.APP, Role.USER))], response_model=SuppressAnswer)
async def post_suppress(user_id: OwnUserId, store: StoreDep, rules: CurrentRules) -> Response:
    """The user dismissed help: what is shown is DISMISSED, its offer ends, and no prompt is shown for half an hour."""
    answer = await store.writer.submit(_suppress, rules, user_id)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/stream", response_class=EventSourceResponse)
async def stream_prompts(caller: Phone, store: StoreDep, registry: RegistryDep) -> AsyncIterator[ServerSentEvent]:
    """Prompts for the phone of this user as they are offered: event `prompt`, data as `prompt` of `POST /friction/detect`.

    It begins with what is not answered yet; `id` is the promptId, by which the app knows what it has shown.
    """
    user_id = caller.user_id or ""
    sent: set[str] = set()
    while True:
        rules, at = registry.current(), clock.now()
        with store.read() as connection:
            rows = [row for row in unanswered_of(connection, rules, user_id, at) if row.prompt_id not in sent]
        offered = [row.prompt_id for row in rows if row.status == PromptStatus.OFFERED]
        if offered:
            await store.writer.submit(mark_shown, offered, at)
        for row in reversed(rows):
            sent.add(row.prompt_id)
            prompt = PromptAnswer.of(rules, row).model_dump(mode="json", by_alias=True)
            yield ServerSentEvent(event="prompt", id=row.prompt_id, data=prompt)
        await asyncio.sleep(LOOKS_EVERY_SECONDS)


def _suppress(connection: Connection, rules: Rules, user_id: str) -> SuppressAnswer:
    until, dismissed = dismiss(connection, rules, user_id, clock.now())
    return SuppressAnswer(suppressed_until=until, dismissed_prompts=dismissed)


def _notifications(rules: Rules, detected: Detected) -> list[NotificationAnswer]:
    due = {one.code for one in detected.evaluation.due if one.rule_set is RuleSet.NOTIFICATION}
    status = {row.rule_code: row.status for row in detected.prompts if row.rule_set == RuleSet.NOTIFICATION}
    return [
        NotificationAnswer(code=rule.code, flow=rule.flow, is_due=rule.code in due, status=status.get(rule.code))
        for rule in rules.notifications.rules
    ]
