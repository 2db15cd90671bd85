"""Signing in and out, the language, and the links that admins make."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.auth import requires
from api.dashboard.pages import HOME, PageRoute, go_to, render
from api.dashboard.session import (
    LANGUAGE_COOKIE,
    LANGUAGES,
    SESSION_COOKIE,
    AnyViewer,
    Form,
    MaybeViewer,
    set_session,
    way_back,
)
from api.dashboard.sign_in import PAGE_ROLES, LinkNotValid, end_session, find_session, insert_link, open_session
from api.deps import StoreDep
from api.errors import BadRequest
from api.wire import Id, Input, Instant, Wire
from store import clock
from store.enums import Role

links = APIRouter(tags=["pages"])
pages = APIRouter(route_class=PageRoute, include_in_schema=False)
Next = Annotated[str | None, Query(max_length=2_000)]
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{20,120}$")]
A_YEAR = 365 * 24 * 3600


class SignInLinkInput(Input):
    role: Role = Field(description=f"One of {', '.join(PAGE_ROLES)}.", examples=["AGENT"])
    agent_id: Id | None = Field(None, description="Who signs in: required for AGENT and SUPERVISOR, else left out.")


class SignInLinkAnswer(Wire):
    url: str = Field(description="Works once. It is in this answer and nowhere else.")
    expires_at: Instant


@links.post("/sign-in-links", status_code=201, dependencies=[Depends(requires(Role.ADMIN))])
async def post_sign_in_link(wanted: SignInLinkInput, request: Request, store: StoreDep) -> SignInLinkAnswer:
    """Make a link with which a person opens the pages, once, within 24 hours."""
    link = await store.writer.submit(insert_link, role=wanted.role, agent_id=wanted.agent_id)
    return SignInLinkAnswer(url=f"{request.base_url}sign-in/{link.token}", expires_at=link.expires_at)


@pages.get("/sign-in")
async def show_sign_in(request: Request, viewer: MaybeViewer, next_path: Annotated[Next, Query(alias="next")] = None):
    """How to sign in. Whoever comes from another site has no cookie at first: a link of ours brings them on."""
    return render(
        request, "sign_in.html", None, token=None, next_path=way_back(next_path), is_signed_in=viewer is not None
    )


@pages.get("/sign-in/{token}")
async def show_link(token: Token, request: Request):
    """A button. Opening the address alone uses nothing up: chat programs look at links before people do."""
    return render(request, "sign_in.html", None, token=token, next_path="/", is_signed_in=False)


@pages.post("/sign-in/{token}")
async def use_link(token: Token, request: Request, store: StoreDep):
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise LinkNotValid("Another site sent this.", remedy="Open the link itself.")
    session_token = await store.writer.submit(open_session, token)
    with store.read() as connection:
        session = find_session(connection, session_token, clock.now())
    answer = go_to(HOME.get(session.role, "/") if session is not None else "/")
    set_session(answer, request, session_token)
    return answer


@pages.post("/sign-out")
async def sign_out(viewer: AnyViewer, store: StoreDep) -> Response:
    await store.writer.submit(end_session, viewer.session_id)
    answer = go_to("/sign-in")
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@pages.post("/language")
async def choose_language(request: Request) -> Response:
    """Remembered by the browser. It is no secret and changes nothing of ours, so anybody may post it."""
    form = Form(await request.body())
    language = form.get("language")
    if language not in LANGUAGES:
        raise BadRequest("language: is not one we have", remedy=f"Use one of {', '.join(LANGUAGES)}.")
    answer = go_to(way_back(form.get("next")))
    answer.set_cookie(LANGUAGE_COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax")
    return answer
