"""Reading JSON from strangers: what our stores or other readers could not hold is refused here, once for all."""

import re
from typing import Any

from pydantic_core import from_json

_INTEGERS = range(-(2**63), 2**63)
_LONG_NUMBER = re.compile(rb"[0-9][0-9.eE+]{4}")
"""What holds none of these holds no number that is too large: 1e309 has five characters."""


class InvalidJson(ValueError):
    """Not JSON, or JSON that nobody should send; the text says why."""


def parse_json(text: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises `InvalidJson`.

    Refused beside malformed text: NaN and infinities, integers beyond 64 bits, more than 200 levels, the character U+0000
    and halves of surrogate pairs.
    """
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidJson(f"The body is not valid JSON: {error}.") from error
    if rb"\u0000" in text or _LONG_NUMBER.search(text):
        _require_plain(value)
    return value


def _require_plain(value: Any) -> None:
    for leaf in _leaves(value):
        if isinstance(leaf, str) and "\x00" in leaf:
            raise InvalidJson("The body holds the character U+0000, which cannot be stored.")
        if isinstance(leaf, int) and leaf not in _INTEGERS:
            raise InvalidJson("The body holds an integer beyond 64 bits.")
        if isinstance(leaf, float) and leaf in (float("inf"), float("-inf")):
            raise InvalidJson("The body holds a number beyond the range of a double.")


def _leaves(value: Any) -> list[Any]:
    """Every key and every value that is no container."""
    leaves: list[Any] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            leaves.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        else:
            leaves.append(item)
    return leaves
