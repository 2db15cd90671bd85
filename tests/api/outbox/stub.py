"""Chat platforms that keep what they are told, and misbehave as a test says."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.api.serving import serve

SENDER = "991"


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]


@dataclass
class Stub:
    """`misbehave` is asked before each request is carried out: an answer instead of it, or None; it may wait."""

    seen: list[Seen] = field(default_factory=list)
    done: list[Seen] = field(default_factory=list)
    """Those that were carried out."""
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What was written, by conversation, as both platforms tell it."""
    users: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    misbehave: Callable[[Seen], Any] = lambda seen: None
    address: str = ""
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def texts(self, conversation_id: str) -> list[str]:
        return [part["text"] for part in self.parts.get(conversation_id, [])]

    def write(self, conversation_id: str, author: str, text: str) -> str:
        """Somebody writes a text; its id."""
        with self._lock:
            part = {"id": str(next(self._ids)), "author": author, "text": text, "at": datetime.now(UTC)}
            self.parts.setdefault(conversation_id, []).append(part)
        return part["id"]

    async def answer(self, request: Request) -> Response:
        content = await request.body()
        body = await request.json() if content else None
        seen = Seen(request.method, request.url.path, body, dict(request.headers))
        self.seen.append(seen)
        instead = self.misbehave(seen)
        if asyncio.iscoroutine(instead):
            instead = await instead
        if instead is not None:
            return instead
        self.done.append(seen)
        return JSONResponse(self._carry_out(seen))

    def _carry_out(self, seen: Seen) -> Any:
        match seen.path.strip("/").split("/"):
            case ["conversations", conversation, "reply"]:
                self.write(conversation, seen.body["admin_id"], seen.body["body"])
                return self._intercom(conversation)
            case ["conversations", conversation, "messages"] if seen.method == "POST":
                text = seen.body["message_parts"][0]["text"]["content"]
                return {"id": self.write(conversation, seen.body["actor_id"], text)}
            case ["conversations", conversation, "messages"]:
                return {"messages": [self._freshchat_message(part) for part in self.parts.get(conversation, [])]}
            case ["conversations", conversation] if seen.method == "GET":
                return self._intercom(conversation)
            case ["users", user] if seen.method == "GET":
                return {"id": user, "properties": self.users.get(user, [])}
            case ["users", user]:
                self.users[user] = seen.body["properties"]
                return {"id": user}
            case _:
                return {}

    def _intercom(self, conversation: str) -> dict[str, Any]:
        parts = [
            {
                "type": "conversation_part",
                "id": part["id"],
                "part_type": "comment",
                "body": part["text"],
                "created_at": int(part["at"].timestamp()),
                "author": {"type": "admin" if part["author"] == SENDER else "user", "id": part["author"]},
            }
            for part in self.parts.get(conversation, [])
        ]
        listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
        return {"type": "conversation", "id": conversation, "conversation_parts": listed}

    @staticmethod
    def _freshchat_message(part: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": part["id"],
            "actor_type": "agent" if part["author"] == SENDER else "user",
            "actor_id": part["author"],
            "message_type": "normal",
            "message_parts": [{"text": {"content": part["text"]}}],
            "created_time": part["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


@contextmanager
def stub_platform() -> Iterator[Stub]:
    stub = Stub()
    app = FastAPI()
    app.add_api_route("/{path:path}", stub.answer, methods=["GET", "POST", "PUT"])
    with serve(app) as stub.address:
        yield stub


def status(code: int, **headers: str) -> Response:
    return JSONResponse({"code": "made_up"}, status_code=code, headers=headers)
