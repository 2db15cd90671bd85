"""POST /friction/detect and /friction/signals."""

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter
from sqlalchemy import Connection

from api.context.bodies import body_schema, read_many
from api.context.callers import Teller, own_user
from api.context.schemas import SignalsAnswer
from api.context.service import log_signals
from api.deps import CurrentRules, Once
from api.friction.detection import Detected, detect, detect_held
from api.friction.schemas import (
    ActionAnswer,
    DetectAnswer,
    DetectInput,
    Done,
    FrictionSignalInput,
    ReasonAnswer,
)
from api.notifications.rules import Hidden
from api.notifications.schemas import PromptAnswer, hidden_of
from api.rules.sets import Rules
from store.session import Store

router = APIRouter(prefix="/friction", tags=["friction"])
SIGNALS = TypeAdapter(list[FrictionSignalInput])


@router.post("/detect", response_model=DetectAnswer)
async def post_detect(wanted: DetectInput, caller: Teller, request: Request, once: Once) -> Response:
    """Score the user now, and offer the help that is due: a prompt, with an incidence if people may help.

    Each evaluation is kept with its inputs. Asking again changes nothing more: a prompt comes once for a rule and session, and
    one that is not answered yet is answered again.
    """
    # Asked for most of all: as dependencies of their own these two would take 20 µs.
    store: Store = request.app.state.store
    rules: Rules = request.app.state.rules.current()
    user_id = own_user(caller, wanted.user_id)
    if once.has_key:
        return await once(200, _detect_held, rules, user_id)
    answer = _answer(rules, await detect(store, rules, user_id))
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post("/signals", response_model=SignalsAnswer, openapi_extra=body_schema(SIGNALS))
async def post_friction_signals(request: Request, caller: Teller, rules: CurrentRules, once: Once) -> Response:
    """Log friction signals of one or several users: one, a JSON array, or NDJSON, up to 1 MiB. Sending them again is harmless."""
    rows = read_many(SIGNALS, await request.body(), request.headers.get("content-type", ""))
    by_user: dict[str, list[FrictionSignalInput]] = {}
    for row in rows:
        by_user.setdefault(own_user(caller, row.user_id), []).append(row)
    return await once(200, log_signals, rules, by_user)


def _detect_held(connection: Connection, rules: Rules, user_id: str) -> DetectAnswer:
    return _answer(rules, detect_held(connection, rules, user_id))


def _answer(rules: Rules, detected: Detected) -> DetectAnswer:
    evaluation, prompt = detected.evaluation, detected.prompt
    return DetectAnswer(
        user_id=evaluation.user_id,
        session_id=evaluation.session_id,
        evaluated_at=evaluation.evaluated_at,
        score=evaluation.score.score,
        is_help_due=evaluation.score.is_help_due,
        reasons=[ReasonAnswer.of(reason) for reason in evaluation.score.reasons],
        actions=[ActionAnswer.of(due) for due in evaluation.due],
        rule_version=evaluation.rule_version,
        allowed_channels=list(detected.routing.channels),
        channel_reasons=list(detected.routing.reasons),
        prompt=PromptAnswer.of(rules, prompt) if prompt is not None else None,
        incidence_id=prompt.incidence_id if prompt is not None else None,
        hidden=hidden_of(detected.decisions),
        done=_done(detected),
    )


def _done(detected: Detected) -> list[Done]:
    done: list[Done] = []
    reasons = {decision.hidden for decision in detected.decisions}
    if None in reasons:
        done.append(Done.PROMPT_SHOWN)
        if detected.joined is None and detected.evaluation.score.is_help_due:
            done.append(Done.SELF_SERVE_HELP)
    elif detected.prompt is not None:
        done.append(Done.PROMPT_REPEATED)
    if Hidden.HOLDOUT in reasons:
        done.append(Done.PROMPT_WITHHELD)
    if reasons - {None, Hidden.HOLDOUT}:
        done.append(Done.PROMPT_SUPPRESSED)
    if detected.joined is not None:
        done.append(Done.INCIDENCE_JOINED if detected.joined else Done.INCIDENCE_OFFERED)
    return done
