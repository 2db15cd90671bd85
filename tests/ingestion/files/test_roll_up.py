"""From event logs to incidences and timelines."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingestion.files import import_file
from store.ids import file_row_id
from store.settings import Settings
from tests.ingestion.files.examples import LOG, LOG_HEADER, landed, mapping, naive_utc, rows

Write = Callable[[str, str | bytes], Path]
few = hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ONE_CASE = [
    "c1,open,2026-01-05 10:00,u1,",
    "c1,take,2026-01-05 10:05,,a1",
    "c1,wait,2026-01-05 10:06,,a1",
    "c1,lift,2026-01-05 10:10,,a2",
    "c1,close,2026-01-05 10:30,,a2",
    "c1,answer,2026-01-05 11:00,u9,",
    "c1,answer,2026-01-05 11:01,,a3",
    "c1,close,2026-01-05 11:30,,a3",
    "c1,close,2026-01-05 11:31,,a3",
    "c1,note,2026-01-05 12:00,,",
]


TOLD = {
    "file_incidences": "source_id, user_id, agent_id, outcome, created_at, assigned_at, resolved_at, reopen_count, "
    "wait_count, escalation_count, is_helped, stage",
    "file_incidence_events": "incidence_source_id, event_no, native_activity, event_type, actor_type, agent_id, occurred_at",
}


def log(lines: list[str]) -> str:
    return LOG_HEADER + "\n".join(lines) + "\n"


def incidences(settings: Settings) -> list[tuple[Any, ...]]:
    return rows(settings, f"SELECT {TOLD['file_incidences']} FROM raw.file_incidences ORDER BY 1")


def timelines(settings: Settings) -> list[tuple[Any, ...]]:
    return rows(settings, f"SELECT {TOLD['file_incidence_events']} FROM raw.file_incidence_events ORDER BY 1, 2")


def test_a_case_becomes_an_incidence(settings: Settings, write: Write) -> None:
    import_file(settings, write("log.csv", log(ONE_CASE)), mapping(LOG))
    assert incidences(settings) == [
        (
            "c1",
            "u1",
            "a3",
            "RESOLVED",
            naive_utc(2026, 1, 5, 10),
            naive_utc(2026, 1, 5, 10, 5),
            naive_utc(2026, 1, 5, 11, 31),
            2,
            1,
            1,
            True,
            "POST_ORDER",
        )
    ]
    assert [(no, word, actor) for _, no, _, word, actor, *_ in timelines(settings)] == [
        (1, "UPDATED", "SYSTEM"),
        (2, "ASSIGNED", "AGENT"),
        (3, "WAIT", "AGENT"),
        (4, "ESCALATED", "AGENT"),
        (5, "CLOSED", "AGENT"),
        (6, "MESSAGE", "SYSTEM"),
        (7, "MESSAGE", "AGENT"),
        (8, "CLOSED", "AGENT"),
        (9, "CLOSED", "AGENT"),
        (10, "UPDATED", "SYSTEM"),
    ]
    ((incidence_id,),) = rows(settings, "SELECT DISTINCT incidence_id FROM raw.file_incidence_events")
    assert incidence_id == file_row_id("acme", "c1")


def test_a_case_that_nobody_closed_stays_open(settings: Settings, write: Write) -> None:
    import_file(settings, write("log.csv", log(ONE_CASE[:4])), mapping(LOG))
    ((_, _, _, outcome, _, _, resolved_at, *_),) = incidences(settings)
    assert (outcome, resolved_at) == (None, None)


def test_the_last_closing_activity_says_the_outcome(settings: Settings, write: Write) -> None:
    lines = [*ONE_CASE, "c1,give up,2026-01-06 10:00,,a1", "c1,answer,2026-01-06 11:00,,a1"]
    import_file(settings, write("log.csv", log(lines)), mapping(LOG))
    ((_, _, _, outcome, _, _, resolved_at, reopen_count, *_),) = incidences(settings)
    assert (outcome, resolved_at, reopen_count) == ("DROPPED", naive_utc(2026, 1, 6, 10), 3)


def test_a_case_without_any_agent_was_not_helped(settings: Settings, write: Write) -> None:
    import_file(settings, write("log.csv", log(["c1,open,2026-01-05,u1,", "c1,close,2026-01-06,,"])), mapping(LOG))
    assert rows(settings, "SELECT is_helped, agent_id, assigned_at FROM raw.file_incidences") == [(False, None, None)]


def test_first_and_last_values_are_taken_as_declared(settings: Settings, write: Write) -> None:
    declared = mapping(
        LOG,
        columns={
            "user_id": {"column": "customer", "take": "last"},
            "agent_id": {"column": "agent", "take": "first"},
        },
    )
    import_file(settings, write("log.csv", log(ONE_CASE)), declared)
    assert rows(settings, "SELECT user_id, agent_id FROM raw.file_incidences") == [("u9", "a1")]


def test_events_of_one_instant_keep_the_order_of_the_file(settings: Settings, write: Write) -> None:
    lines = [f"c1,{activity},2026-01-05 10:00,u1,a1" for activity in ("open", "close", "answer", "close")]
    import_file(settings, write("log.csv", log(lines)), mapping(LOG))
    assert [row[2] for row in timelines(settings)] == ["open", "close", "answer"]
    import_file(settings, write("log.csv", log(lines)), mapping(LOG, source="keeping", repeats="keep"))
    kept = rows(
        settings, "SELECT native_activity FROM raw.file_incidence_events WHERE source = 'keeping' ORDER BY event_no"
    )
    assert [activity for (activity,) in kept] == ["open", "close", "answer", "close"]


def test_a_text_is_measured_and_not_kept(settings: Settings, write: Write) -> None:
    declared = mapping(LOG, columns={"text": "said"})
    content = LOG_HEADER.strip() + ",said\nc1,open,2026-01-05,u1,,secret words\nc1,open,never,u1,,secret words\n"
    import_file(settings, write("log.csv", content), declared)
    assert rows(settings, "SELECT text_length FROM raw.file_incidence_events") == [(12,)]
    assert "secret" not in str(rows(settings, "SELECT * FROM raw.rejected_rows"))
    assert not any(b"secret" in path.read_bytes() for path in settings.raw_dir.rglob("*.parquet"))


def test_a_case_that_never_names_its_user_is_rejected_event_by_event(settings: Settings, write: Write) -> None:
    result = import_file(
        settings, write("log.csv", log([*ONE_CASE, "c2,open,2026-01-05,,a1", "c2,close,2026-01-06,,a1"])), mapping(LOG)
    )
    assert (result.loaded_count, result.rejected_count) == (10, 2)
    assert {reject.reason for reject in result.rejects} == {"user_id: is empty in every event of this case"}
    assert [row[0] for row in incidences(settings)] == ["c1"]


def test_a_later_file_goes_on_with_a_case(settings: Settings, write: Write, tmp_path: Path) -> None:
    for number, lines in enumerate((ONE_CASE[:3], ONE_CASE[3:6], ONE_CASE[6:])):
        import_file(settings, write(f"{number}.csv", log(lines)), mapping(LOG))
    whole = Settings.at(tmp_path / "whole")
    import_file(whole, write("log.csv", log(ONE_CASE)), mapping(LOG))
    assert incidences(settings) == incidences(whole)
    assert timelines(settings) == timelines(whole)


def test_a_corrected_zone_moves_the_events_instead_of_doubling_them(settings: Settings, write: Write) -> None:
    path = write("log.csv", log(ONE_CASE))
    import_file(settings, path, mapping(LOG))
    import_file(settings, path, mapping(LOG, zone="Asia/Kolkata"))
    assert len(timelines(settings)) == len(ONE_CASE)
    ((created_at,),) = rows(settings, "SELECT created_at FROM raw.file_incidences")
    assert created_at == naive_utc(2026, 1, 5, 4, 30)


def test_a_case_of_another_source_is_another_case(settings: Settings, write: Write) -> None:
    import_file(settings, write("1.csv", log(ONE_CASE[:4])), mapping(LOG))
    import_file(settings, write("2.csv", log(ONE_CASE)), mapping(LOG, source="other"))
    found = rows(settings, "SELECT source, outcome FROM raw.file_incidences ORDER BY 1")
    assert found == [("acme", None), ("other", "RESOLVED")]


START = naive_utc(2026, 1, 5, 10)
ACTIVITIES = st.sampled_from(["open", "take", "answer", "wait", "lift", "close", "give up", "unheard of"])
EVENTS = st.lists(
    st.tuples(st.sampled_from(["c1", "c2", "c3"]), ACTIVITIES, st.integers(0, 500), st.sampled_from(["", "a1", "a2"])),
    min_size=1,
    max_size=25,
    unique_by=lambda event: event[2],
)


def lines_of(events: list[tuple[str, str, int, str]]) -> list[str]:
    return [
        f"{case},{activity},{START + timedelta(minutes=minute)},u-{case},{agent}"
        for case, activity, minute, agent in events
    ]


def bring(settings: Settings, source: str, *files: list[str]) -> None:
    """Import files of these lines, one after the other."""
    for number, lines in enumerate(files):
        path = settings.var_dir.with_name(f"{source}-{number}.csv")
        path.write_text(log(lines))
        result = import_file(settings, path, mapping(LOG, source=source))
        assert result.is_unchanged or result.loaded_count + result.rejected_count == len(lines)


@few
@given(EVENTS, st.randoms(use_true_random=False))
def test_neither_order_nor_doubled_rows_nor_cuts_change_a_roll_up(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, int, str]], chance: random.Random
) -> None:
    settings = Settings.at(tmp_path_factory.mktemp("logs") / "var")
    lines = lines_of(events)
    shuffled = lines + chance.choices(lines, k=3)
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    bring(settings, "whole", lines)
    bring(settings, "shuffled", shuffled)
    bring(settings, "cut", shuffled[:cut], shuffled[cut:])
    with landed(settings) as connection:
        for table in ("file_incidences", "file_incidence_events"):
            found = {
                source: connection.execute(
                    f"SELECT {TOLD[table]} FROM raw.{table} WHERE source = ? ORDER BY ALL", [source]
                ).fetchall()
                for source in ("whole", "shuffled", "cut")
            }
            assert found["shuffled"] == found["whole"]
            assert found["cut"] == found["whole"]


def expected_reopens(activities: list[str]) -> int:
    closing = {"close", "give up"}
    return sum(before in closing and after not in closing for before, after in pairwise(activities))


@few
@given(EVENTS)
def test_reopens_are_the_steps_from_closed_to_not_closed(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, int, str]]
) -> None:
    settings = Settings.at(tmp_path_factory.mktemp("log") / "var")
    bring(settings, "acme", lines_of(events))
    found = incidences(settings)
    for case, *values in found:
        activities = [
            activity
            for _, activity, _ in sorted(
                ((minute, activity, agent) for each, activity, minute, agent in events if each == case)
            )
        ]
        assert values[6] == expected_reopens(activities)


@few
@given(
    st.lists(
        st.sampled_from(
            ["c1,open,2026-01-05 10:00,u1,a1", "c1,open,never,u1,", "c1,open", ",,,,", "c2,x,2026-01-05,,", ""]
        ),
        max_size=12,
    )
)
def test_loaded_and_rejected_rows_are_all_rows(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    directory = tmp_path_factory.mktemp("log")
    settings = Settings.at(directory / "var")
    (directory / "log.csv").write_text(log(lines))
    result = import_file(settings, directory / "log.csv", mapping(LOG))
    filled = [number for number, line in enumerate(lines, 2) if line]
    assert result.loaded_count + result.rejected_count == len(filled)
    with landed(settings) as connection:
        rejected = [line for (line,) in connection.execute("SELECT line FROM raw.rejected_rows").fetchall()]
    assert len(rejected) == result.rejected_count
    assert set(rejected) <= set(filled)
