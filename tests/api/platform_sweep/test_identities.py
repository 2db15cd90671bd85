"""Who the app has not named is looked up on the platform, and the chat becomes theirs."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select

from api.platform_sweep.identities import LookingUp
from api.rules.registry import Registry
from store.enums import Platform
from store.platform_settings import PlatformSettings
from store.session import Store
from store.tables import incidences
from tests.api.serving import serve
from tests.api.webhooks.chatting import tell_at_once
from tests.chats import Chat

ANSWERS: dict[str, Any] = {}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    async def answer(request: Request) -> JSONResponse:
        found = ANSWERS.get(request.url.path, 500)
        return JSONResponse({}, found) if isinstance(found, int) else JSONResponse(found)

    app = FastAPI()
    app.add_api_route("/{path:path}", answer, methods=["GET"])
    with serve(app) as address:
        yield address


def looked_up(store: Store, address: str, platform: Platform) -> int:
    settings = PlatformSettings(platform, address, access_token="token", sender_id="1")

    async def run() -> int:
        async with httpx2.AsyncClient() as client:
            return await LookingUp(store, Registry(store)).look_up(client, settings)

    return asyncio.run(run())


def users(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(incidences.c.user_id)).scalars())


@pytest.mark.parametrize(
    ("platform", "path", "answer"),
    [
        (Platform.INTERCOM, "/contacts/", {"role": "user", "external_id": "user-81"}),
        (Platform.FRESHCHAT, "/users/", {"reference_id": "user-81"}),
    ],
)
def test_a_chat_becomes_the_users_whom_the_platform_names(
    sqlite_store: Store, address: str, platform: Platform, path: str, answer: dict[str, Any]
):
    chat = Chat(platform, "c1", "u1")
    tell_at_once(sqlite_store, [(platform, chat.starts(0))])
    (alias,) = users(sqlite_store)
    contact = alias.partition(":")[2]
    assert looked_up(sqlite_store, address, platform) == 0  # it does not answer, and is asked again
    ANSWERS[path + contact] = answer
    assert looked_up(sqlite_store, address, platform) == 1
    assert users(sqlite_store) == ["user-81"]
    assert looked_up(sqlite_store, address, platform) == 0
    ANSWERS.clear()


@pytest.mark.parametrize(
    "answer", [{"role": "lead", "external_id": "made-up"}, {"role": "user", "external_id": "no id!"}, 404]
)
def test_who_has_no_id_of_the_apps_stays_the_platforms(sqlite_store: Store, address: str, answer: Any):
    chat = Chat(Platform.INTERCOM, "c1", "u1")
    tell_at_once(sqlite_store, [(Platform.INTERCOM, chat.starts(0))])
    (alias,) = users(sqlite_store)
    ANSWERS["/contacts/" + alias.partition(":")[2]] = answer
    assert looked_up(sqlite_store, address, Platform.INTERCOM) == 1
    assert users(sqlite_store) == [alias]
    assert looked_up(sqlite_store, address, Platform.INTERCOM) == 0  # later
    ANSWERS.clear()
