"""Copies of the operational store as one file each: a SQLite file, or what pg_dump writes. Each is of one instant."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysqlite3
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, make_url, text

from store.engines import read_engine, schema_engine
from store.errors import StoreError
from store.tables import metadata

_sqlite: Any = pysqlite3


class DumpFailed(StoreError):
    """The database or its tools refused; what they said is in the message."""

    code = "dump_failed"
    remedy = "See that there is room on the disk, and that the tools of PostgreSQL are as new as the server."


class ToolMissing(StoreError):
    """A program of PostgreSQL is not on the PATH."""

    code = "postgresql_tool_missing"
    remedy = "Install PostgreSQL's client programs (postgresql-client) of the server's version or newer."


class StoreInUse(StoreError):
    """Another process has the store open, and would go on with rows that are no longer there."""

    code = "store_in_use"
    remedy = "Stop ./supportled up and everything else that uses the store, then try again."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Whose state a dump holds, and how far it was."""

    store_id: str
    schema_revision: str
    change_number: int


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def database_file(url: str) -> Path:
    """The file of a SQLite store."""
    return Path(make_url(url).database or "")


def dump(url: str, target: Path) -> Snapshot:
    """Write the store's state of one instant to the file `target`, while others write. Raises `DumpFailed`."""
    engine = read_engine(url)
    try:
        with engine.connect() as connection:
            if is_sqlite(url):
                return _dump_file(connection, target)
            return _dump_database(url, connection, target)
    finally:
        engine.dispose()


def check_file(path: Path) -> None:
    """Raise `DumpFailed` if a SQLite file is not sound."""
    try:
        connection = _sqlite.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check").fetchall()]
        finally:
            connection.close()
    except _sqlite.Error as error:
        raise DumpFailed(f"{path.name} is not a sound SQLite file: {error}") from error
    if found != ["ok"]:
        raise DumpFailed(f"{path.name} is not a sound SQLite file: {found[0]}")


def close_file(path: Path) -> None:
    """Bring a SQLite store into its one file, without a log beside it. Raises `StoreInUse` if somebody has it open."""
    if not path.exists():
        return
    connection = _sqlite.connect(path, timeout=5)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except _sqlite.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in {_sqlite.SQLITE_BUSY, _sqlite.SQLITE_LOCKED}:
            return  # it is damaged: nobody can be at work in it
        raise StoreInUse(f"{path} is open in another process.") from error
    finally:
        connection.close()
    if mode != "delete":
        raise StoreInUse(f"{path} is open in another process.")


def load_database(url: str, dump_file: Path) -> None:
    """Put a dump in the place of the tables that are in a PostgreSQL database, all in one transaction.

    Raises `StoreInUse`, or `DumpFailed`: then nothing has changed.
    """
    _require_unused(url)
    address, environment = _address(url)
    drops = [f'DROP TABLE IF EXISTS "{name}" CASCADE' for name in ("alembic_version", *sorted(metadata.tables))]
    script = [
        _tool("pg_restore"),
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--file=-",
        str(dump_file),
    ]
    load = [
        _tool("psql"),
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--dbname",
        address,
    ]
    drop = [f"--command=SET client_min_messages = warning; {'; '.join(['DROP VIEW IF EXISTS context_events', *drops])}"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        loading = subprocess.run(
            [*load, *drop, "--file=-"],
            stdin=reading.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
        _, complaint = reading.communicate()
    if loading.returncode or reading.returncode:
        raise DumpFailed(f"the dump could not be loaded: {_complaint(loading.stderr or complaint)}")


def _dump_file(connection: Connection, target: Path) -> Snapshot:
    """A copy without what was deleted before. The snapshot begins with the first read; VACUUM wants no transaction."""
    driver: Any = connection.connection.driver_connection
    os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        driver.execute("PRAGMA query_only = 0")  # VACUUM INTO counts as writing; the store itself is only read
        driver.execute("VACUUM INTO ?", (str(target),))
    except _sqlite.Error as error:
        raise DumpFailed(f"the store could not be copied: {error}") from error
    copy = _sqlite.connect(f"file:{target}?mode=ro", uri=True)
    try:
        ((store_id,),) = copy.execute("SELECT store_id FROM store_identity").fetchall()
        ((revision,),) = copy.execute("SELECT version_num FROM alembic_version").fetchall()
        ((change,),) = copy.execute("SELECT value FROM store_counters WHERE name = 'change'").fetchall()
    finally:
        copy.close()
    return Snapshot(store_id, revision, change)


def _dump_database(url: str, connection: Connection, target: Path) -> Snapshot:
    snapshot, store_id, revision, change = connection.execute(
        text(
            "SELECT pg_export_snapshot(), (SELECT store_id FROM store_identity), "
            "(SELECT version_num FROM alembic_version), pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        )
    ).one()
    address, environment = _address(url)
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))
    done = subprocess.run(
        [_tool("pg_dump"), *options, "--dbname", address], capture_output=True, env=environment, check=False
    )
    if done.returncode:
        raise DumpFailed(f"pg_dump ended with {done.returncode}: {_complaint(done.stderr)}")
    return Snapshot(store_id, revision, change)


def _require_unused(url: str) -> None:
    engine = schema_engine(url)
    try:
        with engine.connect() as connection:
            others = connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'supportled' "
                    "AND datname = current_database() AND pid <> pg_backend_pid()"
                )
            ).scalar_one()
    finally:
        engine.dispose()
    if others:
        raise StoreInUse(f"{others} connections of other processes are open.")


def _address(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, which everyone on the machine would see, and the environment that has it."""
    parts = conninfo_to_dict(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    password = parts.pop("password", None)
    environment = dict(os.environ) | (  # noqa: TID251 a child gets the environment of its parent
        {"PGPASSWORD": str(password)} if password else {}
    )
    return make_conninfo("", **parts), environment


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} is not there; a PostgreSQL store is copied and restored with it.")
    return found


def _complaint(said: bytes) -> str:
    """The line with the error; those after it may quote rows."""
    lines = said.decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "error:" in line.lower()), lines[0] if lines else "it said nothing")
