"""Builds beside what is measured, and a warehouse to begin with."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.api.server import product_environment
from cli.processes import stop
from ingestion.simulate import seed_demo
from orchestration.child import command
from store.published import open_current
from store.settings import ROOT, Settings


@contextmanager
def building(settings: Settings, *, full: bool) -> Iterator[Callable[[], bool]]:
    words = ["nice", "-n", "19", *command("cli", "build", *(["--full-refresh"] if full else []))]
    with (settings.var_dir / "build.log").open("ab") as log:
        process = subprocess.Popen(
            words, cwd=ROOT, env=product_environment(settings), stdout=log, stderr=log, process_group=0
        )
    try:
        yield lambda: process.poll() is None
    finally:
        stop([process])


def make_a_warehouse(settings: Settings) -> None:
    """A demo city, built and published."""
    seed_demo(settings, progress=lambda _: None)
    with building(settings, full=False) as is_running:
        while is_running():
            time.sleep(0.2)
    open_current(settings).close()  # raises if the build did not publish
