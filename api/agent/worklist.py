"""The desk's queue: what is open, whose it is, why it is here, and until when.

It shows live incidences. Until there is any, it shows what the demo left open; what an agent took of that stays theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select

from api.escalation.queue import is_waiting, queue_reasons
from api.escalation.schemas import QueueReason
from api.incidences.reading import DEMO_SOURCE, is_of, shown_source
from api.incidences.rules import status_of
from api.incidences.schemas import IncidenceAnswer
from store.enums import AgentLevel, EscalationLevel, EscalationTrigger, IncidenceStatus
from store.tables import agents, incidences, timers, user_context, users


class View(StrEnum):
    """WAITING: nobody has it, or nobody of the level that it was escalated to."""

    MINE = "MINE"
    UNASSIGNED = "UNASSIGNED"
    ESCALATED = "ESCALATED"
    WAITING = "WAITING"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the queue is wanted. `text` is looked for in the name, and as the beginning of user, order or incidence id."""

    view: View
    level: EscalationLevel | None = None
    channel: str | None = None
    language: str | None = None
    tier: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """What happens at `due_at` if nobody resolves it; None when that has happened already."""

    due_at: datetime
    kind: EscalationTrigger | None


@dataclass(frozen=True, slots=True)
class WorkEntry:
    """One line of the queue."""

    incidence_id: str
    user_id: str
    name: str | None
    tier: str | None
    language: str | None
    order_id: str | None
    status: IncidenceStatus
    stage: str
    channel: str | None
    trigger: str
    escalation_level: EscalationLevel | None
    order_value_paise: int | None
    event_type: str | None
    event_date: date | None
    guest_count: int | None
    app_screen: str | None
    issue_category: str | None
    agent_id: str | None
    agent_name: str | None
    is_waiting: bool
    opened_at: datetime
    clock: Clock | None
    reasons: Sequence[QueueReason]
    etag: str
    """Of the incidence, for If-Match."""
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Worklist:
    """`counts`: how many each view has of what is asked for otherwise. `is_demo`: no live incidence ever was."""

    entries: Sequence[WorkEntry]
    counts: Mapping[View, int]
    is_demo: bool


def read_worklist(connection: Connection, asked: Asked, agent_id: str | None, *, limit: int = 100) -> Worklist:
    """The queue by level, order value and age, as this agent sees it; None for somebody who is no agent."""
    levels = {row.agent_id: row.levels for row in connection.execute(select(agents.c.agent_id, agents.c.levels))}
    is_in = {view: _condition(view, agent_id, levels) for view in View}
    source = shown_source(connection)
    wanted = _conditions(asked, source, agent_id)
    tally = [func.coalesce(func.sum(case((is_in[view], 1), else_=0)), 0).label(view) for view in View]
    counted = connection.execute(select(*tally).select_from(_JOINED).where(*wanted)).mappings().one()
    shown = select(*_COLUMNS).select_from(_JOINED).where(*wanted, is_in[asked.view]).order_by(*_ORDER).limit(limit)
    rows = connection.execute(shown).all()
    reasons = queue_reasons(connection, rows, levels)
    clocks = _clocks(connection, [row.incidence_id for row in rows])
    return Worklist(
        [_entry(row, levels, reasons[row.incidence_id], clocks.get(row.incidence_id)) for row in rows],
        {view: counted[view] for view in View},
        is_demo=source == DEMO_SOURCE,
    )


def read_clock(connection: Connection, incidence_id: str) -> Clock | None:
    """The clock of one incidence; None if none ever ran."""
    return _clocks(connection, [incidence_id]).get(incidence_id)


def read_customers(connection: Connection, incidence_ids: Sequence[str]) -> dict[str, str]:
    """Whom each of these incidences is about: the name, or the id of a user whose name nobody told."""
    query = select(incidences.c.incidence_id, incidences.c.user_id, users.c.name)
    query = query.outerjoin(users, users.c.user_id == incidences.c.user_id)
    rows = connection.execute(query.where(incidences.c.incidence_id.in_(incidence_ids)))
    return {row.incidence_id: row.name or row.user_id for row in rows}


def _conditions(asked: Asked, source: str, agent_id: str | None) -> list[ColumnElement[bool]]:
    wanted = [
        incidences.c.outcome.is_(None),
        incidences.c.opened_at.is_not(None),
        incidences.c.merged_into.is_(None),
        or_(is_of(source), incidences.c.agent_id == (agent_id or "")),
    ]
    for column, value in (
        (incidences.c.escalation_level, asked.level),
        (incidences.c.channel, asked.channel),
        (users.c.language, asked.language),
        (users.c.tier, asked.tier),
    ):
        if value is not None:
            wanted.append(column == value)
    if asked.text is not None:
        ids = (incidences.c.user_id, incidences.c.order_id, incidences.c.incidence_id)
        wanted.append(
            or_(
                func.lower(users.c.name).contains(asked.text.lower(), autoescape=True),
                *(column.startswith(asked.text, autoescape=True) for column in ids),
            )
        )
    return wanted


def _condition(view: View, agent_id: str | None, levels: Mapping[str, Sequence[str]]) -> ColumnElement[bool]:
    has_none = incidences.c.agent_id.is_(None)
    match view:
        case View.MINE:
            return incidences.c.agent_id == (agent_id or "")
        case View.UNASSIGNED:
            return has_none
        case View.ESCALATED:
            return incidences.c.escalation_level.is_not(None)
        case View.WAITING:
            return or_(has_none, *(_lacks(level, levels) for level in AgentLevel if level is not AgentLevel.AGENT))
        case View.ALL:
            return incidences.c.outcome.is_(None)


def _lacks(level: AgentLevel, levels: Mapping[str, Sequence[str]]) -> ColumnElement[bool]:
    """It was escalated to the level, and its agent does not have it."""
    having = [agent_id for agent_id, of_agent in levels.items() if level in of_agent]
    return and_(incidences.c.escalation_level == level, incidences.c.agent_id.not_in(having))


def _clocks(connection: Connection, incidence_ids: Sequence[str]) -> dict[str, Clock]:
    """The next one that runs; else when the last was due."""
    found: dict[str, Clock] = {}
    query = select(timers).where(timers.c.incidence_id.in_(incidence_ids)).order_by(timers.c.due_at)
    for row in connection.execute(query):
        known = found.get(row.incidence_id)
        if row.done_at is None:
            if known is None or known.kind is None:
                found[row.incidence_id] = Clock(row.due_at, EscalationTrigger(row.kind))
        elif known is None or known.kind is None:
            found[row.incidence_id] = Clock(row.due_at, None)
    return found


def _entry(
    row: Row[Any], levels: Mapping[str, Sequence[str]], reasons: Sequence[QueueReason], clock: Clock | None
) -> WorkEntry:
    level = EscalationLevel(row.escalation_level) if row.escalation_level is not None else None
    names = set(WorkEntry.__dataclass_fields__) & set(row._fields)
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    values |= {"escalation_level": level, "status": status_of(row), "clock": clock, "reasons": reasons}
    values |= {"is_waiting": is_waiting(row, levels), "is_demo": row.source == DEMO_SOURCE}
    return WorkEntry(**values, etag=IncidenceAnswer.of(row).etag)


_AGENT = agents.alias("holder")
_JOINED = (
    incidences.outerjoin(users, users.c.user_id == incidences.c.user_id)
    .outerjoin(user_context, user_context.c.user_id == incidences.c.user_id)
    .outerjoin(_AGENT, _AGENT.c.agent_id == incidences.c.agent_id)
)
_COLUMNS = (
    incidences,
    users.c.name,
    users.c.tier,
    users.c.language,
    user_context.c.event_date,
    user_context.c.guest_count,
    _AGENT.c.name.label("agent_name"),
)
_RANK = case(
    {each: number for number, each in enumerate(EscalationLevel)}, value=incidences.c.escalation_level, else_=-1
)
_ORDER = (
    _RANK.desc(),
    func.coalesce(incidences.c.order_value_paise, 0).desc(),
    incidences.c.opened_at,
    incidences.c.incidence_id,
)
