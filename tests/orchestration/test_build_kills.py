"""A build that is killed at any moment leaves the old version or the new one, and the next build needs no help."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestration.build import run_build
from store.clock import monotonic_seconds
from store.settings import ROOT, Settings
from tests.orchestration.warehouses import check_current_is_whole, strays

MOMENTS = [("begun", 6.0), ("extract", 0.5), ("land", 25.0), ("land", 25.0), ("dbt", 0.3), ("reconcile", 0.6)]
"""Steps that a build tells of, and within how many seconds after. Most of it is dbt, which runs after `land`; publishing takes
a moment after `reconcile`."""
BUILD = """
import sys
from pathlib import Path
from orchestration.build import run_build
from store.settings import Settings
print("begun", flush=True)
run_build(Settings.at(Path(sys.argv[1])), progress=lambda line: print(line, flush=True))
"""


def test_kills_at_random_moments_leave_whole_versions(built: Settings, size: Callable[..., int]) -> None:
    dice = random.Random(2026)
    versions = ["v00000001"]
    moments = [("land", 6.0), ("reconcile", 0.6), *dice.choices(MOMENTS, k=18)]
    for after, seconds in moments[: size(small=2, full=20)]:
        killed = kill_build(built, after, dice.uniform(0, seconds))
        assert workers_of(killed) == []
        version = check_current_is_whole(built)
        assert version >= versions[-1]
        versions.append(version)
    last = run_build(built, progress=lambda _line: None).version
    assert check_current_is_whole(built) == last > versions[-1]
    assert strays(built) == []


def kill_build(settings: Settings, after: str, seconds: float) -> int:
    """SIGKILL a build some seconds after it told of a step; returns its process id."""
    with subprocess.Popen(
        [sys.executable, "-c", BUILD, str(settings.var_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith(after):
                break
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
    return child.pid


def workers_of(builder: int, patience_seconds: float = 5) -> list[int]:
    """Processes that still work for a builder that is gone. The kernel ends them at once, which takes a moment."""
    deadline = monotonic_seconds() + patience_seconds
    while (found := list(_children_of(builder))) and monotonic_seconds() < deadline:
        os.sched_yield()
    return found


def _children_of(builder: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"orchestration.child" in words and str(builder).encode() in words:
                yield int(entry.name)
