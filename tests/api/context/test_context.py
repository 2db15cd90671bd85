import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from api.context.reading import state_of
from store.enums import Role
from store.tables import catalogue_items, context_updates, friction_signals, user_context
from tests.api.serving import Api
from tests.api.telling import CAKE, CAKE_RUPEES, NOON, ROYAL, ROYAL_RUPEES_A_PLATE, Clock, Visitor


def test_a_user_nobody_told_of_is_not_there(meera: Visitor):
    answer = meera.client.get("/context/user-nobody")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_another_user_looks_like_a_missing_one(meera: Visitor, api: Api):
    meera.shows("menu")
    stranger = api.as_user("user-stranger")
    there, missing = (stranger.get(f"/context/{user}").json() for user in ("user-meera", "user-nobody"))
    assert there["code"] == missing["code"] == "not_found"
    assert stranger.put("/context/user-meera/screen", json={"currentScreen": "menu"}).status_code == 404
    assert stranger.post("/context/user-meera/signals", json=[]).status_code == 404


def test_a_phone_tells_of_its_own_user(meera: Visitor, api: Api):
    phone = api.as_user("user-meera")
    assert phone.put("/context/user-meera/screen", json={"currentScreen": "menu"}).status_code == 200
    assert phone.get("/context/user-meera").json()["currentScreen"] == "menu"


def test_the_context_has_what_the_app_told(meera: Visitor, time: Clock):
    meera.is_known_as(name="Meera", phone="+91 98200 12345", language="hi", tier="GOLD", priorOrderCount=2)
    meera.shows("menu")
    time.go_on(seconds=30)
    meera.fills((ROYAL, 1), (CAKE, 2), guestCount=50, eventDate="2026-12-01", eventType="WEDDING")
    time.go_on(seconds=10)
    meera.sends("PRICE_CALCULATION")
    found = meera.context()
    assert found["currentScreen"] == "menu"
    assert found["sessionDuration"] == 40
    assert found["lastActivity"] == "2026-11-23T06:30:40.000000Z"
    assert found["cartItems"] == [{"itemId": ROYAL, "quantity": 1}, {"itemId": CAKE, "quantity": 2}]
    assert found["cartValue"] == ROYAL_RUPEES_A_PLATE * 50 + CAKE_RUPEES * 2
    assert (found["guestCount"], found["eventDate"], found["eventType"]) == (50, "2026-12-01", "WEDDING")
    assert (found["language"], found["tier"], found["pastOrderCount"]) == ("hi", "GOLD", 2)
    assert found["priceCheckCount"] == 1
    assert found["hesitationScore"] == 15  # a wedding, and not her first order
    assert "name" not in found
    assert "phone" not in found


def test_going_back_within_a_flow_counts_and_a_new_flow_resets(meera: Visitor):
    counts = [meera.shows(s)["backNavigationCount"] for s in ("menu", "item_detail", "menu", "item_detail", "menu")]
    assert counts == [0, 0, 1, 1, 2]
    assert meera.shows("checkout")["backNavigationCount"] == 0
    assert meera.shows("menu")["backNavigationCount"] == 0  # the way back into a flow is its first screen


def test_an_unknown_screen_leaves_flow_and_count(meera: Visitor):
    for screen in ("menu", "item_detail", "menu"):
        meera.shows(screen)
    found = meera.shows("brand_new_screen")
    assert (found["flow"], found["backNavigationCount"]) == ("MENU", 1)
    assert meera.context()["previousScreens"] == ["menu"]
    assert meera.shows("menu")["backNavigationCount"] == 2


def test_showing_the_same_screen_again_is_no_way_back(meera: Visitor):
    assert [meera.shows(s)["backNavigationCount"] for s in ("menu", "item_detail", "item_detail", "menu")][-1] == 1


def test_a_session_ends_after_half_an_hour_of_silence(meera: Visitor, time: Clock):
    for screen in ("menu", "item_detail", "menu"):
        first = meera.shows(screen)
    meera.fills((ROYAL, 1), guestCount=10)
    time.go_on(minutes=30)
    assert meera.sends("HEARTBEAT")["new"] == 1
    time.go_on(minutes=30)
    same = meera.shows("item_detail")
    assert same["sessionId"] == first["sessionId"]
    time.go_on(minutes=30, seconds=1)
    other = meera.shows("menu")
    assert other["sessionId"] != first["sessionId"]
    assert other["backNavigationCount"] == 0
    assert other["cartValue"] == ROYAL_RUPEES_A_PLATE * 10  # the cart goes on
    assert meera.context()["sessionDuration"] == 0


def test_what_the_app_sent_earlier_is_accepted_and_ignored(meera: Visitor, time: Clock):
    meera.shows("checkout", clientSeq=7)
    late = meera.shows("menu", clientSeq=6)
    assert (late["isApplied"], late["currentScreen"]) == (False, "checkout")
    assert meera.fills((CAKE, 1), clientSeq=5)["isApplied"] is False
    assert meera.context()["cartItems"] == []
    assert meera.shows("menu", clientSeq=7)["isApplied"] is True
    time.go_on(hours=1)
    assert meera.shows("menu", clientSeq=1)["isApplied"] is True  # the app counts anew in a new session


def test_the_cart_has_the_prices_of_now(meera: Visitor, api: Api):
    assert meera.fills((ROYAL, 2), guestCount=30)["cartValue"] == ROYAL_RUPEES_A_PLATE * 60
    assert meera.fills((ROYAL, 2))["cartValue"] == ROYAL_RUPEES_A_PLATE * 2
    mixed = meera.fills((CAKE, 1), ("item-unheard-of", 3))
    assert (mixed["cartValue"], mixed["unpricedItems"]) == (CAKE_RUPEES, ["item-unheard-of"])
    assert meera.fills(("item-unheard-of", 3))["cartValue"] is None
    assert meera.fills()["cartValue"] == 0
    api.store.write(lambda c: c.execute(update(catalogue_items).values(is_active=False)) and None)
    assert meera.fills((CAKE, 1))["cartValue"] is None


def test_a_client_cannot_set_what_the_server_derives(meera: Visitor):
    for field in ("cartValue", "sessionId", "hesitationScore", "backNavigationCount"):
        answer = meera.client.put("/context/user-meera/cart", json={"cartItems": [], field: 1})
        assert answer.status_code == 422, field


def test_a_profile_is_no_activity(meera: Visitor, time: Clock):
    meera.shows("menu")
    time.go_on(minutes=20)
    meera.is_known_as(priorOrderCount=3)
    time.go_on(minutes=11)
    assert meera.context()["lastActivity"] == "2026-11-23T06:30:00.000000Z"
    before = meera.context()["sessionId"]
    assert meera.shows("menu")["sessionId"] != before


def test_only_the_backend_sets_a_profile(meera: Visitor, api: Api):
    answer = api.as_user("user-meera").put("/context/user-meera/profile", json={"tier": "GOLD"})
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["one", "array", "ndjson"])
def test_signals_come_as_one_as_an_array_or_as_lines(meera: Visitor, kind: str):
    rows = [{"clientEventId": f"x{n}", "signalType": "ITEM_VIEWED"} for n in range(1 if kind == "one" else 3)]
    body = (
        "\n".join(map(json.dumps, rows)) + "\n" if kind == "ndjson" else json.dumps(rows[0] if kind == "one" else rows)
    )
    media = "application/x-ndjson" if kind == "ndjson" else "application/json"
    answer = meera.client.post("/context/user-meera/signals", content=body, headers={"Content-Type": media})
    assert answer.json() == {"received": len(rows), "new": len(rows), "unknown": 0}
    assert meera.context()["signalCounts"] == {"ITEM_VIEWED": len(rows)}


def test_signals_sent_twice_are_stored_once(meera: Visitor, api: Api):
    rows = [{"clientEventId": f"x{n}", "signalType": "PRICE_CALCULATION"} for n in range(3)]
    send = lambda rows: meera.client.post("/context/user-meera/signals", json=rows).json()["new"]  # noqa: E731
    assert send(rows[:2]) == 2
    assert send(rows) == 1
    assert send(rows + rows) == 0
    assert send([{**rows[0], "clientEventId": "y"}] * 4) == 1
    assert meera.context()["priceCheckCount"] == 4
    with api.store.read() as connection:
        assert len(connection.execute(select(friction_signals)).all()) == 4


def test_a_batch_sent_again_is_no_sign_of_life(meera: Visitor, time: Clock):
    row = [{"clientEventId": "x", "signalType": "ITEM_VIEWED"}]
    meera.client.post("/context/user-meera/signals", json=row)
    before = meera.context()
    time.go_on(hours=2)
    meera.client.post("/context/user-meera/signals", json=row)
    assert meera.context()["sessionId"] == before["sessionId"]
    assert meera.context()["lastActivity"] == before["lastActivity"]


def test_unknown_signals_are_stored_and_counted(meera: Visitor, api: Api):
    assert meera.sends("WIGGLED", "ITEM_VIEWED") == {"received": 2, "new": 2, "unknown": 1}
    with api.store.read() as connection:
        assert set(connection.execute(select(friction_signals.c.signal_type)).scalars()) == {"WIGGLED", "ITEM_VIEWED"}


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "7",
        "",
        "[[]]",
        '[{"clientEventId": "x"}]',
        '[{"clientEventId": "x", "signalType": "A", "value": NaN}]',
        '[{"clientEventId": "x", "signalType": "A", "value": "much"}]',
        '[{"clientEventId": "", "signalType": "A"}]',
        '[{"clientEventId": "x", "signalType": "A", "userId": "another"}]',
    ],
)
@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_what_is_no_signal_is_refused_whole(meera: Visitor, body: str, media: str):
    answer = meera.client.post("/context/user-meera/signals", content=body, headers={"Content-Type": media})
    assert answer.status_code == 422, answer.text
    assert meera.client.get("/context/user-meera").status_code == 404


def test_presence_follows_the_app(meera: Visitor, time: Clock):
    meera.shows("checkout")
    meera.sends("HEARTBEAT")
    time.go_on(seconds=25)
    assert (meera.context()["isPresent"], meera.context()["inactivitySeconds"]) == (True, 25)
    time.go_on(seconds=10)
    assert (meera.context()["isPresent"], meera.context()["inactivitySeconds"]) == (False, 30)
    meera.sends("HEARTBEAT")
    assert (meera.context()["isPresent"], meera.context()["inactivitySeconds"]) == (True, 35)
    meera.sends("APP_BACKGROUND")
    time.go_on(minutes=5)
    assert (meera.context()["isPresent"], meera.context()["inactivitySeconds"]) == (False, 35)
    meera.sends("APP_FOREGROUND")
    assert (meera.context()["isPresent"], meera.context()["inactivitySeconds"]) == (True, 0)


def test_every_event_is_logged_in_one_order_with_its_session(meera: Visitor, api: Api, time: Clock):
    meera.is_known_as()
    meera.shows("menu")
    meera.sends("ITEM_VIEWED", "ITEM_ADDED")
    time.go_on(seconds=1)
    meera.fills((CAKE, 1))
    meera.sends("HEARTBEAT")
    with api.store.read() as connection:
        updates = connection.execute(select(context_updates)).all()
        signals = connection.execute(select(friction_signals)).all()
        row = connection.execute(select(user_context)).one()
    rows = sorted([*updates, *signals], key=lambda logged: logged.seq)
    assert [row.seq for row in rows] == list(range(1, 7))
    assert len({row.session_id for row in rows if getattr(row, "kind", None) != "PROFILE"}) == 1
    assert {signal.flow for signal in signals} == {"MENU"}
    assert state_of(row).last_seq == 6
    assert [row.recorded_at for row in rows] == [NOON] * 4 + [NOON + timedelta(seconds=1)] * 2


@pytest.mark.usefixtures("time")
def test_both_engines_tell_the_same(api_on_each_engine: Api):
    api = api_on_each_engine
    visitor = Visitor(api, "user-asha")
    visitor.is_known_as(priorOrderCount=1)
    for screen in ("menu", "item_detail", "menu"):
        visitor.shows(screen)
    visitor.fills((CAKE, 1), eventType="RELIGIOUS")
    visitor.sends("PRICE_CALCULATION", "PRICE_CALCULATION")
    rows = [{"clientEventId": "e0", "signalType": "X"}, {"clientEventId": "f", "signalType": "X"}]
    assert visitor.client.post("/context/user-asha/signals", json=rows).json()["new"] == 1
    found = visitor.context()
    assert (found["backNavigationCount"], found["priceCheckCount"], found["hesitationScore"]) == (1, 2, 15)
    assert found["sessionId"] is not None
    assert api.as_role(Role.AGENT).get("/context/user-asha").json() == found
