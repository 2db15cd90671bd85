"""How an incidence goes on after it ended: by itself, or in another one that is open."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, update
from sqlalchemy.exc import IntegrityError

from api.agents.assignment import take_seat_of
from api.channel.rules import working_channel
from api.escalation.service import Opened
from api.incidences.reading import find_open, lock_incidence, order_facts
from api.incidences.rules import status_of
from api.incidences.timeline import Actor, append_event
from api.incidences.work import begin_work, change_incidence, route
from api.rules.sets import Rules
from store.enums import IncidenceStatus, OrderImpact, RoutedChannel, Stage, TimelineEvent
from store.tables import platform_conversations


def reopen_incidence(connection: Connection, rules: Rules, incidence_id: str, *, actor: Actor, at: datetime) -> str:
    """Go on with an incidence that ended; the id it goes on in.

    If another of the same user, stage and order is open, this one is merged into that. One that is open stays as it is.
    It returns to its agent if that one is available and under the limit, else it waits. Raises `NotFound`.
    """
    row = lock_incidence(connection, incidence_id)
    while row.merged_into is not None:
        row = lock_incidence(connection, row.merged_into)
    if row.outcome is None:
        return row.incidence_id
    there = find_open(connection, row.user_id, Stage(row.stage), row.order_id)
    if there is None:
        try:
            with connection.begin_nested():
                change_incidence(connection, row.incidence_id, _reopened(row, at))
        except IntegrityError:  # another process opened one just now
            there = find_open(connection, row.user_id, Stage(row.stage), row.order_id)
    if there is not None:
        merge_incidence(connection, row, there, actor, at)
        return there.incidence_id
    _resume(connection, rules, row, actor, at)
    return row.incidence_id


def _reopened(row: Row[Any], at: datetime) -> dict[str, Any]:
    return {
        "outcome": None,
        "resolved_at": None,
        "time_to_resolve_seconds": None,
        "lost_value_paise": None,
        "order_impact": None if row.order_impact == OrderImpact.LOST else row.order_impact,
        "reopen_count": row.reopen_count + 1,
        "agent_id": None,
        "updated_at": at,
    }


def _resume(connection: Connection, rules: Rules, row: Row[Any], actor: Actor, at: datetime) -> None:
    """What was just reopened is routed, opened if it never was, and comes back to its agent or waits."""
    facts = order_facts(connection, row.user_id, row.order_id)
    routing = route(rules, facts)
    was_open = row.opened_at is not None
    is_served = was_open or bool(routing.channels)
    kept = [*row.allowed_channels] if was_open else []
    channels = [channel for channel in RoutedChannel if channel in routing.channels or channel in kept]
    channel = row.channel or working_channel(None, channels, rules.policies.chat_channels)
    values = {
        "is_self_serve": not is_served,
        "opened_at": row.opened_at or (at if is_served else None),
        "channel": channel,
        "first_channel": row.first_channel or channel,
        "allowed_channels": channels,
        "order_value_paise": facts.value_paise,
        "event_type": facts.event_type,
        "rule_version": rules.routing.version,
    }
    change_incidence(connection, row.incidence_id, values)
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.REOPENED,
        actor,
        at,
        channel=channel,
        status_after=IncidenceStatus.OPEN if is_served else IncidenceStatus.SELF_SERVE,
    )
    if not is_served:
        return
    if row.agent_id is not None:
        take_seat_of(connection, row.incidence_id, row.agent_id, at)
    opened = Opened(row.incidence_id, at, channels, routing.escalate_after_seconds, facts.value_paise)
    begin_work(connection, rules, [opened], at)


def merge_incidence(connection: Connection, row: Row[Any], into: Row[Any], actor: Actor, at: datetime) -> None:
    """What is said of `row`, which has ended, goes on in `into`. Both are held."""
    change_incidence(connection, row.incidence_id, {"merged_into": into.incidence_id, "updated_at": at})
    conversations = update(platform_conversations).where(platform_conversations.c.incidence_id == row.incidence_id)
    connection.execute(conversations.values(incidence_id=into.incidence_id))
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.MERGED,
        actor,
        at,
        channel=row.channel,
        details={"mergedInto": into.incidence_id},
    )
    append_event(
        connection,
        into.incidence_id,
        TimelineEvent.JOINED,
        actor,
        at,
        channel=into.channel,
        status_after=status_of(into),
        details={"merged": row.incidence_id},
    )
