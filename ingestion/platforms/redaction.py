"""A body without what is personal: of every member that is known to be harmless its plain value, and nothing else."""

import re
from collections.abc import Collection
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9._:+-]{0,128}")
"""Ids, words and instants; no text of a person, no address."""
_DEEPEST = 12


def redact(tree: Any, harmless: Collection[str], depth: int = 0) -> Any:
    """The tree with harmless members only: their numbers, and texts that are ids or words. What else is there is left out."""
    if isinstance(tree, dict):
        if depth == _DEEPEST:
            return {}
        kept = {name: redact(value, harmless, depth + 1) for name, value in tree.items() if name in harmless}
        return {name: value for name, value in kept.items() if value is not None}
    if isinstance(tree, list):
        found = [redact(value, harmless, depth + 1) for value in tree] if depth < _DEEPEST else []
        return [value for value in found if value is not None]
    if isinstance(tree, str):
        return tree if _PLAIN.fullmatch(tree) else None
    return tree
