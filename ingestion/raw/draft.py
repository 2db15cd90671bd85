"""Writing a directory of `var/raw`: under a temporary name until it is complete, then numbered and renamed at once."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.contracts import RAW, RawTable
from ingestion.raw.manifest import (
    MANIFEST,
    FileOrigin,
    Kind,
    Manifest,
    TableManifest,
    directories,
    directory_name,
    file_sha256,
)
from store.settings import Settings

_PARTIAL = ".partial-"
_PARQUET_OPTIONS = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE 122880"


@dataclass(slots=True)
class Draft:
    """A directory being written. Nobody sees it before `commit`; if that is never reached, nothing is left of it."""

    settings: Settings
    directory: Path
    tables: dict[str, TableManifest] = field(default_factory=dict)
    committed: Manifest | None = None

    def write(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        query: str,
        expected: Mapping[str, int] | None = None,
    ) -> TableManifest:
        """Store what `query` gives as the rows of `raw.<table>`, cast to the contract's types, in the query's order.

        `expected` is `row_count` and the sums as the source itself counted them; without it they are counted in the
        file. A column of the contract that the query lacks is an error of DuckDB that names it.
        """
        contract = RAW[table]
        path = self.directory / f"{table}.parquet"
        columns = ", ".join(f'cast("{name}" AS {kind}) AS "{name}"' for name, kind in contract.columns.items())
        connection.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{quoted(path)}' ({_PARQUET_OPTIONS})")
        return self.add(table, path, expected or measure(connection, contract, f"read_parquet('{quoted(path)}')"))

    def add(self, table: str, path: Path, measures: Mapping[str, int]) -> TableManifest:
        """Note a Parquet file that was written into the directory, with the `row_count` and sums it must have."""
        contract = RAW[table]
        sums = {name: measures[name] for name in contract.sums}
        _sync(path)
        entry = TableManifest(path.name, contract.key, measures["row_count"], sums, file_sha256(path))
        self.tables[table] = entry
        return entry

    def commit(
        self,
        kind: Kind,
        as_of: datetime,
        *,
        store_id: str | None = None,
        cursor: Mapping[str, Any] | None = None,
        file: FileOrigin | None = None,
    ) -> Manifest:
        """Give the directory the next number and its final name, durably. Numbers follow the order of commits."""
        with _lock(self.settings.raw_dir):
            numbers = [number for number, _ in directories(self.settings.raw_dir)]
            extract_no = max(numbers, default=0) + 1
            final = self.settings.raw_dir / directory_name(extract_no, kind)
            manifest = Manifest(
                extract_no, kind, as_of, store_id, dict(cursor or {}), file, dict(sorted(self.tables.items())), final
            )
            path = self.directory / MANIFEST
            path.write_text(manifest.to_json(), "utf-8")
            _sync(path)
            _sync(self.directory)
            self.directory.rename(final)
            _sync(self.settings.raw_dir)
        self.committed = manifest
        return manifest


@contextmanager
def drafting(settings: Settings) -> Iterator[Draft]:
    """A new directory to write into; it vanishes unless it is committed. Leftovers of dead processes are removed."""
    settings.raw_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = settings.raw_dir / f"{_PARTIAL}{uuid.uuid4().hex}"
    with _lock(settings.raw_dir):
        _remove_abandoned(settings.raw_dir.glob(f"{_PARTIAL}*"))
        directory.mkdir()
        alive = os.open(directory, os.O_RDONLY)
        # The kernel drops this lock with the process, however that ends: an unlocked leftover is nobody's.
        fcntl.flock(alive, fcntl.LOCK_EX)
    draft = Draft(settings, directory)
    try:
        yield draft
    finally:
        if draft.committed is None:
            shutil.rmtree(directory, ignore_errors=True)
        os.close(alive)


def measure(connection: duckdb.DuckDBPyConnection, table: RawTable, relation: str) -> dict[str, int]:
    """`row_count` and the contract's sums of a relation, as whole numbers."""
    measures = ["count(*)", *(f'coalesce(sum("{name}"), 0)' for name in table.sums)]
    (row,) = connection.execute(f"SELECT {', '.join(measures)} FROM {relation}").fetchall()
    return dict(zip(("row_count", *table.sums), map(int, row), strict=True))


def quoted(value: object) -> str:
    """A text for use between single quotes in SQL."""
    return str(value).replace("'", "''")


@contextmanager
def _lock(raw_dir: Path) -> Iterator[None]:
    with (raw_dir / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_abandoned(directories: Iterable[Path]) -> None:
    for directory in directories:
        handle = os.open(directory, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
