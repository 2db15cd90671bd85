"""The OpenAPI document: what FastAPI derives, with the roles of every route and the one shape of errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from api.auth import RoleGuard, authenticate
from api.deps import IDEMPOTENCY_HEADER, once_writer
from api.problems import MEDIA_TYPE, ProblemAnswer
from store.enums import Role

_PROBLEM = "ProblemAnswer"
_NOT_NEEDED = ("HTTPValidationError", "ValidationError")
_MEANINGS = {
    "401": "No key, or one that is not valid",
    "403": "The role may not do this",
    "404": "There is no such thing, or it is not yours",
    "409": "It does not fit what is: read, and decide again",
    "412": "It changed since you read it",
    "413": "The body is over 1 MiB",
    "422": "The request is not valid, or the Idempotency-Key was used for another",
    "428": "If-Match is missing",
    "429": "Too many requests: wait as Retry-After says",
    "default": "Something else is wrong; `code` and `remedy` say what",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route and method. `roles` is None when no key is needed, and empty when any key will do; `is_once` if it takes an
    Idempotency-Key."""

    method: str
    path: str
    roles: tuple[Role, ...] | None
    is_once: bool


def operations(app: FastAPI) -> Iterator[Operation]:
    """Every documented operation of the application."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                is_once = any(inner.call is once_writer for inner in below(route.dependant))
                yield Operation(method, route.path_format, _roles(route.dependant), is_once)


def _roles(dependant: Dependant) -> tuple[Role, ...] | None:
    guards = [inner.call for inner in below(dependant)]
    named = [set(guard.roles) for guard in guards if isinstance(guard, RoleGuard)]
    if named:
        allowed = set.intersection(*named)
        return tuple(role for role in Role if role in allowed)
    return () if authenticate in guards else None


def below(dependant: Dependant) -> Iterator[Dependant]:
    """Every dependency of a route, of whatever depth."""
    for inner in dependant.dependencies:
        yield inner
        yield from below(inner)


def install_openapi(app: FastAPI) -> None:
    """Let the application describe itself in full."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = describe


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _NOT_NEEDED:
        schemas.pop(name, None)
    problem = ProblemAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas[_PROBLEM] = problem
    for operation in operations(app):
        found = document["paths"].get(operation.path, {}).get(operation.method.lower())
        if found is not None:
            _complete(found, operation)
    return document


def _complete(found: dict[str, Any], operation: Operation) -> None:
    if operation.is_once:
        found["parameters"] = [*found.get("parameters", ()), IDEMPOTENCY_HEADER]
    responses = found["responses"]
    for status in _statuses(found, operation):
        responses[status] = {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}},
        }
    if operation.roles is not None:
        roles = [*operation.roles] or ["any"]
        found["x-roles"] = roles
        found["description"] = f"{found.get('description', '')}\n\nRoles: {', '.join(roles)}.".strip()


def _statuses(found: dict[str, Any], operation: Operation) -> Iterator[str]:
    parameters = {(parameter["in"], parameter["name"]) for parameter in found.get("parameters", ())}
    if operation.roles is not None:
        yield from ("401", "403", "429")
    if any(place == "path" for place, _ in parameters):
        yield "404"
    if ("header", "If-Match") in parameters:
        yield from ("412", "428")
    if "requestBody" in found:
        yield from ("409", "413")
    if "requestBody" in found or parameters:
        yield "422"
    yield "default"
