"""One build, from extract to published version: what `supportled build` calls."""

import contextlib
import errno
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import duckdb
from dagster._core.errors import DagsterAssetCheckFailedError

from orchestration.building import Building, begin
from orchestration.definitions import definitions
from orchestration.problems import BuildFailed
from orchestration.runs import end_dead_runs, forget_old_runs, open_instance, quiet
from orchestration.schedules import BUILD
from store.settings import Settings

SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""A person at a terminal wants the steps; Dagster's pages keep the rest."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A published version. `as_of`: every fact committed before this instant is in."""

    version: str
    as_of: datetime
    seconds: dict[str, float]
    """By step: extract, files, land, dbt, reconcile, publish."""
    row_counts: dict[str, int]
    """By published table."""


def run_build(
    settings: Settings, *, full_refresh: bool = False, progress: Callable[[str], None] = print
) -> BuildResult:
    """Extract, land, compute, check and publish, as the Dagster job `build` in this process.

    `progress` gets a line for each step. On any failure readers keep the version they have. Raises `BuildFailed` with
    a reason and a remedy; `BuildInProgress` at once if another process builds.
    """
    quiet()
    try:
        with begin(settings, full_refresh=full_refresh, say=_aloud(progress)) as building:
            _run_job(building)
            return _result(building)
    except OSError as error:
        raise _of_machine(error) from error


def _run_job(building: Building) -> None:
    settings = building.settings
    log = settings.var_dir / "logs" / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file), open_instance(settings) as instance:
        end_dead_runs(instance, BUILD)
        forget_old_runs(instance, settings, BUILD)
        job = definitions(settings).resolve_job_def(BUILD)
        try:
            job.execute_in_process(run_config=SILENT, instance=instance, resources={"building": building})
        except (BuildFailed, OSError):
            raise
        except DagsterAssetCheckFailedError as error:
            raise BuildFailed(
                f"what the marts hold is not what was extracted: {' '.join(str(error).split())}",
                f"Readers keep the last version. {log} and Dagster's pages show the counts; "
                "./supportled build --full-refresh computes everything anew.",
            ) from error
        except duckdb.Error as error:
            raise _of_duckdb(error) from error


def _result(building: Building) -> BuildResult:
    identity = building.identity
    if identity is None or not building.is_published:
        raise BuildFailed("the build ended without a version", "See var/logs/build.log, then build again.")
    return BuildResult(
        version=building.version,
        as_of=datetime.fromisoformat(identity.as_of),
        seconds=dict(building.seconds),
        row_counts={name: table.row_count for name, table in building.tables.items()},
    )


def _of_machine(error: OSError) -> BuildFailed:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return BuildFailed(
            "the disk is full", "Make room where var/ is, then build again; readers keep the last version."
        )
    return BuildFailed(f"this machine refused: {error}", "./supportled doctor checks it; then build again.")


def _of_duckdb(error: duckdb.Error) -> BuildFailed:
    reason = " ".join(str(error).split())
    if isinstance(error, duckdb.OutOfMemoryException):
        return BuildFailed(f"memory ran out: {reason}", "End what else uses this machine's memory, then build again.")
    if "No space left" in reason or "File too large" in reason:
        return _of_machine(OSError(errno.ENOSPC, reason))
    return BuildFailed(
        f"DuckDB refused: {reason}",
        "./supportled build --full-refresh builds from raw; if that fails too, ./supportled doctor checks the disk.",
    )


def _aloud(progress: Callable[[str], None]) -> Callable[[str], None]:
    """Progress goes where the caller's prints go, while everything else that prints goes to the log of the build."""
    out = sys.stdout

    def say(line: str) -> None:
        with contextlib.redirect_stdout(out):
            progress(line)

    return say
