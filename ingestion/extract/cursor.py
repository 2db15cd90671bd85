"""Where an extract begins: pure decisions over what the last one left in its manifest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.contracts import OPERATIONAL
from ingestion.raw import Manifest


@dataclass(frozen=True, slots=True)
class Position:
    """How far the store was at the instant of an extract.

    Whatever is written later has a `change_seq` of at least `next_change_seq`. `last_rows` gives, for each table that is
    read by row number, the last number with its `change_seq`.
    """

    store_id: str
    next_change_seq: int
    last_rows: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def contract_hash() -> str:
    """Changes with the tables and columns that an extract carries."""
    tables = {name: [dict(table.columns), table.key] for name, table in OPERATIONAL.items()}
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:16]


def to_cursor(position: Position) -> dict[str, Any]:
    """What the next extract needs, for the manifest."""
    return {
        "next_change_seq": position.next_change_seq,
        "last_rows": {table: list(row) for table, row in sorted(position.last_rows.items())},
        "contract": contract_hash(),
    }


def starting_position(last: Manifest | None, now: Position, *, full: bool) -> Position | None:
    """Where to go on from; None to read everything.

    Everything is read at the first time and when asked for, from another store (a restored one has a new id), after an
    upgrade that carries other columns, and if the store's change numbers went back.
    """
    if full or last is None or last.store_id != now.store_id or last.cursor["contract"] != contract_hash():
        return None
    if last.cursor["next_change_seq"] > now.next_change_seq:
        return None
    last_rows = {table: (row[0], row[1]) for table, row in last.cursor["last_rows"].items()}
    return Position(now.store_id, last.cursor["next_change_seq"], last_rows)
