"""Opening a published version. Files are immutable, so a reader keeps what it opened while newer versions appear."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from store.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 2
"""What this code reads. A published file of another schema is refused, never half understood."""

FILE_NAME = "warehouse.duckdb"
MANIFEST_NAME = "manifest.json"


class WarehouseUnavailable(Exception):
    """There is nothing to read now; `code` is stable, `remedy` says what to do."""

    code = "warehouse_unavailable"
    remedy = "Run ./supportled build."


class NoPublishedWarehouse(WarehouseUnavailable):
    code = "no_published_warehouse"
    remedy = "Run ./supportled build; the first version is published when its checks pass."


class WarehouseOutOfDate(WarehouseUnavailable):
    code = "warehouse_out_of_date"
    remedy = "Run ./supportled build --full-refresh, so that the published version fits this release."


class Published:
    """One open version. Close it, or use it as a context manager."""

    def __init__(self, directory: Path) -> None:
        """Open the version in `directory` read-only, or raise `WarehouseUnavailable`."""
        manifest = json.loads((directory / MANIFEST_NAME).read_text(encoding="utf-8"))
        if manifest["schema_version"] != SCHEMA_VERSION:
            raise WarehouseOutOfDate(
                f"Version {manifest['version']} has schema {manifest['schema_version']}; this release reads {SCHEMA_VERSION}."
            )
        self.directory = directory
        self.manifest: Mapping[str, Any] = manifest
        self.version: str = manifest["version"]
        self.schema_version: int = manifest["schema_version"]
        self._connection = duckdb.connect(
            str(directory / FILE_NAME), read_only=True, config={"threads": 2, "memory_limit": "1GB"}
        )
        row = self.query("select as_of, is_demo from marts.data_as_of")[0]
        self.as_of: datetime = row["as_of"].replace(tzinfo=UTC)
        self.is_demo: bool = row["is_demo"]

    def query(
        self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None
    ) -> list[dict[str, Any]]:
        """Rows as dicts by column name. Safe from several threads: each call has a cursor of its own."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def frame(self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None) -> "pd.DataFrame":
        """The same as a pandas frame, for notebooks."""
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, parameters).df()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of one's own, for COPY and other statements without a result."""
        return self._connection.cursor()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def current_version(settings: Settings) -> str | None:
    """The version that `current` names now, None before the first publish. Costs one readlink."""
    try:
        return settings.current_link.readlink().name
    except OSError:
        return None


def current_as_of(settings: Settings) -> datetime | None:
    """Up to when the current version has every fact, without opening it; None before the first publish."""
    try:
        manifest = json.loads((settings.current_link / MANIFEST_NAME).read_text(encoding="utf-8"))
    except OSError:
        return None
    return datetime.fromisoformat(manifest["as_of"])


def open_current(settings: Settings) -> Published:
    """Open the current version; raises `NoPublishedWarehouse` or `WarehouseOutOfDate`."""
    # A version may be removed between reading the link and opening it; the next look finds its successor.
    for _ in range(3):
        version = current_version(settings)
        if version is None:
            raise NoPublishedWarehouse("No warehouse has been published yet.")
        try:
            return Published(settings.published_dir / version)
        except (FileNotFoundError, duckdb.IOException):
            if current_version(settings) == version:
                raise
    raise NoPublishedWarehouse("The published version changed while it was being opened.")


def open_version(settings: Settings, version: str) -> Published:
    """Open a certain version; raises `NoPublishedWarehouse` if it is not kept any more."""
    directory = settings.published_dir / version
    if Path(version).name != version or not (directory / MANIFEST_NAME).is_file():
        raise NoPublishedWarehouse(f"Version {version} is not here: only the last three and pinned ones are kept.")
    return Published(directory)
