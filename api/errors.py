"""Errors as problem+json (RFC 9457): what is true, a stable code, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from store.published import WarehouseUnavailable


class Problem(Exception):
    """An answer that is not the one asked for. Subclasses name what is true; `remedy` says what to do."""

    status = 500
    code = "internal_error"
    remedy = "Try again; if it stays, tell the operators the time of the request."

    def __init__(self, detail: str, *, remedy: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy or self.remedy
        self.headers = headers


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    remedy = "Send a valid key as 'Authorization: Bearer <key>'. An admin makes one with ./supportled token create."


class NotAllowed(Problem):
    status = 403
    code = "role_not_allowed"
    remedy = "Use a key of a role that may do this."


class NotFound(Problem):
    status = 404
    code = "not_found"
    remedy = "Check the id."


class BadRequest(Problem):
    status = 422
    code = "invalid_request"
    remedy = "Mend the field that is named and send it again."


class WarehouseMissing(Problem):
    """Analytics cannot be answered now; everything live works."""

    status = 503

    def __init__(self, cause: WarehouseUnavailable) -> None:
        super().__init__(str(cause), remedy=cause.remedy, headers={"Retry-After": "60"})
        self.code = cause.code


def problem_response(
    status: int,
    code: str,
    detail: str,
    remedy: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"urn:supportled:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "remedy": remedy,
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def install_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def answer_problem(_: Request, problem: Problem) -> JSONResponse:
        return problem_response(problem.status, problem.code, problem.detail, problem.remedy, headers=problem.headers)

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # The input itself is not repeated: it may be personal.
        fields = [{"field": ".".join(str(part) for part in e["loc"][1:]), "message": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{field['field']}: {field['message']}" for field in fields)
        return problem_response(422, BadRequest.code, detail, BadRequest.remedy, errors=fields)

    @app.exception_handler(HTTPException)
    async def answer_http(_: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        remedy = "See /openapi.json for the paths and methods there are."
        return problem_response(error.status_code, code, str(error.detail), remedy, headers=error.headers)
