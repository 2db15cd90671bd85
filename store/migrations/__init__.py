"""The schema of the operational store, one revision after the other, applied by `migrate`."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config

from store.engines import schema_engine

_DIRECTORY = Path(__file__).resolve().parent
_one_at_a_time = threading.Lock()


def migrate(url: str, revision: str = "head") -> None:
    """Bring the operational store at `url` up to `revision`; make it if there is none. Does nothing when it is there.

    Several processes may call it at once: SQLite's write lock, and an advisory lock on PostgreSQL, let one work.
    """
    engine = schema_engine(url)
    try:
        with _one_at_a_time, engine.connect() as connection:  # alembic keeps its context in a module variable
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def alembic_config() -> Config:
    """Alembic's configuration, with nothing read from an ini file."""
    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY))
    config.set_main_option("path_separator", "os")
    return config
