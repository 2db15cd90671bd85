"""The rules of the dbt project that neither dbt nor the linter holds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from store.settings import ROOT

MODELS = ROOT / "dbt_project" / "models"
CLOCKS = re.compile(
    r"\b(current_timestamp|current_date|current_time|localtimestamp|now\(|today\(|get_current_time)", re.IGNORECASE
)

# dbt takes a misspelt key on DuckDB without a word, and with it goes the test or the contract it should have been.
DATA_TEST_KEYS = {"arguments", "config", "name", "description"}
CONFIG_KEYS = {"group", "meta", "tags", "severity", "where", "error_if", "warn_if", "materialized", "column_types"}
COLUMN_KEYS = {"name", "description", "data_type", "data_tests", "config", "quote"}
MODEL_KEYS = {"name", "description", "config", "columns", "data_tests"}
UNIT_TEST_KEYS = {"name", "model", "description", "given", "expect", "overrides", "config"}
FILE_KEYS = {"version", "models", "unit_tests", "sources", "groups", "exposures", "seeds"}


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


@pytest.fixture(scope="module")
def tests_by_model(manifest: dict[str, Any]) -> dict[str, set[str]]:
    """Names of the generic tests attached to each model."""
    found: dict[str, set[str]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("test_metadata"):
            found.setdefault(node["attached_node"], set()).add(node["test_metadata"]["name"])
    return found


def test_every_model_has_a_twin_that_describes_it(models: list[dict[str, Any]]) -> None:
    lonely = []
    for model in models:
        twin = Path(model["original_file_path"]).with_suffix(".yml").as_posix()
        if not model["patch_path"] or not model["patch_path"].endswith(twin):
            lonely.append(model["name"])
    assert lonely == []


def test_every_description_begins_with_the_grain(models: list[dict[str, Any]]) -> None:
    assert [
        model["name"] for model in models if not model["description"].startswith(("One row per ", "One row:"))
    ] == []


def test_every_table_is_tested_for_its_grain(models: list[dict[str, Any]], tests_by_model: dict[str, set[str]]) -> None:
    """A view in between is computed anew by each test: the table it ends in is tested instead."""
    untested = [
        model["name"]
        for model in models
        if model["config"]["materialized"] != "view" or model["schema"] == "staging"
        if not tests_by_model.get(model["unique_id"], set()) & {"unique_combination", "unique", "one_row"}
    ]
    assert untested == []


def test_every_mart_has_an_enforced_contract_and_describes_each_column(models: list[dict[str, Any]]) -> None:
    marts = [model for model in models if model["schema"] == "marts"]
    assert len(marts) >= 20
    assert [mart["name"] for mart in marts if not mart["contract"]["enforced"]] == []
    undescribed = [
        f"{mart['name']}.{column['name']}"
        for mart in marts
        for column in mart["columns"].values()
        if not column["description"].strip() or not column["data_type"]
    ]
    assert undescribed == []


def test_marts_have_no_keys_or_indexes(models: list[dict[str, Any]]) -> None:
    """DuckDB up to 1.5 loses index entries when it is killed."""
    assert [model["name"] for model in models if model["constraints"] or model["config"].get("indexes")] == []


def test_every_model_has_a_group_with_an_owner(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    groups = {group["name"] for group in manifest["groups"].values()}
    assert [model["name"] for model in models if model["config"]["group"] not in groups] == []


def test_no_sql_reads_a_clock() -> None:
    paths = [path for path in (ROOT / "dbt_project").rglob("*.sql") if "target" not in path.parts]
    assert len(paths) > 50
    assert [path.name for path in paths if CLOCKS.search(_without_comments(path.read_text("utf-8")))] == []


def test_incremental_models_do_not_know_the_instant_of_the_build(
    manifest: dict[str, Any], models: list[dict[str, Any]]
) -> None:
    """Their rows of other users are older: what depends on `as_of` would differ from a full refresh."""
    assert [
        model["name"]
        for model in models
        if model["config"]["materialized"] == "incremental" and "as_of" in model["raw_code"]
    ] == []


def test_computing_models_are_unit_tested(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    tested = {node["model"] for node in manifest["unit_tests"].values()}
    computing = [
        model["name"]
        for model in models
        if model["path"].startswith("intermediate/") and model["name"] not in NOT_UNIT_TESTED
    ]
    assert [name for name in computing if name not in tested] == []


NOT_UNIT_TESTED = {
    # What changed since the last build: tests/warehouse/test_incremental_equals_full.py.
    "int_users__counted",
    "int_users__due",
    "int_users__built",
    # A list of its inputs.
    "int_kpis__unioned",
}


def test_names_follow_their_layer(models: list[dict[str, Any]]) -> None:
    shapes = {
        "staging": re.compile(r"stg_(ops|files|warehouse)__[a-z_]+"),
        "intermediate": re.compile(r"int_[a-z]+__[a-z0-9_]+"),
        "marts": re.compile(r"(fct|dim)_[a-z_]+|analytics_daily|restatements|published_versions|data_as_of"),
    }
    assert [model["name"] for model in models if not shapes[model["schema"]].fullmatch(model["name"])] == []


def test_yaml_keys_are_spelt_as_dbt_knows_them() -> None:
    paths = sorted(MODELS.rglob("*.yml"))
    assert len(paths) > 50
    assert [problem for path in paths for problem in _unknown_keys(path)] == []


def _unknown_keys(path: Path) -> Iterator[str]:
    document = yaml.safe_load(path.read_text("utf-8"))

    def unknown(found: Any, known: set[str], place: str) -> Iterator[str]:
        yield from (f"{path.name}: {place}: {key}" for key in sorted(set(found) - known))

    yield from unknown(document, FILE_KEYS, "file")
    for model in document.get("models", []):
        name = model["name"]
        yield from unknown(model, MODEL_KEYS, name)
        for tested in (model, *model.get("columns", [])):
            yield from unknown(tested.get("config", {}), CONFIG_KEYS, f"{name} config")
            for test in tested.get("data_tests", []):
                if isinstance(test, dict):
                    for test_name, body in test.items():
                        yield from unknown(body or {}, DATA_TEST_KEYS, f"{name} {test_name}")
        for column in model.get("columns", []):
            yield from unknown(column, COLUMN_KEYS, f"{name}.{column['name']}")
    for test in document.get("unit_tests", []):
        yield from unknown(test, UNIT_TEST_KEYS, test["name"])


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|\{#.*?#\}", "", sql, flags=re.DOTALL)
