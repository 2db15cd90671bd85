"""A small made-up world of facts, and a warehouse that holds them where the KPI models look for them."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import yaml

from ingestion.raw.landing import create_raw_schema
from store.settings import ROOT

AS_OF = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
"""The Indian day that `AS_OF` falls in."""
FIRST_DAY = date(2026, 9, 28)
DAY_COUNT = (TODAY - FIRST_DAY).days
IST_OFFSET = pd.Timedelta(minutes=330)

SOURCES = ("app", "helpdesk", "demo")
DIMENSIONS = {
    "event_type": ("WEDDING", "BIRTHDAY", "UNKNOWN"),
    "order_band": ("UNDER_5K", "5K_TO_25K", "FROM_25K"),
    "language": ("en", "hi"),
    "tier": ("GOLD", "UNKNOWN"),
}
FACTS = ("fct_incidences", "fct_orders", "fct_sessions", "fct_prompts", "fct_agent_actions")
SELECTED = (
    "path:dbt_project/seeds",
    "path:dbt_project/models/staging/warehouse",
    "stg_ops__orders",
    "stg_files__orders",
    "stg_ops__recommendation_states",
    *(
        f"path:dbt_project/models/intermediate/{topic}"
        for topic in ("kpis", "experiments", "periods", "recommendations", "repeats", "restatements")
    ),
    "path:dbt_project/models/marts/kpis",
    "path:dbt_project/models/marts/reports",
)
"""Everything that is computed from facts, and what it reads beside them."""

Facts = dict[str, pd.DataFrame]


def random_facts(seed: int, sources: tuple[str, ...] = SOURCES, size: int = 300) -> Facts:
    """Incidences, orders, sessions, prompts and actions of eight weeks, `size` incidences and the rest in proportion."""
    rng = np.random.default_rng(seed)

    def picked(options: tuple[Any, ...], count: int, weights: tuple[float, ...] | None = None) -> np.ndarray:
        return rng.choice(np.array(options, dtype=object), count, p=weights)

    def times(count: int) -> pd.Series:
        seconds = rng.integers(0, DAY_COUNT * 86_400, count)
        return pd.Series(pd.Timestamp(FIRST_DAY) - IST_OFFSET + pd.to_timedelta(seconds, unit="s"))

    def frame(name: str, count: int, *dimensions: str) -> pd.DataFrame:
        rows = pd.DataFrame({name: [f"{name}-{number}" for number in range(count)]})
        rows["source"] = picked(sources, count)
        rows["is_demo"] = rows["source"] == "demo"
        rows["user_id"] = "user-" + rows["source"] + "-" + pd.Series(rng.integers(0, 12, count)).astype(str)
        for dimension in dimensions:
            rows[dimension] = picked(DIMENSIONS[dimension], count)
        return rows

    incidences = frame("incidence_id", size, *DIMENSIONS)
    incidences["stage"] = picked(("PRE_ORDER", "POST_ORDER"), size, (0.7, 0.3))
    incidences["first_channel"] = picked(("IN_APP_CHAT", "WHATSAPP", "CALL", "NONE"), size)
    incidences["channel"] = picked(("IN_APP_CHAT", "CALL"), size)
    incidences["merged_into"] = _where(rng.random(size) < 0.03, "incidence_id-0")
    incidences["created_at"] = times(size)
    incidences["is_closed"] = rng.random(size) < 0.85
    incidences["outcome"] = _where(incidences["is_closed"], picked(("RESOLVED", "DROPPED", "CONVERTED"), size))
    seconds = rng.integers(1, 900_000, size) / 1000
    incidences["time_to_resolve_seconds"] = np.where(incidences["is_closed"], seconds, np.nan)
    incidences["resolved_at"] = incidences["created_at"] + pd.to_timedelta(
        incidences["time_to_resolve_seconds"], unit="s"
    ).dt.round("ms")
    incidences["was_open"] = rng.random(size) < 0.7
    incidences["is_helped"] = rng.random(size) < 0.5
    incidences["credited_order_id"] = _where(
        incidences["is_helped"] & (incidences["stage"] == "PRE_ORDER") & (rng.random(size) < 0.4), "some order"
    )
    incidences["reopen_count"] = rng.integers(0, 3, size) // 2
    incidences["escalation_count"] = rng.integers(0, 4, size) // 2
    incidences["issue_category"] = picked(("PAYMENT_FAILURE", "MENU_CHOICE", "UNCLASSIFIED", "desk:Other"), size)
    incidences["app_screen"] = picked(("payment", "menu", "UNKNOWN"), size)
    incidences["order_impact"] = picked(("PLACED", "LOST"), size)
    incidences["lost_value_paise"] = np.where(
        incidences["order_impact"] == "LOST", rng.integers(100_000, 9_000_000, size), 0
    )
    incidences["discount_paise"] = rng.integers(0, 3, size) * 5_000
    incidences["cx_cost_paise"] = incidences["discount_paise"] + rng.integers(0, 20_000, size)

    orders = frame("order_id", size * 2, *DIMENSIONS)
    orders["placed_at"] = times(len(orders))
    orders["is_cancelled"] = rng.random(len(orders)) < 0.1
    for column, share in (("is_assisted_1_day", 0.1), ("is_assisted", 0.2), ("is_assisted_7_days", 0.3)):
        orders[column] = rng.random(len(orders)) < share

    sessions = frame("session_id", size, "language", "tier")
    sessions["started_at"] = times(size)
    sessions["is_visit"] = rng.random(size) < 0.9
    sessions["reached_checkout"] = rng.random(size) < 0.4
    sessions["is_over_threshold"] = rng.random(size) < 0.15

    prompts = frame("prompt_id", size // 2).query("source in ('app', 'demo')").reset_index(drop=True)
    prompts["due_at"] = times(len(prompts))
    prompts["is_holdout"] = prompts["user_id"].str.endswith(("0", "3", "7"))

    actions = frame("action_id", size // 2)
    actions["incidence_id"] = rng.choice(incidences["incidence_id"][incidences["merged_into"].isna()], len(actions))
    actions["is_allowed"] = rng.random(len(actions)) < 0.9
    actions["acted_at"] = times(len(actions))

    facts: Facts = {
        "fct_incidences": incidences,
        "fct_orders": orders,
        "fct_sessions": sessions,
        "fct_prompts": prompts,
        "fct_agent_actions": actions,
    }
    for rows in facts.values():
        for column in [name for name in map(str, rows) if name.endswith("_at")]:
            rows[f"{column.removesuffix('_at')}_date"] = (rows[column] + IST_OFFSET).dt.date
    return facts


def _where(condition: pd.Series | np.ndarray, value: object) -> np.ndarray:
    """The value (or its element) where the condition holds, else None."""
    return np.where(condition, np.array(value, dtype=object), np.array(None, dtype=object))


def write_warehouse(path: Path, facts: Facts, *, as_of: datetime = AS_OF, version: str = "v00000001") -> None:
    """A new warehouse file with empty raw tables and the facts as the tables of schema `marts` that models refer to."""
    path.unlink(missing_ok=True)
    with duckdb.connect(path) as connection:
        create_raw_schema(connection)
        connection.execute(
            "insert into raw.build by name select $version as build_id, $version as version, "
            "cast($as_of as timestamp) as as_of, 1 as extract_no, true as is_full_refresh, 'code' as code_hash, "
            "1 as schema_version",
            {"version": version, "as_of": as_of.replace(tzinfo=None)},
        )
        connection.execute("create schema marts")
        for name in FACTS:
            _create_fact(connection, name)
            write_fact(connection, name, facts[name])


def follow(path: Path, base: Path, *, extract_no: int) -> None:
    """Tell a new warehouse what the version before had published, and that it was read up to the extract before."""
    with duckdb.connect(path) as connection:
        connection.execute(f"attach '{base}' as base (read_only)")
        for name in ("analytics_daily", "restatements", "published_versions"):
            connection.execute(f"insert into raw.previous_{name} by name from base.marts.{name}")
        connection.execute(
            "insert into raw.extracts by name select extract_no, as_of from base.raw.build "
            "union all select $extract_no as extract_no, as_of from raw.build",
            {"extract_no": extract_no},
        )
        connection.execute("update raw.build set extract_no = $extract_no", {"extract_no": extract_no})


def write_fact(connection: duckdb.DuckDBPyConnection, name: str, rows: pd.DataFrame) -> None:
    """Replace a fact table's rows; columns that `rows` lacks are null."""
    known = {row[0] for row in connection.execute(f"describe marts.{name}").fetchall()}
    chosen = rows[[column for column in rows if column in known]]
    connection.register("chosen", chosen)
    connection.execute(f"delete from marts.{name}")
    connection.execute(f"insert into marts.{name} by name select * from chosen")
    connection.unregister("chosen")


def _create_fact(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """The table as its contract says."""
    contract = yaml.safe_load((ROOT / f"dbt_project/models/marts/core/{name}.yml").read_text())
    columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in contract["models"][0]["columns"])
    connection.execute(f"create table marts.{name} ({columns})")


def build_kpis(path: Path, workshop: Path, *, is_tested: bool = True) -> None:
    """Run seeds, KPI models and, if `is_tested`, their data tests over the facts. Fails with dbt's words.

    The work is done at one path, or dbt would parse the whole project anew for each.
    """
    skipped = ["unit_test"] if is_tested else ["unit_test", "test"]
    arguments = ["--quiet", "--no-use-colors", "build", "--select", *SELECTED, "--exclude-resource-type", *skipped]
    places = {
        "--project-dir": ROOT,
        "--profiles-dir": ROOT / "dbt_project",
        "--target-path": workshop / "target",
        "--log-path": workshop / "logs",
    }
    building = path.replace(workshop / "warehouse.duckdb")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", *arguments, "--indirect-selection", "cautious"]
        + [str(word) for place in places.items() for word in place],
        env=os.environ | {"SUPPORTLED_DBT_PATH": str(building)},
        capture_output=True,
        text=True,
        check=False,
    )
    building.replace(path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def date_of_period(day: date, period: str) -> date:
    """First day of the DAY, WEEK or MONTH that a day lies in."""
    if period == "WEEK":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "MONTH" else day
