"""What a body may be: at most 1 MiB, and JSON that every part of the product can hold."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BadRequest, BodyTooLarge
from api.json_text import InvalidJson, parse_json
from api.problems import problem_response

LARGEST_BODY = 1024 * 1024
SIGNED = "/webhooks/"
"""What comes here is signed as bytes: whoever signed it, no shape of it is refused."""


class UnreadableBody(BadRequest):
    code = "invalid_json"
    remedy = "Send JSON in UTF-8."


class BodyLimits:
    """ASGI middleware: reads the body, counting its chunks, and hands it on whole, or answers 413 or 422.

    What is too large is not kept: memory holds at most the limit of one request.
    """

    def __init__(self, app: ASGIApp, *, largest_body: int = LARGEST_BODY) -> None:
        self._app = app
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if not length and b"transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        if length.isdigit() and int(length[:20]) > self._largest_body:
            await self._refuse_size(scope, receive, send)
            return
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller left
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._largest_body:
                await self._refuse_size(scope, receive, send)
                return
            chunks.append(chunk)
            more = message.get("more_body", False)
        body = b"".join(chunks)
        if body and _is_json(headers.get(b"content-type", b"")) and not scope["path"].startswith(SIGNED):
            try:
                parse_json(body)
            except InvalidJson as error:
                await problem_response(UnreadableBody(str(error)))(scope, receive, send)
                return
        await self._app(scope, _replay(body, receive), send)

    async def _refuse_size(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = BodyTooLarge(f"A body may have at most {self._largest_body} bytes.")
        await problem_response(problem)(scope, receive, send)


def _is_json(content_type: bytes) -> bool:
    """Whether the framework would read it as JSON. Lines of JSON are read by the routes that take them."""
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type.endswith((b"/json", b"+json"))


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_whole() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_whole
