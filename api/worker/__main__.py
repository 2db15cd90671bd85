"""`python -m api.worker`: one more process of loops beside the API, on PostgreSQL. SIGTERM or Ctrl-C ends it."""

import asyncio
import signal
import sys
from contextlib import suppress

import structlog

from api.logs import configure_logging
from api.rules.registry import Registry
from api.worker.loops import run_loops
from store.errors import StoreError
from store.migrations import migrate
from store.session import open_store
from store.settings import Settings

_log = structlog.get_logger()


def main() -> int:
    """The exit status: 2 where only one process may write."""
    configure_logging()
    settings = Settings.from_environment()
    if settings.is_sqlite:
        _log.error(
            "worker.not_needed", reason="On SQLite the API's own process runs the loops; nothing else may write."
        )
        return 2
    try:
        migrate(settings.operations_url)
        asyncio.run(serve_loops(settings))
    except StoreError as error:
        _log.error("worker.stopped", reason=str(error), remedy=error.remedy)
        return 1
    return 0


async def serve_loops(settings: Settings) -> None:
    """Run the loops until a signal ends them."""
    with open_store(settings) as store:
        registry = Registry(store)
        work = asyncio.gather(run_loops(store, registry), registry.watch())
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, work.cancel)
        _log.info("worker.started")
        with suppress(asyncio.CancelledError):
            await work
        _log.info("worker.ended")


if __name__ == "__main__":
    sys.exit(main())
