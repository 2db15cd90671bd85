"""dbt as a child process: where its files are, how it is called, and what it said when it failed."""

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.child import command
from orchestration.code import PROJECT, code_hash
from orchestration.locks import exclusive
from orchestration.problems import BuildFailed
from orchestration.versions import building_dir
from store.published.versions import FILE_NAME
from store.settings import ROOT, Settings

DBT = "dbt.cli.main:cli"
"""The program; see orchestration/child.py."""

PROJECT_DIR = ROOT
"""Where dbt_project.yml is."""

WITHOUT_VIEWS = (
    "config.materialized:table",
    "config.materialized:incremental",
    "resource_type:seed",
    "resource_type:test",
)


def target_dir(settings: Settings) -> Path:
    """Compiled SQL, results and the parse that the next call goes on from."""
    return settings.var_dir / "dbt" / "target"


def results_path(settings: Settings) -> Path:
    """What became of each model and test of the last call."""
    return target_dir(settings) / "run_results.json"


def manifest_path(settings: Settings) -> Path:
    """The manifest of the project as it is now, parsed first if it never was. One file for each state of the project.

    Needs no warehouse. Raises `BuildFailed` with dbt's words if the project cannot be parsed.
    """
    directory = settings.var_dir / "dbt"
    manifest = directory / f"manifest-{code_hash(PROJECT_DIR, PROJECT)[:16]}.json"
    if manifest.is_file():
        return manifest
    with exclusive(directory / "parse.lock"):
        if not manifest.is_file():
            done = subprocess.run(
                command(DBT, "--quiet", "parse"),
                cwd=PROJECT_DIR,
                env=environment(settings),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                require_room(done.stdout)
                raise BuildFailed(
                    f"dbt cannot read the project: {last_words(done.stdout or done.stderr)}",
                    "Mend dbt_project/, then build again.",
                )
            for outdated in directory.glob("manifest-*.json"):
                outdated.unlink()
            fresh = directory / "manifest.new"
            shutil.copyfile(target_dir(settings) / "manifest.json", fresh)
            fresh.replace(manifest)
    return manifest


def environment(settings: Settings) -> dict[str, str]:
    """What dbt and its profile read. The path of the warehouse never changes, or dbt would parse everything anew."""
    return {
        **os.environ,  # noqa: TID251 a child gets the environment of its parent
        "PYTHONPATH": str(ROOT),
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_DIR / "dbt_project"),
        "DBT_TARGET_PATH": str(target_dir(settings)),
        "DBT_LOG_PATH": str(settings.var_dir / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "SUPPORTLED_DBT_PATH": str(building_dir(settings) / "now" / FILE_NAME),
    }


def build_arguments(*, full_refresh: bool) -> list[str]:
    """Models, seeds and all data tests. Unit tests judge code, not data, and run with it.

    What follows from a failure is skipped, the rest goes on: whoever mends the data hears of all that is wrong at once. (Failing
    fast, dbt cancels what runs beside, and may die of that before it has told what failed.)

    A build that is not a full refresh starts from a file that the same code made, so that its views are there
    already: making seventy of them anew takes longer than 1 % of the data.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    return [*arguments, "--full-refresh"] if full_refresh else [*arguments, "--select", *WITHOUT_VIEWS]


def failures(settings: Settings) -> list[str]:
    """What the last build's results call failed, as `name: message`."""
    try:
        results = json.loads(results_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [failure(result) for result in results["results"] if result["status"] in {"error", "fail", "runtime error"}]


def failure(result: Mapping[str, Any]) -> str:
    name = result["unique_id"].split(".")[2]
    return f"{name}: {last_words(result['message'] or result['status'])}"


def require_room(text: str) -> None:
    """Raises OSError if what a child said tells of a full disk."""
    for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        if os.strerror(code) in text:
            raise OSError(code, os.strerror(code))


def last_words(text: str, length: int = 400) -> str:
    """The end of what was said, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"… {line[-length:]}"
