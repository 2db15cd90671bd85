import asyncio
import json
import threading
from pathlib import Path

import duckdb
import pytest

from api.analytics.reader import WarehouseReader
from store.published import SCHEMA_VERSION, NoPublishedWarehouse, Published, WarehouseOutOfDate
from store.settings import Settings


def publish(settings: Settings, version: str, *, schema_version: int = SCHEMA_VERSION) -> None:
    """A published version of the least content: enough to be opened and told apart."""
    directory = settings.published_dir / version
    directory.mkdir(parents=True)
    with duckdb.connect(str(directory / "warehouse.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.data_as_of as select timestamp '2026-11-22 18:30:00' as as_of, false as is_demo"
        )
        connection.execute(f"create table marts.named as select '{version}' as version")
    (directory / "manifest.json").write_text(json.dumps({"version": version, "schema_version": schema_version}))
    draft = settings.warehouse_dir / "link"
    draft.symlink_to(directory)
    draft.replace(settings.current_link)


def named(warehouse: Published) -> bytes:
    return warehouse.query("select version from marts.named")[0]["version"].encode()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.at(tmp_path)


@pytest.fixture
def reader(settings: Settings):
    reader = WarehouseReader(settings)
    yield reader
    reader.close()


def test_before_the_first_publish_there_is_a_clear_error(reader: WarehouseReader) -> None:
    with pytest.raises(NoPublishedWarehouse):
        asyncio.run(reader.ask("/kpis?", named))


def test_a_version_of_another_schema_is_refused(settings: Settings, reader: WarehouseReader) -> None:
    publish(settings, "v00000001", schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(WarehouseOutOfDate):
        asyncio.run(reader.ask("/kpis?", named))


def test_readers_move_on_to_a_new_version_at_their_next_question(settings: Settings, reader: WarehouseReader) -> None:
    async def story() -> None:
        publish(settings, "v00000001")
        first = await reader.ask("/kpis?", named)
        publish(settings, "v00000002")
        second = await reader.ask("/kpis?", named)
        assert (first.body, second.body) == (b"v00000001", b"v00000002")
        assert first.etag != second.etag

    asyncio.run(story())


def test_the_same_question_is_computed_once_a_version(settings: Settings, reader: WarehouseReader) -> None:
    publish(settings, "v00000001")
    asked = []
    gate = threading.Event()

    def slow(warehouse: Published) -> bytes:
        asked.append(1)
        gate.wait(5)
        return named(warehouse)

    async def story() -> None:
        waiting = [asyncio.create_task(reader.ask("/kpis?", slow)) for _ in range(16)]
        await asyncio.sleep(0)
        gate.set()
        assert {answer.body for answer in await asyncio.gather(*waiting)} == {b"v00000001"}
        await reader.ask("/kpis?", slow)

    asyncio.run(story())
    assert len(asked) == 1


def test_a_known_etag_is_unchanged_until_the_version_changes(settings: Settings, reader: WarehouseReader) -> None:
    async def story() -> None:
        publish(settings, "v00000001")
        etag = (await reader.ask("/kpis?", named)).etag
        assert (await reader.ask("/kpis?", named, known_etag=f'"other", W/{etag}')).is_unchanged
        assert not (await reader.ask("/kpis?stage=PRE_ORDER", named, known_etag=etag)).is_unchanged
        publish(settings, "v00000002")
        assert not (await reader.ask("/kpis?", named, known_etag=etag)).is_unchanged

    asyncio.run(story())


def test_a_failed_answer_is_tried_again(settings: Settings, reader: WarehouseReader) -> None:
    publish(settings, "v00000001")

    def fails(_: Published) -> bytes:
        raise ValueError("no such thing")

    async def story() -> None:
        with pytest.raises(ValueError, match="no such thing"):
            await reader.ask("/kpis?", fails)
        assert (await reader.ask("/kpis?", named)).body == b"v00000001"

    asyncio.run(story())


def test_a_caller_that_goes_away_leaves_the_answer_to_the_others(settings: Settings, reader: WarehouseReader) -> None:
    publish(settings, "v00000001")
    gate = threading.Event()

    def slow(warehouse: Published) -> bytes:
        gate.wait(5)
        return named(warehouse)

    async def story() -> None:
        leaving = asyncio.create_task(reader.ask("/kpis?", slow))
        staying = asyncio.create_task(reader.ask("/kpis?", slow))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        gate.set()
        assert (await staying).body == b"v00000001"

    asyncio.run(story())


def test_what_is_usual_is_ready_before_anybody_asks(settings: Settings, reader: WarehouseReader) -> None:
    publish(settings, "v00000001")
    answered = asyncio.Event()

    async def story() -> None:
        loop = asyncio.get_running_loop()

        def usual(warehouse: Published) -> bytes:
            loop.call_soon_threadsafe(answered.set)
            return named(warehouse)

        def fail(_: Published) -> bytes:
            raise AssertionError("it was answered before")

        watching = asyncio.create_task(reader.watch({"/kpis?": usual}))
        await asyncio.wait_for(answered.wait(), 10)
        assert (await reader.ask("/kpis?", fail)).body == b"v00000001"
        watching.cancel()

    asyncio.run(story())
