"""POST /escalation/trigger and GET /escalation/queue."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import Connection

from api.auth import requires
from api.channel.schemas import EscalationAnswer
from api.channel.service import NobodyWorksOnIt
from api.deps import CurrentRules, Once, PageCursor, StoreDep
from api.escalation.queue import read_queue
from api.escalation.schemas import EscalationInput, QueueAnswer
from api.escalation.service import escalate
from api.incidences.reading import get_incidence, lock_incidence, require_not_merged
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.schemas import IncidenceAnswer
from api.incidences.timeline import SYSTEM, Actor
from api.rules.sets import Rules
from api.tokens.keyring import Principal
from store import clock
from store.enums import ActorType, EscalationLevel, Role

router = APIRouter(prefix="/escalation", tags=["escalation"])
Escalator = Annotated[Principal, Depends(requires(Role.APP, Role.AGENT, Role.SUPERVISOR))]
STAFF = [Depends(requires(Role.AGENT, Role.SUPERVISOR, Role.ADMIN))]


@router.post("/trigger", response_model=EscalationAnswer)
async def post_trigger(wanted: EscalationInput, caller: Escalator, rules: CurrentRules, once: Once) -> Response:
    """Escalate for a cause. It goes to a free agent of the level; while there is none it stays where it is, and waits.

    A cause escalates an incidence once: the second time `isRepeated` is true and nothing changes.
    """
    actor = Actor(ActorType.AGENT, caller.agent_id) if caller.agent_id is not None else SYSTEM
    return await once(200, _trigger, rules, wanted, actor)


@router.get("/queue", dependencies=STAFF)
async def get_queue(
    store: StoreDep,
    level: Annotated[EscalationLevel | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Rows a page")] = 100,
    cursor: PageCursor = None,
) -> QueueAnswer:
    """What was escalated or waits: by level, then order value, then age; each with why it is here and whose it is."""
    with store.read() as connection:
        return read_queue(connection, clock.now(), level=level, limit=limit, cursor=cursor)


def _trigger(connection: Connection, rules: Rules, wanted: EscalationInput, actor: Actor) -> EscalationAnswer:
    row = lock_incidence(connection, wanted.incidence_id)
    require_not_merged(row)
    if status_of(row) not in WORKED_ON:
        raise NobodyWorksOnIt(f"The incidence is {status_of(row)}.")
    level = escalate(
        connection, rules, wanted.incidence_id, wanted.trigger, reason=wanted.reason, actor=actor, at=clock.now()
    )
    to = rules.escalation.by_trigger[wanted.trigger].level
    return EscalationAnswer(
        incidence=IncidenceAnswer.of(get_incidence(connection, wanted.incidence_id)),
        level=level,
        is_repeated=level is None,
        reasons=[f"{wanted.trigger} goes to {to}." if level else f"{wanted.trigger} had escalated it already."],
        rule_version=rules.escalation.version,
    )
