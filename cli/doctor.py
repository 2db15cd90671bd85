"""Says what is wrong with this machine or with the product's state on it. Works before anything is installed."""

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cli.arguments import DEFAULT_PORT
from cli.bootstrap import ROOT, EnvironmentState, environment_state
from cli.processes import port_is_free
from cli.system_parts import PARTS, SystemPart
from store.settings import Settings

LOW_DISK_BYTES = 3 * 1024**3
DUCKDB_EXTENSIONS = ("sqlite_scanner", "postgres_scanner")


class State(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Not yet there, or only wanted for some things."""
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw. All but an OK have a remedy."""

    state: State
    subject: str
    detail: str
    remedy: str = ""


def run(_options: argparse.Namespace) -> int:
    worst = 0
    for finding in examine(Settings.from_environment(), ROOT):
        print(f"{finding.state:<8} {finding.subject}: {finding.detail}", flush=True)
        if finding.remedy:
            print(f"         Remedy: {finding.remedy}")
        worst += finding.state is State.PROBLEM
    print(f"\n{worst} to put right." if worst else "\nNothing stands in the way.")
    return 1 if worst else 0


def examine(settings: Settings, root: Path) -> Iterator[Finding]:
    """One finding per check, in the order in which a person would put them right."""
    yield python_version()
    yield free_disk(settings.var_dir)
    packages = installed_packages(root)
    yield packages
    if packages.state is State.OK:
        yield guarded("SQLite", sqlite_release)
        yield guarded("DuckDB", duckdb_extensions)
        yield guarded("Operational store", lambda: operational_store(settings))
        yield guarded("Published warehouse", lambda: published_warehouse(settings))
    yield free_ports(DEFAULT_PORT)
    for part in PARTS:
        yield guarded(part.name, lambda part=part: system_part(part))


def guarded(subject: str, check: Callable[[], Finding]) -> Finding:
    """A check that fails is a finding, not the end of the examination."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the person asked what is wrong
        reason = " ".join(str(error).split())
        if remedy := getattr(error, "remedy", None):
            return Finding(State.PROBLEM, subject, reason, remedy)
        remedy = "the command that needs it shows where it happened, with SUPPORTLED_DEBUG=1"
        return Finding(State.PROBLEM, subject, f"{type(error).__name__}: {reason}", remedy)


def python_version() -> Finding:
    return Finding(State.OK, "Python", sys.version.split()[0])


def free_disk(var_dir: Path) -> Finding:
    place = next(path for path in (var_dir, *var_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1024**3:.1f} GB free at {place}"
    if free >= LOW_DISK_BYTES:
        return Finding(State.OK, "Disk", detail)
    remedy = "free some space, or set SUPPORTLED_VAR to a directory on another disk; three versions of the warehouse are kept"
    return Finding(State.PROBLEM, "Disk", detail, remedy)


def installed_packages(root: Path) -> Finding:
    state = environment_state(root)
    if state is EnvironmentState.READY:
        return Finding(State.OK, "Packages", ".venv holds those of requirements.lock")
    what = "there is no .venv yet" if state is EnvironmentState.MISSING else ".venv is not what requirements.lock says"
    return Finding(State.NOTE, "Packages", what, "every other command makes it, ./supportled up for one")


def sqlite_release() -> Finding:
    import pysqlite3

    from store.engines import check_sqlite_version

    check_sqlite_version(pysqlite3.sqlite_version_info)
    return Finding(State.OK, "SQLite", pysqlite3.sqlite_version)


def duckdb_extensions() -> Finding:
    import duckdb

    with duckdb.connect() as connection:
        for name in DUCKDB_EXTENSIONS:
            spec = importlib.util.find_spec(f"duckdb_extension_{name}")
            places = spec.submodule_search_locations if spec else None
            files = [file for place in places or () for file in Path(place).rglob(f"{name}.duckdb_extension")]
            if not files:
                raise FileNotFoundError(f"the package duckdb-extension-{name.replace('_', '-')} is not installed")
            connection.load_extension(str(files[0]))
    return Finding(State.OK, "DuckDB", f"{duckdb.__version__} loads {', '.join(DUCKDB_EXTENSIONS)} without network")


def operational_store(settings: Settings) -> Finding:
    from store.errors import StoreOutOfDate
    from store.session import open_store

    subject = "Operational store"
    if settings.is_sqlite and not (settings.var_dir / "operations.sqlite3").exists():
        return Finding(State.NOTE, subject, "not made yet", "./supportled up makes it")
    try:
        with open_store(settings):
            return Finding(State.OK, subject, "answers, and its tables are those of this release")
    except StoreOutOfDate as error:
        return Finding(
            State.NOTE,
            subject,
            str(error),
            "every command that writes to it brings it up to date, ./supportled up for one",
        )


def published_warehouse(settings: Settings) -> Finding:
    from store.published import NoPublishedWarehouse, WarehouseOutOfDate, open_current

    subject = "Published warehouse"
    try:
        with open_current(settings) as published:
            return Finding(State.OK, subject, f"{published.version}, data as of {published.as_of:%Y-%m-%d %H:%M} UTC")
    except NoPublishedWarehouse:
        return Finding(State.NOTE, subject, "none yet", "./supportled build, or ./supportled up for demo data too")
    except WarehouseOutOfDate as error:
        return Finding(State.PROBLEM, subject, str(error), "./supportled build --full-refresh")


def paper() -> Finding:
    """Reports and exports are PDFs too, where the machine can make them."""
    from orchestration.paper import REMEDY, PaperUnavailable, weasyprint

    try:
        weasyprint()
    except PaperUnavailable as error:
        return Finding(State.NOTE, "PDF", str(error), REMEDY)
    return Finding(State.OK, "PDF", "Pango and fonts are there")


def free_ports(port: int) -> Finding:
    taken = [str(one) for one in (port, port + 1) if not port_is_free(one)]
    if taken:
        return Finding(
            State.NOTE, "Ports", f"{' and '.join(taken)} in use", "./supportled up --port N takes N and N + 1"
        )
    return Finding(State.OK, "Ports", f"{port} and {port + 1} are free")


def system_part(part: SystemPart) -> Finding:
    found = part.find()
    if found:
        return Finding(State.OK, part.name, found)
    return Finding(State.NOTE, part.name, f"missing; wanted for {part.needed_for} only", part.remedy)
