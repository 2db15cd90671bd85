"""Dagster's history: dead runs do not stand in the way, old ones go."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.event_log import QuickEventLog
from orchestration.runs import KEPT_RUNS, end_dead_runs, forget_old_runs, open_instance
from orchestration.schedules import BUILD
from store.settings import Settings


@dg.op
def nothing() -> None:
    pass


@dg.job(name=BUILD)
def empty_build() -> None:
    nothing()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.at(tmp_path / "var")


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    with open_instance(settings) as instance:
        yield instance


def test_runs_of_this_process_are_in_the_history_that_the_pages_show(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    run_id = empty_build.execute_in_process(instance=instance).run_id
    assert isinstance(instance.event_log_storage, QuickEventLog)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as other:
        events = [entry.dagster_event_type for entry in other.all_logs(run_id)]
    assert dg.DagsterEventType.RUN_START in events
    assert dg.DagsterEventType.RUN_SUCCESS in events


def test_a_run_whose_process_died_is_ended(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(empty_build, status=dg.DagsterRunStatus.STARTED)
    assert end_dead_runs(instance, BUILD) == [run.run_id]
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert end_dead_runs(instance, BUILD) == []


def test_only_the_last_runs_are_kept(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KEPT_RUNS > 96
    monkeypatch.setattr("orchestration.runs.KEPT_RUNS", 2)
    runs = [empty_build.execute_in_process(instance=instance).run_id for _ in range(4)]
    assert forget_old_runs(instance, settings, BUILD) == 2
    assert {run.run_id for run in instance.get_runs()} == set(runs[2:])
    files = {path.name for path in (settings.dagster_home / "history" / "runs").glob("*.db")}
    assert files == {"index.db", *(f"{run_id}.db" for run_id in runs[2:])}
