"""Routing an incidence and beginning to work on it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from api.agents.assignment import assign_waiting
from api.channel.rules import Routing, allowed_channels
from api.errors import Conflict
from api.escalation.service import escalate_by_value, start_clocks
from api.incidences.reading import OrderFacts, get_incidence
from api.incidences.rules import status_of
from api.rules.sets import Rules
from store.enums import Channel, IncidenceStatus, RoutedChannel
from store.tables import incidences


class ChannelNotAllowed(Conflict):
    code = "channel_not_allowed"

    def __init__(self, wanted: Channel, allowed: Sequence[RoutedChannel | str], reasons: Sequence[str]) -> None:
        named = ", ".join(allowed)
        super().__init__(
            f"{wanted} is not allowed for this order; allowed: {named}. {' '.join(reasons)}".strip(),
            remedy="Use an allowed channel, or leave the channel out.",
            allowedChannels=list(allowed),
        )


def route(rules: Rules, facts: OrderFacts) -> Routing:
    """The channels that an order of these facts gets now."""
    always = rules.policies.always_assisted_event_types
    return allowed_channels(rules.routing.bands, facts.value_paise, facts.event_type, always)


def begin_work(
    connection: Connection,
    rules: Rules,
    incidence_id: str,
    facts: OrderFacts,
    routing: Routing,
    at: datetime,
    *,
    is_new: bool = False,
) -> IncidenceStatus:
    """Clocks run, a high value escalates, and the next free agent takes it."""
    start_clocks(
        connection,
        rules,
        incidence_id,
        escalate_chat_after_seconds=routing.escalate_after_seconds,
        allowed=routing.channels,
        started_at=at,
        at=at,
        is_new=is_new,
    )
    escalated = escalate_by_value(connection, rules, incidence_id, facts.value_paise, at)
    given = assign_waiting(connection, at, is_any_known=True)
    if is_new and escalated is None and incidence_id not in dict(given):
        return IncidenceStatus.OPEN  # nothing else gives it an agent
    return status_of(get_incidence(connection, incidence_id))


def change_incidence(connection: Connection, incidence_id: str, values: dict[str, Any]) -> None:
    """Set these columns."""
    connection.execute(update(incidences).where(incidences.c.incidence_id == incidence_id).values(values))
