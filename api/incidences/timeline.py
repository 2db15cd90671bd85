"""The timeline: one row for everything that happens to an incidence, in the transaction in which it happens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import Connection, bindparam, insert, select

from store.enums import ActorType, Channel, IncidenceStatus, TimelineEvent
from store.ids import new_id
from store.prepared import Prepared
from store.tables import incidence_timeline, incidences

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `actor_id` is the agent's id for AGENT, the user's for USER, None for SYSTEM."""

    kind: ActorType
    actor_id: str | None = None

    @property
    def agent_id(self) -> str | None:
        return self.actor_id if self.kind is ActorType.AGENT else None


SYSTEM = Actor(ActorType.SYSTEM)


def event_row(
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
) -> dict[str, Any]:
    """A row for `append_events`. `agent_id` is whom it is about, by default the agent who did it.

    `details` holds ids, words and numbers only: it leaves the store, `text` does not. `occurred_at` is given for what a
    platform tells later than it happened. The row has the source of its incidence.
    """
    return {
        "event_id": new_id(at),
        "incidence_id": incidence_id,
        "event_type": event_type,
        "actor_type": actor.kind,
        "agent_id": agent_id or actor.agent_id,
        "channel": channel,
        "status_after": status_after,
        "text": text,
        "text_length": len(text) if text is not None else None,
        "flags": list(flags) if flags is not None else None,
        "details": dict(details) if details is not None else None,
        "source_event_id": source_event_id,
        "started_at": started_at,
        "ended_at": ended_at,
        "is_reached": is_reached,
        "occurred_at": occurred_at or at,
        "recorded_at": at,
        "of_incidence": incidence_id,
    }


def append_events(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows, each made by `event_row`."""
    if rows:
        _INSERT.run_many(connection, rows)


def _appending(make_row: Callable[P, dict[str, Any]]) -> Callable[Concatenate[Connection, P], str]:
    def append_event(connection: Connection, /, *args: P.args, **kwargs: P.kwargs) -> str:
        row = make_row(*args, **kwargs)
        append_events(connection, [row])
        return row["event_id"]

    return append_event


append_event = _appending(event_row)
"""`append_event(connection, ...)` adds one row, made by `event_row(...)`, and returns its id."""

_SOURCE = select(incidences.c.source).where(incidences.c.incidence_id == bindparam("of_incidence")).scalar_subquery()
_INSERT = Prepared(insert(incidence_timeline).values(source=_SOURCE))
