"""The record of erasures: a table of the store, and a file beside it that outlives the store."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from store.settings import Settings
from store.tables import erasures

Erasures = Mapping[str, datetime]
"""When each user was erased last, by user id."""

FILE_NAME = "erasures.jsonl"


def erasures_file(settings: Settings) -> Path:
    return settings.var_dir / FILE_NAME


def read_erasures(file: Path) -> Erasures:
    """What a file of erasures says; nothing if there is none. A line that a crash cut short is left out."""
    if not file.exists():
        return {}
    lines = file.read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines[:-1] if line]
    return newest((row["user_id"], datetime.fromisoformat(row["erased_at"])) for row in rows)


def append_erasures(file: Path, erased: Erasures) -> None:
    """Add to the file, on disk when this returns. A line that a crash cut short is ended first."""
    if not erased:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"user_id": user_id, "erased_at": at.astimezone(UTC).isoformat()}) + "\n"
        for user_id, at in sorted(erased.items())
    ]
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as opened:
        whole = opened.read()
        opened.truncate(whole.rfind(b"\n") + 1)
        opened.write("".join(lines).encode())
        opened.flush()
        os.fsync(opened.fileno())


def stored_erasures(connection: Connection) -> Erasures:
    return newest((row.user_id, row.erased_at) for row in connection.execute(select(erasures)))


def note_erasure(connection: Connection, user_id: str, at: datetime) -> None:
    connection.execute(delete(erasures).where(erasures.c.user_id == user_id))
    connection.execute(insert(erasures).values(user_id=user_id, erased_at=at))


def erased_among(connection: Connection, user_ids: Iterable[str]) -> set[str]:
    """Which of these users were erased."""
    return set(connection.execute(select(erasures.c.user_id).where(erasures.c.user_id.in_(list(user_ids)))).scalars())


def newest(erased: Iterable[tuple[str, datetime]]) -> Erasures:
    found: dict[str, datetime] = {}
    for user_id, at in erased:
        found[user_id] = max(at, found.get(user_id, at))
    return found


def not_applied(known: Erasures, applied: Erasures) -> Erasures:
    """Erasures that a store does not have yet. One who came back after an erasure that it has is left alone."""
    return {user_id: at for user_id, at in known.items() if user_id not in applied or applied[user_id] < at}
