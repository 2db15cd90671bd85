"""The dbt project as assets: every model with its group, owner, description and row count, every test as a check."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliInvocation, dbt_assets
from dagster_dbt.asset_utils import group_from_dbt_resource_props_fallback_to_directory
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from packaging.version import Version

from orchestration import dbt
from orchestration.building import Building
from orchestration.child import command
from orchestration.duck import open_file, quoted
from orchestration.ingest import POOL
from orchestration.problems import BuildFailed
from orchestration.resources import building_of


class Translator(DagsterDbtTranslator):
    """Names Dagster's groups and owners after those that the dbt project declares."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._owners = {group["name"]: group["owner"]["name"] for group in manifest["groups"].values()}

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The dbt group, else the folder."""
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        return group_from_dbt_resource_props_fallback_to_directory(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        owner = self._owners.get(self.get_group_name(dbt_resource_props) or "", "Data engineering")
        return [team(owner)]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Its own words; the SQL is a click away in the repository."""
        return dbt_resource_props.get("description") or dbt_resource_props["name"]


def team(owner: str) -> str:
    """`Data engineering` as Dagster writes an owner: `team:data-engineering`."""
    return "team:" + re.sub(r"\W+", "-", owner.strip().lower())


def warehouse_assets(manifest_file: Path) -> dg.AssetsDefinition:
    """Every seed and model of the dbt project, with its tests."""
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    translator = Translator(manifest)

    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=translator,
        exclude="resource_type:unit_test",
        name="dbt_build",
        pool=POOL,
        required_resource_keys={"building"},
    )
    def dbt_build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        building = building_of(context)
        if context.is_subset:
            raise BuildFailed("part of the warehouse cannot be built alone", "Run the job `build`.")
        made: list[dg.Output[Any]] = []
        with building.step("dbt"):
            invocation = start_dbt(building, manifest, translator, context)
            try:
                for event in invocation.stream():
                    # Nothing of a build that fails counts as made: what dbt made is told of when all of it is there.
                    if isinstance(event, dg.Output):
                        made.append(event)
                    else:
                        yield event
            except DagsterDbtCliRuntimeError as error:
                raise dbt_failed(building, error) from error
        counts = table_counts(building)
        for output in made:
            name = _table(manifest, output)
            count = {"dagster/row_count": counts[name]} if name in counts else {}
            yield dg.Output(output.value, output.output_name, metadata={**output.metadata, **count})

    return dbt_build


def start_dbt(
    building: Building, manifest: Mapping[str, Any], translator: Translator, context: dg.AssetExecutionContext
) -> DbtCliInvocation:
    """`dbt build` as a child that dies with this process."""
    # Or a dbt that dies early would be told of by the results of the build before.
    dbt.results_path(building.settings).unlink(missing_ok=True)
    arguments = dbt.build_arguments(full_refresh=building.is_full_refresh)
    # Without DbtCliResource, which asks `dbt --version` in another process each time.
    return DbtCliInvocation.run(
        args=command(dbt.DBT, *arguments),
        env=dbt.environment(building.settings) | {"DBT_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"},
        manifest=manifest,
        dagster_dbt_translator=translator,
        project_dir=dbt.PROJECT_DIR,
        target_path=dbt.target_dir(building.settings),
        raise_on_error=True,
        context=context,
        adapter=None,
        cli_version=Version(version("dbt-core")),
    )


def dbt_failed(building: Building, error: DagsterDbtCliRuntimeError) -> BuildFailed:
    """What dbt's results name; what it logged if it ended before it had any."""
    failed = dbt.failures(building.settings) or [
        dbt.last_words(str(error).rpartition("Errors parsed from dbt logs:")[2])
    ]
    dbt.require_room(" ".join(failed))
    more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    return BuildFailed(
        "dbt refused the data or could not compute it: " + "; ".join(failed[:5]) + more,
        f"Readers keep the last version. {building.settings.var_dir / 'logs' / 'dbt.log'} has every word; "
        "mend the facts at their source, or the model, and build again.",
    )


def table_counts(building: Building) -> dict[tuple[str, str], int]:
    """Rows of each table dbt made, by schema and name."""
    with open_file(building.file, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name <> 'raw' and not temporary"
        ).fetchall()
        counts = {}
        for schema, name in tables:
            row = connection.execute(f"select count(*) from {quoted(schema)}.{quoted(name)}").fetchone()
            counts[schema, name] = int(row[0]) if row else 0
    return counts


def _table(manifest: Mapping[str, Any], output: dg.Output[Any]) -> tuple[str, str]:
    node = manifest["nodes"][output.metadata["unique_id"].value]
    return node["schema"], node["alias"]
