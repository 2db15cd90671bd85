"""What routes ask for, as type aliases, so that a signature reads as a sentence."""

import re
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from api.auth import Caller, require_own
from api.idempotency import AnswerAll, Answered, AnsweredBefore, Reply, RequestKey, answer_once
from api.paging import PageQuery, decode_cursor
from api.problems import invalid_request
from api.rules.registry import Registry, Rules
from api.tokens.keyring import Keyring, Principal
from api.tokens.user_tokens import UserTokens
from api.wire import Id, RowId
from store.session import Store

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
K = TypeVar("K")


async def _store(request: Request) -> Store:
    return request.app.state.store


async def _registry(request: Request) -> Registry:
    return request.app.state.rules


async def _rules(request: Request) -> Rules:
    return request.app.state.rules.current()


async def _keyring(request: Request) -> Keyring:
    return request.app.state.keyring


async def _user_tokens(request: Request) -> UserTokens:
    return request.app.state.user_tokens


StoreDep = Annotated[Store, Depends(_store)]
RegistryDep = Annotated[Registry, Depends(_registry)]
CurrentRules = Annotated[Rules, Depends(_rules)]
"""The rules in force, in memory."""
KeyringDep = Annotated[Keyring, Depends(_keyring)]
UserTokensDep = Annotated[UserTokens, Depends(_user_tokens)]

UserId = Annotated[Id, Path(alias="userId")]
OrderId = Annotated[Id, Path(alias="orderId")]
AgentId = Annotated[Id, Path(alias="agentId")]
IncidenceId = Annotated[RowId, Path(alias="incidenceId")]
KeyId = Annotated[RowId, Path(alias="keyId")]


async def _own_user_id(user_id: UserId, caller: Caller) -> str:
    require_own(caller, user_id)
    return user_id


OwnUserId = Annotated[str, Depends(_own_user_id)]
"""`{userId}` of the path; a user token gets 404 for anyone else's."""

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description="The ETag of what you read.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1_000)]


PageCursor = Annotated[str | None, Query(max_length=400, description="nextCursor of the page before")]


async def _page_query(
    limit: Annotated[int, Query(ge=1, le=200, description="Rows a page")] = 50, cursor: PageCursor = None
) -> PageQuery:
    return PageQuery(limit, decode_cursor(cursor) if cursor else None)


WantedPage = Annotated[PageQuery, Depends(_page_query)]


class OnceWriter:
    """Writes the change of one request through the writer; with an Idempotency-Key, once however often it comes."""

    def __init__(self, store: Store, request_key: RequestKey | None) -> None:
        self._store = store
        self._request_key = request_key

    @property
    def has_key(self) -> bool:
        return self._request_key is not None

    async def __call__(
        self,
        status: int,
        change: Callable[Concatenate[Connection, P], BaseModel | Answered | None],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Response:
        """The answer to `change(connection, *args, **kwargs)` once that is on disk.

        The change returns the schema to answer with `status`, or `Answered` to choose the status itself.
        """
        writer = self._store.writer
        return await _response(writer.submit(answer_once, self._request_key, status, change, *args, **kwargs))

    async def together(
        self,
        status: int,
        change_all: Callable[[Connection, S, Sequence[K]], Sequence[BaseModel | Answered | None]],
        shared: S,
        item: K,
    ) -> Response:
        """As if called, for one of many: `change_all(connection, shared, items)` answers those that come at one time, in order."""
        change = AnswerAll(status, change_all, shared)
        return await _response(self._store.writer.submit_together(change, (self._request_key, item)))


async def _response(written: Awaitable[Reply]) -> Response:
    try:
        reply = await written
    except AnsweredBefore as before:
        reply = before.reply
    headers = {"Idempotent-Replay": "true"} if reply.is_replay else None
    return Response(reply.body, reply.status, headers, media_type="application/json" if reply.body else None)


async def once_writer(request: Request) -> OnceWriter:
    # The caller was found before. As dependencies they and the header, which the OpenAPI document adds where this is asked
    # for, would take longer than all of this.
    caller: Principal = request.scope["principal"]
    store: Store = request.app.state.store
    idempotency_key = request.headers.get(IDEMPOTENCY_HEADER["name"])
    if idempotency_key is None:
        return OnceWriter(store, None)
    if not _KEY.fullmatch(idempotency_key):
        wrong = "should be 1 to 255 printable ASCII characters without a space"
        raise invalid_request([{"loc": ("header", IDEMPOTENCY_HEADER["name"]), "msg": wrong}])
    body = await request.body()
    asked = b"\n".join((request.method.encode(), request.url.path.encode(), request.url.query.encode(), body))
    return OnceWriter(store, RequestKey(caller.key_id, idempotency_key, sha256(asked).hexdigest()))


_KEY = re.compile(r"[\x21-\x7e]{1,255}")
IDEMPOTENCY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"anyOf": [{"type": "string", "pattern": f"^{_KEY.pattern}$"}, {"type": "null"}]},
    "description": "Any text of your own. Within 24 hours the same key with the same body is done once and answered again.",
}
Once = Annotated[OnceWriter, Depends(once_writer)]
"""`return await once(201, service.create, rules, body)`, in a route that has asked for its caller before."""
