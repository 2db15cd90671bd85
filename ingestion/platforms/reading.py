"""Taking what is needed out of a platform's JSON, whatever else is in it."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from ingestion.platforms.events import UnreadableEvent

LONGEST_ID = 100
"""So that `<platform>:<id>` is an id of ours too."""
_ID = re.compile(rf"[A-Za-z0-9._:+=/-]{{1,{LONGEST_ID}}}")
_WORD = re.compile(r"[A-Za-z0-9._:+ -]{1,100}")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def parse(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body. Raises `UnreadableEvent`."""
    try:
        found = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UnreadableEvent("the body is no JSON") from error
    if not isinstance(found, dict):
        raise UnreadableEvent("the body is no JSON object")
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError("no JSON number")


def member(tree: Any, *path: str) -> Any:
    """What stands at the path; None where there is nothing."""
    for name in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree


def items(tree: Any, *path: str) -> list[Any]:
    """The list at the path; empty where there is none."""
    found = member(tree, *path)
    return found if isinstance(found, list) else []


def read_id(value: Any) -> str | None:
    """An id, which some platforms write as a number; None if there is none. Raises `UnreadableEvent` for what is no id."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise UnreadableEvent("an id is no text of 1 to 100 plain characters")
    return text


def word(value: Any) -> str | None:
    """A plain word, as the name of a channel; None for anything else."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def seconds(value: Any) -> datetime | None:
    """An instant in Unix seconds; None if it is none of this age."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return _plausible(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def iso_instant(value: Any) -> datetime | None:
    """An ISO-8601 instant; None if it is none, or of no age that could be."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return _plausible(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _plausible(at: datetime) -> datetime | None:
    return at if _EARLIEST <= at < _LATEST else None


def storable(text: str) -> str:
    """The text without what no database keeps: zero characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def key_of(*parts: object) -> str:
    """A dedup key for an event that has no id of its own."""
    return hashlib.sha256("\x00".join(str(part) for part in parts).encode("utf-8", "replace")).hexdigest()


def key_of_body(body: bytes) -> str:
    """A dedup key for what cannot be read: the same bytes are the same event."""
    return f"body:{hashlib.sha256(body).hexdigest()}"
