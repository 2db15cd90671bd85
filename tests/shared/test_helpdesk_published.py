"""The help desk's log, imported, built and published: the marts hold the figures that pandas finds in the file."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingestion.files import import_file
from orchestration.build import run_build
from orchestration.reports import write_weekly_report
from store import published
from store.migrations import migrate
from store.published import Published, ReportPeriod
from store.settings import Settings
from tests.shared.helpdesk import expected_helpdesk_figures

EVER = ReportPeriod("ever", date(2009, 1, 1), date(2015, 1, 1))


@pytest.fixture(scope="module")
def expected(helpdesk_log: Path) -> dict[str, Any]:
    return expected_helpdesk_figures(helpdesk_log)


@pytest.fixture(scope="module")
def settings(helpdesk_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings.at(tmp_path_factory.mktemp("var"))
    migrate(settings.operations_url)
    import_file(settings, helpdesk_log, "helpdesk_event_log")
    run_build(settings, progress=lambda _: None)
    return settings


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Published]:
    with published.open_current(settings) as warehouse:
        yield warehouse


def test_cases_by_state_and_what_happened_to_them(warehouse: Published, expected: dict[str, Any]) -> None:
    found = warehouse.query("""
        select count(*) as case_count,
               count(*) filter (where status = 'RESOLVED') as resolved_count,
               count(*) filter (where not is_closed) as open_count,
               avg(time_to_resolve_seconds) as time_to_resolve_mean_seconds,
               quantile_cont(time_to_resolve_seconds, 0.5) as time_to_resolve_p50_seconds,
               quantile_cont(time_to_resolve_seconds, 0.9) as time_to_resolve_p90_seconds,
               sum(reopen_count) as reopen_count,
               count(*) filter (where reopen_count > 0) as reopened_case_count,
               sum(escalation_count) as escalation_count,
               count(*) filter (where escalation_count > 0) as escalated_case_count,
               sum(wait_count) as wait_count,
               count(distinct user_id) as user_count
        from marts.fct_incidences
    """)[0]
    assert (found["case_count"], found["open_count"]) == (4_580, 21)
    for name, value in found.items():
        assert float(value) == pytest.approx(expected[name], rel=1e-12), name


def test_every_event_is_on_a_timeline_and_every_agent_known(warehouse: Published, expected: dict[str, Any]) -> None:
    assert warehouse.query("select count(*) as n from marts.fct_incidence_events")[0]["n"] == 21_348
    assert (
        warehouse.query("select count(distinct agent_id) as n from marts.fct_incidence_events")[0]["n"]
        == (expected["agent_count"])
    )


def test_every_case_is_told_to_the_second(warehouse: Published, expected: dict[str, Any]) -> None:
    rows = warehouse.query(
        "select source_id, created_at, resolved_at, issue_category, reopen_count from marts.fct_incidences"
    )
    assert len(rows) == len(expected["cases"])
    for row in rows:
        case = expected["cases"][row["source_id"]]
        assert row["created_at"] == case["created_at"].to_pydatetime()
        assert row["resolved_at"] == (
            None
            if case["resolved_at"] is None or case["resolved_at"] != case["resolved_at"]
            else case["resolved_at"].to_pydatetime()
        )
        assert row["issue_category"] == f"helpdesk:{case['category']}"
        assert row["reopen_count"] == case["reopen_count"]


def test_top_categories_and_repeat_issues_by_week(warehouse: Published, expected: dict[str, Any]) -> None:
    top = warehouse.query("""
        select issue_category, count(*) as n from marts.fct_incidences
        group by all order by n desc, issue_category limit 10
    """)
    assert [(row["issue_category"].removeprefix("helpdesk:"), row["n"]) for row in top] == expected["top_categories"]
    repeats = warehouse.query("""
        select period, issue_category, incidence_count from marts.fct_repeat_issues
        where scope = 'CATEGORY' and period <> 'last_7_days'
    """)
    found = {
        (row["period"], row["issue_category"].removeprefix("helpdesk:")): row["incidence_count"] for row in repeats
    }
    assert found == expected["repeat_issues"]


def test_the_kpis_of_all_years_are_the_same_figures(warehouse: Published, expected: dict[str, Any]) -> None:
    kpis = {kpi.metric: kpi for kpi in published.kpis(warehouse, EVER)}
    assert kpis["time_to_resolve"].value == pytest.approx(expected["time_to_resolve_mean_seconds"], rel=1e-9)
    assert kpis["time_to_resolve"].denominator == expected["resolved_count"]
    assert kpis["time_to_resolve_p50"].value == pytest.approx(expected["time_to_resolve_p50_seconds"], rel=1e-12)
    assert kpis["time_to_resolve_p90"].value == pytest.approx(expected["time_to_resolve_p90_seconds"], rel=1e-12)
    assert kpis["self_serve_conversion_rate"].value is None, "the log has no orders"
    assert kpis["time_to_resolve"].is_final


def test_a_week_of_years_ago_has_its_report(settings: Settings, expected: dict[str, Any]) -> None:
    week, _ = max(expected["repeat_issues"], key=lambda key: expected["repeat_issues"][key])
    path = write_weekly_report(settings, week=week, formats=["html"]).files["html"]
    page = path.read_text(encoding="utf-8")
    assert "helpdesk:Value" in page
    assert "Demo city" not in page


def test_the_same_file_again_changes_nothing(settings: Settings, helpdesk_log: Path) -> None:
    assert import_file(settings, helpdesk_log, "helpdesk_event_log").is_unchanged
