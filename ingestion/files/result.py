"""What an import did, or would do, in values and in words."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from store import display


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not loaded: its line in the file (of a Parquet file, its row) and what is wrong with it."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How often a field's column says `text` (empty: says nothing), and what it becomes; None if the mapping is silent."""

    field: str
    text: str
    word: str | None
    count: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """`loaded_count` + `rejected_count` are the rows of the file. `table_counts` are distinct rows by raw table.

    `preview` holds the first rows as they land, each with its `table`; `rejects` the first hundred.
    """

    file_id: str
    file_name: str
    mapping: str
    loaded_count: int
    rejected_count: int
    is_unchanged: bool = False
    is_check: bool = False
    table_counts: tuple[tuple[str, int], ...] = ()
    repeated_count: int = 0
    absent_columns: tuple[str, ...] = ()
    value_counts: Sequence[ValueCount] = ()
    preview: Sequence[dict[str, Any]] = ()
    rejects: Sequence[Reject] = ()

    def describe(self) -> str:
        """The result for a person, in lines."""
        if self.is_unchanged:
            return f"{self.file_name} was imported before with this mapping; nothing changed."
        loaded, rejected = ("would load", "would reject") if self.is_check else ("loaded", "rejected")
        counts = f"{loaded} {_rows(self.loaded_count)}, {rejected} {self.rejected_count:,}"
        lines = [f"{self.file_name} through {self.mapping}: {counts}."]
        lines += [f"  {name}: {_rows(count)}" for name, count in self.table_counts]
        if self.repeated_count:
            lines.append(f"  {_rows(self.repeated_count)} repeat another row of the file; the last of them counts")
        if self.absent_columns:
            lines.append(f"  the file has no {', '.join(self.absent_columns)}; those fields stay empty")
        if self.is_check:
            lines += self._preview_lines() + self._value_lines()
        if self.rejects:
            lines.append("Rejected:" if len(self.rejects) <= 10 else "Rejected, the first 10:")
            lines += [f"  line {reject.line}: {reject.reason}" for reject in self.rejects[:10]]
        return "\n".join(lines)

    def _preview_lines(self) -> list[str]:
        lines = []
        for row in self.preview:
            lines.append(f"  {row['table']} {row.get('incidence_source_id') or row['source_id']}")
            shown = "; ".join(
                _shown(name, value) for name, value in row.items() if name not in _UNSHOWN and value is not None
            )
            lines += textwrap.wrap(shown, 110, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
        return ["First rows as they would land, in Indian time:", *lines] if lines else []

    def _value_lines(self) -> list[str]:
        lines = []
        for item in self.value_counts:
            unknown = "not mapped, lands as UPDATED" if item.field == "activity" else "not mapped, rejected"
            lines.append(f"  {item.field}: {item.text or '(empty)'} → {item.word or unknown} ({item.count:,})")
        return ["Values and what they become:", *lines] if lines else []


_UNSHOWN = frozenset({"table", "source", "source_id", "incidence_id", "event_id", "incidence_source_id"})


def _shown(name: str, value: Any) -> str:
    if isinstance(value, datetime):
        return f"{name} {display.moment(value.replace(tzinfo=UTC))}"
    if name.endswith("_paise"):
        return f"{name.removesuffix('_paise')} {display.rupees(value)}"
    if isinstance(value, bool):
        return f"{name} {'yes' if value else 'no'}"
    return f"{name} {value}"


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
