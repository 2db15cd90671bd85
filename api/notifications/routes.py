"""POST /notifications/trigger and /notifications/suppress/{userId}, and the stream of prompts for the app."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from api.auth import requires
from api.context.callers import Teller, own_user
from api.deps import CurrentRules, Once, OwnUserId, RegistryDep, StoreDep
from api.friction.detection import Detected, detect, detect_held
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
from api.streams import RESET, StreamsDep
from api.tokens.keyring import Principal
from store import clock
from store.enums import PromptStatus, Role, RuleSet
from store.session import Store

router = APIRouter(prefix="/notifications", tags=["notifications"])
Phone = Annotated[Principal, Depends(requires(Role.USER))]
_OVER = frozenset({PromptStatus.ACCEPTED, PromptStatus.DISMISSED, PromptStatus.EXPIRED})
_NEWS = frozenset({*PromptStatus, RESET}) - _OVER


@router.post("/trigger", response_model=TriggerAnswer)
async def post_trigger(
    wanted: TriggerInput, caller: Teller, store: StoreDep, rules: CurrentRules, once: Once
) -> Response:
    """Ask whether a notification is due where the user is now. What is shown is decided as for friction: once for a rule and
    session, three a session, the strongest first, none after a dismissal or for the holdout.
    """
    user_id = own_user(caller, wanted.user_id)
    if once.has_key:
        return await once(200, _trigger_held, rules, user_id)
    answer = _answer(rules, await detect(store, rules, user_id))
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post("/suppress/{userId}", dependencies=[Depends(requires(Role.APP, Role.USER))], response_model=SuppressAnswer)
async def post_suppress(user_id: OwnUserId, rules: CurrentRules, once: Once) -> Response:
    """The user dismissed help: what is shown is DISMISSED, its offer ends, and no prompt is shown for half an hour."""
    return await once(200, _suppress, rules, user_id)


@router.get("/stream", response_class=EventSourceResponse)
async def stream_prompts(
    caller: Phone, store: StoreDep, registry: RegistryDep, streams: StreamsDep
) -> AsyncIterator[ServerSentEvent]:
    """Prompts for the phone of this user as they are offered: event `prompt`, with data as `prompt` of `POST /friction/detect`.

    It begins with what waits for an answer; the app knows by `promptId` what it has shown. Event `prompt_over` tells that one
    was accepted, dismissed or expired.
    """
    user_id, sent = caller.user_id or "", set[str]()
    is_first = True
    async for event in streams.listen("prompts", lambda change: change.subject == user_id):
        if event.event in _OVER:
            yield ServerSentEvent(event="prompt_over", id=event.id, data=event.data)
        elif is_first or event.event in _NEWS:
            for prompt in await _unsent(store, registry.current(), user_id, sent):
                yield ServerSentEvent(event="prompt", data=prompt.model_dump(mode="json", by_alias=True))
            yield ServerSentEvent(id=event.id, retry=event.retry)
        else:
            yield event
        is_first = False


async def _unsent(store: Store, rules: Rules, user_id: str, sent: set[str]) -> list[PromptAnswer]:
    """The prompts that wait for an answer and were not sent yet, the oldest first; from now on they are shown."""
    at = clock.now()
    with store.read() as connection:
        rows = [row for row in unanswered_of(connection, rules, user_id, at) if row.prompt_id not in sent]
    offered = [row.prompt_id for row in rows if row.status == PromptStatus.OFFERED]
    if offered:
        await store.writer.submit(mark_shown, offered, at)
    sent.update(row.prompt_id for row in rows)
    return [PromptAnswer.of(rules, row) for row in reversed(rows)]


def _trigger_held(connection: Connection, rules: Rules, user_id: str) -> TriggerAnswer:
    return _answer(rules, detect_held(connection, rules, user_id))


def _answer(rules: Rules, detected: Detected) -> TriggerAnswer:
    prompt = detected.prompt
    return TriggerAnswer(
        prompt=PromptAnswer.of(rules, prompt) if prompt is not None else None,
        notifications=_notifications(rules, detected),
        hidden=hidden_of(detected.decisions),
        rule_version=rules.notifications.version,
    )


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
