"""The KPI export: complete, without a person in it, and the same bytes when made again."""

import csv
import json
from datetime import date
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from orchestration.exports import NothingToExport, export_kpis, exported_dates
from orchestration.versions import pins
from tests.cities import City


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_the_same_version_gives_the_same_bytes(first_city: City, tmp_path: Path) -> None:
    first = contents(export_kpis(first_city.settings, output=tmp_path / "first"))
    again = contents(export_kpis(first_city.settings, output=tmp_path / "again"))
    assert first == again
    assert {name.rpartition(".")[2] for name in first} == {"csv", "parquet", "json"}


def test_the_manifest_names_version_definitions_and_hashes(first_city: City, tmp_path: Path) -> None:
    directory = export_kpis(first_city.settings, output=tmp_path / "export")
    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["is_demo"] is True
    assert manifest["definition_versions"]["self_serve_conversion_rate"] == 1
    assert set(manifest["files"]) == set(contents(directory)) - {"manifest.json"}
    for name, entry in manifest["files"].items():
        assert sha256((directory / name).read_bytes()).hexdigest() == entry["sha256"]
    assert manifest["version"] in [path.name for path in first_city.settings.published_dir.iterdir()]
    reasons = pins(first_city.settings.published_dir / manifest["version"])
    assert any(reason.startswith("export-") for reason in reasons)


def test_csv_and_parquet_hold_the_same_rows(first_city: City, tmp_path: Path) -> None:
    directory = export_kpis(first_city.settings, output=tmp_path / "export")
    with (directory / "kpis_weekly.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    stored = duckdb.sql(f"select metric, segment, value from '{directory / 'kpis_weekly.parquet'}'").fetchall()
    assert [(row["metric"], row["segment"]) for row in written] == [row[:2] for row in stored]
    assert [float(row["value"]) if row["value"] else None for row in written] == [row[2] for row in stored]


def test_dates_and_formats_narrow_the_export(first_city: City, tmp_path: Path) -> None:
    day = date.fromisoformat(first_city.truth.until_at[:10])
    directory = export_kpis(first_city.settings, start=day, end=day, formats=["csv"], output=tmp_path / "day")
    assert not list(directory.glob("*.parquet"))
    with (directory / "kpis_daily.csv").open(newline="") as file:
        assert {row["date"] for row in csv.DictReader(file)} == {day.isoformat()}


def test_nothing_to_export_is_said(first_city: City, tmp_path: Path) -> None:
    with pytest.raises(NothingToExport, match="xml"):
        export_kpis(first_city.settings, formats=["xml"], output=tmp_path / "no")
    with pytest.raises(NothingToExport, match="between these dates"):
        export_kpis(first_city.settings, start=date(2030, 1, 2), end=date(2030, 1, 1), output=tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_no_person_is_in_an_export(first_city: City, tmp_path: Path) -> None:
    written = b"".join(contents(export_kpis(first_city.settings, formats=["csv"], output=tmp_path / "export")).values())
    assert b"demo-user" not in written
    assert b"+91" not in written


def test_what_was_exported_is_remembered_for_restatements(first_city: City, tmp_path: Path) -> None:
    first, last = date(2026, 9, 1), date(2099, 12, 31)
    export_kpis(first_city.settings, start=first, end=last, formats=["csv"], output=tmp_path / "export")
    assert (first, last) in exported_dates(first_city.settings)
