"""Who takes what. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from store.enums import AgentLevel


@dataclass(frozen=True, slots=True)
class Seat:
    """An available agent. `idle_since` is when its work or status last changed."""

    agent_id: str
    levels: Collection[AgentLevel | str]
    open_limit: int
    open_count: int
    idle_since: datetime

    @property
    def is_free(self) -> bool:
        return self.open_count < self.open_limit


def pick_agent(seats: Iterable[Seat], level: AgentLevel) -> Seat | None:
    """Of the free agents who have the level the least loaded; of several the one idle longest, then by id."""
    fitting = [seat for seat in seats if seat.is_free and level in seat.levels]
    return min(fitting, key=lambda seat: (seat.open_count, seat.idle_since, seat.agent_id), default=None)
