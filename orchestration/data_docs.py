"""dbt's documentation of the warehouse as files that a strict page may load: no script inside the page, no one else asked."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from orchestration.dbt import manifest_path
from orchestration.duck import open_file
from store.settings import Settings

SCRIPT = "app.js"
MADE_FROM = "made-from"
"""Names the manifest, and so the state of the project, that the files tell of: the same one is not told anew."""
_OURS = ("dbt_version", "generated_at", "adapter_type", "project_name", "dbt_schema_version")
"""What is told of where the documentation was made: nothing of the machine, and no id for dbt's statistics."""


def write_data_docs(settings: Settings, warehouse: Path) -> Path:
    """Page, script, manifest and catalog in `settings.data_docs_dir`, of the project as it is; `warehouse` is the file just built."""
    directory = settings.data_docs_dir
    source = manifest_path(settings)
    if (directory / MADE_FROM).is_file() and (directory / MADE_FROM).read_text(encoding="utf-8") == source.name:
        return directory
    manifest = json.loads(source.read_text(encoding="utf-8"))
    metadata = {name: manifest["metadata"][name] for name in _OURS}
    # The page sends statistics unless this is said; its policy would not let it either.
    manifest["metadata"] = metadata | {"send_anonymous_usage_stats": False}
    for node in manifest["nodes"].values():
        node.pop("root_path", None)
    page, script = split_page(resources.files("dbt.task.docs").joinpath("index.html").read_text(encoding="utf-8"))
    files = {
        SCRIPT: script,
        "manifest.json": json.dumps(manifest, separators=(",", ":")),
        "catalog.json": json.dumps(catalog(manifest, column_types(warehouse)), separators=(",", ":")),
        "index.html": page,
        MADE_FROM: source.name,
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        draft = directory / f".{name}.draft"
        draft.write_text(text, encoding="utf-8")
        draft.replace(directory / name)
    return directory


def split_page(page: str) -> tuple[str, str]:
    """dbt's page and its one script apart; Angular is told that it may not make code from text."""
    head, _, rest = page.partition('<script defer="defer">')
    script, end, body = rest.rpartition("</script></head>")
    if not end:
        raise ValueError("dbt's documentation page is not made as it was: see split_page")
    head = re.sub(r'<link rel="(shortcut icon|canonical)"[^>]*>', "", head).replace(
        "<html ", '<html ng-csp="no-unsafe-eval" ', 1
    )
    head += f'<link rel="icon" href="data:,"/><script defer src="{SCRIPT}"></script></head>'
    # Else the browser asks for the address before Angular has filled it in.
    return head + body, script.replace('xlink:href="{{', 'ng-attr-href="{{')


def column_types(warehouse: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Schema and table → column → type, as the file has them."""
    with open_file(warehouse, read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal "
            "order by schema_name, table_name, column_index"
        ).fetchall()
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, data_type in rows:
        found.setdefault((schema, table), {})[column] = data_type
    return found


def catalog(manifest: dict[str, Any], types: dict[tuple[str, str], dict[str, str]]) -> dict[str, Any]:
    """dbt's catalog.json, from the file at hand instead of another call of dbt."""

    def entries(nodes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        described = {}
        for unique_id, node in nodes.items():
            table = node.get("identifier") or node.get("alias") or node["name"]
            columns = types.get((node.get("schema") or "", table))
            if columns is None:
                continue
            described[unique_id] = {
                "unique_id": unique_id,
                "metadata": {
                    "type": node.get("config", {}).get("materialized", "table"),
                    "database": None,
                    "schema": node["schema"],
                    "name": table,
                    "comment": None,
                    "owner": None,
                },
                "columns": {
                    name: {"type": data_type, "index": index, "name": name, "comment": None}
                    for index, (name, data_type) in enumerate(columns.items(), start=1)
                },
                "stats": {},
            }
        return described

    return {
        "metadata": manifest["metadata"],
        "nodes": entries(manifest["nodes"]),
        "sources": entries(manifest["sources"]),
        "errors": None,
    }
