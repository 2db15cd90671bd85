from dataclasses import replace

import pytest

from orchestration.reports import findings
from store.enums import RecommendationState
from store.published import FrictionReason, Kpi, PastAdvice, RepeatIssue

KPI = Kpi(
    metric="prompt_uplift",
    label="Prompt effect",
    unit="POINTS",
    direction="UP",
    target=None,
    value=0.12,
    numerator=None,
    denominator=None,
    interval_low=0.09,
    interval_high=0.15,
    is_final=True,
    definition="",
    definition_version=1,
)
REASON = FrictionReason(1, "PAYMENT_FAILURE", 120, "payment", 100, 60.0, 1.0, 0, 0)


def test_an_interval_above_zero_is_an_effect() -> None:
    assert findings.uplift(0.12, 0.09, 0.15).startswith("Prompts bring more orders: +12.0 points")


@pytest.mark.parametrize(("low", "high"), [(-0.01, 0.05), (0.0, 0.05), (-0.05, 0.0)])
def test_an_interval_that_holds_zero_claims_nothing(low: float, high: float) -> None:
    assert findings.uplift(0.02, low, high).startswith("No effect")


def test_a_missing_interval_says_that_customers_are_too_few() -> None:
    assert "Too few" in findings.uplift(None, None, None)


def test_a_loss_is_written_with_a_minus_sign() -> None:
    assert findings.uplift(-0.02, -0.04, -0.01).startswith("Prompts cost orders: \N{MINUS SIGN}2.0 points")


def test_repeats_name_three_and_count_the_rest() -> None:
    issues = [RepeatIssue(category, 5, 1) for category in ("A_ONE", "B_TWO", "C_THREE", "D_FOUR")]
    assert findings.repeats(issues) == "4 issues come back unresolved: A one, B two, C three and 1 more."
    assert findings.repeats(issues[:1]) == "1 issue comes back unresolved: A one."


def test_self_serve_is_compared_with_the_week_before() -> None:
    here = replace(KPI, unit="RATE", value=0.82)
    assert findings.self_serve(here, replace(here, value=0.80)).endswith("+2.0 points against the week before.")
    assert findings.self_serve(here, replace(here, value=None)) == "82.0% of orders needed no help."
    assert findings.self_serve(replace(here, value=None), here) == "No orders were placed in this period."


def test_the_first_reason_is_put_against_all_shown() -> None:
    assert findings.reasons([REASON, replace(REASON, rank=2, incidence_count=40)]).startswith(
        "Payment failure is 75.0%"
    )
    assert findings.reasons([]) == "No friction was recorded."


PAST = PastAdvice(
    "2026-W46", 1, "PAYMENT_FAILURE", "payment", "Make it hold", RecommendationState.DONE, 40, 12, 100_000_00, 0
)


def test_past_advice_is_told_with_its_state_and_what_moved() -> None:
    assert findings.moved(PAST) == "40 incidences then, 12 now; lost carts ₹1.0 lakh then, ₹0 now"
    assert findings.moved(replace(PAST, lost_value_paise_then=0)) == "40 incidences then, 12 now"
    assert findings.advised([PAST, replace(PAST, incidence_count=50)]) == (
        "Of last week's 2 first items, 1 came up less often this week"
    )


@pytest.mark.parametrize("state", RecommendationState)
def test_every_state_of_an_advice_has_words(state: RecommendationState) -> None:
    assert findings.STATES[state]
    assert findings.STATE_NAMES[state]
