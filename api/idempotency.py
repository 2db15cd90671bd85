"""A request that is repeated with its Idempotency-Key is done once and answered twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, bindparam, delete, select, text

from api.errors import IdempotencyKeyReused, Problem
from store import clock
from store.prepared import Prepared
from store.tables import idempotency_keys
from store.tables.columns import Instant

P = ParamSpec("P")
S = TypeVar("S")
K = TypeVar("K")

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
    """As `AnswerAll`, for one request and a change of its own."""

    def change_all(connection: Connection, _: object) -> list[BaseModel | Answered | None]:
        return [change(connection, *args, **kwargs)]

    [reply] = _answer_all(connection, status, change_all, [(request_key, None)])
    return reply


@dataclass(frozen=True, slots=True)
class AnswerAll(Generic[S, K]):
    """Runs `change_all(connection, shared, items)` and keeps each answer beside what it wrote. Equal ones may share a call.

    Hardly any request is a repetition: that one is, is noticed when its answer cannot be kept, or when what was done before
    keeps it from being done. Then this raises `AnsweredBefore`, which takes back what it did. Raises `IdempotencyKeyReused`,
    and what the change raises: then nothing is kept, and a repetition tries again.
    """

    status: int
    change_all: Callable[[Connection, S, Sequence[K]], Sequence[BaseModel | Answered | None]]
    shared: S

    def __call__(self, connection: Connection, asked: Sequence[tuple[RequestKey | None, K]]) -> list[Reply]:
        def change_all(connection: Connection, items: Sequence[K]) -> Sequence[BaseModel | Answered | None]:
            return self.change_all(connection, self.shared, items)

        return _answer_all(connection, self.status, change_all, asked)


def _answer_all(
    connection: Connection,
    status: int,
    change_all: Callable[[Connection, Sequence[K]], Sequence[BaseModel | Answered | None]],
    asked: Sequence[tuple[RequestKey | None, K]],
) -> list[Reply]:
    at = clock.now()
    request_keys = [request_key for request_key, _ in asked if request_key is not None]
    try:
        replies = [_reply(answer, status) for answer in change_all(connection, [item for _, item in asked])]
    except Problem:
        _require_new(connection, request_keys, at)
        raise
    kept = [
        _kept(request_key, reply, at)
        for (request_key, _), reply in zip(asked, replies, strict=True)
        if request_key is not None
    ]
    if kept and _KEEP.run_many(connection, kept) != len(kept):
        _require_new(connection, request_keys, at)
    return replies


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
    }


def _require_new(connection: Connection, request_keys: Sequence[RequestKey], at: datetime) -> None:
    """Raise `AnsweredBefore` or `IdempotencyKeyReused` for the first key whose answer is kept."""
    for request_key in request_keys:
        known = connection.execute(_FIND, {"c": request_key.caller, "k": request_key.idempotency_key}).first()
        if known is None or known.created_at < at - KEPT_FOR:
            continue
        if known.request_hash != request_key.request_hash:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request in the last 24 hours.")
        raise AnsweredBefore(Reply(known.status_code, known.answer.encode(), is_replay=True))


_TOO_OLD = {
    "sqlite": f"excluded.created_at - {KEPT_FOR // timedelta(microseconds=1)}",
    "postgresql": f"excluded.created_at - interval '{KEPT_FOR // timedelta(hours=1)} hours'",
}
_KEEP = Prepared(
    {
        # Where several processes write, this waits for another's transaction with the same key.
        dialect: text(
            "INSERT INTO idempotency_keys (key_id, idempotency_key, request_hash, status_code, answer, created_at)"
            " VALUES (:key_id, :idempotency_key, :request_hash, :status_code, :answer, :created_at)"
            " ON CONFLICT (key_id, idempotency_key) DO UPDATE SET request_hash = excluded.request_hash,"
            " status_code = excluded.status_code, answer = excluded.answer, created_at = excluded.created_at"
            f" WHERE idempotency_keys.created_at < {too_old}"
        ).bindparams(bindparam("created_at", type_=Instant))
        for dialect, too_old in _TOO_OLD.items()
    }
)
_FIND = select(idempotency_keys).where(
    idempotency_keys.c.key_id == bindparam("c"), idempotency_keys.c.idempotency_key == bindparam("k")
)
