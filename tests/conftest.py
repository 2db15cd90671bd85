"""What all tests share: two sizes, and how tests are dealt out to processes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cities", "tests.engines"]

# How quick a machine is says nothing about what is tested.
settings.register_profile("supportled", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("supportled")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", action="store_true", help="run measurements and generated cases at their full size")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _keep_together(items)
    if not config.getoption("--release"):
        full_size = [item for item in items if item.get_closest_marker("release")]
        config.hook.pytest_deselected(items=full_size)
        items[:] = [item for item in items if not item.get_closest_marker("release")]


def _keep_together(items: list[pytest.Item]) -> None:
    """Tests of one file run in one process, for they share what is slow to make; those that build warehouses all in one.

    A module may say otherwise with `pytestmark = pytest.mark.xdist_group("name")`.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            file = Path(item.location[0])
            item.add_marker(pytest.mark.xdist_group("warehouse" if "warehouse" in file.parts[:-1] else str(file)))


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> Callable[..., int]:
    """Chooses how much a test does: `size(small=20, full=200)` is 20, or 200 with --release."""
    is_release = pytestconfig.getoption("--release")

    def choose(*, small: int, full: int) -> int:
        return full if is_release else small

    return choose
