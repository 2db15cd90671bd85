"""Whatever goes wrong, nothing wrong is published: the build refuses with a reason, and readers keep the version they had."""

import re
import resource
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from orchestration import dbt
from orchestration.build import run_build
from orchestration.exports import export_kpis
from orchestration.locks import build_lock
from orchestration.problems import BuildFailed, BuildInProgress
from store.published import open_current
from store.settings import ROOT, Settings
from tests.orchestration.faults import FAULTS, Fault, edit_model
from tests.orchestration.warehouses import check_current_is_whole, strays


@pytest.fixture
def settings(built: Settings) -> Settings:
    return built


def build(settings: Settings, *, full_refresh: bool = False) -> str:
    return run_build(settings, full_refresh=full_refresh, progress=lambda _line: None).version


def check_nothing_changed_for_readers(settings: Settings) -> None:
    assert check_current_is_whole(settings) == "v00000001"
    assert strays(settings) == []


FAULT_PARAMETERS = [
    pytest.param(fault, id=fault.name, marks=[] if fault.is_quick else pytest.mark.release) for fault in FAULTS
]


@pytest.mark.parametrize("fault", FAULT_PARAMETERS)
def test_a_fault_is_caught_before_publish_or_does_no_harm(settings: Settings, fault: Fault) -> None:
    incidences = incidence_count(settings)
    fault.inject(settings)
    if fault.caught is None:
        assert build(settings) == check_current_is_whole(settings) == "v00000002"
    else:
        with pytest.raises(BuildFailed) as refused:
            build(settings)
        assert re.search(fault.caught, refused.value.reason), refused.value.reason
        assert refused.value.remedy
        check_nothing_changed_for_readers(settings)
    assert incidence_count(settings) == incidences


def incidence_count(settings: Settings) -> int:
    with open_current(settings) as warehouse:
        return warehouse.query("select count(*) as rows from marts.fct_incidences")[0]["rows"]


def test_there_are_thirty_faults_or_more() -> None:
    others = 2 + len(MODEL_FAULTS)  # two builds at once, a full disk
    assert len(FAULTS) + others >= 30


def test_two_builds_at_once_are_one_build(settings: Settings) -> None:
    with build_lock(settings), pytest.raises(BuildInProgress):
        build(settings)
    check_nothing_changed_for_readers(settings)


def test_a_full_disk_publishes_nothing(settings: Settings) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, hard))
    try:
        with pytest.raises(BuildFailed) as refused:
            build(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "disk" in refused.value.reason
    check_nothing_changed_for_readers(settings)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project, to break."""
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "dbt_project", copy / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(ROOT / "dbt_project.yml", copy)
    monkeypatch.setattr(dbt, "PROJECT_DIR", copy)
    return copy


MODEL_FAULTS = {
    "a model that cannot be computed": (
        edit_model("dbt_project/models/marts/core/fct_prompts.sql", lambda sql: sql + "\nwhere no_such_column"),
        "fct_prompts",
    ),
    "a broken contract": (
        edit_model(
            "dbt_project/models/marts/core/fct_prompts.yml",
            lambda text: text.replace(
                "- name: rule_version\n        data_type: bigint", "- name: rule_version\n        data_type: date"
            ),
        ),
        "fct_prompts",
    ),
    "a mart that loses a fifth of its rows": (
        edit_model(
            "dbt_project/models/marts/core/fct_agent_actions.sql",
            lambda sql: sql + "\nwhere hash(action_id) % 5 <> 0",
        ),
        "fct_agent_actions|every_fact_arrived",
    ),
}


@pytest.mark.release
@pytest.mark.parametrize("name", MODEL_FAULTS)
def test_a_fault_of_the_models_is_caught_before_publish(settings: Settings, project: Path, name: str) -> None:
    edit, caught = MODEL_FAULTS[name]
    edit(project)
    with pytest.raises(BuildFailed, match=caught):
        build(settings, full_refresh=True)
    check_nothing_changed_for_readers(settings)


def test_a_quiet_night_publishes_the_same_facts_with_a_newer_instant_and_restates_nothing(
    settings: Settings,
) -> None:
    export_kpis(settings, formats=["csv"])
    query = "select sum(hash(t)) as hash from marts.fct_orders as t"
    with open_current(settings) as warehouse:
        before, orders_before = warehouse.as_of, warehouse.query(query)
    build(settings)
    with open_current(settings) as warehouse:
        assert warehouse.as_of > before
        assert warehouse.query(query) == orders_before
        assert warehouse.manifest["base_version"] == "v00000001"
        assert not warehouse.manifest["is_full_refresh"]
    exported = export_kpis(settings, formats=["pdf", "csv"])
    assert len((exported / "restated_since_last_export.csv").read_text().splitlines()) == 1
    pages = PdfReader(exported / "kpi-export.pdf").pages
    assert len(pages) == 2
    said = " ".join(pages[1].extract_text().split())
    assert "No figure was restated since the last export (version v00000001)" in said
