"""Putting a backup in the place of the store: checked first, brought to this release, and with an identity of its own."""

import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, exists, inspect, make_url, select, text, update
from sqlalchemy.exc import DBAPIError

from store import clock
from store.backup import BackupManifest, Progress, raw_directories, read_backup, sync
from store.dumps import check_file, close_file, database_file, is_sqlite, load_database
from store.engines import schema_engine
from store.erasures import (
    FILE_NAME,
    Erasures,
    append_erasures,
    erasures_file,
    newest,
    not_applied,
    read_erasures,
    stored_erasures,
)
from store.errors import StoreError
from store.migrations import alembic_config, migrate
from store.restored import note_restored
from store.session import open_store
from store.settings import Settings
from store.tables import metadata, store_counters, store_identity
from store.tables.columns import current_change

LOG_GAP = 1_000_000_000
"""Extracts may know numbers of the context log that were given after the backup: those are not given again."""


class RestoreRefused(StoreError):
    """Nothing was touched; the message says why."""

    code = "restore_refused"
    remedy = "To put the backup in the place of what is there now: the same command with --replace. Back that up first."


class BackupOfOtherEngine(StoreError):
    code = "backup_of_other_engine"
    remedy = "Let SUPPORTLED_OPERATIONS_URL name a store of the engine that the backup was taken from."


class BackupTooNew(StoreError):
    code = "backup_too_new"
    remedy = "Restore it with the release that wrote it, or a newer one."


def restore(
    settings: Settings,
    directory: Path,
    *,
    replace: bool,
    erase_again: Callable[[Settings, Erasures], None],
    erasures: Path | None = None,
    progress: Progress = lambda _line: None,
) -> BackupManifest:
    """Put the backup in `directory` in the place of the operational store, with its raw facts and mappings.

    `erase_again(settings, erased)` is called for whoever was erased since, as the store of now, `var/erasures.jsonl`,
    the backup and the file `erasures` say. The store gets a new identity, so that the next extract reads all of it.
    Raises `BackupDamaged`, `BackupOfOtherEngine`, `BackupTooNew`, `RestoreRefused` (facts are there, and not
    `replace`), `StoreInUse`, `DumpFailed`; on SQLite nothing has changed then, on PostgreSQL nothing before the load.
    """
    manifest = read_backup(directory, progress)
    _require_fit(settings, manifest)
    if not replace:
        _require_empty(settings)
    known = _known_erasures(settings, [directory / FILE_NAME, *([erasures] if erasures else [])])
    append_erasures(erasures_file(settings), not_applied(known, read_erasures(erasures_file(settings))))
    if is_sqlite(settings.operations_url):
        _restore_file(settings, directory / manifest.store_file, known, erase_again)
    else:
        load_database(settings.operations_url, directory / manifest.store_file)
        _make_current(settings, known, erase_again)
    progress("the store is back, of this release and with its own identity")
    _restore_raw(settings, directory / "raw", progress)
    _restore_mappings(settings, directory / "mappings")
    return manifest


def _require_fit(settings: Settings, manifest: BackupManifest) -> None:
    if (manifest.engine == "sqlite") != is_sqlite(settings.operations_url):
        raise BackupOfOtherEngine(f"The backup is of {manifest.engine}, the store to restore is not.")
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if manifest.schema_revision not in known:
        raise BackupTooNew(f"The backup has schema {manifest.schema_revision}, which this release does not know.")


def _require_empty(settings: Settings) -> None:
    if raw_directories(settings.raw_dir):
        raise RestoreRefused(f"{settings.raw_dir} holds facts already.")
    url = settings.operations_url
    if is_sqlite(url) and not database_file(url).exists():
        return
    engine = schema_engine(url)
    try:
        with engine.connect() as connection:
            here = set(inspect(connection).get_table_names())
            facts = [table for table in metadata.sorted_tables if "source" in table.c and table.name in here]
            if any(connection.execute(select(exists(select(1).select_from(table)))).scalar_one() for table in facts):
                raise RestoreRefused("The store holds facts already.")
    except DBAPIError as error:
        raise RestoreRefused(f"The store that is there cannot be read: {error.orig}") from error
    finally:
        engine.dispose()


def _known_erasures(settings: Settings, files: list[Path]) -> Erasures:
    """From the files, and from the store that is about to go, if it can still be read."""
    known = [read_erasures(file) for file in (erasures_file(settings), *files)]
    with suppress(StoreError, DBAPIError), open_store(settings) as store, store.read() as connection:
        known.append(stored_erasures(connection))
    return newest(entry for erased in known for entry in erased.items())


def _restore_file(
    settings: Settings, backup: Path, known: Erasures, erase_again: Callable[[Settings, Erasures], None]
) -> None:
    """Everything is done to a copy, which then takes the store's place in one step."""
    target = database_file(settings.operations_url)
    target.parent.mkdir(parents=True, exist_ok=True)
    candidate = target.with_name(f"{target.name}.restoring")
    url = str(make_url(settings.operations_url).set(database=str(candidate)))
    _remove(candidate)
    try:
        candidate.touch(mode=0o600)
        shutil.copyfile(backup, candidate)
        check_file(candidate)
        _make_current(Settings.at(settings.var_dir, url), known, erase_again)
        close_file(candidate)
        sync(candidate)
        close_file(target)
        for beside in ("-wal", "-shm"):
            target.with_name(target.name + beside).unlink(missing_ok=True)
        candidate.rename(target)
        sync(target.parent)
    finally:
        _remove(candidate)


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _make_current(settings: Settings, known: Erasures, erase_again: Callable[[Settings, Erasures], None]) -> None:
    migrate(settings.operations_url)
    with open_store(settings) as store:
        note_restored(settings, store.write(_renew))
        with store.read() as connection:
            applied = stored_erasures(connection)
    erase_again(settings, not_applied(known, applied))


def _renew(connection: Connection) -> str:
    store_id = str(uuid.uuid4())
    connection.execute(update(store_identity).values(store_id=store_id, created_at=clock.now()))
    if connection.dialect.name == "sqlite":
        log = store_counters.c.name == "context_event"
        connection.execute(update(store_counters).where(log).values(value=store_counters.c.value + LOG_GAP))
        return store_id
    connection.execute(
        text("SELECT setval('context_event_seq', nextval('context_event_seq') + :gap)"), {"gap": LOG_GAP}
    )
    # Another server counts its transactions from lower on: rows ahead of it would be extracted again and again.
    for table in metadata.sorted_tables:
        if "change_seq" in table.c:
            ahead = table.c.change_seq > current_change()
            connection.execute(update(table).where(ahead).values(change_seq=0))
    return store_id


def _restore_raw(settings: Settings, backup: Path, progress: Progress) -> None:
    """Raw facts that go on from the backup's stay: they are more. Others make room, warehouse and all."""
    wanted = raw_directories(backup)
    here = raw_directories(settings.raw_dir)
    if here and all(_is_same(directory, settings.raw_dir / directory.name) for directory in wanted):
        progress(
            f"var/raw stays: it has the backup's {len(wanted):,} directories and {len(here) - len(wanted):,} since"
        )
        return
    if here or settings.warehouse_dir.exists():
        aside = settings.var_dir / f"replaced-{clock.now():%Y%m%dT%H%M%SZ}"
        aside.mkdir(mode=0o700)
        for directory in (settings.raw_dir, settings.warehouse_dir):
            if directory.exists():
                directory.rename(aside / directory.name)
        progress(f"the raw facts and the warehouse that were there are now in {aside}")
    if wanted:
        draft = settings.var_dir / ".raw-restoring"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(backup, draft)
        draft.chmod(0o700)
        for path in (*draft.rglob("*"), draft):
            sync(path)
        draft.rename(settings.raw_dir)
        sync(settings.var_dir)
    progress(f"{len(wanted):,} directories of raw facts are back")


def _is_same(first: Path, second: Path) -> bool:
    manifests = [directory / "manifest.json" for directory in (first, second)]
    return all(file.is_file() for file in manifests) and manifests[0].read_bytes() == manifests[1].read_bytes()


def _restore_mappings(settings: Settings, backup: Path) -> None:
    """Those that are missing; a mapping that was edited since stays as it is."""
    for file in sorted(path for path in backup.rglob("*") if path.is_file()):
        target = settings.var_dir / "mappings" / file.relative_to(backup)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
