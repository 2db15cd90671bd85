"""Scoring a user, and keeping each score with the inputs that it was made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, select

from api.context.reading import Known, lock_known
from api.context.rules import ContextState, goes_on
from api.friction.rules import Due, Inputs, Score, due_actions, inputs_of, score_of
from api.notifications.rules import due_notifications
from api.rules.registry import load_rules
from api.rules.sets import Rules
from store.enums import RuleSet
from store.ids import new_id
from store.prepared import Prepared
from store.tables import friction_scores, orders, rule_versions


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
    write_score(connection, evaluation)
    return evaluation


def write_score(connection: Connection, evaluation: Evaluation) -> None:
    """Keep an evaluation as of its instant.

    What was committed between its reading and this, and is from before it, an order or new rules, is taken into account: the
    row is what the log says.
    """
    inputs, score, version = evaluation.inputs, evaluation.score, evaluation.rule_version
    found = _SINCE.one(connection, {"user": evaluation.user_id, "at": evaluation.evaluated_at})
    if found.rule_version != version or (inputs.is_first_time_user and found.has_ordered):
        inputs = replace(inputs, is_first_time_user=inputs.is_first_time_user and not found.has_ordered)
        in_force = load_rules(connection, evaluation.evaluated_at).friction
        score, version = score_of(in_force, inputs), in_force.version
    _INSERT.run(connection, _row(evaluation, inputs, score, version))


def write_scores(connection: Connection, items: Sequence[Evaluation]) -> None:
    """Keep several evaluations, each as `write_score` does."""
    first, last = min(one.evaluated_at for one in items), max(one.evaluated_at for one in items)
    versions = {_SINCE.one(connection, {"user": "", "at": at}).rule_version for at in (first, last)}
    ordered = set(connection.execute(_ORDERED_BEFORE, {"users": [one.user_id for one in items], "at": last}).scalars())
    plain: list[dict[str, Any]] = []
    for one in items:
        if versions == {one.rule_version} and one.user_id not in ordered:
            plain.append(_row(one, one.inputs, one.score, one.rule_version))
        else:
            write_score(connection, one)
    if plain:
        _INSERT.run_many(connection, plain)


def _row(evaluation: Evaluation, inputs: Inputs, score: Score, rule_version: int) -> dict[str, Any]:
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
        "rule_version": rule_version,
        "evaluated_at": evaluation.evaluated_at,
    }


_NEWEST_RULES = select(func.max(rule_versions.c.version)).where(
    rule_versions.c.rule_set == RuleSet.FRICTION, rule_versions.c.valid_from <= bindparam("at")
)
_ORDERED = exists().where(orders.c.user_id == bindparam("user"), orders.c.recorded_at < bindparam("at"))
_SINCE = Prepared(select(_NEWEST_RULES.scalar_subquery().label("rule_version"), _ORDERED.label("has_ordered")))
_ORDERED_BEFORE = select(orders.c.user_id).where(
    orders.c.user_id.in_(bindparam("users", expanding=True)), orders.c.recorded_at < bindparam("at")
)
_INSERT = Prepared(insert(friction_scores))
