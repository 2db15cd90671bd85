"""A request that is repeated with its Idempotency-Key is done once and answered twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec

from pydantic import BaseModel
from sqlalchemy import Connection, bindparam, delete, select, text

from api.errors import IdempotencyKeyReused, Problem
from store import clock
from store.prepared import Prepared
from store.tables import idempotency_keys
from store.tables.columns import Instant

P = ParamSpec("P")

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a change answers when it decides the status itself (201 made, 200 joined). `body` is None for 204."""

    body: BaseModel | None
    status: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes out; `is_replay` if it was given before."""

    status: int
    body: bytes
    is_replay: bool = False


class AnsweredBefore(Exception):
    """The request is a repetition, and this is its answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("answered before")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Who repeats what: the caller, the Idempotency-Key, and the hash of method, path and body."""

    caller: str
    idempotency_key: str
    request_hash: str


def answer_once(
    connection: Connection,
    request_key: RequestKey | None,
    status: int,
    change: Callable[Concatenate[Connection, P], BaseModel | Answered | None],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Reply:
    """Run the change and keep its answer beside what it wrote.

    Hardly any request is a repetition: that it is one is noticed when its answer cannot be kept, or when what was done before
    keeps it from being done. Then this raises `AnsweredBefore`, which takes back what it did. Raises `IdempotencyKeyReused`,
    and what the change raises: then nothing is kept, and a repetition tries again.
    """
    if request_key is None:
        return _reply(change(connection, *args, **kwargs), status)
    at = clock.now()
    try:
        reply = _reply(change(connection, *args, **kwargs), status)
    except Problem:
        _require_new(connection, request_key, at)
        raise
    if _KEEP.run(connection, _kept(request_key, reply, at)) != 1:
        _require_new(connection, request_key, at)
    return reply


def forget_old_answers(connection: Connection) -> int:
    """Drop what was kept for 24 hours; the number of answers dropped. For the worker."""
    expired = idempotency_keys.c.created_at < clock.now() - KEPT_FOR
    return connection.execute(delete(idempotency_keys).where(expired)).rowcount


def _reply(answer: BaseModel | Answered | None, status: int) -> Reply:
    if isinstance(answer, Answered):
        answer, status = answer.body, answer.status
    return Reply(status, b"" if answer is None else answer.model_dump_json(by_alias=True).encode())


def _kept(request_key: RequestKey, reply: Reply, at: datetime) -> dict[str, Any]:
    return {
        "key_id": request_key.caller,
        "idempotency_key": request_key.idempotency_key,
        "request_hash": request_key.request_hash,
        "status_code": reply.status,
        "answer": reply.body.decode(),
        "created_at": at,
        "oldest": at - KEPT_FOR,
    }


def _require_new(connection: Connection, request_key: RequestKey, at: datetime) -> None:
    """Raise `AnsweredBefore` or `IdempotencyKeyReused` for a key whose answer is kept."""
    known = connection.execute(_FIND, {"c": request_key.caller, "k": request_key.idempotency_key}).first()
    if known is None or known.created_at < at - KEPT_FOR:
        return
    if known.request_hash != request_key.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request in the last 24 hours.")
    raise AnsweredBefore(Reply(known.status_code, known.answer.encode(), is_replay=True))


_KEEP = Prepared(
    # Where several processes write, this waits for another's transaction with the same key.
    text(
        "INSERT INTO idempotency_keys (key_id, idempotency_key, request_hash, status_code, answer, created_at)"
        " VALUES (:key_id, :idempotency_key, :request_hash, :status_code, :answer, :created_at)"
        " ON CONFLICT (key_id, idempotency_key) DO UPDATE SET request_hash = excluded.request_hash,"
        " status_code = excluded.status_code, answer = excluded.answer, created_at = excluded.created_at"
        " WHERE idempotency_keys.created_at < :oldest"
    ).bindparams(bindparam("created_at", type_=Instant), bindparam("oldest", type_=Instant))
)
_FIND = select(idempotency_keys).where(
    idempotency_keys.c.key_id == bindparam("c"), idempotency_keys.c.idempotency_key == bindparam("k")
)
