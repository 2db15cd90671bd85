"""Erasing a person: nothing of them is left in any file, everything of the others stays, and so do the sums."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from cli.main import main
from ingestion.contracts import OPERATIONAL, PERSONAL
from ingestion.erasure import NOT_OF_USERS, UserUnknown, erase, erase_again
from ingestion.extract import run_extract
from ingestion.files import import_file
from ingestion.raw import land
from store.backup import take_backup
from store.erasures import append_erasures, erasures_file, read_erasures
from store.restore import restore
from store.session import open_store
from store.settings import Settings
from store.tables import (
    friction_scores,
    metadata,
    orders,
    outbox,
    platform_identities,
    users,
    webhook_events,
)
from tests.ingestion.store_rows import row_of

PRIYA, RAHUL = "u-priya", "u-rahul"
SECRET = "Raghunathan-9198123"
"""In everything that Priya is called, typed, or was sent. Ids, her contact on a chat platform included, are not of it."""
KEPT = "Venkatesh-9197000"
AT = datetime(2026, 11, 20, tzinfo=UTC)
NUMBERS = {PRIYA: 21, RAHUL: 22}


def personal_rows(user_id: str, words: str) -> dict[str, dict[str, Any]]:
    """One row of each table that has something of a person in it, all of this one."""
    number = NUMBERS[user_id]
    made = {}
    for name in (*PERSONAL, "platform_conversations", "platform_identities", "idempotency_keys", "orders"):
        table = metadata.tables[name]
        row = row_of(table, number, "an agent" if name in NOT_OF_USERS else words)
        row |= {key: user_id for key in ("user_id",) if key in table.c}
        row |= {key: f"incidence-{number}" for key in ("incidence_id",) if key in table.c}
        made[name] = row
    made["platform_identities"]["platform_user_id"] = f"contact-of-{user_id}"
    made["platform_conversations"]["platform_user_id"] = f"contact-of-{user_id}"
    made["user_context"] |= {"current_screen": words, "screen_stack": [words]}
    made["webhook_events"] |= {"redacted_body": {"contact": f"contact-of-{user_id}"}, "state": "APPLIED"}
    made["idempotency_keys"]["answer"] = json.dumps({"text": words})
    return made


def fill(connection: Connection) -> None:
    for user_id, words in ((PRIYA, SECRET), (RAHUL, KEPT)):
        for name, row in personal_rows(user_id, words).items():
            connection.execute(insert(metadata.tables[name]), row)


@pytest.fixture
def filled(store_settings: Settings) -> Settings:
    with open_store(store_settings) as store:
        store.write(fill)
    return store_settings


def write(settings: Settings, change: Callable[[Connection], Any]) -> None:
    with open_store(settings) as store:
        store.write(change)


def everything(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    with open_store(settings) as store, store.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }


def one(settings: Settings, query: Any) -> Any:
    with open_store(settings) as store, store.read() as connection:
        return connection.execute(query).one()


def bytes_of_the_store(settings: Settings) -> bytes:
    """Every file of the database: on PostgreSQL, of its tables, after what was dropped is gone."""
    if settings.is_sqlite:
        return b"".join(path.read_bytes() for path in sorted(settings.var_dir.rglob("*")) if path.is_file())
    with psycopg.connect(settings.operations_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row
    directory = Path(row[0]) / "base" / str(row[1])
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())


def test_nothing_of_the_person_is_left_in_any_file(filled: Settings) -> None:
    earlier = "+91 99999 00001"
    is_priya = users.c.user_id == PRIYA
    run_extract(filled)
    with open_store(filled) as api:  # which keeps the log of SQLite as it is
        api.write(lambda c: c.execute(update(users).where(is_priya).values(phone=earlier)))
        api.write(lambda c: c.execute(update(users).where(is_priya).values(phone=SECRET)))
        api.write(lambda c: c.execute(insert(users), row_of(users, 90, SECRET)))
        api.write(lambda c: c.execute(delete(users).where(users.c.user_id == "user_id-90")))
        before = bytes_of_the_store(filled)
        assert SECRET.encode() in before
        assert earlier.encode() in before, "the test would not see what an update lets go of"
        erased = erase(filled, PRIYA)
        after = bytes_of_the_store(filled)
    assert SECRET.encode() not in after
    assert earlier.encode() not in after
    assert KEPT.encode() in after
    assert erased.files_left == ()
    assert SECRET not in str(everything(filled))


def test_every_personal_column_is_emptied_and_nothing_else(filled: Settings) -> None:
    before = everything(filled)
    erase(filled, PRIYA)
    after = everything(filled)
    for name, columns in PERSONAL.items():
        rows = {row["source_id" if "source_id" in row else next(iter(row))]: row for row in before[name]}
        for row in after[name]:
            was = rows[row["source_id" if "source_id" in row else next(iter(row))]]
            is_hers = name not in NOT_OF_USERS and SECRET in str(was)
            changed = {key for key in row if row[key] != was[key]} - {"change_seq"}
            assert bool(changed) == is_hers, name
            if is_hers:
                assert changed <= columns | {"redacted_body", "state", "processed_at"}, name
                assert [row[column] for column in columns if row[column] not in (None, {})] == [], name
    assert after["orders"] == before["orders"]


def test_each_personal_table_is_somebodys() -> None:
    """A new table with personal columns is reached by user or incidence, or is said not to be of users."""
    for name in set(PERSONAL) - NOT_OF_USERS:
        assert {"user_id", "incidence_id"} & set(metadata.tables[name].c.keys()), name


def test_the_warehouse_keeps_its_sums(filled: Settings) -> None:
    def sums() -> dict[str, Any]:
        run_extract(filled)
        with duckdb.connect() as connection:
            land(connection, filled)
            return {
                name: connection.execute(
                    f"SELECT count(*), {', '.join(f'sum({c})' for c in table.sums if c != 'change_seq') or 1} "
                    f"FROM raw.{name}"
                ).fetchall()
                for name, table in OPERATIONAL.items()
            } | {
                "users by id": connection.execute("SELECT user_id, tier FROM raw.users ORDER BY ALL").fetchall(),
            }

    before = sums()
    erase(filled, PRIYA)
    assert sums() == before
    assert before["orders"][0][0] == 2


def test_a_store_in_use_is_erased_all_the_same(filled: Settings) -> None:
    is_erased, failures = threading.Event(), []

    def work() -> None:
        number = 100
        try:
            with open_store(filled) as store:
                while not is_erased.is_set():
                    number += 1
                    store.write(lambda c, n: c.execute(insert(orders), row_of(orders, n, "")), number)
                    with store.read() as connection:
                        connection.execute(select(users)).all()
        except Exception as error:
            failures.append(error)

    others = [threading.Thread(target=work)]
    for other in others:
        other.start()
    try:
        erase(filled, PRIYA)
    finally:
        is_erased.set()
        for other in others:
            other.join()
    assert failures == []
    assert SECRET.encode() not in bytes_of_the_store(filled)


def test_what_waits_to_be_read_or_sent_is_withdrawn(filled: Settings) -> None:
    def wait(connection: Connection) -> None:
        connection.execute(update(outbox).values(state="PENDING"))
        unread = row_of(webhook_events, 30, "") | {"incidence_id": None, "conversation_id": "new", "state": "PENDING"}
        for number, user_id in ((30, PRIYA), (31, RAHUL)):
            body = json.dumps({"data": [{"contact": {"id": f"contact-of-{user_id}", "text": "hello"}}]}).encode()
            row = unread | {"event_id": f"e-{number}", "dedup_key": f"k-{number}", "body": body}
            connection.execute(insert(webhook_events), row)

    write(filled, wait)
    erase(filled, PRIYA)
    after = everything(filled)
    assert {row["incidence_id"]: row["state"] for row in after["outbox"]} == {
        "incidence-21": "EXPIRED",
        "incidence-22": "PENDING",
    }
    events = {row["event_id"]: (row["state"], row["body"] is None) for row in after["webhook_events"]}
    assert (events["e-30"], events["e-31"]) == (("IGNORED", True), ("PENDING", False))


def test_the_contact_of_a_chat_platform_leads_nowhere(filled: Settings) -> None:
    erase(filled, PRIYA)
    after = everything(filled)
    assert [row["user_id"] for row in after["platform_identities"]] == [RAHUL]
    contacts = {row["incidence_id"]: row["platform_user_id"] for row in after["platform_conversations"]}
    assert contacts == {"incidence-21": None, "incidence-22": f"contact-of-{RAHUL}"}
    assert after["idempotency_keys"] == []
    assert f"contact-of-{PRIYA}" not in str(after)


def test_somebody_known_by_a_chat_only_can_be_erased(filled: Settings) -> None:
    def chat_only(connection: Connection) -> None:
        connection.execute(
            update(platform_identities)
            .where(platform_identities.c.user_id == PRIYA)
            .values(user_id=None, platform="INTERCOM", platform_user_id="77f")
        )
        connection.execute(
            update(metadata.tables["incidences"])
            .where(metadata.tables["incidences"].c.user_id == PRIYA)
            .values(user_id="intercom:77f")
        )

    write(filled, chat_only)
    erase(filled, "intercom:77f")
    texts = {row["incidence_id"]: row["text"] for row in everything(filled)["incidence_timeline"]}
    assert texts == {"incidence-21": None, "incidence-22": f"{KEPT}-22"}


def test_an_unknown_user_is_said_to_be_unknown(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserUnknown, match="nobody"):
        erase(sqlite_settings, "nobody")
    assert not erasures_file(sqlite_settings).exists()
    monkeypatch.setenv("SUPPORTLED_VAR", str(sqlite_settings.var_dir))
    monkeypatch.delenv("SUPPORTLED_OPERATIONS_URL", raising=False)
    assert main(["erase", "--user", "nobody"]) == 1
    assert "there is no user nobody" in capsys.readouterr().err


def test_a_second_time_finds_nothing_more_to_do(filled: Settings) -> None:
    assert erase(filled, PRIYA).row_counts["users"] == 1
    assert erase(filled, PRIYA).row_counts == {}


def test_numbers_of_rows_outlive_the_cleaning(sqlite_settings: Settings) -> None:
    """The extract goes on after the last row number that it saw."""
    write(sqlite_settings, fill)
    write(
        sqlite_settings,
        lambda c: c.execute(insert(friction_scores), [row_of(friction_scores, n, "") for n in range(9)]),
    )
    write(sqlite_settings, lambda c: c.execute(delete(friction_scores).where(friction_scores.c.after_seq == 3)))
    numbers = text("SELECT group_concat(rowid) FROM (SELECT rowid FROM friction_scores ORDER BY rowid)")
    before = one(sqlite_settings, numbers)
    erase(sqlite_settings, PRIYA)
    assert one(sqlite_settings, numbers) == before
    assert before[0].count(",") == 7


def test_a_backup_from_before_does_not_bring_the_person_back(
    filled: Settings, tmp_path: Path, postgres_programs: None
) -> None:
    take_backup(filled, tmp_path / "backup")
    erase(filled, PRIYA)
    restore(filled, tmp_path / "backup", replace=True, erase_again=erase_again)
    assert SECRET.encode() not in bytes_of_the_store(filled)
    assert one(filled, select(users.c.name).where(users.c.user_id == RAHUL)).name
    assert PRIYA in {row["user_id"] for row in everything(filled)["erasures"]}


def test_erasures_of_a_machine_that_is_gone_are_applied_from_their_file(
    filled: Settings, tmp_path: Path, postgres_programs: None
) -> None:
    take_backup(filled, tmp_path / "backup")
    append_erasures(tmp_path / "kept.jsonl", {PRIYA: AT})
    restore(filled, tmp_path / "backup", replace=True, erase_again=erase_again, erasures=tmp_path / "kept.jsonl")
    assert SECRET not in str(everything(filled))
    assert read_erasures(erasures_file(filled)) == {PRIYA: AT}


def test_who_came_back_after_the_erasure_stays_after_a_restore(
    filled: Settings, tmp_path: Path, postgres_programs: None
) -> None:
    erase(filled, PRIYA)
    write(filled, lambda c: c.execute(update(users).where(users.c.user_id == PRIYA).values(name="Priya again")))
    take_backup(filled, tmp_path / "backup")
    restore(filled, tmp_path / "backup", replace=True, erase_again=erase_again)
    assert one(filled, select(users.c.name).where(users.c.user_id == PRIYA)).name == "Priya again"


def test_an_old_file_does_not_bring_the_person_back(filled: Settings, tmp_path: Path) -> None:
    erase(filled, PRIYA)
    file = tmp_path / "users.csv"
    file.write_text(
        "user_id,name,phone,language,tier,prior_order_count,last_order_date\n"
        f"{PRIYA},{SECRET},{SECRET},hi,GOLD,3,\nu-new,Somebody,+919812345678,en,GOLD,1,\n"
    )
    import_file(filled, file, "users")
    found = {row["user_id"]: row for row in everything(filled)["users"]}
    assert (found[PRIYA]["name"], found[PRIYA]["phone"], found[PRIYA]["tier"]) == (None, None, "GOLD")
    assert found["u-new"]["name"] == "Somebody"


def test_files_that_still_hold_the_person_are_named(filled: Settings) -> None:
    done = filled.landing_dir / "done"
    done.mkdir(parents=True)
    (done / "users.csv").write_text(f"{PRIYA},anything\n")
    (done / "others.csv").write_text(f"{RAHUL},{KEPT}\n")
    (done / "unknown.parquet").write_bytes(b"PAR1")
    (filled.var_dir / "notes.txt").write_text(f"call {SECRET}-21 back")
    erased = erase(filled, PRIYA)
    assert {path.name for path in erased.files_left} == {"users.csv", "notes.txt"}
    assert [path.name for path in erased.files_unread] == ["unknown.parquet"]


def test_a_line_that_a_crash_cut_short_is_no_erasure_and_harms_no_other(tmp_path: Path) -> None:
    file = tmp_path / "erasures.jsonl"
    append_erasures(file, {"a": AT})
    with file.open("a") as opened:
        opened.write('{"user_id": "b')
    assert read_erasures(file) == {"a": AT}
    append_erasures(file, {"c": AT})
    assert read_erasures(file) == {"a": AT, "c": AT}
