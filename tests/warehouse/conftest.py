"""What tests of the warehouse share: the project as dbt reads it, and a city of two versions."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.settings import ROOT
from tests.cities import City
from tests.warehouse.retelling import Retold, retell


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest of the project as it is now. Needs no warehouse."""
    target: Path = tmp_path_factory.mktemp("manifest")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-use-colors", "parse", "--project-dir", ROOT),
            *(
                "--profiles-dir",
                ROOT / "dbt_project",
                "--target",
                "lint",
                "--target-path",
                target,
                "--log-path",
                target,
            ),
        ],
        env={**os.environ, "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return json.loads((target / "manifest.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def retold(first_city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retold]:
    """A copy of the city that went on after its KPIs were exported, and was published and exported again."""
    with retell(first_city, tmp_path_factory.mktemp("retold")) as city:
        yield city
