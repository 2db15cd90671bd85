"""What all tests share: two sizes, and how tests are dealt out to processes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cities", "tests.engines"]

# How quick a machine is says nothing about what is tested.
settings.register_profile("supportled", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("supportled")

TOGETHER = {
    "cities": (
        "tests/browser/test_insights.py",
        "tests/warehouse/test_analytics_api.py",
        "tests/warehouse/test_conventions.py",
        "tests/warehouse/test_demo_truths.py",
        "tests/warehouse/test_enums.py",
        "tests/warehouse/test_exports.py",
        "tests/warehouse/test_insights.py",
        "tests/warehouse/test_notebooks.py",
        "tests/warehouse/test_restated_exports.py",
        "tests/warehouse/test_weekly_report.py",
    ),
    "builds": ("tests/orchestration/test_build_kills.py", "tests/orchestration/test_faults.py"),
}
"""Files that share what takes long to make. The tests of any other file are together, and nothing else with them."""
SLOWEST_FIRST = (
    "cities",
    "builds",
    "tests/warehouse/test_incremental_equals_full.py",
    "tests/e2e/test_first_run.py",
    "tests/live/test_live_equals_batch.py",
    "tests/shared/test_helpdesk_published.py",
    "tests/warehouse/test_kpis.py",
    "tests/api/robustness/test_kills.py",
)
"""The many quick files come last and fill the time of whichever process is done with these."""


def group_of(test_id: str) -> str:
    """Tests of one group run in one process, one after the other."""
    file = test_id.partition("::")[0]
    return next((group for group, places in TOGETHER.items() if file.startswith(places)), file)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", action="store_true", help="run measurements and generated cases at their full size")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    places = {group: place for place, group in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: places.get(group_of(item.nodeid), len(places)))
    if not config.getoption("--release"):
        full_size = [item for item in items if item.get_closest_marker("release")]
        config.hook.pytest_deselected(items=full_size)
        items[:] = [item for item in items if not item.get_closest_marker("release")]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole groups in the order of the tests. xdist's own `loadgroup` deals out single tests with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> Callable[..., int]:
    """Chooses how much a test does: `size(small=20, full=200)` is 20, or 200 with --release."""
    is_release = pytestconfig.getoption("--release")

    def choose(*, small: int, full: int) -> int:
        return full if is_release else small

    return choose
