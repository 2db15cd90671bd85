"""Plain sets of rules: what is typed is what is stored, and what cannot work is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.context.rules import ContextState
from api.errors import PreconditionFailed
from api.friction.rules import Inputs
from api.notifications.rules import due_notifications
from api.rules.line_checks import line_flaws
from api.rules.lines import LINE_TABLES, Lines, read_lines, typed
from api.rules.registry import load_rules
from api.rules.service import RulesRefused, read_rows, replace_lines, rules_etag
from api.rules.sets import NOTIFICATION_MEASURES, Rules
from store import clock
from store.enums import RuleSet
from store.session import Store

SETS = [*LINE_TABLES]


@pytest.fixture
def rules(sqlite_store: Store) -> Rules:
    with sqlite_store.read() as connection:
        return load_rules(connection, clock.now())


def form_of(store: Store, rule_set: RuleSet) -> dict[str, str]:
    with store.read() as connection:
        return typed(rule_set, read_rows(connection, rule_set))


def in_any_order(rules: Rules) -> dict[str, Any]:
    known = {name: getattr(rules, name) for name in Rules.__dataclass_fields__}
    return known | {"phrases": {*rules.phrases.phrases}}


def replace(store: Store, rule_set: RuleSet, lines: Lines, *, seen: int) -> int:
    return store.write(
        replace_lines, rule_set, lines, if_match=rules_etag(rule_set, seen), created_by="an admin of the tests"
    )


def test_every_set_that_has_no_shape_of_its_own_has_lines():
    assert {*SETS} == {*RuleSet} - {RuleSet.FRICTION, RuleSet.ROUTING}


def test_a_set_as_it_is_shown_can_be_put_in_force_again(store: Store):
    for rule_set in SETS:
        lines, flaws = read_lines(rule_set, form_of(store, rule_set))
        assert flaws == []
        with store.read() as connection:
            before = load_rules(connection, clock.now())
            assert in_any_order(load_rules(connection, clock.now(), {rule_set: lines})) == in_any_order(before)
        assert replace(store, rule_set, lines, seen=1) == 2
        with store.read() as connection:
            after = load_rules(connection, clock.now())
            assert read_rows(connection, rule_set) == lines
        old, new = (
            {name for name in Rules.__dataclass_fields__ if getattr(rules, name).version == 1}
            for rules in (before, after)
        )
        assert len(old) == len(new) + 1, "this set alone has a new version"
        with pytest.raises(PreconditionFailed):
            replace(store, rule_set, lines, seen=1)


@pytest.mark.parametrize(
    ("rule_set", "change", "reason"),
    [
        (RuleSet.ESCALATION, {"escalation_rules.0.trigger": ""}, "one line each"),
        (RuleSet.ESCALATION, {"escalation_rules.*.level": "CALL"}, "should be one of"),
        (RuleSet.ESCALATION, {"escalation_rules.0.unresolved_over_seconds": "5"}, "says nothing here"),
        (RuleSet.ESCALATION, {"escalation_rules.*.unresolved_over_seconds": "0"}, "at most a week"),
        (RuleSet.NOTIFICATION, {"notification_rules.0.priority": "1"}, "has the same"),
        (RuleSet.NOTIFICATION, {"notification_rules.0.issue_category": "NO_SUCH"}, "no known category"),
        (RuleSet.NOTIFICATION, {"notification_rules.0.threshold": "nan"}, "between 0"),
        (RuleSet.NOTIFICATION, {"notification_rules.0.text_hi": ""}, "is missing"),
        (RuleSet.DISCOUNT, {"discount_codes.0.percent": "101"}, "is over 100"),
        (RuleSet.DISCOUNT, {"discount_codes.0.percent": "", "discount_codes.0.max_paise": ""}, "or an amount"),
        (RuleSet.DISCOUNT, {"discount_codes.0.max_paise": "1.001"}, "two decimals"),
        (RuleSet.DISCOUNT, {"discount_limits.0.role": "AGENT", "discount_limits.1.role": "AGENT"}, "is there twice"),
        (RuleSet.CATEGORY, {"issue_categories.*.code": "OTHER"}, "is there twice"),
        (RuleSet.CATEGORY, {"issue_categories.0.code": "not a code"}, "letters, digits"),
        (RuleSet.CATEGORY, {f"issue_categories.{n}.code": "" for n in range(14)}, "prompts in force name"),
        (RuleSet.SCREEN, {"screens.0.flow": "NOWHERE"}, "should be one of"),
        (RuleSet.PHRASE, {"phrases.0.kind": "JOKE"}, "should be one of"),
        (RuleSet.OFFICE_HOURS, {"office_hours.0.closes": "08:00"}, "not after it opens"),
        (RuleSet.OFFICE_HOURS, {"office_hours.0.weekday": "1", "office_hours.0.opens": "10:00"}, "another span"),
        (RuleSet.OFFICE_HOURS, {"holidays.0.holiday_date": "2026-13-01"}, "should be a date"),
        (RuleSet.POLICY, {"policies.0.code": ""}, "one line each"),
        (RuleSet.POLICY, {"policies.*.value": "many"}, "should be"),
        (RuleSet.POLICY, {"policies.*.value": "-1"}, "should be"),
        (RuleSet.POLICY, {"policies.*.value": "45"}, "the warehouse's scores go by it"),
    ],
)
def test_lines_that_cannot_work_are_refused(
    sqlite_store: Store, rules: Rules, rule_set: RuleSet, change: dict[str, str], reason: str
):
    form = form_of(sqlite_store, rule_set)
    for name, value in change.items():
        table, _, column = name.partition(".*.")
        places = [place for place in form if place.startswith(f"{table}.") and place.endswith(f".{column}")]
        form |= dict.fromkeys(places, value) if column else {name: value}
    lines, flaws = read_lines(rule_set, {name: value for name, value in form.items() if value})
    if not flaws:
        with pytest.raises(RulesRefused) as refused:
            replace(sqlite_store, rule_set, lines, seen=1)
        assert reason in str(refused.value)
        flaws = line_flaws(rule_set, lines, rules)
    assert any(reason in flaw.message for flaw in flaws)


def test_money_and_time_are_typed_as_people_say_them(sqlite_store: Store):
    assert (
        form_of(sqlite_store, RuleSet.ESCALATION).items()
        >= {
            "escalation_rules.1.order_value_over_paise": "50000",
            "escalation_rules.4.unresolved_over_seconds": "15",
        }.items()
    )
    form = form_of(sqlite_store, RuleSet.NOTIFICATION)
    checkout = next(name.removesuffix("condition") for name, value in form.items() if value == "CART_VALUE_PAISE")
    assert form[f"{checkout}threshold"] == "25000"
    lines, _ = read_lines(RuleSet.NOTIFICATION, form | {f"{checkout}threshold": "₹1,00,000"})
    assert max(line["threshold"] for line in lines["notification_rules"]) == 10_000_000


def test_a_notification_can_go_by_every_measure(sqlite_store: Store):
    form = form_of(sqlite_store, RuleSet.NOTIFICATION)
    for number, measure in enumerate(NOTIFICATION_MEASURES):
        form |= {f"notification_rules.{number}.condition": measure, f"notification_rules.{number}.flow": "CHECKOUT"}
    lines, flaws = read_lines(RuleSet.NOTIFICATION, form)
    assert flaws == []
    replace(sqlite_store, RuleSet.NOTIFICATION, lines, seen=1)
    with sqlite_store.read() as connection:
        notifications = load_rules(connection, clock.now()).notifications
    assert {rule.condition for rule in notifications.rules} == {*NOTIFICATION_MEASURES}
    for rule in notifications.rules:
        assert due_notifications(notifications, ContextState(), Inputs(0, 0, 0, False, False), rule.flow) == []


words = st.text(max_size=12) | st.sampled_from(["1", "-0", "1e400", "nan", "AGENT", "en: x", "09:00", "2026-02-30"])


@given(st.data())
def test_whatever_is_typed_is_read_or_told_wrong(data: st.DataObject):
    rule_set = data.draw(st.sampled_from(SETS))
    places = [
        f"{each.name}.{n}.{field.name}" for each in LINE_TABLES[rule_set] for n in (0, 1) for field in each.fields
    ]
    form: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(places), words.filter(bool)))
    lines, flaws = read_lines(rule_set, form)
    if not flaws:
        again, none = read_lines(rule_set, typed(rule_set, lines))
        assert none == []
        assert again == lines
