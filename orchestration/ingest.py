"""How facts come in: the extract of the operational store, files from `var/landing`, and schema `raw` of the warehouse."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from ingestion.contracts import BOOK_KEEPING, FILE, OPERATIONAL
from ingestion.extract import ExtractFailed, run_extract
from orchestration.building import Building, land_raw
from orchestration.dbt import require_room
from orchestration.duck import open_file, quoted
from orchestration.problems import BuildFailed
from orchestration.resources import building_of

OWNERS = ["team:data-engineering"]
GROUP = "ingestion"
POOL = "warehouse"
"""One step at a time in all of Dagster; the file lock decides between processes (orchestration/locks.py)."""

EXTRACT = dg.AssetKey(["ingestion", "operational_extract"])
FILES = dg.AssetKey(["ingestion", "landing_files"])
"""The two sources."""


@dg.asset(
    key=EXTRACT,
    # Orders and users of files reach the operational store too, and then belong into this extract.
    deps=[FILES],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"parquet"},
    pool=POOL,
    required_resource_keys={"building"},
    description="What changed in the operational store since the last extract: every table of one instant, personal data left behind, "
    "as immutable Parquet with counts, sums and hashes.",
)
def operational_extract(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    building = building_of(context)
    with building.step("extract"):
        try:
            result = run_extract(building.settings)
        except ExtractFailed as error:
            require_room(str(error))
            raise BuildFailed(
                str(error), "Is the operational store there? ./supportled doctor looks; then build again."
            ) from error
    rows = {name: table.row_count for name, table in result.manifest.tables.items()}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(rows.values()),
            "as_of": result.manifest.as_of.isoformat(),
            "extract_no": result.manifest.extract_no,
            "is_full": result.is_full,
            "rows by table": {name: count for name, count in rows.items() if count},
        }
    )


@dg.asset(
    key=FILES,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv", "parquet"},
    pool=POOL,
    required_resource_keys={"building"},
    description="Files dropped into var/landing, loaded through their declared mappings; rows that do not fit are kept with the reason.",
)
def landing_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    from ingestion.files import import_landing

    building = building_of(context)
    with building.step("files"):
        imported = import_landing(building.settings)
    refused = [file.path.name for file in imported if file.result is None]
    if refused:
        building.say(f"files that could not be imported, with the reason beside them: {', '.join(refused)}")
    return dg.MaterializeResult(metadata={"files": len(imported), "refused files": refused})


def raw_tables(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Schema `raw` of the building file: one asset for each table that dbt reads."""
    tables = {
        source["name"]: dg.AssetKey([source["source_name"], source["name"]])
        for source in manifest["sources"].values()
        if source["schema"] == "raw"
    }
    specs = [
        dg.AssetSpec(
            key,
            deps=[EXTRACT] if table in OPERATIONAL else [FILES] if table in FILE else [EXTRACT, FILES],
            group_name="raw",
            owners=OWNERS,
            kinds={"duckdb"},
            description=_description(manifest, table),
        )
        for table, key in sorted(tables.items())
    ]

    @dg.multi_asset(name="land_raw", specs=specs, pool=POOL, required_resource_keys={"building"})
    def land(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        building = building_of(context)
        with building.step("land"):
            landed = land_raw(building)
            counts = row_counts(building, tables)
        for table, key in sorted(tables.items()):
            metadata = {"dagster/row_count": counts[table], "landed rows": landed.get(table, 0)}
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return land


def row_counts(building: Building, tables: Mapping[str, object]) -> dict[str, int]:
    with open_file(building.file, read_only=True) as connection:
        counts = {}
        for table in tables:
            row = connection.execute(f"select count(*) from raw.{quoted(table)}").fetchone()
            counts[table] = int(row[0]) if row else 0
    return counts


def _description(manifest: Mapping[str, Any], table: str) -> str:
    described = [source["description"] for source in manifest["sources"].values() if source["name"] == table]
    if described and described[0]:
        return described[0]
    return "Book-keeping of landing and build." if table in BOOK_KEEPING else "Landed facts."
