"""Small warehouses for tests: published without dbt, and looked at as a reader would."""

import json
from collections.abc import Callable
from pathlib import Path

from orchestration.building import Building, begin
from orchestration.code import code_hash
from orchestration.duck import open_file
from orchestration.publish import Identity, content_hash, publish, read_contents
from store.published import SCHEMA_VERSION, current_version, open_current
from store.published.versions import FILE_NAME
from store.settings import Settings

EXPECTED_ENTRIES = {"building", "build.lock", "current", "last_version", "private", "published", "versions.lock"}


def publish_small(
    settings: Settings, on_step: Callable[[str], None] = lambda _step: None, row_count: int = 20_000
) -> str:
    """A version whose every row carries the number of its version."""
    with begin(settings) as building:
        with open_file(building.file) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute(
                "create or replace table marts.data_as_of as "
                "select timestamp '2026-11-22 18:30:00' as as_of, false as is_demo"
            )
            connection.execute(
                "create or replace table marts.fct_orders as "
                "select ? as version, range::varchar as order_id, timestamp '2026-11-01' as placed_at from range(?)",
                [building.version, row_count],
            )
        building.tables = publish(settings, building.directory, identity_of(building), on_step=on_step)
        return building.version


def identity_of(building: Building) -> Identity:
    return Identity(
        build_id="test",
        version=building.version,
        as_of="2026-11-22T18:30:00.000000Z",
        extract_no=1,
        base_version=building.base,
        is_full_refresh=building.is_full_refresh,
        code_hash=code_hash(),
        schema_version=SCHEMA_VERSION,
    )


def check_current_is_whole(settings: Settings) -> str:
    """The current version opens and holds exactly what its manifest says. Returns its name."""
    with open_current(settings) as warehouse:
        version = warehouse.version
        directory = warehouse.directory
        assert current_version(settings) == version
    manifest = json.loads((directory / "manifest.json").read_text())
    tables = read_contents(directory / FILE_NAME)
    assert content_hash(tables) == manifest["content_hash"]
    assert not list(directory.glob("*.wal"))
    return version


def strays(settings: Settings) -> list[Path]:
    """What no finished build would leave behind."""
    warehouse = settings.warehouse_dir
    found = [path for path in warehouse.iterdir() if path.name not in EXPECTED_ENTRIES]
    found += list((warehouse / "building").iterdir()) if (warehouse / "building").is_dir() else []
    for directory, files in (
        (settings.published_dir, {FILE_NAME, "manifest.json", "pins"}),
        (settings.private_dir, {FILE_NAME, "state.json"}),
    ):
        for version in directory.iterdir() if directory.is_dir() else []:
            found += [version] if not version.name.startswith("v") else []
            found += [path for path in version.iterdir() if path.name not in files]
    return found
