"""From what is known of a user to the help that is offered: score, route, prompt, incidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from api.channel.rules import Routing
from api.context.reading import Known, lock_known, no_context, read_known_of
from api.friction.service import Evaluation, judge, write_score, write_scores
from api.notifications.rules import Decision
from api.notifications.service import (
    is_anything_new,
    mark_shown,
    offer_prompts,
    prompts_of,
    prompts_of_each,
    route_cart,
    unanswered_in,
)
from api.rules.sets import Rules
from store import clock
from store.enums import PromptStatus
from store.session import Store


@dataclass(frozen=True, slots=True)
class Detected:
    """`prompt` is what the user is to see now; `decisions` is empty when nothing was newly due."""

    evaluation: Evaluation
    routing: Routing
    decisions: tuple[Decision, ...]
    prompts: Sequence[Row[Any]]
    """Every one of the session."""
    prompt: Row[Any] | None
    joined: bool | None
    """Whether the incidence was open before; None if none was opened or joined."""


async def detect(store: Store, rules: Rules, user_id: str) -> Detected:
    """Score the user and do what follows. It waits for the disk only if something is offered. Raises `NotFound`."""
    seen = await store.ask_together(_look, user_id)
    known, there = seen if seen is not None else (None, ())
    evaluation = judge(rules, _with_session(known), clock.now())
    prompt = unanswered_in(rules, there, evaluation.evaluated_at)
    is_undelivered = prompt is not None and prompt.status == PromptStatus.OFFERED
    if is_undelivered or is_anything_new(evaluation, there):
        return await store.writer.submit(detect_held, rules, user_id)
    store.writer.submit_later(write_scores, evaluation)
    return Detected(evaluation, route_cart(rules, evaluation), (), there, prompt, None)


def _look(connection: Connection, user_ids: Sequence[str]) -> Mapping[str, tuple[Known, Sequence[Row[Any]]]]:
    """What is known of each user, with the prompts of the session. Before anything is offered it is looked at again."""
    known = read_known_of(connection, user_ids)
    sessions = {user_id: one.state.session_id for user_id, one in known.items() if one.has_prompts}
    prompts = prompts_of_each(connection, [session_id for session_id in sessions.values() if session_id is not None])
    return {user_id: (one, prompts.get(one.state.session_id or "", ())) for user_id, one in known.items()}


def _with_session(known: Known | None) -> Known:
    if known is None or known.state.session_id is None:
        raise no_context()
    return known


def detect_held(connection: Connection, rules: Rules, user_id: str) -> Detected:
    """The same with the user's context held, in one transaction. Raises `NotFound`."""
    known = _with_session(lock_known(connection, user_id))
    at = clock.now()
    evaluation = judge(rules, known, at)
    write_score(connection, evaluation)
    offering = offer_prompts(connection, rules, evaluation, at, is_answered=True)
    prompt = unanswered_in(rules, prompts_of(connection, evaluation.session_id), at)
    if prompt is not None and prompt.status == PromptStatus.OFFERED:
        mark_shown(connection, [prompt.prompt_id], at)
    there = prompts_of(connection, evaluation.session_id)
    joined = offering.incidence.joined if offering.incidence is not None else None
    return Detected(evaluation, offering.routing, offering.decisions, there, prompt, joined)
