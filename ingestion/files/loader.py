"""The import of one file: read, convert, shape, and store as an immutable directory of `var/raw`."""

import difflib
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from ingestion.contracts import FILE
from ingestion.files.conversion import convert, used_columns
from ingestion.files.errors import FileChanging, FileUnreadable, MappingDoesNotFit
from ingestion.files.fields import Kind
from ingestion.files.mapping import Mapping, find_mapping
from ingestion.files.operational import put_into_store
from ingestion.files.preview import count_values
from ingestion.files.records import Header, load_records, read_header
from ingestion.files.result import ImportResult, Reject
from ingestion.files.roll_up import EVENTS, earlier_events, write_events
from ingestion.files.sql import literal
from ingestion.files.tables import REJECTED, make_tables
from ingestion.raw import FileOrigin, Manifest, drafting, manifests
from ingestion.raw.draft import measure
from ingestion.raw.manifest import file_sha256
from store import clock
from store.ids import file_row_id
from store.settings import Settings

PREVIEW_ROWS = 3
MOST_REJECTS_SHOWN = 100


def import_file(settings: Settings, path: Path, mapping: str | Path | Mapping, *, check: bool = False) -> ImportResult:
    """Import a CSV, JSONL or Parquet file through a mapping, given by name, by path or as such.

    The same content through the same mapping a second time changes nothing. With `check` nothing is written at all and
    the result shows what would happen. Raises MappingNotFound, MappingInvalid, MappingDoesNotFit, FileUnreadable or
    FileChanging, each with a remedy; a row that cannot be read is no error but a rejected row.
    """
    declared = mapping if isinstance(mapping, Mapping) else find_mapping(settings, mapping)
    if not path.is_file():
        raise FileUnreadable(f"there is no file {path}", "check the path")
    if check:
        return _import(settings, path, declared, clock.now(), is_check=True)
    with _one_at_a_time(settings):
        return _import(settings, path, declared, clock.now(), is_check=False)


def _import(settings: Settings, path: Path, mapping: Mapping, as_of: datetime, *, is_check: bool) -> ImportResult:
    sha256 = file_sha256(path)
    file_id = file_row_id(mapping.source, f"{sha256}\x00{mapping.content_hash}")
    past = manifests(settings)
    for manifest in past:
        if not is_check and manifest.file and manifest.file.file_id == file_id:
            return _unchanged(manifest.file, path.name)
    with _workspace() as connection:
        header = read_header(path, mapping.format)
        absent = [column for column in used_columns(mapping) if not header.has(column)]
        mapping = mapping.for_columns(header.has)
        _check_fit(path, header, mapping)
        load_records(connection, path, header, used_columns(mapping))
        convert(connection, mapping, as_of)
        tables = make_tables(connection, mapping, file_id, path.name, earlier_events(past, mapping.source))
        result = replace(
            _result(connection, mapping, path.name, file_id, tables, is_check), absent_columns=tuple(absent)
        )
        if file_sha256(path) != sha256:
            raise FileChanging(f"{path.name} changed while it was read", "wait until it is written, then try again")
        if not is_check:
            _store(
                settings,
                connection,
                mapping,
                FileOrigin(
                    file_id,
                    path.name,
                    sha256,
                    mapping.name,
                    mapping.source,
                    result.loaded_count + result.rejected_count,
                    result.rejected_count,
                ),
                tables,
                as_of,
            )
    return result


def _store(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    origin: FileOrigin,
    tables: Sequence[str],
    as_of: datetime,
) -> Manifest:
    """The operational store first: a crash in between is healed by importing once more, which changes nothing there."""
    with drafting(settings) as draft:
        for table in tables:
            if table == EVENTS:
                path = draft.directory / f"{table}.parquet"
                write_events(connection, path)
                draft.add(table, path, measure(connection, FILE[table], table))
            else:
                draft.write(connection, table, f"SELECT * FROM {table}")
        if mapping.kind in (Kind.ORDERS, Kind.USERS):
            put_into_store(settings, connection, mapping, as_of)
        return draft.commit("FILE", as_of, file=origin)


def _check_fit(path: Path, header: Header, mapping: Mapping) -> None:
    missing = [column for column in used_columns(mapping) if not header.has(column)]
    if not missing:
        return
    lines = []
    for column in missing:
        fields = " and ".join(name for name, rule in mapping.columns.items() if rule.column == column)
        by_fold = {name.casefold(): name for name in header.names}
        near = [by_fold[fold] for fold in difflib.get_close_matches(column.casefold(), by_fold, 2, 0.6)]
        hint = f", which has {' and '.join(repr(name) for name in near)}" if near else ""
        lines.append(f"{column!r} (for {fields}){hint}")
    raise MappingDoesNotFit(
        f"mapping {mapping.name} does not fit {path.name}: the file lacks {'; '.join(lines)}. "
        f"Its columns are {_shortened(header.names)}",
        "name the file's own columns in the mapping, or choose another mapping; --check shows what a mapping makes of a file",
    )


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:40])
    return f"{shown} and {len(names) - 40:,} more" if len(names) > 40 else shown


def _result(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    file_name: str,
    file_id: str,
    tables: Sequence[str],
    is_check: bool,
) -> ImportResult:
    rejected_count = _count(connection, REJECTED)
    # Rows that are no records at all (a broken quote, too few values) are in `rejected` only.
    loaded_count = _count(connection, "records") - _count(
        connection, "rejected WHERE line IN (SELECT line FROM records)"
    )
    facts = [table for table in tables if table != REJECTED]
    own = f"{facts[-1]} WHERE _file_id = '{file_id}'"
    rejects = connection.execute(
        f"SELECT line, reason FROM {REJECTED} ORDER BY line LIMIT {MOST_REJECTS_SHOWN}"
    ).fetchall()
    return ImportResult(
        file_id,
        file_name,
        mapping.name,
        loaded_count,
        rejected_count,
        is_check=is_check,
        table_counts=tuple((table, _count(connection, table)) for table in facts),
        repeated_count=loaded_count - _count(connection, own),
        value_counts=count_values(connection, mapping) if is_check else (),
        preview=[row for table in facts for row in _first_rows(connection, table)],
        rejects=[Reject(line, reason) for line, reason in rejects],
    )


def _first_rows(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[dict[str, Any]]:
    columns = ", ".join(f'"{name}"' for name in FILE[table].columns if not name.startswith("_"))
    found = connection.execute(f"SELECT {columns} FROM {table} ORDER BY _line LIMIT {PREVIEW_ROWS}")
    names = [column[0] for column in found.description or ()]
    for row in found.fetchall():
        yield {"table": table, **dict(zip(names, row, strict=True))}


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return count


def _unchanged(file: FileOrigin, name: str) -> ImportResult:
    loaded_count = file.row_count - file.rejected_count
    return ImportResult(file.file_id, name, file.mapping, loaded_count, file.rejected_count, is_unchanged=True)


@contextmanager
def _workspace() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of the import's own, which takes to the disk what does not fit into a gibibyte."""
    with TemporaryDirectory(prefix="supportled-import-") as directory, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {literal(directory)}")
        connection.execute("SET memory_limit = '2GiB'")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    """A roll-up reads what earlier imports stored: two at once would each miss the other."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with (settings.var_dir / ".import.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
