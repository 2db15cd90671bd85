"""The files of an export; they depend on the version, the scope and the code alone."""

import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import Any

from orchestration.code import code_hash
from orchestration.exports.figures import Figures, Scope, figures
from orchestration.exports.summary import summary_of
from orchestration.exports.workbook import workbook_of
from orchestration.paper import made_with, pdf_of
from store.published import Published

MANIFEST = "manifest.json"
NAME = "kpi-export"
CODE = (
    "orchestration/exports/*.py",
    "orchestration/exports/templates/*",
    "orchestration/paper.py",
    "orchestration/reports/findings.py",
    "store/charts.py",
    "store/display.py",
    "store/spreadsheet.py",
)
"""What decides how the figures of a version become bytes."""


def write_export(warehouse: Published, directory: Path, scope: Scope, *, threads: int = 1) -> None:
    """Write the files of this version and their manifest into `directory`, which is replaced as a whole."""
    draft = directory.with_name(f".{directory.name}.draft")
    rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    with figures(warehouse, scope, threads=threads) as tables:
        for kind in scope.formats:
            _write(kind, draft, warehouse, tables)
        written = manifest(warehouse, scope, tables, draft)
    (draft / MANIFEST).write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    rmtree(directory, ignore_errors=True)
    draft.rename(directory)


def exporter(formats: tuple[str, ...]) -> dict[str, Any]:
    """What makes the bytes: a hash of the code, the packages, and for PDF what renders text on this machine."""
    packages = {name: version(name) for name in ("duckdb", "xlsxwriter", "babel", "jinja2")}
    return {
        "code_sha256": code_hash(patterns=CODE),
        "packages": packages,
        "paper": made_with() if "pdf" in formats else None,
    }


def manifest(warehouse: Published, scope: Scope, tables: Figures, directory: Path) -> dict[str, Any]:
    """What the export was made from and by, and a hash of each file."""
    rows = tables.rows("select metric, definition_version from export_definitions order by metric")
    return {
        "version": warehouse.version,
        "data_as_of": warehouse.as_of.isoformat().replace("+00:00", "Z"),
        "schema_version": warehouse.schema_version,
        "warehouse_sha256": warehouse.manifest["file"]["sha256"],
        "is_demo": warehouse.is_demo,
        "from": scope.first.isoformat(),
        "to": scope.last.isoformat(),
        "formats": list(scope.formats),
        "restatements_since": scope.since_version,
        "exports_before": [
            {
                "version": each.version,
                "from": each.first.isoformat(),
                "to": each.last.isoformat(),
                "data_to": each.day.isoformat(),
            }
            for each in scope.before
        ],
        "definition_versions": {str(row["metric"]): row["definition_version"] for row in rows},
        "exporter": exporter(scope.formats),
        "tables": {
            name: {"row_count": table.row_count, "values_sha256": table.sha256} for name, table in tables.tables.items()
        },
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}
            for path in sorted(directory.iterdir())
        },
    }


def _write(kind: str, directory: Path, warehouse: Published, tables: Figures) -> None:
    match kind:
        case "pdf":
            (directory / f"{NAME}.pdf").write_bytes(pdf_of(summary_of(warehouse, tables), warehouse.as_of))
        case "xlsx":
            (directory / f"{NAME}.xlsx").write_bytes(workbook_of(warehouse, tables))
        case _:
            for name in tables.tables:
                tables.copy(name, kind, directory / f"{name}.{kind}")
