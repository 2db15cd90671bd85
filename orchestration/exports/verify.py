"""Whether an export is what its version says: made anew, and compared byte by byte, or value by value."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from orchestration.duck import literal, quoted
from orchestration.exports.figures import TABLES, Scope
from orchestration.exports.told import Told
from orchestration.exports.writing import MANIFEST, exporter, write_export
from orchestration.publish import sha256_of
from store import published
from store.published.versions import FILE_NAME
from store.settings import Settings

NEEDED = {"version", "warehouse_sha256", "from", "to", "formats", "restatements_since", "exporter", "tables", "files"}


class Verdict(StrEnum):
    SAME_BYTES = "SAME_BYTES"
    SAME_VALUES = "SAME_VALUES"
    """The exporter is another one by now; the values are the same."""
    DIFFERENT = "DIFFERENT"


class NotVerifiable(Exception):
    """There is nothing to compare, or nothing to compare with; `remedy` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Verification:
    """`differences` name files and tables; `changes` say what of the exporter is not as it was."""

    verdict: Verdict
    version: str
    differences: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


def verify(settings: Settings, directory: Path) -> Verification:
    """Make the export in `directory` anew from the version it names, and compare.

    First the files must be those that the manifest lists. If the exporter has changed since, values count, not bytes.
    Raises `NotVerifiable` when there is no manifest or the version is not kept.
    """
    manifest = _manifest(directory)
    version = manifest["version"]
    if touched := list(_touched(directory, manifest)):
        return Verification(Verdict.DIFFERENT, version, touched)
    formats = tuple(manifest["formats"])
    scope = Scope(
        date.fromisoformat(manifest["from"]),
        date.fromisoformat(manifest["to"]),
        formats,
        tuple(
            Told(each["version"], *map(date.fromisoformat, (each["from"], each["to"], each["data_to"])))
            for each in manifest.get("exports_before", [])
        ),
    )
    file = settings.published_dir / version / FILE_NAME
    try:
        warehouse = published.open_version(settings, version)
    except published.NoPublishedWarehouse as error:
        remedy = f"verify it where it was exported, or copy {file.parent} from there; it stays until it is unpinned"
        raise NotVerifiable(str(error), remedy) from error
    except published.WarehouseOutOfDate as error:
        raise NotVerifiable(str(error), "verify it with the release that exported it") from error
    with closing(warehouse), tempfile.TemporaryDirectory() as place:
        if sha256_of(file) != manifest["warehouse_sha256"]:
            return Verification(Verdict.DIFFERENT, version, [f"{version} is not the warehouse that was exported"])
        again = Path(place) / "export"
        write_export(warehouse, again, scope)
        changes = list(_changes(manifest["exporter"], exporter(formats)))
        if not changes:
            differences = list(_unlike_bytes(directory, again))
            return Verification(Verdict.DIFFERENT if differences else Verdict.SAME_BYTES, version, differences)
        differences = list(_unlike_values(directory, again, manifest))
        verdict = Verdict.DIFFERENT if differences else Verdict.SAME_VALUES
        return Verification(verdict, version, differences, changes)


def _manifest(directory: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        if manifest.keys() >= NEEDED:
            return manifest
    except (OSError, ValueError, AttributeError):
        pass
    remedy = "name a directory that ./supportled export kpis wrote"
    raise NotVerifiable(f"{directory / MANIFEST} is no manifest of an export", remedy)


def _touched(directory: Path, manifest: dict[str, Any]) -> Iterator[str]:
    listed = manifest["files"]
    for name in sorted(listed):
        path = directory / Path(name).name
        if not path.is_file():
            yield f"{name} is missing"
        elif sha256(path.read_bytes()).hexdigest() != listed[name]["sha256"]:
            yield f"{name} was changed after it was written"
    yield from (
        f"{name} was added" for name in sorted({path.name for path in directory.iterdir()} - {*listed, MANIFEST})
    )


def _changes(then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    if then["code_sha256"] != now["code_sha256"]:
        yield "the code of the exporter"
    for group in ("packages", "paper"):
        before, after = then.get(group) or {}, now[group] or {}
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield f"{name}: {before.get(name)} then, {after.get(name)} now"


def _unlike_bytes(left: Path, right: Path) -> Iterator[str]:
    for name in sorted({path.name for place in (left, right) for path in place.iterdir()}):
        files = [place / name for place in (left, right)]
        if not all(path.is_file() for path in files):
            yield f"{name} is in one of them only"
        elif files[0].read_bytes() != files[1].read_bytes():
            yield f"{name} has other bytes than the version gives"


def _unlike_values(directory: Path, again: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """By the rows of CSV and Parquet where there are any, over the columns that both have; else by the tables' hashes."""
    formats = [kind for kind in ("parquet", "csv") if kind in manifest["formats"]]
    if not formats:
        tables = json.loads((again / MANIFEST).read_text(encoding="utf-8"))["tables"]
        yield from (
            f"{name} has other values"
            for name in sorted(manifest["tables"])
            if manifest["tables"][name] != tables.get(name)
        )
        return
    with duckdb.connect() as connection:
        for kind in formats:
            for name in (name for name in TABLES if f"{name}.{kind}" in manifest["files"]):
                old, new = (_read(place / f"{name}.{kind}", kind) for place in (directory, again))
                shared = [column for column in _names(connection, old) if column in _names(connection, new)]
                columns = ", ".join(quoted(column) for column in shared)
                rows = [f"(select {columns} from {each})" for each in (old, new)]
                row = connection.execute(
                    f"select (select count(*) from ({rows[0]} except all {rows[1]})) + "
                    f"(select count(*) from ({rows[1]} except all {rows[0]}))"
                ).fetchone()
                if not shared or row is None or row[0]:
                    yield f"{name}.{kind} has other values: {row[0] if row else 'all'} rows"


def _read(path: Path, kind: str) -> str:
    return (
        f"read_csv({literal(path)}, header = true, all_varchar = true)"
        if kind == "csv"
        else f"read_parquet({literal(path)})"
    )


def _names(connection: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe select * from {source}").fetchall()]
