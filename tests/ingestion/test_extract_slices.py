"""However the changes are cut into extracts, schema raw ends the same."""

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import duckdb
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, delete, insert, update

from ingestion.contracts import OPERATIONAL
from ingestion.extract.process import extract
from ingestion.raw import land
from store.session import next_seqs, open_store
from store.settings import Settings
from store.tables import deletions, friction_scores, friction_signals, orders, platform_identities
from tests.ingestion.store_rows import AT

CHANGED = (orders, platform_identities)
APPENDED = (friction_signals, friction_scores)
TABLES = CHANGED + APPENDED
REASONS = ("RETENTION", "ERASURE", "DEMO_RESET", "CORRECTION")

step = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(CHANGED), st.integers(0, 4), st.integers(0, 99)),
    st.tuples(st.just("append"), st.sampled_from(APPENDED), st.integers(1, 3), st.integers(0, 99)),
    st.tuples(st.just("delete"), st.sampled_from(TABLES), st.integers(0, 4), st.sampled_from(REASONS)),
    st.tuples(st.just("delete_last"), st.sampled_from(APPENDED), st.just(0), st.sampled_from(REASONS)),
)
transactions = st.lists(st.tuples(st.lists(step, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=8)
"""Transactions of some steps each, and whether an extract follows."""


@dataclass(slots=True)
class Expected:
    """The store, and what schema raw must hold after the last extract: rows deleted for retention stay as last seen."""

    in_store: dict[tuple[str, str], int] = field(default_factory=dict)
    in_raw: dict[tuple[str, str], int] = field(default_factory=dict)
    deleted: dict[tuple[str, str], str] = field(default_factory=dict)
    appended: int = 0

    def delete(self, table: Table, key: str, reason: str) -> None:
        del self.in_store[table.name, key]
        self.deleted[table.name, key] = reason

    def extract(self) -> None:
        for key, reason in self.deleted.items():
            if reason != "RETENTION":
                self.in_raw.pop(key, None)
        self.deleted.clear()
        self.in_raw |= self.in_store

    def keys(self, table: Table) -> list[str]:
        return sorted(key for name, key in self.in_store if name == table.name)


VALUE = {
    "orders": "value_paise",
    "platform_identities": "user_id",
    "friction_signals": "value",
    "friction_scores": "score",
}


def apply(connection: Connection, expected: Expected, steps: list[tuple[str, Table, int, Any]]) -> None:
    for action, table, number, detail in steps:
        if action == "put":
            put(connection, expected, table, f"{number}", detail)
        elif action == "append":
            for _ in range(number):
                append(connection, expected, table, detail)
        elif keys := expected.keys(table):
            key = max(keys, key=_age) if action == "delete_last" else keys[number % len(keys)]
            remove(connection, expected, table, key, detail)


def _age(key: str) -> int:
    return int(key.rpartition("-")[2])


def put(connection: Connection, expected: Expected, table: Table, key: str, value: int) -> None:
    if table is orders:
        row = {"order_id": key, "value_paise": value, "user_id": "u", "status": "PLACED", "source_id": key}
        row |= {"placed_at": AT, "recorded_at": AT, "updated_at": AT}
    else:
        row = {"platform": "intercom", "platform_user_id": key, "user_id": f"{value}", "first_seen_at": AT}
        key = f"intercom/{key}"
    if (table.name, key) in expected.in_store:
        connection.execute(update(table).where(_is(table, key)).values(row))
    else:
        connection.execute(insert(table).values(row))
    expected.in_store[table.name, key] = value


def append(connection: Connection, expected: Expected, table: Table, value: int) -> None:
    expected.appended += 1
    common = {"user_id": "u", "session_id": "s"}
    if table is friction_signals:
        (seq,) = next_seqs(connection, 1)
        key = f"{seq}"
        row = {"seq": seq, "signal_type": "HEARTBEAT", "value": value, "client_event_id": key, "recorded_at": AT}
    else:
        key = f"score-{expected.appended:06d}"
        row = {"score_id": key, "after_seq": 0, "inactivity_seconds": 0, "back_navigation_count": 0}
        row |= {"price_check_count": 0, "is_high_value_event": False, "is_first_time_user": False, "score": value}
        row |= {"is_help_due": False, "reasons": [], "due_actions": [], "rule_version": 1, "evaluated_at": AT}
    connection.execute(insert(table).values(common | row))
    expected.in_store[table.name, key] = value


def remove(connection: Connection, expected: Expected, table: Table, key: str, reason: str) -> None:
    connection.execute(delete(table).where(_is(table, key)))
    note = {"table_name": table.name, "row_key": key}
    connection.execute(delete(deletions).where(*(deletions.c[name] == value for name, value in note.items())))
    connection.execute(insert(deletions).values(note | {"reason": reason, "deleted_at": AT + timedelta(1)}))
    expected.delete(table, key, reason)


def _is(table: Table, key: str) -> Any:
    parts = key.split("/")
    columns = list(table.primary_key.columns)
    matches = [
        column == (int(part) if column.name == "seq" else part) for column, part in zip(columns, parts, strict=True)
    ]
    return matches[0] if len(matches) == 1 else matches[0] & matches[1]


def landed(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    found = {}
    for table in TABLES:
        key = " || '/' || ".join(f'"{name}"::VARCHAR' for name in OPERATIONAL[table.name].key)
        rows = connection.execute(f"SELECT {key}, {VALUE[table.name]}::DOUBLE::BIGINT FROM raw.{table.name}").fetchall()
        assert len(rows) == len({row[0] for row in rows}), f"doubled keys in {table.name}"
        found |= {(table.name, row_key): value for row_key, value in rows}
    return found


def clear(connection: Connection) -> None:
    for table in (*TABLES, deletions):
        connection.execute(delete(table))


def test_slices_end_as_one_whole_does(store_settings: Settings, size: Callable[..., int]) -> None:
    @given(transactions)
    @settings(
        max_examples=size(small=6, full=150),
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # one example takes a second: too long to shrink
    )
    def check(transactions: list[tuple[list[Any], bool]]) -> None:
        compare_slices_with_whole(store_settings, transactions)

    check()


def compare_slices_with_whole(store_settings: Settings, transactions: list[tuple[list[Any], bool]]) -> None:
    # The store is open only between extracts, which here run in this process: one SQLite at a time may have the file.
    sliced = Settings.at(store_settings.var_dir / uuid.uuid4().hex, store_settings.operations_url)
    expected = Expected()
    with duckdb.connect() as warehouse:
        with open_store(sliced) as store:
            store.write(clear)
        for steps, is_followed_by_an_extract in [*transactions, ([], True)]:
            with open_store(sliced) as store:
                store.write(apply, expected, steps)
            if is_followed_by_an_extract:
                extract(sliced)
                expected.extract()
                assert land(warehouse, sliced).differences == ()
                assert landed(warehouse) == expected.in_raw
    with duckdb.connect() as rebuilt:
        land(rebuilt, sliced)
        assert landed(rebuilt) == expected.in_raw
    whole = Settings.at(store_settings.var_dir / uuid.uuid4().hex, store_settings.operations_url)
    with duckdb.connect() as warehouse:
        assert extract(whole).is_full
        assert land(warehouse, whole).differences == ()
        assert landed(warehouse) == expected.in_store
    for used in (sliced, whole):
        shutil.rmtree(used.var_dir)
