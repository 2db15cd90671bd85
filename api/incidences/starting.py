"""How an incidence begins, or joins the one that is open: many at once, in one set of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row

from api.channel.rules import Routing, routed, working_channel
from api.escalation.rules import is_high_value
from api.escalation.service import Opened
from api.incidences.reading import LIVE_SOURCE, OrderFacts, facts_of_orders, find_incidence, find_open
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.timeline import SYSTEM, Actor, append_event, append_events, event_row
from api.incidences.work import ChannelNotAllowed, begin_work, change_incidence, route
from api.rules.sets import Rules
from store.enums import ActorType, Channel, IncidenceStatus, IncidenceTrigger, RoutedChannel, Stage, TimelineEvent
from store.ids import new_id
from store.prepared import DIALECTS, Prepared
from store.tables import incidences


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """What help somebody gets who asks for it now; `channel` is None if there is none, or what is asked for is refused."""

    start: StartIncidence
    facts: OrderFacts
    routing: Routing
    channel: Channel | None

    @property
    def refused(self) -> Channel | None:
        """What is asked for, if people may help but not over that."""
        return self.start.channel if self.routing.channels and self.channel is None else None

    @property
    def is_opened(self) -> bool:
        return bool(self.routing.channels) and not self.start.as_offer

    @property
    def status(self) -> IncidenceStatus:
        """As it begins."""
        if not self.routing.channels:
            return IncidenceStatus.SELF_SERVE
        return IncidenceStatus.OFFERED if self.start.as_offer else IncidenceStatus.OPEN


def start_incidence(connection: Connection, rules: Rules, start: StartIncidence, at: datetime) -> StartedIncidence:
    """As `start_incidences`, for one."""
    [started] = start_incidences(connection, rules, [start], at)
    return started


def start_incidences(
    connection: Connection, rules: Rules, starts: Sequence[StartIncidence], at: datetime
) -> list[StartedIncidence]:
    """Begin an incidence for each, or join the open one of the same user, stage and order; the first comes first.

    It is OFFERED if `as_offer`, SELF_SERVE if no human channel is allowed, else OPEN (or ASSIGNED, if an agent is free).
    Asking for help in one that is OFFERED opens it. Raises `ChannelNotAllowed`; `NotFound` for another user's order.
    """
    facts = facts_of_orders(connection, [(start.user_id, start.order_id) for start in starts])
    judged = [_judge(rules, start, known) for start, known in zip(starts, facts, strict=True)]
    rows = [None if one.refused else _new_row(one, rules.routing.version, at) for one in judged]
    new = _insert(connection, [row for row in rows if row is not None])
    begun = [
        (one, row) for one, row in zip(judged, rows, strict=True) if row is not None and row["incidence_id"] in new
    ]
    started = _begin(connection, rules, begun, at)
    return [
        started[row["incidence_id"]]
        if row is not None and row["incidence_id"] in started
        else _join_open(connection, rules, one, at)
        for one, row in zip(judged, rows, strict=True)
    ]


def _judge(rules: Rules, start: StartIncidence, facts: OrderFacts) -> _Judged:
    routing = route(rules, facts)
    return _Judged(
        start, facts, routing, working_channel(start.channel, routing.channels, rules.policies.chat_channels)
    )


def _new_row(judged: _Judged, rule_version: int, at: datetime) -> dict[str, Any]:
    start, facts, is_opened = judged.start, judged.facts, judged.is_opened
    incidence_id = new_id(at)
    channel = judged.channel if is_opened else None
    return {
        "incidence_id": incidence_id,
        "source": LIVE_SOURCE,
        "source_id": incidence_id,
        "user_id": start.user_id,
        "order_id": start.order_id,
        "stage": start.stage,
        "channel": channel,
        "first_channel": channel,
        "trigger": start.trigger,
        "is_self_serve": not judged.routing.channels,
        "app_screen": start.app_screen,
        "user_inputs": dict(start.user_inputs) if start.user_inputs is not None else None,
        "selected_items": list(start.selected_items) if start.selected_items is not None else None,
        "issue_category": start.issue_category,
        "event_type": facts.event_type,
        "order_value_paise": facts.value_paise,
        "allowed_channels": list(judged.routing.channels),
        "rule_version": rule_version,
        "prompt_id": start.prompt_id,
        "created_at": at,
        "opened_at": at if is_opened else None,
        "updated_at": at,
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[str]:
    """The ids of those that were written: where another is open already, nothing is."""
    # In the order of their keys, so that two processes that begin the same ones do not wait for each other.
    in_order = sorted(rows, key=lambda row: (row["user_id"], row["stage"], row["order_id"] or ""))
    written = _INSERT.run_many(connection, in_order) if rows else 0
    ids = {row["incidence_id"] for row in rows}
    if written == len(rows) or not written:
        return ids if written else set()
    return {incidence_id for incidence_id in ids if find_incidence(connection, incidence_id) is not None}


def _begin(
    connection: Connection, rules: Rules, begun: Sequence[tuple[_Judged, dict[str, Any]]], at: datetime
) -> dict[str, StartedIncidence]:
    """Tell the timeline, start the clocks and find agents for what was just inserted."""
    version = rules.routing.version
    append_events(connection, [_created(judged, row, at) for judged, row in begun])
    opened = [_opened(judged, row["incidence_id"], at) for judged, row in begun if judged.is_opened]
    statuses = begin_work(connection, rules, opened, at)
    started = {}
    for judged, row in begun:
        incidence_id = row["incidence_id"]
        status = statuses.get(incidence_id, judged.status)
        is_as_inserted = not judged.is_opened or (
            status is IncidenceStatus.OPEN and not is_high_value(rules.escalation, judged.facts.value_paise)
        )
        inserted = SimpleNamespace(**_UNSET | row) if is_as_inserted else None
        routing = judged.routing
        started[incidence_id] = StartedIncidence(
            incidence_id, status, routing.channels, False, routing.reasons, version, inserted
        )
    return started


def _created(judged: _Judged, row: dict[str, Any], at: datetime) -> dict[str, Any]:
    return event_row(
        row["incidence_id"],
        TimelineEvent.CREATED,
        _actor_of(judged.start),
        at,
        channel=row["channel"],
        status_after=judged.status,
        details=_ruled(judged.routing, row["rule_version"]),
    )


def _join_open(connection: Connection, rules: Rules, judged: _Judged, at: datetime) -> StartedIncidence:
    """Go on in the open one, of which there is at most one. Raises `ChannelNotAllowed` if what was refused is not allowed there."""
    start, routing, refused = judged.start, judged.routing, judged.refused
    there = find_open(connection, start.user_id, start.stage, start.order_id)
    if refused is not None and (there is None or routed(refused) not in there.allowed_channels):
        raise ChannelNotAllowed(refused, routing.channels, routing.reasons)
    if there is None:
        return start_incidence(connection, rules, start, at)  # it closed just now, and this one may begin
    return _join(connection, rules, there, judged, at)


def _join(connection: Connection, rules: Rules, row: Row[Any], judged: _Judged, at: datetime) -> StartedIncidence:
    """An offer in what is open changes nothing. A question opens what nobody works on, or is noted in what is worked on."""
    start, routing = judged.start, judged.routing
    allowed = tuple(RoutedChannel(channel) for channel in row.allowed_channels)
    status = status_of(row)
    if not start.as_offer:
        if status in WORKED_ON:
            if start.channel is not None and routed(start.channel) not in allowed:
                raise ChannelNotAllowed(start.channel, allowed, routing.reasons)
            channel = start.channel or row.channel
            if channel != row.channel:
                change_incidence(connection, row.incidence_id, {"channel": channel, "updated_at": at})
            event, actor = TimelineEvent.JOINED, _actor_of(start)
            append_event(connection, row.incidence_id, event, actor, at, channel=channel, status_after=status)
        else:
            status = _open(connection, rules, row, judged, at)
            allowed = routing.channels
    return StartedIncidence(row.incidence_id, status, allowed, True, routing.reasons, rules.routing.version)


def _open(connection: Connection, rules: Rules, row: Row[Any], judged: _Judged, at: datetime) -> IncidenceStatus:
    """Somebody asks for a person in what was OFFERED or SELF_SERVE."""
    start, facts, routing, channel = judged.start, judged.facts, judged.routing, judged.channel
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
        details=_ruled(routing, rules.routing.version),
    )
    opened = [_opened(judged, row.incidence_id, at, is_new=False)] if is_served else []
    return begin_work(connection, rules, opened, at).get(row.incidence_id, status)


def _opened(judged: _Judged, incidence_id: str, at: datetime, *, is_new: bool = True) -> Opened:
    routing, value_paise = judged.routing, judged.facts.value_paise
    return Opened(incidence_id, at, routing.channels, routing.escalate_after_seconds, value_paise, is_new)


def _ruled(routing: Routing, rule_version: int) -> dict[str, Any]:
    return {"ruleVersion": rule_version, "allowedChannels": list(routing.channels)}


def _actor_of(start: StartIncidence) -> Actor:
    if start.actor is not None:
        return start.actor
    if start.as_offer:
        return SYSTEM
    return Actor(ActorType.USER, start.user_id)


_UNSET = {column.name: None for column in incidences.c} | {"reopen_count": 0}
_INSERT = Prepared({name: dialect.insert(incidences).on_conflict_do_nothing() for name, dialect in DIALECTS.items()})
