import asyncio
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from store.engines import check_sqlite_version
from store.errors import SqliteTooOld, StoreBusy, StoreUnavailable
from store.session import Store, next_seqs, open_store
from store.settings import ROOT, Settings
from store.tables import context_updates, friction_signals, suppressions

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


def suppress(connection: Connection, *user_ids: str, until: datetime = NOW) -> None:
    connection.execute(
        insert(suppressions),
        [{"user_id": user_id, "suppressed_until": until, "updated_at": NOW} for user_id in user_ids],
    )


def change_seqs(store: Store) -> dict[str, int]:
    with store.read() as connection:
        rows = connection.execute(select(suppressions.c.user_id, suppressions.c.change_seq)).all()
    return {row.user_id: row.change_seq for row in rows}


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 51, 4), (3, 53, 0), (4, 0, 0)])
def test_a_sqlite_that_keeps_its_commits_is_taken(version: tuple[int, int, int]):
    check_sqlite_version(version)


@pytest.mark.parametrize("version", [(3, 51, 2), (3, 50, 9), (3, 38, 1), (2, 99, 99)])
def test_a_sqlite_that_can_lose_commits_is_refused(version: tuple[int, int, int]):
    with pytest.raises(SqliteTooOld, match=".".join(map(str, version))) as refusal:
        check_sqlite_version(version)
    assert "3.51.3" in str(refusal.value)
    assert "pysqlite3" in refusal.value.remedy


def test_sqlite_is_opened_so_that_a_commit_is_on_disk(sqlite_store: Store):
    def pragmas(connection: Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "temp_store")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "temp_store": 2}
    assert sqlite_store.write(pragmas) == expected
    with sqlite_store.read() as connection:
        assert pragmas(connection) == expected


def test_a_checkpoint_cuts_the_log_to_nothing(sqlite_store: Store):
    log = sqlite_store.settings.var_dir / "operations.sqlite3-wal"
    sqlite_store.write(suppress, "ravi")
    assert log.stat().st_size > 0
    assert sqlite_store.checkpoint()
    assert log.stat().st_size == 0


def test_the_file_of_names_and_phones_is_for_its_owner_only(tmp_path: Path):
    from store.migrations import migrate

    settings = Settings.at(tmp_path / "var")
    migrate(settings.operations_url)
    with open_store(settings) as store:
        store.write(suppress, "ravi")
        modes = {path.stat().st_mode & 0o777 for path in settings.var_dir.glob("operations.sqlite3*")}
    assert modes == {0o600}


def test_what_is_read_stays_as_it_was_until_the_reading_ends(store: Store):
    with store.read() as connection:
        assert connection.execute(select(suppressions)).all() == []
        store.write(suppress, "ravi")
        assert connection.execute(select(suppressions)).all() == []
    assert set(change_seqs(store)) == {"ravi"}


def test_a_reading_connection_cannot_write(store: Store):
    with store.read() as connection, pytest.raises(DBAPIError, match=r"read.?only"):
        suppress(connection, "ravi")


def test_all_rows_of_a_transaction_have_its_number_and_later_ones_a_higher(store: Store):
    store.write(suppress, "ravi", "asha")
    store.write(suppress, "meera")
    numbers = change_seqs(store)
    assert numbers["ravi"] == numbers["asha"] < numbers["meera"]


def test_an_update_gives_the_row_the_number_of_its_own_transaction(store: Store):
    store.write(suppress, "ravi", "asha")
    before = change_seqs(store)
    later = (
        update(suppressions).where(suppressions.c.user_id == "ravi").values(suppressed_until=NOW + timedelta(hours=1))
    )
    store.write(lambda connection: connection.execute(later) and None)
    after = change_seqs(store)
    assert after["ravi"] > before["ravi"]
    assert after["asha"] == before["asha"]


def test_a_transaction_that_fails_uses_no_number_on_sqlite(sqlite_store: Store):
    def fail(connection: Connection) -> None:
        suppress(connection, "ravi")
        raise LookupError

    with pytest.raises(LookupError):
        sqlite_store.write(fail)
    sqlite_store.write(suppress, "asha")
    assert change_seqs(sqlite_store) == {"asha": 2}


def test_the_log_is_numbered_in_a_row(store: Store):
    taken = [store.write(next_seqs, count) for count in (1, 3, 1, 100)]
    assert [(seqs.start, len(seqs)) for seqs in taken] == [(1, 1), (2, 3), (5, 1), (6, 100)]


def test_no_number_of_the_log_is_given_twice(store: Store):
    counts = [1, 7, 1, 50] * 10
    with ThreadPoolExecutor(4) as threads:
        blocks = list(threads.map(lambda count: store.write(next_seqs, count), counts))
    numbers = [number for block in blocks for number in block]
    assert sorted(numbers) == list(range(1, sum(counts) + 1))


def test_context_events_shows_both_halves_of_the_log_in_one_order(store: Store):
    def record(connection: Connection) -> None:
        first, second, third = next_seqs(connection, 3)
        common = {"user_id": "ravi", "session_id": "s1", "recorded_at": NOW}
        connection.execute(
            insert(friction_signals),
            {**common, "seq": second, "signal_type": "PRICE_CALCULATION", "value": 1.5, "client_event_id": "e1"},
        )
        connection.execute(
            insert(context_updates),
            [
                {**common, "seq": third, "kind": "SCREEN", "screen": "checkout", "is_back_navigation": True},
                {**common, "seq": first, "kind": "SCREEN", "screen": "menu", "is_back_navigation": False},
            ],
        )

    store.write(record)
    with store.read() as connection:
        events = connection.execute(
            text("SELECT seq, kind, signal_type, value, screen, is_back_navigation FROM context_events ORDER BY seq")
        ).all()
    assert [tuple(event) for event in events] == [
        (1, "SCREEN", None, None, "menu", False),
        (2, "SIGNAL", "PRICE_CALCULATION", 1.5, None, None),
        (3, "SCREEN", None, None, "checkout", True),
    ]


def test_a_database_that_is_not_there_is_named_with_the_remedy(tmp_path: Path):
    settings = Settings.at(tmp_path, f"postgresql://nobody@/none?host={tmp_path}")
    with pytest.raises(StoreUnavailable) as refusal, open_store(settings):
        pass
    assert "SUPPORTLED_OPERATIONS_URL" in refusal.value.remedy


def test_another_kind_of_database_is_refused(tmp_path: Path):
    with (
        pytest.raises(ValueError, match="sqlite:/// or a postgresql://"),
        open_store(Settings.at(tmp_path, "mysql://x/y")),
    ):
        pass


HOLD_THE_LOCK = """
import sys
from sqlalchemy import text
from store.session import open_store
from store.settings import Settings

def hold(connection):
    print("held", flush=True)
    sys.stdin.readline()
    connection.execute(text("INSERT INTO holidays VALUES (1, '2030-01-01', 'held', 0)"))

with open_store(Settings.from_environment()) as store:
    store.write(hold)
"""


@pytest.fixture
def other_process(sqlite_settings: Settings):
    """A process that holds the store's write lock until a line is written to it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK],
        cwd=ROOT,
        env={"SUPPORTLED_VAR": str(sqlite_settings.var_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.kill()


def test_a_command_waits_for_another_process_that_writes(sqlite_store: Store, other_process: subprocess.Popen[str]):
    def count_holidays(connection: Connection) -> int:
        return connection.execute(text("SELECT count(*) FROM holidays WHERE name = 'held'")).scalar_one()

    with ThreadPoolExecutor(1) as thread:
        count = thread.submit(sqlite_store.write, count_holidays)
        with sqlite_store.read() as connection:
            assert count_holidays(connection) == 0
        other_process.communicate("\n")
        assert count.result(20) == 1


def test_a_command_that_waits_too_long_says_so(
    sqlite_store: Store, other_process: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("store.engines.LOCK_WAIT_SECONDS", 0.05)
    with pytest.raises(StoreBusy, match="Another process") as busy:
        sqlite_store.write(suppress, "ravi")
    assert busy.value.code == "store_busy"
    with pytest.raises(StoreBusy):
        sqlite_store.writer.submit_future(suppress, "ravi").result(10)
    other_process.communicate("\n")
    sqlite_store.writer.submit_future(suppress, "ravi").result(10)
    assert set(change_seqs(sqlite_store)) == {"ravi"}


def test_what_is_asked_in_one_turn_is_asked_as_one_question_on_postgresql(store: Store):
    questions: list[list[str]] = []

    def length(connection: Connection, words: Sequence[str]) -> dict[str, int]:
        questions.append(list(words))
        return {word: connection.execute(select(func.length(word))).scalar_one() for word in words if word != "nobody"}

    async def ask() -> list[int | None]:
        asked = [store.ask_together(length, word) for word in ("dosa", "idli sambar", "nobody", "dosa")]
        asked[0].cancel()
        return await asyncio.gather(*asked[1:])

    assert asyncio.run(ask()) == [11, None, 4]
    assert len(questions) == (4 if store.is_sqlite else 1)


def test_an_error_of_a_question_is_told_to_all_who_asked(store: Store):
    def fail(_: Connection, words: Sequence[str]) -> dict[str, int]:
        raise KeyError(*words)

    async def ask() -> list[object]:
        return await asyncio.gather(*(store.ask_together(fail, "dosa") for _ in range(2)), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(ask())] == [KeyError, KeyError]
    assert store.ask(lambda connection: connection.execute(select(1)).scalar_one()) == 1


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_a_kept_connection_that_was_lost_is_replaced(store: Store):
    def backend(connection: Connection) -> int:
        return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

    first = store.ask(backend)
    assert store.ask(backend) == first
    store.write(
        lambda connection: connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first}).all()
    )
    assert store.ask(backend) != first


def test_what_is_asked_cannot_write(store: Store):
    with pytest.raises(DBAPIError):
        store.ask(suppress, "ravi", until=NOW)
