"""What can be wrong with a request: what is true, a stable code, and what to do next. No HTTP machinery in here, so that
services raise these."""

from collections.abc import Mapping, Sequence
from typing import Any

from store.published import WarehouseUnavailable


class Problem(Exception):
    """An answer that is not the one asked for. Subclasses name what is true; `remedy` says what to do."""

    status = 500
    code = "internal_error"
    remedy = "Try again; if it stays, tell the operators the requestId."

    def __init__(
        self,
        detail: str,
        *,
        remedy: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        **facts: Any,
    ) -> None:
        """`errors` names fields; `facts` are further members of the answer, in camelCase."""
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy or self.remedy
        self.headers = headers
        self.errors = errors
        self.facts = facts


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    remedy = "Send a valid key as 'Authorization: Bearer <key>'. An admin makes one with ./supportled token create."


class NotAllowed(Problem):
    status = 403
    code = "role_not_allowed"
    remedy = "Use a key of a role that may do this."


class NotFound(Problem):
    """Also for what belongs to someone else: the two answers are the same."""

    status = 404
    code = "not_found"
    remedy = "Check the id."


class Conflict(Problem):
    """The request is well made and does not fit what is. Subclasses say which rule it meets."""

    status = 409
    code = "conflict"
    remedy = "Read the present state and decide again."


class PreconditionFailed(Problem):
    status = 412
    code = "precondition_failed"
    remedy = "Read it again, apply your change to what you read, and send its ETag as If-Match."


class PreconditionRequired(Problem):
    status = 428
    code = "precondition_required"
    remedy = "Read it first, and send its ETag as If-Match."


class BodyTooLarge(Problem):
    status = 413
    code = "body_too_large"
    remedy = "Send less at once."


class BadRequest(Problem):
    status = 422
    code = "invalid_request"
    remedy = "Mend the field that is named and send it again."


class IdempotencyKeyReused(Problem):
    status = 422
    code = "idempotency_key_reused"
    remedy = "Use a new Idempotency-Key for a new request; repeat a request with exactly the same body."


class TooManyRequests(Problem):
    status = 429
    code = "too_many_requests"
    remedy = "Wait as many seconds as Retry-After says."


class TimedOut(Problem):
    status = 503
    code = "timed_out"
    remedy = "The outcome is unknown: send it again, a POST with the same Idempotency-Key."


class WarehouseMissing(Problem):
    """Analytics cannot be answered now; everything live works."""

    status = 503

    def __init__(self, cause: WarehouseUnavailable) -> None:
        super().__init__(str(cause), remedy=cause.remedy, headers={"Retry-After": "60"})
        self.code = cause.code
