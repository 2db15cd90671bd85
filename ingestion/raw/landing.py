"""From manifests to schema `raw`: upsert by key, take out what was deleted, and write down what should have landed."""

from dataclasses import dataclass, field
from datetime import UTC

import duckdb

from ingestion.contracts import OPERATIONAL, RAW, RawTable
from ingestion.raw.draft import measure, quoted
from ingestion.raw.manifest import Manifest, RawIsDamaged, file_sha256, pending
from store.settings import Settings

REMOVING_REASONS = ("ERASURE", "DEMO_RESET", "CORRECTION")
"""Reasons of a deletion that take the row out of the warehouse too. RETENTION keeps it."""


class RawSchemaIsOutdated(Exception):
    """A table of schema `raw` was made by other code; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class LandingResult:
    """What one landing did. `differences` says which measures are not as the source counted them."""

    extract_no: int
    """The highest landed number; 0 if nothing has ever come."""
    landed: tuple[int, ...] = ()
    row_counts: dict[str, int] = field(default_factory=dict)
    differences: tuple[str, ...] = ()


def create_raw_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every table of schema `raw` that is not there yet, empty.

    Raises RawSchemaIsOutdated if one is there with other columns.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
    for table in RAW.values():
        columns = ", ".join(f'"{name}" {kind}' for name, kind in _columns(table).items())
        connection.execute(f'CREATE TABLE IF NOT EXISTS raw."{table.name}" ({columns})')
    _check_columns(connection)


def land(connection: duckdb.DuckDBPyConnection, settings: Settings, upto: int | None = None) -> LandingResult:
    """Bring every manifest that has not landed yet (up to and with number `upto`) into schema `raw`, in order.

    One transaction per manifest. Landing twice changes nothing. Raises RawIsDamaged if a file is not what its manifest
    says.
    """
    create_raw_schema(connection)
    highest = _highest(connection)
    row_counts: dict[str, int] = {}
    landed: list[int] = []
    for manifest in pending(settings, highest, upto):
        _land_manifest(connection, manifest)
        landed.append(manifest.extract_no)
        for name, table in manifest.tables.items():
            row_counts[name] = row_counts.get(name, 0) + table.row_count
    return LandingResult(_highest(connection), tuple(landed), row_counts, _differences(connection, landed))


def _land_manifest(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    for name, table in manifest.tables.items():
        path = manifest.parquet_path(name)
        if not path.is_file() or file_sha256(path) != table.sha256:
            raise RawIsDamaged(f"{path} is missing or changed since it was written: restore it from a backup")
    connection.execute("BEGIN")
    try:
        _remove_deleted(connection, manifest)
        for name in sorted(manifest.tables):
            _upsert(connection, manifest, RAW[name])
        _note(connection, manifest)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _remove_deleted(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Before the rows come in: a row that is in the same extract as its deletion was made anew after it."""
    if "deletions" not in manifest.tables or not manifest.tables["deletions"].row_count:
        return
    deletions = f"read_parquet('{quoted(manifest.parquet_path('deletions'))}')"
    reasons = ", ".join(f"'{reason}'" for reason in REMOVING_REASONS)
    affected = connection.execute(
        f"SELECT DISTINCT table_name FROM {deletions} WHERE reason IN ({reasons}) ORDER BY table_name"
    ).fetchall()
    for (name,) in affected:
        if name not in OPERATIONAL:
            continue
        row_key = " || '/' || ".join(f'cast(t."{column}" AS VARCHAR)' for column in OPERATIONAL[name].key)
        connection.execute(
            f'DELETE FROM raw."{name}" AS t USING (SELECT row_key FROM {deletions} '
            f"WHERE table_name = ? AND reason IN ({reasons})) AS d WHERE {row_key} = d.row_key",
            [name],
        )


def _upsert(connection: duckdb.DuckDBPyConnection, manifest: Manifest, table: RawTable) -> None:
    if not manifest.tables[table.name].row_count:
        return
    source = f"read_parquet('{quoted(manifest.parquet_path(table.name))}')"
    target = f'raw."{table.name}"'
    if connection.execute(f"SELECT 1 FROM {target} LIMIT 1").fetchone():
        keys = ", ".join(f'"{name}"' for name in table.key)
        match = " AND ".join(f't."{name}" = n."{name}"' for name in table.key)
        connection.execute(f"DELETE FROM {target} AS t USING (SELECT {keys} FROM {source}) AS n WHERE {match}")
    stored = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    # A file written before a column was declared has no value for it.
    columns = ", ".join(f'"{name}"' if name in stored else f'NULL AS "{name}"' for name in table.columns)
    connection.execute(
        f"INSERT INTO {target} BY NAME SELECT {columns}, {manifest.extract_no} AS _extract_no FROM {source}"
    )


def _note(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    as_of = manifest.as_of.astimezone(UTC).replace(tzinfo=None)
    for name, expected in sorted(manifest.tables.items()):
        landed = measure(
            connection, RAW[name], f'(SELECT * FROM raw."{name}" WHERE _extract_no = {manifest.extract_no})'
        )
        wanted = {"row_count": expected.row_count, **expected.sums}
        connection.executemany(
            "INSERT INTO raw.reconciliation VALUES (?, ?, ?, ?, ?)",
            [[manifest.extract_no, name, measured, wanted[measured], landed.get(measured)] for measured in wanted],
        )
    connection.execute(
        "INSERT INTO raw.extracts VALUES (?, ?, ?, ?, ?)",
        [manifest.extract_no, manifest.kind, as_of, manifest.store_id, manifest.row_count],
    )
    if manifest.file:
        file = manifest.file
        connection.execute(
            "INSERT INTO raw.files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                manifest.extract_no,
                file.file_id,
                file.name,
                file.sha256,
                file.mapping,
                file.source,
                file.row_count,
                file.rejected_count,
                as_of,
            ],
        )


def _differences(connection: duckdb.DuckDBPyConnection, landed: list[int]) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT extract_no, table_name, measure, expected, landed FROM raw.reconciliation "
        "WHERE expected IS DISTINCT FROM landed AND list_contains(?, extract_no) ORDER BY ALL",
        [landed],
    ).fetchall()
    return tuple(
        f"extract {extract_no}, {table}, {name}: expected {expected}, landed {found}"
        for extract_no, table, name, expected, found in rows
    )


def _highest(connection: duckdb.DuckDBPyConnection) -> int:
    ((highest,),) = connection.execute("SELECT coalesce(max(extract_no), 0) FROM raw.extracts").fetchall()
    return highest


def _columns(table: RawTable) -> dict[str, str]:
    return {**table.columns, "_extract_no": "BIGINT"} if table.is_fact else dict(table.columns)


def _check_columns(connection: duckdb.DuckDBPyConnection) -> None:
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'raw' AND "
        "database_name = current_database() ORDER BY table_name, column_index"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    for table in RAW.values():
        if found[table.name] != _columns(table):
            raise RawSchemaIsOutdated(
                f"raw.{table.name} has other columns than this version declares: run `supportled build --full-refresh`"
            )
