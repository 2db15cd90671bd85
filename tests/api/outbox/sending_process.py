"""A program for tests: the sender alone. Run as `python -m tests.api.outbox.sending_process`, and killed."""

import asyncio
import sys

import structlog

from api.outbox.sending import Sending
from store.session import open_store
from store.settings import Settings
from tests.api.outbox.sending_story import KILLED


async def send() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    with open_store(Settings.from_environment()) as store:
        sys.stdout.write("started\n")
        sys.stdout.flush()
        await Sending(store, KILLED).run()


if __name__ == "__main__":
    asyncio.run(send())
