from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from api.incidences.reading import DEMO_SOURCE
from api.incidences.rules import status_of
from api.notifications.rules import is_office_open
from api.notifications.service import expire_prompts, is_any_expired
from api.notifications.watch import InactivityWatch
from store import clock
from store.enums import IncidenceStatus, Role
from store.settings import Settings
from store.tables import friction_scores, incidences, prompts, user_context
from tests.api.listening import listen
from tests.api.serving import Api, serve_api
from tests.api.telling import ROYAL, Clock, Visitor

NIGHT_BEFORE = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
"""Monday, 01:30 in India."""


@pytest.fixture
def stuck(meera: Visitor, time: Clock) -> Visitor:
    """At the checkout with a wedding for ₹60,000, for a minute."""
    meera.shows("checkout")
    meera.fills((ROYAL, 1), guestCount=150, eventType="WEDDING")
    time.go_on(seconds=61)
    return meera


def statuses(api: Api) -> dict[str, str]:
    with api.store.read() as connection:
        return {row.rule_code: row.status for row in connection.execute(select(prompts))}


def the_incidence(api: Api):
    with api.store.read() as connection:
        return connection.execute(select(incidences)).one()


def look(api: Api, watch: InactivityWatch) -> int:
    """What the worker does every second."""
    rules = api.app.state.rules.current()
    with api.store.read() as connection:
        if not watch.is_due(connection, rules):
            return 0
    return api.store.write(watch.look, rules)


def expire(api: Api) -> int:
    rules = api.app.state.rules.current()
    with api.store.read() as connection:
        is_due = is_any_expired(connection, rules, clock.now())
    done = api.store.write(expire_prompts, rules, clock.now(), 25)
    assert is_due == bool(done)
    return done


def trigger(visitor: Visitor) -> dict:
    answer = visitor.client.post("/notifications/trigger", json={"userId": visitor.user_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


def dismiss(visitor: Visitor) -> dict:
    answer = visitor.client.post(f"/notifications/suppress/{visitor.user_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def at_guest_count(visitor: Visitor, time: Clock, *, is_over: bool) -> None:
    visitor.shows("guest_count")
    time.go_on(seconds=46 if is_over else 45)


def comparing(visitor: Visitor, _: Clock, *, is_over: bool) -> None:
    visitor.fills((ROYAL, 1), guestCount=20)
    visitor.shows("compare")
    visitor.sends(*["PLATTER_VIEWED"] * (4 if is_over else 3))


def customizing(visitor: Visitor, _: Clock, *, is_over: bool) -> None:
    visitor.fills((ROYAL, 1), guestCount=20)
    visitor.shows("customize")
    visitor.sends(*["CUSTOMIZATION_CHANGE"] * (6 if is_over else 5))


def checking_out(visitor: Visitor, _: Clock, *, is_over: bool) -> None:
    visitor.shows("checkout")
    visitor.fills((ROYAL, 1 if is_over else 125), **({"guestCount": 63} if is_over else {"guestCount": None}))
    if not is_over:
        visitor.fills((ROYAL, 1), guestCount=62)  # ₹24,800


def paying(visitor: Visitor, _: Clock, *, is_over: bool) -> None:
    visitor.fills((ROYAL, 1), guestCount=20)
    visitor.shows("payment")
    visitor.sends("PAYMENT_ATTEMPT", "PAYMENT_FAILED", "PAYMENT_ATTEMPT", *["PAYMENT_ATTEMPT"] * is_over)


THE_FIVE = {
    "GUEST_COUNT_INACTIVITY": (at_guest_count, "Need help deciding portions?"),
    "PLATTERS_VIEWED": (comparing, "Want expert recommendation?"),
    "CUSTOMIZATION_CHANGES": (customizing, "Let us help customize"),
    "CHECKOUT_CART_VALUE": (checking_out, "Talk to catering expert"),
    "PAYMENT_RETRY": (paying, "Need payment help?"),
}


@pytest.mark.parametrize("code", THE_FIVE)
def test_each_notification_comes_over_its_threshold_with_the_owners_words(meera: Visitor, time: Clock, code: str):
    lives, words = THE_FIVE[code]
    lives(meera, time, is_over=False)
    before = trigger(meera)
    assert before["prompt"] is None
    assert not any(one["isDue"] for one in before["notifications"])
    lives(meera, time, is_over=True)
    found = trigger(meera)
    assert (found["prompt"]["code"], found["prompt"]["text"]["en"]) == (code, words)
    assert {one["code"]: one["status"] for one in found["notifications"] if one["isDue"]} == {code: "SHOWN"}


def test_a_notification_is_due_on_its_own_screen_only(meera: Visitor, time: Clock):
    at_guest_count(meera, time, is_over=True)
    meera.shows("menu")
    assert trigger(meera)["prompt"] is None


def test_a_prompt_comes_once_for_a_rule_and_session(stuck: Visitor, api: Api, time: Clock):
    first = stuck.is_judged()["prompt"]["promptId"]
    dismiss(stuck)
    stuck.shows("checkout")
    time.go_on(minutes=31)
    stuck.shows("checkout")
    time.go_on(seconds=61)
    assert stuck.is_judged()["prompt"]["promptId"] != first  # another session
    assert sorted(statuses(api)) == ["CHECKOUT_CART_VALUE", "CHECKOUT_INACTIVITY", "HELP"]


def test_a_session_is_shown_three_at_most(meera: Visitor, time: Clock, api: Api):
    meera.fills((ROYAL, 1), guestCount=20)
    shown = []
    for lives in (comparing, customizing, paying, at_guest_count):
        lives(meera, time, is_over=True)
        prompt = trigger(meera)["prompt"]
        shown.append(prompt and prompt["code"])
    assert shown[:3] == ["PLATTERS_VIEWED", "CUSTOMIZATION_CHANGES", "PAYMENT_RETRY"]
    assert statuses(api)["GUEST_COUNT_INACTIVITY"] == "SUPPRESSED"


def test_a_dismissed_prompt_ends_its_offer_and_help_stays_away_for_half_an_hour(stuck: Visitor, api: Api, time: Clock):
    stuck.is_judged()
    found = dismiss(stuck)
    assert found["suppressedUntil"] == "2026-11-23T07:01:01.000000Z"
    assert statuses(api)["CHECKOUT_INACTIVITY"] == "DISMISSED"
    assert (the_incidence(api).outcome, the_incidence(api).resolution_type) == ("DROPPED", "DISMISSED")
    time.go_on(minutes=29)
    paying(stuck, time, is_over=True)
    judged = stuck.is_judged()
    assert judged["prompt"] is None
    assert {"ruleSet": "NOTIFICATION", "code": "PAYMENT_RETRY", "reason": "SNOOZED"} in judged["hidden"]
    time.go_on(minutes=2)
    comparing(stuck, time, is_over=True)
    assert trigger(stuck)["prompt"]["code"] == "PLATTERS_VIEWED"


def test_dismissing_nothing_still_keeps_prompts_away(meera: Visitor, time: Clock):
    assert dismiss(meera)["dismissedPrompts"] == []
    at_guest_count(meera, time, is_over=True)
    assert trigger(meera)["prompt"] is None


def test_a_prompt_expires_after_ten_minutes_with_its_offer(stuck: Visitor, api: Api, time: Clock):
    stuck.is_judged()
    time.go_on(minutes=9, seconds=59)
    stuck.shows("checkout")
    assert expire(api) == 0
    time.go_on(seconds=1)
    assert expire(api) == 1
    assert statuses(api)["CHECKOUT_INACTIVITY"] == "EXPIRED"
    assert (the_incidence(api).outcome, the_incidence(api).resolution_type) == ("DROPPED", "EXPIRED")
    assert stuck.is_judged()["prompt"] is None
    assert expire(api) == 0


def test_a_prompt_expires_with_its_session(meera: Visitor, api: Api, time: Clock):
    at_guest_count(meera, time, is_over=True)
    time.go_on(minutes=29)
    assert trigger(meera)["prompt"] is not None
    time.go_on(minutes=1)
    assert expire(api) == 1


def test_taking_the_help_opens_the_incidence_that_was_offered(stuck: Visitor, api: Api):
    offered = stuck.is_judged()
    asked = {"stage": "PRE_ORDER", "promptId": offered["prompt"]["promptId"]}
    answer = api.as_user("user-meera").post("/incidences", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["incidenceId"] == offered["incidenceId"]
    assert status_of(the_incidence(api)) is IncidenceStatus.OPEN
    assert statuses(api)["CHECKOUT_INACTIVITY"] == "ACCEPTED"
    dismiss(stuck)
    assert status_of(the_incidence(api)) is IncidenceStatus.OPEN
    assert statuses(api)["CHECKOUT_INACTIVITY"] == "ACCEPTED"


def test_outside_office_hours_no_person_is_offered(meera: Visitor, api: Api, time: Clock):
    time.at = NIGHT_BEFORE
    meera.fills((ROYAL, 1), guestCount=150, eventType="WEDDING")
    paying(meera, time, is_over=True)
    found = trigger(meera)
    assert (found["prompt"], [one["reason"] for one in found["hidden"]]) == (None, ["OUTSIDE_OFFICE_HOURS"])
    time.go_on(seconds=1)
    at_guest_count(meera, time, is_over=True)
    assert trigger(meera)["prompt"]["code"] == "GUEST_COUNT_INACTIVITY"  # offers advice, not a person


@pytest.mark.parametrize(
    ("indian", "is_open"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00:00", True),
        ("2026-11-23 21:59:59", True),
        ("2026-11-23 22:00:00", False),
        ("2027-01-26 12:00:00", False),
    ],
)
def test_people_answer_from_nine_to_ten_but_not_on_holidays(api: Api, indian: str, is_open: bool):
    at = datetime.fromisoformat(f"{indian}+05:30")
    assert is_office_open(api.app.state.rules.current().office_hours, at) is is_open


def test_standing_still_is_noticed_without_a_request(meera: Visitor, api: Api, time: Clock):
    watch = InactivityWatch()
    meera.fills((ROYAL, 1), guestCount=50, eventType="WEDDING")
    meera.shows("checkout")
    meera.sends("HEARTBEAT")
    for _ in range(3):
        time.go_on(seconds=20)
        meera.sends("HEARTBEAT")
        assert look(api, watch) == 0
    time.go_on(seconds=1)
    assert look(api, watch) == 1
    assert statuses(api)["CHECKOUT_INACTIVITY"] == "OFFERED"
    assert status_of(the_incidence(api)) is IncidenceStatus.OFFERED
    assert look(api, watch) == 0
    assert look(api, InactivityWatch()) == 0  # another process finds nothing new
    judged = meera.is_judged()
    assert (judged["prompt"]["code"], judged["done"]) == ("CHECKOUT_INACTIVITY", ["PROMPT_REPEATED"])
    assert statuses(api)["CHECKOUT_INACTIVITY"] == "SHOWN"


def test_who_went_away_is_not_asked(meera: Visitor, api: Api, time: Clock):
    watch = InactivityWatch()
    meera.shows("guest_count")
    meera.sends("HEARTBEAT", "APP_BACKGROUND")
    time.go_on(seconds=50)
    assert look(api, watch) == 0
    meera.sends("APP_FOREGROUND")
    time.go_on(seconds=46)
    assert look(api, watch) == 0  # present for 30 seconds only, as far as anybody knows
    meera.sends("HEARTBEAT")
    assert statuses(api) == {"GUEST_COUNT_INACTIVITY": "OFFERED"}


def test_a_watch_that_starts_late_finds_who_stood_still_before(meera: Visitor, api: Api, time: Clock):
    meera.shows("guest_count")
    time.go_on(minutes=20)
    assert look(api, InactivityWatch()) == 1
    with api.store.read() as connection:
        (score,) = connection.execute(select(friction_scores)).all()
    assert score.inactivity_seconds == 1_200


def test_the_watch_leaves_the_demos_users_alone(meera: Visitor, api: Api, time: Clock):
    """Scores and offers of its own would take the place of the story that the demo tells."""
    meera.shows("guest_count")
    time.go_on(minutes=20)
    api.store.write(lambda c: c.execute(update(user_context).values(source=DEMO_SOURCE)))
    assert look(api, InactivityWatch()) == 0


def test_the_phone_gets_prompts_as_they_are_offered(meera: Visitor, api: Api, time: Clock):
    phone = api.as_user("user-meera")
    meera.shows("guest_count")
    with listen(phone, "/notifications/stream") as stream, listen(api.as_user("user-other"), "/notifications/stream"):
        time.go_on(seconds=46)
        assert look(api, InactivityWatch()) == 1
        event = stream.next()
        assert (event.name, event.data["code"]) == ("prompt", "GUEST_COUNT_INACTIVITY")
        assert statuses(api) == {"GUEST_COUNT_INACTIVITY": "SHOWN"}
        dismiss(meera)
        over = stream.next()
        assert (over.name, over.data) == (
            "prompt_over",
            {"promptId": event.data["promptId"], "status": "DISMISSED"},
        )


def test_who_comes_back_gets_what_waits_for_an_answer(meera: Visitor, api: Api, time: Clock):
    at_guest_count(meera, time, is_over=True)
    shown = trigger(meera)["prompt"]
    with api.as_user("user-meera").stream("GET", "/notifications/stream") as answer:
        lines = answer.iter_lines()
        data = next(line for line in lines if line.startswith("data: "))
    assert shown["promptId"] in data


def test_only_a_phone_listens(api: Api):
    assert api.as_role(Role.APP).get("/notifications/stream").status_code == 403


def test_the_worker_notices_by_itself(sqlite_settings: Settings, time: Clock):
    with serve_api(sqlite_settings) as api:
        visitor = Visitor(api, "user-meera")
        visitor.shows("guest_count")
        with listen(api.as_user("user-meera"), "/notifications/stream") as stream:
            time.go_on(seconds=46)
            assert stream.next().data["code"] == "GUEST_COUNT_INACTIVITY"
            time.go_on(minutes=10)
            over = stream.next()
            assert (over.name, over.data["status"]) == ("prompt_over", "EXPIRED")
