"""The KPI export: complete, without a person in it, and the same bytes when made again."""

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from pypdf import PdfReader

from orchestration.exports import NothingToExport, export_kpis, told, told_before
from orchestration.exports.figures import FORMULA
from orchestration.exports.told import Told
from orchestration.exports.verify import NotVerifiable, Verdict, verify
from orchestration.locks import build_lock
from orchestration.versions import pin, pins
from store.settings import ROOT, Settings
from store.spreadsheet import harmless
from tests.cities import City

RESTATED = ("Restated since last export", "Restatements")


@pytest.fixture(scope="module")
def export(first_city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything there is, in every format."""
    return export_kpis(first_city.settings, output=tmp_path_factory.mktemp("exports") / "all")


@pytest.fixture(scope="module")
def tables(first_city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_kpis(
        first_city.settings, formats=["csv", "parquet"], output=tmp_path_factory.mktemp("exports") / "tables"
    )


@pytest.fixture
def copy(tables: Path, tmp_path: Path) -> Path:
    """An export to break."""
    return shutil.copytree(tables, tmp_path / "copy")


def rewrite(manifest: Path, **changes: object) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))


def forge(directory: Path, path: Path) -> None:
    """Write the hash of a changed file into the manifest."""
    files = json.loads((directory / "manifest.json").read_text())["files"]
    entry = {"bytes": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}
    rewrite(directory / "manifest.json", files=files | {path.name: entry})


def test_an_export_is_made_anew_byte_for_byte_anywhere(export: Path, first_city: City) -> None:
    assert {path.suffix for path in export.iterdir()} == {".pdf", ".xlsx", ".csv", ".parquet", ".json"}
    elsewhere = {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "export", "verify", export],
        env={**os.environ, **elsewhere, "SUPPORTLED_VAR": str(first_city.settings.var_dir)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "byte for byte" in done.stdout


def test_a_changed_a_missing_and_an_added_file_are_told_by_name(copy: Path, first_city: City) -> None:
    (copy / "kpis_weekly.csv").write_text("date,metric\n")
    (copy / "definitions.csv").unlink()
    (copy / "more.csv").write_text("1\n")
    found = verify(first_city.settings, copy)
    assert found.verdict is Verdict.DIFFERENT
    assert found.differences == [
        "definitions.csv is missing",
        "kpis_weekly.csv was changed after it was written",
        "more.csv was added",
    ]


def test_a_figure_that_was_forged_with_its_hash_is_found(copy: Path, first_city: City) -> None:
    path = copy / "kpis_monthly.csv"
    path.write_text(path.read_text().replace("0.9", "0.99", 1))
    forge(copy, path)
    found = verify(first_city.settings, copy)
    assert found.verdict is Verdict.DIFFERENT
    assert "kpis_monthly.csv has other bytes than the version gives" in found.differences


def test_once_the_exporter_has_changed_values_count(copy: Path, first_city: City) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["exports_before"]  # an earlier exporter did not write it
    manifest["exporter"]["code_sha256"] = "of before"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    found = verify(first_city.settings, copy)
    assert (found.verdict, found.changes) == (Verdict.SAME_VALUES, ["the code of the exporter"])
    path = copy / "kpis_monthly.parquet"
    duckdb.sql(f"copy (select * replace (value * 2 as value) from '{path}') to '{path}.new' (format parquet)")
    Path(f"{path}.new").replace(path)
    forge(copy, path)
    found = verify(first_city.settings, copy)
    assert found.verdict is Verdict.DIFFERENT
    assert [difference.partition(" has ")[0] for difference in found.differences] == ["kpis_monthly.parquet"]


def test_what_cannot_be_verified_has_a_remedy(copy: Path, first_city: City, tmp_path: Path) -> None:
    rewrite(copy / "manifest.json", version="v00009999")
    with pytest.raises(NotVerifiable, match="v00009999") as told:
        verify(first_city.settings, copy)
    assert told.value.remedy
    with pytest.raises(NotVerifiable, match="no manifest"):
        verify(first_city.settings, tmp_path)


def test_the_summary_has_two_pages_with_the_figures(export: Path) -> None:
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(export / "kpi-export.pdf").pages]
    assert len(pages) == 2
    assert "of orders needed no help in" in pages[0]
    assert "Demo city: these are no real customers" in pages[0]
    assert "This is the first export" in pages[1]
    assert "self-serve orders" in pages[1]


def test_the_workbook_has_cover_definitions_figures_and_charts(export: Path) -> None:
    book = openpyxl.load_workbook(export / "kpi-export.xlsx")
    assert book.sheetnames == ["Cover", "Charts", "Monthly", "Weekly", "Definitions", "Prompt effect", *RESTATED]
    head, *lines = book["Weekly"].iter_rows(values_only=True)
    rows: list[dict[Any, Any]] = [dict(zip(head, line, strict=True)) for line in lines]
    row = next(row for row in rows if row["KPI"] == "Self-serve conversion")
    assert row["Segment"] == "ALL"
    assert row["Value"] == pytest.approx(row["Numerator"] / row["Denominator"])
    with zipfile.ZipFile(export / "kpi-export.xlsx") as archive:
        assert len([name for name in archive.namelist() if name.startswith("xl/charts/chart")]) >= 9
    assert not [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.data_type == "f"]


def test_the_export_before_is_that_of_an_earlier_version(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path)
    for version, reason, as_of in (
        ("v00000002", "export-2026-09-01_2026-09-30", "2026-10-02T18:29:59.999999Z"),
        ("v00000005", "report-2026-W40", "2026-10-05T06:00:00.000000Z"),
        ("v00000007", "export-2026-10-01_2026-10-31", "2026-10-31T18:30:00.000000Z"),
    ):
        directory = settings.published_dir / version
        directory.mkdir(parents=True)
        (directory / "manifest.json").write_text(json.dumps({"as_of": as_of}))
        pin(settings, version, reason)
    september = Told("v00000002", date(2026, 9, 1), date(2026, 9, 30), date(2026, 10, 2))
    october = Told("v00000007", date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1))
    assert told(settings) == [september, october]
    assert told_before(settings, "v00000002") == ()
    assert told_before(settings, "v00000007") == (september,)
    assert told_before(settings, "v00000009") == (september, october)


def test_an_export_waits_for_a_build_that_does_not_know_of_it(first_city: City, tmp_path: Path) -> None:
    settings, said = first_city.settings, []
    first, last = date(2026, 9, 3), date(2099, 12, 29)

    def pins_now() -> set[tuple[date, date]]:
        return {(each.first, each.last) for each in told(settings)}

    with ExitStack() as build:
        build.enter_context(build_lock(settings))

        def end_build(line: str) -> None:
            said.append((line, (first, last) in pins_now()))
            build.close()

        export_kpis(settings, start=first, end=last, formats=["csv"], output=tmp_path / "export", progress=end_build)
    assert said == [("A build is under way; its version will be exported.", False)]
    assert (tmp_path / "export" / "manifest.json").is_file()
    assert (first, last) in pins_now()


def test_an_export_that_fails_has_told_nothing(first_city: City, tmp_path: Path) -> None:
    first, last = date(2026, 9, 2), date(2099, 12, 30)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        export_kpis(first_city.settings, start=first, end=last, formats=["csv"], output=tmp_path / "file" / "export")
    assert (first, last) not in {(each.first, each.last) for each in told(first_city.settings)}


def test_text_that_would_be_a_formula_is_harmless_in_csv() -> None:
    hostile = ["=1+1", " +1", "-1", "@x", "\tx", "plain", "a=b", "＝1", "'", ""]
    with duckdb.connect() as connection:
        connection.execute("create table texts as select unnest(?) as text", [hostile])
        query = f"select if(regexp_matches(text, {FORMULA}), chr(39) || text, text) from texts"
        assert [row[0] for row in connection.execute(query).fetchall()] == [harmless(text) for text in hostile]


def test_the_manifest_names_version_definitions_and_hashes(export: Path, first_city: City) -> None:
    manifest = json.loads((export / "manifest.json").read_text())
    assert manifest["is_demo"] is True
    assert manifest["definition_versions"]["self_serve_conversion_rate"] == 1
    assert set(manifest["files"]) == {path.name for path in export.iterdir()} - {"manifest.json"}
    for name, entry in manifest["files"].items():
        assert sha256((export / name).read_bytes()).hexdigest() == entry["sha256"]
    assert manifest["version"] in [path.name for path in first_city.settings.published_dir.iterdir()]
    reasons = pins(first_city.settings.published_dir / manifest["version"])
    assert any(reason.startswith("export-") for reason in reasons)


def test_csv_and_parquet_hold_the_same_rows(export: Path) -> None:
    with (export / "kpis_weekly.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    stored = duckdb.sql(f"select metric, segment, value from '{export / 'kpis_weekly.parquet'}'").fetchall()
    assert [(row["metric"], row["segment"]) for row in written] == [row[:2] for row in stored]
    assert [float(row["value"]) if row["value"] else None for row in written] == [row[2] for row in stored]


def test_dates_and_formats_narrow_the_export(first_city: City, tmp_path: Path) -> None:
    day = date.fromisoformat(first_city.truth.until_at[:10])
    directory = export_kpis(first_city.settings, start=day, end=day, formats=["csv"], output=tmp_path / "day")
    assert {path.suffix for path in directory.iterdir()} == {".csv", ".json"}
    with (directory / "kpis_daily.csv").open(newline="") as file:
        assert {row["date"] for row in csv.DictReader(file)} == {day.isoformat()}


def test_few_days_make_a_summary_too(first_city: City, tmp_path: Path) -> None:
    day = date.fromisoformat(first_city.truth.until_at[:10])
    directory = export_kpis(first_city.settings, start=day, end=day, formats=["pdf", "xlsx"], output=tmp_path / "day")
    text = PdfReader(directory / "kpi-export.pdf").pages[0].extract_text()
    assert "No whole week of orders yet." in text
    assert "Charts appear once there are figures of two weeks." in text


def test_nothing_to_export_is_said(first_city: City, tmp_path: Path) -> None:
    with pytest.raises(NothingToExport, match="xml"):
        export_kpis(first_city.settings, formats=["xml"], output=tmp_path / "no")
    with pytest.raises(NothingToExport, match="between these dates"):
        export_kpis(first_city.settings, start=date(2030, 1, 2), end=date(2030, 1, 1), output=tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_no_person_is_in_an_export(export: Path) -> None:
    written = b"".join(path.read_bytes() for path in export.glob("*.csv"))
    written += "".join(page.extract_text() for page in PdfReader(export / "kpi-export.pdf").pages).encode()
    with zipfile.ZipFile(export / "kpi-export.xlsx") as archive:
        written += b"".join(archive.read(name) for name in archive.namelist())
    assert b"self_serve_conversion_rate" in written
    assert b"demo-user" not in written
    assert b"+91" not in written


def test_what_was_exported_is_remembered_for_restatements(first_city: City, tmp_path: Path) -> None:
    first, last = date(2026, 9, 1), date(2099, 12, 31)
    export_kpis(first_city.settings, start=first, end=last, formats=["csv"], output=tmp_path / "export")
    assert (first, last) in {(each.first, each.last) for each in told(first_city.settings)}
