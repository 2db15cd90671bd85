"""The warehouse finds what the demo cities planted: it is built from them as from any other facts."""

from typing import Any

from store.published import open_current
from tests.cities import City

NARROW = 0.08
EVERY_RECOMPUTED_SCORE = """
    select count(*) as scores, count(*) filter (where score <> live_score) as different
    from marts.fct_friction_scores where is_live
"""


def _query(city: City, sql: str) -> list[dict[str, Any]]:
    with open_current(city.settings) as published:
        return published.query(sql)


def _uplift(city: City) -> dict[str, Any]:
    rows = _query(city, "select * from marts.fct_prompt_uplift where \"window\" = 'SINCE_START' and is_demo")
    assert len(rows) == 1
    return rows[0]


def test_the_interval_holds_the_planted_uplift_and_excludes_zero(first_city: City) -> None:
    uplift = _uplift(first_city)
    assert first_city.truth.uplift == 0.12
    assert 0 < uplift["interval_low"] < first_city.truth.uplift < uplift["interval_high"]
    assert uplift["interval_high"] - uplift["interval_low"] < NARROW


def test_prompts_that_do_nothing_are_seen_to_do_nothing(second_city: City) -> None:
    uplift = _uplift(second_city)
    assert second_city.truth.uplift == 0.0
    assert uplift["interval_low"] < 0 < uplift["interval_high"]
    assert uplift["interval_high"] - uplift["interval_low"] < NARROW


def test_the_screen_that_gets_worse_comes_first(first_city: City) -> None:
    ranked = _query(
        first_city,
        "select * from marts.fct_weekly_recommendations where period = 'last_7_days' and is_demo order by rank limit 2",
    )
    first, second = ranked
    assert (first["app_screen"], first["issue_category"]) == (
        first_city.truth.worst_screen,
        first_city.truth.worst_category,
    )
    assert first["value_at_risk_paise"] > 2 * second["value_at_risk_paise"]
    assert first["trend_rate"] > 1


def test_the_categories_that_repeat_are_found_and_no_others(first_city: City) -> None:
    rows = _query(
        first_city,
        "select period, issue_category from marts.fct_repeat_issues "
        "where scope = 'CATEGORY' and is_demo and period <> 'last_7_days' and issue_category <> 'UNCLASSIFIED'",
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["period"], set()).add(row["issue_category"])
    planted = {week: set(categories) for week, categories in first_city.truth.repeated_categories.items()}
    assert found == planted
    assert all(first_city.truth.rare_category not in categories for categories in found.values())


def test_the_users_who_come_back_with_the_same_problem_are_found(first_city: City) -> None:
    rows = _query(
        first_city,
        "select period, user_id, issue_category from marts.fct_repeat_issues "
        "where scope = 'USER' and is_demo and period <> 'last_7_days'",
    )
    found = {(row["period"], row["user_id"], row["issue_category"]) for row in rows}
    assert found == {tuple(repeat) for repeat in first_city.truth.repeated_users}
    assert found


def test_the_agents_who_break_rules_have_the_most_blocked_actions(first_city: City) -> None:
    rows = _query(
        first_city,
        "select agent_id, count(*) filter (where not is_allowed) as blocked from marts.fct_agent_actions "
        "where is_demo group by agent_id order by blocked desc",
    )
    breakers = first_city.truth.rule_breakers
    found = {row["agent_id"]: row["blocked"] for row in rows[: len(breakers)]}
    assert found == {agent_id: counts["blocked_actions"] for agent_id, counts in breakers.items()}
    assert rows[len(breakers)]["blocked"] < min(found.values()) / 2


def test_flagged_messages_point_to_the_same_agents(first_city: City) -> None:
    rows = _query(
        first_city,
        "select agent_id, count(*) as flagged from marts.fct_incidence_events "
        "where is_demo and is_flagged group by agent_id order by flagged desc",
    )
    breakers = first_city.truth.rule_breakers
    found = {row["agent_id"]: row["flagged"] for row in rows[: len(breakers)]}
    assert found == {agent_id: counts["flagged_messages"] for agent_id, counts in breakers.items()}


def test_sql_computes_every_score_as_the_simulation_did(first_city: City) -> None:
    counted = _query(first_city, EVERY_RECOMPUTED_SCORE)[0]
    assert counted["scores"] == first_city.truth.totals["friction_scores"]
    assert counted["different"] == 0
