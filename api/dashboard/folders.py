"""What the pipeline wrote into folders, each with a JSON file that tells of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def told_folders(directory: Path, file: str, made_of: Callable[[Path, Any], T]) -> Iterator[T]:
    """`made_of(folder, what its file tells)` for each folder of the directory. What cannot be read is left out."""
    for path in directory.glob(f"*/{file}"):
        try:
            made = made_of(path.parent, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        yield made
