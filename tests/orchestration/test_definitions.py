"""The pipeline as Dagster's pages show it: from source to report, each thing with a group, an owner and a description."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import definitions
from orchestration.delivery import PUBLISHED, REPORT, week_before
from orchestration.ingest import EXTRACT, FILES
from orchestration.schedules import BUILD, REPORT_JOB
from store.clock import IST
from store.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A state directory in which nothing was ever built."""
    return Settings.at(tmp_path_factory.mktemp("definitions") / "var")


@pytest.fixture(scope="module")
def pipeline(settings: Settings) -> dg.Definitions:
    return definitions(settings)


def test_the_pipeline_loads_without_a_warehouse_and_makes_none(pipeline: dg.Definitions, settings: Settings) -> None:
    dg.Definitions.validate_loadable(pipeline)
    assert not settings.warehouse_dir.exists()
    assert len(list((settings.var_dir / "dbt").glob("manifest-*.json"))) == 1


def test_every_asset_has_a_group_an_owner_and_a_description(pipeline: dg.Definitions) -> None:
    nodes = list(pipeline.resolve_asset_graph().asset_nodes)
    assert {node.group_name for node in nodes} >= {"ingestion", "raw", "staging", "incidences", "kpis", "delivery"}
    unnamed = [node.key for node in nodes if node.group_name == "default" or not node.owners or not node.description]
    assert unnamed == []


def test_the_report_comes_from_both_sources(pipeline: dg.Definitions) -> None:
    graph = pipeline.resolve_asset_graph()
    upstream = graph.upstream_key_iterator(REPORT)
    assert {EXTRACT, FILES, PUBLISHED, dg.AssetKey(["marts", "fct_incidences"])} <= set(upstream)


def test_every_mart_is_published_and_reconciliation_blocks(pipeline: dg.Definitions) -> None:
    graph = pipeline.resolve_asset_graph()
    marts = {node.key for node in graph.asset_nodes if node.key.path[0] == "marts"}
    assert marts <= graph.get(PUBLISHED).parent_keys
    checks = [graph.get_check_spec(key) for key in graph.asset_check_keys if key.name == "reconciliation"]
    assert len(checks) >= 5
    assert all(check.blocking for check in checks)


def test_dbt_tests_are_asset_checks(pipeline: dg.Definitions) -> None:
    checked = {key.asset_key for key in pipeline.resolve_asset_graph().asset_check_keys}
    assert {dg.AssetKey(["marts", "fct_incidences"]), dg.AssetKey(["staging", "stg_ops__orders"])} <= checked


def test_builds_and_reports_have_their_times(pipeline: dg.Definitions) -> None:
    schedules = {each.job_name: each for each in pipeline.get_repository_def().schedule_defs}
    assert schedules[BUILD].cron_schedule == "*/15 * * * *"
    assert schedules[REPORT_JOB].cron_schedule == "0 9 * * 1"
    assert schedules[REPORT_JOB].execution_timezone == "Asia/Kolkata"


def test_mondays_report_is_of_the_week_that_ended() -> None:
    assert week_before(datetime(2026, 11, 23, 9, 0, tzinfo=IST)) == "2026-W47"


def test_files_that_arrive_ask_for_one_build(pipeline: dg.Definitions, settings: Settings) -> None:
    sensor = pipeline.get_repository_def().get_sensor_def("files_arrive")
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance)
        assert isinstance(sensor(context), dg.SkipReason)
        settings.landing_dir.mkdir(parents=True)
        (settings.landing_dir / "cases.csv").write_text("id\n1\n")
        assert isinstance(sensor(context), dg.RunRequest)
        assert isinstance(sensor(context), dg.SkipReason)
        (settings.landing_dir / "more.csv").write_text("id\n2\n")
        assert isinstance(sensor(context), dg.RunRequest)


def test_dagster_opens_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUPPORTLED_VAR", str(tmp_path / "var"))
    from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module

    (target,) = loadable_targets_from_python_module("orchestration.definitions", None)
    assert target.attribute
