"""Lists of words in SQL and YAML are those of store/enums.py."""

from typing import Any

import yaml

from store import enums
from store.settings import ROOT

STANDS_FOR_NULL = {"UNKNOWN", "NONE"}


def test_accepted_values_are_the_enum_that_the_column_names(manifest: dict[str, Any]) -> None:
    wrong = []
    tested = 0
    for node in manifest["nodes"].values():
        if not _accepts_values(node):
            continue
        model = manifest["nodes"][node["attached_node"]]
        enum = model["columns"][node["column_name"]]["config"].get("meta", {}).get("enum")
        if enum is None:
            continue
        tested += 1
        words = {word.value for word in getattr(enums, enum)}
        accepted = set(node["test_metadata"]["kwargs"]["values"])
        if accepted - STANDS_FOR_NULL != words:
            wrong.append(f"{model['name']}.{node['column_name']}: {sorted(accepted ^ words)}")
    assert tested >= 20
    assert wrong == []


def test_every_column_that_names_an_enum_is_held_to_it(manifest: dict[str, Any]) -> None:
    held = {
        (node["attached_node"], node["column_name"]) for node in manifest["nodes"].values() if _accepts_values(node)
    }
    loose = [
        f"{node['name']}.{column['name']}"
        for node in manifest["nodes"].values()
        for column in node["columns"].values()
        if column["config"].get("meta", {}).get("enum") and (node["unique_id"], column["name"]) not in held
    ]
    assert loose == []


def test_words_that_sql_needs_are_those_of_the_enums() -> None:
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text("utf-8"))["vars"]
    assert set(variables["high_value_events"]) == {event.value for event in enums.HIGH_VALUE_EVENTS}
    assert set(variables["signal_types"]) == {signal.value for signal in enums.SignalType}


def _accepts_values(node: dict[str, Any]) -> bool:
    return (node.get("test_metadata") or {}).get("name") == "accepted_values"
