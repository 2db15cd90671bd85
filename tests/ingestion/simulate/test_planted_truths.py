"""What is planted in a simulated city is there, and is what its truth file says."""

import pandas as pd
import pytest

from ingestion.simulate import simulate
from ingestion.simulate.seed import Demo
from tests.ingestion.simulate.frames import DAYS, HOUR, SECOND, UNTIL, UNTIL_US, Frames, frames_of


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("city", "uplift"), [("first", 0.12), ("second", 0.0)])
def test_the_uplift_is_the_planted_one_whatever_the_seed(seed: int, city: str, uplift: float) -> None:
    demo = simulate(until=UNTIL, seed=seed, days=30, users=1_000, city=city)
    frames = frames_of(demo)
    moments = frames["prompts"].groupby("user_id").agg({"due_at": "min", "is_holdout": "first"})
    orders = frames["orders"].groupby("user_id")["placed_at"].apply(list)
    moments["placed"] = orders.reindex(moments.index)
    moments["converted"] = [
        isinstance(placed, list) and any(0 <= at - due < 24 * HOUR for at in placed)
        for due, placed in zip(moments["due_at"], moments["placed"], strict=True)
    ]
    rates = moments.groupby("is_holdout")["converted"].mean()
    assert demo.truth.uplift == uplift
    assert rates[False] - rates[True] == pytest.approx(uplift, abs=0.015)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_payment_screen_gets_worse_week_by_week(seed: int) -> None:
    incidences = frames_of(simulate(until=UNTIL, seed=seed, days=42, users=1_500))["incidences"]
    week = (UNTIL_US - 1 - incidences["created_at"]) // (7 * 24 * HOUR)
    counts = week[incidences["issue_category"] == "PAYMENT_FAILURE"].value_counts()
    assert counts[0] > counts[1] > counts[2]
    lost = incidences[week == 0].groupby(["issue_category", "app_screen"])["lost_value_paise"].sum().sort_values()
    assert lost.index[-1] == ("PAYMENT_FAILURE", "payment")
    assert lost.iloc[-1] > 2 * lost.iloc[-2]


def test_truth_names_what_repeats_and_the_rare_category_never_does(demo: Demo, frames: Frames) -> None:
    week = pd.to_datetime(
        frames["incidences"]["created_at"].astype("int64") + 19_800 * SECOND, unit="us"
    ).dt.isocalendar()
    counts = frames["incidences"].groupby([week["year"], week["week"], "issue_category"]).size()
    found: dict[str, list[str]] = {}
    for (year, number, category), count in counts.items():  # pyright: ignore[reportGeneralTypeIssues]
        if count > 3:
            found.setdefault(f"{year}-W{number:02d}", []).append(category)
    assert found == demo.truth.repeated_categories
    assert all(demo.truth.rare_category not in categories for categories in found.values())
    assert (frames["incidences"]["issue_category"] == demo.truth.rare_category).any()
    assert len(demo.truth.repeated_users) >= 2 * (DAYS // 7 - 1)


def test_four_agents_break_rules_and_the_rest_hardly_ever(demo: Demo, frames: Frames) -> None:
    actions = frames["agent_actions"]
    blocked = actions[~actions["is_allowed"].astype(bool)]
    assert (blocked["reason"] == "This action requires supervisor approval").all()
    counts = blocked["agent_id"].value_counts()
    breakers = demo.truth.rule_breakers
    assert len(breakers) == 4
    assert {agent_id: counts[agent_id] for agent_id in breakers} == {
        agent_id: found["blocked_actions"] for agent_id, found in breakers.items()
    }
    assert counts.drop(list(breakers)).sum() < counts.sum() / 4
