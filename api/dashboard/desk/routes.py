"""/desk: the queue, and what is done to incidences there."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from api.agent.chats import chat_links
from api.agent.dashboard import fetch_view
from api.agent.rules import code_discount_paise
from api.agent.schemas import Dashboard, NoteInput
from api.agent.service import Caller, act, add_note, agent_discount_limit
from api.agent.worklist import Asked, View, read_clock, read_worklist
from api.agents.service import list_agents, set_status
from api.context.catalogue import read_item_names
from api.dashboard.desk.forms import action_of, approved_action, note_of
from api.dashboard.desk.telling import asked_text, event_text, is_shown, outcome_text
from api.dashboard.i18n import translator
from api.dashboard.pages import PageRoute, go_to, is_fragment, problem_page, render
from api.dashboard.session import STAFF, AgentViewer, Form, PostedForm, StaffViewer, Viewer, way_back
from api.deps import CurrentRules, IncidenceId, StoreDep
from api.errors import BadRequest, NotFound, PreconditionFailed
from api.incidences.reading import DEMO_SOURCE
from api.incidences.schemas import IncidencePatch
from api.incidences.service import change
from api.rules.sets import Rules
from api.streams import LastEventId, StreamsDep, horizon
from api.wire import RowId
from store import clock
from store.enums import AgentStatus, Channel, EscalationLevel, OrderImpact, Role, Tier
from store.platform_settings import Connections
from store.session import Store

router = APIRouter(prefix="/desk", route_class=PageRoute, include_in_schema=False)
CAUSES = ("POLICY_EXCEPTION", "EMOTIONAL_CRITICAL", "SYSTEM_BUG")
SHOWN = 100
Word = Annotated[str | None, Query(max_length=128)]


@router.get("")
async def show_queue(
    viewer: StaffViewer,
    request: Request,
    store: StoreDep,
    rules: CurrentRules,
    view: Word = None,
    level: Word = None,
    channel: Word = None,
    language: Word = None,
    tier: Word = None,
    q: Word = None,
):
    """The queue. What the filters say stands in the address, so that it can be kept and passed on."""
    asked = Asked(
        view=_word(View, view) or (View.MINE if viewer.role is Role.AGENT else View.WAITING),
        level=_word(EscalationLevel, level),
        channel=_word(Channel, channel),
        language=language or None,
        tier=_word(Tier, tier),
        text=(q or "").strip() or None,
    )
    with store.read() as connection:
        since = horizon(connection)
        work = read_worklist(connection, asked, viewer.agent_id, limit=SHOWN)
    return render(
        request,
        "desk/queue.html",
        viewer,
        since=since,
        asked=asked,
        work=work,
        views=list(View),
        categories={code: texts.of(viewer.language) for code, texts in rules.categories.names.items()},
        is_demo=work.is_demo,
        **_choices(asked),
    )


@router.post("/status")
async def choose_status(viewer: AgentViewer, request: Request, store: StoreDep, form: PostedForm):
    """Whether the agent is there. Who becomes available takes the longest waiting at once."""
    status = _word(AgentStatus, form.get("status"))
    if status is None:
        raise BadRequest("status: is not one of ours", remedy=f"Use one of {', '.join(AgentStatus)}.")
    answer = await store.writer.submit(set_status, viewer.agent_id or "", status)
    if not is_fragment(request):
        return go_to(way_back(form.get("next"), "/desk"))
    shown = Viewer(viewer.principal, viewer.language, viewer.csrf, viewer.name, answer.agent.status)
    page = render(
        request, "desk/status.html", shown, back=form.get("next", "/desk"), taken_count=len(answer.taken_incidence_ids)
    )
    page.headers["HX-Trigger"] = "done"
    return page


@router.get("/stream", response_class=EventSourceResponse, dependencies=[Depends(STAFF)])
async def stream(
    streams: StreamsDep,
    incidence: Annotated[RowId | None, Query()] = None,
    since: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="Up to where the page knows.")] = None,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """That something happened to an incidence, of all or of one; the page then reads itself anew."""
    known = last_event_id or since
    async for event in streams.listen("desk", lambda change: incidence in (None, change.subject), known):
        yield event


@router.get("/incidences/{incidenceId}")
async def show_incidence(
    incidence_id: IncidenceId,
    viewer: StaffViewer,
    request: Request,
    store: StoreDep,
    rules: CurrentRules,
    open_dialog: Annotated[str | None, Query(alias="act", max_length=20)] = None,
):
    """Everything about one incidence, and what may be done to it now."""
    with store.read() as connection:
        since = horizon(connection)
    view = await fetch_view(store, request.app.state.warehouse, rules, incidence_id, viewer.principal)
    context = _incidence_context(store, rules, request.app.state.platforms.current(), view, viewer)
    return render(request, "desk/incidence.html", viewer, since=since, open_dialog=open_dialog, **context)


@router.post("/incidences/{incidenceId}/actions")
async def post_action(
    incidence_id: IncidenceId,
    viewer: AgentViewer,
    request: Request,
    store: StoreDep,
    rules: CurrentRules,
    form: PostedForm,
):
    """Do something to it. With `approvalId` it is what a supervisor let pass; everything else is in the form."""
    caller = Caller.of(viewer.principal)
    if "approvalId" in form:
        view = await fetch_view(store, request.app.state.warehouse, rules, incidence_id, viewer.principal)
        approval = next((each for each in view.approvals if each.approval_id == form["approvalId"]), None)
        if approval is None:
            raise NotFound("There is no such approval.")
        wanted = approved_action(approval)
    else:
        wanted = action_of(form)
    try:
        answer = await store.writer.submit(act, rules, incidence_id, wanted, caller, form.get("etag"))
    except PreconditionFailed as stale:
        return await _conflict(request, viewer, store, rules, incidence_id, stale)
    names = _agent_names(store)
    said, then = outcome_text(answer, translator(viewer.language), names, viewer.agent_id)
    undo = None
    if form.get("claim") and answer.incidence.agent_id == viewer.agent_id:
        undo = {"agentId": form.get("from", ""), "etag": answer.incidence.etag}
    return _done(
        request,
        viewer,
        incidence_id,
        said=said,
        then=then,
        undo=undo,
        is_problem=not answer.allowed,
        form=form,
        etag=answer.incidence.etag,
    )


@router.post("/incidences/{incidenceId}/notes")
async def post_note(
    incidence_id: IncidenceId,
    viewer: AgentViewer,
    request: Request,
    store: StoreDep,
    rules: CurrentRules,
    form: PostedForm,
):
    wanted: NoteInput = note_of(form, clock.now())
    entry = await store.writer.submit(add_note, rules, incidence_id, wanted, Caller.of(viewer.principal), None)
    t = translator(viewer.language)
    flagged = t("It reads like a promise or a push to buy more.") if entry.flags else ""
    return _done(request, viewer, incidence_id, said=t("Written down"), then=flagged, form=form)


@router.post("/incidences/{incidenceId}/reopening")
async def reopen(
    incidence_id: IncidenceId,
    viewer: AgentViewer,
    request: Request,
    store: StoreDep,
    rules: CurrentRules,
    form: PostedForm,
):
    caller = Caller.of(viewer.principal)
    wanted = IncidencePatch.model_validate({"outcome": None})
    try:
        after = await store.writer.submit(
            change, rules, incidence_id, wanted, actor=caller.actor, if_match=form.get("etag")
        )
    except PreconditionFailed as stale:
        return await _conflict(request, viewer, store, rules, incidence_id, stale)
    said = translator(viewer.language)("It is open again")
    return _done(request, viewer, after.merged_into or incidence_id, said=said, form=form, etag=after.etag)


def _done(
    request: Request,
    viewer: Viewer,
    incidence_id: str,
    *,
    said: str,
    then: str = "",
    undo: dict[str, str] | None = None,
    is_problem: bool = False,
    form: Form,
    etag: str | None = None,
) -> Response:
    """A notice on the page that is there, which then reads itself anew; or the page of the incidence.

    `etag`: what the incidence has become by this. Forms that show what it was before know it from here on, so that the next
    action does not meet its own forerunner as a conflict while the page is still being read.
    """
    if not is_fragment(request):
        return go_to(way_back(form.get("next"), f"/desk/incidences/{incidence_id}"))
    context = {"incidence_id": incidence_id, "said": said, "then": then, "undo": undo, "is_problem": is_problem}
    page = render(request, "desk/notice.html", viewer, **context)
    became = {"was": form.get("etag"), "is": etag} if etag else {}
    done = json.dumps({"done": became})
    page.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "beforeend", "HX-Trigger": done})
    return page


async def _conflict(
    request: Request, viewer: Viewer, store: Store, rules: Rules, incidence_id: str, stale: PreconditionFailed
) -> Response:
    """What the incidence is by now, told in the form that was sent; sent again, it is written for that."""
    form = Form(await request.body())
    if not is_fragment(request) or "slot" not in form:
        return problem_page(request, stale)
    view = await fetch_view(store, request.app.state.warehouse, rules, incidence_id, viewer.principal)
    names = _agent_names(store)
    t = translator(viewer.language)
    told = [event for event in view.timeline if is_shown(event)]
    last = event_text(told[-1], t, names) if told else ""
    page = render(request, "desk/conflict.html", viewer, view=view, names=names, last=last)
    page.headers.update({"HX-Retarget": f"#{form['slot']}", "HX-Reswap": "innerHTML"})
    return page


def _incidence_context(
    store: Store, rules: Rules, platforms: Connections, view: Dashboard, viewer: Viewer
) -> dict[str, Any]:
    t = translator(viewer.language)
    incidence, order = view.incidence, view.order_context
    is_demo = incidence.source == DEMO_SOURCE
    lines = [line for line in order.cart_items if isinstance(line, dict)]
    platter = order.selected_platter if isinstance(order.selected_platter, dict) else None
    items = {str(line.get("itemId")) for line in (*lines, *([platter] if platter else []))}

    def read(connection: Connection) -> tuple[Any, ...]:
        return (
            list_agents(connection).items,
            read_item_names(connection, items),
            read_clock(connection, incidence.incidence_id),
            # What the demo tells of happened on no platform.
            [] if is_demo else chat_links(connection, platforms, incidence.incidence_id),
            agent_discount_limit(connection, rules, viewer.agent_id, incidence.order_value, viewer.role),
        )

    with store.read() as connection:
        team, item_names, running, chats, limit_paise = read(connection)
    names = {agent.agent_id: agent.name for agent in team}
    value = incidence.order_value or 0
    codes = [
        (code, code_discount_paise(code, value)) for code in rules.discounts.codes.values() if code.is_pre_approved
    ]
    reasons = {state.reason for state in view.action_states if state.reason is not None}
    return {
        "view": view,
        "incidence": incidence,
        "is_demo": is_demo,
        "chats": chats,
        "names": names,
        "team": team,
        "lines": lines,
        "platter": platter,
        "item_name": lambda item: item_names[item].of(viewer.language) if item in item_names else item,
        "category_name": lambda code: (
            rules.categories.names[code].of(viewer.language) if code in rules.categories.names else code
        ),
        "categories": [(code, texts.of(viewer.language)) for code, texts in rules.categories.names.items()],
        "codes": codes,
        "limit_paise": limit_paise,
        "causes": CAUSES,
        "impacts": [OrderImpact.MODIFIED, OrderImpact.LOST],
        "clock": running if incidence.outcome is None else None,
        "states": {state.action: state for state in view.action_states},
        "why_nothing": reasons.pop() if len(reasons) == 1 and not any(s.allowed for s in view.action_states) else None,
        "events": [(event, event_text(event, t, names)) for event in reversed(view.timeline) if is_shown(event)],
        "asked_text": lambda approval: asked_text(approval, t),
    }


def _agent_names(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return {agent.agent_id: agent.name for agent in list_agents(connection).items}


def _choices(asked: Asked) -> dict[str, Any]:
    given = {"level": asked.level, "channel": asked.channel, "language": asked.language, "tier": asked.tier}
    return {
        "filters": (
            ("level", "Level", [*EscalationLevel], asked.level),
            ("channel", "Channel", [*Channel], asked.channel),
            ("tier", "Tier", [*Tier], asked.tier),
            ("language", "Language", ["en", "hi"], asked.language),
        ),
        "kept": {name: value for name, value in {**given, "q": asked.text}.items() if value},
    }


def _word(words: Any, text: str | None) -> Any:
    """The word of this enum, however it was written; None for anything else."""
    return words(text.upper()) if text and text.upper() in list(words) else None
