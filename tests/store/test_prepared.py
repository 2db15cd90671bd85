"""A prepared statement does what SQLAlchemy's own execution of it does."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, NoResultFound

from store.prepared import DIALECTS, Prepared, is_one_of
from store.session import Store, open_store
from store.settings import Settings
from store.tables import incidences

AT = datetime(2026, 11, 23, 8, 30, 0, 123456, tzinfo=UTC)
BY_ID = select(incidences).where(incidences.c.incidence_id == bindparam("id"))
INSERT = Prepared(insert(incidences))
FIND = Prepared(BY_ID)
CLOSE = Prepared(
    update(incidences).where(incidences.c.incidence_id == bindparam("id")).values(outcome=bindparam("word"))
)


def a_row(**others: Any) -> dict[str, Any]:
    row_id = str(uuid.uuid4())
    return {
        "incidence_id": row_id,
        "source_id": row_id,
        "user_id": f"user-{row_id}",
        "stage": "PRE_ORDER",
        "trigger": "USER_INITIATED",
        "allowed_channels": ["CHAT", "चैट"],
        "time_to_resolve_seconds": 1.5,
        "created_at": AT,
        "updated_at": AT,
    } | others


def test_what_was_inserted_is_found_as_sqlalchemy_finds_it(store: Store) -> None:
    rows = [a_row(), a_row(user_inputs={"guests": 80}, is_self_serve=True)]

    def write(connection: Connection) -> None:
        for row in rows:
            assert INSERT.run(connection, row) == 1

    store.write(write)
    with store.read() as connection:
        for row in rows:
            wanted = {"id": row["incidence_id"]}
            found = FIND.one(connection, wanted)
            assert found == connection.execute(BY_ID, wanted).one()
            assert found.created_at == AT
            assert FIND.all(connection, wanted) == [found]
            assert (found.source, found.reopen_count, found.change_seq > 0) == ("app", 0, True)


def test_rows_that_are_written_are_counted_and_missing_ones_are_none(store: Store) -> None:
    row = a_row()

    def write(connection: Connection) -> None:
        INSERT.run_many(connection, [row, a_row()])
        assert CLOSE.run(connection, {"id": row["incidence_id"], "word": "RESOLVED"}) == 1
        assert CLOSE.run(connection, {"id": "missing", "word": "RESOLVED"}) == 0

    store.write(write)
    with store.read() as connection:
        assert FIND.one(connection, {"id": row["incidence_id"]}).outcome == "RESOLVED"
        assert FIND.first(connection, {"id": "missing"}) is None
        with pytest.raises(NoResultFound):
            FIND.one(connection, {"id": "missing"})


def test_many_rows_are_inserted_in_few_statements(store: Store) -> None:
    rows = [a_row(reopen_count=number) for number in range(150)]
    again = Prepared({name: made.insert(incidences).on_conflict_do_nothing() for name, made in DIALECTS.items()})
    assert store.write(INSERT.run_many, rows) == 150
    assert store.write(again.run_many, [*rows[:5], a_row(reopen_count=150)]) == 1
    with store.read() as connection:
        counts = connection.execute(select(incidences.c.reopen_count).order_by(incidences.c.reopen_count)).scalars()
        assert list(counts) == list(range(151))


def test_one_of_a_list_is_found_however_long_it_is(store: Store) -> None:
    rows = [a_row() for _ in range(70)]
    store.write(INSERT.run_many, rows)
    users = {name: select(incidences).where(is_one_of(incidences.c.user_id, "ids", name)) for name in DIALECTS}
    prepared = Prepared(users)
    ids = [row["user_id"] for row in rows[:65]]
    with store.read() as connection:
        for wanted in (ids, ids[:1], [], ["मीरा", '"', *ids[:2]]):
            found = {row.user_id for row in prepared.all(connection, {"ids": wanted})}
            assert found == set(wanted) & set(ids)


def test_a_database_error_is_the_one_that_sqlalchemy_raises(store: Store) -> None:
    row = a_row()
    store.write(INSERT.run, row)
    with pytest.raises(IntegrityError) as raised:
        store.write(INSERT.run, row)
    assert row["user_id"] not in str(raised.value)
    assert not raised.value.connection_invalidated


def test_a_change_that_lost_its_connection_runs_again(tmp_path: Path, migrated_postgres_url: str) -> None:
    row, tries = a_row(), []

    def write(connection: Connection) -> None:
        tries.append(True)
        if len(tries) == 1:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with psycopg.connect(migrated_postgres_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        INSERT.run(connection, row)

    with open_store(Settings.at(tmp_path, migrated_postgres_url)) as store:
        store.write(write)
    assert len(tries) == 2


def test_a_reader_sees_one_snapshot(store: Store) -> None:
    row = a_row()
    with store.read() as connection:
        assert FIND.first(connection, {"id": row["incidence_id"]}) is None
        store.write(INSERT.run, row)
        assert FIND.first(connection, {"id": row["incidence_id"]}) is None


def test_what_cannot_be_prepared_says_so(store: Store) -> None:
    many = Prepared(select(incidences).where(incidences.c.incidence_id.in_(bindparam("ids", expanding=True))))
    with store.read() as connection, pytest.raises(AssertionError, match="cannot be prepared"):
        many.all(connection, {"ids": ["a", "b"]})
