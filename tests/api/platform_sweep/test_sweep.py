"""What never arrived by a webhook is read from the platform, and comes to the same as if it had arrived."""

import asyncio
import copy
import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from api.platform_sweep.rules import SAME_MOMENT, UNDER_WAY
from api.platform_sweep.sweep import (
    EPOCH,
    PlatformSilent,
    Swept,
    claim_sweep,
    give_back_sweep,
    is_sweep_due,
    looked_back_to,
    sweep,
)
from ingestion.platforms.intercom import missed as intercom_missed
from store import clock
from store.enums import Platform
from store.platform_settings import PlatformSettings
from store.session import Store
from tests.api.serving import serve
from tests.api.webhooks.chatting import add_agents, add_users, outcomes, tell_at_once
from tests.chats import START

USER, AGENT, MINE = "contact-user-1", "agent-1", "991"
NOW = START + timedelta(minutes=40)


def seconds(minutes: float) -> int:
    return int((START + timedelta(minutes=minutes)).timestamp())


def part(number: int, minutes: float, kind: str, author: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    who = "user" if author == USER else "admin"
    return {
        "type": "conversation_part",
        "id": f"p{number}",
        "part_type": kind,
        "body": body,
        "created_at": seconds(minutes),
        "author": {"type": who, "id": author},
        **more,
    }


PARTS = [
    part(1, 1, "assignment", AGENT, assigned_to={"type": "admin", "id": AGENT}),
    part(2, 2, "comment", AGENT, "<p>Namaste, how many guests?</p>"),
    part(3, 3, "note", AGENT, "<p>angry</p>"),
    part(4, 4, "comment", USER, "<p>forty</p>"),
    part(5, 5, "comment", USER, "<p>or fifty</p>"),
    part(6, 6, "comment", MINE, "<p>We are open from ten.</p>"),
    part(7, 7, "close", AGENT),
    part(8, 8, "attribute_changed", AGENT),
]
INTERCOM: dict[str, Any] = {
    "type": "conversation",
    "id": "c1",
    "created_at": seconds(0),
    "updated_at": seconds(8),
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": USER}]},
    "source": {"type": "conversation", "id": "s1", "body": "<p>Hello</p>", "author": {"type": "user", "id": USER}},
    "conversation_parts": {"conversation_parts": PARTS},
}


def conversation_of(conversation_id: str, user: str) -> dict[str, Any]:
    """The same story of another user."""
    mine = copy.deepcopy(INTERCOM)
    mine["id"] = conversation_id
    mine["source"]["id"] += conversation_id
    parts = mine["conversation_parts"]["conversation_parts"]
    for each in parts:
        each["id"] += conversation_id
    authors = [mine["contacts"]["contacts"][0], mine["source"]["author"], *(each["author"] for each in parts)]
    for author in authors:
        author["id"] = user if author["id"] == USER else author["id"]
    return mine


def message(number: int, minutes: float, author: str, text: str, **more: Any) -> dict[str, Any]:
    at = START + timedelta(minutes=minutes)
    return {
        "id": f"m{number}",
        "actor_type": "user" if author == USER else "agent",
        "actor_id": author,
        "message_parts": [{"text": {"content": text}}],
        "created_time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **more,
    }


class Told:
    """What a platform's API tells: answers by path; the last page of a search."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.address = ""
        self.asked: list[str] = []

    async def answer(self, request: Request) -> JSONResponse:
        path = request.url.path
        self.asked.append(path)
        body = await request.body()
        if path == "/conversations/search" and json.loads(body)["pagination"].get("starting_after"):
            path += "/2"
        found = self.answers.get(path)
        return JSONResponse(found if found is not None else {"code": "none"}, 200 if found is not None else 500)


@pytest.fixture(scope="module")
def platform() -> Iterator[Told]:
    told = Told()
    app = FastAPI()
    app.add_api_route("/{path:path}", told.answer, methods=["GET", "POST"])
    with serve(app) as told.address:
        yield told


@pytest.fixture
def told(platform: Told, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    platform.answers = {
        "/conversations/search": {"conversations": [{"id": "c1"}], "pages": {"next": {"starting_after": "two"}}},
        "/conversations/search/2": {"conversations": [{"id": "c2"}], "pages": {}},
        "/conversations/c1": INTERCOM,
        "/conversations/c2": {**INTERCOM, "id": "c2", "source": None, "conversation_parts": {"conversation_parts": []}},
    }
    return platform


def swept(store: Store, told: Told, platform: Platform, since: datetime = START) -> Swept:
    settings = PlatformSettings(platform, told.address, access_token="token", sender_id=MINE)

    async def run() -> Swept:
        async with httpx2.AsyncClient() as client:
            return await sweep(store, client, settings, since)

    return asyncio.run(run())


def delivered(body: bytes) -> bytes:
    """The platform's own delivery of it, which has an id of the platform's."""
    return body.replace(b'"id":"sweep:', b'"id":"notif_')


def test_any_events_that_were_lost_are_taken_in_and_come_to_the_same(sqlite_store: Store, told: Told):
    add_agents(sqlite_store)
    bodies = intercom_missed.bodies(INTERCOM)
    assert len(bodies) == 7
    for number, kept in enumerate(itertools.product([False, True], repeat=7)):
        if number % 7 and sum(kept) not in {0, 6, 7}:
            continue
        conversation = f"c{number}"
        mine = conversation_of(conversation, f"contact-{number}")
        add_users(sqlite_store, [str(number)])
        told.answers["/conversations/search"] = {"conversations": [{"id": conversation}]}
        told.answers[f"/conversations/{conversation}"] = mine
        arrived = [delivered(body) for body, keep in zip(intercom_missed.bodies(mine), kept, strict=True) if keep]
        tell_at_once(sqlite_store, [(Platform.INTERCOM, body) for body in arrived], at=NOW)
        assert swept(sqlite_store, told, Platform.INTERCOM).taken_in == 7 - sum(kept), kept
        tell_at_once(sqlite_store, [], at=NOW)
        assert swept(sqlite_store, told, Platform.INTERCOM).taken_in == 0
        found = outcomes(sqlite_store)[conversation]
        texts = [event[3] for event in sorted(found["timeline"], key=lambda event: event[4]) if event[0] == "MESSAGE"]
        assert texts == ["Hello", "Namaste, how many guests?", "forty", "or fifty", "We are open from ten."], kept
        assert (found["is_open"], found["incidence"]["status"], found["incidence"]["agent_id"]) == (
            False,
            "RESOLVED",
            "asha",
        ), kept


def test_every_page_of_what_changed_is_read(sqlite_store: Store, told: Told):
    assert swept(sqlite_store, told, Platform.INTERCOM).conversations == 2


def test_what_may_still_be_under_way_is_left_to_its_webhook(sqlite_store: Store, told: Told, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(minutes=4) + UNDER_WAY)
    assert swept(sqlite_store, told, Platform.INTERCOM).taken_in == 4


def test_of_a_known_conversation_nothing_older_than_the_sweep_is_taken_in(sqlite_store: Store, told: Told):
    add_agents(sqlite_store)
    add_users(sqlite_store, ["user-1"])
    first = delivered(intercom_missed.bodies(INTERCOM)[0])
    tell_at_once(sqlite_store, [(Platform.INTERCOM, first)], at=NOW)
    assert swept(sqlite_store, told, Platform.INTERCOM, START + timedelta(minutes=5)).taken_in == 3


def test_a_platform_that_fails_ends_the_sweep(sqlite_store: Store, told: Told):
    del told.answers["/conversations/c2"]
    with pytest.raises(PlatformSilent, match="http 500 none"):
        swept(sqlite_store, told, Platform.INTERCOM)


def test_freshchat_is_asked_about_what_is_open_and_about_its_users(sqlite_store: Store, told: Told):
    add_agents(sqlite_store)
    add_users(sqlite_store, ["user-1"])
    first, second, third = (message(1, 0, USER, "Hello"), message(2, 1, AGENT, "Namaste"), message(3, 2, USER, "forty"))
    envelope = {
        "actor": {"actor_type": "user", "actor_id": USER},
        "action": "message_create",
        "action_time": first["created_time"],
        "data": {"message": {**first, "conversation_id": "f1", "user_id": USER}},
    }
    tell_at_once(sqlite_store, [(Platform.FRESHCHAT, json.dumps(envelope).encode())], at=NOW)
    told.answers = {
        f"/users/{USER}/conversations": {"conversations": [{"id": "f1"}, {"id": "f2"}]},
        "/conversations/f1": {"status": "resolved", "assigned_agent_id": AGENT},
        "/conversations/f1/messages": {"messages": [third, second, first]},
        "/conversations/f2": {"status": "new"},
        "/conversations/f2/messages": {
            "messages": [message(9, 20, USER, "And a cake?"), message(8, 21, AGENT, "x", private=True)]
        },
    }
    assert swept(sqlite_store, told, Platform.FRESHCHAT) == Swept(2, 5)
    tell_at_once(sqlite_store, [], at=NOW)
    found = outcomes(sqlite_store)
    assert (found["f1"]["is_open"], found["f1"]["agent"][0], found["f2"]["is_open"]) == (False, AGENT, True)
    texts = {event[3] for event in found["f1"]["timeline"] if event[0] == "MESSAGE"}
    assert {"Hello", "Namaste", "forty"} <= texts
    assert swept(sqlite_store, told, Platform.FRESHCHAT).taken_in == 0


def test_one_process_sweeps_and_after_a_failure_the_next_looks_back_as_far(store: Store):
    settings = PlatformSettings(Platform.INTERCOM, "http://127.0.0.1:9", sweep_every_seconds=300)
    claim = lambda at: store.write(claim_sweep, settings, at)  # noqa: E731
    assert claim(NOW) == EPOCH
    assert claim(NOW) is None
    with store.read() as connection:
        assert not is_sweep_due(connection, settings, NOW + timedelta(seconds=299))
        assert is_sweep_due(connection, settings, NOW + timedelta(seconds=300))
    later = NOW + timedelta(hours=5)
    assert claim(later) == NOW
    store.write(give_back_sweep, settings, NOW)
    last = claim(later + timedelta(seconds=20))
    assert last == NOW
    assert looked_back_to(settings, NOW, later) == NOW
    assert looked_back_to(settings, EPOCH, later) == later - timedelta(hours=1)
    assert SAME_MOMENT < UNDER_WAY
