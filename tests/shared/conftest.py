"""Tests over the shared data that lies beside the checkout."""

import os
from pathlib import Path

import pytest

from store.settings import ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """`../shared`, or where `SUPPORTLED_SHARED` says. Without it these tests are skipped, but fail where CI is set."""
    directory = Path(os.environ.get("SUPPORTLED_SHARED") or ROOT.parent / "shared")
    if not directory.is_dir():
        reason = f"no shared data at {directory}; SUPPORTLED_SHARED names another place"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return directory


@pytest.fixture(scope="session")
def helpdesk_log(shared_dir: Path) -> Path:
    return shared_dir / "data" / "helpdesk_event_log.csv"
