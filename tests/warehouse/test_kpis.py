"""Every KPI of every period and segment, computed a second time with pandas from the same random facts."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from store.published.kpis import kpis
from store.published.periods import ReportPeriod
from store.published.versions import SCHEMA_VERSION, Published
from tests.warehouse.kpi_facts import (
    SOURCES,
    TODAY,
    Facts,
    build_kpis,
    date_of_period,
    random_facts,
    write_warehouse,
)

PERIODS = ("DAY", "WEEK", "MONTH")
ORDER = ("event_type", "order_band", "language", "tier")
USER = ("language", "tier")
EVERY = ("stage", "channel", *ORDER)
ATTRIBUTION_DAYS = {
    "self_serve_conversion_rate": 3,
    "self_serve_conversion_rate_1_day": 1,
    "self_serve_conversion_rate_7_days": 7,
    "assisted_conversion_rate": 3,
    "cost_per_assisted_order": 3,
    "prompt_uplift": 1,
}


Figures = dict[tuple[str, str, date, str], tuple[float | None, float | None, float]]
"""By metric, period, first day and segment: value, numerator (None where there is none) and denominator."""


@pytest.fixture(scope="module", params=[SOURCES, ("demo",)], ids=["real and demo", "demo alone"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Facts, bool]:
    """The built warehouse's path, its facts, and whether the default realm is demo."""
    directory = tmp_path_factory.mktemp("kpis")
    workshop = tmp_path_factory.getbasetemp() / "kpi_workshop"
    workshop.mkdir(exist_ok=True)
    facts = random_facts(seed=7, sources=request.param)
    path = directory / "warehouse.duckdb"
    write_warehouse(path, facts)
    build_kpis(path, workshop)
    return path, facts, request.param == ("demo",)


@pytest.fixture
def warehouse(built: tuple[Path, Facts, bool]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(built[0], read_only=True) as connection:
        yield connection


def test_analytics_daily_equals_pandas(warehouse: duckdb.DuckDBPyConnection, built: tuple[Path, Facts, bool]) -> None:
    _, facts, is_demo = built
    expected = _expected_figures(facts, is_demo=is_demo)
    rows = warehouse.sql(
        "select metric, period, date, segment, value, numerator, denominator, is_final from marts.analytics_daily "
        "where value is not null or numerator <> 0 or denominator <> 0"
    ).fetchall()
    actual = {row[:4]: row[4:] for row in rows}
    assert actual.keys() == expected.keys()
    for key, (value, numerator, denominator) in expected.items():
        assert _close(actual[key][0], value), (key, actual[key], value)
        if numerator is not None:
            assert _close(float(actual[key][1]), numerator), key
        assert _close(float(actual[key][2]), denominator), key
        assert actual[key][3] == _is_final(*key[:3]), key
    assert {key[0] for key in expected} == {
        row[0] for row in warehouse.sql("from marts.dim_kpis").project("metric").fetchall()
    }


def test_all_has_every_day_to_the_end_of_the_data(warehouse: duckdb.DuckDBPyConnection) -> None:
    days = warehouse.sql(
        "select metric, max(date), max(date) - min(date) + 1 = count(*) from marts.analytics_daily "
        "where segment = 'ALL' and period = 'DAY' group by metric"
    ).fetchall()
    assert days
    assert {(last, gapless) for _, last, gapless in days} == {(TODAY, True)}


def test_any_crossed_filter_is_a_sum_of_the_cube(
    warehouse: duckdb.DuckDBPyConnection, built: tuple[Path, Facts, bool]
) -> None:
    facts = built[1]
    for metric, (numerators, denominators, dimensions) in _additive(facts).items():
        first, second = dimensions[-2:]
        for source in set(denominators["source"]):
            for left in set(denominators[first]):
                for right in set(denominators[second]):
                    found = warehouse.execute(
                        f"select sum(numerator), sum(denominator) from marts.fct_kpis where metric = $metric "
                        f"and source = $source and {first} = $left and {second} = $right "
                        "and date between date '2026-10-10' and date '2026-11-07'",
                        {"metric": metric, "source": source, "left": left, "right": right},
                    ).fetchall()[0]
                    expected = tuple(
                        rows["amount"][
                            (rows["source"] == source)
                            & (rows[first] == left)
                            & (rows[second] == right)
                            & rows["date"].between(date(2026, 10, 10), date(2026, 11, 7))
                        ].sum()
                        for rows in (numerators, denominators)
                    )
                    assert tuple(float(amount or 0) for amount in found) == pytest.approx(expected), metric


def test_a_filter_that_only_one_side_knows_finds_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert (
        warehouse.sql("select * from marts.fct_kpis where metric = 'contact_rate' and stage = 'PRE_ORDER'").fetchall()
        == []
    )
    assert (
        warehouse.sql(
            "select * from marts.fct_kpis where metric = 'cost_per_assisted_order' and channel = 'CALL'"
        ).fetchall()
        == []
    )


def test_uplift_equals_pandas(warehouse: duckdb.DuckDBPyConnection, built: tuple[Path, Facts, bool]) -> None:
    rows = warehouse.sql(
        'select "window", period_end_date, is_demo, treated_users, treated_converted, holdout_users, holdout_converted '
        "from marts.fct_prompt_uplift"
    ).fetchall()
    expected = {
        (window, end, is_demo, *arms)
        for is_demo in {True, built[2]}
        for window, start, end in _windows(built[1], is_demo=is_demo)
        if (arms := _arms(built[1], start, end, is_demo=is_demo)) != (0, 0, 0, 0)
    }
    assert set(rows) == expected
    assert len(rows) > 6


def test_readers_answer_periods_and_filters_as_analytics_daily_does(built: tuple[Path, Facts, bool]) -> None:
    with _published(built[0]) as warehouse:
        for week in (date(2026, 10, 5), date(2026, 11, 2)):
            period = ReportPeriod("a week", week, week + timedelta(days=6))
            rows = warehouse.query(
                "select metric, segment, value, numerator from marts.analytics_daily where period = 'WEEK' and date = $week",
                {"week": week},
            )
            for segment in {row["segment"] for row in rows}:
                filters = dict([segment.split("=")]) if segment != "ALL" else {}
                answers = {answer.metric: answer for answer in kpis(warehouse, period, filters)}
                for row in (row for row in rows if row["segment"] == segment):
                    answer = answers[row["metric"]]
                    assert _close(answer.value, row["value"]), (segment, row, answer)
                    assert answer.is_final == _is_final(row["metric"], "WEEK", week)


def test_readers_answer_crossed_filters_from_the_facts(built: tuple[Path, Facts, bool]) -> None:
    first, last = date(2026, 10, 10), date(2026, 11, 7)
    rows = _incidences(built[1]).query("is_demo == @built[2] and stage == 'PRE_ORDER' and channel == 'WHATSAPP'")
    closed = rows[rows["is_closed"] & rows["resolved_date"].between(first, last)]
    with _published(built[0]) as warehouse:
        crossed = {"stage": "PRE_ORDER", "channel": "WHATSAPP"}
        answers = {answer.metric: answer for answer in kpis(warehouse, ReportPeriod("", first, last), crossed)}
    assert _close(answers["time_to_resolve_p90"].value, float(np.percentile(closed["time_to_resolve_seconds"], 90)))
    assert _close(answers["time_to_resolve"].value, float(closed["time_to_resolve_seconds"].mean()))
    assert answers["contact_rate"].value is None
    assert answers["prompt_uplift"].value is None


def _published(path: Path) -> Published:
    (path.parent / "manifest.json").write_text(json.dumps({"version": "v00000001", "schema_version": SCHEMA_VERSION}))
    return Published(path.parent)


def _expected_figures(facts: Facts, *, is_demo: bool) -> Figures:
    return (
        _ratios(facts, is_demo=is_demo)
        | _percentiles(facts, is_demo=is_demo)
        | _repeats(facts, is_demo=is_demo)
        | _uplifts(facts, is_demo=is_demo)
    )


def _ratios(facts: Facts, *, is_demo: bool) -> Figures:
    sums: dict[tuple[str, str, Any, str], list[float]] = {}
    for metric, (numerators, denominators, dimensions) in _additive(facts).items():
        for side, rows in enumerate((numerators, denominators)):
            for segment, part in _segments(rows, dimensions, is_demo=is_demo):
                for period in PERIODS:
                    for day, amount in part.groupby(_periods(part["date"], period))["amount"].sum().items():
                        sums.setdefault((metric, period, day, segment), [0, 0])[side] += amount
    return {
        key: (above / below if below else None, above, below) for key, (above, below) in sums.items() if above or below
    }


def _percentiles(facts: Facts, *, is_demo: bool) -> Figures:
    closed = _incidences(facts).query("is_closed")
    return {
        (f"time_to_resolve_p{percent}", period, day, segment): (
            float(np.percentile(seconds, percent)),
            None,
            len(seconds),
        )
        for segment, part in _segments(closed, EVERY, is_demo=is_demo)
        for period in PERIODS
        for day, seconds in part.groupby(_periods(part["resolved_date"], period))["time_to_resolve_seconds"]
        for percent in (50, 90)
    }


def _repeats(facts: Facts, *, is_demo: bool) -> Figures:
    figures: Figures = {}
    named = _incidences(facts).query("issue_category != 'UNCLASSIFIED'")
    for segment, part in _segments(named, EVERY, is_demo=is_demo):
        for week, categories in part.groupby(_periods(part["created_date"], "WEEK"))["issue_category"]:
            counts = categories.value_counts()
            repeated = int((counts > 3).sum())
            figures["repeat_issue_count", "WEEK", week, segment] = (repeated, repeated, len(counts))
    return figures


def _uplifts(facts: Facts, *, is_demo: bool) -> Figures:
    figures: Figures = {}
    for segment, realm in (("ALL", is_demo), ("source=demo", True), *([] if is_demo else [("source=app", False)])):
        for window, start, end in _windows(facts, is_demo=realm):
            treated, converted, held, held_converted = arms = _arms(facts, start, end, is_demo=realm)
            if window == "28_DAYS" and end.isoweekday() == 7 and arms != (0, 0, 0, 0):
                uplift = converted / treated - held_converted / held if treated and held else None
                figures["prompt_uplift", "WEEK", end - timedelta(days=6), segment] = (uplift, None, treated + held)
    return figures


def _periods(days: pd.Series, period: str) -> pd.Series:
    return pd.Series([date_of_period(day, period) for day in days], index=days.index)


def _additive(facts: Facts) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]]:
    """For each metric the rows that count above and below the line, with `date` and `amount`, and its dimensions."""
    incidences = _incidences(facts)
    orders = facts["fct_orders"].query("not is_cancelled")
    sessions = facts["fct_sessions"]
    before = incidences[incidences["stage"] == "PRE_ORDER"]
    after = incidences[incidences["stage"] == "POST_ORDER"]
    helped = before[before["is_helped"]]
    closed = incidences[incidences["is_closed"]]
    opened = incidences[incidences["was_open"]]
    cut = ["incidence_id", *EVERY]
    actions = facts["fct_agent_actions"].merge(incidences[cut], on="incidence_id", how="left")
    placed, created, resolved = "placed_date", "created_date", "resolved_date"

    def rows(frame: pd.DataFrame, day: str, amount: str | None = None) -> pd.DataFrame:
        return frame.assign(date=frame[day], amount=frame[amount] if amount else 1)

    all_orders = rows(orders, placed)
    return {
        "self_serve_conversion_rate": (rows(orders[~orders["is_assisted"]], placed), all_orders, ORDER),
        "self_serve_conversion_rate_1_day": (rows(orders[~orders["is_assisted_1_day"]], placed), all_orders, ORDER),
        "self_serve_conversion_rate_7_days": (rows(orders[~orders["is_assisted_7_days"]], placed), all_orders, ORDER),
        "assisted_conversion_rate": (
            rows(helped[helped["credited_order_id"].notna()], created),
            rows(helped, created),
            EVERY,
        ),
        "time_to_resolve": (rows(closed, resolved, "time_to_resolve_seconds"), rows(closed, resolved), EVERY),
        "time_to_resolve_under_10_minutes_rate": (
            rows(closed[closed["time_to_resolve_seconds"] < 600], resolved),
            rows(closed, resolved),
            EVERY,
        ),
        "cost_per_assisted_order": (
            rows(before, created, "cx_cost_paise"),
            rows(orders[orders["is_assisted"]], placed),
            ORDER,
        ),
        "post_order_cost_per_order": (rows(after, created, "cx_cost_paise"), all_orders, ORDER),
        "contact_rate": (rows(opened, created), all_orders, ORDER),
        "contact_rate_per_checkout_session": (
            rows(opened, created),
            rows(sessions[sessions["reached_checkout"]], "started_date"),
            USER,
        ),
        "friction_rate": (
            rows(sessions[sessions["is_visit"] & sessions["is_over_threshold"]], "started_date"),
            rows(sessions[sessions["is_visit"]], "started_date"),
            USER,
        ),
        "escalation_rate": (
            rows(incidences[incidences["escalation_count"] > 0], created),
            rows(incidences, created),
            EVERY,
        ),
        "reopen_rate": (rows(closed[closed["reopen_count"] > 0], resolved), rows(closed, resolved), EVERY),
        "blocked_action_rate": (
            rows(actions[~actions["is_allowed"]], "acted_date"),
            rows(actions, "acted_date"),
            EVERY,
        ),
    }


def _incidences(facts: Facts) -> pd.DataFrame:
    rows = facts["fct_incidences"]
    return rows[rows["merged_into"].isna()].assign(channel=lambda frame: frame["first_channel"])


def _segments(rows: pd.DataFrame, dimensions: tuple[str, ...], *, is_demo: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    realm = rows[rows["is_demo"] == is_demo]
    yield "ALL", realm
    for dimension in dimensions:
        for word, part in realm.groupby(dimension):
            yield f"{dimension}={word}", part
    for source, part in rows.groupby("source"):
        yield f"source={source}", part


def _windows(facts: Facts, *, is_demo: bool) -> Iterator[tuple[str, date, date]]:
    """Every window that may hold a judged moment: its name, first and last day."""
    yesterday = TODAY - timedelta(days=1)
    first = facts["fct_prompts"].query("is_demo == @is_demo")["due_date"].min()
    yield "SINCE_START", first, yesterday
    ends = {yesterday} | {yesterday - timedelta(days=7 * weeks) for weeks in range(12)}
    for end in ends:
        yield "28_DAYS", end - timedelta(days=27), end


def _arms(facts: Facts, start: date, end: date, *, is_demo: bool) -> tuple[int, int, int, int]:
    """Treated users, those converted, holdout users, those converted."""
    orders = facts["fct_orders"].query("not is_cancelled and is_demo == @is_demo")
    prompts = facts["fct_prompts"].query("is_demo == @is_demo").sort_values(["due_at", "prompt_id"])
    arms = [0, 0, 0, 0]
    day = pd.Timedelta(hours=24)
    inside = prompts[
        prompts["due_date"].between(start, end) & (prompts["due_at"] + day <= pd.Timestamp(2026, 11, 22, 20))
    ]
    for moment in inside.drop_duplicates("user_id").itertuples():
        placed = orders["placed_at"][orders["user_id"] == moment.user_id]
        converted = bool(((placed >= moment.due_at) & (placed < moment.due_at + day)).any())
        arms[2 * moment.is_holdout] += 1
        arms[2 * moment.is_holdout + 1] += converted
    return arms[0], arms[1], arms[2], arms[3]


def _is_final(metric: str, period: str, day: date) -> bool:
    if period == "MONTH":
        end = (day + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    else:
        end = day + timedelta(days=6 if period == "WEEK" else 0)
    return end + timedelta(days=ATTRIBUTION_DAYS.get(metric, 0) + 3) < TODAY


def _close(actual: float | None, expected: float | None) -> bool:
    if actual is None or expected is None:
        return actual is expected
    return abs(actual - expected) <= 1e-9 * max(1.0, abs(expected))
