"""A writer moves money between orders while extracts read them: the sum is the same at every instant."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
from sqlalchemy import select

from ingestion.extract import run_extract
from ingestion.raw import Manifest, land
from store.session import Store
from store.settings import ROOT, Settings
from store.tables import orders
from tests.ingestion.store_rows import ORDER_VALUE_PAISE, insert_orders

ORDER_COUNT = 250_000
WHOLE_PAISE = ORDER_COUNT * ORDER_VALUE_PAISE

MOVER = textwrap.dedent("""
    import random, sys
    from pathlib import Path
    from sqlalchemy import bindparam, update
    from store.session import open_store
    from store.settings import Settings
    from store.tables import orders

    def change(order, value):
        return update(orders).where(orders.c.order_id == bindparam(order)).values(value_paise=value)

    TAKE = change("giver", orders.c.value_paise - bindparam("paise"))
    GIVE = change("taker", orders.c.value_paise + bindparam("paise"))

    def move(connection):
        moves = [
            {
                "giver": f"order-{random.randint(1, %(count)d)}",
                "taker": f"order-{random.randint(1, %(count)d)}",
                "paise": random.randint(1, 1000),
            }
            for _ in range(20)
        ]
        connection.execute(TAKE, moves)
        connection.execute(GIVE, moves)

    with open_store(Settings.at(Path(sys.argv[1]), sys.argv[2])) as store:
        while True:
            store.write(move)
            print("moved", flush=True)
""") % {"count": ORDER_COUNT}


@contextmanager
def money_moving(settings: Settings) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", MOVER, str(settings.var_dir), settings.operations_url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as mover:
        assert mover.stdout
        assert mover.stdout.readline() == "moved\n"
        drain = subprocess.Popen(["cat"], stdin=mover.stdout, stdout=subprocess.DEVNULL)
        try:
            yield
            assert mover.poll() is None, "the writer ended before the extracts did"
        finally:
            mover.kill()
            drain.wait()


def sum_as_read(manifest: Manifest) -> int:
    with duckdb.connect() as connection:
        query = "SELECT sum(value_paise)::BIGINT FROM read_parquet(?)"
        ((paise,),) = connection.execute(query, [str(manifest.parquet_path("orders"))]).fetchall()
    return paise


def test_no_sum_is_torn_while_a_writer_moves_value(
    store: Store, store_settings: Settings, size: Callable[..., int]
) -> None:
    store.write(insert_orders, ORDER_COUNT)
    snapshots = set()
    with money_moving(store_settings):
        for _ in range(size(small=3, full=40)):
            manifest = run_extract(store_settings, full=True).manifest
            snapshots.add(manifest.tables["orders"].sha256)
            assert manifest.tables["orders"].sums["value_paise"] == WHOLE_PAISE
            assert sum_as_read(manifest) == WHOLE_PAISE
    assert len(snapshots) > 1, "nothing moved between the extracts"


def test_changes_read_while_a_writer_moves_value_add_up(
    store: Store, store_settings: Settings, size: Callable[..., int]
) -> None:
    """Each incremental extract is a slice of one instant: after landing it the whole sum is the same again."""
    store.write(insert_orders, ORDER_COUNT)
    with duckdb.connect() as warehouse:
        with money_moving(store_settings):
            for _ in range(size(small=3, full=40)):
                run_extract(store_settings)
                assert land(warehouse, store_settings).differences == ()
                assert warehouse.execute("SELECT sum(value_paise) FROM raw.orders").fetchall() == [(WHOLE_PAISE,)]
        run_extract(store_settings)
        land(warehouse, store_settings)
        landed = warehouse.execute("SELECT order_id, value_paise FROM raw.orders ORDER BY order_id").fetchall()
    with store.read() as connection:
        rows = connection.execute(select(orders.c.order_id, orders.c.value_paise)).all()
    assert landed == sorted(map(tuple, rows))


def test_scanning_with_two_threads_does_tear(sqlite_store: Store, sqlite_settings: Settings) -> None:
    """What the extract is kept from; it also shows that the tests above would see a torn sum."""
    sqlite_store.write(insert_orders, ORDER_COUNT)
    with money_moving(sqlite_settings):
        for _ in range(40):
            manifest = run_extract(sqlite_settings, full=True, scan_threads=2).manifest
            if sum_as_read(manifest) != WHOLE_PAISE:
                break
        else:
            raise AssertionError("40 extracts with two threads and no torn sum: does the writer write?")
    with duckdb.connect() as warehouse:
        assert any("orders, value_paise" in difference for difference in land(warehouse, sqlite_settings).differences)
