"""Agents on the wire."""

from typing import Annotated, Any, Self

from pydantic import Field

from api.wire import Id, Input, Instant, Wire
from store.enums import AgentLevel, AgentStatus, Platform

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Asha"])]
Levels = Annotated[list[AgentLevel], Field(min_length=1, max_length=len(AgentLevel), examples=[["AGENT"]])]
OpenLimit = Annotated[int, Field(ge=0, le=1_000, description="How many open incidences at most")]
PlatformIds = Annotated[
    dict[Platform, Annotated[str, Field(min_length=1, max_length=128)]],
    Field(description="The agent's id on each chat platform", examples=[{"INTERCOM": "814860"}]),
]


class AgentInput(Input):
    agent_id: Id | None = Field(None, description="Left out, one is made.", examples=["agent-asha"])
    name: Name
    levels: Levels
    open_limit: OpenLimit = 5
    platform_ids: PlatformIds = Field(default_factory=dict)


class AgentPatch(Input):
    """What is left out stays."""

    name: Name | None = None
    levels: Levels | None = None
    open_limit: OpenLimit | None = None
    platform_ids: PlatformIds | None = None


class AgentStatusInput(Input):
    status: AgentStatus


class AgentAnswer(Wire):
    agent_id: str
    name: str
    levels: list[AgentLevel]
    open_limit: int
    open_count: int = Field(description="How many open incidences the agent has")
    status: AgentStatus
    platform_ids: dict[str, str]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class AgentsAnswer(Wire):
    items: list[AgentAnswer]


class AgentStatusAnswer(Wire):
    agent: AgentAnswer
    taken_incidence_ids: list[str] = Field(description="What had waited and is the agent's now, longest waiting first")
