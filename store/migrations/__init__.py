"""The schema of the operational store, one revision after the other, applied by `migrate`."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from store.engines import schema_engine
from store.session import HEAD_REVISION

if TYPE_CHECKING:
    from alembic.config import Config

_DIRECTORY = Path(__file__).resolve().parent
_one_at_a_time = threading.Lock()


def migrate(url: str, revision: str = "head") -> None:
    """Bring the operational store at `url` up to `revision`; make it if there is none. Does nothing when it is there.

    Several processes may call it at once: SQLite's write lock, and an advisory lock on PostgreSQL, let one work.
    """
    engine = schema_engine(url)
    try:
        with _one_at_a_time, engine.connect() as connection:  # alembic keeps its context in a module variable
            if revision == "head" and _is_newest(connection):
                return
            from alembic import command  # a process that starts again after a crash need not wait for it

            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def alembic_config() -> "Config":
    """Alembic's configuration, with nothing read from an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY))
    config.set_main_option("path_separator", "os")
    return config


def _is_newest(connection: Connection) -> bool:
    with connection.begin():
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() == HEAD_REVISION
