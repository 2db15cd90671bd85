"""/desk/team: what a supervisor looks after: approvals, what is escalated or waits, who is there."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection

from api.agent.approvals import decide_approval, open_approvals
from api.agent.schemas import ApprovalAnswer, ApprovalInput
from api.agent.worklist import Asked, View, read_customers, read_worklist
from api.agents.service import list_agents, set_status
from api.dashboard.desk.forms import validated
from api.dashboard.desk.telling import asked_text
from api.dashboard.i18n import translator
from api.dashboard.pages import PageRoute, go_to, is_fragment, render
from api.dashboard.session import LeaderViewer, PostedForm, SupervisorViewer
from api.deps import AgentId, CurrentRules, StoreDep
from api.errors import BadRequest
from api.paging import PageQuery
from api.streams import horizon
from api.wire import RowId
from store.enums import AgentStatus

router = APIRouter(prefix="/desk", route_class=PageRoute, include_in_schema=False)
SHOWN = 50


@router.get("/team")
async def show_team(viewer: LeaderViewer, request: Request, store: StoreDep, rules: CurrentRules):
    """Approvals first: somebody waits for each. Then what is escalated or nobody's, and the people."""
    with store.read() as connection:
        since = horizon(connection)
        approvals = [
            ApprovalAnswer.of(row) for row in open_approvals(connection, PageQuery(SHOWN, None), requested_by=None)
        ]
        customers = read_customers(connection, [each.incidence_id for each in approvals])
        waiting = read_worklist(connection, Asked(View.WAITING), viewer.agent_id, limit=SHOWN)
        team = list_agents(connection).items
    t = translator(viewer.language)
    return render(
        request,
        "desk/team.html",
        viewer,
        since=since,
        approvals=approvals[:SHOWN],
        customers=customers,
        waiting=waiting,
        team=team,
        names={agent.agent_id: agent.name for agent in team},
        asked_text=lambda approval: asked_text(approval, t),
        rules=rules,
        is_demo=waiting.is_demo,
    )


@router.post("/approvals/{approvalId}")
async def post_approval(
    approval_id: Annotated[RowId, Path(alias="approvalId")],
    viewer: SupervisorViewer,
    request: Request,
    store: StoreDep,
    form: PostedForm,
):
    """A supervisor's word, once."""
    if form.get("isApproved") not in ("yes", "no"):
        raise BadRequest("isApproved: is missing", remedy="Approve or refuse.")
    wanted = validated(ApprovalInput, {"isApproved": form["isApproved"] == "yes", "reason": form.get("reason")})
    row = await store.writer.submit(_decide, approval_id, viewer.agent_id or "", wanted)
    if not is_fragment(request):
        return go_to("/desk/team")
    t = translator(viewer.language)
    said = t("Approved. The agent can do it once.") if wanted.is_approved else t("Refused. The agent sees why.")
    page = render(
        request, "desk/notice.html", viewer, incidence_id=row, said=said, then="", undo=None, is_problem=False
    )
    page.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "beforeend", "HX-Trigger": "done"})
    return page


@router.post("/agents/{agentId}/status")
async def post_agent_status(
    agent_id: AgentId, viewer: LeaderViewer, request: Request, store: StoreDep, form: PostedForm
):
    """Somebody forgot to say that they left, or came."""
    status = form.get("status")
    if status not in list(AgentStatus):
        raise BadRequest("status: is not one of ours", remedy=f"Use one of {', '.join(AgentStatus)}.")
    await store.writer.submit(set_status, agent_id, AgentStatus(status))
    if not is_fragment(request):
        return go_to("/desk/team")
    context: dict[str, Any] = {"said": translator(viewer.language)("Done"), "then": "", "undo": None}
    page = render(request, "desk/notice.html", viewer, incidence_id="", is_problem=False, **context)
    page.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "beforeend", "HX-Trigger": "done"})
    return page


def _decide(connection: Connection, approval_id: str, supervisor_id: str, wanted: ApprovalInput) -> str:
    row = decide_approval(connection, approval_id, supervisor_id, is_approved=wanted.is_approved, reason=wanted.reason)
    return row.incidence_id
