"""How an incidence begins, opens, ends and begins again. Functions of a connection; each move is one row of the timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.dialects import postgresql, sqlite

from api.agents.assignment import assign_waiting, touch_agent
from api.channel.rules import Routing, routed, working_channel
from api.errors import BadRequest, Conflict
from api.escalation.rules import is_high_value
from api.escalation.service import stop_clocks
from api.incidences.reading import (
    LIVE_SOURCE,
    IncidenceAlreadyClosed,
    OrderFacts,
    find_open,
    has_order,
    lock_incidence,
    order_facts,
    require_not_merged,
)
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.incidences.work import ChannelNotAllowed, begin_work, change_incidence, route
from api.rules.sets import Rules
from store.enums import (
    ActorType,
    Channel,
    IncidenceStatus,
    IncidenceTrigger,
    OrderImpact,
    Outcome,
    RoutedChannel,
    Stage,
    TimelineEvent,
)
from store.ids import new_id
from store.prepared import Prepared
from store.tables import incidences


class IssueCategoryMissing(BadRequest):
    code = "issue_category_required"
    remedy = "Send the issueCategory that fits; GET /incidences/{incidenceId} tells whether it has one."


class OrderMissing(Conflict):
    code = "order_missing"
    remedy = "CONVERTED follows from the order: PUT /orders/{orderId} closes the incidence."


@dataclass(frozen=True, slots=True)
class StartIncidence:
    """What is known when help is asked for, or offered (`as_offer`)."""

    user_id: str
    stage: Stage
    trigger: IncidenceTrigger
    channel: Channel | None = None
    order_id: str | None = None
    app_screen: str | None = None
    user_inputs: Mapping[str, Any] | None = None
    selected_items: Sequence[Any] | None = None
    prompt_id: str | None = None
    issue_category: str | None = None
    as_offer: bool = False
    actor: Actor | None = None
    """Who began it; by default the user, or the system when it is SYSTEM_INITIATED."""


@dataclass(frozen=True, slots=True)
class StartedIncidence:
    """`joined`: there was an open one for this user, stage and order, and it is that."""

    incidence_id: str
    status: IncidenceStatus
    allowed_channels: tuple[RoutedChannel, ...]
    joined: bool
    reasons: tuple[str, ...]
    rule_version: int
    row: Any = None
    """As it was just inserted, column by column, if nothing else happened to it since."""


def start_incidence(connection: Connection, rules: Rules, start: StartIncidence, at: datetime) -> StartedIncidence:
    """Begin an incidence, or join the open one of the same user, stage and order.

    It is OFFERED if `as_offer`, SELF_SERVE if no human channel is allowed, else OPEN (or ASSIGNED, if an agent is free).
    Asking for help in one that is OFFERED opens it. Raises `ChannelNotAllowed`; `NotFound` for another user's order.
    """
    facts = order_facts(connection, start.user_id, start.order_id)
    routing = route(rules, facts)
    is_served = bool(routing.channels)
    channel = working_channel(start.channel, routing.channels, rules.policies.chat_channels)
    if start.channel is not None and is_served and channel is None:
        there = find_open(connection, start.user_id, start.stage, start.order_id)
        if there is None or routed(start.channel) not in there.allowed_channels:
            raise ChannelNotAllowed(start.channel, routing.channels, routing.reasons)
        return _join(connection, rules, there, start, facts, routing, at)
    is_open = is_served and not start.as_offer
    row = _new_row(start, facts, routing, rules.routing.version, channel if is_open else None, at, is_open=is_open)
    actor = _actor_of(start)
    while _INSERT.run(connection, row) != 1:
        there = find_open(connection, start.user_id, start.stage, start.order_id)
        if there is not None:  # else it closed just now, and this one may begin
            return _join(connection, rules, there, start, facts, routing, at)
    incidence_id = row["incidence_id"]
    status = (
        IncidenceStatus.SELF_SERVE if not is_served else IncidenceStatus.OPEN if is_open else IncidenceStatus.OFFERED
    )
    append_event(
        connection,
        incidence_id,
        TimelineEvent.CREATED,
        actor,
        at,
        channel=row.get("channel"),
        status_after=status,
        details={"ruleVersion": rules.routing.version, "allowedChannels": list(routing.channels)},
    )
    if is_open:
        status = begin_work(connection, rules, incidence_id, facts, routing, at, is_new=True)
    is_as_inserted = not is_open or (
        status is IncidenceStatus.OPEN and not is_high_value(rules.escalation, facts.value_paise)
    )
    inserted = SimpleNamespace(**_UNSET | row) if is_as_inserted else None
    version = rules.routing.version
    return StartedIncidence(incidence_id, status, routing.channels, False, routing.reasons, version, inserted)


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


def _new_row(
    start: StartIncidence,
    facts: OrderFacts,
    routing: Routing,
    rule_version: int,
    channel: Channel | None,
    at: datetime,
    *,
    is_open: bool,
) -> dict[str, Any]:
    incidence_id = new_id(at)
    row: dict[str, Any] = {
        "incidence_id": incidence_id,
        "source": LIVE_SOURCE,
        "source_id": incidence_id,
        "user_id": start.user_id,
        "order_id": start.order_id,
        "stage": start.stage,
        "channel": channel,
        "first_channel": channel,
        "trigger": start.trigger,
        "is_self_serve": not routing.channels,
        "app_screen": start.app_screen,
        "issue_category": start.issue_category,
        "event_type": facts.event_type,
        "order_value_paise": facts.value_paise,
        "allowed_channels": list(routing.channels),
        "rule_version": rule_version,
        "prompt_id": start.prompt_id,
        "created_at": at,
        "opened_at": at if is_open else None,
        "updated_at": at,
    }
    if start.user_inputs is not None:
        row["user_inputs"] = dict(start.user_inputs)
    if start.selected_items is not None:
        row["selected_items"] = list(start.selected_items)
    return row


def _join(
    connection: Connection,
    rules: Rules,
    row: Row[Any],
    start: StartIncidence,
    facts: OrderFacts,
    routing: Routing,
    at: datetime,
) -> StartedIncidence:
    """An offer in what is open changes nothing. A question opens what nobody works on, or is noted in what is worked on."""
    allowed = tuple(RoutedChannel(channel) for channel in row.allowed_channels)
    status = status_of(row)
    if not start.as_offer:
        if status in WORKED_ON:
            if start.channel is not None and routed(start.channel) not in allowed:
                raise ChannelNotAllowed(start.channel, allowed, routing.reasons)
            channel = start.channel or row.channel
            if channel != row.channel:
                change_incidence(connection, row.incidence_id, {"channel": channel, "updated_at": at})
            event = TimelineEvent.JOINED
        else:
            channel = working_channel(start.channel, routing.channels, rules.policies.chat_channels)
            status = _open(connection, rules, row, start, facts, routing, channel, at)
            allowed, event = routing.channels, None
        if event is not None:
            append_event(
                connection, row.incidence_id, event, _actor_of(start), at, channel=channel, status_after=status
            )
    return StartedIncidence(row.incidence_id, status, allowed, True, routing.reasons, rules.routing.version)


def _open(
    connection: Connection,
    rules: Rules,
    row: Row[Any],
    start: StartIncidence,
    facts: OrderFacts,
    routing: Routing,
    channel: Channel | None,
    at: datetime,
) -> IncidenceStatus:
    """Somebody asks for a person in what was OFFERED or SELF_SERVE."""
    is_served = bool(routing.channels)
    values: dict[str, Any] = {
        "is_self_serve": not is_served,
        "opened_at": at if is_served else None,
        "channel": channel,
        "first_channel": row.first_channel or channel,
        "allowed_channels": list(routing.channels),
        "order_value_paise": facts.value_paise,
        "event_type": facts.event_type,
        "rule_version": rules.routing.version,
        "prompt_id": row.prompt_id or start.prompt_id,
        "issue_category": row.issue_category or start.issue_category,
        "updated_at": at,
    }
    change_incidence(connection, row.incidence_id, values)
    status = IncidenceStatus.OPEN if is_served else IncidenceStatus.SELF_SERVE
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.OPENED if is_served else TimelineEvent.JOINED,
        _actor_of(start),
        at,
        channel=channel,
        status_after=status,
        details={"ruleVersion": rules.routing.version, "allowedChannels": list(routing.channels)},
    )
    return begin_work(connection, rules, row.incidence_id, facts, routing, at) if is_served else status


def _actor_of(start: StartIncidence) -> Actor:
    if start.actor is not None:
        return start.actor
    if start.as_offer:
        return SYSTEM
    return Actor(ActorType.USER, start.user_id)


_UNSET = {column.name: None for column in incidences.c} | {"reopen_count": 0}
_INSERT = Prepared(
    {
        name: dialect.insert(incidences).on_conflict_do_nothing()
        for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
    }
)
