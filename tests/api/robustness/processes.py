"""The API as a process of its own, as it is served, which a test may kill."""

import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from api.serving import uvicorn_options
from store.clock import monotonic_seconds
from store.settings import ROOT, Settings

REAL = "api.app:create_app"
START_WITHIN_SECONDS = 60.0


class ApiProcess:
    """uvicorn on a port of its own. `start` again after `kill`: the address stays."""

    def __init__(self, settings: Settings, factory: str = REAL) -> None:
        self._settings = settings
        self._factory = factory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """The seconds until it is ready."""
        places = {
            "SUPPORTLED_VAR": str(self._settings.var_dir),
            "SUPPORTLED_OPERATIONS_URL": self._settings.operations_url,
        }
        began = monotonic_seconds()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *uvicorn_options(self._port, factory=self._factory)],
            cwd=ROOT,
            env=os.environ | places,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not self._is_ready():
            assert self._process.poll() is None, "the API ended as it started"
            assert monotonic_seconds() - began < START_WITHIN_SECONDS, "the API never was ready"
            threading.Event().wait(0.01)
        return monotonic_seconds() - began

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.address}/readyz", verify=False).status_code == 200
        except httpx2.TransportError:
            return False


def free_port() -> int:
    """A port that no connection is given by itself: a client that calls a dead server from its very port would answer itself."""
    for port in random.sample(range(20_000, 30_000), 100):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")


@contextmanager
def api_process(settings: Settings, factory: str = REAL) -> Iterator[ApiProcess]:
    """The API over a migrated store, ready; gone afterwards."""
    process = ApiProcess(settings, factory)
    try:
        process.start()
        yield process
    finally:
        process.kill()
