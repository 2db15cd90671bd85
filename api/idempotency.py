"""A request that is repeated with its Idempotency-Key is done once and answered twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec

from pydantic import BaseModel
from sqlalchemy import Connection, bindparam, delete, select, text, update

from api.errors import IdempotencyKeyReused
from store import clock
from store.prepared import Prepared
from store.tables import idempotency_keys
from store.tables.columns import Instant

P = ParamSpec("P")

KEPT_FOR = timedelta(hours=24)
_UNANSWERED = 0


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
    """Run the change and keep its answer beside what it wrote, or give the answer that is kept.

    Raises `IdempotencyKeyReused`, and what the change raises: then nothing is kept, and a repetition tries again.
    """
    if request_key is None:
        return _reply(change(connection, *args, **kwargs), status)
    known = _claim(connection, request_key)
    if known is not None:
        return known
    reply = _reply(change(connection, *args, **kwargs), status)
    _KEEP.run(connection, {"c": request_key.caller, "k": request_key.idempotency_key} | _kept(reply))
    return reply


def forget_old_answers(connection: Connection) -> int:
    """Drop what was kept for 24 hours; the number of answers dropped. For the worker."""
    expired = idempotency_keys.c.created_at < clock.now() - KEPT_FOR
    return connection.execute(delete(idempotency_keys).where(expired)).rowcount


def _reply(answer: BaseModel | Answered | None, status: int) -> Reply:
    if isinstance(answer, Answered):
        answer, status = answer.body, answer.status
    return Reply(status, b"" if answer is None else answer.model_dump_json(by_alias=True).encode())


def _kept(reply: Reply) -> dict[str, Any]:
    return {"status": reply.status, "text": reply.body.decode()}


def _claim(connection: Connection, request_key: RequestKey) -> Reply | None:
    """Take the key for this request, or the answer that was given to it.

    Where several processes write, the insert waits for another's transaction with the same key.
    """
    at = clock.now()
    row = {
        "key_id": request_key.caller,
        "idempotency_key": request_key.idempotency_key,
        "request_hash": request_key.request_hash,
        "created_at": at,
    }
    if _CLAIM.run(connection, row) == 1:
        return None
    known = connection.execute(_FIND, {"c": request_key.caller, "k": request_key.idempotency_key}).one()
    if known.created_at < at - KEPT_FOR:
        connection.execute(
            _REFRESH,
            {"c": request_key.caller, "k": request_key.idempotency_key, "hash": request_key.request_hash, "at": at},
        )
        return None
    if known.request_hash != request_key.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request in the last 24 hours.")
    return Reply(known.status_code, known.answer.encode(), is_replay=True)


_CLAIM = Prepared(
    text(
        "INSERT INTO idempotency_keys (key_id, idempotency_key, request_hash, status_code, answer, created_at)"
        f" VALUES (:key_id, :idempotency_key, :request_hash, {_UNANSWERED}, '', :created_at) ON CONFLICT DO NOTHING"
    ).bindparams(bindparam("created_at", type_=Instant))
)
_MINE = (idempotency_keys.c.key_id == bindparam("c")) & (idempotency_keys.c.idempotency_key == bindparam("k"))
_FIND = select(idempotency_keys).where(_MINE)
_KEEP = Prepared(
    update(idempotency_keys).where(_MINE).values(status_code=bindparam("status"), answer=bindparam("text"))
)
_REFRESH = update(idempotency_keys).where(_MINE).values(request_hash=bindparam("hash"), created_at=bindparam("at"))
