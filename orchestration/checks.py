"""Reconciliation: what readers would see is what was extracted. Blocks the publish; dbt's own tests are checks too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
import duckdb

from orchestration.duck import open_file
from orchestration.ingest import POOL
from orchestration.resources import building_of


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A mart against the raw rows it comes from: two queries that each give one row, which must be equal."""

    mart: str
    says: str
    raw_sql: str
    mart_sql: str


def _both(live: str, file: str, columns: str) -> str:
    """Live rows and file rows; of one (source, source_id) the live one counts."""
    return (
        f"(select {columns} from raw.{live} union all select {columns} from raw.{file} as f where not exists "
        f"(select 1 from raw.{live} as l where l.source = f.source and l.source_id = f.source_id))"
    )


RECONCILIATIONS = (
    Reconciliation(
        "fct_incidences",
        "Every incidence once, each with its order value",
        f"select count(*), coalesce(sum(order_value_paise), 0) from {_both('incidences', 'file_incidences', 'order_value_paise')}",
        "select count(*), coalesce(sum(order_value_paise), 0) from marts.fct_incidences",
    ),
    Reconciliation(
        "fct_orders",
        "Every order once, to the paisa",
        f"select count(*), coalesce(sum(value_paise), 0) from {_both('orders', 'file_orders', 'value_paise')}",
        "select count(*), coalesce(sum(value_paise), 0) from marts.fct_orders",
    ),
    Reconciliation(
        "fct_friction_signals",
        "Every signal once, with its value",
        "select count(*), round(coalesce(sum(value), 0)) from "
        "(select value from raw.friction_signals union all select value from raw.file_signals)",
        "select count(*), round(coalesce(sum(value), 0)) from marts.fct_friction_signals",
    ),
    Reconciliation(
        "fct_agent_actions",
        "Every agent action once",
        "select count(*) from raw.agent_actions",
        "select count(*) from marts.fct_agent_actions",
    ),
    Reconciliation(
        "fct_prompts",
        "Every prompt once",
        "select count(*) from raw.prompts",
        "select count(*) from marts.fct_prompts",
    ),
    Reconciliation(
        "fct_webhook_deliveries",
        "Every webhook and every message of ours once, repeats counted",
        "select (select count(*) from raw.outbox) + count(*), coalesce(sum(duplicate_count), 0) from raw.webhook_events",
        "select coalesce(sum(message_count), 0), coalesce(sum(duplicate_count), 0) from marts.fct_webhook_deliveries",
    ),
)

LANDED = "select table_name, measure, extract_no, expected, landed from raw.reconciliation where expected is distinct from landed"


def differences(connection: duckdb.DuckDBPyConnection, reconciliation: Reconciliation) -> tuple[object, object] | None:
    """What raw and mart say when they differ."""
    raw = connection.execute(reconciliation.raw_sql).fetchone()
    mart = connection.execute(reconciliation.mart_sql).fetchone()
    return None if raw == mart else (raw, mart)


def mart_key(mart: str) -> dg.AssetKey:
    return dg.AssetKey(["marts", mart])


def reconciliation_checks(marts: Sequence[str]) -> dg.AssetChecksDefinition:
    """One blocking check for each mart that stands for raw rows one to one."""
    known = [reconciliation for reconciliation in RECONCILIATIONS if reconciliation.mart in marts]

    @dg.multi_asset_check(
        name="reconciliation",
        specs=[
            dg.AssetCheckSpec("reconciliation", asset=mart_key(each.mart), description=each.says, blocking=True)
            for each in known
        ],
        pool=POOL,
        required_resource_keys={"building"},
    )
    def reconcile(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        building = building_of(context)
        with building.step("reconcile"), open_file(building.file, read_only=True) as connection:
            not_landed = connection.execute(LANDED).fetchall()
            for each in known:
                difference = differences(connection, each)
                yield dg.AssetCheckResult(
                    check_name="reconciliation",
                    asset_key=mart_key(each.mart),
                    passed=difference is None and not not_landed,
                    metadata={
                        "raw": str(difference[0]) if difference else "equal",
                        "mart": str(difference[1]) if difference else "equal",
                        "not landed": str(not_landed),
                    },
                )

    return reconcile
