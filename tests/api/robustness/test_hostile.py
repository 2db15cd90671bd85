"""What nobody should send is the caller's mistake on every route, and costs the server nothing."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from store.enums import Role
from store.session import open_store
from store.settings import Settings
from tests.api.robustness.processes import ApiProcess, api_process
from tests.api.serving import make_people
from tests.api.test_edge import HOSTILE

MIB = 1024 * 1024
CHUNK = b"10000\r\n" + b" " * 65_536 + b"\r\n"
WORDS = {
    "a NUL": "%00",
    "a line break": "a%0d%0aSet-Cookie:%20a=b",
    "another place": quote("../../etc/passwd", safe=""),
    "SQL": quote("x' OR '1'='1"),
    "a script": quote("<script>alert(1)</script>", safe=""),
    "no UTF-8": "%ff%fe",
    "right to left": quote("\u202egnp.exe"),
    "very long": "x" * 8_000,
}
TEXTS = [
    "'; DROP TABLE incidences; --",
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://example.org")',
    "{{7*7}} ${7*7} %s %(a)s {0}",
    "नमस्ते 🙏🏽 \u202etxt.exe \ufeff \u2028 e\u0301",
    "\U0010ffff \ud7ff \x7f \x1b[31m",
]


@dataclass(frozen=True)
class Served:
    process: ApiProcess
    clients: dict[Role, httpx2.Client]

    def operations(self, having: str) -> list[tuple[str, str, httpx2.Client]]:
        """Method, path and a client that may, of each operation that has this."""
        paths: dict[str, dict[str, Any]] = self.clients[Role.APP].get("/openapi.json").json()["paths"]
        return [
            (
                method.upper(),
                path,
                next(client for role, client in self.clients.items() if role in operation["x-roles"]),
            )
            for path, methods in paths.items()
            for method, operation in methods.items()
            if operation.get(having) and {*operation.get("x-roles", ())} & {*self.clients}
        ]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Iterator[Served]:
    own = Settings.at(tmp_path_factory.mktemp("hostile"))
    (own.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    with open_store(own) as store:
        keys = store.write(make_people)
    with api_process(own) as process:
        clients = {
            role: httpx2.Client(base_url=process.address, headers={"Authorization": f"Bearer {key}"}, verify=False)
            for role, key in keys.items()
        }
        yield Served(process, clients)
        for client in clients.values():
            client.close()


def test_hostile_json_is_refused_by_every_route_that_takes_json(served: Served):
    json = {"Content-Type": "application/json"}
    taken = {}
    for method, path, client in served.operations("requestBody"):
        url = path.replace("{", "").replace("}", "")
        for name, body in HOSTILE.items():
            answer = client.request(method, url, content=body, headers=json)
            if not 400 <= answer.status_code < 500 or "remedy" not in answer.json():
                taken[f"{method} {path}, {name}"] = answer.status_code
    assert taken == {}


def test_hostile_words_in_a_path_are_refused_or_not_found(served: Served):
    taken = {}
    for method, path, client in served.operations("parameters"):
        if "{" not in path:
            continue
        before, _, after = path.partition("{")
        for name, word in WORDS.items():
            answer = client.request(method, before + word + after.partition("}")[2].replace("{", "").replace("}", ""))
            if not 400 <= answer.status_code < 500 or "Set-Cookie" in answer.headers:
                taken[f"{method} {path}, {name}"] = answer.status_code
    assert taken == {}


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_kept_as_it_is(served: Served, text: str):
    app = served.clients[Role.APP]
    user_id = f"user-{TEXTS.index(text)}"
    given = {"typed": text, text: [text]}
    made = app.post("/incidences", json={"userId": user_id, "stage": "PRE_ORDER", "userInputs": given}).json()
    path = f"/incidences/{made['incidenceId']}"
    assert app.patch(path, json={"rootCause": text}).status_code == 200
    read = served.clients[Role.ADMIN].get(path).json()
    assert (read["userInputs"], read["rootCause"]) == (given, text)
    desk = served.clients[Role.SUPERVISOR]
    note = desk.post(f"/agent/notes/{made['incidenceId']}", json={"text": text})
    assert note.status_code == 201
    assert note.json()["text"] == text


def test_large_bodies_in_chunks_cost_no_memory(served: Served):
    """Eight at a time, of 64 MiB each, with and without a key, to routes of every kind."""
    key = served.clients[Role.APP].headers["Authorization"]
    routes = ["POST /incidences", "POST /friction/signals", "PUT /context/user-1/cart", "POST /no/such/route"]
    before = memory_mib(served.process, "VmRSS")
    with ThreadPoolExecutor(8) as senders:
        statuses = list(
            senders.map(
                lambda numbered: send_chunks(
                    served.process.address, routes[numbered % 4], key if numbered % 2 else None, 64 * MIB
                ),
                range(8),
            )
        )
    assert set(statuses) == {413}
    assert memory_mib(served.process, "VmHWM") - before < 24  # 8 MiB of bodies up to the limit, and what reads them
    assert served.clients[Role.APP].get("/readyz").status_code == 200


def send_chunks(address: str, route: str, key: str | None, size: int) -> int:
    """The status of the answer; the body is sent to its end unless the server hangs up."""
    host, _, port = address.removeprefix("http://").partition(":")
    head = f"{route} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    if key is not None:
        head += f"Authorization: {key}\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{head}\r\n".encode())
        try:
            for _ in range(size // 65_536):
                connection.sendall(CHUNK)
            connection.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        return int(connection.recv(1_000).split()[1])


def memory_mib(process: ApiProcess, kind: str) -> float:
    """VmRSS is what the process holds now, VmHWM the most it ever held."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(f"{kind}:")]
    return int(line.split()[1]) / 1_024
