"""What a directory of `var/raw` says about itself, and which directories there are."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from store.settings import Settings

Kind = Literal["OPS", "FILE"]
MANIFEST = "manifest.json"
_DIRECTORY = re.compile(r"(\d{8})-(ops|file)")


class RawIsDamaged(Exception):
    """A directory of `var/raw` is missing or not as its manifest says; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """The imported file that a FILE manifest came from."""

    file_id: str
    name: str
    sha256: str
    mapping: str
    source: str
    row_count: int
    rejected_count: int


@dataclass(frozen=True, slots=True)
class TableManifest:
    """One Parquet file: what it must hold, counted where it was read, and its hash. `key` replaces, later wins."""

    parquet: str
    key: tuple[str, ...]
    row_count: int
    sums: Mapping[str, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One extract or one imported file. `as_of`: every fact committed before it is in.

    `cursor` is where the next extract goes on, and holds only what that extract needs.
    """

    extract_no: int
    kind: Kind
    as_of: datetime
    store_id: str | None = None
    cursor: Mapping[str, Any] = field(default_factory=dict)
    file: FileOrigin | None = None
    tables: Mapping[str, TableManifest] = field(default_factory=dict)
    directory: Path = Path()

    @property
    def row_count(self) -> int:
        return sum(table.row_count for table in self.tables.values())

    def parquet_path(self, table: str) -> Path:
        return self.directory / self.tables[table].parquet

    def to_json(self) -> str:
        """The text of `manifest.json`: the same content gives the same bytes."""
        content = asdict(self)
        del content["directory"]
        content["as_of"] = self.as_of.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @staticmethod
    def from_directory(directory: Path) -> "Manifest":
        """Read it back. Raises RawIsDamaged if it cannot be read."""
        try:
            content = json.loads((directory / MANIFEST).read_text("utf-8"))
            tables = {
                name: TableManifest(**{**table, "key": tuple(table["key"])})
                for name, table in content["tables"].items()
            }
            return Manifest(
                **{
                    **content,
                    "as_of": datetime.fromisoformat(content["as_of"]),
                    "file": FileOrigin(**content["file"]) if content["file"] else None,
                    "tables": tables,
                    "directory": directory,
                }
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RawIsDamaged(
                f"{directory / MANIFEST} cannot be read ({error}): restore the directory from a backup"
            ) from error


def directory_name(extract_no: int, kind: Kind) -> str:
    return f"{extract_no:08d}-{kind.lower()}"


def directories(raw_dir: Path) -> list[tuple[int, Path]]:
    """Number and path of every complete directory, in order."""
    if not raw_dir.is_dir():
        return []
    matches = ((_DIRECTORY.fullmatch(path.name), path) for path in raw_dir.iterdir())
    return sorted((int(match[1]), path) for match, path in matches if match)


def pending(settings: Settings, after_extract_no: int, upto: int | None = None) -> list[Manifest]:
    """Manifests after `after_extract_no` (up to and with `upto`), in order. Raises RawIsDamaged if one is missing."""
    found = [
        (number, path)
        for number, path in directories(settings.raw_dir)
        if number > after_extract_no and (upto is None or number <= upto)
    ]
    for expected, (number, path) in enumerate(found, after_extract_no + 1):
        if number != expected:
            raise RawIsDamaged(
                f"{settings.raw_dir} has {path.name} but not number {expected}: restore it from a backup"
            )
    return [Manifest.from_directory(path) for _, path in found]


def manifests(settings: Settings) -> list[Manifest]:
    """Every manifest, in order."""
    return pending(settings, 0)


def last_operational(settings: Settings) -> Manifest | None:
    """The last extract of the operational store: its cursor is where the next one goes on."""
    for _, path in reversed(directories(settings.raw_dir)):
        if path.name.endswith("-ops"):
            return Manifest.from_directory(path)
    return None


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
