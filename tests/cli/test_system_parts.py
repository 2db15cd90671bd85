import os
import sys
from pathlib import Path

import pytest

from cli import doctor
from cli.system_parts import PARTS, SystemPart, fetch_missing, find_browser


def part_at(place: Path, *, other_way: bool = True) -> SystemPart:
    """A part that is a file, and another way that makes it."""
    return SystemPart(
        "Press",
        "printing",
        lambda: str(place) if place.exists() else None,
        ("press",),
        other_way=("-c", f"open({str(place)!r}, 'w')") if other_way else None,
    )


def test_what_is_missing_is_fetched_and_what_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    part = part_at(tmp_path / "press")
    assert list(fetch_missing([part])) == [(part, True)]
    assert list(fetch_missing([part])) == []


def test_what_cannot_be_fetched_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    part = part_at(tmp_path / "press", other_way=False)
    assert list(fetch_missing([part])) == [(part, False)]
    found = doctor.system_part(part)
    assert (found.state, found.remedy) == (doctor.State.NOTE, "apt install press (as root)")


def test_root_asks_apt_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "press"
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(f"#!{sys.executable}\nimport sys\nif 'install' in sys.argv: open({str(place)!r}, 'w')\n")
    apt.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(apt.parent))
    part = part_at(place, other_way=False)
    assert list(fetch_missing([part])) == [(part, True)]


def test_the_parts_say_how_they_are_got():
    assert {part.name: bool(part.packages and part.needed_for) for part in PARTS} == {"Browser": True, "Pango": True}
    found = find_browser()
    assert found is None or Path(found).exists()
