"""Reading one signal, a JSON array of them, or NDJSON."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from api.errors import BadRequest
from api.json_text import InvalidJson, parse_json
from api.limits import UnreadableBody
from api.problems import invalid_request

T = TypeVar("T")
LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})


def read_many(adapter: TypeAdapter[list[T]], body: bytes, content_type: str) -> Sequence[T]:
    """The rows of a body: an object, an array of objects, or lines of objects. Raises `BadRequest`."""
    media_type = content_type.partition(";")[0].strip().lower()
    text = body.strip()
    if media_type in LINES:
        text = b"[" + b",".join(line for line in text.splitlines() if line.strip()) + b"]"
    elif text.startswith(b"{"):
        text = b"[" + text + b"]"
    try:
        rows = adapter.validate_python(parse_json(text))
    except InvalidJson as error:
        raise UnreadableBody(str(error)) from error
    except ValidationError as error:
        raise invalid_request([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from error
    if not rows:
        raise BadRequest("The body holds no signal.")
    return rows


def body_schema(adapter: TypeAdapter[list[Any]]) -> dict[str, Any]:
    """The request body of the OpenAPI document."""
    many = adapter.json_schema(ref_template="#/components/schemas/{model}")
    (one,) = many.pop("$defs").values()
    many["items"] = one
    either = {"schema": {"oneOf": [one, {**many, "minItems": 1}]}}
    lines = {"schema": {"type": "string", "description": "A signal a line"}}
    return {"requestBody": {"required": True, "content": {"application/json": either, "application/x-ndjson": lines}}}
