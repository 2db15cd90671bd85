"""Giving a chat the higher channel."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from api.channel.rules import band_of
from api.channel.schemas import EscalationAnswer
from api.errors import Conflict
from api.escalation.service import REASONS, escalate
from api.incidences.reading import get_incidence, lock_incidence, require_not_merged
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.schemas import IncidenceAnswer
from api.incidences.timeline import Actor
from api.rules.sets import Rules
from store import clock
from store.enums import EscalationLevel, EscalationTrigger, RoutedChannel


class NobodyWorksOnIt(Conflict):
    code = "incidence_not_open"
    remedy = "Only what is OPEN or ASSIGNED is escalated."


class EscalationNotDue(Conflict):
    code = "escalation_not_due"
    remedy = "Wait until dueAt, or let an agent decide."


def escalate_channel(
    connection: Connection, rules: Rules, incidence_id: str, reason: str | None, actor: Actor, *, is_person: bool
) -> EscalationAnswer:
    """Add CALL to a chat: at once if an agent says so (`is_person`), for the app when the band's time is over.

    Raises `NotFound`, `NobodyWorksOnIt`, `EscalationNotDue`.
    """
    at = clock.now()
    row = lock_incidence(connection, incidence_id)
    require_not_merged(row)
    if status_of(row) not in WORKED_ON:
        raise NobodyWorksOnIt(f"The incidence is {status_of(row)}.")
    if RoutedChannel.CALL in row.allowed_channels:
        return _answer(connection, rules, incidence_id, None, "A call is allowed already.")
    if not is_person:
        due_at = _due_at(rules, row.order_value_paise, row.opened_at)
        if due_at is None or at < due_at:
            raise EscalationNotDue("The time of a chat is not over.", dueAt=due_at.isoformat() if due_at else None)
    trigger = EscalationTrigger.CHAT_UNRESOLVED
    level = escalate(connection, rules, incidence_id, trigger, reason=reason or REASONS[trigger], actor=actor, at=at)
    return _answer(connection, rules, incidence_id, level, "A call is allowed from now on.")


def _answer(
    connection: Connection, rules: Rules, incidence_id: str, level: EscalationLevel | None, reason: str
) -> EscalationAnswer:
    return EscalationAnswer(
        incidence=IncidenceAnswer.of(get_incidence(connection, incidence_id)),
        level=level,
        is_repeated=level is None,
        reasons=[reason],
        rule_version=rules.routing.version,
    )


def _due_at(rules: Rules, order_value_paise: int | None, opened_at: datetime) -> datetime | None:
    seconds = band_of(rules.routing.bands, order_value_paise or 0).escalate_after_seconds
    return opened_at + timedelta(seconds=seconds) if seconds is not None else None
