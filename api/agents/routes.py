"""POST, GET and PATCH /agents, PUT /agents/{agentId}/status."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.agents.schemas import AgentAnswer, AgentInput, AgentPatch, AgentsAnswer, AgentStatusAnswer, AgentStatusInput
from api.agents.service import change_agent, create_agent, get_agent, list_agents, set_status
from api.auth import requires
from api.deps import AgentId, Once, StoreDep
from api.errors import NotAllowed
from api.tokens.keyring import Principal
from store.enums import Role

router = APIRouter(prefix="/agents", tags=["agents"])
ADMINS = [Depends(requires(Role.ADMIN))]
LEADERS = [Depends(requires(Role.ADMIN, Role.SUPERVISOR))]
STAFF = [Depends(requires(Role.ADMIN, Role.SUPERVISOR, Role.AGENT))]
Staff = Annotated[Principal, Depends(requires(Role.ADMIN, Role.SUPERVISOR, Role.AGENT))]


@router.post("", status_code=201, dependencies=ADMINS, response_model=AgentAnswer)
async def post_agent(wanted: AgentInput, once: Once) -> Response:
    """Add an agent. AWAY at first; `POST /tokens/keys` makes the key."""
    return await once(201, create_agent, wanted)


@router.get("", dependencies=LEADERS)
async def get_agents(store: StoreDep) -> AgentsAnswer:
    """Every agent, with how much each has open."""
    with store.read() as connection:
        return list_agents(connection)


@router.get("/{agentId}", dependencies=STAFF)
async def fetch_agent(agent_id: AgentId, store: StoreDep) -> AgentAnswer:
    """One agent."""
    with store.read() as connection:
        return get_agent(connection, agent_id)


@router.patch("/{agentId}", dependencies=ADMINS)
async def patch_agent(agent_id: AgentId, wanted: AgentPatch, store: StoreDep) -> AgentAnswer:
    """Change name, levels, limit or platform ids. Room that this makes is used at once."""
    return await store.writer.submit(change_agent, agent_id, wanted)


@router.put("/{agentId}/status")
async def put_status(agent_id: AgentId, wanted: AgentStatusInput, caller: Staff, store: StoreDep) -> AgentStatusAnswer:
    """Say whether an agent is there. AVAILABLE takes the longest waiting at once. An agent sets the own status only."""
    if caller.role is Role.AGENT and caller.agent_id != agent_id:
        raise NotAllowed("This is another agent's status.", remedy="A supervisor may set it.")
    return await store.writer.submit(set_status, agent_id, wanted.status)
