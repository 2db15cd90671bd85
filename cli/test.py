"""Every check and test of the repository. Checks tell their result first, so that pytest's closing line comes last."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.progress import say
from cli.system_parts import fetch_missing
from store.settings import ROOT

BIN = Path(sys.executable).parent
_LEFT_OUT = {"SUPPORTLED_OPERATIONS_URL", "PYTHONDONTWRITEBYTECODE"}
"""Tests start hundreds of processes: without bytecode on disk each would compile the whole product, for a second."""


@dataclass(frozen=True, slots=True)
class Check:
    """A command that succeeds or says what to change."""

    title: str
    command: Sequence[str | Path]
    remedy: str
    scratch: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables that name a place below the scratch directory."""


@dataclass(frozen=True, slots=True)
class Finished:
    check: Check
    is_ok: bool
    output: str
    seconds: float


def run(options: argparse.Namespace) -> int:
    for part, is_there in fetch_missing():
        say(f"{part.name}: {'fetched' if is_there else f'missing, so {part.needed_for} fail. Remedy: {part.remedy}'}")
    say("Checking the code")
    with scratch_environment() as environment:
        failed = [finished.check.title for finished in tell(run_all(checks(), environment)) if not finished.is_ok]
        say(f"\nRunning the tests{' at release size' if options.release else ''}")
        if failed:
            say(f"(the outcome is a failure already: {', '.join(failed)})")
        code = subprocess.run(
            pytest_command(release=options.release), cwd=ROOT, env=environment, check=False
        ).returncode
    return 1 if failed else code


def checks() -> list[Check]:
    return [
        Check("format", [BIN / "ruff", "format", "--check", "."], ".venv/bin/ruff format ."),
        Check("lint", [BIN / "ruff", "check", "."], ".venv/bin/ruff check --fix . mends some of it"),
        Check("types", [BIN / "basedpyright", "--warnings"], "annotate, or narrow before use"),
        Check(
            "imports",
            [BIN / "lint-imports", "--no-cache"],
            "imports point downward only: cli, api | orchestration, ingestion, store",
        ),
        Check(
            "SQL",
            [BIN / "sqlfluff", "lint", "--disable-progress-bar", "--nocolor", "dbt_project/models"],
            ".venv/bin/sqlfluff fix dbt_project/models",
            # What dbt compiles for it must not stand in the way of a build that runs at the same time.
            scratch={"DBT_TARGET_PATH": "lint/target", "DBT_LOG_PATH": "lint/logs"},
        ),
    ]


def pytest_command(*, release: bool) -> list[str]:
    """Two processes; tests/conftest.py says which tests stay together, for they share what is slow to make."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "--durations", "10"]
    return [*command, "--release"] if release else command


def run_all(wanted: Sequence[Check], environment: dict[str, str]) -> Iterator[Finished]:
    """Two at a time, told in their own order."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield from pool.map(lambda check: run_check(check, environment), wanted)


def run_check(check: Check, environment: dict[str, str]) -> Finished:
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=environment | {name: f"{environment['SUPPORTLED_VAR']}/{place}" for name, place in check.scratch.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Finished(check, done.returncode == 0, done.stdout, time.monotonic() - started)


def tell(finished: Iterator[Finished]) -> Iterator[Finished]:
    for one in finished:
        say(f"  {'ok     ' if one.is_ok else 'PROBLEM'}  {one.check.title:<8} {one.seconds:5.1f} s")
        if not one.is_ok:
            say(one.output.rstrip())
            say(f"  Remedy: {one.check.remedy}")
        yield one


@contextmanager
def scratch_environment() -> Iterator[dict[str, str]]:
    """The environment of checks and tests: state in a directory of its own that goes away, never a person's var/."""
    with TemporaryDirectory(prefix="supportled-test-") as scratch:
        environment = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
        yield environment | {
            "SUPPORTLED_VAR": scratch,
            "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
        }
