"""What README and CONTRIBUTING tell people to type and to read is there."""

import re
import shlex
from pathlib import Path

import pytest

from cli.arguments import parse
from store.settings import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
TEXT = "\n".join(page.read_text() for page in PAGES)
COMMANDS = sorted({line.strip() for line in re.findall(r"\./supportled( [a-z][^`#\n]*)", TEXT)})


def test_there_are_commands_to_try() -> None:
    assert {"up", "test", "import export.csv --mapping helpdesk_event_log --check"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_shown_can_be_typed(command: str) -> None:
    parse(shlex.split(command))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
