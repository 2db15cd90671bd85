import pytest
from sqlalchemy import func, select

from store.enums import Role
from store.ids import is_in_holdout
from store.tables import friction_scores, incidences, prompts
from tests.api.serving import Api
from tests.api.telling import CAKE, ROYAL, Clock, Visitor

HOLDOUT_SHARE = 0.05


@pytest.fixture
def stuck(meera: Visitor, time: Clock) -> Visitor:
    """Her first order, a wedding for ₹60,000, and she stands still at the checkout: 30 + 15 + 10 points."""
    meera.shows("checkout")
    meera.fills((ROYAL, 1), guestCount=150, eventType="WEDDING")
    time.go_on(seconds=61)
    return meera


def rows(api: Api, table) -> list:
    with api.store.read() as connection:
        return list(connection.execute(select(table)).all())


def count(api: Api, table) -> int:
    with api.store.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_help_that_is_due_is_offered_with_score_reasons_and_channels(stuck: Visitor, api: Api):
    found = stuck.is_judged()
    assert (found["score"], found["isHelpDue"], found["ruleVersion"]) == (55, True, 1)
    assert [(r["code"], r["points"], r["measure"]) for r in found["reasons"]] == [
        ("INACTIVITY", 30, 61),
        ("HIGH_VALUE_EVENT", 15, 1),
        ("FIRST_TIME_USER", 10, 1),
    ]
    assert found["allowedChannels"] == ["CHAT", "CALL"]
    assert [action["code"] for action in found["actions"]] == ["CHECKOUT_INACTIVITY", "HELP", "CHECKOUT_CART_VALUE"]
    assert found["prompt"]["code"] == "CHECKOUT_INACTIVITY"
    assert found["prompt"]["text"]["en"] == "Need help finishing your order?"
    assert found["done"] == ["PROMPT_SHOWN", "PROMPT_SUPPRESSED", "INCIDENCE_OFFERED"]
    (incidence,) = rows(api, incidences)
    assert (incidence.trigger, incidence.opened_at, incidence.outcome) == ("SYSTEM_INITIATED", None, None)
    assert incidence.incidence_id == found["incidenceId"]
    assert incidence.prompt_id == found["prompt"]["promptId"]
    assert incidence.issue_category == "ORDER_CHANGE"
    assert incidence.order_value_paise == 60_000 * 100


def test_with_an_idempotency_key_it_is_done_once_and_answered_again(stuck: Visitor, api: Api, time: Clock):
    def asks(path: str, user_id: str = stuck.user_id):
        return api.as_role(Role.APP).post(path, json={"userId": user_id}, headers={"Idempotency-Key": f"once{path}"})

    first = asks("/friction/detect")
    assert first.json()["done"] == ["PROMPT_SHOWN", "PROMPT_SUPPRESSED", "INCIDENCE_OFFERED"]
    told = asks("/notifications/trigger")
    time.go_on(seconds=5)
    assert asks("/friction/detect").content == first.content
    assert asks("/notifications/trigger").content == told.content
    assert count(api, friction_scores) == 2
    assert asks("/friction/detect", "somebody-else").status_code == 422


def test_repeats_change_nothing_more(stuck: Visitor, api: Api, time: Clock):
    first = stuck.is_judged()
    time.go_on(seconds=5)
    again = stuck.is_judged()
    assert again["prompt"]["promptId"] == first["prompt"]["promptId"]
    assert again["incidenceId"] == first["incidenceId"]
    assert again["done"] == ["PROMPT_REPEATED"]
    assert count(api, incidences) == 1
    assert {row.status for row in rows(api, prompts)} == {"SHOWN", "SUPPRESSED"}


def test_every_evaluation_is_kept_with_its_inputs(stuck: Visitor, api: Api, time: Clock):
    stuck.is_judged()
    time.go_on(seconds=5)
    stuck.is_judged()
    stuck.shows("checkout")  # the writer takes it after the score
    kept = sorted(rows(api, friction_scores), key=lambda row: row.evaluated_at)
    assert [row.inactivity_seconds for row in kept] == [61, 66]
    assert [(row.score, row.after_seq, row.rule_version, row.is_help_due) for row in kept] == [(55, 2, 1, True)] * 2
    assert kept[0].reasons == ["INACTIVITY", "HIGH_VALUE_EVENT", "FIRST_TIME_USER"]
    assert kept[0].due_actions == ["HELP_PROMPT"]
    assert kept[0].is_first_time_user
    assert {row.session_id for row in kept} == {stuck.context()["sessionId"]}


def test_a_score_of_exactly_the_threshold_opens_nothing(meera: Visitor, api: Api):
    for screen in ("menu", "item_detail") * 5:
        meera.shows(screen)
    meera.sends(*["PRICE_CALCULATION"] * 5)
    found = meera.is_judged()
    assert (found["score"], found["isHelpDue"]) == (35, False)  # 8 ways back and a first order; 5 checks are not over 5
    assert found["incidenceId"] is None
    assert count(api, incidences) == 0


def test_without_a_human_channel_help_is_self_serve(meera: Visitor, api: Api):
    meera.fills((CAKE, 1))  # ₹1,800
    for screen in ("menu", "item_detail") * 5:
        meera.shows(screen)
    meera.sends(*["PRICE_CALCULATION"] * 6)
    found = meera.is_judged()
    assert (found["score"], found["allowedChannels"]) == (55, [])
    assert found["prompt"]["code"] == "HELP"
    assert "SELF_SERVE_HELP" in found["done"]
    assert {"ruleSet": "FRICTION", "code": "PRICE_CALCULATION", "reason": "NO_CHANNEL"} in found["hidden"]
    assert count(api, incidences) == 0


def test_the_call_option_comes_first(meera: Visitor):
    meera.fills((ROYAL, 1), guestCount=100)
    meera.shows("payment")
    meera.sends(*["PAYMENT_ATTEMPT", "PAYMENT_FAILED"] * 3, *["QUANTITY_CHANGE"] * 6)
    found = meera.is_judged()
    assert [action["code"] for action in found["actions"]] == ["PAYMENT_FAILED", "PAYMENT_RETRY", "QUANTITY_CHANGE"]
    assert (found["prompt"]["code"], found["prompt"]["action"]) == ("PAYMENT_FAILED", "CALL_OPTION")
    assert {hidden["reason"] for hidden in found["hidden"]} == {"STRONGER_PROMPT"}


def test_seconds_that_a_signal_tells_make_its_action_due(meera: Visitor):
    meera.shows("compare")
    meera.sends("MENU_COMPARISON", value=180)
    assert meera.is_judged()["actions"] == []
    meera.sends("MENU_COMPARISON", value=181)
    assert [action["action"] for action in meera.is_judged()["actions"]] == ["COMPARE_PACKAGES"]


def test_an_order_makes_no_first_time_user_any_more(stuck: Visitor, api: Api, time: Clock):
    order = {"userId": stuck.user_id, "status": "PLACED", "orderValue": 60000}
    assert api.as_role(Role.APP).put("/orders/order-1", json=order).is_success
    time.go_on(seconds=1)
    found = stuck.is_judged()
    assert [reason["code"] for reason in found["reasons"]] == ["INACTIVITY", "HIGH_VALUE_EVENT"]


def test_orders_that_the_app_reported_count_as_orders(meera: Visitor):
    meera.shows("menu")
    assert meera.is_judged()["score"] == 10
    meera.is_known_as(priorOrderCount=1)
    assert meera.is_judged()["score"] == 0


def test_nobody_is_asked_in_a_session_that_is_over(stuck: Visitor, time: Clock, api: Api):
    time.go_on(hours=1)
    found = stuck.is_judged()
    assert (found["score"], found["actions"], found["done"]) == (55, [], [])
    assert count(api, prompts) == 0


def test_who_is_in_the_holdout_is_scored_and_never_asked(api: Api, meera: Visitor, time: Clock):
    held_out = next(user for n in range(1_000) if is_in_holdout(user := f"user-{n}", HOLDOUT_SHARE))
    visitor = Visitor(api, held_out)
    visitor.shows("checkout")
    visitor.fills((ROYAL, 1), guestCount=150, eventType="WEDDING")
    time.go_on(seconds=61)
    found = visitor.is_judged()
    assert (found["isHelpDue"], found["prompt"], found["incidenceId"]) == (True, None, None)
    assert found["done"] == ["PROMPT_WITHHELD", "PROMPT_SUPPRESSED"]
    assert {row.status: row.is_holdout for row in rows(api, prompts)} == {"WITHHELD": True, "SUPPRESSED": True}
    assert count(api, incidences) == 0
    assert not is_in_holdout(meera.user_id, HOLDOUT_SHARE)


def test_a_user_nobody_told_of_cannot_be_scored(meera: Visitor, api: Api):
    assert meera.client.post("/friction/detect", json={"userId": "user-nobody"}).status_code == 404
    meera.shows("menu")
    stranger = api.as_user("user-stranger")
    assert stranger.post("/friction/detect", json={"userId": "user-meera"}).json()["code"] == "not_found"
    assert api.as_user("user-meera").post("/friction/detect", json={}).json()["userId"] == "user-meera"
    assert meera.client.post("/friction/detect", json={}).status_code == 422


def test_signals_of_several_users_come_in_one_request(meera: Visitor, api: Api):
    signals = [
        {"userId": user, "clientEventId": f"e{n}", "signalType": "PRICE_CALCULATION"}
        for n in range(3)
        for user in ("user-meera", "user-asha")
    ]
    assert meera.client.post("/friction/signals", json=signals).json() == {"received": 6, "new": 6, "unknown": 0}
    assert Visitor(api, "user-asha").context()["priceCheckCount"] == 3
    assert api.as_user("user-asha").post("/friction/signals", json=signals).status_code == 404


def test_new_thresholds_decide_from_then_on(meera: Visitor, api: Api):
    meera.shows("menu")
    meera.sends(*["PRICE_CALCULATION"] * 2)
    admin = api.as_role(Role.ADMIN)
    now = admin.get("/friction/thresholds")
    wanted = {name: now.json()[name] for name in ("thresholds", "scores", "help")}
    wanted["scores"] = [s | {"threshold": 1} if s["code"] == "PRICE_CHECK" else s for s in wanted["scores"]]
    answer = admin.put("/friction/thresholds", json=wanted, headers={"If-Match": now.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    found = meera.is_judged()
    assert (found["score"], found["ruleVersion"]) == (30, 2)


@pytest.mark.usefixtures("time")
def test_both_engines_offer_the_same(api_on_each_engine: Api, time: Clock):
    visitor = Visitor(api_on_each_engine, "user-meera")
    visitor.shows("checkout")
    visitor.fills(eventType="WEDDING", guestCount=20)
    time.go_on(seconds=61)
    found = visitor.is_judged()
    assert (found["score"], found["done"]) == (55, ["PROMPT_SHOWN", "PROMPT_SUPPRESSED", "INCIDENCE_OFFERED"])
    assert visitor.is_judged()["done"] == ["PROMPT_REPEATED"]
