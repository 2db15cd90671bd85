"""Escalating an incidence, and the clocks that do it by themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, null, select, update

from api.agents.assignment import assign_waiting, move, take_seat, touch_agent
from api.escalation.rules import due_clocks, is_high_value, level_of
from api.incidences.reading import LIVE_SOURCE, lock_incidence
from api.incidences.rules import WORKED_ON, highest, needed_level, status_of
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.outbox.telling import tell_routing
from api.rules.sets import Rules
from store.enums import AgentLevel, EscalationLevel, EscalationTrigger, RoutedChannel, TimelineEvent
from store.ids import new_id
from store.prepared import DIALECTS, Prepared
from store.tables import agents, escalation_log, incidences, timers

REASONS = {
    EscalationTrigger.CHAT_UNRESOLVED: "The chat was not resolved in time.",
    EscalationTrigger.UNRESOLVED: "It was not resolved in time.",
    EscalationTrigger.HIGH_VALUE_ORDER: "The order's value is high.",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """An incidence that became OPEN at `opened_at`, with these channels. `is_new`: nothing ever happened to it before."""

    incidence_id: str
    opened_at: datetime
    allowed: Collection[RoutedChannel | str]
    escalate_chat_after_seconds: int | None
    order_value_paise: int | None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Fired:
    """A clock that ran out. `level` is None if there was nothing left to escalate."""

    incidence_id: str
    kind: EscalationTrigger
    due_at: datetime
    level: EscalationLevel | None


def escalate(
    connection: Connection,
    rules: Rules,
    incidence_id: str,
    trigger: EscalationTrigger,
    *,
    reason: str | None,
    actor: Actor,
    at: datetime,
) -> EscalationLevel | None:
    """Escalate once for each trigger; the level it gives, or None if it had fired or nobody works on the incidence.

    CALL becomes allowed. Another level moves the incidence to a free agent who has it; while there is none it stays with
    its agent, if any, and waits. Raises `NotFound`.
    """
    row = lock_incidence(connection, incidence_id)
    if row.merged_into is not None or status_of(row) not in WORKED_ON:
        return None
    level = level_of(rules.escalation, trigger)
    if not _log(connection, rules, row, trigger, level, reason, at):
        return None
    top = highest([row.escalation_level, level])
    values: dict[str, Any] = {"escalation_level": top, "updated_at": at}
    adds_call = level is EscalationLevel.CALL and RoutedChannel.CALL not in row.allowed_channels
    if adds_call:
        values["allowed_channels"] = [*row.allowed_channels, RoutedChannel.CALL]
    connection.execute(update(incidences).where(incidences.c.incidence_id == incidence_id).values(values))
    append_event(
        connection,
        incidence_id,
        TimelineEvent.ESCALATED,
        actor,
        at,
        agent_id=row.agent_id,
        channel=row.channel,
        status_after=status_of(row),
        details={"trigger": trigger, "level": level},
    )
    if adds_call:
        append_event(
            connection,
            incidence_id,
            TimelineEvent.CHANNEL_ADDED,
            SYSTEM,
            at,
            channel=row.channel,
            details={"channel": RoutedChannel.CALL},
        )
    if needed_level(top) is not AgentLevel.AGENT:
        _move_up(connection, row, needed_level(top), at)
    return level


def escalate_by_value(
    connection: Connection, rules: Rules, incidence_id: str, order_value_paise: int | None, at: datetime
) -> EscalationLevel | None:
    """Escalate if the order's value alone asks for it, once; the level it gives, if so."""
    if not is_high_value(rules.escalation, order_value_paise):
        return None
    trigger = EscalationTrigger.HIGH_VALUE_ORDER
    return escalate(connection, rules, incidence_id, trigger, reason=REASONS[trigger], actor=SYSTEM, at=at)


def start_clocks(connection: Connection, rules: Rules, opened: Sequence[Opened], at: datetime) -> None:
    """Start the clocks of incidences that are OPEN; those that ran before start again unless they fired."""
    rows = [
        {"timer_id": new_id(at), "incidence_id": one.incidence_id, "kind": clock.kind, "due_at": clock.due_at}
        for one in opened
        for clock in due_clocks(
            rules.escalation,
            escalate_chat_after_seconds=one.escalate_chat_after_seconds,
            allowed=one.allowed,
            started_at=one.opened_at,
            fired=() if one.is_new else connection.execute(_FIRED, {"id": one.incidence_id}).scalars().all(),
        )
    ]
    if rows:
        _START.run_many(connection, rows)


def stop_clocks(connection: Connection, incidence_id: str, at: datetime) -> None:
    """Nothing of this incidence falls due any more."""
    connection.execute(_STOP, {"id": incidence_id, "at": at})


def fire_due(connection: Connection, rules: Rules, at: datetime, limit: int = 100) -> list[Fired]:
    """Escalate what fell due by `at`, oldest first, at most `limit`.

    Claiming and escalating are one transaction: it has both or neither, whoever dies. A clock is claimed by the change that
    finds it undone while it holds the incidence; those whose incidence another process holds are left to it, and the next
    ones taken, so that several processes share the work.
    """
    due = connection.execute(_HOLD_DUE, {"at": at, "limit": limit}).all()
    ids = [timer.timer_id for timer in due]
    claimed = set(connection.execute(_CLAIM, {"ids": ids, "at": at}).scalars()) if due else set()
    fired = []
    for timer in due:
        if timer.timer_id not in claimed:
            continue
        kind = EscalationTrigger(timer.kind)
        is_answered = kind is EscalationTrigger.CHAT_UNRESOLVED and RoutedChannel.CALL in timer.allowed_channels
        level = (
            None
            if is_answered
            else escalate(connection, rules, timer.incidence_id, kind, reason=REASONS[kind], actor=SYSTEM, at=at)
        )
        fired.append(Fired(timer.incidence_id, kind, timer.due_at, level))
    return fired


def is_any_due(connection: Connection, at: datetime) -> bool:
    """Whether `fire_due` would find something."""
    return connection.execute(_DUE, {"at": at, "limit": 1}).first() is not None


def _log(
    connection: Connection,
    rules: Rules,
    row: Row[Any],
    trigger: EscalationTrigger,
    level: EscalationLevel,
    reason: str | None,
    at: datetime,
) -> bool:
    """Write the one row of this trigger and level; False if it is there."""
    logged = connection.execute(
        _LOG[connection.dialect.name],
        {
            "escalation_id": new_id(at),
            "incidence_id": row.incidence_id,
            "trigger": trigger,
            "level": level,
            "channel": RoutedChannel.CALL if level is EscalationLevel.CALL else None,
            "reason": reason,
            "from_agent_id": row.agent_id,
            "to_agent_id": row.agent_id if level is EscalationLevel.CALL else None,
            "rule_version": (
                rules.routing if trigger is EscalationTrigger.CHAT_UNRESOLVED else rules.escalation
            ).version,
            "escalated_at": at,
            "source": row.source,
        },
    )
    return logged.rowcount == 1


def _move_up(connection: Connection, row: Row[Any], level: AgentLevel, at: datetime) -> None:
    if row.agent_id is not None:
        levels = connection.execute(_LEVELS_OF, {"id": row.agent_id}).scalar_one_or_none() or ()
        if level in levels:
            connection.execute(_KEPT, {"id": row.incidence_id, "agent": row.agent_id})
            return
    # Nobody is given what a demo made up.
    taker = take_seat(connection, level, at) if row.source == LIVE_SOURCE else None
    if taker is None:
        if row.agent_id is None:
            tell_routing(connection, row.incidence_id, None, level)
        return
    move(connection, lock_incidence(connection, row.incidence_id), taker, actor=SYSTEM, at=at)  # its level is new
    if row.agent_id is not None:
        touch_agent(connection, row.agent_id, at)
        assign_waiting(connection, at)


_LOG = {
    name: dialect.insert(escalation_log).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    for name, dialect in DIALECTS.items()
}


def _start(insert: Any) -> Any:
    again = {"due_at": insert.excluded.due_at, "done_at": null(), "change_seq": insert.excluded.change_seq}
    return insert.on_conflict_do_update(index_elements=["incidence_id", "kind"], set_=again)


_START = Prepared({name: _start(dialect.insert(timers)) for name, dialect in DIALECTS.items()})
_FIRED = select(escalation_log.c.trigger).where(escalation_log.c.incidence_id == bindparam("id"))
_STOP = (
    update(timers)
    .where(timers.c.incidence_id == bindparam("id"), timers.c.done_at.is_(None))
    .values(done_at=bindparam("at"))
)
_DUE = (
    select(timers.c.timer_id, timers.c.incidence_id, timers.c.kind, timers.c.due_at)
    .where(timers.c.done_at.is_(None), timers.c.due_at <= bindparam("at", type_=timers.c.due_at.type))
    .order_by(timers.c.due_at, timers.c.timer_id)
    .limit(bindparam("limit"))
)
_HOLD_DUE = (
    _DUE.add_columns(incidences.c.allowed_channels)
    .join(incidences, incidences.c.incidence_id == timers.c.incidence_id)
    .with_for_update(of=incidences, skip_locked=True)
)
_CLAIM = (
    update(timers)
    .where(timers.c.timer_id.in_(bindparam("ids", expanding=True)), timers.c.done_at.is_(None))
    .values(done_at=bindparam("at"))
    .returning(timers.c.timer_id)
)
_LEVELS_OF = select(agents.c.levels).where(agents.c.agent_id == bindparam("id"))
_KEPT = (
    update(escalation_log)
    .where(escalation_log.c.incidence_id == bindparam("id"), escalation_log.c.to_agent_id.is_(None))
    .values(to_agent_id=bindparam("agent"))
)
