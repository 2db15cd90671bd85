"""Dagster's own record of runs: where it is kept, and how runs that died stop standing in the way."""

import logging
import shutil
from typing import Any

import dagster as dg
import yaml

from orchestration.event_log import QuickEventLog
from orchestration.versions import write_durably
from store.settings import Settings

INSTANCE: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    # One run of the pool at a time; others wait in Dagster's queue.
    "concurrency": {"pools": {"default_limit": 1, "granularity": "run"}},
    # Dagster would start two processes for each step to copy what it prints; dbt's words are in var/logs and in its checks.
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
    "retention": {
        "schedule": {"purge_after_days": {"skipped": 2, "failure": 30, "success": 7}},
        "sensor": {"purge_after_days": {"skipped": 1, "failure": 30, "success": 7}},
    },
}


KEPT_RUNS = 200
"""Two days of a build every quarter of an hour."""


def write_instance_config(settings: Settings) -> None:
    """Put `dagster.yaml` where Dagster looks for it."""
    event_log = {
        "module": QuickEventLog.__module__,
        "class": QuickEventLog.__name__,
        "config": {"base_dir": str(settings.dagster_home / "history" / "runs")},
    }
    text = yaml.safe_dump(INSTANCE | {"event_log_storage": event_log}, sort_keys=False)
    path = settings.dagster_home / "dagster.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_durably(path, text)


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that Dagster's pages show, whoever started the run."""
    write_instance_config(settings)
    return dg.DagsterInstance.from_config(str(settings.dagster_home))


def end_dead_runs(instance: dg.DagsterInstance, job: str, but: str | None = None) -> list[str]:
    """Mark runs as failed that say they are under way while nobody builds, and give their places in the pool back.

    Call it only while no other process can be building (docs/decisions/publishing.md).
    """
    alive = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    dead = [run for run in instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=alive)) if run.run_id != but]
    for run in dead:
        instance.report_run_failed(run, message="The process of this run ended before it was done.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def forget_old_runs(instance: dg.DagsterInstance, settings: Settings, job: str) -> int:
    """Remove all but the last runs of a job from Dagster's history; each is some megabytes. Returns how many."""
    old = [run.run_id for run in instance.get_runs(filters=dg.RunsFilter(job_name=job))[KEPT_RUNS:]]
    for run_id in old:
        instance.delete_run(run_id)
        (settings.dagster_home / "history" / "runs" / f"{run_id}.db").unlink(missing_ok=True)
        shutil.rmtree(settings.dagster_home / "storage" / run_id, ignore_errors=True)
    return len(old)


def quiet() -> None:
    """Keep Dagster's own log off the terminal; its pages show it."""
    for name in ("dagster", "dagster.builtin", "dagster_dbt"):
        logging.getLogger(name).setLevel(logging.ERROR)
