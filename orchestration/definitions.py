"""The pipeline as Dagster sees it: `dg dev` and `supportled up` open this, `supportled build` runs the same job."""

import json

import dagster as dg

from orchestration.checks import reconciliation_checks
from orchestration.dbt import manifest_path
from orchestration.delivery import published_warehouse, report_deliveries, weekly_report
from orchestration.ingest import landing_files, operational_extract, raw_tables
from orchestration.resources import Log, building_resource
from orchestration.schedules import automations, jobs
from orchestration.warehouse import warehouse_assets
from store.settings import Settings


def definitions(settings: Settings, say: Log | None = None) -> dg.Definitions:
    """From source to report. Parses the dbt project if that was never done; needs no warehouse."""
    manifest_file = manifest_path(settings)
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    marts = sorted(node["alias"] for node in manifest["nodes"].values() if node["schema"] == "marts" and is_built(node))
    return dg.Definitions(
        assets=[
            operational_extract,
            landing_files,
            raw_tables(manifest),
            warehouse_assets(manifest_file),
            published_warehouse(marts),
            weekly_report(settings),
            report_deliveries(settings),
        ],
        asset_checks=[reconciliation_checks(marts)],
        jobs=jobs(),
        schedules=[each for each in automations(settings) if isinstance(each, dg.ScheduleDefinition)],
        sensors=[each for each in automations(settings) if isinstance(each, dg.SensorDefinition)],
        resources={"building": building_resource(settings, say)},
        executor=dg.in_process_executor,
    )


def is_built(node: dict[str, str]) -> bool:
    return node["resource_type"] == "model"


@dg.definitions
def defs() -> dg.Definitions:
    return definitions(Settings.from_environment())
