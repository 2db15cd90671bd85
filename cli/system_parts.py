"""What the machine itself must have beside Python's packages: a browser for tests of pages, Pango for PDF files."""

import ctypes.util
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class SystemPart:
    """`find` says where it is, None if it is missing. `other_way` gets it without apt, if there is one."""

    name: str
    needed_for: str
    find: Callable[[], str | None]
    packages: tuple[str, ...]
    other_way: Sequence[str] | None = None

    @property
    def remedy(self) -> str:
        remedy = f"apt install {' '.join(self.packages)}" + ("" if os.geteuid() == 0 else " (as root)")
        return remedy if self.other_way is None else f"{remedy}, or {' '.join(('.venv/bin/python', *self.other_way))}"


def find_browser() -> str | None:
    """A Chromium of the system, else the one that Playwright fetched for this user."""
    return next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None) or _playwrights_own()


def find_pango() -> str | None:
    return ctypes.util.find_library("pango-1.0") and ctypes.util.find_library("pangoft2-1.0")


PARTS = (
    SystemPart(
        "Browser", "tests of pages", find_browser, ("chromium",), other_way=("-m", "playwright", "install", "chromium")
    ),
    SystemPart("Pango", "PDF files", find_pango, ("libpango-1.0-0", "libpangoft2-1.0-0", "fonts-noto-core")),
)


def fetch_missing(parts: Sequence[SystemPart] = PARTS) -> Iterator[tuple[SystemPart, bool]]:
    """Try to get each part that is missing, by apt as root, else the other way; whether it is there then."""
    for part in parts:
        if part.find() is not None:
            continue
        if os.geteuid() == 0 and shutil.which("apt-get"):
            _run("apt-get", "update")
            _run("apt-get", "install", "--yes", "--no-install-recommends", *part.packages)
        if part.find() is None and part.other_way is not None:
            _run(sys.executable, *part.other_way)
        yield part, part.find() is not None


def _run(*command: str) -> None:
    """What it says matters only if the part is missing afterwards, and then the remedy is to run it by hand."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        check=False,
    )


def _playwrights_own() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None
