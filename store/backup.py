"""A backup: one directory with the store of one instant, the raw facts, the mappings, and a manifest of hashes."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from store import clock
from store.dumps import dump, is_sqlite
from store.erasures import FILE_NAME as ERASURES
from store.erasures import erasures_file
from store.errors import StoreError
from store.session import open_store
from store.settings import Settings

MANIFEST = "manifest.json"
FORMAT = 1
STORE_FILES = {"sqlite": "store.sqlite3", "postgresql": "store.pgdump"}
Progress = Callable[[str], None]


class BackupRefused(StoreError):
    """The directory to write to is not free."""

    code = "backup_refused"
    remedy = "Name a directory that does not exist yet; each backup has its own."


class BackupDamaged(StoreError):
    """The directory is no backup, or not what its manifest says. Nothing was touched."""

    code = "backup_damaged"
    remedy = "Take another backup of the series, or another copy of this one."


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """`manifest.json`. Every fact committed before `taken_at` (UTC) is in; `files` has bytes and sha256 by path."""

    format: int
    taken_at: str
    engine: str
    store_id: str
    schema_revision: str
    change_number: int
    files: Mapping[str, Mapping[str, Any]]

    @property
    def store_file(self) -> str:
        return STORE_FILES[self.engine]

    @property
    def byte_count(self) -> int:
        return sum(file["bytes"] for file in self.files.values())


def take_backup(settings: Settings, directory: Path, progress: Progress = lambda _line: None) -> BackupManifest:
    """Write a backup to `directory`, which must not exist, while everything else goes on.

    It appears whole or not at all, and is on disk when this returns. Raises `BackupRefused` and the store's own errors.
    """
    directory = directory.resolve()
    if directory.exists():
        raise BackupRefused(f"{directory} exists already.")
    with open_store(settings):
        pass  # a store of another release is for that release to copy
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.with_name(f".{directory.name}.{uuid.uuid4().hex}.partial")
    draft.mkdir(mode=0o700)
    try:
        manifest = _fill(settings, draft, progress)
        for path in (*_tree(draft), draft):
            sync(path)
        draft.rename(directory)
        sync(directory.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def read_backup(directory: Path, progress: Progress = lambda _line: None) -> BackupManifest:
    """The manifest of a backup whose every file is as it was written. Raises `BackupDamaged`."""
    try:
        manifest = BackupManifest(**json.loads((directory / MANIFEST).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BackupDamaged(f"{directory} is not a backup: {error}") from error
    if manifest.format != FORMAT or manifest.store_file not in manifest.files:
        raise BackupDamaged(f"{directory} was written by another release.")
    for name, expected in manifest.files.items():
        path = directory / name
        if not path.is_file() or path.stat().st_size != expected["bytes"] or _sha256(path) != expected["sha256"]:
            raise BackupDamaged(f"{path} is missing or not what was backed up.")
    progress(f"{len(manifest.files):,} files are what was backed up")
    return manifest


def raw_directories(raw_dir: Path) -> list[Path]:
    """Complete directories of raw facts, in order; what is still being written has a hidden name."""
    if not raw_dir.is_dir():
        return []
    return sorted(path for path in raw_dir.iterdir() if path.is_dir() and not path.name.startswith("."))


def sync(path: Path) -> None:
    """Bring a file or a directory's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fill(settings: Settings, draft: Path, progress: Progress) -> BackupManifest:
    # Raw facts first: a store that is newer than they are gives the next extract more, an older one would lack some.
    for source in raw_directories(settings.raw_dir):
        shutil.copytree(source, draft / "raw" / source.name)
    mappings = settings.var_dir / "mappings"
    if mappings.is_dir():
        shutil.copytree(mappings, draft / "mappings")
    progress(f"{len(raw_directories(draft / 'raw')):,} directories of raw facts")
    engine = "sqlite" if is_sqlite(settings.operations_url) else "postgresql"
    taken_at = clock.now()
    snapshot = dump(settings.operations_url, draft / STORE_FILES[engine])
    progress(f"the store as of {taken_at:%Y-%m-%d %H:%M:%S} UTC")
    if erasures_file(settings).exists():
        shutil.copyfile(erasures_file(settings), draft / ERASURES)
    files = {
        str(path.relative_to(draft)): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in _tree(draft)
        if path.is_file()
    }
    manifest = BackupManifest(
        format=FORMAT,
        taken_at=taken_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        engine=engine,
        store_id=snapshot.store_id,
        schema_revision=snapshot.schema_revision,
        change_number=snapshot.change_number,
        files=files,
    )
    (draft / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2, sort_keys=True) + "\n", "utf-8")
    return manifest


def _tree(directory: Path) -> Iterator[Path]:
    yield from sorted(directory.rglob("*"), reverse=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
