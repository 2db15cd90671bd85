"""Blocked actions before a supervisor. An approval is a row of its own and lets that one action pass once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from api.agent.rules import Approval
from api.errors import Conflict, NotFound
from api.incidences.reading import lock_incidence, shown_source
from api.incidences.rules import status_of
from api.incidences.timeline import Actor, append_event
from api.paging import PageQuery
from store import clock
from store.enums import ActorType, AgentAction, TimelineEvent
from store.ids import new_id
from store.tables import agent_actions, approvals


class ApprovalAlreadyDecided(Conflict):
    code = "approval_already_decided"
    remedy = "An agent can ask again by the same action."


class OwnApproval(Conflict):
    code = "own_approval"
    remedy = "Another supervisor decides what you asked for."


class ApprovalUsed(Conflict):
    code = "approval_used"
    remedy = "Ask again without approvalId."


def find_approval(connection: Connection, incidence_id: str, approval_id: str) -> Approval:
    """Raises `NotFound` for one of another incidence too."""
    row = connection.execute(_BY_ID, {"id": approval_id}).first()
    if row is None or row.incidence_id != incidence_id:
        raise _no_approval()
    return _approval(row)


def ask_approval(
    connection: Connection,
    incidence_id: str,
    action_id: str,
    agent_id: str,
    action: AgentAction,
    parameters: Mapping[str, Any],
    source: str,
    at: datetime,
) -> str:
    """Put a blocked action before the supervisors; if the very same waits there already, that one's id."""
    for row in approvals_of(connection, incidence_id):
        is_same = (row.requested_by, row.action, row.parameters) == (agent_id, action, dict(parameters))
        if row.decided_at is None and is_same:
            return row.approval_id
    approval_id = new_id(at)
    connection.execute(
        insert(approvals).values(
            approval_id=approval_id,
            incidence_id=incidence_id,
            action_id=action_id,
            requested_by=agent_id,
            requested_at=at,
            source=source,
        )
    )
    return approval_id


def use_approval(connection: Connection, approval_id: str) -> None:
    """Use it up. Raises `ApprovalUsed`."""
    if connection.execute(_USE, {"id": approval_id}).rowcount != 1:
        raise ApprovalUsed("The approval was used; it holds once.")


def decide_approval(
    connection: Connection, approval_id: str, supervisor_id: str, *, is_approved: bool, reason: str | None
) -> Row[Any]:
    """A supervisor's word on it, once. Raises `NotFound`, `OwnApproval`, `ApprovalAlreadyDecided`."""
    at = clock.now()
    row = connection.execute(_BY_ID, {"id": approval_id}).first()
    if row is None:
        raise _no_approval()
    if row.requested_by == supervisor_id:
        raise OwnApproval("You asked for it yourself.")
    incidence = lock_incidence(connection, row.incidence_id)
    values = {"id": approval_id, "approved": is_approved, "supervisor": supervisor_id, "why": reason, "at": at}
    if connection.execute(_DECIDE, values).rowcount != 1:
        raise ApprovalAlreadyDecided("It was decided before.")
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.APPROVAL,
        Actor(ActorType.AGENT, supervisor_id),
        at,
        channel=incidence.channel,
        status_after=status_of(incidence),
        details={"approvalId": approval_id, "action": row.action, "isApproved": is_approved},
    )
    return connection.execute(_BY_ID, {"id": approval_id}).one()


def open_approvals(connection: Connection, page: PageQuery, *, requested_by: str | None) -> Sequence[Row[Any]]:
    """Those that nobody has decided, newest first, one more than the page holds; of one agent, if one is given.

    Those of the demo only while the desk shows it.
    """
    query = _JOINED.where(approvals.c.decided_at.is_(None), approvals.c.source == shown_source(connection))
    if requested_by is not None:
        query = query.where(approvals.c.requested_by == requested_by)
    return connection.execute(page.select(query, approvals.c.requested_at, approvals.c.approval_id)).all()


def approvals_of(connection: Connection, incidence_id: str) -> Sequence[Row[Any]]:
    """All of an incidence, oldest first."""
    return connection.execute(_OF_INCIDENCE, {"incidence": incidence_id}).all()


def _approval(row: Row[Any]) -> Approval:
    parameters = dict(row.parameters or {})
    discount_paise = parameters.pop("discountPaise", None)
    return Approval(
        approval_id=row.approval_id,
        action=AgentAction(row.action),
        parameters=parameters,
        requested_by=row.requested_by,
        is_approved=row.is_approved,
        is_used=row.used_count > 0,
        discount_paise=discount_paise,
    )


def _no_approval() -> NotFound:
    return NotFound("There is no such approval.")


_JOINED = select(approvals, agent_actions.c.action, agent_actions.c.parameters).join(
    agent_actions, agent_actions.c.action_id == approvals.c.action_id
)
_BY_ID = _JOINED.where(approvals.c.approval_id == bindparam("id"))
_OF_INCIDENCE = _JOINED.where(approvals.c.incidence_id == bindparam("incidence")).order_by(
    approvals.c.requested_at, approvals.c.approval_id
)
_USE = (
    update(approvals)
    .where(approvals.c.approval_id == bindparam("id"), approvals.c.is_approved.is_(True), approvals.c.used_count == 0)
    .values(used_count=1)
)
_DECIDE = (
    update(approvals)
    .where(approvals.c.approval_id == bindparam("id"), approvals.c.decided_at.is_(None))
    .values(
        is_approved=bindparam("approved"),
        supervisor_id=bindparam("supervisor"),
        reason=bindparam("why"),
        decided_at=bindparam("at"),
    )
)
