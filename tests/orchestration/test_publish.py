"""Publishing: whole versions or nothing, wherever a build dies; numbers, retention, pins and readers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.building import begin, usable_base
from orchestration.duck import open_file
from orchestration.locks import build_is_running, build_lock
from orchestration.problems import BuildFailed, BuildInProgress
from orchestration.publish import content_hash, publish, read_contents
from orchestration.versions import allocate_version, pin, pins, unpin, versions_in
from store.published import NoPublishedWarehouse, open_current, open_version
from store.published.versions import FILE_NAME
from store.settings import ROOT, Settings
from tests.orchestration.warehouses import check_current_is_whole, identity_of, publish_small, strays

STEPS_BEFORE_THE_LINK = (
    "write tables",
    "read them back",
    "write manifest",
    "sync the published file",
    "seal the private file",
    "place the published directory",
    "place the private directory",
    "prepare the link",
    "move the link",
)
STEPS_AFTER_THE_LINK = ("sync the link", "remove old versions", "done")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.at(tmp_path / "var")


def publish_killed_at(settings: Settings, step: str) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "tests.orchestration.killed_publish", str(settings.var_dir), step], cwd=ROOT, check=False
    )
    assert child.returncode == -signal.SIGKILL


def test_publish_tells_of_each_step_in_order(settings: Settings) -> None:
    steps: list[str] = []
    publish_small(settings, steps.append)
    assert tuple(steps) == STEPS_BEFORE_THE_LINK + STEPS_AFTER_THE_LINK


@pytest.mark.parametrize("step", STEPS_BEFORE_THE_LINK)
def test_a_build_killed_before_the_link_moves_leaves_the_old_version(settings: Settings, step: str) -> None:
    old = publish_small(settings)
    publish_killed_at(settings, step)
    assert check_current_is_whole(settings) == old
    assert publish_small(settings) == check_current_is_whole(settings)
    assert strays(settings) == []
    assert versions_in(settings.published_dir) == versions_in(settings.private_dir) == [old, "v00000003"]


@pytest.mark.parametrize("step", STEPS_AFTER_THE_LINK)
def test_a_build_killed_after_the_link_moved_leaves_the_new_version(settings: Settings, step: str) -> None:
    for _ in range(3):
        publish_small(settings, row_count=10)
    publish_killed_at(settings, step)
    assert check_current_is_whole(settings) == "v00000004"
    publish_small(settings, row_count=10)
    assert check_current_is_whole(settings) == "v00000005"
    assert strays(settings) == []
    assert (
        versions_in(settings.published_dir) == versions_in(settings.private_dir) == [f"v0000000{n}" for n in (3, 4, 5)]
    )


def test_the_first_build_killed_leaves_nothing_to_read_and_the_next_one_publishes(settings: Settings) -> None:
    publish_killed_at(settings, "move the link")
    with pytest.raises(NoPublishedWarehouse):
        open_current(settings)
    publish_small(settings)
    assert check_current_is_whole(settings) == "v00000002"
    assert strays(settings) == []


def test_a_reader_keeps_its_version_while_newer_ones_replace_and_remove_it(settings: Settings) -> None:
    publish_small(settings)
    with open_current(settings) as before:
        for _ in range(4):
            publish_small(settings)
        assert not (settings.published_dir / "v00000001").exists()
        rows = before.query("select count(*) as rows, min(version) as low, max(version) as high from marts.fct_orders")
        assert rows == [{"rows": 20_000, "low": "v00000001", "high": "v00000001"}]
    with open_current(settings) as after:
        assert after.version == "v00000005"


def test_the_published_file_holds_marts_alone_and_only_its_owner_reads_the_private_one(settings: Settings) -> None:
    with begin(settings) as building:
        pass
    version = publish_small(settings)
    assert version > building.version
    private = settings.private_dir / version / FILE_NAME
    assert private.stat().st_mode & 0o777 == 0o600
    assert settings.private_dir.stat().st_mode & 0o777 == 0o700
    with open_current(settings) as warehouse:
        schemas = warehouse.query("select distinct schema_name from duckdb_tables()")
    assert schemas == [{"schema_name": "marts"}]


def test_version_numbers_rise_and_are_not_given_twice_after_a_failure(settings: Settings) -> None:
    publish_small(settings)
    with pytest.raises(BuildFailed):
        publish_nothing(settings)
    assert publish_small(settings) == "v00000003"
    (settings.warehouse_dir / "last_version").unlink()
    assert allocate_version(settings) == "v00000004"


def test_a_failed_build_leaves_nothing_behind(settings: Settings) -> None:
    publish_small(settings)
    with pytest.raises(BuildFailed, match="made no marts"):
        publish_nothing(settings)
    assert strays(settings) == []
    assert check_current_is_whole(settings) == "v00000001"


def publish_nothing(settings: Settings) -> None:
    with begin(settings, full_refresh=True) as building:
        with open_file(building.file):
            pass
        publish(settings, building.directory, identity_of(building))


def test_pinned_versions_outlive_three_newer_ones(settings: Settings) -> None:
    publish_small(settings, row_count=10)
    pin(settings, "v00000001", "report 2026-W47")
    pin(settings, "v00000001", "report 2026-W47")
    for _ in range(4):
        publish_small(settings, row_count=10)
    assert versions_in(settings.published_dir) == ["v00000001", "v00000003", "v00000004", "v00000005"]
    assert pins(settings.published_dir / "v00000001") == ["report-2026-W47"]
    with open_version(settings, "v00000001") as pinned:
        assert pinned.version == "v00000001"
    unpin(settings, "v00000001", "report 2026-W47")
    publish_small(settings, row_count=10)
    assert versions_in(settings.published_dir) == ["v00000004", "v00000005", "v00000006"]


def test_a_version_that_is_gone_cannot_be_pinned(settings: Settings) -> None:
    with pytest.raises(NoPublishedWarehouse, match="v00000009"):
        pin(settings, "v00000009", "export")


def test_a_second_builder_is_told_who_builds(settings: Settings) -> None:
    with build_lock(settings):
        assert build_is_running(settings)
        with pytest.raises(BuildInProgress, match=f"process {os.getpid()}") as refused, begin(settings):
            pass
        assert "Wait" in refused.value.remedy
    assert not build_is_running(settings)


def test_the_lock_of_a_killed_builder_is_free(settings: Settings) -> None:
    publish_killed_at(settings, "write tables")
    assert not build_is_running(settings)
    assert (settings.warehouse_dir / "build.lock").read_text()


def test_the_next_build_starts_from_the_last_good_version(settings: Settings) -> None:
    version = publish_small(settings)
    with begin(settings) as building:
        assert building.base == version
        assert not building.is_full_refresh
        assert building.file.read_bytes() == (settings.private_dir / version / FILE_NAME).read_bytes()


@pytest.mark.parametrize("place", [100, -100])
def test_a_damaged_base_is_not_built_upon(settings: Settings, place: int) -> None:
    version = publish_small(settings)
    private = settings.private_dir / version / FILE_NAME
    content = bytearray(private.read_bytes())
    content[place] ^= 0xFF
    private.write_bytes(content)
    said: list[str] = []
    with begin(settings, say=said.append) as building:
        assert building.base is None
        assert not building.file.exists()
    assert any("damaged" in line for line in said)


def test_a_base_of_other_code_is_not_built_upon(settings: Settings) -> None:
    version = publish_small(settings)
    state = settings.private_dir / version / "state.json"
    state.write_text(state.read_text().replace('"code_hash": "', '"code_hash": "0'))
    assert usable_base(settings, lambda _line: None) is None


def test_content_hash_depends_on_rows_alone(settings: Settings, tmp_path: Path) -> None:
    hashes = []
    for number, order in enumerate(("asc", "desc")):
        path = tmp_path / f"{number}.duckdb"
        with open_file(path) as connection:
            connection.execute("create schema marts")
            connection.execute(
                f"create table marts.t as select range as i, [range] as l from range(9999) order by 1 {order}"
            )
        hashes.append(content_hash(read_contents(path)))
    with open_file(tmp_path / "1.duckdb") as connection:
        connection.execute("update marts.t set l = [0, 1] where i = 77")
    assert hashes[0] == hashes[1] != content_hash(read_contents(tmp_path / "1.duckdb"))
