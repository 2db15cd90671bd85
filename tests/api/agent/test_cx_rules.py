"""The CX rules, judged alone: whatever is asked, by whomever, on whatever order."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.agent.rules import (
    AgentFacts,
    Approval,
    IncidenceFacts,
    ProposedAction,
    code_discount_paise,
    limit_paise,
    validate_agent_action,
)
from api.rules.registry import load_rules
from api.rules.sets import DiscountCode, DiscountLimit, Rules
from store import clock
from store.enums import BLOCKED_ACTIONS, AgentAction, AgentLevel
from store.session import open_store
from store.settings import Settings

REFUSED = "This action requires supervisor approval"
DISCOUNTS = (AgentAction.APPLY_DISCOUNT, AgentAction.MANUAL_DISCOUNT_OVER_LIMIT)
CODES = ("WELCOME5", "SORRY5", "FESTIVE10", "BULK7", "CORPORATE12")
paise = st.integers(0, 50_000_000)
parameters = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=2)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Any) -> Rules:
    settings = Settings.at(tmp_path_factory.mktemp("rules"))
    (settings.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    with open_store(settings) as store, store.read() as connection:
        return load_rules(connection, clock.now())


@st.composite
def proposals(draw: st.DrawFn) -> ProposedAction:
    action = draw(st.sampled_from(AgentAction))
    is_discount = action in DISCOUNTS
    return ProposedAction(
        action,
        draw(parameters),
        draw(st.none() | st.sampled_from(CODES)) if is_discount else None,
        draw(st.none() | paise) if is_discount else None,
        draw(st.sets(st.sampled_from(("lobster", "cake")))) if action is AgentAction.MODIFY_ORDER else (),
    )


@st.composite
def facts(draw: st.DrawFn) -> IncidenceFacts:
    by_code = draw(st.dictionaries(st.sampled_from(CODES), paise, max_size=2))
    return IncidenceFacts(draw(st.none() | paise), sum(by_code.values()), {**by_code})


persons = st.builds(
    AgentFacts, st.sampled_from(("agent-1", "agent-2")), st.sets(st.sampled_from(AgentLevel), min_size=1)
)
approvals = st.builds(
    Approval,
    st.just("approval-1"),
    st.sampled_from(AgentAction),
    parameters,
    st.sampled_from(("agent-1", "agent-2")),
    st.sampled_from((None, False, True)),
    st.booleans(),
    st.none() | paise,
)


@given(action=proposals(), incidence=facts(), agent=persons)
def test_what_is_blocked_never_passes_without_an_approval(
    rules: Rules, action: ProposedAction, incidence: IncidenceFacts, agent: AgentFacts
):
    decision = validate_agent_action(action, incidence, agent, rules)
    assert decision.allowed == (decision.action not in BLOCKED_ACTIONS)
    assert decision.reason == (None if decision.allowed else REFUSED)
    assert decision.rule_version == rules.discounts.version
    assert decision.because
    assert decision.approval_id is None
    if action.action in BLOCKED_ACTIONS:
        assert decision.action is action.action


@given(action=proposals(), incidence=facts(), agent=persons, approval=approvals)
def test_only_an_approval_of_the_very_same_that_was_not_used_lets_it_pass(
    rules: Rules, action: ProposedAction, incidence: IncidenceFacts, agent: AgentFacts, approval: Approval
):
    without = validate_agent_action(action, incidence, agent, rules)
    decision = validate_agent_action(action, incidence, agent, rules, approval)
    if without.allowed:
        assert decision == without
        return
    fits = (
        approval.is_approved is True
        and not approval.is_used
        and approval.action is without.action
        and approval.parameters == action.parameters
        and approval.requested_by == agent.agent_id
        and (without.discount_paise or 0) <= (approval.discount_paise or 0)
    )
    assert decision.allowed == fits
    assert decision.approval_id == ("approval-1" if fits else None)


@given(action=proposals(), incidence=facts(), agent=persons)
def test_an_approval_works_once(rules: Rules, action: ProposedAction, incidence: IncidenceFacts, agent: AgentFacts):
    blocked = validate_agent_action(action, incidence, agent, rules)
    assume(not blocked.allowed)
    approval = Approval(
        "approval-1", blocked.action, action.parameters, agent.agent_id, True, False, blocked.discount_paise
    )
    assert validate_agent_action(action, incidence, agent, rules, approval).allowed
    again = validate_agent_action(action, incidence, agent, rules, replace(approval, is_used=True))
    assert (again.allowed, again.reason) == (False, REFUSED)


@given(value=paise, level=st.sampled_from(AgentLevel), given_before=paise)
def test_a_discount_passes_up_to_the_limit_and_not_a_paisa_beyond(
    rules: Rules, value: int, level: AgentLevel, given_before: int
):
    limit = limit_paise(rules.discounts.limits[level], value)
    big = DiscountCode("BIG", None, value, "As much as one likes", True)
    open_handed = replace(rules, discounts=replace(rules.discounts, codes={"BIG": big}))
    incidence = IncidenceFacts(value, given_before, {})
    agent = AgentFacts("agent-1", [level])

    def passes(amount: int) -> bool:
        action = ProposedAction(AgentAction.APPLY_DISCOUNT, {}, "BIG", amount)
        return validate_agent_action(action, incidence, agent, open_handed).allowed

    left = limit - given_before
    assert passes(max(left, 0)) == (left >= 0)
    assert not passes(max(left, 0) + 1)


@given(value=paise, percent=st.sampled_from((0.1, 2.5, 5.0, 7.0, 12.0, 33.3)), most=st.none() | paise)
def test_a_code_gives_its_share_at_most_its_maximum(value: int, percent: float, most: int | None):
    code = DiscountCode("ANY", percent, most, "", True)
    share = value * round(percent * 10) // 1_000
    assert code_discount_paise(code, value) == (share if most is None else min(share, most))


@pytest.mark.parametrize(
    ("rupees", "code", "level", "is_allowed"),
    [
        (20_000, "SORRY5", AgentLevel.AGENT, True),  # 5 % is ₹1,000: both limits, met
        (20_001, "SORRY5", AgentLevel.AGENT, True),  # capped at ₹1,000
        (10_000, "FESTIVE10", AgentLevel.AGENT, False),  # 10 % is over the agent's 5 %
        (10_000, "FESTIVE10", AgentLevel.SENIOR_AGENT, True),
        (10_000, "SORRY5", AgentLevel.TECH_TEAM, False),  # gives none
        (50_000, "CORPORATE12", AgentLevel.SENIOR_AGENT, False),  # not pre-approved
        (50_000, "CORPORATE12", AgentLevel.SUPERVISOR, True),
    ],
)
def test_the_first_rules(rules: Rules, rupees: int, code: str, level: AgentLevel, is_allowed: bool):
    action = ProposedAction(AgentAction.APPLY_DISCOUNT, {}, code)
    decision = validate_agent_action(action, IncidenceFacts(rupees * 100), AgentFacts("agent-1", [level]), rules)
    assert decision.allowed == is_allowed
    assert decision.action == (AgentAction.APPLY_DISCOUNT if is_allowed else AgentAction.MANUAL_DISCOUNT_OVER_LIMIT)


def test_an_agent_of_two_levels_has_the_wider_limit(rules: Rules):
    action = ProposedAction(AgentAction.APPLY_DISCOUNT, {}, "FESTIVE10")
    both = AgentFacts("agent-1", [AgentLevel.AGENT, AgentLevel.SENIOR_AGENT])
    assert validate_agent_action(action, IncidenceFacts(1_000_000), both, rules).allowed


def test_limits_are_of_the_rules_in_force(rules: Rules):
    mean = replace(
        rules, discounts=replace(rules.discounts, version=2, limits={AgentLevel.AGENT: DiscountLimit(1.0, 100)})
    )
    action = ProposedAction(AgentAction.APPLY_DISCOUNT, {}, "SORRY5")
    decision = validate_agent_action(action, IncidenceFacts(1_000_000), AgentFacts("agent-1", ["AGENT"]), mean)
    assert (decision.allowed, decision.rule_version) == (False, 2)
