"""Publishing: the marts alone go into a new file, and one rename lets readers see it.

Before the rename nobody sees anything of the new version; after it the version is complete and on disk. There is no
moment in between, so a build may die at any point (docs/decisions/publishing.md).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import duckdb

from orchestration.duck import literal, open_file, quoted, table_names
from orchestration.problems import BuildFailed
from orchestration.versions import prune, sync_directory, sync_file, write_durably
from store.published.versions import FILE_NAME, MANIFEST_NAME
from store.settings import Settings

STATE_NAME = "state.json"
"""Beside a private warehouse: what the next build needs to know before it trusts the file."""

ROW_ORDER = {
    # By user, for look-ups of one user's history.
    "fct_incidences": "user_id, created_at, incidence_id",
    "fct_incidence_events": "incidence_id, event_no, event_id",
    # By time, for periods: DuckDB skips the row groups of other days.
    "fct_friction_signals": "recorded_at, seq, signal_id",
    "fct_friction_scores": "evaluated_at, score_id",
    "fct_sessions": "started_at, session_id",
    "fct_orders": "placed_at, order_id",
}
"""How rows lie in the published file. Tables that are not named are ordered by all their columns."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a build is, fixed before dbt runs; it goes into `raw.build`, the manifest and the state."""

    build_id: str
    version: str
    as_of: str
    """UTC, ISO-8601 with Z: every fact committed before this instant is in."""
    extract_no: int
    base_version: str | None
    is_full_refresh: bool
    code_hash: str
    schema_version: int


@dataclass(frozen=True, slots=True)
class PrivateState:
    """What a private warehouse was built from, and its hash."""

    extract_no: int
    code_hash: str
    schema_version: int
    as_of: str
    sha256: str

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Raises OSError, ValueError or TypeError if there is none or it makes no sense."""
        return cls(**json.loads((directory / STATE_NAME).read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class TableContent:
    row_count: int
    content_hash: str
    """Of the rows as a bag: equal for equal rows, in whatever order they lie."""


def publish(
    settings: Settings,
    building: Path,
    identity: Identity,
    *,
    on_step: Callable[[str], None] = lambda _step: None,
) -> dict[str, TableContent]:
    """Publish the warehouse in the directory `building` and keep it as the base of the next build.

    `on_step` is told the name of each step as it begins. Raises `BuildFailed` if what was written is not what was
    built; nothing is visible then. Returns what each published table holds.
    """
    version = identity.version
    fresh = building / "published"
    on_step("write tables")
    fresh.mkdir()
    expected = write_marts(building / FILE_NAME, fresh / FILE_NAME)
    on_step("read them back")
    tables = read_contents(fresh / FILE_NAME)
    require_equal_counts(expected, {name: table.row_count for name, table in tables.items()})
    on_step("write manifest")
    write_manifest(fresh, identity, tables)
    on_step("sync the published file")
    for path in (fresh / FILE_NAME, fresh / MANIFEST_NAME, fresh):
        sync_file(path)
    on_step("seal the private file")
    seal_private(building, identity)
    on_step("place the published directory")
    settings.published_dir.mkdir(parents=True, exist_ok=True)
    fresh.rename(settings.published_dir / version)
    sync_directory(settings.published_dir)
    on_step("place the private directory")
    settings.private_dir.mkdir(parents=True, exist_ok=True)
    settings.private_dir.chmod(0o700)
    building.rename(settings.private_dir / version)
    sync_directory(settings.private_dir)
    on_step("prepare the link")
    link = settings.warehouse_dir / f".current.{version}"
    link.symlink_to(Path(settings.published_dir.name) / version)
    on_step("move the link")
    link.replace(settings.current_link)
    on_step("sync the link")
    sync_directory(settings.warehouse_dir)
    on_step("remove old versions")
    prune(settings)
    on_step("done")
    return tables


def write_marts(source: Path, target: Path) -> dict[str, int]:
    """Copy every table of schema `marts` into a new file, rows in their set order. Returns the rows each has."""
    with open_file(target) as connection:
        connection.execute(f"attach {literal(source)} as built (read_only)")
        connection.execute("create schema marts")
        names = table_names(connection, "marts", "built")
        if not names:
            raise BuildFailed("the build made no marts", "See what dbt said: ./supportled build shows it.")
        for name in names:
            table = f"marts.{quoted(name)}"
            connection.execute(f"create table {table} as select * from built.{table} order by {row_order(name)}")
        counts = {name: _row_count(connection, f"built.marts.{quoted(name)}") for name in names}
        connection.execute("detach built")
    return counts


def row_order(table: str) -> str:
    return ROW_ORDER.get(table, "all")


def read_contents(path: Path, schema: str = "marts") -> dict[str, TableContent]:
    """Row count and content hash of each table of a warehouse file."""
    with open_file(path, read_only=True) as connection:
        return {
            name: _content(connection, f"{quoted(schema)}.{quoted(name)}") for name in table_names(connection, schema)
        }


def content_hash(tables: dict[str, TableContent]) -> str:
    """One hash of all tables: two versions with the same facts have the same."""
    lines = [f"{name} {table.row_count} {table.content_hash}" for name, table in sorted(tables.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def require_equal_counts(built: dict[str, int], published: dict[str, int]) -> None:
    if built != published:
        changed = sorted(name for name in built.keys() | published.keys() if built.get(name) != published.get(name))
        raise BuildFailed(
            f"the published file differs from what was built: {', '.join(changed)}",
            "Check the disk (./supportled doctor), then build again.",
        )


def write_manifest(directory: Path, identity: Identity, tables: dict[str, TableContent]) -> None:
    file = directory / FILE_NAME
    with open_file(file, read_only=True) as connection:
        definitions = definition_versions(connection)
    manifest: dict[str, Any] = {
        **asdict(identity),
        "definition_versions": definitions,
        "content_hash": content_hash(tables),
        "tables": {name: asdict(table) for name, table in tables.items()},
        "file": {"name": FILE_NAME, "bytes": file.stat().st_size, "sha256": sha256_of(file)},
    }
    write_durably(directory / MANIFEST_NAME, json.dumps(manifest, indent=2) + "\n")


def definition_versions(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Metric → version of its definition, as the catalogue of this build has it."""
    if "dim_kpis" not in table_names(connection, "marts"):
        return {}
    rows = connection.execute("select metric, max(definition_version) from marts.dim_kpis group by all order by all")
    return dict(rows.fetchall())


def seal_private(building: Path, identity: Identity) -> None:
    """Make the building file ready to be a base: readable by its owner alone, synced, its hash beside it."""
    file = building / FILE_NAME
    if file.with_name(f"{FILE_NAME}.wal").exists():
        with open_file(file):
            pass  # Opening and closing it puts what is in the .wal into the file.
    file.chmod(0o600)
    sync_file(file)
    state = PrivateState(
        identity.extract_no, identity.code_hash, identity.schema_version, identity.as_of, sha256_of(file)
    )
    write_durably(building / STATE_NAME, json.dumps(asdict(state)) + "\n")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _content(connection: duckdb.DuckDBPyConnection, table: str) -> TableContent:
    row = connection.execute(f"select count(*), coalesce(sum(hash(t)), 0) from {table} as t").fetchone()
    count, total = row or (0, 0)
    return TableContent(int(count), f"{int(total) % 2**128:032x}")
