"""What an export says of the one before it, between two published versions."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from pypdf import PdfReader

from orchestration.exports.figures import Scope, figures
from orchestration.exports.told import Told
from orchestration.exports.verify import NotVerifiable, Verdict, verify
from orchestration.exports.writing import write_export
from orchestration.versions import pins, prune, unpin, versions_in
from store.clock import IST
from store.display import figures_apart
from store.published import Published
from store.settings import Settings
from tests.warehouse.kpi_facts import date_of_period
from tests.warehouse.retelling import Retold

LISTED = "select metric, period, date, segment, old_value, new_value from '{}/restated_since_last_export.parquet'"


def told_otherwise(retold: Retold) -> list[tuple[Any, ...]]:
    """Figures of periods that had ended at the first export and are different in the second, by their tables alone."""
    day = _data_day(retold.first)
    found: list[tuple[Any, ...]] = []
    for name, period, end in (
        ("daily", "DAY", "date"),
        ("weekly", "WEEK", "date + 6"),
        ("monthly", "MONTH", "last_day(date)"),
    ):
        before, after = (f"'{place}/kpis_{name}.parquet'" for place in (retold.first, retold.second))
        found += duckdb.sql(
            f"""
            select metric, '{period}' as period, date, segment, a.value, b.value
            from {before} as a left join {after} as b using (metric, date, segment)
            where {end} < date '{day}'
              and (a.value, a.numerator, a.denominator) is distinct from (b.value, b.numerator, b.denominator)
            """
        ).fetchall()
    return found


def _data_day(export: Path) -> date:
    manifest = json.loads((export / "manifest.json").read_text())
    return datetime.fromisoformat(manifest["data_as_of"]).astimezone(IST).date()


def test_the_next_export_lists_each_figure_that_it_tells_otherwise_and_no_other(retold: Retold) -> None:
    listed = duckdb.sql(LISTED.format(retold.second)).fetchall()
    assert len(listed) > 50
    assert sorted(listed, key=repr) == sorted(told_otherwise(retold), key=repr)
    assert duckdb.sql(LISTED.format(retold.first)).fetchall() == []
    ledger = "select metric, period, date, segment, old_value, new_value from '{}/restatements.parquet'"
    assert set(duckdb.sql(ledger.format(retold.second)).fetchall()) == set(listed), "there was one version to compare"


def test_the_cause_is_listed_for_day_week_and_month(retold: Retold) -> None:
    rows = duckdb.sql(
        f"select period, date, causes from '{retold.second}/restated_since_last_export.parquet' "
        "where metric = 'self_serve_conversion_rate' and segment = 'ALL'"
    ).fetchall()
    causes = {(period, first): cause for period, first, cause in rows}
    assert causes["DAY", retold.late_date] == "LATE_FACT"
    assert causes["WEEK", date_of_period(retold.late_date, "WEEK")] == "LATE_FACT"
    for period in ("DAY", "WEEK"):
        assert causes[period, date_of_period(retold.cancelled_date, period)] == "CANCELLATION"


def test_workbook_and_csv_list_the_same(retold: Retold) -> None:
    book = openpyxl.load_workbook(retold.second / "kpi-export.xlsx")
    sheet = book["Restated since last export"]
    rows: list[Any] = list(sheet.iter_rows(values_only=True))
    head, *lines = rows
    assert head[:6] == ("KPI", "Period", "From", "Segment", "Was", "Is")
    with (retold.second / "restated_since_last_export.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert len(lines) == len(written) == len(told_otherwise(retold))
    shares = {
        (line[1], line[2].date().isoformat(), line[3]): line[4:6]
        for line in lines
        if line[0] == "Self-serve conversion"
    }
    expected = {
        (row["period"], row["date"], row["segment"]): (float(row["old_value"]), float(row["new_value"]))
        for row in written
        if row["metric"] == "self_serve_conversion_rate"
    }
    assert shares == {key: pytest.approx(values) for key, values in expected.items()}


def test_the_two_pages_say_how_many_and_show_the_longest_periods(retold: Retold) -> None:
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(retold.second / "kpi-export.pdf").pages]
    assert len(pages) == 2
    changed = told_otherwise(retold)
    version = json.loads((retold.first / "manifest.json").read_text())["version"]
    assert f"{len(changed)} figures restated since the last export (version {version})" in pages[1]
    shares = [row for row in changed if row[0] == "self_serve_conversion_rate" and row[3] == "ALL"]
    *_, was, is_now = max(shares, key=lambda row: (["DAY", "WEEK", "MONTH"].index(row[1]), row[2]))
    written = figures_apart(was, is_now, "RATE")
    assert written[0] != written[1]
    assert " ".join(written) in pages[1]


def test_both_exports_are_still_what_their_versions_give(retold: Retold) -> None:
    versions = versions_in(retold.settings.published_dir)
    for export, version in zip((retold.first, retold.second), versions, strict=True):
        found = verify(retold.settings, export)
        assert (found.verdict, found.version, found.differences) == (Verdict.SAME_BYTES, version, [])


def test_an_exported_version_stays_until_it_is_unpinned_and_then_verify_says_that_it_is_gone(
    retold: Retold, tmp_path: Path
) -> None:
    settings = Settings.at(tmp_path)
    shutil.copytree(retold.settings.published_dir, settings.published_dir, copy_function=os.link)
    first, second = versions_in(settings.published_dir)
    for number in range(3, 7):
        (settings.published_dir / f"v{number:08}").mkdir()
    prune(settings)
    assert versions_in(settings.published_dir)[:2] == [first, second]
    assert prune(settings) == []
    for reason in pins(settings.published_dir / first):
        unpin(settings, first, reason)
    assert prune(settings) == [first]
    with pytest.raises(
        NotVerifiable, match=f"{first} is not here: only the last three and pinned ones are kept"
    ) as told:
        verify(settings, retold.first)
    assert str(settings.published_dir / first) in told.value.remedy


@contextmanager
def with_ledger(retold: Retold, place: Path, rows: list[tuple[Any, ...]], segment: str = "ALL") -> Iterator[Published]:
    """The second version with other restatements: version, date and both values of one weekly figure each, of any segment."""
    newest = versions_in(retold.settings.published_dir)[-1]
    directory = shutil.copytree(retold.settings.published_dir / newest, place / newest)
    with duckdb.connect(directory / "warehouse.duckdb") as connection:
        connection.execute("delete from marts.restatements")
        connection.executemany(
            "insert into marts.restatements by name select now()::timestamp as restated_at, ? as version, "
            "'contact_rate' as metric, 'WEEK' as period, ?::date as date, ? as segment, ?::double as old_value, "
            "?::double as new_value, 'LATE_FACT' as cause",
            [(version, first, segment, was, is_now) for version, first, was, is_now in rows],
        )
    with closing(Published(directory)) as warehouse:
        yield warehouse


@pytest.fixture
def restated(retold: Retold, tmp_path: Path) -> Callable[..., list[tuple[Any, ...]]]:
    def list_(rows: list[tuple[Any, ...]], *before: Told) -> list[tuple[Any, ...]]:
        scope = Scope(date(2026, 1, 1), date(2026, 12, 31), ("csv",), before)
        with with_ledger(retold, tmp_path, rows) as warehouse, figures(warehouse, scope) as tables:
            found = tables.rows("from export_restated_since_last_export")
        return [(row["told_in_version"], row["date"], row["old_value"], row["new_value"]) for row in found]

    return list_


MONDAY = date(2026, 6, 1)
YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def test_a_figure_that_changed_twice_is_listed_once_and_one_that_came_back_not_at_all(
    restated: Callable[..., list[tuple[Any, ...]]],
) -> None:
    back, twice, counts, gone = (MONDAY + timedelta(weeks=number) for number in range(4))
    rows = [
        ("v00000001", twice, 0.0, 0.1),
        ("v00000003", back, 0.1, 0.2),
        ("v00000004", back, 0.2, 0.1),
        ("v00000003", twice, 0.1, 0.2),
        ("v00000005", twice, 0.2, 0.3),
        ("v00000002", counts, 0.4, 0.5),
        ("v00000003", counts, 0.5, 0.5),
        ("v00000004", gone, 0.5, None),
    ]
    assert restated(rows, Told("v00000002", *YEAR, date(2026, 12, 1))) == [
        ("v00000002", twice, 0.1, 0.3),
        ("v00000002", counts, 0.5, 0.5),
        ("v00000002", gone, 0.5, None),
    ]


def test_each_figure_is_compared_with_the_last_export_that_told_it_as_a_whole(
    restated: Callable[..., list[tuple[Any, ...]]],
) -> None:
    later, untold = MONDAY + timedelta(weeks=10), MONDAY + timedelta(weeks=12)
    everything = Told("v00000002", *YEAR, later + timedelta(weeks=1))
    later_only = Told("v00000004", later, later, later + timedelta(weeks=8))
    under_way = Told("v00000005", untold, untold, untold + timedelta(days=6))
    rows = [
        ("v00000003", MONDAY, 0.1, 0.2),
        ("v00000003", later, 0.1, 0.2),
        ("v00000006", later, 0.2, 0.3),
        ("v00000006", untold, 0.2, 0.3),
    ]
    assert restated(rows, everything, later_only, under_way) == [
        ("v00000002", MONDAY, 0.1, 0.2),
        ("v00000004", later, 0.2, 0.3),
    ]


def test_a_segment_that_would_be_a_formula_is_text(retold: Retold, tmp_path: Path) -> None:
    hostile = '=HYPERLINK("https://example.org","<b>")'
    everything = Told("v00000002", *YEAR, date(2026, 12, 1))
    scope = Scope(*YEAR, ("xlsx", "csv", "pdf"), (everything,))
    with with_ledger(retold, tmp_path, [("v00000003", MONDAY, 0.1, 0.2)], hostile) as warehouse:
        write_export(warehouse, tmp_path / "export", scope)
    book = openpyxl.load_workbook(tmp_path / "export" / "kpi-export.xlsx")
    for title in ("Restated since last export", "Restatements"):
        cell = book[title]["D2"]
        assert (cell.value, cell.data_type) == (hostile, "s")
    with (tmp_path / "export" / "restated_since_last_export.csv").open(newline="") as file:
        assert [row["segment"] for row in csv.DictReader(file)] == [f"'{hostile}"]
    assert "<b>" in PdfReader(tmp_path / "export" / "kpi-export.pdf").pages[1].extract_text()
