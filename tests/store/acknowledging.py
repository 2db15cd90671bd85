"""A program for tests: writes signals from many coroutines and prints each number once it was acknowledged.

Run as `python -m tests.store.acknowledging`, settings from the environment; it goes on until it is killed.
"""

import asyncio
import sys

from sqlalchemy import Connection, insert

from store import clock
from store.session import next_seqs, open_store
from store.settings import Settings
from store.tables import friction_signals

CONCURRENCY = 16


def record(connection: Connection) -> int:
    seq = next_seqs(connection, 1)[0]
    connection.execute(
        insert(friction_signals),
        {
            "seq": seq,
            "user_id": "ravi",
            "session_id": "s1",
            "signal_type": "HEARTBEAT",
            "client_event_id": str(seq),
            "recorded_at": clock.now(),
        },
    )
    return seq


async def main() -> None:
    with open_store(Settings.from_environment()) as store:

        async def go_on() -> None:
            while True:
                seq = await store.writer.submit(record)
                sys.stdout.write(f"{seq}\n")
                sys.stdout.flush()

        await asyncio.gather(*(go_on() for _ in range(CONCURRENCY)))


if __name__ == "__main__":
    asyncio.run(main())
