"""/admin: people and their sign-in links, keys, and what could not be delivered. Rules are in `rules.py`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api.agents.schemas import AgentInput
from api.agents.service import create_agent, list_agents
from api.dashboard.desk.forms import validated
from api.dashboard.pages import PageRoute, go_to, render
from api.dashboard.session import AdminViewer, PostedForm, Viewer, viewers
from api.dashboard.sign_in import PAGE_ROLES, Link, insert_link
from api.deps import KeyId, KeyringDep, StoreDep
from api.errors import BadRequest
from api.outbox.service import list_messages, resend
from api.tokens.service import AGENT_ROLES, KeyNeedsAgent, insert_key, list_keys, revoke_key
from api.webhooks.dead import list_dead, replay_dead
from api.wire import RowId
from store import clock
from store.enums import KEY_ROLES, AgentLevel, OutboxState, Role
from store.session import Store

router = APIRouter(prefix="/admin", route_class=PageRoute, include_in_schema=False)
RowIdInPath = Annotated[RowId, Path(alias="rowId")]
ADMINS = [Depends(viewers(Role.ADMIN))]
SHOWN = 100
GIVEN_UP = (OutboxState.DEAD, OutboxState.UNCERTAIN)


@router.get("")
async def show_admin(viewer: AdminViewer, request: Request, store: StoreDep):
    """Where an admin goes from, with what asks for attention."""
    with store.read() as connection:
        agents = list_agents(connection).items
        keys = [key for key in list_keys(connection) if key.revoked_at is None]
        dead = len(list_messages(connection, GIVEN_UP, SHOWN)) + len(list_dead(connection, SHOWN))
    counts = {"agents": len(agents), "keys": len(keys), "dead": dead}
    return render(request, "admin/index.html", viewer, counts=counts, most=SHOWN)


@router.get("/people")
async def show_people(viewer: AdminViewer, request: Request, store: StoreDep):
    return _people(request, viewer, store, None)


@router.post("/people", dependencies=ADMINS)
async def post_agent(store: StoreDep, form: PostedForm):
    """Add an agent."""
    wanted = validated(
        AgentInput,
        {
            "name": form.get("name"),
            "levels": form.all("levels"),
            "openLimit": form.get("openLimit", "5"),
            **({"agentId": form["agentId"]} if "agentId" in form else {}),
        },
    )
    await store.writer.submit(create_agent, wanted)
    return go_to("/admin/people")


@router.post("/people/links")
async def post_link(viewer: AdminViewer, request: Request, store: StoreDep, form: PostedForm):
    """A sign-in link: it stands on this answer and nowhere else."""
    role = form.get("role")
    if role not in PAGE_ROLES:
        raise BadRequest("role: is not one with pages", remedy=f"Use one of {', '.join(PAGE_ROLES)}.")
    agent_id = form.get("agentId") if role in AGENT_ROLES else None
    link = await store.writer.submit(insert_link, role=Role(role), agent_id=agent_id)
    return _people(request, viewer, store, link)


@router.get("/keys")
async def show_keys(viewer: AdminViewer, request: Request, store: StoreDep):
    return _keys(request, viewer, store, None)


@router.post("/keys")
async def post_key(viewer: AdminViewer, request: Request, store: StoreDep, form: PostedForm):
    """Make a key: it stands on this answer and nowhere else."""
    role, label = form.get("role"), form.get("label", "")
    if role not in KEY_ROLES or not label or len(label) > 200:
        raise BadRequest("A key needs a role and a label of at most 200 letters.")
    agent_id = form.get("agentId") if role in AGENT_ROLES else None
    try:
        key = await store.writer.submit(insert_key, role=Role(role), label=label, agent_id=agent_id)
    except KeyNeedsAgent as error:
        raise BadRequest(str(error)) from error
    return _keys(request, viewer, store, key)


@router.post("/keys/{keyId}/revocation", dependencies=ADMINS)
async def post_revocation(key_id: KeyId, store: StoreDep, keyring: KeyringDep) -> Response:
    await store.writer.submit(revoke_key, key_id)
    keyring.forget(key_id)
    return go_to("/admin/keys")


@router.get("/dead-letters")
async def show_dead_letters(viewer: AdminViewer, request: Request, store: StoreDep):
    """What was given up, in both directions, with the reason and another try."""
    with store.read() as connection:
        messages = list_messages(connection, GIVEN_UP, SHOWN)
        events = list_dead(connection, SHOWN)
    return render(request, "admin/dead_letters.html", viewer, messages=messages, events=events)


@router.post("/dead-letters/messages/{rowId}", dependencies=ADMINS)
async def post_resend(row_id: RowIdInPath, store: StoreDep) -> Response:
    await store.writer.submit(resend, row_id, clock.now())
    return go_to("/admin/dead-letters")


@router.post("/dead-letters/events/{rowId}", dependencies=ADMINS)
async def post_retry(row_id: RowIdInPath, store: StoreDep) -> Response:
    """Apply an event again. One that is gone by now, or erased, is left as it is."""
    await store.writer.submit(replay_dead, [row_id])
    return go_to("/admin/dead-letters")


def _people(request: Request, viewer: Viewer, store: Store, link: Link | None) -> Response:
    with store.read() as connection:
        team = list_agents(connection).items
    address = f"{request.base_url}sign-in/{link.token}" if link is not None else None
    roles = [role for role in PAGE_ROLES if role not in AGENT_ROLES]
    return render(
        request, "admin/people.html", viewer, team=team, link=link, address=address, levels=[*AgentLevel], roles=roles
    )


def _keys(request: Request, viewer: Viewer, store: Store, key: str | None) -> Response:
    with store.read() as connection:
        keys, team = list_keys(connection), list_agents(connection).items
    return render(request, "admin/keys.html", viewer, keys=keys, team=team, key=key, roles=KEY_ROLES)
