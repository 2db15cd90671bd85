"""wrk on loopback: which requests to send, and what came of them."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("requests.lua")


class LoadFailed(Exception):
    """What is measured must be answers: a round with errors measures something else."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    key: str
    body: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What wrk saw. Its percentiles count the answers that a stalled one kept from being asked for."""

    answered: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


def require_wrk() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing, which sends the requests. Next: apt-get install -y wrk (brew install wrk)")


def run(address: str, requests: Iterable[Request], *, connections: int, seconds: int, directory: Path) -> Round:
    """Send the requests, again from the first after the last. Raises `LoadFailed` unless each is answered 2xx or 3xx."""
    file = directory / "requests.tsv"
    file.write_text("".join(map(_line, requests)))
    words = [
        "wrk",
        "-t1",
        "--timeout",
        "30s",
        f"-c{connections}",
        f"-d{seconds}s",
        "-s",
        str(SCRIPT),
        address,
        "--",
        str(file),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = Round(**json.loads(done.stdout.splitlines()[-1]))
    if found.failed:
        raise LoadFailed(f"{found.failed} of {found.answered} requests failed:\n{done.stdout}")
    return found


def _line(request: Request) -> str:
    return "\t".join((request.method, request.path, request.key, request.idempotency_key, request.body)) + "\n"
