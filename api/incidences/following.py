"""While it is open, an incidence follows the value of its order or cart, and the rules run again."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from api.escalation.service import Opened, escalate_by_value, start_clocks
from api.incidences.reading import OrderFacts, find_open, order_facts
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.timeline import SYSTEM, append_event
from api.incidences.work import change_incidence, route
from api.outbox.telling import tell_order
from api.rules.sets import Rules
from store.enums import RoutedChannel, Stage, TimelineEvent


def follow_cart(connection: Connection, rules: Rules, user_id: str, at: datetime) -> None:
    """Let the user's open incidence that is about the cart follow its value and event; rules run again if they changed."""
    row = find_open(connection, user_id, Stage.PRE_ORDER, None)
    if row is not None:
        follow_order_facts(connection, rules, row, order_facts(connection, user_id, None), at)


def follow_order_facts(connection: Connection, rules: Rules, row: Row[Any], facts: OrderFacts, at: datetime) -> None:
    """Give a held, open row the value and event of its order or cart, and judge it by them.

    What a person was allowed stays allowed: channels are only added to an incidence that is worked on.
    """
    if (row.order_value_paise, row.event_type) == (facts.value_paise, facts.event_type):
        return
    routing = route(rules, facts)
    is_worked_on = status_of(row) in WORKED_ON
    kept = [RoutedChannel(channel) for channel in row.allowed_channels] if is_worked_on else []
    channels = [channel for channel in RoutedChannel if channel in routing.channels or channel in kept]
    values = {
        "order_value_paise": facts.value_paise,
        "event_type": facts.event_type,
        "allowed_channels": channels,
        "rule_version": rules.routing.version,
        "updated_at": at,
    }
    change_incidence(connection, row.incidence_id, values)
    details = {"orderValuePaise": facts.value_paise, "allowedChannels": channels, "ruleVersion": rules.routing.version}
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.UPDATED,
        SYSTEM,
        at,
        channel=row.channel,
        status_after=status_of(row),
        details=details,
    )
    tell_order(connection, row.incidence_id)
    if is_worked_on:
        opened = Opened(row.incidence_id, row.opened_at, channels, routing.escalate_after_seconds, facts.value_paise)
        start_clocks(connection, rules, [opened], at)
        escalate_by_value(connection, rules, row.incidence_id, facts.value_paise, at)
