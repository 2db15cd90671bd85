"""A change that an agent asks for reaches the app, and the app's answer decides it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.responses import JSONResponse
from sqlalchemy import select, update

from api.outbox.sending import expire_outbox
from api.rules.registry import load_rules
from store import clock
from store.enums import Role
from store.session import Store
from store.settings import Settings
from store.tables import order_change_requests, outbox
from tests.api.agent.desk import acted
from tests.api.outbox.sending_story import connect, send_all
from tests.api.outbox.stub import Stub, stub_platform
from tests.api.serving import Api, serve_api
from tests.api.story import started


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with stub_platform() as stub:
        yield stub


@pytest.fixture
def quiet(sqlite_settings: Settings) -> Iterator[Api]:
    """The API without its loops: the test sends."""
    with serve_api(sqlite_settings, loops=()) as api:
        yield api


def ask(api: Api) -> str:
    """An agent gives a discount in a cart's incidence; the message."""
    made = started(api, "user-1", 12_000)
    acted(api.as_role(Role.AGENT), made["incidenceId"], "APPLY_DISCOUNT", discountCode="SORRY5")
    with api.store.read() as connection:
        return connection.execute(select(outbox.c.message_id)).scalar_one()


def change(store: Store) -> Any:
    with store.read() as connection:
        return connection.execute(select(order_change_requests)).one()


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ({"status": "APPLIED", "discount": 300, "orderId": "x"}, "APPLIED", None),
        ({"status": "REFUSED", "reason": "The kitchen is closed."}, "REFUSED", "The kitchen is closed."),
        ({}, "REQUESTED", None),
        ({"status": "SOON"}, "REQUESTED", None),
        (["no object"], "REQUESTED", None),
    ],
)
def test_the_apps_answer_decides_what_it_was_asked(
    quiet: Api, stub: Stub, answer: Any, status: str, reason: str | None
):
    message_id = ask(quiet)
    stub.misbehave = lambda seen: JSONResponse(answer)
    connect(quiet.store.settings, app=f"{stub.address}/changes")
    assert send_all(quiet.store, [message_id]) == ["SENT"]
    decided = change(quiet.store)
    assert (decided.status, decided.refusal_reason) == (status, reason)
    if status == "APPLIED":
        assert decided.discount_paise == 30_000


def test_what_never_reached_the_app_is_refused_when_its_time_is_over(quiet: Api):
    message_id = ask(quiet)
    late = update(outbox).where(outbox.c.message_id == message_id).values(expires_at=clock.now())
    quiet.store.write(lambda connection: connection.execute(late))
    rules = quiet.store.write(lambda connection: load_rules(connection, clock.now()))
    assert quiet.store.write(expire_outbox, rules) == 1
    decided = change(quiet.store)
    assert (decided.status, decided.refusal_reason) == ("REFUSED", "The app could not be reached in time.")


def test_what_may_have_reached_the_app_is_left_for_the_app_to_tell(quiet: Api):
    ask(quiet)
    begun = {"expires_at": clock.now(), "claimed_until": clock.now(), "attempts": 1}
    quiet.store.write(lambda connection: connection.execute(update(outbox).values(begun)))
    rules = quiet.store.write(lambda connection: load_rules(connection, clock.now()))
    assert quiet.store.write(expire_outbox, rules) == 1
    assert change(quiet.store).status == "REQUESTED"
