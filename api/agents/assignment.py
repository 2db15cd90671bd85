"""Giving incidences to agents: first come, first served; a freed agent takes the longest waiting at once.

An incidence waits while it is open and has no agent, or has one who lacks the level it was escalated to: that agent stays
with the user until someone of the level is free. Live incidences only: the demo's story is told already.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, literal_column, or_, select, text, update

from api.agents.rules import Seat, pick_agent
from api.errors import Conflict, NotFound
from api.incidences.reading import IS_LIVE, lock_incidence
from api.incidences.rules import WORKED_ON, needed_level, status_of
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.outbox.telling import tell_routing
from store.enums import AgentLevel, AgentStatus, EscalationLevel, IncidenceStatus, TimelineEvent
from store.prepared import Prepared
from store.tables import agents, escalation_log, incidences

LONGEST_WAITING = 50
"""How many of those that wait are looked at in one go."""


class AgentLacksLevel(Conflict):
    code = "agent_lacks_level"
    remedy = "Choose an agent of the level that the incidence was escalated to."


class NotOpen(Conflict):
    code = "incidence_not_open"
    remedy = "Only what is OPEN or ASSIGNED has an agent."


def assign_waiting(connection: Connection, at: datetime, *, is_any_known: bool = False) -> list[tuple[str, str]]:
    """Give whatever waits to free agents of the needed level, the longest waiting first; (incidence, agent) pairs.

    Called wherever an incidence begins to wait (then one `is_any_known`) or an agent gets free.
    """
    given: list[tuple[str, str]] = []
    if not is_any_known and not _anything_waits(connection):
        return given
    seats = {seat.agent_id: seat for seat in free_seats(connection)}
    is_worth_a_look = bool(seats)
    while is_worth_a_look:
        is_worth_a_look = False
        covered = {AgentLevel(level) for seat in seats.values() if seat.is_free for level in seat.levels}
        waiting = _waiting(connection, covered) if covered else []
        for row in waiting:
            agent_id = _seat_one(connection, row, seats, at)
            if agent_id is not None:
                given.append((row.incidence_id, agent_id))
                # Who had it is free for one that was passed over; and beyond a full look there may be more.
                is_worth_a_look |= row.agent_id is not None or len(waiting) == LONGEST_WAITING
    return given


def may_assign(connection: Connection) -> bool:
    """Whether something waits and somebody is free; of the same level or not."""
    return _anything_waits(connection) and bool(free_seats(connection))


def assign_incidence(
    connection: Connection,
    incidence_id: str,
    agent_id: str,
    *,
    actor: Actor,
    at: datetime,
    details: dict[str, Any] | None = None,
    tells_chat: bool = True,
) -> None:
    """Give an open incidence to this agent, whatever its load; who had it is free for the longest waiting.

    The chat platform is told, unless it is who told us (`tells_chat` False). Raises `NotFound`, `NotOpen`, `AgentLacksLevel`. Giving it to whom it is with changes nothing.
    """
    row = lock_incidence(connection, incidence_id)
    if row.merged_into is not None or status_of(row) not in WORKED_ON:
        raise NotOpen(f"The incidence is {status_of(row)}.")
    if row.agent_id == agent_id:
        return
    taker = connection.execute(_LOCK_AGENT, {"id": agent_id}).first()
    if taker is None:
        raise NotFound(f"There is no agent {agent_id}.", remedy="GET /agents lists them.")
    level = needed_level(row.escalation_level)
    if level not in taker.levels and level is not AgentLevel.AGENT:
        raise AgentLacksLevel(f"The incidence was escalated to {level}, which {agent_id} is not.", neededLevel=level)
    touch_agent(connection, agent_id, at)
    move(connection, row, agent_id, actor=actor, at=at, details=details, tells_chat=tells_chat)
    if row.agent_id is not None:
        touch_agent(connection, row.agent_id, at)
    assign_waiting(connection, at)


def take_seat(connection: Connection, level: AgentLevel, at: datetime, *, not_of: str | None = None) -> str | None:
    """The agent who takes one more incidence of this level, its seat taken; None if nobody is free."""
    seats = {seat.agent_id: seat for seat in free_seats(connection) if seat.agent_id != not_of}
    return _take(connection, seats, level, at)


def take_seat_of(connection: Connection, incidence_id: str, agent_id: str, at: datetime) -> bool:
    """Give an open incidence that has no agent back to this one; False if that one is not free or lacks the level."""
    row = lock_incidence(connection, incidence_id)
    seat = _seat_of(connection, agent_id)
    seats = {agent_id: seat} if seat is not None else {}
    if _take(connection, seats, needed_level(row.escalation_level), at) is None:
        return False
    move(connection, row, agent_id, actor=SYSTEM, at=at)
    return True


def move(
    connection: Connection,
    row: Row[Any],
    agent_id: str,
    *,
    actor: Actor,
    at: datetime,
    details: dict[str, Any] | None = None,
    tells_chat: bool = True,
) -> None:
    """Make the incidence this agent's, on the timeline and on the chat platform too. The seat is taken before."""
    connection.execute(
        _MOVE, {"id": row.incidence_id, "agent": agent_id, "first_assigned": row.assigned_at or at, "at": at}
    )
    connection.execute(
        _NAME_TAKER, {"incidence": row.incidence_id, "level_word": row.escalation_level, "agent": agent_id}
    )
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.ASSIGNED if row.agent_id is None else TimelineEvent.REASSIGNED,
        actor,
        at,
        agent_id=agent_id,
        channel=row.channel,
        status_after=IncidenceStatus.ASSIGNED,
        details=details if row.agent_id is None else {"fromAgentId": row.agent_id, **(details or {})},
    )
    if tells_chat:
        tell_routing(connection, row.incidence_id, agent_id, needed_level(row.escalation_level))


def free_seats(connection: Connection) -> list[Seat]:
    """Every available agent who is under the limit."""
    return [
        Seat(row.agent_id, row.levels, row.open_limit, row.open_count, row.updated_at)
        for row in _FREE_SEATS.all(connection, {})
    ]


def open_count(connection: Connection, agent_id: str) -> int:
    """How many open incidences the agent has."""
    return connection.execute(_LOAD, {"id": agent_id}).scalar_one()


def touch_agent(connection: Connection, agent_id: str, at: datetime) -> None:
    """Note that the agent's work changed: whoever is idle longest comes first."""
    connection.execute(_TOUCH, {"id": agent_id, "at": at})


def _seat_one(connection: Connection, row: Row[Any], seats: dict[str, Seat], at: datetime) -> str | None:
    level = needed_level(row.escalation_level)
    agent_id = _take(connection, seats, level, at)
    if agent_id is None:
        return None
    move(connection, row, agent_id, actor=SYSTEM, at=at)
    if row.agent_id is not None:
        touch_agent(connection, row.agent_id, at)
        freed = _seat_of(connection, row.agent_id)
        if freed is not None:
            seats[freed.agent_id] = freed
    return agent_id


def _take(connection: Connection, seats: dict[str, Seat], level: AgentLevel, at: datetime) -> str | None:
    """Pick, and look again with the agent's row held: where several processes write, another may have been quicker."""
    while (seat := pick_agent(seats.values(), level)) is not None:
        connection.execute(_LOCK_AGENT, {"id": seat.agent_id})
        now = _seat_of(connection, seat.agent_id)
        if now is None or not now.is_free or level not in now.levels:
            del seats[seat.agent_id]
            continue
        touch_agent(connection, seat.agent_id, at)
        seats[seat.agent_id] = Seat(now.agent_id, now.levels, now.open_limit, now.open_count + 1, at)
        return seat.agent_id
    return None


def _seat_of(connection: Connection, agent_id: str) -> Seat | None:
    row = connection.execute(_SEAT, {"id": agent_id}).first()
    if row is None:
        return None
    return Seat(row.agent_id, row.levels, row.open_limit, row.open_count, row.updated_at)


def _anything_waits(connection: Connection) -> bool:
    return bool(connection.execute(_ANY_WAITS).scalar_one())


def _waiting(connection: Connection, levels: Collection[AgentLevel]) -> list[Row[Any]]:
    """The longest waiting for these levels, each locked; one that another process is changing is left to it."""
    rows = list(connection.execute(_WAITING, {"levels": [*levels]}))
    held = connection.execute(_ESCALATED, {"levels": [*levels]}).all()
    if held:
        known = {row.agent_id: row.levels for row in connection.execute(_LEVELS)}
        for row in held:
            if row.escalation_level not in known.get(row.agent_id, ()):
                rows += connection.execute(_LOCK_HELD, {"id": row.incidence_id, "agent": row.agent_id})
    return sorted(rows, key=lambda row: (row.opened_at, row.incidence_id))[:LONGEST_WAITING]


_UNASSIGNED = and_(text("outcome IS NULL AND agent_id IS NULL AND opened_at IS NOT NULL"), IS_LIVE)
_HELD = text("outcome IS NULL AND agent_id IS NOT NULL")
_PERSONS = [level for level in EscalationLevel if level is not EscalationLevel.CALL]
_NEEDED = func.coalesce(func.nullif(incidences.c.escalation_level, "CALL"), literal_column("'AGENT'"))
_IS_ESCALATED_AND_HELD = (_HELD, IS_LIVE, incidences.c.escalation_level.in_(_PERSONS))
_ANY_WAITS = select(
    or_(
        select(incidences.c.incidence_id).where(_UNASSIGNED).exists(),
        select(incidences.c.incidence_id).where(*_IS_ESCALATED_AND_HELD).exists(),
    )
)
_FIRST_COME = (incidences.c.opened_at, incidences.c.incidence_id)
_WAITING = (
    select(incidences)
    .where(_UNASSIGNED, _NEEDED.in_(bindparam("levels", expanding=True)))
    .order_by(*_FIRST_COME)
    .limit(LONGEST_WAITING)
    .with_for_update(skip_locked=True)
)
_ESCALATED = (
    select(incidences.c.incidence_id, incidences.c.agent_id, incidences.c.escalation_level)
    .where(*_IS_ESCALATED_AND_HELD, _NEEDED.in_(bindparam("levels", expanding=True)))
    .order_by(*_FIRST_COME)
)
_LOCK_HELD = (
    select(incidences)
    .where(incidences.c.incidence_id == bindparam("id"), incidences.c.agent_id == bindparam("agent"), _HELD)
    .with_for_update(skip_locked=True)
)
_LEVELS = select(agents.c.agent_id, agents.c.levels)
OPEN_OF_AGENT = (
    select(func.count())
    .select_from(incidences)
    .where(incidences.c.agent_id == agents.c.agent_id, _HELD)
    .correlate(agents)
    .scalar_subquery()
)
_SEATS = select(
    agents.c.agent_id, agents.c.levels, agents.c.open_limit, agents.c.updated_at, OPEN_OF_AGENT.label("open_count")
).where(agents.c.status == AgentStatus.AVAILABLE)
_FREE_SEATS = Prepared(_SEATS.where(agents.c.open_limit > OPEN_OF_AGENT))
_SEAT = _SEATS.where(agents.c.agent_id == bindparam("id"))
_LOCK_AGENT = select(agents.c.agent_id, agents.c.levels).where(agents.c.agent_id == bindparam("id")).with_for_update()
_LOAD = select(func.count()).select_from(incidences).where(incidences.c.agent_id == bindparam("id"), _HELD)
_TOUCH = update(agents).where(agents.c.agent_id == bindparam("id")).values(updated_at=bindparam("at"))
_MOVE = (
    update(incidences)
    .where(incidences.c.incidence_id == bindparam("id"))
    .values(agent_id=bindparam("agent"), assigned_at=bindparam("first_assigned"), updated_at=bindparam("at"))
)
_NAME_TAKER = (
    update(escalation_log)
    .where(
        escalation_log.c.incidence_id == bindparam("incidence"),
        escalation_log.c.level == bindparam("level_word"),
        escalation_log.c.to_agent_id.is_(None),
    )
    .values(to_agent_id=bindparam("agent"))
)
