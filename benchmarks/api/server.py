"""The server under measurement: the process that `supportled up` starts, with the floors added."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from api.serving import uvicorn_options
from cli.processes import HOST, stop
from orchestration.child import command
from store.clock import monotonic_seconds
from store.settings import ROOT, Settings

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """Seconds of processor time that its process has used, on every thread."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    port = _free_port()
    options = uvicorn_options(port, factory="benchmarks.api.floors:create_measured_app")
    with (settings.var_dir / "api.log").open("ab") as log:
        process = subprocess.Popen(
            command("uvicorn", *options),
            cwd=ROOT,
            env=product_environment(settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,  # not a session: nice would not count between two
        )
    server = Server(f"http://{HOST}:{port}", process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        stop([process])


def product_environment(settings: Settings) -> dict[str, str]:
    """The environment in which a process of the product finds this state."""
    named = {"SUPPORTLED_VAR": str(settings.var_dir), "SUPPORTLED_OPERATIONS_URL": settings.operations_url}
    return {**os.environ, "PYTHONPATH": str(ROOT), **named}


def slow_disk(directory: Path, milliseconds: float) -> dict[str, str]:
    """The environment in which a process waits that much longer for each fsync. Needs a C compiler."""
    library = directory / "slow_fsync.so"
    source = Path(__file__).with_name("slow_fsync.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    library.chmod(0o755)
    return {"LD_PRELOAD": str(library), "DISK_DELAY_MICROSECONDS": str(round(milliseconds * 1000))}


def _free_port() -> int:
    with closing(socket.create_server((HOST, 0))) as listener:
        return listener.getsockname()[1]


def _wait_until_ready(server: Server) -> None:
    deadline = monotonic_seconds() + 60
    while server.process.poll() is None and monotonic_seconds() < deadline:
        try:
            if httpx2.get(f"{server.address}/readyz").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise SystemExit("The server did not start; api.log in the state directory tells why.")
