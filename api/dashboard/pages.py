"""What every page has: templates, words and figures of the viewer's language, a strict policy, and errors people can read."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.types import Scope

from api.dashboard.i18n import label, language_name, translator
from api.dashboard.session import SignInNeeded, Viewer, language_of, sign_in_path
from api.errors import Problem, WarehouseMissing
from api.logs import places
from api.problems import StoreProblem, internal_problem, invalid_request
from store import display
from store.enums import Role
from store.errors import StoreError
from store.published import WarehouseUnavailable

HERE = Path(__file__).resolve().parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NAVIGATION: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/desk", "Desk", frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN})),
    ("/desk/team", "Team", frozenset({Role.SUPERVISOR, Role.ADMIN})),
    ("/insights", "Insights", frozenset({Role.ANALYST, Role.INVESTOR, Role.ADMIN})),
    ("/reports", "Reports", frozenset({Role.ANALYST, Role.ADMIN})),
    ("/admin", "Admin", frozenset({Role.ADMIN})),
)
"""Path, words and roles of each entry, in order."""
HOME = {Role.AGENT: "/desk", Role.SUPERVISOR: "/desk", Role.ANALYST: "/insights", Role.INVESTOR: "/insights"}
"""Where a role begins; the front page otherwise."""


def is_fragment(request: Request) -> bool:
    """Whether htmx asks, which puts the answer into the page that is there."""
    return "hx-request" in request.headers


def render(
    request: Request, template: str, viewer: Viewer | None, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """The page of this template, in the viewer's language. `is_demo` among the context shows that the data is made up."""
    language = viewer.language if viewer is not None else language_of(request)
    shown = {
        "viewer": viewer,
        "lang": language,
        "t": translator(language),
        "csrf": csrf_field(viewer.csrf if viewer is not None else ""),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "navigation": [entry for entry in NAVIGATION if viewer is not None and viewer.role in entry[2]],
        "is_demo": False,
        **context,
    }
    headers = {"Content-Security-Policy": POLICY}
    return HTMLResponse(environment().get_template(template).render(shown), status, headers)


def csrf_field(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def go_to(path: str) -> RedirectResponse:
    """Look there next: after a post, so that loading the page again repeats nothing."""
    return RedirectResponse(path, 303)


class Turns:
    """Lets pages begin one by one, each in a turn of the event loop of its own, in the order in which they came.

    A page keeps the loop for milliseconds. If all that came together were made in one turn, whoever asks meanwhile would wait
    for all of them, and who connects for as many turns as others connect too: libuv accepts one connection a turn.
    """

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def wait(self) -> None:
        await self._one.acquire()
        asyncio.get_running_loop().call_soon(self._one.release)


class PageRoute(APIRoute):
    """A route of pages: whoever is not signed in is sent to do so, and what goes wrong is told on a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_page(request: Request) -> Response:
            try:
                await request.app.state.page_turns.wait()
                return await answer(request)
            except SignInNeeded:
                path = sign_in_path(request)
                return Response(status_code=204, headers={"HX-Redirect": path}) if is_fragment(request) else go_to(path)
            except Problem as problem:
                return problem_page(request, problem)
            except StoreError as error:
                return problem_page(request, StoreProblem(error))
            except WarehouseUnavailable as error:
                return problem_page(request, WarehouseMissing(error))
            except RequestValidationError as error:
                return problem_page(request, invalid_request(error.errors()))
            except Exception as error:  # noqa: BLE001 - a person gets a page whatever happens
                structlog.get_logger().error("request.failed", error_type=type(error).__name__, places=places(error))
                return problem_page(request, internal_problem())

        return answer_page


def problem_page(request: Request, problem: Problem) -> Response:
    """The problem as a page, with the way on for whoever is signed in; where htmx asked, as a notice on the page that is there."""
    template = "problem_notice.html" if is_fragment(request) else "problem.html"
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    viewer = getattr(request.state, "viewer", None)
    answer = render(request, template, viewer, status=problem.status, problem=problem, request_id=request_id)
    answer.headers.update(problem.headers or {})
    if is_fragment(request):
        answer.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "beforeend", "HX-Reselect": ".notice"})
    return answer


class _Assets(StaticFiles):
    """Their addresses carry a part of their hash, so browsers keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def install_assets(app: FastAPI) -> None:
    app.mount("/static", _Assets(directory=HERE / "static"), name="assets")


@cache
def asset(name: str) -> str:
    """The address of a file in `static/`."""
    return f"/static/{name}?v={sha256((HERE / 'static' / name).read_bytes()).hexdigest()[:10]}"


@cache
def environment() -> Environment:
    """Autoescaping, and strict: a name that a page does not have is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset
    made.filters |= {
        name: getattr(display, name)
        for name in ("rupees", "rupees_short", "count", "share", "points", "change", "day", "day_range", "figure")
    }
    made.filters |= {"label": _label, "language": _language, "duration": _duration, "moment": _moment, "time": _time}
    return made


@pass_context
def _language(context: Context, tag: str) -> str:
    return language_name(tag, context["lang"])


@pass_context
def _label(context: Context, code: str | None) -> str:
    return label(code, context["lang"])


@pass_context
def _duration(context: Context, seconds: float | None) -> str:
    """`8 min 20 s`, or its Hindi."""
    text = display.duration(seconds)
    if context["lang"] != "hi":
        return text
    return re.sub(r"\b(d|h|min|s)\b", lambda unit: translator("hi")(unit[0]), text)


def _moment(at: datetime | None) -> Markup | str:
    """`22 Nov 2026, 18:30 IST`, with the instant for machines."""
    if at is None:
        return display.MISSING
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), display.moment(at))


def _time(at: datetime | None) -> Markup | str:
    """`18:30`, Indian time; the day is beside it in the markup."""
    if at is None:
        return display.MISSING
    whole = display.moment(at)
    clock_time = whole.rpartition(", ")[2].removesuffix(" IST")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), whole, clock_time)
