"""Tells a person what is going on and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str = "") -> None:
    print(line, flush=True)


def detail(line: object) -> None:
    """One line below the step that is under way."""
    say(f"    {line}")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title, then the seconds it took. A failure ends it without."""
    say(f"• {title}")
    started = time.monotonic()
    yield
    detail(f"done in {time.monotonic() - started:.1f} s")
