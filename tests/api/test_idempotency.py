import threading
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
from fastapi import APIRouter
from sqlalchemy import Connection, func, insert, select

from api.auth import Caller
from api.deps import Once
from api.errors import Conflict
from api.idempotency import Answered, forget_old_answers
from api.wire import Input, Wire
from store import clock
from store.enums import Role
from store.ids import new_id
from store.settings import Settings
from store.tables import deletions, idempotency_keys
from tests.api.serving import Api, serve_api

router = APIRouter()


class Thing(Input):
    name: str


class MadeThing(Wire):
    thing_id: str
    name: str


def make_thing(connection: Connection, thing: Thing) -> MadeThing | Answered:
    at = clock.now()
    if thing.name == "the only one" and connection.execute(select(deletions)).first() is not None:
        raise Conflict("There is one already.")
    made = MadeThing(thing_id=new_id(at), name=thing.name)
    connection.execute(
        insert(deletions).values(table_name="things", row_key=made.thing_id, reason="CORRECTION", deleted_at=at)
    )
    if thing.name == "refused":
        raise Conflict("There is one already.")
    return Answered(made, 200) if thing.name == "joined" else made


@router.post("/things", status_code=201)
async def post_thing(thing: Thing, _: Caller, once: Once):
    return await once(201, make_thing, thing)


@pytest.fixture
def api(store_settings: Settings) -> Iterator[Api]:
    with serve_api(store_settings, router) as api:
        yield api


def post(client: httpx2.Client, name: str, key: str | None = "key-1") -> httpx2.Response:
    return client.post("/things", json={"name": name}, headers={} if key is None else {"Idempotency-Key": key})


def count_things(api: Api) -> int:
    with api.store.read() as connection:
        return connection.execute(
            select(func.count()).select_from(deletions).where(deletions.c.table_name == "things")
        ).scalar_one()


def test_a_repeated_request_is_done_once_and_answered_again(api: Api):
    client = api.as_role(Role.APP)
    first, again = post(client, "plate"), post(client, "plate")
    assert (first.status_code, first.json()["name"]) == (201, "plate")
    assert (again.status_code, again.content) == (201, first.content)
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert count_things(api) == 1


def test_the_status_that_the_change_chose_is_answered_again(api: Api):
    client = api.as_role(Role.APP)
    assert [post(client, "joined").status_code for _ in range(2)] == [200, 200]


def test_a_repetition_is_answered_though_it_could_not_be_done_again(api: Api):
    client = api.as_role(Role.APP)
    first, again = (post(client, "the only one") for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert post(client, "the only one", "key-2").status_code == 409
    post(client, "plate", "key-2")
    assert post(client, "the only one", "key-2").status_code == 422


def test_the_same_key_with_another_body_is_refused(api: Api):
    client = api.as_role(Role.APP)
    post(client, "plate")
    other = post(client, "bowl")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert count_things(api) == 1


def test_keys_of_two_callers_do_not_meet(api: Api):
    clients = [api.as_role(Role.APP), api.as_role(Role.ADMIN), api.as_user("user-1"), api.as_user("user-2")]
    assert len({post(client, "plate").json()["thingId"] for client in clients}) == 4


def test_without_a_key_every_request_is_its_own(api: Api):
    client = api.as_role(Role.APP)
    assert post(client, "plate", None).json() != post(client, "plate", None).json()


def test_a_request_that_failed_can_be_tried_again(api: Api):
    client = api.as_role(Role.APP)
    assert [post(client, "refused").status_code for _ in range(2)] == [409, 409]
    assert count_things(api) == 0
    assert post(client, "plate").status_code == 201  # nothing was kept, so the key is free


def test_a_key_is_free_again_after_a_day(api: Api, monkeypatch: pytest.MonkeyPatch):
    client = api.as_role(Role.APP)
    first = post(client, "plate").json()
    start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=23))
    assert post(client, "plate").json() == first
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=25))
    second = post(client, "bowl").json()
    assert second["name"] == "bowl"
    assert post(client, "bowl").json() == second


def test_answers_older_than_a_day_are_forgotten(api: Api, monkeypatch: pytest.MonkeyPatch):
    client = api.as_role(Role.APP)
    post(client, "plate", "old")
    start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=24, seconds=1))
    post(client, "plate", "young")
    assert api.store.write(forget_old_answers) == 1
    with api.store.read() as connection:
        assert connection.execute(select(idempotency_keys.c.idempotency_key)).scalars().all() == ["young"]


def test_many_at_once_with_one_key_make_one(api: Api):
    client = api.as_role(Role.APP)
    answers: list[httpx2.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(post(client, "plate"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert count_things(api) == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "schlüssel"])
def test_what_is_no_key_is_refused(api: Api, key: str):
    answer = api.as_role(Role.APP).post("/things", json={"name": "x"}, headers=[(b"Idempotency-Key", key.encode())])
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]
