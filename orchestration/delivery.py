"""What leaves the pipeline: the published version, and the weekly friction report."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from orchestration.building import publish_built
from orchestration.checks import mart_key
from orchestration.ingest import POOL
from orchestration.resources import building_of
from store import clock
from store.clock import IST
from store.published.periods import iso_week_name
from store.settings import Settings

OWNERS = ["team:product-analytics"]
GROUP = "delivery"
PUBLISHED = dg.AssetKey(["delivery", "published_warehouse"])
REPORT = dg.AssetKey(["delivery", "weekly_friction_report"])
DELIVERIES = dg.AssetKey(["delivery", "report_deliveries"])
WEEK = {
    "week": dg.Field(
        str, is_required=False, description="An ISO week such as 2026-W47; by default the last that ended."
    )
}


def published_warehouse(marts: Sequence[str]) -> dg.AssetsDefinition:
    """The published version; needs every mart, and every check that blocks."""

    @dg.asset(
        key=PUBLISHED,
        deps=[mart_key(mart) for mart in marts],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb"},
        pool=POOL,
        required_resource_keys={"building"},
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=2), warn_window=timedelta(minutes=45)
        ),
        description="The marts alone in an immutable file that readers move on to by one rename of a link.",
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        building = building_of(context)
        with building.step("publish"):
            publish_built(building)
        rows = {name: table.row_count for name, table in building.tables.items()}
        identity = building.identity
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(rows.values()),
                "version": building.version,
                "as_of": identity.as_of if identity else None,
                "rows by table": rows,
            }
        )

    return published


def weekly_report(settings: Settings) -> dg.AssetsDefinition:
    """The report of an ISO week."""

    @dg.asset(
        key=REPORT,
        deps=[PUBLISHED],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"html", "pdf", "excel"},
        config_schema=WEEK,
        description="The weekly friction report: top reasons, unresolved repeats, costs, self-serve rate, recommendations.",
    )
    def weekly_friction_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        # What writes paper takes a second to import; the pages of Dagster need not wait for it.
        from orchestration.reports import write_weekly_report

        written = write_weekly_report(settings, week=week_of(context))
        return dg.MaterializeResult(
            metadata={"files": [str(path) for path in written.files.values()], "left out": written.left_out}
        )

    return weekly_friction_report


def report_deliveries(settings: Settings) -> dg.AssetsDefinition:
    """The report of a week where people read it; nothing without `var/delivery.toml`."""

    @dg.asset(
        key=DELIVERIES,
        deps=[REPORT],
        group_name=GROUP,
        owners=OWNERS,
        config_schema=WEEK,
        # What was delivered is not delivered again, so the rest can be tried until a server is back.
        retry_policy=dg.RetryPolicy(max_retries=4, delay=60, backoff=dg.Backoff.EXPONENTIAL),
        description="The report in a folder, by mail and in chat, once for each week and destination.",
    )
    def deliveries(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from orchestration.deliveries import deliver

        delivered = deliver(settings, week_of(context))
        return dg.MaterializeResult(metadata={"now": delivered.now, "before": delivered.before})

    return deliveries


def week_of(context: dg.AssetExecutionContext) -> str:
    """The week a run is about."""
    return context.op_execution_context.op_config.get("week") or week_before(clock.now())


def week_before(at: datetime) -> str:
    """The ISO week that had ended at this instant, in Indian time."""
    return iso_week_name(at.astimezone(IST).date() - timedelta(days=7))
