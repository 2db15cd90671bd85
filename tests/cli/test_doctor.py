from pathlib import Path

import pytest

from cli.doctor import Finding, State, examine, guarded
from store.engines import check_sqlite_version
from store.settings import ROOT, Settings


def test_a_machine_before_its_first_start_has_nothing_to_put_right(tmp_path: Path) -> None:
    findings = {finding.subject: finding for finding in examine(Settings.at(tmp_path / "var"), ROOT)}
    assert [finding for finding in findings.values() if finding.state is State.PROBLEM] == []
    assert findings["Operational store"].remedy == "./supportled up makes it"
    assert findings["Published warehouse"].state is State.NOTE
    assert not (tmp_path / "var").exists(), "looking must not make anything"


def test_everything_that_is_not_in_order_has_a_remedy(tmp_path: Path) -> None:
    findings = list(examine(Settings.at(tmp_path / "var"), tmp_path))
    assert [finding.subject for finding in findings if finding.state is not State.OK and not finding.remedy] == []


def test_a_database_that_does_not_answer_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:1/none")
    found = next(finding for finding in examine(settings, ROOT) if finding.subject == "Operational store")
    assert found.state is State.PROBLEM
    assert "SUPPORTLED_OPERATIONS_URL" in found.remedy


def test_a_check_that_fails_is_a_finding() -> None:
    def fails() -> Finding:
        raise OSError("the disk\nis gone")

    found = guarded("Disk", fails)
    assert (found.state, found.subject, found.detail) == (State.PROBLEM, "Disk", "OSError: the disk is gone")
    assert found.remedy


def test_a_sqlite_that_loses_commits_is_a_problem_with_its_remedy() -> None:
    def old() -> Finding:
        check_sqlite_version((3, 46, 1))
        raise AssertionError("an old SQLite passed")

    found = guarded("SQLite", old)
    assert found.state is State.PROBLEM
    assert found.detail.startswith("SQLite 3.46.1 can lose committed changes")
    assert "delete .venv" in found.remedy


@pytest.mark.parametrize("port_count", [1, 2])
def test_a_port_in_use_names_the_option(port_count: int) -> None:
    import socket

    from cli.doctor import free_ports

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        found = free_ports(port + 1 - port_count)
    assert str(port) in found.detail
    assert "--port" in found.remedy
