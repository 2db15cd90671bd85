"""The launcher as a person meets it: run as a program, on a checkout without an environment."""

import ast
import fcntl
import os
import subprocess
import sys
from pathlib import Path

from cli.bootstrap import stamp_file, stamp_of
from store.settings import ROOT
from tests.cli.conftest import Launch

COMMANDS = ("up", "test", "doctor", "import", "build", "report", "export", "token", "reset")


def make_environment(checkout: Path) -> None:
    """An environment whose Python only tells how it was called."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$*" "$PWD" "$PYTHONPATH"\n')
    python.chmod(0o755)
    mark_as_made(checkout)


def mark_as_made(checkout: Path) -> None:
    stamp_file(checkout).write_text(stamp_of((checkout / "requirements.lock").read_bytes(), checkout.resolve()))


def test_help_names_every_command_and_makes_no_environment(fresh_checkout: Path, launch: Launch) -> None:
    done = launch(fresh_checkout / "supportled", "--help")
    assert done.returncode == 0
    assert all(f"\n    {command} " in done.stdout for command in COMMANDS)
    assert not (fresh_checkout / ".venv").exists()


def test_help_of_each_command_needs_nothing_but_the_standard_library() -> None:
    for command in COMMANDS:
        # -S leaves out installed packages.
        done = subprocess.run(
            [sys.executable, "-I", "-S", ROOT / "supportled", command, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout.startswith(f"usage: supportled {command}")


def test_wrong_arguments_end_before_an_environment_is_made(fresh_checkout: Path, launch: Launch) -> None:
    done = launch(fresh_checkout / "supportled", "report", "--week", "2026-W54")
    assert done.returncode == 2
    assert "'2026-W54' is not a week like 2026-W47" in done.stderr
    assert not (fresh_checkout / ".venv").exists()


def test_doctor_works_before_an_environment_is_made(fresh_checkout: Path, launch: Launch) -> None:
    done = launch(fresh_checkout / "supportled", "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "there is no .venv yet" in done.stdout
    assert not (fresh_checkout / ".venv").exists()
    assert not (fresh_checkout / "var").exists()


def test_a_command_keeps_the_working_directory_and_finds_the_product_through_a_link(
    fresh_checkout: Path, launch: Launch, tmp_path: Path
) -> None:
    make_environment(fresh_checkout)
    link = tmp_path / "a-link"
    link.symlink_to(fresh_checkout / "supportled")
    done = launch(link, "report", "--week", "2026-W47")
    called, directory, import_path = done.stdout.splitlines()
    assert called == "-P -m cli report --week 2026-W47"
    assert directory == str((tmp_path / "elsewhere").resolve())
    assert import_path == str(fresh_checkout.resolve())


def test_a_folder_of_the_same_name_beside_the_person_is_not_taken_for_ours(
    fresh_checkout: Path, launch: Launch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere" / "cli").mkdir()
    (tmp_path / "elsewhere" / "cli" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    done = launch(fresh_checkout / "supportled", "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_second_launcher_waits_for_the_one_that_makes_the_environment(fresh_checkout: Path, tmp_path: Path) -> None:
    with (fresh_checkout / "requirements.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            [fresh_checkout / "supportled", "build"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as second:
            assert second.stderr
            assert second.stderr.readline() == "Another supportled is making .venv; waiting for it\n"
            make_environment(fresh_checkout)
            fcntl.flock(lock, fcntl.LOCK_UN)
            output, errors = second.communicate(timeout=60)
    assert output.startswith("-P -m cli build\n")
    assert errors == ""


def test_packages_that_cannot_be_had_end_in_one_line_and_a_remedy(fresh_checkout: Path, launch: Launch) -> None:
    done = launch(fresh_checkout / "supportled", "build", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    *_, reason, remedy = done.stderr.splitlines()
    assert done.returncode == 1
    assert reason.startswith("supportled: The installer uv could not be had: ")
    assert remedy.startswith("Remedy: check the network and pip's index")
    assert "Traceback" not in done.stderr
    assert not stamp_file(fresh_checkout).exists(), "the next start must try again"


def test_a_python_that_is_too_old_can_still_read_the_launcher() -> None:
    ast.parse((ROOT / "supportled").read_text(), feature_version=(3, 4))


def test_an_old_python_hands_over_to_a_newer_one_on_the_path(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\ntest "$1" = -c || printf "%s\\n" "$@"\n')
    newer.chmod(0o755)
    pretend = "import runpy, sys; sys.version_info = (3, 9, 0); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", pretend, ROOT / "supportled", "report", "--week", "2026-W47"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [str(ROOT / "supportled"), "report", "--week", "2026-W47"]


def test_an_old_python_alone_says_what_to_install(tmp_path: Path) -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 9, 0); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", pretend, ROOT / "supportled", "up"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "supportled: this is Python 3.9, and 3.11 or newer is needed.",
        "Remedy: install Python 3.11, 3.12 or 3.13 so that its name (python3.11, ...) is on the PATH.",
    ]
