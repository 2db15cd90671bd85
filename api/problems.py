"""Errors on the wire: problem+json (RFC 9457), whatever went wrong."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from api.errors import BadRequest, Problem
from api.wire import Wire
from store.errors import StoreError

MEDIA_TYPE = "application/problem+json"


class FieldProblem(Wire):
    field: str = Field(examples=["cartItems.0.quantity"])
    message: str = Field(examples=["Input should be greater than 0"])


class ProblemAnswer(Wire):
    """What every error looks like."""

    type: str = Field(examples=["urn:supportled:problem:invalid_request"])
    title: str = Field(examples=["Invalid request"])
    status: int = Field(examples=[422])
    code: str = Field(description="Stable: programs decide by it.", examples=["invalid_request"])
    detail: str = Field(description="What is wrong with this request.")
    remedy: str = Field(description="What to do next.")
    request_id: str | None = Field(None, description="Also in the header X-Request-ID and in our log.")
    errors: list[FieldProblem] = Field(default=[], description="The fields that are wrong, if it is about fields.")


class StoreProblem(Problem):
    """The operational store did not take the request, or did not say whether it did."""

    status = 503

    def __init__(self, cause: StoreError) -> None:
        super().__init__(str(cause), remedy=cause.remedy, headers={"Retry-After": "1"})
        self.code = cause.code


class StoreDown(Problem):
    status = 503
    code = "store_unavailable"
    remedy = "Send it again in some seconds."


def problem_response(problem: Problem) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"urn:supportled:problem:{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "remedy": problem.remedy,
        **problem.facts,
    }
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id is not None:
        body["requestId"] = request_id
    if problem.errors:
        body["errors"] = list(problem.errors)
    return JSONResponse(body, problem.status, dict(problem.headers or {}), media_type=MEDIA_TYPE)


def internal_problem() -> Problem:
    """What a caller learns of a mistake of ours: nothing but where to ask."""
    return Problem("Something went wrong on our side; it was written down.")


def install_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def answer_problem(_: Request, problem: Problem) -> JSONResponse:
        return problem_response(problem)

    @app.exception_handler(StoreError)
    async def answer_store(_: Request, error: StoreError) -> JSONResponse:
        return problem_response(StoreProblem(error))

    @app.exception_handler(OperationalError)
    async def answer_database(_: Request, error: OperationalError) -> JSONResponse:
        structlog.get_logger().error("store.failed", error_type=type(error.orig).__name__)
        return problem_response(StoreDown("The operational store does not answer.", headers={"Retry-After": "5"}))

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(invalid_request(error.errors()))

    @app.exception_handler(HTTPException)
    async def answer_http(_: Request, error: HTTPException) -> JSONResponse:
        problem = Problem(
            str(error.detail), remedy="See /openapi.json for the paths and methods there are.", headers=error.headers
        )
        problem.status = error.status_code
        problem.code = _CODES.get(error.status_code) or HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return problem_response(problem)


_CODES = {404: "not_found", 405: "method_not_allowed"}


def invalid_request(errors: Sequence[Mapping[str, Any]]) -> BadRequest:
    """Which fields are wrong, and why. The input itself is not repeated: it may be personal."""
    fields = [{"field": ".".join(str(part) for part in e["loc"][1:]), "message": e["msg"]} for e in errors[:20]]
    detail = "; ".join(
        f"{field['field']}: {field['message']}" if field["field"] else field["message"] for field in fields
    )
    return BadRequest(detail, errors=fields)
