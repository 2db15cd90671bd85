"""A demo goes into the store whole, beside real rows, and comes out again without touching them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, func, insert, select

from ingestion.simulate import DemoTruth, remove_demo, seed_demo, simulate, store_is_empty
from ingestion.simulate.seed import indian_midnight
from store import tables
from store.session import Store, next_seqs, open_store
from store.settings import Settings
from store.tables.columns import current_change
from tests.ingestion.simulate.frames import UNTIL

AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
USERS, DAYS = 120, 10


def _seed(settings: Settings) -> DemoTruth:
    return seed_demo(settings, until=UNTIL, users=USERS, days=DAYS, progress=lambda _: None)


def _counts(settings: Settings) -> dict[str, int]:
    with open_store(settings) as store, store.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.metadata.tables.items()
        }


def _add_real_rows(connection: Connection) -> None:
    change = current_change()
    common = {"source": "app", "change_seq": change}
    user = {
        "user_id": "real",
        "language": "en",
        "tier": "GOLD",
        "source_id": "real",
        "created_at": AT,
        "updated_at": AT,
    }
    connection.execute(insert(tables.users).values(**user, **common))
    connection.execute(
        insert(tables.orders).values(
            order_id="real-order",
            user_id="real",
            status="PLACED",
            value_paise=1,
            placed_at=AT,
            recorded_at=AT,
            source_id="real-order",
            updated_at=AT,
            **common,
        )
    )
    seq = next_seqs(connection, 1)[0]
    connection.execute(
        insert(tables.friction_signals).values(
            seq=seq,
            user_id="real",
            session_id="s",
            signal_type="ITEM_VIEWED",
            client_event_id="1",
            recorded_at=AT,
            **common,
        )
    )
    connection.execute(
        insert(tables.suppressions).values(user_id="real", suppressed_until=AT, updated_at=AT, change_seq=change)
    )


def test_every_simulated_row_is_in_the_store(store_settings: Settings) -> None:
    assert store_is_empty(store_settings)
    truth = _seed(store_settings)
    assert not store_is_empty(store_settings)
    found = _counts(store_settings)
    assert {name: found[name] for name in truth.totals} == truth.totals
    assert DemoTruth.read(store_settings) == truth


def test_what_is_read_back_is_what_was_simulated(store_settings: Settings) -> None:
    _seed(store_settings)
    demo = {rows.table.name: rows.columns for rows in simulate(until=UNTIL, users=USERS, days=DAYS).rows}
    with open_store(store_settings) as store, store.read() as connection:
        order = connection.execute(select(tables.orders).order_by(tables.orders.c.order_id)).mappings().first()
        signal = connection.execute(select(tables.friction_signals).limit(1)).mappings().one()
        score = connection.execute(select(tables.friction_scores).limit(1)).mappings().one()
    assert order is not None
    expected = {name: values[0] for name, values in demo["orders"].items() if name != "change_seq"}
    assert order["placed_at"] == datetime.fromtimestamp(expected["placed_at"] / 1e6, UTC)
    assert order["event_date"].isoformat() == expected["event_date"]
    assert order["value_paise"] == expected["value_paise"]
    assert len(order["items"]) in {1, 2}
    assert signal["source"] == "demo"
    assert isinstance(score["reasons"], list)
    assert isinstance(score["is_help_due"], bool)


def test_no_demo_agent_can_be_given_a_real_incidence(sqlite_settings: Settings) -> None:
    _seed(sqlite_settings)
    with open_store(sqlite_settings) as store, store.read() as connection:
        assert set(connection.execute(select(tables.agents.c.status)).scalars()) == {"AWAY"}


def test_real_rows_stay_when_the_demo_goes(store_settings: Settings) -> None:
    with open_store(store_settings) as store:
        store.write(_add_real_rows)
    before = _counts(store_settings)
    truth = _seed(store_settings)
    removed = remove_demo(store_settings)
    assert removed == {name: count for name, count in truth.totals.items() if count}
    after = _counts(store_settings)
    assert {**after, "deletions": 0, "store_counters": 0} == {**before, "deletions": 0, "store_counters": 0}
    assert after["deletions"] == sum(truth.totals.values())
    with open_store(store_settings) as store, store.read() as connection:
        assert set(connection.execute(select(tables.deletions.c.reason)).scalars()) == {"DEMO_RESET"}
        keys = connection.execute(
            select(tables.deletions.c.row_key).where(tables.deletions.c.table_name == "friction_signals")
        ).scalars()
        assert all(key.isdecimal() for key in keys)


def test_the_log_goes_on_after_what_the_store_holds(store_settings: Settings) -> None:
    with open_store(store_settings) as store:
        store.write(_add_real_rows)
        _seed(store_settings)
        with store.read() as connection:
            lowest, highest = _seq_span(connection, "demo")
            assert lowest == 2
        assert store.write(lambda connection: next_seqs(connection, 1)[0]) > highest


def _seq_span(connection: Connection, source: str) -> tuple[int, int]:
    seqs: list[int] = []
    for table in (tables.friction_signals, tables.context_updates):
        seqs += connection.execute(select(table.c.seq).where(table.c.source == source)).scalars()
    return min(seqs), max(seqs)


def test_a_score_names_a_place_in_the_same_log(store: Store, store_settings: Settings) -> None:
    store.write(_add_real_rows)
    _seed(store_settings)
    with store.read() as connection:
        lowest, highest = _seq_span(connection, "demo")
        after = connection.execute(select(tables.friction_scores.c.after_seq)).scalars().all()
    assert all(lowest <= seq <= highest for seq in after)


def test_a_demo_that_comes_back_is_no_longer_deleted(store_settings: Settings) -> None:
    _seed(store_settings)
    remove_demo(store_settings)
    truth = _seed(store_settings)
    with open_store(store_settings) as store, store.read() as connection:
        gone = set(connection.execute(select(tables.deletions.c.table_name).distinct()).scalars())
    assert gone <= {"friction_signals", "context_updates"}, "only the log has other numbers the second time"
    assert _counts(store_settings)["orders"] == truth.totals["orders"]


def test_a_demo_is_all_or_nothing(sqlite_settings: Settings) -> None:
    def fail(line: str) -> None:
        if "prompts" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed_demo(sqlite_settings, until=UNTIL, users=USERS, days=DAYS, progress=fail)
    assert store_is_empty(sqlite_settings)
    assert _seed(sqlite_settings).totals["users"] == USERS


def test_a_demo_ends_at_an_indian_midnight() -> None:
    assert indian_midnight(datetime(2026, 11, 23, 18, 29, tzinfo=UTC)) == datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert indian_midnight(datetime(2026, 11, 23, 18, 30, tzinfo=UTC)) == datetime(2026, 11, 23, 18, 30, tzinfo=UTC)


def test_a_city_too_small_to_tell_anything_is_refused(sqlite_settings: Settings) -> None:
    with pytest.raises(ValueError, match="20 users"):
        seed_demo(sqlite_settings, users=3, progress=lambda _: None)
