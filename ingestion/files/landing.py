"""The drop-in directory: files in `var/landing/` say by name or sidecar which mapping is theirs."""

from dataclasses import dataclass
from pathlib import Path

from ingestion.files.errors import FileChanging, ImportProblem, MappingNotFound
from ingestion.files.loader import import_file
from ingestion.files.mapping import NAME
from ingestion.files.result import ImportResult
from store.settings import Settings

_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
_SIDECAR = ".yml"


@dataclass(frozen=True, slots=True)
class LandedFile:
    """One file of the landing directory after its import: where it is now, and its result or why it failed."""

    path: Path
    result: ImportResult | None
    reason: str | None = None


def pending_landing_files(settings: Settings) -> list[Path]:
    """Files that wait to be imported, by name. Hidden and unfinished ones (`.part`, `.tmp`), links and sidecars do not count."""
    if not settings.landing_dir.is_dir():
        return []
    paths = sorted(settings.landing_dir.iterdir())
    names = {path.name for path in paths}
    return [
        path
        for path in paths
        if path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(".")
        and not path.name.endswith(_UNFINISHED)
        and not (path.suffix == _SIDECAR and path.name.removesuffix(_SIDECAR) in names)
    ]


def import_landing(settings: Settings) -> list[LandedFile]:
    """Import what waits, each file for itself. It moves to `done/`, or to `failed/` with the reason in a text beside it.

    A file that changes while it is read waits for the next time and is not in the answer. Errors of ours that are not the file's (a busy store, a full disk) are raised and leave the file where it is.
    """
    imported = (_import_one(settings, path) for path in pending_landing_files(settings))
    return [landed for landed in imported if landed is not None]


def _import_one(settings: Settings, path: Path) -> LandedFile | None:
    sidecar = path.with_name(path.name + _SIDECAR)
    try:
        result = import_file(settings, path, sidecar if sidecar.is_file() else _mapping_name(path))
    except FileChanging:
        return None
    except ImportProblem as problem:
        reason = f"{problem}\nRemedy: {problem.remedy}\n"
        moved = _move(path, sidecar, settings.landing_dir / "failed")
        moved.with_name(moved.name + ".reason.txt").write_text(reason, "utf-8")
        return LandedFile(moved, None, reason)
    return LandedFile(_move(path, sidecar, settings.landing_dir / "done"), result)


def _mapping_name(path: Path) -> str:
    name, separator, _ = path.name.partition("__")
    if not separator or not NAME.fullmatch(name):
        raise MappingNotFound(
            f"{path.name} does not say which mapping is its own",
            f"name it <mapping>__{path.name}, or put the mapping beside it as {path.name}{_SIDECAR}",
        )
    return name


def _move(path: Path, sidecar: Path, directory: Path) -> Path:
    """Move file and sidecar; a number is put before the name of one that is there already."""
    directory.mkdir(exist_ok=True)
    target, number = directory / path.name, 1
    while target.exists():
        number += 1
        target = directory / f"{number}-{path.name}"
    if sidecar.is_file():
        sidecar.replace(target.with_name(target.name + _SIDECAR))
    path.replace(target)
    return target
