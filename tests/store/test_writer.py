import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import IntegrityError

from store.engines import write_engine
from store.errors import OutcomeUnknown, StoreBusy, StoreUnavailable, TransactionLost, WriterBusy, WriterClosed
from store.session import Store
from store.writer import Writer
from tests.store.noting import Refused, make_notes, names, note, note_and_raise, one_batch


@pytest.fixture(autouse=True)
def notes(store: Store) -> None:
    make_notes(store)


@contextmanager
def another_writer(store: Store, **kwargs: int) -> Iterator[Writer]:
    """A writer beside the store's own, as another process has one."""
    engine = write_engine(store.settings.operations_url)
    with Writer(engine, **kwargs) as writer:
        yield writer
    engine.dispose()


def change_number(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return connection.execute(text("SELECT value FROM store_counters WHERE name = 'change'")).scalar_one()
    return connection.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()


def test_what_waits_together_is_written_in_one_transaction(store: Store):
    with one_batch(store.writer):
        numbers = [store.writer.submit_future(change_number) for _ in range(8)]
    assert len({number.result(10) for number in numbers}) == 1


def test_a_batch_on_postgresql_holds_its_locks_for_at_most_32_changes(store: Store):
    with one_batch(store.writer):
        futures = [store.writer.submit_future(change_number) for _ in range(70)]
    sizes = [len([f for f in futures if f.result(10) == number]) for number in sorted({f.result(10) for f in futures})]
    assert sizes == ([70] if store.is_sqlite else [32, 32, 6])


def test_nobody_is_answered_before_the_commit(store: Store):
    first_ran, go_on = threading.Event(), threading.Event()

    def wait(connection: Connection) -> str:
        first_ran.set()
        go_on.wait(10)
        return "second"

    with one_batch(store.writer):
        first = store.writer.submit_future(note, "first")
        second = store.writer.submit_future(wait)
    assert first_ran.wait(10)
    assert not first.done()
    assert names(store) == set()
    go_on.set()
    assert (first.result(10), second.result(10)) == ("first", "second")
    assert names(store) == {"first"}


def test_a_change_that_fails_takes_back_only_its_own_work(store: Store):
    with one_batch(store.writer):
        before = store.writer.submit_future(note, "before")
        failing = store.writer.submit_future(note_and_raise, "failing")
        doubled = store.writer.submit_future(note, "before")
        after = store.writer.submit_future(note, "after")
    assert (before.result(10), after.result(10)) == ("before", "after")
    with pytest.raises(Refused, match="failing"):
        failing.result(10)
    with pytest.raises(IntegrityError):
        doubled.result(10)
    assert names(store) == {"before", "after"}


def test_a_change_that_fails_alone_leaves_nothing(store: Store):
    with pytest.raises(Refused):
        store.writer.submit_future(note_and_raise, "alone").result(10)
    assert names(store) == set()
    assert store.writer.submit_future(note, "next").result(10) == "next"


def test_a_savepoint_inside_a_change_is_its_own(store: Store):
    def try_twice(connection: Connection) -> str:
        with pytest.raises(IntegrityError), connection.begin_nested():
            note(connection, "taken")
        return note(connection, "free")

    with one_batch(store.writer):
        store.writer.submit_future(note, "taken")
        inner = store.writer.submit_future(try_twice)
    assert inner.result(10) == "free"
    assert names(store) == {"taken", "free"}


def test_a_change_that_loses_the_transaction_loses_no_other(store: Store):
    """What SQLite does by itself on a full disk, done by hand."""

    def roll_everything_back(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    with one_batch(store.writer):
        kept = [store.writer.submit_future(note, f"kept {n}") for n in range(3)]
        culprit = store.writer.submit_future(roll_everything_back)
        kept += [store.writer.submit_future(note, f"kept {n}") for n in range(3, 6)]
    assert [future.result(10) for future in kept] == [f"kept {n}" for n in range(6)]
    assert isinstance(culprit.exception(10), TransactionLost if store.is_sqlite else type(None))
    assert names(store) == {f"kept {n}" for n in range(6)}


def test_a_change_that_swallows_a_database_error_is_never_told_that_it_was_written(store: Store):
    def swallow(connection: Connection) -> str:
        note(connection, "mine")
        try:
            note(connection, "taken")
        except IntegrityError:
            pass
        return "done"

    store.writer.submit_future(note, "taken").result(10)
    answer = store.writer.submit_future(swallow)
    if store.is_sqlite:  # there only the statement fails, not the transaction
        assert answer.result(10) == "done"
        assert names(store) == {"taken", "mine"}
    else:
        with pytest.raises(TransactionLost):
            answer.result(10)
        assert names(store) == {"taken"}


def test_an_error_of_the_commit_itself_leaves_the_outcome_unknown_for_all(store: Store):
    def point_to_nothing(connection: Connection) -> None:
        connection.execute(text("INSERT INTO links VALUES ('nothing')"))

    store.write(
        lambda c: (
            c.execute(
                text("CREATE TABLE links (name VARCHAR(20) REFERENCES notes (name) DEFERRABLE INITIALLY DEFERRED)")
            )
            and None
        )
    )
    with one_batch(store.writer):
        futures: list[Future] = [store.writer.submit_future(note, "fine"), store.writer.submit_future(point_to_nothing)]
    for future in futures:
        with pytest.raises(OutcomeUnknown) as unknown:
            future.result(10)
        assert unknown.value.code == "outcome_unknown"
        assert "Idempotency-Key" in unknown.value.remedy
    assert store.writer.submit_future(note, "afterwards").result(10) == "afterwards"
    assert names(store) == {"afterwards"}


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_a_server_that_goes_away_while_it_commits_leaves_the_outcome_unknown(store: Store):
    def make_trap(connection: Connection) -> None:
        connection.exec_driver_sql(
            "CREATE FUNCTION go_away() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            "WHEN (NEW.name = 'trap') EXECUTE FUNCTION go_away()"
        )

    store.write(make_trap)
    with one_batch(store.writer):
        futures = [store.writer.submit_future(note, name) for name in ("fine", "trap")]
    for future in futures:
        with pytest.raises(OutcomeUnknown):
            future.result(10)
    assert store.writer.submit_future(note, "afterwards").result(10) == "afterwards"


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_a_connection_lost_before_the_commit_is_not_noticed(store: Store):
    runs: list[int] = []

    def lose_the_connection_once(connection: Connection) -> str:
        runs.append(1)
        if len(runs) == 1:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return note(connection, "survivor")

    with one_batch(store.writer):
        before = store.writer.submit_future(note, "before")
        survivor = store.writer.submit_future(lose_the_connection_once)
    assert (before.result(10), survivor.result(10)) == ("before", "survivor")
    assert names(store) == {"before", "survivor"}
    assert len(runs) == 2


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_while_the_database_is_away_writers_are_told_and_afterwards_it_goes_on(store: Store, postgres_server: str):
    database = make_url(store.settings.operations_url).database

    def let_nobody_in(answer: bool) -> None:
        with psycopg.connect(postgres_server, autocommit=True) as server:
            server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {not answer}".encode())
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])

    store.writer.submit_future(note, "before").result(10)
    let_nobody_in(True)
    with one_batch(store.writer):
        futures = [store.writer.submit_future(note, f"away {n}") for n in range(3)]
    for future in futures:
        with pytest.raises(StoreUnavailable):
            future.result(10)
    let_nobody_in(False)
    assert store.writer.submit_future(note, "afterwards").result(10) == "afterwards"
    assert names(store) == {"before", "afterwards"}


def add(connection: Connection, name: str) -> None:
    connection.execute(text("UPDATE notes SET value = value + 1 WHERE name = :name"), {"name": name})


def add_after(meeting: threading.Barrier) -> Callable[[Connection, str], None]:
    """Adds once both writers hold their first row; when run again it does not wait."""
    met: list[bool] = []

    def change(connection: Connection, name: str) -> None:
        if not met:
            met.append(True)
            meeting.wait(10)
        add(connection, name)

    return change


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_two_writers_that_lock_rows_in_opposite_order_both_succeed(store: Store):
    store.write(note, "a")
    store.write(note, "b")
    meeting = threading.Barrier(2)
    with another_writer(store) as other, one_batch(store.writer), one_batch(other):
        futures = [
            store.writer.submit_future(add, "a"),
            store.writer.submit_future(add_after(meeting), "b"),
            other.submit_future(add, "b"),
            other.submit_future(add_after(meeting), "a"),
        ]
    for future in futures:
        future.result(10)
    with store.read() as connection:
        assert set(connection.execute(text("SELECT value FROM notes")).scalars()) == {2}


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_a_change_that_the_database_always_gives_up_ends_as_busy(store: Store, monkeypatch: pytest.MonkeyPatch):
    def deadlock(connection: Connection) -> None:
        connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'deadlock_detected'; END $$")

    monkeypatch.setattr("store.transactions.ATTEMPTS", 3)
    with pytest.raises(StoreBusy) as busy:
        store.writer.submit_future(deadlock).result(10)
    assert busy.value.code == "store_busy"


def test_a_full_queue_is_said_at_once(store: Store):
    with another_writer(store, queue_limit=2) as writer:
        with one_batch(writer):
            accepted = [writer.submit_future(note, name) for name in ("one", "two")]
            with pytest.raises(WriterBusy, match="2 changes"):
                writer.submit_future(note, "three")
        assert [future.result(10) for future in accepted] == ["one", "two"]
        assert writer.submit_future(note, "three").result(10) == "three"


def test_closing_writes_what_is_queued_and_takes_nothing_more(store: Store):
    with another_writer(store) as writer, one_batch(writer):
        futures = [writer.submit_future(note, f"n{n}") for n in range(100)]
    assert all(future.done() for future in futures)
    assert len(names(store)) == 100
    with pytest.raises(WriterClosed):
        writer.submit_future(note, "late")
    writer.close()


def test_many_coroutines_are_answered_each_with_its_own(store: Store):
    async def submit_all() -> list[object]:
        changes = [store.writer.submit(note_and_raise if n % 3 == 0 else note, f"n{n}") for n in range(300)]
        return await asyncio.gather(*changes, return_exceptions=True)

    answers = asyncio.run(submit_all())
    for n, answer in enumerate(answers):
        assert (isinstance(answer, Refused) and str(answer) == f"n{n}") if n % 3 == 0 else answer == f"n{n}"
    assert names(store) == {f"n{n}" for n in range(300) if n % 3}


def test_a_caller_that_stops_waiting_disturbs_nobody(store: Store):
    async def cancel_one() -> str:
        with one_batch(store.writer):
            cancelled = store.writer.submit(note, "cancelled")
            waiting = store.writer.submit(note, "waiting")
            cancelled.cancel()
        return await waiting

    assert asyncio.run(cancel_one()) == "waiting"
    assert names(store) == {"cancelled", "waiting"}


def test_an_event_loop_that_ended_disturbs_nobody(store: Store):
    async def leave() -> None:
        store.writer.submit(note, "left behind")

    with one_batch(store.writer):
        asyncio.run(leave())
        other = store.writer.submit_future(note, "other")
    assert other.result(10) == "other"
    assert names(store) == {"left behind", "other"}
