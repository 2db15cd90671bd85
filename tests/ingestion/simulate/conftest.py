"""The simulated city that this folder's tests look at."""

import pytest

from ingestion.simulate import simulate
from ingestion.simulate.seed import Demo
from tests.ingestion.simulate.frames import DAYS, UNTIL, USERS, Frames, frames_of


@pytest.fixture(scope="session")
def demo() -> Demo:
    return simulate(until=UNTIL, days=DAYS, users=USERS)


@pytest.fixture(scope="session")
def frames(demo: Demo) -> Frames:
    return frames_of(demo)
