"""Scoring a user, and keeping each score with the inputs that it was made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from api.context.reading import Known, lock_known
from api.context.rules import ContextState, goes_on
from api.friction.rules import Due, Inputs, Score, due_actions, inputs_of, score_of
from api.notifications.rules import due_notifications
from api.rules.sets import Rules
from store.enums import RuleSet
from store.ids import new_id
from store.tables import friction_scores, orders


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found of a user at one moment. `due` has every rule whose prompt is due, strongest first."""

    score_id: str
    user_id: str
    evaluated_at: datetime
    state: ContextState
    inputs: Inputs
    score: Score
    due: tuple[Due, ...]
    rule_version: int
    is_session_over: bool

    @property
    def session_id(self) -> str:
        return self.state.session_id or ""


def judge(rules: Rules, known: Known, at: datetime) -> Evaluation:
    """Score what is known of a user who has, or had, a session. Nothing is written."""
    state = known.state
    inputs = inputs_of(state, at, first_order_at=known.first_order_at, prior_order_count=known.prior_order_count)
    score = score_of(rules.friction, inputs)
    is_over = not goes_on(state, at, timedelta(minutes=rules.policies.session_timeout_minutes))
    here = rules.screens.flow_of(state.screen)
    due: list[Due] = []
    if not is_over:  # nobody is there to be asked
        due = [
            *due_actions(rules.friction, state, inputs, score, here),
            *due_notifications(rules.notifications, state, inputs, here),
        ]
    due.sort(key=lambda one: one.priority)
    return Evaluation(new_id(at), known.user_id, at, state, inputs, score, tuple(due), rules.friction.version, is_over)


def evaluate(connection: Connection, rules: Rules, user_id: str, at: datetime) -> Evaluation:
    """Score the user and keep the score; the context is held until the transaction ends. Raises `NotFound`."""
    evaluation = judge(rules, lock_known(connection, user_id), at)
    write_score(connection, rules, evaluation)
    return evaluation


def write_score(connection: Connection, rules: Rules, evaluation: Evaluation) -> None:
    """Keep an evaluation. If an order from before it was committed since it read, the score without FIRST_TIME_USER is kept."""
    inputs, score, at = evaluation.inputs, evaluation.score, evaluation.evaluated_at
    if inputs.is_first_time_user and connection.execute(_ORDERED, {"user": evaluation.user_id, "at": at}).first():
        inputs = Inputs(
            inputs.inactivity_seconds,
            inputs.back_navigation_count,
            inputs.price_check_count,
            inputs.is_high_value_event,
            is_first_time_user=False,
        )
        score = score_of(rules.friction, inputs)
    connection.execute(_INSERT, _row(evaluation, inputs, score))


def _row(evaluation: Evaluation, inputs: Inputs, score: Score) -> dict[str, Any]:
    actions = dict.fromkeys(due.action for due in evaluation.due if due.rule_set is RuleSet.FRICTION)
    return {
        "score_id": evaluation.score_id,
        "user_id": evaluation.user_id,
        "session_id": evaluation.session_id,
        "after_seq": evaluation.state.last_seq,
        "inactivity_seconds": inputs.inactivity_seconds,
        "back_navigation_count": inputs.back_navigation_count,
        "price_check_count": inputs.price_check_count,
        "is_high_value_event": inputs.is_high_value_event,
        "is_first_time_user": inputs.is_first_time_user,
        "score": score.score,
        "is_help_due": score.is_help_due,
        "reasons": [reason.code for reason in score.reasons],
        "due_actions": list(actions),
        "rule_version": evaluation.rule_version,
        "evaluated_at": evaluation.evaluated_at,
    }


_ORDERED = (
    select(orders.c.order_id)
    .where(orders.c.user_id == bindparam("user"), orders.c.placed_at < bindparam("at"))
    .limit(1)
)
_INSERT = insert(friction_scores)
