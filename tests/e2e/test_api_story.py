"""docs/api.md, run as it is written: every line of it, against a served application."""

import os
import re
import subprocess

import pytest

from store.settings import ROOT, Settings
from tests.api.serving import serve_api

PAGE = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the page's commands print, one after the other in one shell."""
    from store.migrations import migrate

    var_dir = tmp_path_factory.mktemp("story") / "var"
    settings = Settings.at(var_dir)
    var_dir.mkdir()
    migrate(settings.operations_url)
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    with serve_api(settings) as api:
        script = commands.replace("http://127.0.0.1:8000", api.address).replace("/tmp/", f"{var_dir}/")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=os.environ | {"SUPPORTLED_VAR": str(var_dir)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "expected",
    [
        '"status":"AVAILABLE"',
        '"received":2,"new":2',
        '"allowedChannels":["CHAT","CALL"]',
        '"status":"ASSIGNED"',
        '"agentId":"a-1"',
        '"userDetails"',
        '"allowed":false',
        "This action requires supervisor approval",
        '"outcome":"CONVERTED"',
        '"code":"no_published_warehouse"',
        '"code":"invalid_request"',
        '"code":"not_found"',
    ],
)
def test_the_story_goes_as_the_page_says(said: str, expected: str) -> None:
    assert expected in said


def test_no_command_of_the_page_surprises(said: str) -> None:
    """The only problems are those the page shows: an empty warehouse, a bad value, an unknown id."""
    assert sorted(re.findall(r'"code":"(\w+)","detail"', said)) == [
        "invalid_request",
        "no_published_warehouse",
        "not_found",
    ]
