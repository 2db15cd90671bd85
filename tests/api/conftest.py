from collections.abc import Iterator

import pytest

from store.settings import Settings
from tests.api.serving import Api, serve_api


@pytest.fixture
def api(sqlite_settings: Settings) -> Iterator[Api]:
    """The application, served, on a SQLite store of the test's own."""
    with serve_api(sqlite_settings) as api:
        yield api


@pytest.fixture
def api_on_each_engine(store_settings: Settings) -> Iterator[Api]:
    """The application, served, once on SQLite and once on PostgreSQL."""
    with serve_api(store_settings) as api:
        yield api
