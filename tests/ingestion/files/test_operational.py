"""Orders and users from files in the operational store, on both engines."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select

from ingestion.files import import_file
from ingestion.files.operational import BATCH_ROWS
from store.session import open_store
from store.settings import Settings
from store.tables import orders, users
from tests.ingestion.files.examples import rows

Write = Callable[[str, str | bytes], Path]
AT = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = "order_id,user_id,status,event_type,event_date,guest_count,value,placed_at,cancelled_at\n"
USERS = "user_id,name,phone,language,tier,prior_order_count,last_order_date\n"


def stored(settings: Settings, table: Table) -> dict[str, dict[str, Any]]:
    with open_store(settings) as store, store.read() as connection:
        found = connection.execute(select(table)).mappings().all()
    (key,) = table.primary_key.columns
    return {row[key.name]: dict(row) for row in found}


def put(settings: Settings, table: Table, **row: Any) -> None:
    def change(connection: Connection) -> None:
        connection.execute(insert(table), [row])

    with open_store(settings) as store:
        store.write(change)


def test_orders_reach_the_store_and_the_warehouse(store_settings: Settings, write: Write) -> None:
    content = (
        ORDERS + "o1,u1,,WEDDING,2026-12-01,250,125000.50,2026-01-05 10:00,\no2,u1,,,,,100,2026-01-05,2026-01-06\n"
    )
    import_file(store_settings, write("orders.csv", content), "orders")
    order = stored(store_settings, orders)["o1"]
    assert (order["source"], order["source_id"], order["status"]) == ("file", "o1", "PLACED")
    assert (order["event_date"], order["guest_count"]) == (date(2026, 12, 1), 250)
    assert (order["value_paise"], order["placed_at"]) == (12_500_050, datetime(2026, 1, 5, 4, 30, tzinfo=UTC))
    assert stored(store_settings, orders)["o2"]["status"] == "CANCELLED"
    landed = rows(store_settings, "SELECT order_id, value_paise, status FROM raw.file_orders ORDER BY 1")
    assert landed == [("o1", 12_500_050, "PLACED"), ("o2", 10_000, "CANCELLED")]


def test_a_later_file_replaces_an_earlier_order(store_settings: Settings, write: Write) -> None:
    import_file(store_settings, write("1.csv", ORDERS + "o1,u1,,,,,100,2026-01-05,\n"), "orders")
    before = stored(store_settings, orders)["o1"]
    import_file(store_settings, write("2.csv", ORDERS + "o1,u1,,,,,200,2026-01-05,\n"), "orders")
    after = stored(store_settings, orders)["o1"]
    assert after["value_paise"] == 20_000
    assert after["change_seq"] > before["change_seq"]


def test_a_live_order_or_user_is_never_overwritten(store_settings: Settings, write: Write) -> None:
    live: dict[str, Any] = {"source": "app", "updated_at": AT}
    put(
        store_settings,
        orders,
        order_id="o1",
        user_id="u1",
        status="PLACED",
        value_paise=1,
        placed_at=AT,
        recorded_at=AT,
        source_id="o1",
        **live,
    )
    put(store_settings, users, user_id="u1", name="Asha", tier="GOLD", source_id="u1", created_at=AT, **live)
    import_file(
        store_settings, write("o.csv", ORDERS + "o1,u2,,,,,99,2026-01-05,\no2,u2,,,,,99,2026-01-05,\n"), "orders"
    )
    import_file(store_settings, write("u.csv", USERS + "u1,Other,,,BRONZE,,\n"), "users")
    assert stored(store_settings, orders)["o1"]["value_paise"] == 1
    assert set(stored(store_settings, orders)) == {"o1", "o2"}
    assert stored(store_settings, users)["u1"]["name"] == "Asha"


def test_names_and_phones_reach_the_store_only(store_settings: Settings, write: Write) -> None:
    content = USERS + "u1,Asha Rao,+91 98450 00000,hi,GOLD,3,2025-12-24\nu2,Vikram Sen,98450,,PLATINUM,,\n"
    result = import_file(store_settings, write("users.csv", content), "users")
    assert result.rejected_count == 1
    user = stored(store_settings, users)["u1"]
    assert (user["name"], user["phone"], user["language"]) == ("Asha Rao", "+91 98450 00000", "hi")
    assert rows(store_settings, "SELECT user_id, tier, prior_order_count, last_order_date FROM raw.file_users") == [
        ("u1", "GOLD", 3, date(2025, 12, 24))
    ]
    kept = str(rows(store_settings, "SELECT * FROM raw.rejected_rows")) + result.describe()
    kept += "".join(path.read_bytes().decode("latin-1") for path in store_settings.raw_dir.rglob("*") if path.is_file())
    assert "u2" in kept
    assert not any(word in kept for word in ("Asha", "Vikram", "98450"))


def test_a_user_keeps_the_time_it_was_first_seen(store_settings: Settings, write: Write) -> None:
    import_file(store_settings, write("1.csv", USERS + "u1,Asha,,,,,\n"), "users")
    before = stored(store_settings, users)["u1"]
    import_file(store_settings, write("2.csv", USERS + "u1,Asha Rao,,,SILVER,,\n"), "users")
    after = stored(store_settings, users)["u1"]
    assert (after["name"], after["tier"]) == ("Asha Rao", "SILVER")
    assert after["created_at"] == before["created_at"] < after["updated_at"]


def test_more_rows_than_a_batch_all_arrive(sqlite_settings: Settings, write: Write) -> None:
    lines = "".join(f"o{n},u1,,,,,{n},2026-01-05,\n" for n in range(BATCH_ROWS * 2 + 1))
    result = import_file(sqlite_settings, write("o.csv", ORDERS + lines), "orders")
    assert result.loaded_count == len(stored(sqlite_settings, orders)) == BATCH_ROWS * 2 + 1


def test_a_check_leaves_the_store_alone(sqlite_settings: Settings, write: Write) -> None:
    import_file(sqlite_settings, write("o.csv", ORDERS + "o1,u1,,,,,1,2026-01-05,\n"), "orders", check=True)
    assert stored(sqlite_settings, orders) == {}


def test_an_import_that_the_store_refused_can_be_repeated(settings: Settings, write: Write) -> None:
    from store.errors import StoreOutOfDate
    from store.migrations import migrate

    settings.var_dir.mkdir()
    path = write("o.csv", ORDERS + "o1,u1,,,,,1,2026-01-05,\n")
    with pytest.raises(StoreOutOfDate):
        import_file(settings, path, "orders")
    assert not list(settings.raw_dir.glob("*-file"))
    migrate(settings.operations_url)
    assert not import_file(settings, path, "orders").is_unchanged
    assert set(stored(settings, orders)) == {"o1"}
