from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select

from store import clock
from store.enums import Role
from store.tables import incidences
from tests.api.serving import AGENT_ID, USER_ID, Api
from tests.api.story import fill_cart, put_order, set_status, start, timeline


@pytest.fixture
def app(api: Api) -> httpx2.Client:
    return api.as_role(Role.APP)


def test_help_that_is_allowed_opens_an_incidence(api_on_each_engine: Api):
    fill_cart(api_on_each_engine.store, "user-1", 12_000)
    answer = start(
        api_on_each_engine.as_role(Role.APP),
        userId="user-1",
        appScreen="checkout",
        userInputs={"guestCount": 40},
        selectedItems=[{"itemId": "platter-1"}],
        issueCategory="PRICE_CLARITY",
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert {
        name: made[name] for name in ("userId", "stage", "channel", "trigger", "outcome", "status", "orderValue")
    } == {
        "userId": "user-1",
        "stage": "PRE_ORDER",
        "channel": "IN_APP_CHAT",
        "trigger": "USER_INITIATED",
        "outcome": None,
        "status": "OPEN",
        "orderValue": 12_000,
    }
    assert (made["allowedChannels"], made["firstChannel"], made["ruleVersion"]) == (["CHAT"], "IN_APP_CHAT", 1)
    assert (made["userInputs"], made["selectedItems"]) == ({"guestCount": 40}, [{"itemId": "platter-1"}])
    assert timeline(api_on_each_engine, made["incidenceId"]) == ["CREATED"]
    read = api_on_each_engine.as_role(Role.AGENT).get(f"/incidences/{made['incidenceId']}")
    assert read.json() == made


def test_a_second_start_joins_the_first(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 12_000)
    first = start(app, userId="user-1")
    second = start(app, userId="user-1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["incidenceId"] == first.json()["incidenceId"]
    assert timeline(api, first.json()["incidenceId"]) == ["CREATED", "JOINED"]


def test_each_order_has_its_own_incidence(api: Api, app: httpx2.Client):
    for order_id in ("order-1", "order-2"):
        put_order(api, order_id, "user-1", 30_000)
    made = {
        start(app, userId="user-1", stage="POST_ORDER", orderId=order).json()["incidenceId"]
        for order in ("order-1", "order-2")
    }
    assert len(made) == 2


def test_a_cheap_order_gets_self_serve_and_is_kept(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 4_999)
    answer = start(app, userId="user-1", channel="CALL")
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["allowedChannels"], answer.json()["channel"]) == (
        "SELF_SERVE",
        [],
        None,
    )


def test_self_serve_opens_when_it_is_asked_again_with_a_larger_cart(api: Api, app: httpx2.Client):
    start(app, userId="user-1")
    fill_cart(api.store, "user-1", 5_000)
    again = start(app, userId="user-1")
    assert (again.status_code, again.json()["status"]) == (200, "OPEN")


def test_a_channel_that_is_not_allowed_is_refused_with_those_that_are(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 24_999)
    answer = start(app, userId="user-1", channel="CALL")
    assert (answer.status_code, answer.json()["code"], answer.json()["allowedChannels"]) == (
        409,
        "channel_not_allowed",
        ["CHAT"],
    )
    assert start(app, userId="user-1", channel="WHATSAPP").json()["channel"] == "WHATSAPP"


def test_a_wedding_may_call_whatever_its_value(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 10, "WEDDING")
    assert start(app, userId="user-1", channel="CALL").json()["channel"] == "CALL"


def test_what_is_someone_elses_looks_as_if_it_were_not_there(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 12_000)
    put_order(api, "order-1", "user-1", 9_000)
    incidence_id = start(app, userId="user-1").json()["incidenceId"]
    stranger = api.as_user("user-2")
    theirs = stranger.get(f"/incidences/{incidence_id}")
    missing = stranger.get("/incidences/0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11")
    assert theirs.status_code == missing.status_code == 404
    assert theirs.json()["detail"] == missing.json()["detail"]
    assert stranger.get("/incidences/user/user-1").status_code == 404
    assert start(stranger, userId="user-1").status_code == 404
    assert start(stranger, stage="POST_ORDER", orderId="order-1").status_code == 404
    assert stranger.get("/incidences/order/order-1").json()["items"] == []
    assert api.as_user("user-1").get(f"/incidences/{incidence_id}").status_code == 200


def test_a_phone_asks_for_its_own_user(api: Api):
    assert start(api.as_user(USER_ID)).json()["userId"] == USER_ID


def test_closing_says_how_long_it_took(api_on_each_engine: Api, monkeypatch: pytest.MonkeyPatch):
    api = api_on_each_engine
    fill_cart(api.store, "user-1", 12_000)
    made = start(api.as_role(Role.APP), userId="user-1").json()
    later = clock.now() + timedelta(minutes=8)
    monkeypatch.setattr(clock, "now", lambda: later)
    closed = api.as_role(Role.AGENT).patch(
        f"/incidences/{made['incidenceId']}",
        json={
            "outcome": "RESOLVED",
            "issueCategory": "PRICE_CLARITY",
            "rootCause": "UNCLEAR",
            "resolutionType": "ANSWERED",
        },
    )
    assert closed.status_code == 200, closed.text
    assert (closed.json()["status"], closed.json()["outcome"]) == ("RESOLVED", "RESOLVED")
    assert 480 <= closed.json()["timeToResolve"] < 490
    assert timeline(api, made["incidenceId"]) == ["CREATED", "UPDATED", "CLOSED"]


def test_an_agent_who_closes_says_what_it_was_about(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 12_000)
    path = f"/incidences/{start(app, userId='user-1').json()['incidenceId']}"
    agent = api.as_role(Role.AGENT)
    assert agent.patch(path, json={"outcome": "RESOLVED"}).json()["code"] == "issue_category_required"
    assert "NO_SUCH" in agent.patch(path, json={"outcome": "RESOLVED", "issueCategory": "NO_SUCH"}).json()["detail"]
    assert agent.get(path).json()["outcome"] is None


def test_what_ended_does_not_end_again_otherwise(api: Api, app: httpx2.Client):
    path = f"/incidences/{start(app, userId='user-1').json()['incidenceId']}"
    assert app.patch(path, json={"outcome": "DROPPED"}).status_code == 200
    assert app.patch(path, json={"outcome": "DROPPED"}).status_code == 200
    other = app.patch(path, json={"outcome": "RESOLVED"})
    assert (other.status_code, other.json()["code"]) == (409, "incidence_already_closed")


def test_converted_needs_an_order_of_that_user(api: Api, app: httpx2.Client):
    put_order(api, "order-2", "user-2", 30_000)
    path = f"/incidences/{start(app, userId='user-1').json()['incidenceId']}"
    assert app.patch(path, json={"outcome": "CONVERTED"}).json()["code"] == "order_missing"
    assert app.patch(path, json={"outcome": "CONVERTED", "orderId": "order-2"}).json()["code"] == "order_missing"
    put_order(api, "order-1", "user-1", 30_000)
    converted = app.patch(path, json={"outcome": "CONVERTED", "orderId": "order-1"}).json()
    assert (converted["status"], converted["orderId"]) == ("CONVERTED", "order-1")


def test_a_lost_order_carries_the_carts_value(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 12_000)
    made = start(app, userId="user-1").json()
    app.patch(f"/incidences/{made['incidenceId']}", json={"outcome": "DROPPED", "orderImpact": "LOST"})
    with api.store.read() as connection:
        assert connection.execute(select(incidences.c.lost_value_paise)).scalar_one() == 1_200_000


def test_an_incidence_is_reopened_by_outcome_null(api_on_each_engine: Api):
    api = api_on_each_engine
    app = api.as_role(Role.APP)
    fill_cart(api.store, "user-1", 12_000)
    path = f"/incidences/{start(app, userId='user-1').json()['incidenceId']}"
    app.patch(path, json={"outcome": "RESOLVED"})
    again = app.patch(path, json={"outcome": None}).json()
    assert (again["status"], again["outcome"], again["timeToResolve"], again["reopenCount"]) == ("OPEN", None, None, 1)


def test_reopening_beside_an_open_one_goes_on_in_that(api_on_each_engine: Api):
    api = api_on_each_engine
    app = api.as_role(Role.APP)
    fill_cart(api.store, "user-1", 12_000)
    first = start(app, userId="user-1").json()["incidenceId"]
    app.patch(f"/incidences/{first}", json={"outcome": "RESOLVED"})
    second = start(app, userId="user-1").json()["incidenceId"]
    merged = app.patch(f"/incidences/{first}", json={"outcome": None}).json()
    assert (merged["mergedInto"], merged["reopenCount"]) == (second, 0)
    assert app.patch(f"/incidences/{first}", json={"rootCause": "X"}).json()["code"] == "incidence_merged"


def test_a_patch_of_what_changed_meanwhile_is_refused(api: Api, app: httpx2.Client):
    path = f"/incidences/{start(app, userId='user-1').json()['incidenceId']}"
    etag = app.get(path).headers["ETag"]
    assert app.post("/incidences", json={"userId": "user-1", "stage": "PRE_ORDER"}).headers["ETag"] == etag
    assert app.patch(path, json={"rootCause": "A"}, headers={"If-Match": etag}).status_code == 200
    stale = app.patch(path, json={"rootCause": "B"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.headers["ETag"]) == (412, app.get(path).headers["ETag"])
    assert app.get(path, headers={"If-None-Match": stale.headers["ETag"]}).status_code == 304


def test_a_repeated_start_with_its_key_is_answered_again(api: Api, app: httpx2.Client):
    fill_cart(api.store, "user-1", 12_000)
    body = {"userId": "user-1", "stage": "PRE_ORDER"}
    first, again = (app.post("/incidences", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert timeline(api, first.json()["incidenceId"]) == ["CREATED"]


def test_history_comes_newest_first_and_page_by_page(api: Api, app: httpx2.Client):
    ids = []
    for _ in range(5):
        ids.append(start(app, userId="user-1").json()["incidenceId"])
        app.patch(f"/incidences/{ids[-1]}", json={"outcome": "DROPPED"})
    seen, cursor = [], None
    while True:
        page = app.get("/incidences/user/user-1", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["incidenceId"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


def test_an_available_agent_has_it_at_once(api: Api, app: httpx2.Client):
    set_status(api, AGENT_ID, "AVAILABLE")
    fill_cart(api.store, "user-1", 12_000)
    made = start(app, userId="user-1").json()
    assert (made["status"], made["agentId"]) == ("ASSIGNED", AGENT_ID)
