"""One build under way: what it starts from, the file it works on, and its end, good or bad."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from ingestion.raw import Manifest, RawIsDamaged, land, last_operational
from ingestion.raw.manifest import directories
from orchestration.code import code_hash
from orchestration.data_docs import write_data_docs
from orchestration.duck import literal, open_file, quoted, table_names
from orchestration.exports import told
from orchestration.exports.told import PERIOD_END
from orchestration.locks import build_lock
from orchestration.problems import BuildFailed
from orchestration.publish import Identity, PrivateState, TableContent, publish
from orchestration.versions import allocate_version, base_version, building_dir, remove_strays
from store.clock import monotonic_seconds
from store.published import SCHEMA_VERSION, current_version
from store.published.versions import FILE_NAME, MANIFEST_NAME
from store.restored import restored_store_id
from store.settings import Settings

Say = Callable[[str], None]

PREVIOUS_MARTS = ("analytics_daily", "restatements", "published_versions")
"""Marts that go on from what the version before says; copied to `raw.previous_<name>`."""


@dataclass(slots=True)
class Building:
    """The directory of a build and what is known of it so far."""

    settings: Settings
    version: str
    directory: Path
    base: str | None
    may_go_back: bool
    """A full refresh that a person asked for may publish an earlier instant: the way out after a clock ran ahead."""
    say: Say
    seconds: dict[str, float] = field(default_factory=dict)
    identity: Identity | None = None
    tables: dict[str, TableContent] = field(default_factory=dict)

    @property
    def is_full_refresh(self) -> bool:
        return self.base is None

    @property
    def file(self) -> Path:
        return self.directory / FILE_NAME

    @property
    def file_for_dbt(self) -> Path:
        """The same file under a name that never changes: dbt parses everything anew when its path does."""
        return self.directory.parent / "now" / FILE_NAME

    @property
    def is_published(self) -> bool:
        return bool(self.tables)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step and tell of it when it is done."""
        started = monotonic_seconds()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + monotonic_seconds() - started
        self.say(f"{name}: {self.seconds[name]:.1f} s")


@contextmanager
def begin(settings: Settings, *, full_refresh: bool = False, say: Say = lambda _line: None) -> Iterator[Building]:
    """Take the build lock, clear away what dead builds left, and make the file to build in.

    A copy of the newest good private version; an empty file when there is none, when it is damaged, when the code has
    changed since, or on `full_refresh`. Whatever is not published when the context ends is thrown away. Raises
    `BuildInProgress` if another build runs.
    """
    with build_lock(settings):
        remove_strays(settings)
        version = allocate_version(settings)
        directory = building_dir(settings) / version
        directory.mkdir(parents=True, mode=0o700)
        try:
            (directory.parent / "now").symlink_to(version)
            base = None if full_refresh else usable_base(settings, say)
            if base and not copy_verified(settings.private_dir / base, directory / FILE_NAME):
                say(f"version {base} is damaged on disk; building from raw instead")
                base = None
            yield Building(settings, version, directory, base, full_refresh, say)
        finally:
            remove_strays(settings)


def usable_base(settings: Settings, say: Say) -> str | None:
    """The version to start from, None if the next build has to start from raw."""
    base = base_version(settings)
    if base is None:
        return None
    try:
        state = PrivateState.read(settings.private_dir / base)
    except (OSError, ValueError, TypeError):
        say(f"version {base} does not say what it was built from; building from raw instead")
        return None
    if state.schema_version != SCHEMA_VERSION or state.code_hash != code_hash():
        say(f"the code has changed since version {base}; building from raw")
        return None
    return base


def copy_verified(private: Path, target: Path) -> bool:
    """Copy a private warehouse, hashing on the way. False, and no copy, if it is not what was sealed."""
    try:
        expected = PrivateState.read(private).sha256
        with (private / FILE_NAME).open("rb") as source, target.open("wb") as copy:
            target.chmod(0o600)
            found = _copy(source, copy)
    except FileNotFoundError:
        return False
    if found != expected:
        target.unlink()
    return found == expected


def land_raw(building: Building) -> dict[str, int]:
    """Bring what is new in `var/raw` into the building file, and write down what this build is.

    Returns the rows that landed by table. Raises `BuildFailed` if they are not what their extracts counted, or if time
    or extracts went back since the current version.
    """
    settings = building.settings
    try:
        newest = last_operational(settings)
        if newest is None:
            raise BuildFailed("nothing was extracted yet", "./supportled build extracts before it builds.")
        current = current_identity(settings)
        before = operational_before(settings, current["extract_no"]) if current else None
        is_restored = newest.store_id == restored_store_id(settings)
        require_same_store(newest, before, may_go_back=building.may_go_back, is_restored=is_restored)
        with open_file(building.file) as connection:
            result = land(connection, settings)
    except RawIsDamaged as error:
        raise BuildFailed(str(error), "Bring the directory back from a backup, then build again.") from error
    with open_file(building.file) as connection:
        if result.differences:
            raise BuildFailed(
                f"what landed is not what was extracted: {'; '.join(result.differences[:5])}",
                "Check the disk (./supportled doctor), then ./supportled build --full-refresh.",
            )
        as_of = newest.as_of.astimezone(UTC)
        require_forward(current, as_of, result.extract_no, newest.extract_no, may_go_back=building.may_go_back)
        building.identity = Identity(
            build_id=str(uuid.uuid4()),
            version=building.version,
            as_of=as_of.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            extract_no=result.extract_no,
            base_version=building.base,
            is_full_refresh=building.is_full_refresh,
            code_hash=code_hash(),
            schema_version=SCHEMA_VERSION,
        )
        _write_identity(connection, building.identity, as_of)
        _copy_previous(connection, settings)
    return result.row_counts


def require_forward(
    current: Mapping[str, Any] | None,
    as_of: datetime,
    landed_no: int,
    newest_no: int,
    *,
    may_go_back: bool = False,
) -> None:
    """Refuse to publish an earlier state than the current version shows.

    `landed_no` is the highest extract in schema `raw`, `newest_no` that of the extract this build made.
    """
    if current is None:
        return
    if landed_no < current["extract_no"] or newest_no <= current["extract_no"]:
        raise BuildFailed(
            f"version {current['version']} holds extract {current['extract_no']}, but var/raw ended before it",
            "Bring var/raw back from a backup. To start over without it, move var/warehouse away.",
        )
    if as_of < datetime.fromisoformat(current["as_of"]) and not may_go_back:
        raise BuildFailed(
            f"the clock went back: this extract is of {as_of:%Y-%m-%d %H:%M:%S} UTC, "
            f"version {current['version']} of {current['as_of']}",
            "Set this machine's clock right. If it was ahead before: ./supportled build --full-refresh.",
        )


def require_same_store(
    newest: Manifest, before: Manifest | None, *, may_go_back: bool = False, is_restored: bool = False
) -> None:
    """Refuse facts of another store, or of one that was set back: their numbers would replace other rows' numbers.

    `supportled restore` is another matter (`is_restored`): its store is another one by name only, and was read whole.
    """
    if before is None or may_go_back:
        return
    remedy = (
        "Does SUPPORTLED_OPERATIONS_URL name the right store? If it is meant so: ./supportled build --full-refresh."
    )
    if newest.store_id != before.store_id:
        if is_restored:
            return
        raise BuildFailed("the operational store is another one than the last version was built from", remedy)
    if newest.cursor["next_change_seq"] < before.cursor["next_change_seq"]:
        raise BuildFailed("the operational store was set back to an earlier state", remedy)


def operational_before(settings: Settings, extract_no: int) -> Manifest | None:
    """The last extract of the operational store up to this number."""
    for number, path in reversed(directories(settings.raw_dir)):
        if number <= extract_no and path.name.endswith("-ops"):
            return Manifest.from_directory(path)
    return None


def current_identity(settings: Settings) -> Mapping[str, Any] | None:
    """The manifest of the current published version."""
    version = current_version(settings)
    if version is None:
        return None
    return json.loads((settings.published_dir / version / MANIFEST_NAME).read_text(encoding="utf-8"))


def publish_built(building: Building) -> None:
    """Publish, its documentation with it; raises `BuildFailed` before anything is visible."""
    if building.identity is None:
        raise BuildFailed("there is nothing to publish", "Run the whole build: ./supportled build, or the job `build`.")
    write_data_docs(building.settings, building.file)
    building.tables = publish(building.settings, building.directory, building.identity)


def _write_identity(connection: duckdb.DuckDBPyConnection, identity: Identity, as_of: datetime) -> None:
    values = asdict(identity) | {"as_of": as_of.replace(tzinfo=None)}
    columns = ", ".join(quoted(name) for name in values)
    marks = ", ".join("?" for _ in values)
    connection.execute("delete from raw.build")
    connection.execute(f"insert into raw.build ({columns}) values ({marks})", list(values.values()))


def _copy_previous(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """From the published file, not from the base: it is what readers saw, and it outlives a rebuild from raw."""
    for name in PREVIOUS_MARTS:
        connection.execute(f"delete from raw.previous_{name}")
    version = current_version(settings)
    if version is None:
        return
    file = settings.published_dir / version / FILE_NAME
    connection.execute(f"attach {literal(file)} as previous (read_only)")
    for name in PREVIOUS_MARTS:
        if name not in table_names(connection, "marts", "previous"):
            continue
        wanted = _columns(connection, "raw", f"previous_{name}", "warehouse")
        shared = [column for column in _columns(connection, "marts", name, "previous") if column in wanted]
        columns = ", ".join(quoted(column) for column in shared)
        connection.execute(
            f"insert into raw.previous_{name} by name select {columns} from previous.marts.{quoted(name)}"
        )
    connection.execute("detach previous")
    connection.execute("update raw.previous_analytics_daily set is_exported = false")
    for export in told(settings):
        connection.execute(
            "update raw.previous_analytics_daily set is_exported = true "
            f"where date between ? and ? and {PERIOD_END} < ?",
            [export.first, export.last, export.day],
        )


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, table: str, database: str) -> list[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ? "
        "order by column_index",
        [database, schema, table],
    ).fetchall()
    return [name for (name,) in rows]


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(8 << 20):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()
