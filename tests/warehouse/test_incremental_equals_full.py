"""Facts come late, doubled and shuffled, rows change and go: the marts are always those of a full refresh."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingestion.raw import land
from orchestration.dbt import build_arguments
from store.settings import ROOT, Settings
from tests.warehouse.raw_facts import AS_OF, random_slices, write_extract

SEEDS = [7, *(pytest.param(seed, marks=pytest.mark.release) for seed in (8, 9, 10, 11))]


@pytest.mark.parametrize("seed", SEEDS)
def test_building_slice_by_slice_gives_the_marts_of_a_full_refresh(seed: int, tmp_path: Path) -> None:
    settings = Settings.at(tmp_path / "var")
    path = tmp_path / "warehouse.duckdb"
    for number, facts in enumerate(random_slices(seed)):
        write_extract(settings, facts)
        _land(path, settings)
        _run_dbt(path, tmp_path, is_first=number == 0)
    grown = path.rename(tmp_path / "grown.duckdb")

    _land(path, settings)
    _run_dbt(path, tmp_path, is_first=True)

    with duckdb.connect(path) as connection:
        connection.execute(f"attach '{grown}' as grown (read_only)")
        marts = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts' and database_name = 'warehouse' "
                "order by table_name"
            ).fetchall()
        ]
        different = {mart: rows for mart in marts if (rows := _differences(connection, mart))}
        assert different == {}
        _check_that_it_means_something(connection, marts)


def _differences(connection: duckdb.DuckDBPyConnection, mart: str) -> list[tuple[object, ...]]:
    """Rows that one of the two has and the other has not, or not as often."""
    return connection.execute(
        f"(select 'grown only' as side, * from (from grown.marts.{mart} except all from warehouse.marts.{mart})) "
        f"union all (select 'full only', * from (from warehouse.marts.{mart} except all from grown.marts.{mart})) limit 5"
    ).fetchall()


def _check_that_it_means_something(connection: duckdb.DuckDBPyConnection, marts: list[str]) -> None:
    """The facts reach what they should test, and the last build left most users alone."""
    figures = connection.execute(
        "select (select count(*) from grown.intermediate.int_users__due) < (select count(*) from marts.dim_users), "
        "(select count(*) from marts.fct_incidences where merged_into is not null) > 0, "
        "(select count(*) from marts.fct_incidences where source = 'desk') > 0, "
        "(select count(*) from marts.fct_orders where is_assisted) > 0, "
        "(select count(distinct rule_version) from marts.fct_friction_scores) = 2, "
        "(select count(*) from marts.fct_sessions where is_over_threshold) > 0, "
        "(select count(*) from marts.fct_kpis) > 0, "
        "(select sum(next_response_count) from marts.fct_incidences) > 0, "
        "(select sum(done_count) from marts.fct_webhook_deliveries) > 0"
    ).fetchone()
    assert figures == (True,) * 9
    assert "analytics_daily" in marts


def _land(path: Path, settings: Settings) -> None:
    with duckdb.connect(path) as connection:
        result = land(connection, settings)
        assert result.differences == ()
        connection.execute("delete from raw.build")
        connection.execute(
            "insert into raw.build values ('build', 'v00000001', ?, ?, null, false, 'code', 1)",
            [AS_OF.replace(tzinfo=None), result.extract_no],
        )


def _run_dbt(path: Path, workshop: Path, *, is_first: bool) -> None:
    """As a build calls it, but for the data tests."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-use-colors"),
            *(*build_arguments(full_refresh=is_first), "--exclude-resource-type", "test"),
            *("--project-dir", ROOT, "--profiles-dir", ROOT / "dbt_project"),
            *("--target-path", workshop / "target", "--log-path", workshop / "logs"),
        ],
        env={**os.environ, "SUPPORTLED_DBT_PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
