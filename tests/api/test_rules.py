import itertools
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from api.rules.checks import band_flaws
from api.rules.sets import Band
from store.enums import Role, RoutedChannel
from store.tables import routing_rules, rule_versions
from tests.api.serving import Api

OWNERS_BANDS = [
    {"orderValueMin": 0, "orderValueMax": 5000, "channels": [], "escalateAfterMinutes": None},
    {"orderValueMin": 5000, "orderValueMax": 25000, "channels": ["CHAT"], "escalateAfterMinutes": 10},
    {"orderValueMin": 25000, "orderValueMax": None, "channels": ["CHAT", "CALL"], "escalateAfterMinutes": None},
]


@pytest.fixture
def admin(api: Api) -> httpx2.Client:
    return api.as_role(Role.ADMIN)


def put(client: httpx2.Client, path: str, body: Any, if_match: str | None) -> httpx2.Response:
    return client.put(path, json=body, headers={} if if_match is None else {"If-Match": if_match})


def band(low: float, high: float | None, *channels: str, minutes: int | None = None) -> dict[str, Any]:
    return {"orderValueMin": low, "orderValueMax": high, "channels": list(channels), "escalateAfterMinutes": minutes}


def test_the_owners_bands_are_in_force_at_first(api: Api):
    answer = api.as_role(Role.APP).get("/channel/rules")
    assert answer.headers["ETag"] == '"routing-1"'
    assert answer.json()["bands"] == OWNERS_BANDS
    assert answer.json()["version"] == 1
    assert set(answer.json()["alwaysAssistedEventTypes"]) == {"WEDDING", "CORPORATE", "RELIGIOUS"}


def test_the_owners_thresholds_are_in_force_at_first(api: Api):
    answer = api.as_role(Role.APP).get("/friction/thresholds").json()
    assert {(t["signal"], t["threshold"], t["unit"], t["action"]) for t in answer["thresholds"]} == {
        ("CHECKOUT_INACTIVITY", 60, "SECONDS", "HELP_PROMPT"),
        ("BACK_NAVIGATION", 3, "COUNT", "HELP_PROMPT"),
        ("QUANTITY_CHANGE", 5, "COUNT", "QUANTITY_HELP"),
        ("PAYMENT_FAILED", 2, "COUNT", "CALL_OPTION"),
        ("MENU_COMPARISON", 180, "SECONDS", "COMPARE_PACKAGES"),
        ("PRICE_CALCULATION", 5, "COUNT", "EXPERT_CONSULTATION"),
    }
    assert [(s["code"], s["threshold"], s["points"]) for s in answer["scores"]] == [
        ("INACTIVITY", 60, 30),
        ("BACK_NAVIGATION", 3, 25),
        ("PRICE_CHECK", 5, 20),
        ("HIGH_VALUE_EVENT", None, 15),
        ("FIRST_TIME_USER", None, 10),
    ]
    assert answer["help"]["threshold"] == 50


def test_the_owners_escalations_and_notifications_can_be_read(api: Api):
    client = api.as_role(Role.APP)
    escalations = client.get("/escalation/rules").json()["rules"]
    assert {(r["trigger"], r["level"], r["orderValueOver"], r["unresolvedOverMinutes"]) for r in escalations} == {
        ("HIGH_VALUE_ORDER", "SENIOR_AGENT", 50_000, None),
        ("SYSTEM_BUG", "TECH_TEAM", None, None),
        ("POLICY_EXCEPTION", "SUPERVISOR", None, None),
        ("EMOTIONAL_CRITICAL", "SENIOR_AGENT", None, None),
        ("UNRESOLVED", "SUPERVISOR", None, 15),
    }
    notifications = client.get("/notifications/rules").json()["rules"]
    checkout = next(rule for rule in notifications if rule["flow"] == "CHECKOUT")
    assert (checkout["condition"], checkout["threshold"]) == ("CART_VALUE", 25_000)
    assert checkout["text"]["en"] == "Talk to catering expert"


def test_rules_that_the_caller_has_are_not_sent_again(api: Api):
    client = api.as_role(Role.APP)
    for path in ("/channel/rules", "/friction/thresholds", "/escalation/rules", "/notifications/rules"):
        etag = client.get(path).headers["ETag"]
        again = client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_a_new_set_is_in_force_at_once_as_a_new_version(api_on_each_engine: Api):
    admin = api_on_each_engine.as_role(Role.ADMIN)
    wanted = [band(0, 100.5), band(100.5, None, "CHAT", minutes=5)]
    answer = put(admin, "/channel/rules", {"bands": wanted}, '"routing-1"')
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["bands"], answer.headers["ETag"]) == (2, wanted, '"routing-2"')
    assert admin.get("/channel/rules").json() == answer.json()
    with api_on_each_engine.store.read() as connection:
        versions = connection.execute(select(rule_versions).where(rule_versions.c.rule_set == "ROUTING")).all()
        bands = connection.execute(select(routing_rules.c.version)).scalars().all()
    assert sorted(bands) == [1, 1, 1, 2, 2]  # history keeps its own
    newest = max(versions, key=lambda row: row.version)
    assert newest.created_by in {key["keyId"] for key in admin.get("/tokens/keys").json()["keys"]}
    assert newest.valid_from.isoformat()[:19] == answer.json()["validFrom"][:19]


def test_a_set_is_replaced_only_by_who_saw_it(admin: httpx2.Client):
    body = {"bands": [band(0, None, "CHAT")]}
    missing = put(admin, "/channel/rules", body, None)
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    assert put(admin, "/channel/rules", body, '"routing-1"').status_code == 200
    stale = put(admin, "/channel/rules", body, '"routing-1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert put(admin, "/channel/rules", body, 'W/"routing-2"').status_code == 412
    assert admin.get("/channel/rules").json()["version"] == 2
    assert put(admin, "/channel/rules", body, stale.headers["ETag"]).status_code == 200


@pytest.mark.parametrize(
    ("bands", "field", "reason"),
    [
        ([band(0, 5000), band(6000, None)], "bands.1.orderValueMin", "gap"),
        ([band(0, 5000), band(4000, None)], "bands.1.orderValueMin", "overlaps"),
        ([band(5000, None), band(0, 5000)], "bands.0.orderValueMin", "begin at 0"),
        ([band(1, None)], "bands.0.orderValueMin", "begin at 0"),
        ([band(0, 5000)], "bands.0.orderValueMax", "no end"),
        ([band(0, None), band(5000, None)], "bands.0.orderValueMax", "only the last"),
        ([band(0, 0), band(0, None)], "bands.0.orderValueMax", "over orderValueMin"),
        ([band(0, None, "CHAT", "CHAT")], "bands.0.channels", "twice"),
        ([band(0, None, minutes=10)], "bands.0.escalateAfterMinutes", "no CHAT"),
        ([band(0, None, "CHAT", "CALL", minutes=10)], "bands.0.escalateAfterMinutes", "from the start"),
        ([band(0, None, "PIGEON")], "bands.0.channels.0", "CHAT"),
        ([band(0, 0.001)], "bands.0.orderValueMax", "two decimals"),
        ([band(-1, None)], "bands.0.orderValueMin", "between 0"),
        ([], "bands", "at least 1"),
    ],
)
def test_a_set_that_does_not_route_every_order_once_is_refused(admin: httpx2.Client, bands, field, reason):
    answer = put(admin, "/channel/rules", {"bands": bands}, '"routing-1"')
    assert answer.status_code == 422
    told = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert reason in told[field]
    assert admin.get("/channel/rules").json()["bands"] == OWNERS_BANDS


def put_thresholds(admin: httpx2.Client, **changes: Any) -> httpx2.Response:
    there = admin.get("/friction/thresholds")
    body = {name: there.json()[name] for name in ("thresholds", "scores", "help")} | changes
    return put(admin, "/friction/thresholds", body, there.headers["ETag"])


def test_thresholds_as_read_can_be_written_back_changed(admin: httpx2.Client):
    thresholds = admin.get("/friction/thresholds").json()["thresholds"]
    thresholds[0]["threshold"] = 4
    thresholds[0]["text"]["en"] = "Payment trouble?"
    answer = put_thresholds(admin, thresholds=thresholds)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["thresholds"]) == (2, thresholds)
    assert admin.get("/friction/thresholds").json() == answer.json()


def test_thresholds_that_cannot_work_are_refused(admin: httpx2.Client):
    there = admin.get("/friction/thresholds").json()
    first, second, *_ = there["thresholds"]

    def refusal(**changes: Any) -> str:
        answer = put_thresholds(admin, **changes)
        assert answer.status_code == 422
        return answer.json()["detail"]

    assert "twice" in refusal(thresholds=[first, {**first, "priority": 900}])
    assert "priority" in refusal(thresholds=[first, {**second, "priority": first["priority"]}])
    assert "notification" in refusal(thresholds=[{**first, "priority": 2}])
    assert "category" in refusal(thresholds=[{**first, "issueCategory": "NO_SUCH"}])
    assert "unit" in refusal(thresholds=[{**first, "unit": "SECONDS"}])
    assert "scores" in refusal(scores=there["scores"][1:])
    assert "null" in refusal(scores=[*there["scores"][:4], {**there["scores"][4], "threshold": 3}])
    assert "signal" in refusal(thresholds=[{**first, "signal": "SNEEZE"}])
    assert "thresholds.0.threshold" in refusal(thresholds=[{**first, "threshold": -1}])
    assert admin.get("/friction/thresholds").json() == there


def test_rules_replaced_by_another_process_are_seen(api: Api):
    from api.rules.registry import Registry
    from api.rules.service import replace_bands

    registry = Registry(api.store)
    bands = [Band(0, None, (RoutedChannel.CHAT,), None)]
    api.store.write(replace_bands, bands, if_match='"routing-1"', created_by="another process")
    assert registry.current().routing.version == 1
    assert registry.renew_if_changed()
    assert registry.current().routing.bands == tuple(bands)
    assert not registry.renew_if_changed()


channels = st.lists(st.sampled_from(RoutedChannel), unique=True, max_size=2).map(tuple)
values = st.integers(0, 12)


@st.composite
def whole_sets(draw: st.DrawFn) -> list[Band]:
    edges = [0, *sorted(draw(st.sets(st.integers(1, 10**9), max_size=5)))]
    return [Band(low, high, draw(channels), None) for low, high in itertools.zip_longest(edges, edges[1:])]


any_sets = st.lists(st.builds(Band, values, st.none() | values, channels, st.none()), max_size=4)


@st.composite
def nearly_whole_sets(draw: st.DrawFn) -> list[Band]:
    """A whole set with one edge of one band moved."""
    bands = draw(whole_sets())
    number = draw(st.integers(0, len(bands) - 1))
    edge = draw(st.sampled_from(["min_paise", "max_paise"]))
    bands[number] = replace(bands[number], **{edge: draw(st.integers(0, 10**9))})
    return bands


def covers_once(bands: list[Band]) -> bool:
    """Every order value is in one band; the values that can differ are the edges, and what lies beside them."""
    edges = {edge for band in bands for edge in (band.min_paise, band.max_paise) if edge is not None}
    probes = {0, 10**12} | {edge + step for edge in edges for step in (-1, 0, 1) if edge + step >= 0}
    return all(
        sum(band.min_paise <= probe and (band.max_paise is None or probe < band.max_paise) for band in bands) == 1
        for probe in probes
    )


@given(whole_sets())
def test_sets_that_cover_every_value_once_are_accepted(bands: list[Band]):
    assert band_flaws(bands) == []
    assert covers_once(bands)


@given(st.one_of(any_sets, nearly_whole_sets(), whole_sets().flatmap(st.permutations)))
def test_what_is_accepted_covers_every_value_once_and_what_is_refused_does_not_rise_to_it(bands: list[Band]):
    is_rising = all(one.min_paise < other.min_paise for one, other in itertools.pairwise(bands))
    is_whole = all(band.max_paise is None or band.min_paise < band.max_paise for band in bands)
    assert (band_flaws(bands) == []) == (covers_once(bands) and is_rising and is_whole)
