"""`up` starts processes and leaves none behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.problems import Problem
from cli.processes import Service, port_is_free, serve
from store.settings import ROOT

SUPERVISOR = """
import sys
from cli.processes import Service, serve
port = int(sys.argv[1])
server = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'http.server', '--bind', '127.0.0.1', sys.argv[1]], stdout=subprocess.DEVNULL)"
services = [
    Service("grandparent", [sys.executable, "-c", server, str(port)], port=port),
    Service("idle", [sys.executable, "-c", "import signal; signal.pause()"]),
]
serve(services, ready=lambda: print("ready", flush=True))
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process_and_what_those_started(number: signal.Signals, free_port: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(free_port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as supervisor:
        assert supervisor.stdout
        assert supervisor.stdout.readline() == "ready\n"
        assert not port_is_free(free_port)
        supervisor.send_signal(number)
        assert supervisor.communicate(timeout=60)[0] == "stopped\n"
    assert supervisor.returncode == 0
    assert port_is_free(free_port)


def test_a_process_that_ends_by_itself_is_reported_and_ends_the_others(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    waits = f"import os, pathlib, signal; pathlib.Path({str(told)!r}).write_text(str(os.getpid())); signal.pause()"
    # Ends once the other has said who it is.
    ends = f"import pathlib, sys\nwhile not pathlib.Path({str(told)!r}).exists(): pass\nprint('why'); sys.exit(3)"
    log = tmp_path / "logs" / "ends.log"
    with pytest.raises(Problem, match=r"Second ended by itself \(exit code 3\); its output is in .*ends\.log"):
        serve(
            [Service("First", [sys.executable, "-c", waits]), Service("Second", [sys.executable, "-c", ends], log=log)],
            ready=lambda: None,
        )
    assert log.read_text() == "why\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_a_process_that_does_not_listen_is_ended_after_the_grace(tmp_path: Path) -> None:
    from cli.processes import stop

    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True, stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        process.stdout.readline()
        stop([process], grace_seconds=0.1)
    assert process.returncode == -signal.SIGKILL


def test_what_up_serves_does_not_outlive_it_when_it_is_killed(free_port: int) -> None:
    kept = "import sys; from cli.processes import Service, serve; from orchestration.child import command; port = sys.argv[1]; "
    kept += "serve([Service('server', command('http.server', '--bind', '127.0.0.1', port), port=int(port))], ready=lambda: print('ready', flush=True))"
    with subprocess.Popen(
        [sys.executable, "-c", kept, str(free_port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as supervisor:
        assert supervisor.stdout
        while supervisor.stdout.readline() != "ready\n":
            assert supervisor.poll() is None
        supervisor.kill()
        # The server held the other end of this pipe; it closes when that is gone too.
        supervisor.stdout.read()
    assert port_is_free(free_port)
