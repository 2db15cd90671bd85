"""Thirty-odd ways in which facts, files, code or the machine go wrong, each put into a state directory that has one good version.

`caught` is what the build says when it refuses; None where the fault does no harm by design, and the build publishes.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pysqlite3

from ingestion.raw import drafting, manifests
from store import clock
from store.migrations import migrate
from store.settings import Settings

Inject = Callable[[Settings], None]


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    inject: Inject
    caught: str | None
    is_quick: bool = False
    """Runs with every change; the others with --release."""


def land_rows(table: str, replace: str = "", *, rows: str = "limit 1", again: bool = False) -> Inject:
    """Raw rows as an extract brought them, with columns replaced; `again` brings them twice."""

    def inject(settings: Settings) -> None:
        first = next(each for each in manifests(settings) if table in each.tables)
        source = f"(select * from read_parquet('{first.parquet_path(table)}') order by all {rows})"
        query = f"select * replace ({replace}) from {source}" if replace else f"select * from {source}"
        with drafting(settings) as draft, duckdb.connect() as connection:
            draft.write(connection, table, f"{query} union all {query}" if again else query)
            draft.commit("FILE", clock.now())

    return inject


def edit_manifest(change: Callable[[dict[str, Any]], None], table: str = "orders") -> Inject:
    """A change to what the manifest of a new extract says of a table."""

    def inject(settings: Settings) -> None:
        land_rows(table, rows="limit 50")(settings)
        path = manifests(settings)[-1].directory / "manifest.json"
        content = json.loads(path.read_text())
        change(content["tables"][table])
        path.write_text(json.dumps(content))

    return inject


def lose_rows(settings: Settings) -> None:
    """A fifth of the rows of a Parquet file is gone, and its hash fits what is left."""
    land_rows("friction_signals", rows="limit 500")(settings)
    manifest = manifests(settings)[-1]
    path = manifest.parquet_path("friction_signals")
    with duckdb.connect() as connection:
        connection.execute(f"create table kept as select * from read_parquet('{path}') where seq % 5 <> 0")
        connection.execute(f"copy kept to '{path}' (format parquet)")
    text = (manifest.directory / "manifest.json").read_text()
    old = manifest.tables["friction_signals"].sha256
    (manifest.directory / "manifest.json").write_text(text.replace(old, hashlib.sha256(path.read_bytes()).hexdigest()))


def truncate_parquet(settings: Settings) -> None:
    land_rows("orders", rows="limit 50")(settings)
    path = manifests(settings)[-1].parquet_path("orders")
    path.write_bytes(path.read_bytes()[:-200])


def lose_directory_in_between(settings: Settings) -> None:
    land_rows("orders")(settings)
    land_rows("orders")(settings)
    shutil.rmtree(manifests(settings)[-2].directory)


def lose_newest_directory(settings: Settings) -> None:
    shutil.rmtree(manifests(settings)[-1].directory)


def double_extract_number(settings: Settings) -> None:
    land_rows("orders")(settings)
    newest = manifests(settings)[-1].directory
    shutil.copytree(newest, newest.with_name(newest.name.replace("-file", "-ops")))


def lose_manifest(settings: Settings) -> None:
    land_rows("orders")(settings)
    (manifests(settings)[-1].directory / "manifest.json").unlink()


def in_store(sql: str) -> Inject:
    """A statement that no code of ours would run, in the operational store."""

    def inject(settings: Settings) -> None:
        connection = pysqlite3.connect(settings.var_dir / "operations.sqlite3")
        connection.execute("pragma foreign_keys = off")
        connection.execute("pragma ignore_check_constraints = on")
        connection.executescript(sql)
        connection.commit()
        connection.close()

    return inject


def changed_in_store(table: str, assignment: str) -> Inject:
    return in_store(
        "update store_counters set value = value + 1 where name = 'change';"
        f"update {table} set {assignment}, change_seq = (select value from store_counters where name = 'change') "
        f"where rowid = (select min(rowid) from {table});"
    )


def replace_store_by_an_empty_one(settings: Settings) -> None:
    for path in settings.var_dir.glob("operations.sqlite3*"):
        path.unlink()
    migrate(settings.operations_url)


def set_store_back(settings: Settings) -> None:
    in_store("update store_counters set value = value - 1000 where name = 'change'")(settings)


def lose_store(settings: Settings) -> None:
    for path in settings.var_dir.glob("operations.sqlite3*"):
        path.unlink()


def extract_old_instant(settings: Settings) -> None:
    """The clock stood ahead when the current version was built, so the next extract is of an earlier instant."""
    later = (clock.now() + timedelta(days=2)).isoformat().replace("+00:00", "Z")
    manifest = settings.current_link.resolve() / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"as_of": later}))


def damage_base(settings: Settings) -> None:
    path = max(settings.private_dir.iterdir()) / "warehouse.duckdb"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def change_base_schema(settings: Settings) -> None:
    path = max(settings.private_dir.iterdir()) / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 0}))


def copy_live_incidence_into_a_file(settings: Settings) -> None:
    newest = next(each for each in manifests(settings) if "incidences" in each.tables)
    live = f"read_parquet('{newest.parquet_path('incidences')}')"
    with drafting(settings) as draft, duckdb.connect() as connection:
        draft.write(
            connection,
            "file_incidences",
            "select incidence_id, source, source_id, user_id, order_id, stage, channel, trigger, outcome, app_screen, "
            "issue_category, root_cause, resolution_type, order_impact, agent_id, event_type, order_value_paise, "
            "created_at, opened_at, assigned_at, resolved_at, 0 as reopen_count, 0 as wait_count, 0 as escalation_count, "
            f"null as is_helped, 'again' as _file_id, 1 as _line from {live} limit 1",
        )
        draft.commit("FILE", clock.now())


def edit_model(path: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """A change to a file of the dbt project (of a copy)."""

    def edit(project: Path) -> None:
        file = project / path
        text = file.read_text()
        assert change(text) != text
        file.write_text(change(text))

    return edit


FUTURE = "(select now()::timestamp + interval 2 year)"
AHEAD = "(now() at time zone 'UTC')::timestamp + interval 330 minute"

FAULTS = (
    Fault(
        "a manifest's sum is wrong",
        edit_manifest(lambda t: t["sums"].update(value_paise=1)),
        "not what was extracted",
        True,
    ),
    Fault("a manifest's count is wrong", edit_manifest(lambda t: t.update(row_count=49)), "not what was extracted"),
    Fault("a fifth of the rows is missing", lose_rows, "not what was extracted", True),
    Fault("a Parquet file is cut off", truncate_parquet, "orders.parquet is missing or changed", True),
    Fault("an extract is missing between others", lose_directory_in_between, "but not number"),
    Fault("the newest extract is missing", lose_newest_directory, "var/raw ended before it", True),
    Fault("an extract number comes twice", double_extract_number, "but not number"),
    Fault("an extract has no manifest", lose_manifest, "manifest.json cannot be read"),
    Fault("an extract of an old instant", extract_old_instant, "the clock went back", True),
    Fault("the store was set back", set_store_back, "set back to an earlier state"),
    Fault("an empty store in place of one with rows", replace_store_by_an_empty_one, "another one", True),
    Fault("the store is gone", lose_store, "could not be extracted"),
    Fault(
        "a table of the store is missing",
        in_store("alter table friction_signals rename to gone"),
        "could not be extracted",
    ),
    Fault(
        "a column of the store is renamed",
        in_store("alter table orders rename value_paise to value"),
        "could not be extracted",
    ),
    Fault(
        "text where a number should be", changed_in_store("orders", "value_paise = 'a lot'"), "could not be extracted"
    ),
    Fault("a null key", land_rows("orders", "null as order_id"), "order_id", True),
    Fault("a doubled key", land_rows("orders", again=True), "uniq"),
    Fault(
        "an orphan",
        land_rows("incidence_timeline", "'nobody' as incidence_id, 'orphan' as event_id"),
        "relationship|orphan|incidence",
    ),
    Fault(
        "an order in the future",
        land_rows("orders", f"'late' as order_id, 'late' as source_id, {FUTURE} as placed_at"),
        "future|placed_at",
    ),
    Fault(
        "the wrong time zone",
        land_rows("orders", f"'ist' as order_id, 'ist' as source_id, {AHEAD} as placed_at"),
        "future|placed_at",
    ),
    Fault(
        "negative money",
        land_rows("orders", "'neg' as order_id, 'neg' as source_id, -5 as value_paise"),
        "negative|value_paise",
    ),
    Fault("an unknown enum", land_rows("incidences", "'MID_ORDER' as stage"), "stage"),
    Fault(
        "resolved before created",
        land_rows("incidences", "created_at - interval 1 hour as resolved_at, 'RESOLVED' as outcome"),
        "resolved|time_to_resolve",
    ),
    Fault(
        "an event before its incidence",
        land_rows("incidence_timeline", "occurred_at - interval 400 day as occurred_at"),
        "events_follow_their_incidence",
    ),
    Fault(
        "an absurd guest count",
        land_rows("orders", "'crowd' as order_id, 'crowd' as source_id, 90000000 as guest_count"),
        "guest",
    ),
    Fault(
        "orders a hundred times too dear",
        land_rows(
            "orders",
            "order_id || '-x' as order_id, source_id || '-x' as source_id, value_paise * 100 as value_paise",
            rows="",
        ),
        "order_values",
    ),
    Fault("the base is damaged", damage_base, None),
    Fault("the base has another schema", change_base_schema, None),
    Fault("a live incidence comes again in a file", copy_live_incidence_into_a_file, None),
    Fault("everything was deleted without a word", in_store("delete from incidences; delete from orders;"), None),
)
"""Faults of facts and files. Two builders, a full disk, and faults of the models are in test_faults.py."""
