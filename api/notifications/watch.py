"""Noticing without a request that somebody stands still for too long, and that nobody answered a prompt."""

import math
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from api.context.reading import Known, lock_known, read_known
from api.friction.service import Evaluation, judge, write_score
from api.incidences.reading import DEMO_SOURCE
from api.notifications.service import is_anything_new, offer_prompts, prompts_of
from api.rules.sets import Rules
from store import clock
from store.enums import SignalType
from store.tables import user_context

AT_ONCE = 25
"""How many users one change looks after: those who wait to write wait for it."""
_OVERLAP = timedelta(seconds=2)
"""Commits take a moment; looking twice is harmless."""


def look_after(connection: Connection, rules: Rules, user_id: str, at: datetime) -> bool:
    """Score the user and offer what is newly due; whether anything was. Nothing new leaves no trace."""
    known = lock_known(connection, user_id)
    evaluation = _newly_due(connection, rules, known, at)
    if evaluation is None:
        return False
    write_score(connection, evaluation)
    offer_prompts(connection, rules, evaluation, at)
    return True


class InactivityWatch:
    """Looks at those whose inactivity has just gone over a threshold: found by an index, each once for each threshold.

    Who sends a heartbeat after having been away is looked at by that request. Several processes may watch: whoever comes
    second finds nothing new.
    """

    def __init__(self) -> None:
        self._looked_until: datetime | None = None
        self._waiting: list[str] = []

    def is_due(self, connection: Connection, rules: Rules) -> bool:
        """Whether somebody waits to be looked after."""
        at = clock.now()
        since = self._looked_until
        if since is None or since > at:
            since = at - timedelta(minutes=rules.policies.session_timeout_minutes)
        found = dict.fromkeys(self._waiting)
        for seconds in inactivity_thresholds(rules):
            span = timedelta(seconds=math.floor(seconds) + 1)
            still = connection.execute(_STILL, {"after": since - _OVERLAP - span, "until": at - span})
            found.update(dict.fromkeys(still.scalars()))
        self._waiting = [user for user in found if _is_newly_due(connection, rules, user, at)]
        self._looked_until = at
        return bool(self._waiting)

    def look(self, connection: Connection, rules: Rules) -> int:
        """Look after the next ones; how many had something due."""
        at = clock.now()
        return sum(look_after(connection, rules, user_id, at) for user_id in self._waiting[:AT_ONCE])


def inactivity_thresholds(rules: Rules) -> set[float]:
    """The seconds of standing still at which something may become due."""
    thresholds = {rule.over for rule in rules.friction.signals if rule.signal_type is SignalType.CHECKOUT_INACTIVITY}
    thresholds |= {rule.over for rule in rules.notifications.rules if rule.condition == "INACTIVITY_SECONDS"}
    scored = rules.friction.score("INACTIVITY").over
    return thresholds | ({scored} if scored is not None else set())


def _is_newly_due(connection: Connection, rules: Rules, user_id: str, at: datetime) -> bool:
    known = read_known(connection, user_id)
    return known is not None and _newly_due(connection, rules, known, at) is not None


def _newly_due(connection: Connection, rules: Rules, known: Known, at: datetime) -> Evaluation | None:
    if known.state.session_id is None:
        return None
    evaluation = judge(rules, known, at)
    if evaluation.due and is_anything_new(evaluation, prompts_of(connection, evaluation.session_id)):
        return evaluation
    return None


_STILL = select(user_context.c.user_id).where(
    user_context.c.last_activity_at > bindparam("after"),
    user_context.c.last_activity_at <= bindparam("until"),
    user_context.c.is_foreground.is_(True),
    user_context.c.source != DEMO_SOURCE,  # their story is told already
)
