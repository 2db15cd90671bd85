"""What a person sees when a command cannot do its work."""

import sys
from pathlib import Path

import pytest

from cli.main import main
from cli.problems import Problem, describe


class ForeignError(Exception):
    """An error of another part, with a remedy of its own."""

    remedy = "do this"


def test_a_file_that_is_not_there_is_named_with_a_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPORTLED_VAR", str(tmp_path))
    assert main(["import", "missing.csv", "--mapping", "helpdesk"]) == 1
    assert capsys.readouterr().err == "supportled: there is no file missing.csv\nRemedy: check the path\n"
    assert list(tmp_path.iterdir()) == []


def test_debugging_shows_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTLED_DEBUG", "1")
    with pytest.raises(Problem):
        main(["import", "missing.csv", "--mapping", "helpdesk"])


def test_any_error_with_a_remedy_speaks_for_itself() -> None:
    assert describe(ForeignError("no\n  such  thing")) == "supportled: no such thing\nRemedy: do this"


def test_an_error_that_nobody_foresaw_is_one_line_with_a_way_on() -> None:
    reason, remedy = describe(KeyError("x")).splitlines()
    assert reason == "supportled: unexpected KeyError: 'x'"
    assert "SUPPORTLED_DEBUG=1" in remedy


def test_commands_are_loaded_late() -> None:
    import subprocess

    probe = "import sys, cli.main; print([name for name in ('duckdb', 'dagster', 'sqlalchemy', 'fastapi') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
