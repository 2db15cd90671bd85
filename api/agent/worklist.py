"""The desk's queue: what is open, whose it is, why it is here, and until when.

It shows live incidences. Until there is any, it shows what the demo left open; what an agent took of that stays theirs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, case, func, or_, select

from api.escalation.queue import queue_reasons
from api.escalation.schemas import QueueReason
from api.incidences.reading import DEMO_SOURCE, is_of, shown_source
from api.incidences.schemas import IncidenceAnswer
from store.enums import AgentLevel, EscalationLevel, EscalationTrigger
from store.tables import agents, incidences, timers, user_context, users

MOST_ETAGS = 10_000
_etags: dict[tuple[str, int], str] = {}


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
    """One line of the queue. `incidence` is its row of the store."""

    incidence: Row[Any]
    clock: Clock | None
    reasons: Sequence[QueueReason]
    is_demo: bool
    incidence_id: str
    user_id: str
    name: str | None
    tier: str | None
    language: str | None
    trigger: str
    escalation_level: str | None
    order_value_paise: int | None
    event_type: str | None
    event_date: date | None
    guest_count: int | None
    issue_category: str | None
    agent_id: str | None
    agent_name: str | None

    @property
    def etag(self) -> str:
        """Of the incidence, for If-Match."""
        return _etag(self.incidence)


@dataclass(frozen=True, slots=True)
class Worklist:
    """`counts`: how many each view has of what is asked for otherwise. `is_demo`: no live incidence ever was."""

    entries: Sequence[WorkEntry]
    counts: Mapping[View, int]
    is_demo: bool


def read_worklist(connection: Connection, asked: Asked, agent_id: str | None, *, limit: int = 100) -> Worklist:
    """The queue by level, order value and age, as this agent sees it; None for somebody who is no agent."""
    levels = {row.agent_id: row.levels for row in connection.execute(_LEVELS)}
    source = shown_source(connection)
    given = {name: value for name in _FILTERS if (value := getattr(asked, name)) is not None}
    counting, showing = _statements(source, asked.view, tuple(given))
    values = {"agent": agent_id or "", "limit": limit, **_holders(levels), **given, **_looked_for(asked.text or "")}
    counted = connection.execute(counting, values).mappings().one()
    rows = connection.execute(showing, values).all()
    reasons = queue_reasons(connection, rows, levels)
    clocks = _clocks(connection, [row.incidence_id for row in rows])
    return Worklist(
        [_entry(row, reasons[row.incidence_id], clocks.get(row.incidence_id)) for row in rows],
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


@cache
def _statements(
    source: str, view: View, filters: tuple[str, ...]
) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """What counts each view, and what shows this one. They are kept: making them takes as long as running them."""
    wanted = (*_IS_OPEN, or_(is_of(source), _IN[View.MINE]), *(_FILTERS[name] for name in filters))
    tally = [func.coalesce(func.sum(case((is_in, 1), else_=0)), 0).label(each) for each, is_in in _IN.items()]
    counting = select(*tally).select_from(_WITH_USER).where(*wanted)
    # Sorted without the wide columns, which most rows do not need.
    first = select(incidences.c.incidence_id).select_from(_WITH_USER).where(*wanted, _IN[view]).order_by(*_ORDER)
    ids = first.limit(bindparam("limit")).correlate(None)
    showing = select(*_COLUMNS).select_from(_JOINED).where(incidences.c.incidence_id.in_(ids)).order_by(*_ORDER)
    return counting, showing


def _holders(levels: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """By each level that somebody must have, the agents who do."""
    return {level: [agent_id for agent_id, having in levels.items() if level in having] for level in _NEEDED}


def _looked_for(text: str) -> dict[str, str]:
    escaped = re.sub("[/%_]", r"/\g<0>", text)
    return {"text": escaped, "lower_text": escaped.lower()}


def _clocks(connection: Connection, incidence_ids: Sequence[str]) -> dict[str, Clock]:
    """The next one that runs; else when the last was due."""
    found: dict[str, Clock] = {}
    for row in connection.execute(_TIMERS, {"ids": incidence_ids}):
        known = found.get(row.incidence_id)
        if row.done_at is None:
            if known is None or known.kind is None:
                found[row.incidence_id] = Clock(row.due_at, EscalationTrigger(row.kind))
        elif known is None or known.kind is None:
            found[row.incidence_id] = Clock(row.due_at, None)
    return found


def _entry(row: Row[Any], reasons: Sequence[QueueReason], clock: Clock | None) -> WorkEntry:
    return WorkEntry(row, clock, reasons, row.source == DEMO_SOURCE, *_told(row))


def _etag(row: Row[Any]) -> str:
    """Its change makes a row another; those seen before are remembered, as nearly all are when a queue is read anew."""
    version = (row.incidence_id, row.change_seq)
    etag = _etags.get(version)
    if etag is None:
        if len(_etags) == MOST_ETAGS:
            _etags.clear()
        etag = _etags[version] = IncidenceAnswer.of(row).etag
    return etag


_AGENT = agents.alias("holder")
_WITH_USER = incidences.outerjoin(users, users.c.user_id == incidences.c.user_id)
_JOINED = _WITH_USER.outerjoin(user_context, user_context.c.user_id == incidences.c.user_id).outerjoin(
    _AGENT, _AGENT.c.agent_id == incidences.c.agent_id
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
_told = attrgetter(*(field for field in WorkEntry.__dataclass_fields__ if field in select(*_COLUMNS).selected_columns))
"""What the entry has of the row, in its order."""
_RANK = case(
    {each: number for number, each in enumerate(EscalationLevel)}, value=incidences.c.escalation_level, else_=-1
)
_ORDER = (
    _RANK.desc(),
    func.coalesce(incidences.c.order_value_paise, 0).desc(),
    incidences.c.opened_at,
    incidences.c.incidence_id,
)
_LEVELS = select(agents.c.agent_id, agents.c.levels)
_TIMERS = (
    select(timers.c.incidence_id, timers.c.due_at, timers.c.kind, timers.c.done_at)
    .where(timers.c.incidence_id.in_(bindparam("ids", expanding=True)))
    .order_by(timers.c.due_at)
)
_NEEDED = tuple(level for level in AgentLevel if level is not AgentLevel.AGENT)
_IS_OPEN = (incidences.c.outcome.is_(None), incidences.c.opened_at.is_not(None), incidences.c.merged_into.is_(None))
_IN: Mapping[View, ColumnElement[bool]] = {
    View.MINE: incidences.c.agent_id == bindparam("agent"),
    View.UNASSIGNED: incidences.c.agent_id.is_(None),
    View.ESCALATED: incidences.c.escalation_level.is_not(None),
    View.WAITING: or_(
        incidences.c.agent_id.is_(None),
        *(
            and_(
                incidences.c.escalation_level == level,
                incidences.c.agent_id.not_in(bindparam(level, expanding=True)),
            )
            for level in _NEEDED
        ),
    ),
    View.ALL: incidences.c.outcome.is_(None),
}
"""Takes `agent`, and by each level who has it."""
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "level": incidences.c.escalation_level == bindparam("level"),
    "channel": incidences.c.channel == bindparam("channel"),
    "language": users.c.language == bindparam("language"),
    "tier": users.c.tier == bindparam("tier"),
    "text": or_(
        func.lower(users.c.name).contains(bindparam("lower_text"), escape="/"),
        *(
            column.startswith(bindparam("text"), escape="/")
            for column in (incidences.c.user_id, incidences.c.order_id, incidences.c.incidence_id)
        ),
    ),
}
