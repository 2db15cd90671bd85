"""requirements.lock installs the same files from any index."""

import re
import tomllib

from store.settings import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_it_names_no_address() -> None:
    assert re.findall(r"(?i)^.*(?:://|--(?:extra-)?index|--find-links|--trusted-host| @ ).*$", LOCK, re.MULTILINE) == []


def test_every_pin_has_a_hash() -> None:
    blocks = re.findall(r"^[a-z0-9][^\n]*(?:\n[ \t][^\n]*)*", LOCK, re.MULTILINE)
    assert len(blocks) > 100
    assert [block.split()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_it_pins_what_the_project_asks_for() -> None:
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=~! ]", line)[0].lower() for line in asked}
    pinned = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==", LOCK, re.MULTILINE))
    assert names - pinned == set()
