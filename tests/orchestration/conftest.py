"""One good version, built once for all tests that break copies of it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.simulate import seed_demo
from orchestration.build import run_build
from store.migrations import migrate
from store.settings import Settings

UNTIL = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def good_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with a small city and one published version."""
    settings = Settings.at(tmp_path_factory.mktemp("good") / "var")
    settings.var_dir.mkdir()
    migrate(settings.operations_url)
    seed_demo(settings, users=150, days=12, until=UNTIL, progress=lambda _line: None)
    result = run_build(settings, progress=lambda _line: None)
    assert result.version == "v00000001"
    return settings.var_dir


@pytest.fixture
def built(good_state: Path, tmp_path: Path) -> Iterator[Settings]:
    """A copy of it, to break."""
    copy = tmp_path / "var"
    shutil.copytree(good_state, copy, symlinks=True)
    shutil.rmtree(copy / "dagster")
    yield Settings.at(copy)
    shutil.rmtree(tmp_path)
