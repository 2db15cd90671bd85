"""How long report and export take: `python -m benchmarks.reports --var DIR [--incidences N]`.

DIR is a state directory with a published warehouse; with `--incidences` one is made there first, from synthetic facts.
Each is timed in a process of its own, imports included. Then the export is made at 1, 2 and 8 threads, in another time zone
and another locale: the bytes must be the same.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.synthetic import Amount, write_slice
from store import clock
from store.migrations import migrate
from store.published import current_version, open_current
from store.settings import ROOT, Settings

DAYS = 90
ELSEWHERE = {"TZ": "America/St_Johns", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "7"}
FORMATS = ("pdf", "xlsx", "csv", "parquet")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--incidences", type=int)
    parser.add_argument("--export-here", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    settings = Settings.at(arguments.var.resolve())
    if arguments.export_here:
        export_here(settings, arguments.export_here, arguments.threads)
        return
    if arguments.incidences and not current_version(settings):
        make(settings, arguments.incidences)
    measure(settings)


def make(settings: Settings, incidences: int) -> None:
    """A warehouse of ten signals and one order for each incidence."""
    from orchestration.build import run_build

    settings.var_dir.mkdir(parents=True, exist_ok=True)
    migrate(settings.operations_url)
    now = clock.now()
    write_slice(settings, Amount(10 * incidences, incidences), now - timedelta(days=DAYS), now - timedelta(hours=2))
    run_build(settings)


def measure(settings: Settings) -> None:
    with open_current(settings) as warehouse:
        rows = warehouse.query(
            "select (select count(*) from marts.fct_incidences) as i, (select count(*) from marts.analytics_daily) as k"
        )[0]
    print(f"{rows['i']:,} incidences, {rows['k']:,} figures")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        cli = [sys.executable, "-m", "cli"]
        timed("report: page, PDF, workbook", [*cli, "report"], settings)
        export = place / "export"
        timed("export: PDF, workbook, CSV, Parquet", [*cli, "export", "kpis", "--output", str(export)], settings)
        timed("export verified", [*cli, "export", "verify", str(export)], settings)
        for kind in FORMATS:
            words = [*cli, "export", "kpis", "--format", kind, "--output", str(place / kind)]
            timed(f"  export as {kind} alone", words, settings)
        ways = {f"{threads} threads": (threads, {}) for threads in (1, 2, 8)} | {"elsewhere, 2 threads": (2, ELSEWHERE)}
        made = {
            name: digest(exported(settings, place / f"way-{at}", *way)) for at, (name, way) in enumerate(ways.items())
        }
        alike = len({*made.values(), digest(export)}) == 1
        print(f"  the same bytes at {', '.join(made)}: {'yes' if alike else made}")
    assert alike


def timed(name: str, words: list[str], settings: Settings) -> None:
    """Wall time, and processor time, which does not depend on who else is on the machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = clock.monotonic_seconds()
    environment = os.environ | {"SUPPORTLED_VAR": str(settings.var_dir)}
    subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    seconds = clock.monotonic_seconds() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  {name:40} {seconds:6.1f} s, of a processor {busy:5.1f} s", flush=True)


def exported(settings: Settings, directory: Path, threads: int, environment: dict[str, str]) -> Path:
    words = ["--var", str(settings.var_dir), "--export-here", str(directory), "--threads", str(threads)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.reports", *words], cwd=ROOT, env=os.environ | environment, check=True
    )
    return directory


def export_here(settings: Settings, directory: Path, threads: int) -> None:
    from orchestration.exports import told_before
    from orchestration.exports.figures import Scope
    from orchestration.exports.writing import write_export

    with open_current(settings) as warehouse:
        row = warehouse.query("select min(date) as first, max(date) as last from marts.analytics_daily")[0]
        before = told_before(settings, warehouse.version)
        write_export(warehouse, directory, Scope(row["first"], row["last"], FORMATS, before), threads=threads)


def digest(directory: Path) -> str:
    """Of every file by its name, the manifest included."""
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
