"""Routing an incidence and beginning to work on it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from api.agents.assignment import assign_waiting
from api.channel.rules import Routing, allowed_channels
from api.errors import Conflict
from api.escalation.service import Opened, escalate_by_value, start_clocks
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
    connection: Connection, rules: Rules, opened: Sequence[Opened], at: datetime
) -> Mapping[str, IncidenceStatus]:
    """Clocks run, high values escalate, and the next free agents take them; the status of each then, by its id."""
    if not opened:
        return {}
    start_clocks(connection, rules, opened, at)
    changed = {
        one.incidence_id
        for one in opened
        if escalate_by_value(connection, rules, one.incidence_id, one.order_value_paise, at) is not None
    }
    changed |= {incidence_id for incidence_id, _ in assign_waiting(connection, at, is_any_known=True)}
    return {
        one.incidence_id: IncidenceStatus.OPEN  # nothing else gives a new one an agent
        if one.is_new and one.incidence_id not in changed
        else status_of(get_incidence(connection, one.incidence_id))
        for one in opened
    }


def change_incidence(connection: Connection, incidence_id: str, values: dict[str, Any]) -> None:
    """Set these columns."""
    connection.execute(update(incidences).where(incidences.c.incidence_id == incidence_id).values(values))
