"""Reads a file's records into DuckDB as text: table `records` (line, c0, c1 …) and table `rejected`.

CSV is cut by Python's reader, one physical line at a time, for only that knows the true line of each record in a file
with quoted line breaks and broken rows; the rest is DuckDB's.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.files.errors import FileUnreadable
from ingestion.files.mapping import FileFormat
from ingestion.files.sql import literal

MOST_COLUMNS = 2_000
LONGEST_LINE = 1_000_000
LONGEST_RECORD_LINES = 1_000
BATCH_ROWS = 20_000
_TYPES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Header:
    """The columns a file offers, and how its rows are to be read."""

    type: str
    names: tuple[str, ...]
    delimiter: str = ","
    encoding: str = "utf-8-sig"

    def has(self, column: str) -> bool:
        """Whether the file offers a column. The second of two that share a name is called `name#2`; a path into JSON
        (`/customer/id`) may lead anywhere."""
        return column in self.names or (self.type == "jsonl" and column.startswith("/"))


@dataclass(frozen=True, slots=True)
class _Rejected:
    line: int
    reason: str


def read_header(path: Path, declared: FileFormat) -> Header:
    """The columns of the file; raises FileUnreadable for one that is empty, too wide or not of its format."""
    kind = declared.type or _TYPES.get(path.suffix.lower())
    if kind is None:
        raise FileUnreadable(
            f"{path.name}: the name does not say what it is",
            "name it .csv, .jsonl or .parquet, or give `format: {type: csv}`",
        )
    if kind == "parquet":
        with _parquet(path) as file:
            names = file.schema_arrow.names
        return Header(kind, _checked_names(path, names))
    encoding = _encoding(path, declared.encoding)
    with _text(path, encoding) as file:
        if kind == "jsonl":
            return Header(kind, _checked_names(path, _json_names(file)), encoding=encoding)
        first = file.readline(LONGEST_LINE * 4)
        if not first.strip():
            raise FileUnreadable(f"{path.name} has no header line", "the first line must name the columns")
        delimiter = declared.delimiter or _delimiter(first)
        file.seek(0)
        try:
            names = next(csv.reader(_bounded_lines(file, path), delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise FileUnreadable(
                f"{path.name}: the header line cannot be read ({error})", "check its quotes"
            ) from error
    return Header(kind, _checked_names(path, names), delimiter, encoding)


def load_records(connection: duckdb.DuckDBPyConnection, path: Path, header: Header, columns: Sequence[str]) -> None:
    """Make `records` and `rejected` of the file. `columns[i]` becomes text column `c{i}`; blank lines are no rows."""
    fields = "".join(f", c{number} VARCHAR" for number in range(len(columns)))
    connection.execute(f"CREATE TABLE records (line BIGINT{fields})")
    connection.execute("CREATE TABLE rejected (line BIGINT, reason VARCHAR, row_text VARCHAR)")
    if header.type == "parquet":
        _load_parquet(connection, path, columns)
        return
    with _text(path, header.encoding) as file:
        if header.type == "jsonl":
            _load_json(connection, file, path, columns)
        else:
            positions = [header.names.index(column) for column in columns]
            _load_csv(connection, _csv_records(file, path, header), positions)


def _checked_names(path: Path, names: Iterable[str]) -> tuple[str, ...]:
    counted: dict[str, int] = {}
    checked = []
    for name in (name.strip() for name in names):
        counted[name] = counted.get(name, 0) + 1
        checked.append(name if counted[name] == 1 else f"{name}#{counted[name]}")
    if len(checked) > MOST_COLUMNS:
        raise FileUnreadable(
            f"{path.name} has {len(checked):,} columns; at most {MOST_COLUMNS:,} are read",
            "check its delimiter, or export fewer columns",
        )
    return tuple(checked)


def _delimiter(header_line: str) -> str:
    unquoted = "".join(header_line.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _encoding(path: Path, declared: str) -> str:
    with path.open("rb") as file:
        mark = file.read(2)
    if mark in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-8-sig" if declared == "utf-8" else declared


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[TextIO]:
    try:
        with path.open(
            encoding=encoding, errors="surrogateescape" if encoding == "utf-8-sig" else "strict", newline=""
        ) as file:
            yield file
    except UnicodeError as error:
        raise FileUnreadable(f"{path.name} is not {encoding} text", "give its `encoding` under `format`") from error


def _bounded_lines(file: TextIO, path: Path) -> Iterator[str]:
    """Physical lines, none longer than LONGEST_LINE characters."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise FileUnreadable(
                f"{path.name}: line {number} is longer than {LONGEST_LINE:,} characters",
                "is it a CSV or JSONL file? Each row must stand on a line of its own",
            )
        yield line


class _Lines:
    """Lines that can be given back: after an unclosed quote, reading goes on with the line below the broken one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._given_back: list[str] = []
        self._taken: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._given_back.pop() if self._given_back else next(self._lines)
        if len(self._taken) >= LONGEST_RECORD_LINES:
            self._given_back.append(line)
            raise csv.Error(f"a record goes on for more than {LONGEST_RECORD_LINES:,} lines")
        self._taken.append(line)
        self.number += 1
        return line

    def start_record(self) -> int:
        """Forget what was read; the number of the line that comes next."""
        self._taken.clear()
        return self.number + 1

    def give_back_all_but_first(self) -> None:
        rest = self._taken[1:]
        self._given_back.extend(reversed(rest))
        self.number -= len(rest)


def _csv_records(file: TextIO, path: Path, header: Header) -> Iterator[tuple[int, list[str]] | _Rejected]:
    lines = _Lines(_bounded_lines(file, path))
    reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
    next(reader)
    width = len(header.names)
    while True:
        line = lines.start_record()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.give_back_all_but_first()
            reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
            yield _Rejected(line, f"not a CSV row: {error}")
            continue
        if len(record) == width:
            yield line, record
        elif record and (len(record) > 1 or record[0].strip()):
            yield _Rejected(line, f"has {len(record)} values where the header names {width} columns")


def _load_csv(
    connection: duckdb.DuckDBPyConnection,
    records: Iterator[tuple[int, list[str]] | _Rejected],
    positions: Sequence[int],
) -> None:
    while batch := list(islice(records, BATCH_ROWS)):
        rejected = [item for item in batch if isinstance(item, _Rejected)]
        good = [item for item in batch if not isinstance(item, _Rejected)]
        try:
            _insert(connection, [line for line, _ in good], [[row[at] for _, row in good] for at in positions])
        except UnicodeEncodeError:
            readable = [(line, row) for line, row in good if _is_unicode("".join(row))]
            rejected += [_Rejected(line, "not UTF-8 text") for line, row in good if not _is_unicode("".join(row))]
            _insert(connection, [line for line, _ in readable], [[row[at] for _, row in readable] for at in positions])
        _insert_rejected(connection, rejected)


def _load_json(connection: duckdb.DuckDBPyConnection, file: TextIO, path: Path, columns: Sequence[str]) -> None:
    values = "".join(f", json_extract_string(text, {literal(_pointer(column))})" for column in columns)
    numbered = enumerate(_bounded_lines(file, path), 1)
    filled = ((line, text) for line, text in numbered if text.strip())
    while batch := list(islice(filled, BATCH_ROWS)):
        rejected = [_Rejected(line, "not UTF-8 text") for line, text in batch if not _is_unicode(text)]
        good = [(line, text) for line, text in batch if _is_unicode(text)]
        read = pa.table({"line": [line for line, _ in good], "text": pa.array([text for _, text in good], pa.string())})
        connection.register("read_lines", read)
        is_object = "CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END"
        connection.execute(f"INSERT INTO records SELECT line{values} FROM read_lines WHERE {is_object}")
        connection.execute(
            f"INSERT INTO rejected SELECT line, 'not a JSON object', NULL FROM read_lines WHERE NOT ({is_object})"
        )
        connection.unregister("read_lines")
        _insert_rejected(connection, rejected)


def _load_parquet(connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> None:
    values = "".join(f", CAST(column{number} AS VARCHAR)" for number in range(len(columns)))
    line = 1
    with _parquet(path) as file:
        names = _checked_names(path, file.schema_arrow.names)
        positions = [names.index(column) for column in columns]
        own_names = [file.schema_arrow.names[at] for at in positions]
        for batch in file.iter_batches(BATCH_ROWS, columns=own_names):
            picked = {f"column{number}": batch.column(name) for number, name in enumerate(own_names)}
            read = pa.table({"line": pa.array(range(line, line + len(batch)), pa.int64()), **picked})
            connection.register("read_rows", read)
            connection.execute(f"INSERT INTO records SELECT line{values} FROM read_rows")
            connection.unregister("read_rows")
            line += len(batch)


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise FileUnreadable(f"{path.name} is not a readable Parquet file", "export it again") from error


def _json_names(file: TextIO) -> list[str]:
    names: dict[str, None] = {}
    for line in islice(iter(lambda: file.readline(LONGEST_LINE + 1), ""), 1_000):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            names.update(dict.fromkeys(record))
    return list(names)


def _pointer(column: str) -> str:
    if column.startswith("/"):
        return column
    return "/" + column.replace("~", "~0").replace("/", "~1")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _insert(connection: duckdb.DuckDBPyConnection, lines: list[int], columns: list[list[str]]) -> None:
    arrays = {f"c{number}": pa.array(values, pa.string()) for number, values in enumerate(columns)}
    connection.register("read_rows", pa.table({"line": pa.array(lines, pa.int64()), **arrays}))
    connection.execute("INSERT INTO records SELECT * FROM read_rows")
    connection.unregister("read_rows")


def _insert_rejected(connection: duckdb.DuckDBPyConnection, rejected: Sequence[_Rejected]) -> None:
    if rejected:
        rows = {"line": [item.line for item in rejected], "reason": [item.reason for item in rejected]}
        connection.register("read_rejected", pa.table(rows))
        connection.execute("INSERT INTO rejected SELECT line, reason, NULL FROM read_rejected")
        connection.unregister("read_rejected")
