"""One request and what its answer means for a message."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx2

from api.outbox.rules import Attempt, Result, asked_wait_seconds
from ingestion.platforms.requests import Call
from store import clock

LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


async def exchange(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
) -> Attempt:
    """Send it once. Never raises for what the other side or the network does; who calls bounds the time."""
    try:
        answer = await _answer(client, client.build_request(method, url, headers=headers, content=content))
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError) as error:
        return Attempt(Result.NOT_ARRIVED, type(error).__name__)
    except httpx2.TransportError as error:
        return Attempt(Result.UNKNOWN, type(error).__name__)
    except (httpx2.InvalidURL, UnicodeError) as error:
        return Attempt(Result.REFUSED, type(error).__name__)
    return judge(answer.status_code, answer.headers, _json(answer.content))


async def ask(client: httpx2.AsyncClient, base_url: str, call: Call, headers: Mapping[str, str], token: str) -> Attempt:
    """A platform's call, with the token as bearer."""
    all_headers = {"Accept": "application/json", **headers, "Authorization": f"Bearer {token}"}
    content = None
    if call.json is not None:
        content = json.dumps(call.json, ensure_ascii=False, separators=(",", ":")).encode()
        all_headers["Content-Type"] = "application/json"
    return await exchange(client, call.method, base_url + call.path, headers=all_headers, content=content)


def judge(status: int, headers: Mapping[str, str], answer: Any) -> Attempt:
    """What an answer means. Header names in lower case."""
    reason = " ".join(["http", str(status), *_codes(answer)])
    wait = asked_wait_seconds(headers, clock.now())
    if 200 <= status < 300:
        return Attempt(Result.DONE, answer=answer)
    if status == 429:
        return Attempt(Result.NOT_ARRIVED, reason, wait)
    if status in {401, 403}:  # a key that was changed is mended by people, and then it can be sent
        return Attempt(Result.NOT_ARRIVED, reason)
    if status >= 500 or status in {408, 425}:
        return Attempt(Result.UNKNOWN, reason, wait)
    return Attempt(Result.REFUSED, reason)


async def _answer(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    answer = await client.send(request, stream=True)
    try:
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > LARGEST_ANSWER_BYTES:
                raise httpx2.ReadError("The answer is too long.", request=request)
    finally:
        await answer.aclose()
    return httpx2.Response(answer.status_code, headers=_without_encoding(answer.headers), content=bytes(content))


def _without_encoding(headers: httpx2.Headers) -> dict[str, str]:
    """The content was decoded as it was read."""
    return {name: value for name, value in headers.items() if name not in {"content-encoding", "content-length"}}


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _codes(answer: Any) -> list[str]:
    """The platform's own error codes: words only, for its texts may repeat what we sent."""
    if not isinstance(answer, dict):
        return []
    errors = answer.get("errors")
    found = (
        [answer.get("code"), *(each.get("code") for each in errors if isinstance(each, dict))]
        if isinstance(errors, list)
        else [answer.get("code")]
    )
    return [str(code) for code in found if code is not None and _CODE.fullmatch(str(code))][:3]
