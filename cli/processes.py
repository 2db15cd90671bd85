"""Starts other processes, each in a group of its own, and leaves none of them behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cli.problems import Problem
from store.settings import ROOT

HOST = "127.0.0.1"
GRACE_SECONDS = 15.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Service:
    """A process that runs until `up` ends. With a port, it is ready once that accepts a connection."""

    name: str
    command: Sequence[str]
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    log: Path | None = None
    """Where its output goes; ours if None."""


def run_command(*argv: str) -> int:
    """Run another `supportled` command in a process of its own and return its exit code.

    Its own, because a process that has the operational store open through one SQLite library must not open it
    through another: closing either drops the locks of both.
    """
    from orchestration.child import command

    with _running(Service("supportled", command("cli", *argv)), directory=Path.cwd()) as process:
        return process.wait()


def serve(services: Sequence[Service], ready: Callable[[], None]) -> None:
    """Start the services, call `ready` when all answer, and stop them when this process is told to end.

    Returns after SIGINT, SIGTERM or SIGHUP; raises Problem as soon as one of them ends by itself.
    """
    stop_asked: list[int] = []
    previous = {
        number: signal.signal(number, lambda signum, _frame: stop_asked.append(signum))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    running: list[tuple[Service, subprocess.Popen[bytes]]] = []
    try:
        for service in services:
            if stop_asked:
                break
            running.append((service, _start(service, ROOT)))
        waiting = [service for service in services if service.port]
        while not stop_asked:
            _complain_about_the_dead(running)
            if waiting:
                waiting = [service for service in waiting if service.port and port_is_free(service.port)]
                if not waiting:
                    ready()
            time.sleep(_POLL_SECONDS)
    finally:
        stop([process for _, process in running])
        for number, handler in previous.items():
            signal.signal(number, handler)


def port_is_free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        return probe.connect_ex((HOST, port)) != 0


def stop(processes: Sequence[subprocess.Popen[bytes]], grace_seconds: float = GRACE_SECONDS) -> None:
    """Ask every process group to end, then end what is left of it after the grace."""
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        # Also when the first of the group is gone: what it started may still be there.
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _complain_about_the_dead(running: Sequence[tuple[Service, subprocess.Popen[bytes]]]) -> None:
    for service, process in running:
        code = process.poll()
        if code is not None:
            where = f"; its output is in {service.log}" if service.log else ""
            raise Problem(
                f"{service.name} ended by itself ({_told(code)}){where}",
                "see what it said last, then start again; ./supportled doctor checks this machine",
            )


def _told(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


@contextmanager
def _running(service: Service, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = _start(service, directory)
    try:
        yield process
    finally:
        stop([process])


def _start(service: Service, directory: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **service.environment}
    if service.log is None:
        return subprocess.Popen(service.command, cwd=directory, env=environment, start_new_session=True)
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with service.log.open("ab") as output:
        return subprocess.Popen(
            service.command,
            cwd=directory,
            env=environment,
            start_new_session=True,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
