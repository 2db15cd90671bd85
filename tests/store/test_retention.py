from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from store import tables
from store.ids import new_id
from store.retention import CLOSED_KEPT, KEPT, is_anything_overdue, prune
from store.session import Store
from tests.ingestion.store_rows import row_of

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
OLD = NOW - KEPT - timedelta(hours=1)
LONG_CLOSED = NOW - CLOSED_KEPT - timedelta(hours=1)


def put(connection: Connection, table: Any, number: int, **values: Any) -> dict[str, Any]:
    row = row_of(table, number, "words") | {"source": "app"} | values
    connection.execute(insert(table).values(row))
    return row


def pruned(store: Store, *, published_as_of: datetime = NOW) -> int:
    with store.read() as connection:
        is_due = is_anything_overdue(connection, published_as_of, NOW)
    count = store.write(prune, published_as_of, NOW, 100)
    assert is_due == (count > 0)
    return count


def keys(store: Store, table: Any) -> list[Any]:
    (key,) = table.primary_key.columns
    with store.read() as connection:
        return list(connection.execute(select(key).order_by(key)).scalars())


def deleted(store: Store) -> set[tuple[str, str, str]]:
    columns = tables.deletions.c
    with store.read() as connection:
        query = select(columns.table_name, columns.row_key, columns.reason)
        return {tuple(row) for row in connection.execute(query)}


def test_signals_leave_after_90_days_and_each_is_noted(store: Store):
    signals = tables.friction_signals

    def change(connection: Connection) -> None:
        put(connection, signals, 1, recorded_at=OLD)
        put(connection, signals, 2, recorded_at=NOW - KEPT + timedelta(hours=1))

    store.write(change)
    assert pruned(store) == 1
    assert keys(store, signals) == [2]
    assert deleted(store) == {("friction_signals", "1", "RETENTION")}
    assert pruned(store) == 0


def test_nothing_leaves_before_it_is_published(store: Store):
    store.write(put, tables.friction_signals, 1, recorded_at=OLD)
    assert pruned(store, published_as_of=OLD - timedelta(minutes=1)) == 0
    assert pruned(store, published_as_of=OLD + timedelta(minutes=1)) == 1


def test_the_last_profile_of_each_user_stays(store: Store):
    updates = tables.context_updates

    def change(connection: Connection) -> None:
        for number, user_id, kind in (
            (1, "user-1", "PROFILE"),
            (2, "user-1", "PROFILE"),
            (3, "user-1", "CART"),
            (4, "user-2", "PROFILE"),
        ):
            put(connection, updates, number, user_id=user_id, kind=kind, recorded_at=OLD)

    store.write(change)
    assert pruned(store) == 2
    assert keys(store, updates) == [2, 4]


@pytest.mark.parametrize(
    ("outcome", "updated_at", "stays"),
    [
        ("RESOLVED", LONG_CLOSED, False),
        ("RESOLVED", NOW - CLOSED_KEPT + timedelta(hours=1), True),
        (None, LONG_CLOSED, True),
    ],
)
def test_an_incidence_leaves_with_all_its_parts_24_months_after_it_closed(store: Store, outcome, updated_at, stays):
    incidence_id = new_id(LONG_CLOSED)
    parts = [tables.incidence_timeline, tables.escalation_log, tables.agent_actions, tables.approvals]

    def change(connection: Connection) -> None:
        put(
            connection,
            tables.incidences,
            1,
            incidence_id=incidence_id,
            outcome=outcome,
            merged_into=None,
            updated_at=updated_at,
        )
        for part in parts:
            put(connection, part, 1, incidence_id=incidence_id)

    store.write(change)
    assert pruned(store) == (0 if stays else 1)
    assert [len(keys(store, table)) for table in (tables.incidences, *parts)] == [int(stays)] * (1 + len(parts))
    assert len(deleted(store)) == (0 if stays else 1 + len(parts))


def test_a_webhook_loses_its_body_first_and_its_dedup_key_much_later(store: Store):
    events = tables.webhook_events

    def bodies() -> list[bytes | None]:
        with store.read() as connection:
            return list(connection.execute(select(events.c.body)).scalars())

    def change(connection: Connection) -> None:
        put(connection, events, 1, processed_at=OLD)

    store.write(change)
    assert pruned(store) == 1
    assert bodies() == [None]
    store.write(lambda connection: connection.execute(events.update().values(processed_at=LONG_CLOSED)))
    assert pruned(store) == 1
    assert bodies() == []


def test_demo_data_stays_so_that_it_can_be_reset(store: Store):
    store.write(put, tables.friction_signals, 1, recorded_at=OLD, source="demo")
    assert pruned(store) == 0


def test_notes_of_what_left_go_when_everyone_has_read_them(store: Store):
    store.write(put, tables.friction_signals, 1, recorded_at=OLD)
    assert pruned(store) == 1
    store.write(lambda connection: connection.execute(tables.deletions.update().values(deleted_at=OLD)))
    store.write(put, tables.friction_signals, 2, recorded_at=OLD)
    assert pruned(store) == 1
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.deletions)).scalar_one() == 1
