"""What the columns of an incidence say of it. Pure."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from store.enums import AgentLevel, EscalationLevel, IncidenceStatus, Outcome

WORKED_ON = frozenset({IncidenceStatus.OPEN, IncidenceStatus.ASSIGNED})
"""A person is asked for: clocks run, and it waits for an agent or has one."""
_RANKS = {level: rank for rank, level in enumerate(EscalationLevel)}


def status_of(row: Row[Any]) -> IncidenceStatus:
    """The status of a row of `incidences`."""
    return derive_status(row.outcome, is_self_serve=row.is_self_serve, agent_id=row.agent_id, opened_at=row.opened_at)


def derive_status(
    outcome: Outcome | str | None, *, is_self_serve: bool, agent_id: str | None, opened_at: object | None
) -> IncidenceStatus:
    if outcome is not None:
        return IncidenceStatus(outcome)
    if is_self_serve:
        return IncidenceStatus.SELF_SERVE
    if agent_id is not None:
        return IncidenceStatus.ASSIGNED
    return IncidenceStatus.OPEN if opened_at is not None else IncidenceStatus.OFFERED


def needed_level(escalation_level: str | None) -> AgentLevel:
    """Of what level its agent must be. CALL adds a channel and needs nobody else."""
    if escalation_level is None or escalation_level == EscalationLevel.CALL:
        return AgentLevel.AGENT
    return AgentLevel(escalation_level)


def highest(levels: Iterable[EscalationLevel | str | None]) -> EscalationLevel | None:
    """The highest of the levels; None if there is none."""
    known = [EscalationLevel(level) for level in levels if level is not None]
    return max(known, key=_RANKS.__getitem__, default=None)
