import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest
from sqlalchemy import Connection, insert

from api import streams
from api.app import create_app
from api.serving import uvicorn_options
from store import clock
from store.enums import Role
from store.ids import new_id
from store.session import open_store
from store.settings import ROOT, Settings
from store.tables import incidence_timeline
from tests.api.agent.desk import acted
from tests.api.listening import listen
from tests.api.serving import AGENT_ID, Api, make_people, serve, serve_api
from tests.api.story import started

PATH = "/agent/stream"


def test_the_desk_hears_what_happens(api_on_each_engine: Api):
    api = api_on_each_engine
    with listen(api.as_role(Role.AGENT), PATH) as desk:
        incidence_id = started(api, "user-1")["incidenceId"]
        event = desk.next()
        assert event.name == "incidence"
        assert (event.data["incidenceId"], event.data["eventType"], event.data["statusAfter"]) == (
            incidence_id,
            "CREATED",
            "OPEN",
        )
        acted(api.as_role(Role.AGENT), incidence_id, "CLOSE_RESOLVED", issueCategory="APP_BUG")
        heard = [desk.next().data for _ in range(3)]
        assert [one["eventType"] for one in heard] == ["ASSIGNED", "ACTION", "CLOSED"]
        assert [one["agentId"] for one in heard] == [AGENT_ID] * 3


def test_who_comes_back_misses_nothing(api_on_each_engine: Api):
    api = api_on_each_engine
    client = api.as_role(Role.AGENT)
    with listen(client, PATH) as desk:
        first = started(api, "user-1")["incidenceId"]
        assert desk.next().data["incidenceId"] == first
    second = started(api, "user-2")["incidenceId"]
    with listen(client, PATH, desk.id) as desk:
        third = started(api, "user-3")["incidenceId"]
        assert [desk.next().data["incidenceId"] for _ in range(2)] == [second, third]


def test_one_incidence_can_be_heard_alone(api: Api):
    mine, other = (started(api, user)["incidenceId"] for user in ("user-1", "user-2"))
    client = api.as_role(Role.AGENT)
    with listen(client, PATH, incidenceId=mine) as desk:
        for incidence_id in (other, mine):
            client.post(f"/agent/notes/{incidence_id}", json={"text": "Called back."}).raise_for_status()
        heard = [desk.next().data for _ in range(2)]
    assert [(one["incidenceId"], one["eventType"]) for one in heard] == [(mine, "ASSIGNED"), (mine, "NOTE")]
    assert "text" not in heard[1]


def test_two_processes_hear_each_other(migrated_postgres_url: str, tmp_path_factory: pytest.TempPathFactory):
    settings = Settings.at(tmp_path_factory.mktemp("var"), migrated_postgres_url)
    with serve_api(settings) as api, serve(create_app(settings)) as address:
        key = api.keys[Role.AGENT]
        with (
            httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, verify=False) as other,
            listen(other, PATH) as desk,
        ):
            incidence_id = started(api, "user-1")["incidenceId"]
            assert desk.next().data["incidenceId"] == incidence_id


def test_too_much_to_tell_is_read_anew(api: Api):
    incidence_id = started(api, "user-1")["incidenceId"]
    with listen(api.as_role(Role.AGENT), PATH) as desk:
        api.store.write(_many_notes, incidence_id, streams.MOST_AT_ONCE + 1)
        assert desk.next().name == "reset"
        started(api, "user-2")
        assert desk.next().data["eventType"] == "CREATED"
    with listen(api.as_role(Role.AGENT), PATH, "1") as desk:
        assert desk.next().name == "reset"


def test_an_id_of_another_store_begins_anew(api: Api):
    with listen(api.as_role(Role.AGENT), PATH, "999999999999") as desk:
        assert desk.next().name == "reset"


def test_a_slow_listener_is_dropped_and_gets_all_when_it_comes_back():
    wanted = [streams.Change(str(number), 7, "one", "incidence", {}) for number in range(streams.MOST_WAITING + 1)]
    listener = streams._Listener(lambda change: True, 5)
    listener.tell(wanted[:2], 6)
    listener.tell(wanted, 8)
    assert listener.events.get_nowait() is None
    assert listener.position == 6  # of what it was told in full


def _many_notes(connection: Connection, incidence_id: str, count: int) -> None:
    at = clock.now()
    row = {
        "incidence_id": incidence_id,
        "event_type": "NOTE",
        "actor_type": "AGENT",
        "occurred_at": at,
        "recorded_at": at,
    }
    connection.execute(insert(incidence_timeline), [row | {"event_id": new_id(at)} for _ in range(count)])


@pytest.fixture
def server(sqlite_settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], httpx2.Client]]:
    """A process that serves, and an agent's client."""
    with open_store(sqlite_settings) as store:
        key = store.write(make_people)[Role.AGENT]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", *uvicorn_options(port)]
    environment = os.environ | {"SUPPORTLED_VAR": str(sqlite_settings.var_dir)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    transport = httpx2.HTTPTransport(retries=10, verify=False)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, transport=transport, timeout=30) as client:
        try:
            yield process, client
        finally:
            process.kill()
            process.wait()


def test_closing_the_server_ends_streams_at_once(server: tuple[subprocess.Popen[bytes], httpx2.Client]):
    process, client = server
    assert client.get("/readyz").status_code == 200
    with listen(client, PATH) as desk:
        process.send_signal(signal.SIGTERM)
        assert desk.ends()
    assert process.wait(timeout=10) in (0, -signal.SIGTERM)
