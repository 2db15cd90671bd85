"""Files dropped into the landing directory."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from ingestion.files import import_landing, pending_landing_files
from store.settings import Settings
from tests.ingestion.files.examples import TICKET_HEADER, TICKETS, rows

Drop = Callable[[str, str], Path]
SIGNAL = "user_id,signal_type,recorded_at\nu1,BACK_NAVIGATION,2026-01-05\n"


@pytest.fixture
def drop(settings: Settings) -> Drop:
    def drop_file(name: str, content: str) -> Path:
        settings.landing_dir.mkdir(parents=True, exist_ok=True)
        path = settings.landing_dir / name
        path.write_text(content)
        return path

    return drop_file


def test_a_file_named_after_its_mapping_is_imported_and_done(settings: Settings, drop: Drop) -> None:
    path = drop("signals__monday.csv", SIGNAL)
    assert pending_landing_files(settings) == [path]
    (landed,) = import_landing(settings)
    assert landed.result is not None
    assert landed.result.loaded_count == 1
    assert landed.path == settings.landing_dir / "done" / "signals__monday.csv"
    assert pending_landing_files(settings) == []
    assert import_landing(settings) == []


def test_a_sidecar_is_the_mapping_of_its_file(settings: Settings, drop: Drop) -> None:
    drop("tickets.csv", TICKET_HEADER + "T1,u1,Phone,,,2026-01-05,,\n")
    drop("tickets.csv.yml", json.dumps(TICKETS))
    (landed,) = import_landing(settings)
    assert landed.reason is None
    assert rows(settings, "SELECT source_id FROM raw.file_incidences") == [("T1",)]
    assert {path.name for path in (settings.landing_dir / "done").iterdir()} == {"tickets.csv", "tickets.csv.yml"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("orders__x.csv", SIGNAL, "mapping orders does not fit orders__x.csv"),
        ("no_such__x.csv", SIGNAL, "there is no mapping 'no_such'"),
        ("plain.csv", SIGNAL, "does not say which mapping is its own"),
        ("x..__..__x.csv", SIGNAL, "does not say which mapping is its own"),
        ("signals__x.parquet", SIGNAL, "is not a readable Parquet file"),
        ("signals__x.bin", SIGNAL, "does not say what it is"),
        ("lonely.yml", "name: x", "does not say which mapping is its own"),
    ],
)
def test_what_cannot_be_imported_fails_with_its_reason(
    settings: Settings, drop: Drop, name: str, content: str, reason: str
) -> None:
    drop(name, content)
    drop("signals__good.csv", SIGNAL.replace("u1", "u2"))
    failed, good = sorted(import_landing(settings), key=lambda landed: landed.result is not None)
    assert good.result is not None
    assert failed.path == settings.landing_dir / "failed" / name
    text = (settings.landing_dir / "failed" / f"{name}.reason.txt").read_text()
    assert reason in text
    assert "Remedy: " in text


def test_hidden_unfinished_and_linked_files_wait(settings: Settings, drop: Drop, tmp_path: Path) -> None:
    drop(".signals__a.csv", SIGNAL)
    drop("signals__b.csv.part", SIGNAL)
    drop("signals__c.csv.tmp", SIGNAL)
    (tmp_path / "elsewhere.csv").write_text(SIGNAL)
    (settings.landing_dir / "signals__link.csv").symlink_to(tmp_path / "elsewhere.csv")
    (settings.landing_dir / "signals__dir.csv").mkdir()
    assert pending_landing_files(settings) == []


def test_a_name_that_was_done_before_is_kept_beside_the_new_one(settings: Settings, drop: Drop) -> None:
    for content in (SIGNAL, SIGNAL + "u2,BACK_NAVIGATION,2026-01-05\n", SIGNAL):
        drop("signals__daily.csv", content)
        import_landing(settings)
    names = {path.name for path in (settings.landing_dir / "done").iterdir()}
    assert names == {"signals__daily.csv", "2-signals__daily.csv", "3-signals__daily.csv"}
    assert len(rows(settings, "SELECT * FROM raw.file_signals")) == 2


def test_without_a_landing_directory_nothing_waits(settings: Settings) -> None:
    assert pending_landing_files(settings) == []


def test_a_file_that_is_still_being_written_waits(settings: Settings, drop: Drop) -> None:
    path = drop("signals__growing.csv", SIGNAL)
    done = Event()

    def write_on() -> None:
        while not done.wait(0.002):
            with path.open("a") as file:
                file.write("u2,BACK_NAVIGATION,2026-01-05\n")

    writer = Thread(target=write_on)
    writer.start()
    try:
        assert import_landing(settings) == []
    finally:
        done.set()
        writer.join()
    assert pending_landing_files(settings) == [path]
    assert not list(settings.raw_dir.glob("*-file"))
