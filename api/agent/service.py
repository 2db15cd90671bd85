"""What agents do to incidences: actions through the CX rules, notes and calls. Functions of a connection."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import Connection, Row, bindparam, insert, select

from api.agent.approvals import ask_approval, find_approval, use_approval
from api.agent.changes import changes_of, discounts_given, request_change, unknown_items
from api.agent.phrases import flag_text
from api.agent.rules import (
    CHANGES_ORDER,
    AgentFacts,
    Decision,
    IncidenceFacts,
    ProposedAction,
    discount_limit_paise,
    validate_agent_action,
)
from api.agent.schemas import (
    ActionAnswer,
    ActionInput,
    ApplyDiscount,
    BlockedAction,
    Close,
    Escalate,
    ModifyOrder,
    NoteInput,
    Reassign,
    TimelineEntry,
)
from api.agents.assignment import NotOpen, assign_incidence, assign_waiting, move, take_seat, touch_agent
from api.errors import BadRequest, Conflict, NotAllowed
from api.escalation.service import escalate
from api.etags import require_match
from api.incidences.closing import close_incidence
from api.incidences.reading import IncidenceAlreadyClosed, get_incidence, lock_incidence, require_not_merged
from api.incidences.rules import WORKED_ON, needed_level, status_of
from api.incidences.schemas import IncidenceAnswer
from api.incidences.service import require_category
from api.incidences.timeline import Actor, append_event
from api.incidences.work import change_incidence
from api.orders.schemas import OrderChangeAnswer
from api.rules.sets import Rules
from api.tokens.keyring import Principal
from store import clock
from store.enums import (
    ActorType,
    AgentAction,
    AgentLevel,
    IncidenceStatus,
    OrderChangeKind,
    Outcome,
    Role,
    TimelineEvent,
)
from store.ids import new_id
from store.tables import agent_actions, agents, incidence_timeline

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far an agent's clock may run ahead of ours."""
_OUTCOMES = {AgentAction.CLOSE_RESOLVED: Outcome.RESOLVED, AgentAction.CLOSE_DROPPED: Outcome.DROPPED}


class IncidenceOfAnotherAgent(Conflict):
    code = "incidence_of_another_agent"
    remedy = "Ask its agent or a supervisor to reassign it to you."


class NobodyElseIsFree(Conflict):
    code = "nobody_else_is_free"
    remedy = "Name an agent, or set yourself AWAY first; then it waits for the next who is free."


class AlreadyEscalated(Conflict):
    code = "already_escalated"
    remedy = "Its escalations are on the dashboard; another trigger may escalate it further."


class OrderValueUnknown(Conflict):
    code = "order_value_unknown"
    remedy = "The app sends the cart by PUT /context/{userId}/cart; then a discount can be computed."


@dataclass(frozen=True, slots=True)
class Caller:
    """The agent behind a key. A supervisor acts on every incidence, others on their own and on what waits."""

    agent_id: str
    is_supervisor: bool

    @classmethod
    def of(cls, principal: Principal) -> "Caller":
        """Raises `NotAllowed` for a key that belongs to no agent."""
        if principal.agent_id is None:
            raise NotAllowed("Only agents act, and this key belongs to none.")
        return cls(principal.agent_id, principal.role is Role.SUPERVISOR)

    @property
    def actor(self) -> Actor:
        return Actor(ActorType.AGENT, self.agent_id)


def act(
    connection: Connection, rules: Rules, incidence_id: str, wanted: ActionInput, caller: Caller, if_match: str | None
) -> ActionAnswer:
    """Validate the action, record it, and carry it out if it is allowed.

    Raises `NotFound`, `PreconditionFailed`, and conflicts that name why the incidence is not the caller's to act on.
    """
    at = clock.now()
    row = lock_incidence(connection, incidence_id)
    require_match(if_match, IncidenceAnswer.of(row).etag)
    _require_workable(row, caller)
    if not isinstance(wanted, Reassign):
        row = _take_if_waiting(connection, row, caller, at)
    decision = _decide(connection, rules, row, wanted, caller, at)
    action_id, approval_id = _record(connection, row, wanted, decision, caller, at)
    change = None
    if decision.allowed:
        if decision.approval_id is not None:
            use_approval(connection, decision.approval_id)
        change = _carry_out(connection, rules, row, wanted, decision, action_id, caller, at)
    return ActionAnswer(
        allowed=decision.allowed,
        reason=decision.reason,
        because=decision.because,
        rule_version=decision.rule_version,
        action_id=action_id,
        action=decision.action,
        approval_id=approval_id,
        order_change=change,
        incidence=IncidenceAnswer.of(get_incidence(connection, incidence_id)),
    )


def add_note(
    connection: Connection, rules: Rules, incidence_id: str, wanted: NoteInput, caller: Caller, if_match: str | None
) -> TimelineEntry:
    """Add a note or the log of a call; also after closing, by whose it was. Its phrases are flagged, its text kept as it is.

    Raises `NotFound`, `BadRequest` for a call in the future, and conflicts as `act`.
    """
    at = clock.now()
    row = lock_incidence(connection, incidence_id)
    require_match(if_match, IncidenceAnswer.of(row).etag)
    require_not_merged(row)
    _require_own(row, caller)
    if wanted.ended_at is not None and wanted.ended_at > at + CLOCKS_DIFFER:
        raise BadRequest("endedAt: is in the future", remedy="Log a call when it has ended.")
    if status_of(row) in WORKED_ON:
        row = _take_if_waiting(connection, row, caller, at)
    event_id = append_event(
        connection,
        incidence_id,
        wanted.kind,
        caller.actor,
        at,
        channel=row.channel,
        status_after=status_of(row),
        text=wanted.text,
        flags=flag_text(wanted.text, rules.phrases) if wanted.text is not None else [],
        started_at=wanted.started_at,
        ended_at=wanted.ended_at,
        is_reached=wanted.reached,
    )
    return TimelineEntry.of(connection.execute(_EVENT, {"id": event_id}).one())


def agent_facts(connection: Connection, caller: Caller) -> AgentFacts:
    levels = connection.execute(_LEVELS, {"id": caller.agent_id}).scalar_one_or_none() or ()
    known = frozenset(map(AgentLevel, levels))
    return AgentFacts(caller.agent_id, known | {AgentLevel.SUPERVISOR} if caller.is_supervisor else known)


def agent_discount_limit(
    connection: Connection, rules: Rules, agent_id: str | None, order_value_paise: int | None, role: Role
) -> int | None:
    """The most that the agent may take off an order of this value, in paise; None without an agent or a value."""
    if agent_id is None or not order_value_paise:
        return None
    agent = agent_facts(connection, Caller(agent_id, role is Role.SUPERVISOR))
    return discount_limit_paise(agent, rules, order_value_paise)


def incidence_facts(connection: Connection, row: Row[Any]) -> IncidenceFacts:
    given = discounts_given(changes_of(connection, row.incidence_id))
    by_code = {code: paise for code, paise in given.items() if code is not None}
    return IncidenceFacts(row.order_value_paise, given.total(), by_code)


def _require_workable(row: Row[Any], caller: Caller) -> None:
    require_not_merged(row)
    if row.outcome is not None:
        raise IncidenceAlreadyClosed(f"It ended {row.outcome}.", outcome=row.outcome)
    if status_of(row) not in WORKED_ON:
        raise NotOpen(f"The incidence is {status_of(row)}: nobody works on it.")
    _require_own(row, caller)


def _require_own(row: Row[Any], caller: Caller) -> None:
    if row.agent_id not in (None, caller.agent_id) and not caller.is_supervisor:
        raise IncidenceOfAnotherAgent(f"It is with {row.agent_id}.", agentId=row.agent_id)


def _take_if_waiting(connection: Connection, row: Row[Any], caller: Caller, at: datetime) -> Row[Any]:
    """Who works on what waits for an agent has taken it; a supervisor may help without taking it."""
    if row.agent_id is not None or caller.is_supervisor:
        return row
    assign_incidence(connection, row.incidence_id, caller.agent_id, actor=caller.actor, at=at)
    return get_incidence(connection, row.incidence_id)


def _decide(
    connection: Connection, rules: Rules, row: Row[Any], wanted: ActionInput, caller: Caller, at: datetime
) -> Decision:
    proposed = _proposed(connection, rules, row, wanted, at)
    approval = None
    if wanted.approval_id is not None:
        approval = find_approval(connection, row.incidence_id, wanted.approval_id)
    return validate_agent_action(
        proposed, incidence_facts(connection, row), agent_facts(connection, caller), rules, approval
    )


def _proposed(connection: Connection, rules: Rules, row: Row[Any], wanted: ActionInput, at: datetime) -> ProposedAction:
    proposed = ProposedAction(wanted.action, wanted.parameters)
    if isinstance(wanted, ApplyDiscount):
        if wanted.discount_code is not None and wanted.discount_code not in rules.discounts.codes:
            known = ", ".join(code.code for code in rules.discounts.codes.values() if code.is_pre_approved)
            raise BadRequest(f"discountCode: there is no {wanted.discount_code}", remedy=f"Pre-approved: {known}.")
        if wanted.action is AgentAction.APPLY_DISCOUNT and not row.order_value_paise:
            raise OrderValueUnknown("There is no order and no cart to compute a discount on.")
        return replace(proposed, discount_code=wanted.discount_code, discount_paise=wanted.amount)
    if isinstance(wanted, ModifyOrder):
        added = [item.item_id for item in wanted.items or () if item.quantity > 0]
        return replace(proposed, unknown_items=unknown_items(connection, added, at))
    if isinstance(wanted, Close):
        require_category(rules, wanted.issue_category)
    return proposed


def _record(
    connection: Connection, row: Row[Any], wanted: ActionInput, decision: Decision, caller: Caller, at: datetime
) -> tuple[str, str | None]:
    """The row of the action, on the timeline too, and for a blocked one the approval that is asked for; both ids."""
    action_id = new_id(at)
    parameters = wanted.parameters
    if decision.discount_paise is not None:
        parameters["discountPaise"] = decision.discount_paise
    approval_id = decision.approval_id
    values: dict[str, Any] = {
        "action_id": action_id,
        "incidence_id": row.incidence_id,
        "agent_id": caller.agent_id,
        "action": decision.action,
        "parameters": parameters,
        "is_allowed": decision.allowed,
        "reason": decision.reason,
        "rule_version": decision.rule_version,
        "acted_at": at,
        "source": row.source,
    }
    if not decision.allowed:
        approval_id = ask_approval(
            connection, row.incidence_id, action_id, caller.agent_id, decision.action, parameters, row.source, at
        )
    connection.execute(insert(agent_actions).values(**values, approval_id=approval_id))
    details = {"actionId": action_id, "action": decision.action, "isAllowed": decision.allowed}
    if approval_id is not None:
        details["approvalId"] = approval_id
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.ACTION,
        caller.actor,
        at,
        channel=row.channel,
        status_after=status_of(row),
        details=details,
    )
    return action_id, approval_id


def _carry_out(
    connection: Connection,
    rules: Rules,
    row: Row[Any],
    wanted: ActionInput,
    decision: Decision,
    action_id: str,
    caller: Caller,
    at: datetime,
) -> OrderChangeAnswer | None:
    match wanted:
        case ApplyDiscount() | ModifyOrder() | BlockedAction():
            return _change_order(connection, row, wanted, decision, action_id, caller, at)
        case Reassign():
            _reassign(connection, row, wanted.agent_id, caller, at)
        case Escalate():
            level = escalate(
                connection, rules, row.incidence_id, wanted.trigger, reason=wanted.reason, actor=caller.actor, at=at
            )
            if level is None:
                raise AlreadyEscalated(f"{wanted.trigger} has escalated it before.")
        case Close():
            close_incidence(
                connection,
                row.incidence_id,
                outcome=_OUTCOMES[wanted.action],
                actor=caller.actor,
                issue_category=wanted.issue_category,
                root_cause=wanted.root_cause,
                resolution_type=wanted.resolution_type,
                order_impact=wanted.order_impact,
                at=at,
            )
        case _:
            assert_never(wanted)
    return None


def _change_order(
    connection: Connection,
    row: Row[Any],
    wanted: ApplyDiscount | ModifyOrder | BlockedAction,
    decision: Decision,
    action_id: str,
    caller: Caller,
    at: datetime,
) -> OrderChangeAnswer | None:
    """Ask the app. What a supervisor let pass and what is no change of the order, or says none, is recorded and no more."""
    kind = CHANGES_ORDER.get(decision.action)
    is_discount = kind is OrderChangeKind.DISCOUNT
    if kind is None or (is_discount and not decision.discount_paise) or (not is_discount and not wanted.parameters):
        return None
    change = request_change(
        connection,
        row,
        kind=kind,
        action_id=action_id,
        agent_id=caller.agent_id,
        discount_code=wanted.discount_code if isinstance(wanted, ApplyDiscount) else None,
        discount_paise=decision.discount_paise,
        details={} if is_discount else wanted.parameters,
        at=at,
    )
    return OrderChangeAnswer.of(change)


def _reassign(connection: Connection, row: Row[Any], agent_id: str | None, caller: Caller, at: datetime) -> None:
    if agent_id is not None:
        assign_incidence(connection, row.incidence_id, agent_id, actor=caller.actor, at=at)
        return
    if row.agent_id is None:
        return  # it waits already
    taker = take_seat(connection, needed_level(row.escalation_level), at, not_of=row.agent_id)
    if taker is not None:
        move(connection, row, taker, actor=caller.actor, at=at)
    else:
        _put_back(connection, row, caller, at)
    touch_agent(connection, row.agent_id, at)
    assign_waiting(connection, at)
    if get_incidence(connection, row.incidence_id).agent_id == row.agent_id:
        raise NobodyElseIsFree(f"It would come back to {row.agent_id}: nobody else is free.")


def _put_back(connection: Connection, row: Row[Any], caller: Caller, at: datetime) -> None:
    change_incidence(connection, row.incidence_id, {"agent_id": None, "updated_at": at})
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.REASSIGNED,
        caller.actor,
        at,
        channel=row.channel,
        status_after=IncidenceStatus.OPEN,
        details={"fromAgentId": row.agent_id},
    )


_LEVELS = select(agents.c.levels).where(agents.c.agent_id == bindparam("id"))
_EVENT = select(incidence_timeline).where(incidence_timeline.c.event_id == bindparam("id"))
