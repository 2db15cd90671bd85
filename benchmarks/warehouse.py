"""How long the warehouse takes: `python -m benchmarks.warehouse [--signals N] [--incidences N] [--growth]`.

Measures a full build from schedule to published, its peak memory, the models alone against the same compiled SQL in bare
DuckDB, and a build after 1 % new data against a full one, whose rows must be equal.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psutil

from benchmarks.synthetic import Amount, write_slice
from orchestration import dbt
from orchestration.child import command
from orchestration.versions import base_version
from store import clock
from store.migrations import migrate
from store.published import current_version
from store.published.versions import FILE_NAME, MANIFEST_NAME
from store.settings import ROOT, Settings

DAYS = 90
NAMED_AFTER_THE_BUILD = {"data_as_of", "published_versions", "restatements"}
"""Tables that say when and how they were built, so that they differ between two builds of the same facts."""


@dataclass(frozen=True)
class Build:
    """One build in a process of its own."""

    wall_seconds: float
    steps: dict[str, float]
    peak_gib: float
    version: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warehouse", description=__doc__)
    parser.add_argument("--signals", type=int, default=1_000_000)
    parser.add_argument("--incidences", type=int, help="default: a tenth of the signals")
    parser.add_argument("--growth", action="store_true", help="measure 1 M, 3 M and 10 M signals one after the other")
    parser.add_argument("--build-here", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--full-refresh", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build_here:
        build_here(Settings.at(arguments.build_here), full_refresh=arguments.full_refresh)
        return
    sizes = [1_000_000, 3_000_000, 10_000_000] if arguments.growth else [arguments.signals]
    for signals in sizes:
        with state() as settings:
            measure(settings, signals, arguments.incidences or signals // 10)


def measure(settings: Settings, signals: int, incidences: int) -> None:
    print(f"\n{signals:,} signals, {incidences:,} incidences")
    now = clock.now()
    slice_end = now - timedelta(hours=2)
    write_slice(settings, Amount(signals, incidences), now - timedelta(days=DAYS), slice_end)

    full = build(settings)
    show("full build, schedule to published", full.wall_seconds, "≤ 180 s", full.steps)
    print(f"  {'most memory at once, whole process tree':42} {full.peak_gib:8.2f} GiB   < 4 GiB")
    models_full = models_alone(settings, full_refresh=True)
    bare = bare_sql(settings)
    show("models alone, full", models_full)
    show("the same compiled SQL in bare DuckDB", bare)
    print(f"  {'models / bare SQL':42} {models_full / bare:8.2f}       ≤ 1.3")

    more = Amount(signals // 100, incidences // 100, signals, incidences, users=1_000)
    write_slice(settings, more, slice_end, now - timedelta(hours=1))
    incremental = build(settings)
    show("build after 1 % new data", incremental.wall_seconds, "≤ 60 s", incremental.steps)
    some = model_seconds(settings)
    models_again = build(settings, full_refresh=True)
    all_of_it = model_seconds(settings)
    share = sum(some.values()) / sum(all_of_it.values())
    told = f"{sum(some.values()):.1f} of {sum(all_of_it.values()):.1f} s, {len(some)} of {len(all_of_it)} models"
    print(f"  {'its models / those of a full build':42} {share:8.0%}       ≤ 15 %     {told}")
    dearest = sorted(some, key=some.__getitem__, reverse=True)[:10]
    print(f"  its dearest: {', '.join(f'{name} {some[name]:.2f}' for name in dearest)}")
    unlike = differing(settings, incremental.version, models_again.version)
    print(f"  {'tables unlike those of a full build':42} {', '.join(unlike) or 'none'}")


def build(settings: Settings, *, full_refresh: bool = False) -> Build:
    """Build in a new process, as the schedule does."""
    words = [sys.executable, "-m", "benchmarks.warehouse", "--build-here", str(settings.var_dir)]
    started = clock.monotonic_seconds()
    building = subprocess.Popen(
        [*words, *(["--full-refresh"] if full_refresh else [])], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with most_memory(building.pid) as peak:
        told, _ = building.communicate()
    if building.returncode:
        raise SystemExit(building.returncode)
    seconds = clock.monotonic_seconds() - started
    return Build(seconds, peak_gib=max(peak) / 2**30, **json.loads(told.splitlines()[-1]))


def build_here(settings: Settings, *, full_refresh: bool) -> None:
    from orchestration.build import run_build

    result = run_build(settings, full_refresh=full_refresh, progress=lambda line: print(f"    {line}", file=sys.stderr))
    print(json.dumps({"steps": result.seconds, "version": result.version}))


@contextmanager
def most_memory(pid: int) -> Iterator[list[int]]:
    """What a process and all its children hold together, in bytes, looked at five times a second."""
    seen = [0]
    is_over = threading.Event()

    def look() -> None:
        root = psutil.Process(pid)
        while not is_over.wait(0.2):
            with suppress(psutil.NoSuchProcess):
                seen.append(sum(resident_bytes(one) for one in (root, *root.children(recursive=True))))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        is_over.set()
        looking.join()


def resident_bytes(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def model_seconds(settings: Settings) -> dict[str, float]:
    """What each model that the last build ran took, as dbt tells it."""
    return {
        result["unique_id"].split(".")[2]: result["execution_time"]
        for result in results(dbt.target_dir(settings))
        if is_model(result)
    }


def results(target: Path) -> list[dict[str, Any]]:
    return json.loads((target / "run_results.json").read_text())["results"]


def is_model(result: dict[str, Any]) -> bool:
    return result["unique_id"].startswith("model.")


def models_alone(settings: Settings, *, full_refresh: bool) -> float:
    """`dbt run` on a copy of the private warehouse: seconds from its first model to its last."""
    with copy_of_private(settings) as file:
        target = file.parent / "target"
        shutil.copytree(dbt.target_dir(settings), target)
        environment = dbt.environment(settings) | {"SUPPORTLED_DBT_PATH": str(file), "DBT_TARGET_PATH": str(target)}
        words = ["--quiet", "run", *(["--full-refresh"] if full_refresh else [])]
        subprocess.run(command(dbt.DBT, *words), cwd=ROOT, env=environment, check=True)
        return json.loads((target / "run_results.json").read_text())["elapsed_time"]


def bare_sql(settings: Settings) -> float:
    """The compiled SQL of every model, one after the other in one connection, with dbt's settings."""
    manifest = json.loads(dbt.manifest_path(settings).read_text())
    with copy_of_private(settings) as file, duckdb.connect(str(file)) as connection:
        connection.execute("set memory_limit = '2800MB'; set threads = 2; set preserve_insertion_order = false")
        connection.execute("set timezone = 'UTC'")
        seconds = 0.0
        for result in results(dbt.target_dir(settings)):
            if not is_model(result):
                continue
            node = manifest["nodes"][result["unique_id"]]
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            name = f'"{node["schema"]}"."{node["alias"]}"'
            started = clock.monotonic_seconds()
            connection.execute(f"drop {kind} if exists {name} cascade")
            connection.execute(f"create {kind} {name} as {result['compiled_code']}")
            seconds += clock.monotonic_seconds() - started
        return seconds


def differing(settings: Settings, left: str, right: str) -> list[str]:
    """Published tables whose rows are not the same in two versions."""
    contents = [
        json.loads((settings.published_dir / version / MANIFEST_NAME).read_text())["tables"]
        for version in (left, right)
    ]
    return [
        name for name in contents[0] if contents[0][name] != contents[1][name] and name not in NAMED_AFTER_THE_BUILD
    ]


@contextmanager
def copy_of_private(settings: Settings) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=settings.var_dir) as directory:
        yield Path(shutil.copy(settings.private_dir / str(base_version(settings)) / FILE_NAME, directory))


@contextmanager
def state() -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="supportled-") as directory:
        settings = Settings.at(Path(directory) / "var")
        settings.var_dir.mkdir()
        migrate(settings.operations_url)
        yield settings
        assert current_version(settings)


def show(name: str, seconds: float, target: str = "", steps: dict[str, float] | None = None) -> None:
    told = ", ".join(f"{step} {value:.1f}" for step, value in (steps or {}).items())
    print(f"  {name:42} {seconds:8.1f} s     {target:10} {told}")


if __name__ == "__main__":
    main()
