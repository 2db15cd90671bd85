"""The KPI exports that were made, as their manifests tell."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api.dashboard.folders import told_folders

MANIFEST = "manifest.json"
MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Export:
    name: str
    """Its directory's."""
    start_date: date
    end_date: date
    data_as_of: datetime
    version: str
    is_demo: bool
    files: list[ExportedFile]


def made_exports(directory: Path) -> list[Export]:
    """The exports of a directory, newest data first. What cannot be read is left out."""
    found = told_folders(directory, MANIFEST, _export)
    return sorted(found, key=lambda export: (export.data_as_of, export.name), reverse=True)


def _export(folder: Path, told: dict[str, Any]) -> Export:
    return Export(
        name=folder.name,
        start_date=date.fromisoformat(told["from"]),
        end_date=date.fromisoformat(told["to"]),
        data_as_of=datetime.fromisoformat(told["data_as_of"]),
        version=told["version"],
        is_demo=told["is_demo"],
        files=sorted((ExportedFile(path.name, path.stat().st_size) for path in _files(folder)), key=_order),
    )


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.suffix in MEDIA_TYPES]


def _order(file: ExportedFile) -> tuple[int, str]:
    """What people read first: the summary, the workbook, then the data."""
    kinds = [".pdf", ".xlsx", ".csv", ".parquet", ".json"]
    return kinds.index(Path(file.name).suffix), file.name
