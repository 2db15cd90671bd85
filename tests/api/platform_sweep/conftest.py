import pytest

from api.rules.registry import load_rules
from api.rules.sets import Rules
from store import clock
from store.session import open_store
from store.settings import Settings


@pytest.fixture(scope="module")
def sqlite_rules(_migrated_file) -> Rules:
    """The first rules."""
    with open_store(Settings.at(_migrated_file.parent)) as store, store.read() as connection:
        return load_rules(connection, clock.now())
