"""Demo cities that several tests read: simulated, built and published once a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from store.settings import Settings

if TYPE_CHECKING:
    from ingestion.simulate import DemoTruth


@dataclass(frozen=True, slots=True)
class CitySize:
    users: int
    days: int


SMALL = CitySize(users=6_600, days=35)
"""2,970 users with an eligible moment: about the fewest whose interval is surely narrower than 8 points."""
FULL = CitySize(users=20_000, days=90)


@dataclass(frozen=True, slots=True)
class City:
    """A published demo city. Read it; what changes it belongs into a city of the test's own."""

    settings: Settings
    truth: "DemoTruth"


def _build(var_dir: Path, city: str, size: CitySize) -> City:
    from ingestion.simulate import seed_demo  # every run of pytest reads this file, and these are slow to import
    from orchestration.build import run_build
    from store.migrations import migrate

    settings = Settings.at(var_dir)
    migrate(settings.operations_url)
    truth = seed_demo(settings, city=city, users=size.users, days=size.days, progress=lambda _: None)
    run_build(settings, progress=lambda _: None)
    return City(settings, truth)


_SIZES = {"params": [SMALL, pytest.param(FULL, marks=pytest.mark.release)], "ids": ["small", "full"]}


@pytest.fixture(scope="session", **_SIZES)
def first_city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Prompts add 12 points of conversion here."""
    return _build(tmp_path_factory.mktemp("first_city"), "first", request.param)


@pytest.fixture(scope="session", **_SIZES)
def second_city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Prompts do nothing here."""
    return _build(tmp_path_factory.mktemp("second_city"), "second", request.param)
