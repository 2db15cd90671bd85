"""The outermost layer: every request gets an id, a time limit, one line in the log, and an answer whatever happens."""

import asyncio
import random
import re
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem, TimedOut
from api.logs import places
from api.metrics import Metrics
from api.problems import internal_problem, problem_response
from store.clock import monotonic_seconds

ANSWER_WITHIN_SECONDS = 30.0
UNMATCHED = "unmatched"
CLIENT_LEFT = 499
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_log = structlog.get_logger()


class Edge:
    """ASGI middleware. The time limit ends with the first byte of the answer, so that streams may go on."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, answer_within_seconds: float = ANSWER_WITHIN_SECONDS) -> None:
        self._app = app
        self._metrics = metrics
        self._answer_within_seconds = answer_within_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = monotonic_seconds()
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        limit = asyncio.timeout(self._answer_within_seconds)

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(message, request_id)
            await send(message)

        async def send_in_time(message: Message) -> None:
            if message["type"] == "http.response.start":
                limit.reschedule(None)
            await send_dressed(message)

        try:
            async with limit:
                await self._app(scope, receive, send_in_time)
        except Exception as error:  # noqa: BLE001 - nothing may leave this layer but an answer
            problem = self._problem(error, is_late=limit.expired())
            if not status:
                await problem_response(problem)(scope, receive, send_dressed)
        finally:
            self._write_down(scope, status or CLIENT_LEFT, monotonic_seconds() - started)

    def _problem(self, error: Exception, *, is_late: bool) -> Problem:
        if is_late:
            return TimedOut(f"There was no answer within {self._answer_within_seconds:g} seconds.")
        _log.error("request.failed", error_type=type(error).__name__, places=places(error))
        return internal_problem()

    def _write_down(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.count(method, route, status, seconds)
        fields: dict[str, Any] = {
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1_000, 2),
        }
        principal = scope.get("principal")
        if principal is not None:
            fields["role"] = principal.role
            fields["key_id"] = principal.key_id
        _log.info("request.answered", **fields)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return f"{random.getrandbits(96):024x}"


def _dress(message: Message, request_id: str) -> None:
    headers = list(message.get("headers", ()))
    there = {name.lower() for name, _ in headers}
    headers += [header for header in _DEFAULT_HEADERS if header[0] not in there]
    headers.append((b"x-request-id", request_id.encode()))
    message["headers"] = headers
