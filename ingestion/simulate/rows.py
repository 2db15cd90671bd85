"""Rows of one table, held as columns until they are put into the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Table

BATCH = 50_000
NO_INSTANT = 0
"""Instants are microseconds since 1970; this one stands for null."""


@dataclass(slots=True)
class Rows:
    """Columns of equal length: arrays, or lists of plain values. Documents are JSON text, dates ISO text."""

    table: Table
    columns: dict[str, Sequence[Any] | np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        for start in range(0, len(self), BATCH):
            part = [_plain(values[start : start + BATCH]) for values in self.columns.values()]
            yield list(zip(*part, strict=True))


def rows_of(table: Table, records: list[dict[str, Any]]) -> Rows:
    """Rows from records that all have the same keys."""
    return Rows(table, {name: [record[name] for record in records] for name in (records[0] if records else ())})


def _plain(values: Sequence[Any] | np.ndarray) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values
