"""Deliveries at the door: who is believed, what is kept, what is answered."""

import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from api.limits import LARGEST_BODY
from ingestion.platforms.freshchat import signature as freshchat_signature
from ingestion.platforms.intercom import signature as intercom_signature
from store.enums import Platform
from store.settings import Settings
from store.tables import webhook_events
from tests.api.serving import Api, serve_api
from tests.api.story import until
from tests.chats import Chat, platforms_toml, signed

PLATFORMS = [*Platform]
HEADERS = {Platform.INTERCOM: intercom_signature.HEADER, Platform.FRESHCHAT: freshchat_signature.HEADER}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, _migrated_file) -> Iterator[Api]:
    """One served application for this file, whose worker stands still."""
    settings = Settings.at(tmp_path_factory.mktemp("door"))
    (settings.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    settings.platforms_file.write_text(platforms_toml())
    with serve_api(settings, loops=()) as api:
        yield api


def deliver(api: Api, platform: Platform, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    return api.client(None).post(
        f"/webhooks/{platform.lower()}", content=body, headers=signed(platform, body) if headers is None else headers
    )


def stored(api: Api, body: bytes) -> list[Any]:
    with api.store.read() as connection:
        return list(connection.execute(select(webhook_events).where(webhook_events.c.body == body)))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_signed_event_is_stored_as_it_came_and_a_second_delivery_is_counted(door: Api, platform: Platform):
    body = Chat(platform, "twice", "user-meera").starts(text="चालीस थाली")
    answers = [deliver(door, platform, body) for _ in range(3)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"isNew": True}),
        (200, {"isNew": False}),
        (200, {"isNew": False}),
    ]
    [row] = stored(door, body)
    assert (row.state, row.duplicate_count, row.conversation_id) == ("PENDING", 2, "twice")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nobody_is_believed_without_a_fitting_signature(door: Api, platform: Platform):
    body = Chat(platform, "forged", "user-meera").starts()
    other = signed(platform, body + b" ")
    for headers in ({}, {HEADERS[platform]: ""}, other, signed(platform, body) | {HEADERS[platform]: "sha1=0"}):
        answer = deliver(door, platform, body, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert stored(door, body) == []


def test_the_signature_of_one_platform_opens_no_door_of_the_other(door: Api):
    body = Chat(Platform.INTERCOM, "crossed", "user-meera").starts()
    assert deliver(door, Platform.FRESHCHAT, body, signed(Platform.INTERCOM, body)).status_code == 401


@pytest.mark.parametrize("platform", PLATFORMS)
def test_saving_the_address_is_answered(door: Api, platform: Platform):
    assert door.client(None).head(f"/webhooks/{platform.lower()}").status_code == 200


def test_a_signed_ping_and_an_unknown_topic_are_taken(door: Api):
    ping = json.dumps({"type": "notification_event", "id": None, "topic": "ping", "data": {"item": {"type": "ping"}}})
    assert deliver(door, Platform.INTERCOM, ping.encode()).status_code == 200
    new = json.dumps({"id": "notif_new", "topic": "conversation.some.day", "data": {}}).encode()
    assert deliver(door, Platform.INTERCOM, new).status_code == 200
    assert stored(door, new)[0].topic == "conversation.some.day"


@pytest.mark.parametrize("body", [b"", b"no json", b'{"id":NaN}', b"\xff\xfe", b'{"a":1,"a":2}', b"[" * 5_000])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_whatever_is_signed_is_kept(door: Api, platform: Platform, body: bytes):
    assert deliver(door, platform, body).status_code == 200
    assert len([row for row in stored(door, body) if row.platform == platform]) == 1


def test_what_is_over_a_mebibyte_is_refused(door: Api):
    body = b"x" * (LARGEST_BODY + 1)
    assert deliver(door, Platform.INTERCOM, body).status_code == 413
    assert deliver(door, Platform.INTERCOM, body[:-1]).status_code == 200


def test_an_event_from_the_future_happened_when_it_came(door: Api):
    body = Chat(Platform.FRESHCHAT, "early", "user-meera").starts(minutes=60 * 24 * 365 * 20)
    deliver(door, Platform.FRESHCHAT, body)
    [row] = stored(door, body)
    assert row.occurred_at == row.received_at


def test_keys_are_replaced_while_deliveries_go_on(sqlite_settings: Settings):
    file = sqlite_settings.platforms_file
    body = Chat(Platform.INTERCOM, "rotated", "user-meera").starts()

    def answer(secret: str) -> int:
        headers = {intercom_signature.HEADER: intercom_signature.sign(body, secret)}
        return deliver(api, Platform.INTERCOM, body, headers).status_code

    with serve_api(sqlite_settings, loops=()) as api:
        first = deliver(api, Platform.INTERCOM, body)
        assert (first.status_code, first.json()["code"]) == (503, "platform_not_configured")
        assert "platforms file" in first.json()["remedy"]
        file.write_text("[intercom]\nwebhook_keys = ['old']\n")
        assert (answer("old"), answer("new")) == (200, 401)
        file.write_text("[intercom]\nwebhook_keys = ['old', 'new']\n")
        assert (answer("old"), answer("new")) == (200, 200)
        file.write_text("[intercom]\nwebhook_keys = ['new']  # broken by hand\n[inter")
        assert (answer("old"), answer("new")) == (200, 200), "a broken file changes nothing"
        file.write_text("[intercom]\nwebhook_keys = ['new']\n")
        assert (answer("old"), answer("new")) == (401, 200)
        file.write_text("[freshchat]\naccount = 'a'\nwebhook_keys = ['no key at all']\n")
        unreadable = deliver(api, Platform.FRESHCHAT, body)
        assert (unreadable.status_code, unreadable.json()["code"]) == (503, "platform_not_configured")


def test_no_forgery_is_accepted_and_none_breaks_anything(door: Api, size: Callable[..., int]):
    """Headers and bodies at random: cut, flipped, doubled, of the other platform, of other bodies, of nothing."""
    chance = random.Random(20261123)
    count = size(small=200, full=20_000)
    bodies = [Chat(platform, f"fuzz{n}", "user-x").starts(n) for n in range(20) for platform in PLATFORMS]
    statuses: dict[int, int] = {}
    before = _count(door)
    for number in range(count):
        platform = chance.choice(PLATFORMS)
        body = chance.choice(bodies)
        header = signed(chance.choice(PLATFORMS), chance.choice(bodies))
        signature = next(value for name, value in header.items() if name != "Content-Type")
        sent = _spoilt(chance, body)
        headers = {HEADERS[platform]: _spoilt_header(chance, signature)} if number % 10 else {}
        if headers == {HEADERS[platform]: signed(platform, sent)[HEADERS[platform]]}:
            continue
        if chance.random() < 0.5:
            headers["Content-Type"] = chance.choice(
                ["application/json", "text/plain", "multipart/form-data; boundary=x"]
            )
        status = deliver(door, platform, sent, headers).status_code
        statuses[status] = statuses.get(status, 0) + 1
    print(f"{count:,} forgeries: {statuses}")
    assert set(statuses) == {401}
    assert _count(door) == before


def _count(api: Api) -> int:
    with api.store.read() as connection:
        return len(connection.execute(select(webhook_events.c.event_id)).all())


def _spoilt(chance: random.Random, body: bytes) -> bytes:
    kind = chance.randrange(5)
    if kind == 0:
        return os.urandom(chance.randrange(200))
    if kind == 1:
        return body[: chance.randrange(len(body))]
    if kind == 2:
        changed = bytearray(body)
        changed[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        return bytes(changed)
    return body * 2 if kind == 3 else body


def _spoilt_header(chance: random.Random, signature: str) -> str:
    kind = chance.randrange(4)
    if kind == 0:
        return (
            "".join(chance.choice("sha1=0123456789abcdefABCDEF+/ ") for _ in range(chance.randrange(1, 400))).strip()
            or "x"
        )
    if kind == 1:
        return signature[: chance.randrange(1, len(signature))]
    if kind == 2:
        place = chance.randrange(len(signature))
        return signature[:place] + chance.choice("0aZ=") + signature[place + 1 :]
    return signature


def test_the_worker_applies_by_itself(sqlite_settings: Settings):
    sqlite_settings.platforms_file.write_text(platforms_toml())
    with serve_api(sqlite_settings) as api:
        body = Chat(Platform.FRESHCHAT, "live", "user-meera").starts()
        assert deliver(api, Platform.FRESHCHAT, body).status_code == 200
        until(lambda: stored(api, body)[0].state == "APPLIED")
