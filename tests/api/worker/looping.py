"""A program for tests: the loops alone, on either engine. Run as `python -m tests.api.worker.looping`."""

import asyncio

from api.worker.__main__ import serve_loops
from store.settings import Settings

if __name__ == "__main__":
    asyncio.run(serve_loops(Settings.from_environment()))
