"""Versions on disk: their numbers, which one a build starts from, which ones stay, and pins.

`current` decides everything: a directory above it is a build that died before its link moved, and is thrown away.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from orchestration.locks import versions_lock
from store.published import NoPublishedWarehouse, current_version
from store.published.versions import FILE_NAME
from store.settings import Settings

KEPT_COUNT = 3
"""Private and published versions that stay without a pin."""

_VERSION = re.compile(r"v(\d{8,})")


def version_name(number: int) -> str:
    """`v00000001`: sorts as text up to the hundred-millionth build."""
    return f"v{number:08}"


def version_number(name: str) -> int:
    match = _VERSION.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no version; one looks like {version_name(1)}")
    return int(match[1])


def versions_in(directory: Path) -> list[str]:
    """The versions in a directory, oldest first."""
    if not directory.is_dir():
        return []
    return sorted((entry.name for entry in directory.iterdir() if _VERSION.fullmatch(entry.name)), key=version_number)


def allocate_version(settings: Settings) -> str:
    """The next version, durably taken: a number rises with each build, failed ones too, and is never given twice."""
    counter = settings.warehouse_dir / "last_version"
    taken = [version_number(counter.read_text().strip())] if counter.exists() else []
    for directory in (settings.private_dir, settings.published_dir, building_dir(settings)):
        taken += map(version_number, versions_in(directory))
    version = version_name(max(taken, default=0) + 1)
    write_durably(counter, version + "\n")
    return version


def building_dir(settings: Settings) -> Path:
    return settings.warehouse_dir / "building"


def base_version(settings: Settings) -> str | None:
    """The newest private version that was published: where an incremental build starts from. None: from raw alone."""
    current = current_version(settings)
    if current is None:
        return None
    good = [name for name in versions_in(settings.private_dir) if version_number(name) <= version_number(current)]
    return next((name for name in reversed(good) if (settings.private_dir / name / FILE_NAME).is_file()), None)


def remove_strays(settings: Settings) -> list[Path]:
    """Throw away what dead builds left behind: everything in `building`, and versions that `current` never named.

    Only the holder of the build lock may call this.
    """
    current = current_version(settings)
    newest = version_number(current) if current else 0
    strays = _entries(building_dir(settings))
    with versions_lock(settings):
        for directory in (settings.private_dir, settings.published_dir):
            for path in _entries(directory):
                is_kept = _VERSION.fullmatch(path.name) and (version_number(path.name) <= newest or pins(path))
                if not is_kept:
                    strays.append(path)
        strays += [path for path in _entries(settings.warehouse_dir) if path.name.startswith(".")]
        for path in strays:
            _remove(path)
    return strays


def prune(settings: Settings) -> list[str]:
    """Remove published and private versions that are neither among the last three nor pinned. Readers keep open files."""
    current = current_version(settings)
    removed = []
    with versions_lock(settings):
        for directory in (settings.private_dir, settings.published_dir):
            names = versions_in(directory)
            pinned = {name for name in names if pins(directory / name)}
            for name in expired(names, keep={*pinned, *([current] if current else [])}):
                _remove(directory / name)
                removed.append(name)
    return removed


def expired(names: Iterable[str], keep: Collection[str]) -> list[str]:
    """All but the newest three and those to keep."""
    oldest_first = sorted(names, key=version_number)
    return [name for name in oldest_first[:-KEPT_COUNT] if name not in keep]


def pin(settings: Settings, version: str, reason: str) -> None:
    """Keep a published version until it is unpinned: a report or an export names it. Pinning twice is pinning once.

    Raises `NoPublishedWarehouse` when the version is not kept any more.
    """
    path = _pin_path(settings, version, reason)
    with versions_lock(settings):
        if not path.parent.parent.is_dir():
            raise NoPublishedWarehouse(f"Version {version} is not here, so it cannot be pinned.")
        path.parent.mkdir(exist_ok=True)
        path.touch()
        sync_directory(path.parent)
        sync_directory(path.parent.parent)


def unpin(settings: Settings, version: str, reason: str) -> None:
    """Take one pin away. The version goes with the next publish unless it is pinned otherwise or among the last three."""
    with versions_lock(settings):
        _pin_path(settings, version, reason).unlink(missing_ok=True)


def pins(version_dir: Path) -> list[str]:
    """Why a version is kept."""
    directory = version_dir / "pins"
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


def _pin_path(settings: Settings, version: str, reason: str) -> Path:
    version_number(version)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", reason).strip(".-")
    if not name:
        raise ValueError("a pin needs a reason, such as report-2026-W47")
    return settings.published_dir / version / "pins" / name


def write_durably(path: Path, text: str) -> None:
    """The whole text or the file as it was, whatever happens in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)


def sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


sync_directory = sync_file
"""A directory's entries survive a power cut only once the directory itself is synced."""


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # Out of the way in one step, so that a kill never leaves half a version under its name.
        gone = path.with_name(f".removed-{path.name.lstrip('.')}")
        path.rename(gone)
        shutil.rmtree(gone)
    else:
        path.unlink(missing_ok=True)
