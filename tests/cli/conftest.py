import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from store.settings import ROOT

Launch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fresh_checkout(tmp_path: Path) -> Path:
    """What the launcher needs of a checkout, without an environment."""
    checkout = tmp_path / "checkout"
    for directory in ("cli", "store"):
        shutil.copytree(ROOT / directory, checkout / directory, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("supportled", "requirements.lock"):
        shutil.copy2(ROOT / file, checkout / file)
    return checkout


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """Runs a launcher as on a new machine: an empty home, nothing else but the PATH set, and another directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home = tmp_path / "home"
    home.mkdir()

    def run(launcher: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(launcher), *argv],
            cwd=elsewhere,
            env={"HOME": str(home), "PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
