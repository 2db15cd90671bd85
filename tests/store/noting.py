"""What the tests of the writer write: notes, and many of them in one batch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from store.session import Store
from store.writer import Writer


class Refused(Exception):
    pass


def make_notes(store: Store) -> None:
    """The table that they stand in."""
    store.write(lambda c: c.execute(text("CREATE TABLE notes (name VARCHAR(20) PRIMARY KEY, value INTEGER)")) and None)


def note(connection: Connection, name: str, value: int = 0) -> str:
    connection.execute(text("INSERT INTO notes VALUES (:name, :value)"), {"name": name, "value": value})
    return name


def note_and_raise(connection: Connection, name: str) -> None:
    note(connection, name)
    raise Refused(name)


def names(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(text("SELECT name FROM notes")).scalars())


@contextmanager
def one_batch(writer: Writer) -> Iterator[None]:
    """What is submitted inside is written in one transaction: the writer is kept busy until the end."""
    started, go_on = threading.Event(), threading.Event()

    def wait(_: Connection) -> None:
        started.set()
        go_on.wait(10)

    blocker = writer.submit_future(wait)
    assert started.wait(10)
    try:
        yield
    finally:
        go_on.set()
    blocker.result(10)
