import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.contracts import BOOK_KEEPING, FILE, OPERATIONAL, PERSONAL, RAW
from ingestion.raw import FileOrigin, Manifest, RawIsDamaged, create_raw_schema, drafting, land, manifests, pending
from ingestion.raw.landing import RawSchemaIsOutdated
from store.settings import ROOT, Settings
from store.tables import metadata

AS_OF = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.at(tmp_path / "var")


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def rows_of(table: str, *rows: dict[str, object]) -> str:
    """A query that gives rows of a raw table; columns that are not named are null."""
    columns = RAW[table].columns
    cells = [
        ", ".join(f'cast({_literal(row.get(name))} AS {kind}) AS "{name}"' for name, kind in columns.items())
        for row in rows
    ]
    return " UNION ALL ".join(f"SELECT {cell}" for cell in cells)


def _literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'"


def user(source_id: str, orders: int, line: int = 1) -> dict[str, object]:
    return {"user_id": source_id, "source": "crm", "source_id": source_id, "prior_order_count": orders, "_line": line}


def order(order_id: str, value_paise: int, change_seq: int = 1) -> dict[str, object]:
    return {"order_id": order_id, "value_paise": value_paise, "change_seq": change_seq}


def deletion(table: str, row_key: str, reason: str) -> dict[str, object]:
    return {"table_name": table, "row_key": row_key, "reason": reason, "change_seq": 9}


def write(settings: Settings, **tables: list[dict[str, object]]) -> Manifest:
    """A manifest with these rows, as an extract or, if a table is a file's, as an imported file."""
    is_file = any(name in FILE for name in tables)
    origin = FileOrigin("f1", "users.csv", "00", "crm", "crm", 2, 1) if is_file else None
    with drafting(settings) as draft, duckdb.connect() as connection:
        for name, rows in tables.items():
            draft.write(connection, name, rows_of(name, *rows))
        return draft.commit("FILE" if is_file else "OPS", AS_OF, store_id="s1", file=origin)


def values(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return warehouse.execute(query).fetchall()


def test_every_raw_table_is_there_before_anything_came(warehouse: duckdb.DuckDBPyConnection) -> None:
    create_raw_schema(warehouse)
    found = {name for (name,) in values(warehouse, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'raw'")}
    assert found == set(RAW)
    for table in (*OPERATIONAL, *FILE):
        assert ("_extract_no", "BIGINT") in {row[:2] for row in values(warehouse, f"DESCRIBE raw.{table}")}
    for table in BOOK_KEEPING:
        assert values(warehouse, f"SELECT count(*) FROM raw.{table}") == [(0,)]


def test_personal_columns_are_columns_of_the_store_and_none_is_carried() -> None:
    for table, columns in PERSONAL.items():
        assert columns <= set(metadata.tables[table].columns.keys())
        assert not columns & set(OPERATIONAL[table].columns)


def test_numbers_rise_by_one_and_nothing_partial_is_left(settings: Settings) -> None:
    first = write(settings, orders=[order("a", 1)])
    with drafting(settings) as draft, duckdb.connect() as connection:
        draft.write(connection, "orders", rows_of("orders", order("b", 1)))
    second = write(settings, file_users=[user("u1", 1)])
    assert [first.extract_no, second.extract_no] == [1, 2]
    directories = sorted(path.name for path in settings.raw_dir.iterdir() if path.is_dir())
    assert directories == ["00000001-ops", "00000002-file"]


def test_a_manifest_reads_back_as_it_was_written(settings: Settings) -> None:
    written = write(settings, file_users=[user("u1", 3)], rejected_rows=[{"file_id": "f1", "line": 2, "reason": "bad"}])
    assert manifests(settings) == [written]
    assert written.tables["file_users"].sums == {"prior_order_count": 3, "_line": 1}
    content = json.loads((written.directory / "manifest.json").read_text())
    assert list(content["tables"]) == ["file_users", "rejected_rows"]
    assert content["as_of"] == "2026-11-23T03:30:00.000000Z"


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_stays(settings: Settings) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from ingestion.raw import drafting
        from store.settings import Settings
        with drafting(Settings.at(Path(sys.argv[1]))) as draft:
            print(draft.directory, flush=True)
            sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(settings.var_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout
        left = Path(child.stdout.readline().strip())
        write(settings, orders=[order("a", 1)])
        assert left.is_dir()
        child.kill()
    assert left.is_dir()
    write(settings, orders=[order("b", 1)])
    assert not left.exists()


def test_a_doubled_landing_changes_nothing(settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(settings, orders=[order("a", 100), order("b", 200)])
    first = land(warehouse, settings)
    assert first.extract_no == 1
    assert first.landed == (1,)
    assert first.row_counts == {"orders": 2}
    before = values(warehouse, "FROM raw.orders") + values(warehouse, "FROM raw.reconciliation")
    again = land(warehouse, settings)
    assert again.extract_no == 1
    assert again.landed == ()
    assert values(warehouse, "FROM raw.orders") + values(warehouse, "FROM raw.reconciliation") == before


def test_a_later_row_replaces_an_earlier_one(settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(settings, file_users=[user("u1", 1), user("u2", 1, line=2)])
    write(settings, file_users=[user("u2", 7), user("u3", 1, line=2)])
    land(warehouse, settings)
    landed = values(warehouse, "SELECT source_id, prior_order_count, _extract_no FROM raw.file_users ORDER BY ALL")
    assert landed == [("u1", 1, 1), ("u2", 7, 2), ("u3", 1, 2)]


def test_landing_can_stop_at_a_number(settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    for value in (1, 2, 3):
        write(settings, orders=[order("a", value)])
    assert land(warehouse, settings, upto=2).extract_no == 2
    assert values(warehouse, "SELECT value_paise FROM raw.orders") == [(2,)]
    assert land(warehouse, settings).landed == (3,)
    assert values(warehouse, "SELECT value_paise FROM raw.orders") == [(3,)]


@pytest.mark.parametrize(
    ("reason", "left"), [("ERASURE", ["b"]), ("DEMO_RESET", ["b"]), ("CORRECTION", ["b"]), ("RETENTION", ["a", "b"])]
)
def test_only_a_deletion_for_retention_keeps_the_row(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, reason: str, left: list[str]
) -> None:
    write(settings, orders=[order("a", 1), order("b", 1)])
    write(settings, deletions=[deletion("orders", "a", reason)])
    land(warehouse, settings)
    assert [row[0] for row in values(warehouse, "SELECT order_id FROM raw.orders ORDER BY 1")] == left
    assert values(warehouse, "SELECT reason FROM raw.deletions") == [(reason,)]


def test_a_row_with_a_key_of_several_columns_is_removed(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    people = [{"platform": "intercom", "platform_user_id": name, "change_seq": 1} for name in ("7", "8")]
    write(settings, platform_identities=people)
    write(settings, deletions=[deletion("platform_identities", "intercom/7", "ERASURE")])
    land(warehouse, settings)
    assert values(warehouse, "SELECT platform_user_id FROM raw.platform_identities") == [("8",)]


def test_a_row_made_anew_after_its_deletion_stays(settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(settings, orders=[order("a", 1)])
    write(settings, orders=[order("a", 5)], deletions=[deletion("orders", "a", "DEMO_RESET")])
    land(warehouse, settings)
    assert values(warehouse, "SELECT value_paise FROM raw.orders") == [(5,)]


def test_extracts_and_files_are_written_down(settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(settings, orders=[order("a", 1)])
    rejected = [{"file_id": "f1", "file_name": "users.csv", "line": 3, "reason": "no user", "row_text": "x"}]
    write(settings, file_users=[user("u1", 1), user("u2", 1)], rejected_rows=rejected)
    land(warehouse, settings)
    naive = AS_OF.replace(tzinfo=None)
    assert values(warehouse, "FROM raw.extracts ORDER BY 1") == [
        (1, "OPS", naive, "s1", 1),
        (2, "FILE", naive, "s1", 3),
    ]
    assert values(
        warehouse, "SELECT extract_no, file_id, name, row_count, rejected_count, landed_at FROM raw.files"
    ) == [(2, "f1", "users.csv", 2, 1, naive)]
    assert values(warehouse, "SELECT line, reason FROM raw.rejected_rows") == [(3, "no user")]


def test_what_landed_is_compared_with_what_the_source_counted(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    with drafting(settings) as draft, duckdb.connect() as connection:
        counted = {"row_count": 3, "value_paise": 700, "guest_count": 0, "change_seq": 2}
        draft.write(connection, "orders", rows_of("orders", order("a", 1), order("b", 2)), counted)
        draft.commit("OPS", AS_OF, store_id="s1")
    result = land(warehouse, settings)
    assert result.differences == (
        "extract 1, orders, row_count: expected 3, landed 2",
        "extract 1, orders, value_paise: expected 700, landed 3",
    )
    different = "SELECT measure, expected, landed FROM raw.reconciliation WHERE expected <> landed ORDER BY 1"
    assert values(warehouse, different) == [("row_count", 3, 2), ("value_paise", 700, 3)]


def test_a_changed_file_is_refused_and_nothing_of_it_lands(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    manifest = write(settings, orders=[order("a", 1)], users=[{"user_id": "u", "change_seq": 1}])
    path = manifest.parquet_path("orders")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(RawIsDamaged, match=r"orders\.parquet is missing or changed"):
        land(warehouse, settings)
    assert values(warehouse, "SELECT count(*) FROM raw.users") == [(0,)]
    assert values(warehouse, "SELECT count(*) FROM raw.extracts") == [(0,)]


def test_a_missing_directory_is_named(settings: Settings) -> None:
    for _ in range(3):
        write(settings, orders=[order("a", 1)])
    (settings.raw_dir / "00000002-ops").rename(settings.var_dir / "elsewhere")
    with pytest.raises(RawIsDamaged, match="number 2: restore it"):
        pending(settings, 0)
    assert [manifest.extract_no for manifest in pending(settings, 2)] == [3]


def test_a_manifest_that_cannot_be_read_is_named(settings: Settings) -> None:
    manifest = write(settings, orders=[order("a", 1)])
    os.truncate(manifest.directory / "manifest.json", 40)
    with pytest.raises(RawIsDamaged, match=r"00000001-ops/manifest\.json cannot be read"):
        manifests(settings)


def test_a_file_of_an_older_release_lands_without_the_columns_it_did_not_know(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    with drafting(settings) as draft, duckdb.connect() as connection:
        path = draft.directory / "orders.parquet"
        connection.execute(
            "COPY (SELECT 'a' AS order_id, 5 AS value_paise, 1 AS change_seq, 'x' AS since_removed) "
            f"TO '{path}' (FORMAT parquet)"
        )
        draft.add("orders", path, {"row_count": 1, "value_paise": 5, "guest_count": 0, "change_seq": 1})
        draft.commit("OPS", AS_OF)
    assert land(warehouse, settings).differences == ()
    assert values(warehouse, "SELECT order_id, value_paise, placed_at FROM raw.orders") == [("a", 5, None)]


def test_a_warehouse_made_by_another_release_is_refused(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    create_raw_schema(warehouse)
    warehouse.execute("ALTER TABLE raw.orders DROP COLUMN value_paise")
    with pytest.raises(RawSchemaIsOutdated, match=r"raw\.orders .* --full-refresh"):
        land(warehouse, settings)
