"""The live tables of the operational store beside the published warehouse, read-only, for analysts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import duckdb

from store.attached import attach_postgresql, attach_sqlite
from store.published.versions import WarehouseUnavailable
from store.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


class NoLiveTables(WarehouseUnavailable):
    code = "no_live_tables"
    remedy = "Run ./supportled up; it makes the operational store."


class Live:
    """The operational store as catalog `ops`. What the API writes is there at once; so are names, phones and messages,
    which the warehouse never holds. On SQLite an instant is a whole number of microseconds: `make_timestamp(created_at)`.

    Not for the process that writes the store: two SQLite libraries on one file undo each other's locks.
    """

    def __init__(self, settings: Settings) -> None:
        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})
        if settings.is_sqlite:
            attach_sqlite(self._connection, _path(settings.operations_url))
        else:
            attach_postgresql(self._connection, settings.operations_url)
        self._connection.execute("USE ops")

    def frame(self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None) -> "pd.DataFrame":
        """The rows of a query as a pandas frame; a statement that writes is refused."""
        return self._connection.execute(sql, parameters).df()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_live(settings: Settings) -> Live:
    """Open the live tables read-only; raises `NoLiveTables` where there is no store."""
    if settings.is_sqlite and not _path(settings.operations_url).is_file():
        raise NoLiveTables("There is no operational store yet.")
    return Live(settings)


def _path(url: str) -> Path:
    return Path(urlsplit(url).path.removeprefix("/"))
