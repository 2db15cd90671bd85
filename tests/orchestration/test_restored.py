"""A build after `supportled restore`: the store has another identity and fewer rows, and no one is asked anything."""

from pathlib import Path

import pytest
from sqlalchemy import insert, update

from ingestion.erasure import erase_again
from ingestion.extract import run_extract
from orchestration.building import begin, land_raw, publish_built
from orchestration.duck import open_file
from orchestration.problems import BuildFailed
from store.backup import take_backup
from store.migrations import migrate
from store.restore import restore
from store.session import open_store
from store.settings import Settings
from store.tables import orders, store_identity
from tests.ingestion.store_rows import row_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings.at(tmp_path / "var")
    settings.var_dir.mkdir()
    migrate(settings.operations_url)
    return settings


def take_orders(settings: Settings, numbers: range) -> None:
    with open_store(settings) as store:
        store.write(lambda c: c.execute(insert(orders), [row_of(orders, number, "words") for number in numbers]))


def build_without_models(settings: Settings) -> tuple[str | None, int]:
    """What the build started from, and the orders it has."""
    with begin(settings) as building:
        run_extract(settings)
        land_raw(building)
        with open_file(building.file) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute("create or replace table marts.fct_orders as select * from raw.orders order by order_id")
        publish_built(building)
        return building.base, building.tables["fct_orders"].row_count


def test_the_build_after_a_restore_goes_on_from_the_last_version(settings: Settings, tmp_path: Path) -> None:
    take_orders(settings, range(5))
    build_without_models(settings)
    take_backup(settings, tmp_path / "backup")
    take_orders(settings, range(5, 8))
    build_without_models(settings)
    restore(settings, tmp_path / "backup", replace=True, erase_again=erase_again)
    take_orders(settings, range(8, 10))

    # What happened after the backup is lost to the store, not to the warehouse.
    assert build_without_models(settings) == ("v00000002", 10)
    assert build_without_models(settings) == ("v00000003", 10)


def test_another_store_that_nobody_restored_is_refused(settings: Settings) -> None:
    build_without_models(settings)
    with open_store(settings) as store:
        store.write(lambda connection: connection.execute(update(store_identity).values(store_id="another")))
    with pytest.raises(BuildFailed, match="another one"):
        build_without_models(settings)
