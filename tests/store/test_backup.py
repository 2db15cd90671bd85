"""Backup and restore on both engines, of a store that others write meanwhile."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, inspect, select, update

from ingestion.contracts import OPERATIONAL
from ingestion.erasure import erase_again
from ingestion.extract import run_extract
from store.backup import BackupDamaged, BackupRefused, _sha256, take_backup
from store.dumps import StoreInUse, ToolMissing, dump
from store.migrations import migrate
from store.restore import BackupOfOtherEngine, BackupTooNew, RestoreRefused, restore
from store.session import HEAD_REVISION, next_seqs, open_store
from store.settings import Settings
from store.tables import metadata, orders, store_identity, users
from tests.ingestion.store_rows import insert_orders, row_of

ROWS = (21, 22, 23)
pytestmark = pytest.mark.usefixtures("postgres_programs")


@pytest.fixture
def filled(store_settings: Settings) -> Settings:
    """A store with rows of every table that an extract carries."""
    with open_store(store_settings) as store:
        store.write(_fill)
    return store_settings


def _fill(connection: Connection) -> None:
    for name in OPERATIONAL:
        table = metadata.tables[name]
        connection.execute(insert(table), [row_of(table, number, "words") for number in ROWS])
    next_seqs(connection, max(ROWS))


def everything(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with open_store(settings) as store, store.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
            for table in metadata.sorted_tables
            if table.name not in {"store_counters", "store_identity"}
        }


def store_id(settings: Settings) -> str:
    with open_store(settings) as store, store.read() as connection:
        return connection.execute(select(store_identity.c.store_id)).scalar_one()


def put_back(settings: Settings, directory: Path, *, replace: bool = True) -> None:
    restore(settings, directory, replace=replace, erase_again=erase_again)


def change_everything(settings: Settings) -> None:
    def change(connection: Connection) -> None:
        connection.execute(delete(orders))
        connection.execute(update(users).values(name="another"))
        next_seqs(connection, 5)

    with open_store(settings) as store:
        store.write(change)


def test_a_restored_store_has_every_row_and_goes_on_counting(filled: Settings, tmp_path: Path) -> None:
    before, identity = everything(filled), store_id(filled)
    manifest = take_backup(filled, tmp_path / "backup")
    change_everything(filled)
    assert everything(filled) != before
    put_back(filled, tmp_path / "backup")
    assert everything(filled) == before
    assert sum(map(len, before.values())) > 3 * len(ROWS)
    assert store_id(filled) != identity == manifest.store_id
    with open_store(filled) as store:
        assert store.write(next_seqs, 1).start > max(ROWS) + 5, "numbers given after the backup are not given again"
        store.write(lambda c: c.execute(update(orders).values(guest_count=1)))
        with store.read() as connection:
            changed = connection.execute(select(func.min(orders.c.change_seq))).scalar_one()
            assert changed > connection.execute(select(func.max(users.c.change_seq))).scalar_one()


def test_the_extract_reads_a_restored_store_whole_then_what_changes(filled: Settings, tmp_path: Path) -> None:
    assert run_extract(filled).manifest.extract_no == 1
    take_backup(filled, tmp_path / "backup")
    run_extract(filled)
    put_back(filled, tmp_path / "backup")
    again = run_extract(filled)
    assert (again.manifest.extract_no, again.is_full) == (3, True), "extracts from after the backup stay and go on"
    assert again.manifest.tables["orders"].row_count == len(ROWS)
    with open_store(filled) as store:
        store.write(lambda c: c.execute(update(users).where(users.c.user_id == "user_id-21").values(tier="GOLD")))
    assert {name: table.row_count for name, table in run_extract(filled).manifest.tables.items()} == {"users": 1}


def test_a_backup_restores_on_a_new_machine(filled: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (filled.var_dir / "mappings").mkdir(parents=True)
    (filled.var_dir / "mappings" / "own.yml").write_text("name: own\n")
    run_extract(filled)
    before = everything(filled)
    take_backup(filled, tmp_path / "backup")
    url = None if filled.is_sqlite else request.getfixturevalue("postgres_url")
    machine = Settings.at(tmp_path / "machine" / "var", url)
    put_back(machine, tmp_path / "backup", replace=False)
    assert everything(machine) == before
    assert (machine.var_dir / "mappings" / "own.yml").read_text() == "name: own\n"
    assert run_extract(machine).manifest.extract_no == 2


def test_a_backup_is_of_one_instant_while_others_write(store_settings: Settings, tmp_path: Path) -> None:
    def pair(connection: Connection, number: int) -> None:
        for table in (users, orders):
            connection.execute(insert(table), row_of(table, number, "words"))

    with open_store(store_settings) as store:
        store.write(insert_orders, 20_000)  # a copy that takes long enough to be overtaken
    written = threading.Event()
    enough = threading.Event()
    counts: list[int] = []

    def write() -> None:
        with open_store(store_settings) as store:
            number = 0
            while not enough.is_set():
                number += 1
                store.write(pair, number)
                counts.append(number)
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        first = len(counts)
        take_backup(store_settings, tmp_path / "backup")
        last = len(counts)
    finally:
        enough.set()
        writer.join()
    put_back(store_settings, tmp_path / "backup")
    found = everything(store_settings)
    assert len(found["orders"]) - 20_000 == len(found["users"])
    assert first <= len(found["users"]) <= last + 1
    assert last > first, "nobody wrote meanwhile: the test shows nothing"


def test_a_backup_tells_what_it_is_and_only_its_owner_reads_it(filled: Settings, tmp_path: Path) -> None:
    take_backup(filled, tmp_path / "backup")
    told = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    assert told["engine"] == ("sqlite" if filled.is_sqlite else "postgresql")
    assert told["schema_revision"] == HEAD_REVISION
    assert told["change_number"] > 0
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_directory_that_exists_is_not_written_to(filled: Settings, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with pytest.raises(BackupRefused, match="exists already"):
        take_backup(filled, tmp_path / "backup")
    assert list((tmp_path / "backup").iterdir()) == []


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_without_the_programs_of_postgresql_nothing_is_left_behind(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="pg_dump") as missing:
        take_backup(filled, tmp_path / "backups" / "backup")
    assert "postgresql-client" in missing.value.remedy
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_damaged_backup_is_refused_and_the_store_stays(filled: Settings, tmp_path: Path) -> None:
    manifest = take_backup(filled, tmp_path / "backup")
    before, identity = everything(filled), store_id(filled)
    file = tmp_path / "backup" / manifest.store_file
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BackupDamaged, match=manifest.store_file):
        put_back(filled, tmp_path / "backup")
    assert (everything(filled), store_id(filled)) == (before, identity)


def test_facts_are_not_overwritten_unless_told(filled: Settings, tmp_path: Path) -> None:
    take_backup(filled, tmp_path / "backup")
    identity = store_id(filled)
    with pytest.raises(RestoreRefused, match="holds facts") as refused:
        put_back(filled, tmp_path / "backup", replace=False)
    assert "--replace" in refused.value.remedy
    assert store_id(filled) == identity


def test_a_store_that_is_open_elsewhere_is_not_replaced(filled: Settings, tmp_path: Path) -> None:
    take_backup(filled, tmp_path / "backup")
    identity = store_id(filled)
    with open_store(filled) as elsewhere, elsewhere.read() as reading:
        reading.execute(select(users)).all()
        with pytest.raises(StoreInUse):
            put_back(filled, tmp_path / "backup")
    assert store_id(filled) == identity


def _hand_made(tmp_path: Path, url: str, revision: str) -> Path:
    """A backup as an earlier release would have written it."""
    directory = tmp_path / "backup"
    directory.mkdir()
    name = "store.sqlite3" if url.startswith("sqlite") else "store.pgdump"
    dump(url, directory / name)
    file = {"bytes": (directory / name).stat().st_size, "sha256": _sha256(directory / name)}
    told = {"format": 1, "taken_at": "2026-11-20T00:00:00Z", "engine": "sqlite" if "sqlite" in name else "postgresql"}
    told |= {"store_id": "x", "schema_revision": revision, "change_number": 1, "files": {name: file}}
    (directory / "manifest.json").write_text(json.dumps(told))
    return directory


def test_a_backup_of_an_earlier_release_is_brought_forward(empty_store_url: str, tmp_path: Path) -> None:
    migrate(empty_store_url, "0006")
    settings = Settings.at(tmp_path / "var", empty_store_url)
    backup = _hand_made(tmp_path, empty_store_url, "0006")
    migrate(empty_store_url)  # the store of now has tables that the backup does not know
    put_back(settings, backup)
    with open_store(settings) as store, store.read() as connection:
        assert inspect(connection).has_table("erasures")
        assert connection.execute(select(func.count()).select_from(users)).scalar_one() == 0


def test_a_backup_of_a_later_release_is_refused(sqlite_settings: Settings, tmp_path: Path) -> None:
    backup = _hand_made(tmp_path, sqlite_settings.operations_url, "9999")
    with pytest.raises(BackupTooNew, match="9999"):
        put_back(sqlite_settings, backup)


def test_a_backup_of_the_other_engine_is_refused(
    sqlite_settings: Settings, migrated_postgres_url: str, tmp_path: Path
) -> None:
    take_backup(sqlite_settings, tmp_path / "backup")
    with pytest.raises(BackupOfOtherEngine):
        put_back(Settings.at(tmp_path / "other", migrated_postgres_url), tmp_path / "backup")


def test_raw_facts_of_another_history_make_room(filled: Settings, tmp_path: Path) -> None:
    take_backup(filled, tmp_path / "backup")
    run_extract(filled)
    raw = filled.raw_dir / "00000001-ops" / "manifest.json"
    another = raw.read_bytes()
    with open_store(filled) as store:
        store.write(lambda c: c.execute(update(orders).values(guest_count=2)))
    put_back(filled, tmp_path / "backup")
    assert raw.read_bytes() == another, "a backup without raw facts goes before every extract"
    run_extract(filled)
    take_backup(filled, tmp_path / "later")
    (filled.raw_dir / "00000002-ops" / "manifest.json").write_text("{}")
    put_back(filled, tmp_path / "later")
    (aside,) = filled.var_dir.glob("replaced-*")
    assert (aside / "raw" / "00000002-ops" / "manifest.json").read_text() == "{}"
    assert run_extract(filled).manifest.extract_no == 3


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_rows_ahead_of_a_new_server_are_not_extracted_again_and_again(store_settings: Settings, tmp_path: Path) -> None:
    with open_store(store_settings) as store:
        store.write(insert_orders, 3)
        store.write(lambda c: c.execute(update(orders).values(change_seq=2**40)))
    take_backup(store_settings, tmp_path / "backup")
    put_back(store_settings, tmp_path / "backup")
    assert run_extract(store_settings).manifest.tables["orders"].row_count == 3
    assert run_extract(store_settings).manifest.row_count == 0
