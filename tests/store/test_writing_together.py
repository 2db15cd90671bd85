"""What the writer does to many things in one call: what nobody waits for, and what came at one time."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from store.session import Store
from tests.store.noting import Refused, make_notes, names, note, note_and_raise, one_batch


@pytest.fixture(autouse=True)
def notes(store: Store) -> None:
    make_notes(store)


def test_what_nobody_waits_for_is_written_together_before_what_comes_after(store: Store):
    sizes: list[int] = []

    def note_all(connection: Connection, items: Sequence[str]) -> None:
        sizes.append(len(items))
        for item in items:
            note(connection, item)

    async def write() -> None:
        for number in range(3):
            store.writer.submit_later(note_all, f"later {number}")
        assert not names(store)
        await store.writer.submit(note, "after")

    asyncio.run(write())
    assert names(store) == {"later 0", "later 1", "later 2", "after"}
    assert sizes == [3]


def test_what_nobody_waits_for_is_written_without_anything_after_it(store: Store):
    written = threading.Event()

    async def write() -> None:
        store.writer.submit_later(lambda _, __: written.set(), "one")
        await asyncio.get_running_loop().run_in_executor(None, written.wait, 10)

    asyncio.run(write())
    assert written.is_set()


def test_closing_writes_what_nobody_waits_for(store: Store):
    async def write() -> None:
        store.writer.submit_later(lambda connection, items: [note(connection, item) for item in items], "last")
        store.writer.close()

    asyncio.run(write())
    assert names(store) == {"last"}


class Noting:
    """Notes many names at once, and how many it was called with. Equal to others of its kind."""

    calls: list[list[str]]

    def __init__(self, kind: str, calls: list[list[str]]) -> None:
        self.kind, self.calls = kind, calls

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Noting) and self.kind == other.kind

    def __hash__(self) -> int:
        return hash(self.kind)

    def __call__(self, connection: Connection, names: Sequence[str]) -> list[str]:
        self.calls.append(list(names))
        for name in names:
            (note_and_raise if name == "refused" else note)(connection, name)
        return [f"{self.kind} {name}" for name in names]


def test_equal_changes_that_wait_side_by_side_share_a_call(store: Store):
    calls: list[list[str]] = []

    async def submit_all() -> list[str]:
        with one_batch(store.writer):
            kinds = [("x", "a"), ("x", "b"), ("y", "c"), ("x", "d"), ("x", "e")]
            answers = [store.writer.submit_together(Noting(kind, calls), name) for kind, name in kinds]
            alone = store.writer.submit(note, "f")
            answers.append(store.writer.submit_together(Noting("x", calls), "g"))
        return [*await asyncio.gather(*answers), await alone]

    assert asyncio.run(submit_all()) == ["x a", "x b", "y c", "x d", "x e", "x g", "f"]
    assert calls == [["a", "b"], ["c"], ["d", "e"], ["g"]]
    assert names(store) == set("abcdefg")


def test_one_of_many_that_fails_fails_alone(store: Store):
    async def submit_all() -> list[object]:
        with one_batch(store.writer):
            answers = [store.writer.submit_together(Noting("x", []), name) for name in ("a", "refused", "b")]
        return await asyncio.gather(*answers, return_exceptions=True)

    first, failed, last = asyncio.run(submit_all())
    assert (first, last) == ("x a", "x b")
    assert isinstance(failed, Refused)
    assert names(store) == {"a", "b"}
