"""`./supportled test`: every check is told, and pytest has the last word."""

import sys

import pytest

from cli.test import Check, checks, pytest_command, run_all, scratch_environment, tell

FAILS = Check("failing", [sys.executable, "-c", "print('line 3 is wrong'); raise SystemExit(1)"], "mend line 3")
PASSES = Check("passing", [sys.executable, "-c", "print('noise')"], "")


def test_a_failing_check_shows_its_output_and_remedy_and_the_others_still_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with scratch_environment() as environment:
        outcome = [finished.is_ok for finished in tell(run_all([FAILS, PASSES], environment))]
    told = capsys.readouterr().out
    assert outcome == [False, True]
    assert "line 3 is wrong" in told
    assert "Remedy: mend line 3" in told
    assert "noise" not in told


def test_what_is_run_never_sees_a_persons_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTLED_VAR", "/precious")
    monkeypatch.setenv("SUPPORTLED_OPERATIONS_URL", "postgresql://precious")
    show = "import os; print(os.environ['SUPPORTLED_VAR'], os.environ.get('SUPPORTLED_OPERATIONS_URL'), os.environ['PLACE'])"
    with scratch_environment() as environment:
        (finished,) = run_all([Check("show", [sys.executable, "-c", show], "", {"PLACE": "below"})], environment)
    var_dir, url, place = finished.output.split()
    assert "precious" not in finished.output
    assert (url, place) == ("None", f"{var_dir}/below")


def test_format_lint_types_imports_and_sql_are_checked() -> None:
    assert [check.title for check in checks()] == ["format", "lint", "types", "imports", "SQL"]
    assert all(check.remedy for check in checks())


def test_the_full_size_is_asked_for_by_release_alone() -> None:
    assert "--release" not in pytest_command(release=False)
    assert "--release" in pytest_command(release=True)
