"""The agent's desk: dashboard, actions, notes and calls, approvals."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from api.agent.approvals import decide_approval, open_approvals
from api.agent.dashboard import fetch_view
from api.agent.schemas import (
    ActionAnswer,
    ActionInput,
    ApprovalAnswer,
    ApprovalInput,
    ApprovalPage,
    Dashboard,
    NoteInput,
    TimelineEntry,
)
from api.agent.service import Caller, act, add_note
from api.auth import requires
from api.deps import CurrentRules, IfMatch, IncidenceId, Once, StoreDep, WantedPage
from api.streams import LastEventId, StreamsDep
from api.tokens.keyring import Principal
from api.wire import RowId
from store.enums import Role

router = APIRouter(prefix="/agent", tags=["agent"])
_READERS = requires(Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
READERS = [Depends(_READERS)]
Reader = Annotated[Principal, Depends(_READERS)]
Agent = Annotated[Principal, Depends(requires(Role.AGENT, Role.SUPERVISOR))]
Supervisor = Annotated[Principal, Depends(requires(Role.SUPERVISOR))]
ApprovalId = Annotated[RowId, Path(alias="approvalId")]


@router.get("/dashboard/{incidenceId}", response_model=Dashboard)
async def fetch_dashboard(
    incidence_id: IncidenceId, caller: Reader, rules: CurrentRules, request: Request, store: StoreDep
) -> Response:
    """Everything an agent needs for one incidence: the user, the order or cart, where they are in the app, what was before,
    and which actions are open now.

    The phone is whole for the agent it is with, for supervisors and for admins; other agents see its last digits.
    """
    view = await fetch_view(store, request.app.state.warehouse, rules, incidence_id, caller)
    return Response(view.model_dump_json(), media_type="application/json")


@router.post("/actions/{incidenceId}", response_model=ActionAnswer)
async def post_action(
    incidence_id: IncidenceId,
    wanted: Annotated[ActionInput, Body()],
    caller: Agent,
    rules: CurrentRules,
    once: Once,
    if_match: IfMatch = None,
) -> Response:
    """Do something to the incidence. Every action is validated by the CX rules and recorded, allowed or not: 200 either way.

    What is not `allowed` waits for a supervisor as `approvalId`. Once that is approved, the same action with the same
    `approvalId` passes, once. An agent acts on what is theirs, and takes what waits by acting on it.
    """
    return await once(200, act, rules, incidence_id, wanted, Caller.of(caller), if_match)


@router.post("/notes/{incidenceId}", status_code=201, response_model=TimelineEntry)
async def post_note(
    incidence_id: IncidenceId,
    wanted: NoteInput,
    caller: Agent,
    rules: CurrentRules,
    once: Once,
    if_match: IfMatch = None,
) -> Response:
    """Write a note, or log a call. `flags` names phrases that push to buy (UPSELL) or promise too much (PROMISE)."""
    return await once(201, add_note, rules, incidence_id, wanted, Caller.of(caller), if_match)


@router.get("/approvals")
async def list_approvals(caller: Reader, store: StoreDep, page: WantedPage) -> ApprovalPage:
    """What waits for a supervisor, newest first; an agent sees what they asked for."""
    requested_by = caller.agent_id if caller.role is Role.AGENT else None
    with store.read() as connection:
        rows = open_approvals(connection, page, requested_by=requested_by)
    shown, next_cursor = page.cut(rows, "requested_at", "approval_id")
    return ApprovalPage(items=[ApprovalAnswer.of(row) for row in shown], next_cursor=next_cursor)


@router.post("/approvals/{approvalId}", response_model=ApprovalAnswer)
async def post_approval(approval_id: ApprovalId, wanted: ApprovalInput, caller: Supervisor, once: Once) -> Response:
    """Decide, once. An approved action passes once, when its agent sends it again with this `approvalId`."""
    return await once(200, _decide, approval_id, Caller.of(caller).agent_id, wanted)


@router.get("/stream", dependencies=READERS, response_class=EventSourceResponse)
async def stream_desk(
    streams: StreamsDep,
    incidence_id: Annotated[RowId | None, Query(alias="incidenceId", description="Of this incidence alone")] = None,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """What happens to incidences, as it happens: one `incidence` event for each new row of a timeline, without what people
    wrote. `reset` means that too much happened: read again. With `Last-Event-ID` it goes on where it was.
    """
    async for event in streams.listen("desk", lambda change: incidence_id in (None, change.subject), last_event_id):
        yield event


def _decide(connection: Connection, approval_id: str, supervisor_id: str, wanted: ApprovalInput) -> ApprovalAnswer:
    row = decide_approval(connection, approval_id, supervisor_id, is_approved=wanted.is_approved, reason=wanted.reason)
    return ApprovalAnswer.of(row)
