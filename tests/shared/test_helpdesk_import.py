"""The help desk's log, through the mapping that ships, holds the figures that pandas finds in the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.files import ImportResult, import_file
from ingestion.raw import land
from store.settings import Settings
from tests.shared.helpdesk import expected_helpdesk_figures


@pytest.fixture(scope="module")
def expected(helpdesk_log: Path) -> dict[str, Any]:
    return expected_helpdesk_figures(helpdesk_log)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.at(tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def imported(helpdesk_log: Path, settings: Settings) -> ImportResult:
    return import_file(settings, helpdesk_log, "helpdesk_event_log")


@pytest.fixture(scope="module")
def raw(imported: ImportResult, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        assert not land(connection, settings).differences
        yield connection


def test_every_event_is_loaded(imported: ImportResult, expected: dict[str, Any]) -> None:
    assert (imported.loaded_count, imported.rejected_count) == (21_348, 0)
    assert expected["event_count"] == 21_348
    assert dict(imported.table_counts) == {"file_incidences": 4_580, "file_incidence_events": 21_348}


def test_figures_equal_the_pandas_computation(raw: duckdb.DuckDBPyConnection, expected: dict[str, Any]) -> None:
    found = raw.execute("""
        WITH cases AS (SELECT *, epoch(resolved_at) - epoch(created_at) AS seconds FROM raw.file_incidences)
        SELECT
            count(*) AS case_count, count(*) FILTER (WHERE outcome = 'RESOLVED') AS resolved_count,
            count(*) FILTER (WHERE outcome IS NULL) AS open_count,
            avg(seconds) AS time_to_resolve_mean_seconds,
            quantile_cont(seconds, 0.5) AS time_to_resolve_p50_seconds,
            quantile_cont(seconds, 0.9) AS time_to_resolve_p90_seconds,
            sum(reopen_count) AS reopen_count, count(*) FILTER (WHERE reopen_count > 0) AS reopened_case_count,
            sum(escalation_count) AS escalation_count,
            count(*) FILTER (WHERE escalation_count > 0) AS escalated_case_count,
            sum(wait_count) AS wait_count, count(DISTINCT user_id) AS user_count
        FROM cases
    """).df()
    for name, value in found.iloc[0].items():
        assert value == pytest.approx(expected[str(name)], rel=1e-9), name
    assert expected["open_count"] == 21
    ((agent_count,),) = raw.execute("SELECT count(DISTINCT agent_id) FROM raw.file_incidence_events").fetchall()
    assert agent_count == expected["agent_count"]


def test_top_categories_equal_the_pandas_computation(raw: duckdb.DuckDBPyConnection, expected: dict[str, Any]) -> None:
    found = raw.execute("""
        SELECT issue_category, count(*) FROM raw.file_incidences
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10
    """).fetchall()
    assert found == [(f"helpdesk:{category}", count) for category, count in expected["top_categories"]]


def test_repeat_issues_equal_the_pandas_computation(raw: duckdb.DuckDBPyConnection, expected: dict[str, Any]) -> None:
    found = raw.execute("""
        SELECT strftime(created_at + INTERVAL 330 MINUTE, '%G-W%V'), issue_category, count(*)
        FROM raw.file_incidences GROUP BY 1, 2 HAVING count(*) > 3
    """).fetchall()
    assert {(week, category.removeprefix("helpdesk:")): count for week, category, count in found} == expected[
        "repeat_issues"
    ]
    assert len(found) > 100


def test_every_case_equals_the_pandas_computation(raw: duckdb.DuckDBPyConnection, expected: dict[str, Any]) -> None:
    found = raw.execute("""
        SELECT i.source_id, i.created_at, i.resolved_at, i.user_id, i.issue_category, i.agent_id, i.reopen_count,
            i.escalation_count, i.wait_count, count(*) AS event_count
        FROM raw.file_incidences AS i JOIN raw.file_incidence_events AS e USING (incidence_id)
        GROUP BY ALL
    """).fetchall()
    assert len(found) == expected["case_count"]
    for case_id, created_at, resolved_at, user, category, agent, *counts in found:
        case = expected["cases"][case_id]
        assert created_at == case["created_at"].to_pydatetime(), case_id
        assert (resolved_at is None) == (case["resolved_at"] is None or case["resolved_at"] != case["resolved_at"])
        assert resolved_at is None or resolved_at == case["resolved_at"].to_pydatetime(), case_id
        assert user == f"helpdesk:customer-{case['user'].replace(' ', '-')}", case_id
        assert category == f"helpdesk:{case['category']}", case_id
        assert agent == f"helpdesk:agent-{case['agent'].replace(' ', '-')}", case_id
        assert counts == [case[f"{name}_count"] for name in ("reopen", "escalation", "wait", "event")], case_id


def test_the_same_file_a_second_time_changes_nothing(
    imported: ImportResult, helpdesk_log: Path, settings: Settings
) -> None:
    again = import_file(settings, helpdesk_log, "helpdesk_event_log")
    assert again.is_unchanged
    assert (again.loaded_count, again.rejected_count) == (imported.loaded_count, imported.rejected_count)
    assert len(list(settings.raw_dir.glob("*-file"))) == 1


def test_the_log_cut_in_two_files_gives_the_same_incidences(
    raw: duckdb.DuckDBPyConnection, helpdesk_log: Path, tmp_path: Path
) -> None:
    """Cut through the middle of cases: what came last month is rolled up again with what comes now."""
    header, *rows = helpdesk_log.read_text().splitlines(keepends=True)
    rows.sort(key=lambda row: row.split(",")[3])
    settings = Settings.at(tmp_path / "var")
    for name, part in (("first.csv", rows[:9_000]), ("second.csv", rows[9_000:])):
        (tmp_path / name).write_text(header + "".join(part))
        import_file(settings, tmp_path / name, "helpdesk_event_log")
    columns = "* EXCLUDE (_file_id, _line, _extract_no)"
    whole = raw.execute(f"SELECT {columns} FROM raw.file_incidences ORDER BY source_id").fetchall()
    with duckdb.connect() as connection:
        assert not land(connection, settings).differences
        cut = connection.execute(f"SELECT {columns} FROM raw.file_incidences ORDER BY source_id").fetchall()
        ((event_count,),) = connection.execute("SELECT count(*) FROM raw.file_incidence_events").fetchall()
    assert cut == whole
    assert event_count == 21_348
