"""Agents: who they are, what they may do, and whether they are there."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from api.agents.assignment import OPEN_OF_AGENT, assign_waiting
from api.agents.schemas import AgentAnswer, AgentInput, AgentPatch, AgentsAnswer, AgentStatusAnswer
from api.errors import Conflict, NotFound
from store import clock
from store.enums import AgentStatus
from store.ids import new_id
from store.tables import agents


class AgentExists(Conflict):
    code = "agent_exists"
    remedy = "PATCH /agents/{agentId} changes it."


def list_agents(connection: Connection) -> AgentsAnswer:
    """Every agent, by id."""
    return AgentsAnswer(items=[AgentAnswer.of(row) for row in connection.execute(_ALL)])


def get_agent(connection: Connection, agent_id: str) -> AgentAnswer:
    """Raises `NotFound`."""
    row = connection.execute(_ONE, {"id": agent_id}).first()
    if row is None:
        raise NotFound(f"There is no agent {agent_id}.", remedy="GET /agents lists them.")
    return AgentAnswer.of(row)


def create_agent(connection: Connection, wanted: AgentInput) -> AgentAnswer:
    """A new agent, AWAY until the status is set. Raises `AgentExists`."""
    at = clock.now()
    agent_id = wanted.agent_id or new_id(at)
    row = {
        "agent_id": agent_id,
        "name": wanted.name,
        "levels": _distinct(wanted.levels),
        "open_limit": wanted.open_limit,
        "status": AgentStatus.AWAY,
        "platform_ids": dict(wanted.platform_ids),
        "created_at": at,
        "updated_at": at,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(agents), row)
    except IntegrityError as error:
        raise AgentExists(f"There is an agent {agent_id}.") from error
    return get_agent(connection, agent_id)


def change_agent(connection: Connection, agent_id: str, wanted: AgentPatch) -> AgentAnswer:
    """Write what is given; a higher limit or another level is used at once. Raises `NotFound`."""
    at = clock.now()
    _lock(connection, agent_id)
    values: dict[str, Any] = {
        name: value for name in wanted.model_fields_set if (value := getattr(wanted, name)) is not None
    }
    if "levels" in values:
        values["levels"] = _distinct(values["levels"])
    if values:
        _write(connection, agent_id, values, at)
        assign_waiting(connection, at)
    return get_agent(connection, agent_id)


def set_status(connection: Connection, agent_id: str, status: AgentStatus) -> AgentStatusAnswer:
    """Note whether the agent is there. Who becomes AVAILABLE takes the longest waiting at once; who goes keeps what he has.

    Raises `NotFound`.
    """
    at = clock.now()
    row = _lock(connection, agent_id)
    taken: list[str] = []
    if row.status != status:
        _write(connection, agent_id, {"status": status}, at)
        taken = [incidence_id for incidence_id, taker in assign_waiting(connection, at) if taker == agent_id]
    return AgentStatusAnswer(agent=get_agent(connection, agent_id), taken_incidence_ids=taken)


def _lock(connection: Connection, agent_id: str) -> Row[Any]:
    row = connection.execute(_LOCK, {"id": agent_id}).first()
    if row is None:
        raise NotFound(f"There is no agent {agent_id}.", remedy="GET /agents lists them.")
    return row


def _write(connection: Connection, agent_id: str, values: dict[str, Any], at: datetime) -> None:
    connection.execute(update(agents).where(agents.c.agent_id == agent_id).values(**values, updated_at=at))


def _distinct(levels: list[Any]) -> list[str]:
    return list(dict.fromkeys(levels))


_ALL = select(agents, OPEN_OF_AGENT.label("open_count")).order_by(agents.c.agent_id)
_ONE = select(agents, OPEN_OF_AGENT.label("open_count")).where(agents.c.agent_id == bindparam("id"))
_LOCK = select(agents.c.status).where(agents.c.agent_id == bindparam("id")).with_for_update()
