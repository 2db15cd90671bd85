from datetime import timedelta
from typing import Any

import httpx2
import pytest

from api.wire import instant_text
from store import clock
from store.enums import Role
from tests.api.agent.desk import acted, agent_client, rows
from tests.api.serving import AGENT_ID, Api
from tests.api.story import read, started, timeline


@pytest.fixture
def asha(api: Api) -> httpx2.Client:
    return api.as_role(Role.AGENT)


@pytest.fixture
def incidence_id(api: Api) -> str:
    return started(api, "user-1")["incidenceId"]


def note(client: httpx2.Client, incidence_id: str, **body: Any) -> httpx2.Response:
    return client.post(f"/agent/notes/{incidence_id}", json=body)


def call(minutes: float = 5, ended_ago: float = 0.1, **more: Any) -> dict[str, Any]:
    ended_at = clock.now() - timedelta(minutes=ended_ago)
    times = {"startedAt": instant_text(ended_at - timedelta(minutes=minutes)), "endedAt": instant_text(ended_at)}
    return {"kind": "CALL", "reached": True, **times, **more}


def test_a_note_is_kept_as_it_was_written(api_on_each_engine: Api):
    api = api_on_each_engine
    incidence_id = started(api, "user-1")["incidenceId"]
    text = "  I PROMISE it,\nमैं वादा करता हूँ 🙂 "
    answer = note(api.as_role(Role.AGENT), incidence_id, text=text)
    assert answer.status_code == 201, answer.text
    written = answer.json()
    assert (written["eventType"], written["agentId"], written["text"], written["flags"]) == (
        "NOTE",
        AGENT_ID,
        text,
        ["PROMISE"],
    )
    (row,) = rows(api, "incidence_timeline", event_type="NOTE")
    assert (row["text"], row["text_length"], row["flags"]) == (text, len(text), ["PROMISE"])


def test_a_call_is_logged_with_its_times(api: Api, asha: httpx2.Client, incidence_id: str):
    body = call(text="Explained the price", reached=False)
    written = note(asha, incidence_id, **body).json()
    assert {name: written[name] for name in body if name != "kind"} == {
        name: value for name, value in body.items() if name != "kind"
    }
    assert (written["eventType"], written["flags"]) == ("CALL", [])
    assert timeline(api, incidence_id) == ["CREATED", "ASSIGNED", "CALL"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "x" * 5_001},
        {"text": "x", "reached": True},
        {"kind": "MESSAGE", "text": "x"},
        {"kind": "CALL", "text": "x"},
        {"kind": "CALL", "reached": True, "startedAt": "2026-11-23T06:00:00Z"},
        {"kind": "CALL", "reached": True, "startedAt": "2026-11-23T06:00:00Z", "endedAt": "2026-11-23T05:59:59Z"},
        {"kind": "CALL", "reached": True, "startedAt": "2026-11-22T06:00:00Z", "endedAt": "2026-11-22T14:00:01Z"},
        {"kind": "CALL", "reached": True, "startedAt": "2026-11-22T06:00:00", "endedAt": "2026-11-22T06:01:00"},
    ],
)
def test_what_is_no_note_is_refused(api: Api, asha: httpx2.Client, incidence_id: str, body: dict[str, Any]):
    assert note(asha, incidence_id, **body).status_code == 422
    assert timeline(api, incidence_id) == ["CREATED"]


def test_a_call_of_the_longest_length_is_taken(asha: httpx2.Client, incidence_id: str):
    assert note(asha, incidence_id, **call(minutes=480)).status_code == 201
    assert note(asha, incidence_id, **call(minutes=0)).status_code == 201


def test_a_call_that_has_not_ended_is_refused(api: Api, asha: httpx2.Client, incidence_id: str):
    answer = note(asha, incidence_id, **call(ended_ago=-3))
    assert (answer.status_code, answer.json()["detail"]) == (422, "endedAt: is in the future")
    assert read(api, incidence_id)["agentId"] is None


def test_who_writes_in_what_waits_takes_it(api: Api, asha: httpx2.Client, incidence_id: str):
    note(asha, incidence_id, text="Looking at it").raise_for_status()
    assert read(api, incidence_id)["agentId"] == AGENT_ID
    ravi = agent_client(api, "agent-ravi", status="AWAY")
    answer = note(ravi, incidence_id, text="Me too")
    assert (answer.status_code, answer.json()["code"]) == (409, "incidence_of_another_agent")
    assert note(api.as_role(Role.SUPERVISOR), incidence_id, text="I help").status_code == 201


def test_a_note_can_follow_the_closing(api: Api, asha: httpx2.Client, incidence_id: str):
    acted(asha, incidence_id, "CLOSE_RESOLVED", issueCategory="APP_BUG")
    assert note(asha, incidence_id, **call()).status_code == 201
    assert read(api, incidence_id)["outcome"] == "RESOLVED"


def test_a_repeated_note_is_written_once(api: Api, asha: httpx2.Client, incidence_id: str):
    url, headers = f"/agent/notes/{incidence_id}", {"Idempotency-Key": "note-1"}
    first, second = (asha.post(url, json={"text": "Once"}, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert len(rows(api, "incidence_timeline", event_type="NOTE")) == 1
    assert asha.post(url, json={"text": "Twice"}, headers=headers).status_code == 422


def test_an_unknown_incidence_is_not_found(asha: httpx2.Client):
    assert note(asha, "0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11", text="x").status_code == 404
