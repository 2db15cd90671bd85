"""What becomes of a figure once it was final, over two versions of the warehouse."""

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import pandas as pd
import pytest

from tests.warehouse.kpi_facts import AS_OF, Facts, build_kpis, date_of_period, follow, random_facts, write_warehouse

Restated = set[tuple[str, str, date, str, str]]
"""Metric, period, first day, segment and cause."""


@pytest.fixture(scope="module")
def facts() -> Facts:
    return random_facts(seed=11, sources=("app",), size=120)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, facts: Facts) -> Callable[..., Restated]:
    """Builds the version after the first from changed facts, a day later; returns what it restates."""
    workshop = tmp_path_factory.getbasetemp() / "kpi_workshop"
    workshop.mkdir(exist_ok=True)
    first = tmp_path_factory.mktemp("first") / "warehouse.duckdb"
    write_warehouse(first, facts)
    build_kpis(first, workshop, is_tested=False)

    def build(changed: Facts, *statements: str) -> Restated:
        path = tmp_path_factory.mktemp("second") / "warehouse.duckdb"
        write_warehouse(path, changed, as_of=AS_OF + timedelta(days=1), version="v00000002")
        follow(path, first, extract_no=2)
        with duckdb.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
        build_kpis(path, workshop, is_tested=False)
        with duckdb.connect(path, read_only=True) as connection:
            return set(connection.sql("select metric, period, date, segment, cause from marts.restatements").fetchall())

    return build


def test_the_same_facts_a_day_later_restate_nothing(second: Callable[..., Restated], facts: Facts) -> None:
    assert second(facts) == set()


def test_late_facts_and_cancellations_restate_what_counts_them(second: Callable[..., Restated], facts: Facts) -> None:
    orders, incidences = facts["fct_orders"].copy(), facts["fct_incidences"]
    order = orders[~orders["is_cancelled"]].sort_values("placed_at").iloc[0]
    orders.loc[orders["order_id"] == order["order_id"], "is_cancelled"] = True
    closed = incidences[incidences["merged_into"].isna() & incidences["is_closed"]].sort_values("created_at")
    october = closed[closed["created_date"] == date(2026, 10, 20)].iloc[[0]]
    provisional = closed.iloc[[-1]]
    late = [october.assign(incidence_id="late"), provisional.assign(incidence_id="later")]
    late = [rows.assign(is_helped=False, credited_order_id=None) for rows in late]
    restated = second(
        {**facts, "fct_orders": orders, "fct_incidences": pd.concat([incidences, *late], ignore_index=True)},
        f"insert into raw.orders by name select '{order['order_id']}' as order_id, 2 as _extract_no",
    )
    for metric in ("self_serve_conversion_rate", "contact_rate", "post_order_cost_per_order"):
        for period in ("DAY", "WEEK"):
            first_day = date_of_period(order["placed_date"], period)
            assert (metric, period, first_day, "ALL", "CANCELLATION") in restated
    for segment in ("ALL", "source=app"):
        assert ("escalation_rate", "DAY", date(2026, 10, 20), segment, "LATE_FACT") in restated
        assert ("time_to_resolve", "WEEK", date(2026, 10, 19), segment, "LATE_FACT") in restated
    assert {metric for metric, *_ in restated}.isdisjoint({"friction_rate", "blocked_action_rate"})
    assert {cause for *_, cause in restated} == {"CANCELLATION", "LATE_FACT"}
    provisional_day = provisional["created_date"].iloc[0]
    assert ("escalation_rate", "DAY", provisional_day, "ALL", "LATE_FACT") not in restated
