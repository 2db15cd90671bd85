"""The timeline: one row for everything that happens to an incidence, in the transaction in which it happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from store.enums import ActorType, Channel, IncidenceStatus, TimelineEvent
from store.ids import new_id
from store.prepared import Prepared
from store.tables import incidence_timeline, incidences


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `actor_id` is the agent's id for AGENT, the user's for USER, None for SYSTEM."""

    kind: ActorType
    actor_id: str | None = None

    @property
    def agent_id(self) -> str | None:
        return self.actor_id if self.kind is ActorType.AGENT else None


SYSTEM = Actor(ActorType.SYSTEM)


def append_event(
    connection: Connection,
    incidence_id: str,
    event_type: TimelineEvent,
    actor: Actor,
    at: datetime,
    *,
    agent_id: str | None = None,
    channel: Channel | str | None = None,
    status_after: IncidenceStatus | None = None,
    text: str | None = None,
    flags: Sequence[str] | None = None,
    details: Mapping[str, Any] | None = None,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
    is_reached: bool | None = None,
    occurred_at: datetime | None = None,
    source_event_id: str | None = None,
) -> str:
    """Add a row and return its id. `agent_id` is whom it is about, by default the agent who did it.

    `details` holds ids, words and numbers only: it leaves the store, `text` does not. `occurred_at` is given for what a
    platform tells later than it happened. The row has the source of its incidence.
    """
    event_id = new_id(at)
    row: dict[str, Any] = {
        "event_id": event_id,
        "incidence_id": incidence_id,
        "event_type": event_type,
        "actor_type": actor.kind,
        "agent_id": agent_id or actor.agent_id,
        "channel": channel,
        "status_after": status_after,
        "text": text,
        "text_length": len(text) if text is not None else None,
        "source_event_id": source_event_id,
        "started_at": started_at,
        "ended_at": ended_at,
        "is_reached": is_reached,
        "occurred_at": occurred_at or at,
        "recorded_at": at,
        "of_incidence": incidence_id,
    }
    if flags is not None:  # a document that is None would be stored as JSON's null
        row["flags"] = list(flags)
    if details is not None:
        row["details"] = dict(details)
    _INSERT.run(connection, row)
    return event_id


_SOURCE = select(incidences.c.source).where(incidences.c.incidence_id == bindparam("of_incidence")).scalar_subquery()
_INSERT = Prepared(insert(incidence_timeline).values(source=_SOURCE))
