"""How an incidence ends. Functions of a connection; each move is one row of the timeline."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from api.agents.assignment import assign_waiting, touch_agent
from api.errors import BadRequest, Conflict
from api.escalation.service import stop_clocks
from api.incidences.reading import IncidenceAlreadyClosed, has_order, lock_incidence, require_not_merged
from api.incidences.rules import status_of
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.incidences.work import change_incidence
from store.enums import ActorType, IncidenceStatus, OrderImpact, Outcome, TimelineEvent


class IssueCategoryMissing(BadRequest):
    code = "issue_category_required"
    remedy = "Send the issueCategory that fits; GET /incidences/{incidenceId} tells whether it has one."


class OrderMissing(Conflict):
    code = "order_missing"
    remedy = "CONVERTED follows from the order: PUT /orders/{orderId} closes the incidence."


def close_incidence(
    connection: Connection,
    incidence_id: str,
    *,
    outcome: Outcome,
    actor: Actor,
    issue_category: str | None = None,
    root_cause: str | None = None,
    resolution_type: str | None = None,
    order_impact: OrderImpact | None = None,
    at: datetime,
) -> None:
    """End it: every clock stops, and the agent takes the longest waiting.

    What is None stays as it is; LOST takes the order value with it. Raises `NotFound`, `IncidenceAlreadyClosed`,
    `IncidenceMerged`, `IssueCategoryMissing` if an agent closes it, and `OrderMissing` for CONVERTED without an order of the
    user's.
    """
    row = lock_incidence(connection, incidence_id)
    require_not_merged(row)
    if row.outcome is not None:
        raise IncidenceAlreadyClosed(f"It ended {row.outcome}.", outcome=row.outcome)
    if outcome is Outcome.CONVERTED and not (row.order_id and has_order(connection, row.user_id, row.order_id)):
        raise OrderMissing("The user has no order that this incidence led to.")
    if actor.kind is ActorType.AGENT and (issue_category or row.issue_category) is None:
        raise IssueCategoryMissing("issueCategory: an agent who closes an incidence says what it was about")
    given = {
        "issue_category": issue_category,
        "root_cause": root_cause,
        "resolution_type": resolution_type,
        "order_impact": order_impact,
    }
    end(connection, row, outcome, actor, at, {name: value for name, value in given.items() if value is not None})


def end(
    connection: Connection, row: Row[Any], outcome: Outcome, actor: Actor, at: datetime, values: dict[str, Any]
) -> None:
    """Close a row that is held and open, with these values of its columns."""
    if values.get("order_impact", row.order_impact) == OrderImpact.LOST:
        values["lost_value_paise"] = row.order_value_paise
    values |= {
        "outcome": outcome,
        "resolved_at": at,
        "time_to_resolve_seconds": (at - row.created_at).total_seconds(),
        "updated_at": at,
    }
    change_incidence(connection, row.incidence_id, values)
    stop_clocks(connection, row.incidence_id, at)
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.CLOSED,
        actor,
        at,
        channel=row.channel,
        status_after=IncidenceStatus(outcome),
    )
    if row.agent_id is not None:
        touch_agent(connection, row.agent_id, at)
        assign_waiting(connection, at)


def drop_offer(connection: Connection, incidence_id: str, *, reason: str, at: datetime) -> bool:
    """End an offer that nobody took up; `reason` is a word, as DISMISSED or EXPIRED. False if it is no offer any more."""
    row = lock_incidence(connection, incidence_id)
    if status_of(row) is not IncidenceStatus.OFFERED:
        return False
    end(connection, row, Outcome.DROPPED, SYSTEM, at, {"resolution_type": reason})
    return True
