from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from api.wire import instant_text
from store import clock
from store.enums import Role
from store.ids import new_id
from store.tables import order_change_requests
from tests.api.serving import Api
from tests.api.story import Time, put_order, read, start, started, timeline


def ask_change(api: Api, incidence_id: str, **values: Any) -> str:
    """An agent's request to the app, as the agent's tools write it."""
    request_id = new_id(clock.now())

    def put(connection: Connection) -> None:
        row = {
            "request_id": request_id,
            "incidence_id": incidence_id,
            "kind": "DISCOUNT",
            "discount_code": "SORRY5",
            "discount_paise": 50_000,
            "status": "REQUESTED",
            "requested_at": clock.now(),
        }
        connection.execute(insert(order_change_requests).values(row | values))

    api.store.write(put)
    return request_id


def test_placing_an_order_closes_what_led_to_it(api_on_each_engine: Api):
    api = api_on_each_engine
    made = started(api, "user-1", 12_000)
    answer = put_order(api, "order-1", "user-1", 13_500, eventType="BIRTHDAY", guestCount=40)
    assert answer.status_code == 201, answer.text
    assert answer.json()["convertedIncidenceId"] == made["incidenceId"]
    closed = read(api, made["incidenceId"])
    assert {name: closed[name] for name in ("status", "outcome", "orderId", "orderImpact", "orderValue")} == {
        "status": "CONVERTED",
        "outcome": "CONVERTED",
        "orderId": "order-1",
        "orderImpact": "PLACED",
        "orderValue": 13_500,
    }
    assert timeline(api, made["incidenceId"]) == ["CREATED", "ORDER_PLACED", "CLOSED"]
    history = api.as_role(Role.APP).get("/incidences/order/order-1").json()
    assert [item["incidenceId"] for item in history["items"]] == [made["incidenceId"]]


def test_telling_the_same_again_changes_nothing(api: Api):
    first = put_order(api, "order-1", "user-1", 13_500, items=[{"itemId": "x"}])
    made = started(api, "user-1", 12_000)  # what begins later is about another order
    again = put_order(api, "order-1", "user-1", 13_500, items=[{"itemId": "x"}])
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert read(api, made["incidenceId"])["status"] == "OPEN"


def test_an_order_placed_before_help_was_asked_for_closes_nothing(api: Api):
    made = started(api, "user-1", 12_000)
    earlier = instant_text(clock.now() - timedelta(hours=1))
    assert put_order(api, "order-1", "user-1", 9_000, placedAt=earlier).json()["convertedIncidenceId"] is None
    assert read(api, made["incidenceId"])["status"] == "OPEN"


def test_an_order_from_the_future_is_refused(api: Api):
    later = instant_text(clock.now() + timedelta(hours=1))
    assert put_order(api, "order-1", "user-1", 9_000, placedAt=later).status_code == 422


def test_an_order_keeps_its_user(api: Api):
    put_order(api, "order-1", "user-1", 9_000)
    answer = put_order(api, "order-1", "user-2", 9_000)
    assert (answer.status_code, answer.json()["code"]) == (409, "order_of_another_user")
    assert api.as_user("user-2").get("/orders/order-1").status_code == 404
    assert api.as_user("user-1").get("/orders/order-1").json()["orderValue"] == 9_000


def test_a_cancelled_order_stays_cancelled_and_no_outcome_changes(api: Api):
    made = started(api, "user-1", 12_000)
    put_order(api, "order-1", "user-1", 13_500)
    cancelled = put_order(api, "order-1", "user-1", 13_500, "CANCELLED")
    assert (cancelled.json()["status"], cancelled.json()["cancelledAt"] is not None) == ("CANCELLED", True)
    assert put_order(api, "order-1", "user-1", 13_500).json()["code"] == "order_cancelled"
    assert put_order(api, "order-1", "user-1", 13_500, "CANCELLED").json() == cancelled.json()
    assert read(api, made["incidenceId"])["status"] == "CONVERTED"


def test_what_is_open_about_an_order_follows_its_value(api_on_each_engine: Api):
    api = api_on_each_engine
    put_order(api, "order-1", "user-1", 12_000)
    app = api.as_role(Role.APP)
    made = start(app, userId="user-1", stage="POST_ORDER", orderId="order-1").json()
    assert (made["allowedChannels"], made["escalationLevel"]) == (["CHAT"], None)
    assert put_order(api, "order-1", "user-1", 60_000, "MODIFIED").json()["status"] == "MODIFIED"
    followed = read(api, made["incidenceId"])
    assert (followed["orderValue"], followed["allowedChannels"]) == (60_000, ["CHAT", "CALL"])
    assert followed["escalationLevel"] == "SENIOR_AGENT"
    assert timeline(api, made["incidenceId"]) == ["CREATED", "UPDATED", "ESCALATED"]


def test_the_app_answers_a_change_once(api: Api, monkeypatch: pytest.MonkeyPatch):
    put_order(api, "order-1", "user-1", 12_000)
    app = api.as_role(Role.APP)
    made = start(app, userId="user-1", stage="POST_ORDER", orderId="order-1").json()
    request_id = ask_change(api, made["incidenceId"], order_id="order-1")
    asked = app.get("/orders/order-1/changes").json()["items"]
    assert [(item["requestId"], item["discount"], item["status"]) for item in asked] == [(request_id, 500, "REQUESTED")]
    path = f"/orders/order-1/changes/{request_id}"
    Time(monkeypatch).pass_(minutes=1)
    answered = app.post(path, json={"status": "APPLIED", "discount": 450})
    assert (answered.json()["status"], answered.json()["discount"]) == ("APPLIED", 450)
    assert app.post(path, json={"status": "APPLIED"}).json() == answered.json()
    assert app.post(path, json={"status": "REFUSED"}).json()["code"] == "change_already_decided"
    assert app.post(path, json={"status": "REQUESTED"}).status_code == 422
    assert app.post(f"/orders/order-2/changes/{request_id}", json={"status": "APPLIED"}).status_code == 404
    assert timeline(api, made["incidenceId"]) == ["CREATED", "UPDATED"]


def test_an_order_event_carries_out_the_change_it_names(api: Api):
    made = started(api, "user-1", 12_000)
    request_id = ask_change(api, made["incidenceId"])
    put_order(api, "order-1", "user-1", 11_500, changeRequestId=request_id)
    (item,) = api.as_role(Role.APP).get("/orders/order-1/changes").json()["items"]
    assert (item["status"], item["orderId"]) == ("APPLIED", "order-1")


def test_cancelling_refuses_what_was_still_asked(api: Api):
    put_order(api, "order-1", "user-1", 12_000)
    made = start(api.as_role(Role.APP), userId="user-1", stage="POST_ORDER", orderId="order-1").json()
    ask_change(api, made["incidenceId"], order_id="order-1", kind="MODIFICATION", details={"guestCount": 50})
    put_order(api, "order-1", "user-1", 12_000, "CANCELLED")
    (item,) = api.as_role(Role.APP).get("/orders/order-1/changes").json()["items"]
    assert (item["status"], item["refusalReason"]) == ("REFUSED", "The order was cancelled.")
    assert read(api, made["incidenceId"])["outcome"] is None
