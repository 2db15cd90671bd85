"""The escalation queue: what was escalated or waits, in the order in which it should be looked at."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, bindparam, case, func, literal, or_, select, tuple_

from api.escalation.schemas import QueueAnswer, QueueEntry, QueueReason
from api.escalation.service import REASONS
from api.incidences.reading import IS_LIVE
from api.incidences.rules import needed_level, status_of
from api.paging import decode_place, encode_place
from store.enums import AgentLevel, EscalationLevel, EscalationTrigger
from store.tables import agents, escalation_log, incidences

_CAUSES = {
    EscalationTrigger.SYSTEM_BUG: "A bug of the app was reported.",
    EscalationTrigger.POLICY_EXCEPTION: "An exception to the policy is asked for.",
    EscalationTrigger.EMOTIONAL_CRITICAL: "The situation is emotional or critical.",
}
_TEXTS = {**REASONS, **_CAUSES}


def read_queue(
    connection: Connection,
    at: datetime,
    *,
    level: EscalationLevel | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> QueueAnswer:
    """Open incidences that were escalated, or that nobody has; of one level if it is given. Raises `BadRequest`."""
    wanted = [
        incidences.c.outcome.is_(None),
        incidences.c.opened_at.is_not(None),
        incidences.c.merged_into.is_(None),
        IS_LIVE,
        or_(incidences.c.escalation_level.is_not(None), incidences.c.agent_id.is_(None)),
    ]
    if level is not None:
        wanted.append(incidences.c.escalation_level == level)
    total = connection.execute(select(func.count()).select_from(incidences).where(*wanted)).scalar_one()
    if cursor is not None:
        by_level, by_value, opened_at, incidence_id = decode_place(cursor, int, int, datetime, str)
        place = (
            literal(by_level, BigInteger),
            literal(by_value, BigInteger),
            literal(opened_at, incidences.c.opened_at.type),
            incidence_id,
        )
        wanted.append(tuple_(*_ORDER) > tuple_(*place))
    found = connection.execute(select(incidences, *_ORDER[:2]).where(*wanted).order_by(*_ORDER).limit(limit + 1)).all()
    rows, last = found[:limit], found[limit - 1] if len(found) > limit else None
    levels = {row.agent_id: row.levels for row in connection.execute(select(agents.c.agent_id, agents.c.levels))}
    reasons = queue_reasons(connection, rows, levels)
    return QueueAnswer(
        items=[_entry(row, reasons[row.incidence_id], levels, at) for row in rows],
        total=total,
        next_cursor=encode_place(last.by_level, last.by_value, last.opened_at, last.incidence_id) if last else None,
    )


def queue_reasons(
    connection: Connection, rows: Sequence[Row[Any]], levels: Mapping[str, Sequence[str]]
) -> Mapping[str, list[QueueReason]]:
    """Why each of these open incidences is looked at, by its id; `levels` are those of every agent."""
    found: dict[str, list[QueueReason]] = defaultdict(list)
    for row in connection.execute(_ESCALATIONS, {"ids": [row.incidence_id for row in rows]}):
        found[row.incidence_id].append(
            QueueReason(
                code=row.trigger,
                text=str(row.reason or _TEXTS.get(EscalationTrigger(row.trigger), row.trigger)),
                level=row.level,
                since=row.escalated_at,
                rule_version=row.rule_version,
            )
        )
    for row in rows:
        if is_waiting(row, levels):
            level = needed_level(row.escalation_level)
            nobody = (
                "Nobody has it yet."
                if row.agent_id is None
                else f"Nobody of level {level} is free; its agent keeps it."
            )
            found[row.incidence_id].append(
                QueueReason(code="WAITING", text=nobody, level=None, since=row.opened_at, rule_version=None)
            )
    return found


def is_waiting(row: Row[Any], levels: Mapping[str, Sequence[str]]) -> bool:
    """Whether nobody has it, or nobody of the level that it was escalated to."""
    needed = needed_level(row.escalation_level)
    return row.agent_id is None or (needed is not AgentLevel.AGENT and needed not in levels.get(row.agent_id, ()))


def _entry(row: Row[Any], reasons: list[QueueReason], levels: Mapping[str, Sequence[str]], at: datetime) -> QueueEntry:
    values = {name: getattr(row, name) for name in QueueEntry.model_fields if name in row._fields}
    return QueueEntry(
        **values,
        status=status_of(row),
        order_value=row.order_value_paise,
        is_waiting=is_waiting(row, levels),
        age_seconds=max(0.0, (at - row.opened_at).total_seconds()),
        reasons=reasons,
    )


_ESCALATIONS = (
    select(
        escalation_log.c.incidence_id,
        escalation_log.c.trigger,
        escalation_log.c.reason,
        escalation_log.c.level,
        escalation_log.c.escalated_at,
        escalation_log.c.rule_version,
    )
    .where(escalation_log.c.incidence_id.in_(bindparam("ids", expanding=True)))
    .order_by(escalation_log.c.escalated_at, escalation_log.c.escalation_id)
)
_LEVELS = {each: -number for number, each in enumerate(EscalationLevel)}
_ORDER: tuple[ColumnElement[Any], ...] = (
    case(_LEVELS, value=incidences.c.escalation_level, else_=1).label("by_level"),
    (-func.coalesce(incidences.c.order_value_paise, 0)).label("by_value"),
    incidences.c.opened_at,
    incidences.c.incidence_id,
)
"""All ascending, as the comparison of a whole row of them wants it."""
