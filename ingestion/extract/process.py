"""Running the extract in a process of its own, and what it does there."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.contracts import OPERATIONAL
from ingestion.extract.cursor import starting_position, to_cursor
from ingestion.extract.source import measure, open_source
from ingestion.raw import Manifest, drafting, last_operational
from store import clock
from store.settings import ROOT, Settings

MEMORY_LIMIT = "1GB"


class ExtractFailed(Exception):
    """Nothing was extracted; the message says why. The next extract goes on where the last good one ended."""


@dataclass(frozen=True, slots=True)
class ExtractResult:
    """What one extract brought. `is_full`: every row was read, not only what changed."""

    manifest: Manifest
    is_full: bool
    seconds: float


def run_extract(
    settings: Settings, *, as_of: datetime | None = None, full: bool = False, scan_threads: int = 1
) -> ExtractResult:
    """Extract what changed since the last extract (or everything) into `var/raw`, in a child process.

    Two SQLite libraries in one process on one file cancel each other's locks, so the child opens it through DuckDB alone
    whatever the caller holds. `as_of` is the clock just before the read unless given. More than one `scan_threads` tears
    rows apart on SQLite; it is there for the test that shows it. Raises ExtractFailed.
    """
    request = {
        "var_dir": str(settings.var_dir),
        "operations_url": settings.operations_url,
        "as_of": as_of.isoformat() if as_of else None,
        "full": full,
        "scan_threads": scan_threads,
    }
    child = subprocess.run(
        [sys.executable, "-m", "ingestion.extract"],
        cwd=ROOT,
        # Not as arguments: the address may hold a password, and everyone on the machine sees arguments.
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"it ended with code {child.returncode}"]
        raise ExtractFailed(f"The operational store could not be extracted: {lines[-1]}")
    answer = json.loads(child.stdout)
    return ExtractResult(Manifest.from_directory(Path(answer["directory"])), answer["is_full"], answer["seconds"])


def extract(
    settings: Settings, *, as_of: datetime | None = None, full: bool = False, scan_threads: int = 1
) -> ExtractResult:
    """The extract itself; call `run_extract` unless this process touches the store in no other way."""
    started = clock.monotonic_seconds()
    with _one_at_a_time(settings), drafting(settings) as draft, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET enable_progress_bar = false")  # it would go to standard output
        source = open_source(connection, settings, scan_threads)
        last = last_operational(settings)
        as_of = as_of or clock.now()
        connection.execute("BEGIN")
        now = source.position()
        since = starting_position(last, now, full=full)
        conditions = {name: source.changed_rows(table, since) for name, table in OPERATIONAL.items()}
        for name, measures in measure(source, conditions).items():
            if row_count := measures["row_count"]:
                rows = source.rows(OPERATIONAL[name], conditions[name], row_count)
                draft.write(connection, name, rows, measures)
        connection.execute("COMMIT")
        connection.execute("DETACH ops")
        manifest = draft.commit("OPS", as_of, store_id=now.store_id, cursor=to_cursor(now))
    return ExtractResult(manifest, since is None, clock.monotonic_seconds() - started)


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    """An older instant must not land after a newer one."""
    settings.raw_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.raw_dir / ".extract.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
