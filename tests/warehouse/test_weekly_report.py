"""The report of a published city, as data and as a page."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestration.reports import UnknownFormat, write_weekly_report
from orchestration.reports.page import render_page
from orchestration.versions import pins
from store import published
from store.published import Published, UnknownPeriod
from tests.cities import City


@pytest.fixture
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


def test_the_page_stands_alone_and_leads_with_the_planted_problem(first_city: City) -> None:
    (path,) = write_weekly_report(first_city.settings)
    page = path.read_text(encoding="utf-8")
    assert re.search(r"<h1>Payment failure cost most: ₹[\d.]+ lakh", page)
    assert "Demo city: these are no real customers" in page
    assert re.search(r"Data as of \d+ \w+ \d{4}, \d\d:\d\d IST · version v\d{8}", page)
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?https?:""", page), "nothing is fetched from elsewhere"
    assert "<script" not in page
    assert page.count("<svg") == 2


def test_text_from_outside_is_shown_as_text(first_city: City) -> None:
    hostile = '<img src=x onerror="alert(1)">'
    with published.open_current(first_city.settings) as warehouse:
        report = published.weekly_report(warehouse)
        reason = report.top_friction_reasons[0]
        page = render_page(warehouse, replace(report, top_friction_reasons=[replace(reason, issue_category=hostile)]))
    assert "<img" not in page
    assert "&lt;img" in page


def test_the_version_of_a_report_is_kept(first_city: City) -> None:
    write_weekly_report(first_city.settings)
    version = published.current_version(first_city.settings)
    assert version is not None
    assert "report-last_7_days" in pins(first_city.settings.published_dir / version)


def test_an_unknown_format_is_refused_by_name(first_city: City) -> None:
    with pytest.raises(UnknownFormat, match="docx"):
        write_weekly_report(first_city.settings, formats=("docx",))
