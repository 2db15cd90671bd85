import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Connection, Table, delete, insert, select, text, update

from ingestion.contracts import OPERATIONAL
from ingestion.extract import ExtractFailed, run_extract
from ingestion.extract.cursor import Position, starting_position, to_cursor
from ingestion.raw import Manifest, land
from store import clock
from store.session import Store
from store.settings import Settings
from store.tables import (
    deletions,
    friction_scores,
    metadata,
    orders,
    policies,
    store_identity,
    user_context,
    users,
)
from tests.ingestion.store_rows import AT, insert_orders, row_of

PERSONAL = "Priya Raghunathan +919812345678 priya@example.in"


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def put(connection: Connection, table: Table, *rows: dict[str, Any]) -> None:
    connection.execute(insert(table), list(rows))


def fill_every_table(connection: Connection) -> None:
    for name in OPERATIONAL:
        table = metadata.tables[name]
        put(connection, table, *(row_of(table, number, PERSONAL) for number in (21, 22, 23)))


def plain(value: Any, kind: str) -> Any:
    """A value of the operational store as the warehouse has it."""
    if kind == "TIMESTAMP" and value is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return json.dumps(value, sort_keys=True) if kind == "JSON" and value is not None else value


def of_the_store(store: Store, table: str) -> list[tuple[Any, ...]]:
    contract = OPERATIONAL[table]
    columns = [metadata.tables[table].c[name] for name in contract.columns]
    with store.read() as connection:
        found = connection.execute(select(*columns)).all()
    rows = (tuple(plain(v, kind) for v, kind in zip(row, contract.columns.values(), strict=True)) for row in found)
    return sorted(rows, key=repr)


def of_the_warehouse(warehouse: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    contract = OPERATIONAL[table]
    columns = ", ".join(f'"{name}"' for name in contract.columns)
    rows = (
        tuple(
            json.dumps(json.loads(v), sort_keys=True) if kind == "JSON" and v is not None else v
            for v, kind in zip(row, contract.columns.values(), strict=True)
        )
        for row in warehouse.execute(f"SELECT {columns} FROM raw.{table}").fetchall()
    )
    return sorted(rows, key=repr)


def test_every_table_arrives_as_it_is(
    store: Store, store_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    store.write(fill_every_table)
    result = run_extract(store_settings)
    assert result.is_full
    landed = land(warehouse, store_settings)
    assert landed.differences == ()
    assert set(landed.row_counts) == set(OPERATIONAL)
    for name in OPERATIONAL:
        assert of_the_warehouse(warehouse, name) == of_the_store(store, name), name


def test_what_changed_arrives_as_it_is(
    store: Store, store_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """The pass-through query reads the same values as the first full scan does."""
    store.write(insert_orders, 200)
    run_extract(store_settings)
    store.write(fill_every_table)
    result = run_extract(store_settings)
    assert not result.is_full
    assert result.manifest.tables["orders"].row_count == 3
    assert land(warehouse, store_settings).differences == ()
    for name in OPERATIONAL:
        assert of_the_warehouse(warehouse, name) == of_the_store(store, name), name


def test_absent_values_are_null(store: Store, store_settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    bare = {"user_id": "u1", "cart_items": None, "event_date": None, "cart_value_paise": None, "updated_at": AT}
    store.write(put, user_context, bare)
    run_extract(store_settings)
    land(warehouse, store_settings)
    query = "SELECT cart_items, selected_platter, event_date, cart_value_paise, last_activity_at FROM raw.user_context"
    assert warehouse.execute(query).fetchall() == [(None, None, None, None, None)]


def test_a_document_that_is_a_bare_number_arrives(
    store: Store, store_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    run_extract(store_settings)
    land(warehouse, store_settings)
    codes = {row[0]: row[1] for row in of_the_store(store, "policies") if row}
    assert codes
    with store.read() as connection:
        share = connection.execute(select(policies.c.value).where(policies.c.code == "holdout_share")).scalar_one()
    found = warehouse.execute("SELECT value FROM raw.policies WHERE code = 'holdout_share'").fetchall()
    assert [json.loads(value) for (value,) in found] == [share]


def test_nothing_personal_leaves_the_store(store: Store, store_settings: Settings) -> None:
    store.write(fill_every_table)
    manifest = run_extract(store_settings).manifest
    planted = ("Priya", "Raghunathan", "9812345678", "priya@example.in")
    for path in manifest.directory.iterdir():
        content = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            # The file is compressed: its values are looked through as well as its bytes.
            content += str(duckdb.connect().execute(f"FROM '{path}'").fetchall())
        assert not [word for word in planted if word in content], path.name


def test_only_what_changed_is_read_again(store: Store, store_settings: Settings) -> None:
    store.write(insert_orders, 50)
    run_extract(store_settings)
    assert run_extract(store_settings).manifest.row_count == 0
    store.write(lambda c: c.execute(update(orders).where(orders.c.order_id == "order-7").values(value_paise=5)))
    changed = run_extract(store_settings)
    assert not changed.is_full
    assert {name: table.row_count for name, table in changed.manifest.tables.items()} == {"orders": 1}
    assert changed.manifest.tables["orders"].sums["value_paise"] == 5
    assert run_extract(store_settings, full=True).manifest.tables["orders"].row_count == 50


def test_a_renamed_column_is_noticed_before_a_row_changes(sqlite_store: Store, sqlite_settings: Settings) -> None:
    """SQLite takes a quoted name that is no column for text."""
    sqlite_store.write(insert_orders, 50)
    run_extract(sqlite_settings)
    sqlite_store.write(lambda c: c.execute(text("ALTER TABLE orders RENAME COLUMN value_paise TO value")))
    with pytest.raises(ExtractFailed, match="value_paise"):
        run_extract(sqlite_settings)


def test_a_restored_store_is_read_whole(store: Store, store_settings: Settings) -> None:
    store.write(insert_orders, 5)
    run_extract(store_settings)
    store.write(lambda c: c.execute(update(store_identity).values(store_id="another")))
    restored = run_extract(store_settings)
    assert restored.is_full
    assert restored.manifest.store_id == "another"
    assert restored.manifest.tables["orders"].row_count == 5


def test_the_instant_is_the_clock_just_before_the_read(store: Store, store_settings: Settings) -> None:
    before = clock.now()
    as_of = run_extract(store_settings).manifest.as_of
    assert before <= as_of <= clock.now()
    given = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    assert run_extract(store_settings, as_of=given).manifest.as_of == given


def test_a_row_that_got_the_number_of_a_deleted_one_is_read(sqlite_store: Store, sqlite_settings: Settings) -> None:
    """SQLite numbers rows from the highest there is: a deleted last row's number is given again."""

    def scores(connection: Connection, *numbers: int) -> None:
        put(connection, friction_scores, *(row_of(friction_scores, number, "") for number in numbers))

    def replace_last(connection: Connection) -> None:
        connection.execute(delete(friction_scores).where(friction_scores.c.score_id == "score_id-3"))
        put(
            connection,
            deletions,
            {"table_name": "friction_scores", "row_key": "score_id-3", "reason": "ERASURE", "deleted_at": AT},
        )
        scores(connection, 4)

    sqlite_store.write(scores, 1, 2, 3)
    run_extract(sqlite_settings)
    sqlite_store.write(replace_last)
    run_extract(sqlite_settings)
    with duckdb.connect() as warehouse:
        land(warehouse, sqlite_settings)
        found = warehouse.execute("SELECT score_id FROM raw.friction_scores ORDER BY 1").fetchall()
    assert found == [("score_id-1",), ("score_id-2",), ("score_id-4",)]


def test_a_transaction_that_commits_late_is_not_missed(migrated_postgres_url: str, tmp_path: Path) -> None:
    """On PostgreSQL a lower number may commit after a higher one was read."""
    settings = Settings.at(tmp_path / "var", migrated_postgres_url)
    store = Store(settings)
    try:
        run_extract(settings)
        slow = store._write_engine.connect()
        slow.begin()
        put(slow, users, {**row_of(users, 1, ""), "user_id": "late"})
        store.write(put, users, {**row_of(users, 2, ""), "user_id": "early"})
        between = run_extract(settings)
        assert between.manifest.tables["users"].row_count == 1
        slow.commit()
        slow.close()
        assert run_extract(settings).manifest.tables["users"].row_count == 2
        with duckdb.connect() as warehouse:
            land(warehouse, settings)
            assert warehouse.execute("SELECT user_id FROM raw.users ORDER BY 1").fetchall() == [("early",), ("late",)]
    finally:
        store.close()


def test_the_store_is_not_written_to(sqlite_store: Store, sqlite_settings: Settings) -> None:
    sqlite_store.write(insert_orders, 20_000)
    files = [sqlite_settings.var_dir / f"operations.sqlite3{suffix}" for suffix in ("", "-wal")]
    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert run_extract(sqlite_settings).manifest.tables["orders"].row_count == 20_000
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == before


def test_without_a_store_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ExtractFailed, match=r"there is no operational store at .*operations\.sqlite3: run `supportled up`"
    ):
        run_extract(Settings.at(tmp_path / "var"))


def test_the_password_of_the_store_is_never_repeated(tmp_path: Path) -> None:
    url = "postgresql://someone:se'cret@127.0.0.1:1/none"
    with pytest.raises(ExtractFailed, match="Unable to connect") as failure:
        run_extract(Settings.at(tmp_path / "var", url))
    assert "cret" not in str(failure.value)


NOW = Position("s1", 20, {"friction_signals": (9, 4)})
LAST = Manifest(1, "OPS", datetime(2026, 11, 20, tzinfo=UTC), "s1", to_cursor(replace(NOW, next_change_seq=10)))


def test_an_extract_goes_on_where_the_last_one_ended() -> None:
    assert starting_position(LAST, NOW, full=False) == Position("s1", 10, {"friction_signals": (9, 4)})


@pytest.mark.parametrize(
    ("last", "now", "full"),
    [
        (None, NOW, False),
        (LAST, NOW, True),
        (LAST, replace(NOW, store_id="s2"), False),
        (LAST, replace(NOW, next_change_seq=9), False),
        (replace(LAST, cursor={**LAST.cursor, "contract": "of another release"}), NOW, False),
    ],
    ids=["first", "asked for", "restored store", "numbers went back", "other columns"],
)
def test_everything_is_read_when_changes_cannot_be_told(last: Manifest | None, now: Position, full: bool) -> None:
    assert starting_position(last, now, full=full) is None
