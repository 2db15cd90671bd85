"""The report of a published city, as data and as a page."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import dagster as dg
import openpyxl
import pytest
from pypdf import PdfReader

from orchestration.delivery import DELIVERIES, REPORT, report_deliveries, weekly_report
from orchestration.paper import pdf_of
from orchestration.reports import UnknownFormat, Written, write_weekly_report
from orchestration.reports.page import render_page
from orchestration.reports.workbook import workbook_of
from orchestration.versions import pins
from store import published
from store.published import Published, RepeatIssue, UnknownPeriod
from tests.cities import City


@pytest.fixture(scope="module")
def written(first_city: City) -> Written:
    return write_weekly_report(first_city.settings)


@pytest.fixture(scope="module")
def warehouse(first_city: City) -> Iterator[Published]:
    with published.open_current(first_city.settings) as warehouse:
        yield warehouse


def test_the_report_covers_the_seven_whole_days_before_the_data(warehouse: Published) -> None:
    report = published.weekly_report(warehouse)
    assert report.period.name == "last_7_days"
    assert report.period.day_count == 7
    assert report.period == published.last_7_days(report.as_of)


def test_reasons_count_every_incidence_of_the_period_once(warehouse: Published) -> None:
    report = published.weekly_report(warehouse)
    whole = next(line for line in report.cost_per_order if line.stage is None)
    every_reason = warehouse.query(
        "select sum(incidence_count) as n from marts.fct_friction_reasons where period = 'last_7_days' and is_demo"
    )[0]["n"]
    assert every_reason == whole.incidence_count > 0
    assert [reason.rank for reason in report.top_friction_reasons] == list(
        range(1, len(report.top_friction_reasons) + 1)
    )
    assert len(report.top_friction_reasons) <= 10


def test_the_lines_of_a_cost_table_add_up(warehouse: Published) -> None:
    lines = published.weekly_report(warehouse).cost_per_order
    whole = next(line for line in lines if line.stage is None)
    by_channel = [line for line in lines if line.channel is not None]
    for name in ("incidence_count", "cx_cost_paise", "discount_paise", "assisted_order_count"):
        assert sum(getattr(line, name) for line in by_channel) == getattr(whole, name)
    for line in lines:
        assert line.cx_cost_paise == line.contact_cost_paise + line.handling_cost_paise + line.discount_paise


def test_an_iso_week_can_be_asked_for(warehouse: Published, first_city: City) -> None:
    week = next(iter(first_city.truth.repeated_categories))
    report = published.weekly_report(warehouse, week=week)
    assert report.period.start_date.isocalendar()[:2] == tuple(int(part) for part in week.split("-W"))
    assert report.period.start_date.isoweekday() == 1
    with pytest.raises(UnknownPeriod, match="2026-W47"):
        published.weekly_report(warehouse, week="week 47")


def test_the_page_stands_alone_and_leads_with_the_planted_problem(written: Written) -> None:
    page = written.files["html"].read_text(encoding="utf-8")
    assert re.search(r"<h1>Payment failure cost most: ₹[\d.]+ lakh", page)
    assert "Demo city: these are no real customers" in page
    assert re.search(r"Data as of \d+ \w+ \d{4}, \d\d:\d\d IST · version v\d{8}", page)
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?https?:""", page), "nothing is fetched from elsewhere"
    assert "<script" not in page
    assert page.count('class="bar"') >= 5
    assert page.count('class="chart"') == 1


def test_the_story_tells_what_happened_what_it_cost_what_to_fix_and_what_changed(written: Written) -> None:
    story = dict(written.story)
    assert list(story) == ["What happened", "What it cost", "Fix first", "Since last week's advice"]
    assert "came in" in story["What happened"]
    assert re.search(r"carts worth ₹[\d.]+ lakh were lost", story["What it cost"])
    assert re.search(r"screen Payment\).* at risk .*Why: \d+ incidences", story["Fix first"])
    assert re.search(r"then, \d+ now", story["Since last week's advice"])


def test_last_weeks_advice_is_that_of_the_week_that_had_ended(warehouse: Published) -> None:
    report = published.weekly_report(warehouse)
    past = published.past_advice(warehouse, report.period)
    before = published.weekly_report(warehouse, week=past[0].week)
    assert before.period.end_date < report.period.start_date
    assert [(each.issue_category, each.incidence_count_then) for each in past] == [
        (each.issue_category, each.incidence_count) for each in before.recommendations[: len(past)]
    ]
    now = {(each.issue_category, each.app_screen): each.incidence_count for each in report.recommendations}
    assert [each.incidence_count for each in past] == [
        now.get((each.issue_category, each.app_screen), 0) for each in past
    ]
    first_week = published.parse_period("2020-W01", warehouse.as_of)
    assert published.past_advice(warehouse, first_week) == []


def test_the_same_version_writes_the_same_bytes(written: Written, first_city: City) -> None:
    before = {kind: path.read_bytes() for kind, path in written.files.items()}
    assert set(before) == {"html", "pdf", "xlsx"}
    again = write_weekly_report(first_city.settings)
    assert {kind: path.read_bytes() for kind, path in again.files.items()} == before


def test_the_pdf_says_what_the_page_says_on_few_pages(written: Written) -> None:
    pdf = PdfReader(written.files["pdf"])
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    assert written.headline in text
    assert 2 <= len(pdf.pages) <= 6
    assert "Evidence" not in text, "a thousand ids are for the page and the workbook"


def test_the_workbook_holds_the_tables(written: Written, warehouse: Published) -> None:
    book = openpyxl.load_workbook(written.files["xlsx"])
    assert book.sheetnames[:3] == ["Summary", "KPIs", "What to fix"]
    report = published.weekly_report(warehouse)
    rows = list(book["What to fix"].iter_rows(min_row=4, values_only=True))
    assert len(rows) == len(report.recommendations)
    assert rows[0][12] == report.recommendations[0].value_at_risk_paise / 100
    assert not [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_the_index_names_the_files(written: Written) -> None:
    entry = json.loads((written.files["html"].parent / "report.json").read_text())
    assert entry["headline"] == written.headline
    assert {(written.files["html"].parent / name).is_file() for name in entry["files"].values()} == {True}
    assert entry["start_date"] < entry["end_date"]


def test_text_from_outside_is_shown_as_text(warehouse: Published) -> None:
    report = published.weekly_report(warehouse)
    hostile = '=1+1<img src=x onerror="alert(1)">\u202e'
    past = [replace(each, issue_category=hostile) for each in published.past_advice(warehouse, report.period)]
    report = replace(
        report,
        top_friction_reasons=[replace(report.top_friction_reasons[0], issue_category=hostile)],
        recommendations=[replace(report.recommendations[0], app_screen=hostile)],
        unresolved_repeats=[RepeatIssue(hostile, 5, 2)],
    )
    page = render_page(warehouse, report, past)
    assert "<img" not in page
    assert page.count("&lt;img") >= 4
    assert "\u202e" not in page, "nothing turns the rest of a sentence round"
    text = " ".join(each.extract_text() for each in PdfReader(BytesIO(pdf_of(page, report.as_of))).pages)
    assert "<img" in text
    book = openpyxl.load_workbook(BytesIO(workbook_of(warehouse, report, past)))
    cell = book["Unresolved repeats"]["A2"]
    assert (cell.data_type, str(cell.value)[:4]) == ("s", "=1+1")


def test_a_format_that_is_not_asked_for_anew_does_not_stay_behind(first_city: City) -> None:
    week = next(iter(first_city.truth.repeated_categories))
    write_weekly_report(first_city.settings, week=week, formats=["html", "xlsx"])
    files = write_weekly_report(first_city.settings, week=week, formats=["html"]).files
    assert [path.name for path in sorted(files["html"].parent.iterdir())] == ["friction-report.html", "report.json"]


def test_the_version_of_a_report_is_kept(written: Written, first_city: City) -> None:
    version = published.current_version(first_city.settings)
    assert version is not None
    assert "report-last_7_days" in pins(first_city.settings.published_dir / version)


def test_an_unknown_format_is_refused_by_name(first_city: City) -> None:
    with pytest.raises(UnknownFormat, match="docx"):
        write_weekly_report(first_city.settings, formats=("docx",))


def test_the_monday_job_writes_and_delivers_a_week_once(first_city: City, tmp_path: Path) -> None:
    week = next(iter(first_city.truth.repeated_categories))
    (tmp_path / "delivery.toml").write_text(f'[folder.team]\npath = "{tmp_path / "shared"}"\n')
    settings = replace(first_city.settings, delivery_path=tmp_path / "delivery.toml")
    config = {"config": {"week": week}}
    assets = [weekly_report(settings), report_deliveries(settings)]
    run_config = {"ops": {key.to_python_identifier(): config for key in (REPORT, DELIVERIES)}}
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            for _ in range(2):
                assert dg.materialize(assets, run_config=run_config, instance=instance).success
            told = instance.fetch_materializations(DELIVERIES, limit=2).records
    finally:
        shutil.rmtree(settings.deliveries_dir)
    shown = [record.asset_materialization.metadata for record in told if record.asset_materialization]
    assert [[each["now"].value, each["before"].value] for each in shown] == [
        [[], ["folder.team"]],
        [["folder.team"], []],
    ]
    assert len(list((tmp_path / "shared").iterdir())) == 3
