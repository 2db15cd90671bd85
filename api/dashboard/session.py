"""Who looks at a page: from the session's cookie to a `Viewer`, and what a form posted."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated
from urllib.parse import parse_qsl, quote

from fastapi import Depends, Request
from starlette.responses import Response

from api.dashboard.sign_in import SESSION_LASTS, find_session
from api.errors import BadRequest, NotAllowed, Problem
from api.tokens.keyring import Principal
from store import clock
from store.enums import AgentStatus, Role

SESSION_COOKIE = "supportled_session"
LANGUAGE_COOKIE = "supportled_language"
LANGUAGES = ("en", "hi")
MOST_FIELDS = 2_000


class SignInNeeded(Problem):
    """A page is answered with the way to the sign-in page and back."""

    status = 401
    code = "sign_in_needed"
    remedy = "Open the sign-in link that an admin made for you."


class FormNotOurs(Problem):
    """The form was not on a page of this session: somebody else's page sent it, or the session is another by now."""

    status = 403
    code = "form_not_ours"
    remedy = "Load the page again and repeat it."


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in. `principal` is the same caller as for the API; `csrf` is what forms of this session carry."""

    principal: Principal
    language: str
    csrf: str
    name: str | None = None
    status: AgentStatus | None = None

    @property
    def role(self) -> Role:
        return self.principal.role

    @property
    def agent_id(self) -> str | None:
        return self.principal.agent_id

    @property
    def session_id(self) -> str:
        return self.principal.key_id.removeprefix("session:")


class Form(Mapping[str, str]):
    """The fields that a page posted. A field that is missing or empty is not in it; spaces around are cut off."""

    def __init__(self, body: bytes) -> None:
        try:
            pairs = parse_qsl(body.decode(), max_num_fields=MOST_FIELDS, strict_parsing=bool(body))
        except ValueError as error:
            raise BadRequest("The form cannot be read.") from error
        if b"%00" in body or b"\0" in body:
            raise BadRequest("The form holds a character that is none.")
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if text := value.strip():
                self._values.setdefault(name, []).append(text)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self):
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[str]:
        """Every value of a field that may come several times."""
        return self._values.get(name, [])


def language_of(request: Request) -> str:
    """The language that was chosen, else the first of the browser's that we have, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    wanted = [
        part.partition(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])


def set_session(response: Response, request: Request, token: str) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def way_back(path: str | None, otherwise: str = "/") -> str:
    """The path if it is one of ours, so that nobody is sent elsewhere."""
    if path is None or not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable():
        return otherwise
    return path


def sign_in_path(request: Request) -> str:
    """The sign-in page, with the way back to what was asked for."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/sign-in" if request.method != "GET" or target == "/" else f"/sign-in?next={quote(target, safe='/')}"


def csrf_of(session_token: str) -> str:
    """What the forms of a session carry: nobody else can compute it, and it does not give the session away."""
    return sha256(f"form:{session_token}".encode()).hexdigest()[:32]


async def find_viewer(request: Request) -> Viewer | None:
    """Who is signed in, if anybody is. A post of theirs must carry the token of their session: raises `FormNotOurs`."""
    token = request.cookies.get(SESSION_COOKIE)
    if token is None:
        return None
    with request.app.state.store.read() as connection:
        session = find_session(connection, token, clock.now())
    if session is None:
        return None
    principal = Principal(f"session:{session.session_id}", session.role, agent_id=session.agent_id)
    csrf = csrf_of(token)
    viewer = Viewer(principal, language_of(request), csrf, session.agent_name, session.agent_status)
    request.state.viewer = viewer  # for a page that tells of a problem
    if request.method not in ("GET", "HEAD"):
        sent = Form(await request.body()).get("csrf", "")
        if not hmac.compare_digest(sent.encode(), csrf.encode()):
            raise FormNotOurs("The form does not belong to this session.")
    request.scope["principal"] = principal
    request.app.state.rates.take(principal)
    return viewer


async def signed_in(viewer: Annotated[Viewer | None, Depends(find_viewer)]) -> Viewer:
    if viewer is None:
        raise SignInNeeded("Nobody is signed in here.")
    return viewer


@dataclass(frozen=True, slots=True)
class ViewerGuard:
    """A dependency that lets viewers of some roles pass. The tests' table of pages reads `roles`."""

    roles: tuple[Role, ...]

    async def __call__(self, viewer: Annotated[Viewer, Depends(signed_in)]) -> Viewer:
        if viewer.role not in self.roles:
            raise NotAllowed(
                f"This page is for {' and '.join(self.roles)}; you are signed in as {viewer.role}.",
                remedy="Ask an admin for a sign-in link of that role.",
            )
        return viewer


def viewers(*roles: Role) -> ViewerGuard:
    """`Annotated[Viewer, Depends(viewers(Role.ANALYST))]`."""
    return ViewerGuard(roles)


async def _form(request: Request) -> Form:
    return Form(await request.body())


AnyViewer = Annotated[Viewer, Depends(signed_in)]
MaybeViewer = Annotated[Viewer | None, Depends(find_viewer)]
STAFF = viewers(Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
StaffViewer = Annotated[Viewer, Depends(STAFF)]
AgentViewer = Annotated[Viewer, Depends(viewers(Role.AGENT, Role.SUPERVISOR))]
SupervisorViewer = Annotated[Viewer, Depends(viewers(Role.SUPERVISOR))]
LeaderViewer = Annotated[Viewer, Depends(viewers(Role.SUPERVISOR, Role.ADMIN))]
AdminViewer = Annotated[Viewer, Depends(viewers(Role.ADMIN))]
AnalystViewer = Annotated[Viewer, Depends(viewers(Role.ANALYST, Role.ADMIN))]
KpiViewer = Annotated[Viewer, Depends(viewers(Role.ANALYST, Role.INVESTOR, Role.ADMIN))]
ANALYST_VIEWERS = [Depends(viewers(Role.ANALYST, Role.ADMIN))]
KPI_VIEWERS = [Depends(viewers(Role.ANALYST, Role.INVESTOR, Role.ADMIN))]
"""The same for a route that does not ask who it is."""
PostedForm = Annotated[Form, Depends(_form)]
"""What was posted; the guard of the viewer has seen that it is from a page of theirs."""
