"""The life of prompts: offered, shown, then accepted, dismissed or expired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, String, any_, bindparam, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from api.channel.rules import Routing, allowed_channels
from api.friction.rules import category_of
from api.friction.service import Evaluation
from api.incidences.closing import drop_offer
from api.incidences.starting import StartedIncidence, StartIncidence, start_incidence
from api.notifications.rules import Decision, Situation, decide, is_office_open
from api.rules.sets import Rules, Texts
from store.enums import FrictionAction, IncidenceTrigger, PromptStatus, RuleSet, Stage
from store.ids import is_in_holdout, new_id
from store.prepared import Prepared
from store.tables import prompts, suppressions, user_context

UNANSWERED = (PromptStatus.OFFERED, PromptStatus.SHOWN)


@dataclass(frozen=True, slots=True)
class Offering:
    """What an evaluation led to. `decisions` is empty when nothing new was due."""

    decisions: tuple[Decision, ...]
    incidence: StartedIncidence | None
    routing: Routing


def route_cart(rules: Rules, evaluation: Evaluation) -> Routing:
    """The channels that the user's cart opens."""
    cart = evaluation.state.cart
    always = rules.policies.always_assisted_event_types
    return allowed_channels(rules.routing.bands, cart.value_paise, cart.event_type, always)


def prompts_of(connection: Connection, session_id: str) -> Sequence[Row[Any]]:
    """Every prompt that was due in the session, the oldest first."""
    return _OF_SESSION.all(connection, {"session": session_id})


def prompts_of_each(connection: Connection, session_ids: Sequence[str]) -> Mapping[str, Sequence[Row[Any]]]:
    """The same of each of the sessions."""
    if connection.dialect.name == "postgresql" and len(session_ids) > 1:
        found: dict[str, list[Row[Any]]] = {session_id: [] for session_id in session_ids}
        for row in _OF_SESSIONS.all(connection, {"sessions": list(session_ids)}):
            found[row.session_id].append(row)
        return found
    return {session_id: prompts_of(connection, session_id) for session_id in session_ids}


def is_anything_new(evaluation: Evaluation, there: Sequence[Row[Any]]) -> bool:
    """Whether a rule is due that was not due before in the session."""
    known = {(row.rule_set, row.rule_code) for row in there}
    return any((due.rule_set, due.code) not in known for due in evaluation.due)


def offer_prompts(
    connection: Connection, rules: Rules, evaluation: Evaluation, at: datetime, *, is_answered: bool = False
) -> Offering:
    """Write a row for each rule that is newly due, and offer the strongest; if help is due, with an incidence.

    `is_answered`: the prompt goes out in the answer, and is thereby shown. The caller holds the user's context.
    """
    routing = route_cart(rules, evaluation)
    there = prompts_of(connection, evaluation.session_id)
    if not is_anything_new(evaluation, there):
        return Offering((), None, routing)
    known = {(row.rule_set, row.rule_code) for row in there}
    had = sum(row.status != PromptStatus.SUPPRESSED for row in there)
    situation = Situation(
        channels=routing.channels,
        is_office_open=is_office_open(rules.office_hours, at),
        is_holdout=is_in_holdout(evaluation.user_id, rules.policies.holdout_share),
        is_snoozed=_is_snoozed(connection, evaluation.user_id, at),
        room=rules.policies.prompts_per_session - had,
    )
    decisions = decide([due for due in evaluation.due if (due.rule_set, due.code) not in known], situation)
    rows = [_row(evaluation, decision, situation, at, is_answered=is_answered) for decision in decisions]
    connection.execute(_INSERT[connection.dialect.name], rows)
    shown = next((row for row, decision in zip(rows, decisions, strict=True) if decision.hidden is None), None)
    incidence = None
    is_served = bool(routing.channels) and situation.is_office_open
    if shown is not None and evaluation.score.is_help_due and is_served:
        due = next(decision.due for decision in decisions if decision.hidden is None)
        incidence = start_incidence(
            connection,
            rules,
            StartIncidence(
                user_id=evaluation.user_id,
                stage=Stage.PRE_ORDER,
                trigger=IncidenceTrigger.SYSTEM_INITIATED,
                app_screen=evaluation.state.screen,
                selected_items=list(evaluation.state.cart.items),
                prompt_id=shown["prompt_id"],
                issue_category=due.issue_category or category_of(evaluation.score),
                as_offer=True,
            ),
            at,
        )
        connection.execute(_LINK, {"id": shown["prompt_id"], "incidence": incidence.incidence_id})
    return Offering(tuple(decisions), incidence, routing)


def unanswered_of(connection: Connection, rules: Rules, user_id: str, at: datetime) -> Sequence[Row[Any]]:
    """The user's prompts that are offered or shown and wait for an answer, the newest first."""
    oldest = at - timedelta(minutes=rules.policies.prompt_expiry_minutes)
    return connection.execute(_UNANSWERED, {"user": user_id, "oldest": oldest}).all()


def unanswered_in(rules: Rules, there: Sequence[Row[Any]], at: datetime) -> Row[Any] | None:
    """The newest of these prompts that waits for an answer."""
    oldest = at - timedelta(minutes=rules.policies.prompt_expiry_minutes)
    return next((row for row in reversed(there) if row.status in UNANSWERED and row.due_at > oldest), None)


def mark_shown(connection: Connection, prompt_ids: Sequence[str], at: datetime) -> None:
    """They were sent to the user."""
    for prompt_id in prompt_ids:
        connection.execute(_SHOW, {"id": prompt_id, "at": at})


def accept_prompt(connection: Connection, prompt_id: str, incidence_id: str, at: datetime) -> bool:
    """The user took the help, in this incidence. False if the prompt was answered before, or is over."""
    accepted = {"id": prompt_id, "incidence": incidence_id, "at": at}
    return connection.execute(_ACCEPT, accepted).rowcount == 1


def dismiss(connection: Connection, rules: Rules, user_id: str, at: datetime) -> tuple[datetime, list[str]]:
    """The user wants no help: until when none is offered, and the prompts that were dismissed. Their offers end."""
    until = at + timedelta(minutes=rules.policies.snooze_minutes)
    connection.execute(
        _SNOOZE[connection.dialect.name], {"user_id": user_id, "suppressed_until": until, "updated_at": at}
    )
    rows = connection.execute(_DISMISS, {"user": user_id, "at": at}).all()
    _drop_offers(connection, [row.incidence_id for row in rows], PromptStatus.DISMISSED, at)
    return until, [row.prompt_id for row in rows]


def expire_prompts(connection: Connection, rules: Rules, at: datetime, limit: int) -> int:
    """End prompts that nobody answered for too long, or whose session is over, and their offers; how many."""
    found = connection.execute(_EXPIRABLE, {**_expiry(rules, at), "limit": limit}).scalars().all()
    rows = connection.execute(_EXPIRE, {"ids": found, "at": at}).all() if found else []
    _drop_offers(connection, [row.incidence_id for row in rows], PromptStatus.EXPIRED, at)
    return len(rows)


def is_any_expired(connection: Connection, rules: Rules, at: datetime) -> bool:
    return connection.execute(_EXPIRABLE, {**_expiry(rules, at), "limit": 1}).first() is not None


def _expiry(rules: Rules, at: datetime) -> dict[str, datetime]:
    policies = rules.policies
    return {
        "due_before": at - timedelta(minutes=policies.prompt_expiry_minutes),
        "silent_since": at - timedelta(minutes=policies.session_timeout_minutes),
    }


def _drop_offers(connection: Connection, incidence_ids: Sequence[str | None], reason: str, at: datetime) -> None:
    """End the offers of prompts that are over, but not one that another prompt still stands for."""
    for incidence_id in sorted({incidence_id for incidence_id in incidence_ids if incidence_id is not None}):
        if connection.execute(_STILL_OFFERED, {"incidence": incidence_id}).first() is None:
            drop_offer(connection, incidence_id, reason=reason, at=at)


def _is_snoozed(connection: Connection, user_id: str, at: datetime) -> bool:
    until = connection.execute(_SNOOZED, {"user": user_id}).scalar_one_or_none()
    return until is not None and until > at


def _row(
    evaluation: Evaluation, decision: Decision, situation: Situation, at: datetime, *, is_answered: bool
) -> dict[str, Any]:
    is_shown = is_answered and decision.hidden is None
    return {
        "prompt_id": new_id(at),
        "user_id": evaluation.user_id,
        "session_id": evaluation.session_id,
        "score_id": evaluation.score_id,
        "rule_set": decision.due.rule_set,
        "rule_code": decision.due.code,
        "rule_version": decision.due.rule_version,
        "screen": evaluation.state.screen,
        "score": evaluation.score.score,
        "status": PromptStatus.SHOWN if is_shown else decision.status,
        "is_holdout": situation.is_holdout,
        "due_at": at,
        "shown_at": at if is_shown else None,
    }


def wording_of(rules: Rules, rule_set: str, rule_code: str) -> tuple[Texts | None, FrictionAction | None]:
    """What a prompt of the rule says and offers, by the rules in force; no text if the rule is gone."""
    if rule_set == RuleSet.NOTIFICATION:
        return next((rule.text for rule in rules.notifications.rules if rule.code == rule_code), None), None
    signals = {rule.signal_type.value: rule for rule in rules.friction.signals}
    rule = signals.get(rule_code, rules.friction.help)
    return rule.text, rule.action


_IS_UNANSWERED = text("prompts.status IN ('OFFERED', 'SHOWN')")
"""In the words of the index, so that it is used."""
_OLDEST_FIRST = select(prompts).order_by(prompts.c.due_at, prompts.c.prompt_id)
_OF_SESSION = Prepared(_OLDEST_FIRST.where(prompts.c.session_id == bindparam("session")))
_OF_SESSIONS = Prepared(
    _OLDEST_FIRST.where(prompts.c.session_id == any_(bindparam("sessions", type_=postgresql.ARRAY(String))))
)
_UNANSWERED = (
    select(prompts)
    .where(prompts.c.user_id == bindparam("user"), prompts.c.due_at > bindparam("oldest"), _IS_UNANSWERED)
    .order_by(prompts.c.due_at.desc(), prompts.c.prompt_id.desc())
)
_BY_ID = prompts.c.prompt_id == bindparam("id")
_LINK = update(prompts).where(_BY_ID).values(incidence_id=bindparam("incidence"))
_SHOW = (
    update(prompts)
    .where(_BY_ID, prompts.c.status == PromptStatus.OFFERED)
    .values(status=PromptStatus.SHOWN, shown_at=bindparam("at"))
)
_ACCEPT = (
    update(prompts)
    .where(_BY_ID, prompts.c.status.in_(UNANSWERED))
    .values(status=PromptStatus.ACCEPTED, accepted_at=bindparam("at"), incidence_id=bindparam("incidence"))
)
_DISMISS = (
    update(prompts)
    .where(prompts.c.user_id == bindparam("user"), prompts.c.status.in_(UNANSWERED))
    .values(status=PromptStatus.DISMISSED, dismissed_at=bindparam("at"))
    .returning(prompts.c.prompt_id, prompts.c.incidence_id)
)
_EXPIRABLE = (
    select(prompts.c.prompt_id)
    .join(user_context, user_context.c.user_id == prompts.c.user_id, isouter=True)
    .where(
        _IS_UNANSWERED,
        or_(
            prompts.c.due_at <= bindparam("due_before"),
            user_context.c.updated_at < bindparam("silent_since"),
            user_context.c.session_id != prompts.c.session_id,
        ),
        prompts.c.source == "app",
    )
    .order_by(prompts.c.due_at)
    .limit(bindparam("limit"))
)
_EXPIRE = (
    update(prompts)
    .where(prompts.c.prompt_id.in_(bindparam("ids", expanding=True)), prompts.c.status.in_(UNANSWERED))
    .values(status=PromptStatus.EXPIRED, expired_at=bindparam("at"))
    .returning(prompts.c.prompt_id, prompts.c.incidence_id)
)
_STILL_OFFERED = (
    select(prompts.c.prompt_id).where(prompts.c.incidence_id == bindparam("incidence"), _IS_UNANSWERED).limit(1)
)
_SNOOZED = select(suppressions.c.suppressed_until).where(suppressions.c.user_id == bindparam("user"))


def _snooze(dialect: Any) -> Any:
    snooze = dialect.insert(suppressions)
    changed = {name: snooze.excluded[name] for name in ("suppressed_until", "updated_at", "change_seq")}
    return snooze.on_conflict_do_update(index_elements=["user_id"], set_=changed)


_DIALECTS = {dialect.dialect.name: dialect for dialect in (sqlite, postgresql)}
_SNOOZE = {name: _snooze(dialect) for name, dialect in _DIALECTS.items()}
_INSERT = {name: dialect.insert(prompts).on_conflict_do_nothing() for name, dialect in _DIALECTS.items()}
