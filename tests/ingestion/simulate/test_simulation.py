"""A simulated city is what a real app would leave behind, and the same arguments always give the same one."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from ingestion.simulate import simulate
from ingestion.simulate.catalogue import MAX_RUPEES, MIN_RUPEES
from ingestion.simulate.city import FLOW_OF_SCREEN, POST_ORDER_TOPICS, PRE_ORDER_TOPICS
from ingestion.simulate.seed import Demo
from ingestion.simulate.texts import BREACHES
from store import enums
from store.ids import is_in_holdout
from store.migrations.first_phrases import PHRASES
from store.migrations.first_rules import ISSUE_CATEGORIES, SCREENS
from tests.ingestion.simulate.frames import DAYS, HOUR, SECOND, UNTIL, UNTIL_US, USERS, Frames, frames_of


@pytest.fixture(scope="module")
def events(frames: Frames) -> pd.DataFrame:
    """Both halves of the log, in the server's order."""
    signals = frames["friction_signals"].assign(kind="SIGNAL")
    return pd.concat([signals, frames["context_updates"]]).sort_values("seq", ignore_index=True)


def _hash(demo: Demo) -> str:
    digest = hashlib.sha256()
    for rows in demo.rows:
        digest.update(repr((rows.table.name, list(rows.columns))).encode())
        for batch in rows.batches():
            digest.update(repr(batch).encode())
    return digest.hexdigest()


def test_the_same_arguments_give_the_same_rows_to_the_byte() -> None:
    first, again, other = (simulate(until=UNTIL, seed=seed, days=8, users=200) for seed in (3, 3, 4))
    assert _hash(first) == _hash(again)
    assert first.truth == again.truth
    assert _hash(first) != _hash(other)


def test_the_size_follows_users_and_days(demo: Demo) -> None:
    share = USERS * DAYS / (20_000 * 90)
    assert demo.truth.totals["friction_signals"] == pytest.approx(1_000_000 * share, rel=0.2)
    assert demo.truth.totals["orders"] == pytest.approx(60_000 * share, rel=0.05)
    assert demo.truth.totals["incidences"] > 15_000 * share


@pytest.mark.release
def test_the_default_city_has_its_size() -> None:
    totals = simulate(until=UNTIL).truth.totals
    assert totals["friction_signals"] == pytest.approx(1_000_000, rel=0.1)
    assert totals["orders"] == pytest.approx(60_000, rel=0.02)
    assert totals["incidences"] == pytest.approx(15_000, rel=0.05)


@pytest.mark.parametrize(
    ("table", "column", "target"),
    [
        ("context_updates", "user_id", "users"),
        ("friction_signals", "user_id", "users"),
        ("friction_scores", "user_id", "users"),
        ("user_context", "user_id", "users"),
        ("suppressions", "user_id", "users"),
        ("orders", "user_id", "users"),
        ("prompts", "user_id", "users"),
        ("prompts", "score_id", "friction_scores"),
        ("prompts", "incidence_id", "incidences"),
        ("incidences", "user_id", "users"),
        ("incidences", "order_id", "orders"),
        ("incidences", "prompt_id", "prompts"),
        ("incidences", "agent_id", "agents"),
        ("incidence_timeline", "incidence_id", "incidences"),
        ("incidence_timeline", "agent_id", "agents"),
        ("escalation_log", "incidence_id", "incidences"),
        ("escalation_log", "to_agent_id", "agents"),
        ("agent_actions", "incidence_id", "incidences"),
        ("agent_actions", "agent_id", "agents"),
        ("order_change_requests", "incidence_id", "incidences"),
        ("order_change_requests", "order_id", "orders"),
        ("order_change_requests", "action_id", "agent_actions"),
        ("webhook_events", "incidence_id", "incidences"),
        ("platform_conversations", "incidence_id", "incidences"),
        ("platform_identities", "user_id", "users"),
    ],
)
def test_every_id_exists(frames: Frames, table: str, column: str, target: str) -> None:
    key = {"friction_scores": "score_id", "agent_actions": "action_id"}.get(target, f"{target.removesuffix('s')}_id")
    found = set(frames[table][column].dropna())
    assert found
    assert found <= set(frames[target][key])


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("friction_signals", "signal_type", enums.SignalType),
        ("context_updates", "kind", enums.ContextUpdateKind),
        ("orders", "status", enums.OrderStatus),
        ("orders", "event_type", enums.EventType),
        ("users", "tier", enums.Tier),
        ("prompts", "status", enums.PromptStatus),
        ("incidences", "outcome", enums.Outcome),
        ("incidences", "channel", enums.Channel),
        ("incidences", "order_impact", enums.OrderImpact),
        ("incidences", "escalation_level", enums.EscalationLevel),
        ("incidence_timeline", "event_type", enums.TimelineEvent),
        ("incidence_timeline", "status_after", enums.IncidenceStatus),
        ("escalation_log", "trigger", enums.EscalationTrigger),
        ("agent_actions", "action", enums.AgentAction),
        ("order_change_requests", "status", enums.OrderChangeStatus),
    ],
)
def test_every_word_is_one_of_the_products(frames: Frames, table: str, column: str, words: type[enums.StrEnum]) -> None:
    assert set(frames[table][column].dropna()) <= set(words)


def test_screens_flows_categories_and_phrases_are_those_of_the_first_rules() -> None:
    flows = {row["code"]: row["flow"] for row in SCREENS}
    assert FLOW_OF_SCREEN.items() <= flows.items()
    topics = (*PRE_ORDER_TOPICS, *POST_ORDER_TOPICS)
    assert {topic.screen for topic in topics} <= flows.keys()
    assert {topic.category for topic in topics} <= {row["code"] for row in ISSUE_CATEGORIES}
    for (kind, language), texts in BREACHES.items():
        phrases = [row["phrase"] for row in PHRASES if (row["kind"], row["language"]) == (kind, language)]
        assert all(any(phrase in text.lower() for phrase in phrases) for text in texts)


def test_nothing_happens_outside_the_period(demo: Demo) -> None:
    start = UNTIL_US - DAYS * 24 * HOUR
    columns = {
        "context_updates": "recorded_at",
        "friction_signals": "recorded_at",
        "friction_scores": "evaluated_at",
        "orders": "updated_at",
        "prompts": "due_at",
        "incidences": "created_at",
        "incidence_timeline": "occurred_at",
        "escalation_log": "escalated_at",
        "agent_actions": "acted_at",
        "order_change_requests": "requested_at",
    }
    frames = frames_of(demo)
    for table, column in columns.items():
        times = frames[table][column]
        assert start <= times.min() <= times.max() < UNTIL_US, table


def test_the_log_has_one_order_that_time_never_contradicts(events: pd.DataFrame) -> None:
    assert events["seq"].tolist() == list(range(1, len(events) + 1))
    assert events["recorded_at"].is_monotonic_increasing
    within = events.groupby("session_id")["recorded_at"].diff().dropna()
    assert within.min() > 0
    assert (within <= 30 * 60 * SECOND).all(), "a session ends after 30 minutes of silence"


def test_a_users_profile_comes_first_and_once(events: pd.DataFrame) -> None:
    profiles = events[events["kind"] == "PROFILE"]
    assert profiles["user_id"].is_unique
    assert set(profiles["user_id"]) == set(events["user_id"])
    assert (events.groupby("user_id")["kind"].first() == "PROFILE").all()


def test_carts_and_orders_are_worth_their_items(frames: Frames) -> None:
    prices = frames["catalogue_items"].set_index("item_id")[["price_paise", "is_priced_per_plate"]]

    def worth(items: str, guests: int) -> int:
        found = [(prices.loc[line["itemId"]], line["quantity"]) for line in json.loads(items)]
        return sum(p["price_paise"] * n * (guests if p["is_priced_per_plate"] else 1) for p, n in found)

    carts = frames["context_updates"].query("kind == 'CART'").head(300)
    orders = frames["orders"].head(300)
    assert [worth(i, g) for i, g in zip(carts["cart_items"], carts["guest_count"], strict=True)] == carts[
        "cart_value_paise"
    ].tolist()
    assert [worth(i, g) for i, g in zip(orders["items"], orders["guest_count"], strict=True)] == orders[
        "value_paise"
    ].tolist()
    assert frames["orders"]["value_paise"].between(MIN_RUPEES * 100, MAX_RUPEES * 100).all()


def test_an_order_is_worth_the_users_last_cart(frames: Frames) -> None:
    carts = frames["context_updates"].query("kind == 'CART'")[["user_id", "recorded_at", "cart_value_paise"]]
    orders = frames["orders"][["user_id", "placed_at", "value_paise"]]
    joined = pd.merge_asof(
        orders.astype({"placed_at": "int64"}).sort_values("placed_at"),
        carts.astype({"recorded_at": "int64"}).sort_values("recorded_at"),
        left_on="placed_at",
        right_on="recorded_at",
        by="user_id",
    )
    assert (joined["value_paise"] == joined["cart_value_paise"]).all()


def test_people_help_only_where_routing_allows_it(frames: Frames) -> None:
    incidences = frames["incidences"]
    is_high = incidences["event_type"].isin(list(enums.HIGH_VALUE_EVENTS))
    allowed = is_high | (incidences["order_value_paise"] >= 500_000)
    assert (incidences["is_self_serve"] == ~allowed).all()
    alone = incidences[incidences["is_self_serve"]]
    assert alone[["opened_at", "agent_id", "channel", "escalation_level"]].isna().all(axis=None)
    first_call = incidences["first_channel"] == "CALL"
    assert (is_high | (incidences["order_value_paise"] >= 2_500_000))[first_call].all()


def test_escalations_keep_the_owners_clocks(frames: Frames) -> None:
    log = frames["escalation_log"].merge(frames["incidences"], on="incidence_id", suffixes=("", "_of"))
    assert not frames["escalation_log"].duplicated(["incidence_id", "trigger", "level"]).any()
    waited = log["escalated_at"] - log["opened_at"]
    for trigger, seconds in (("CHAT_UNRESOLVED", 600), ("UNRESOLVED", 900)):
        late = waited[log["trigger"] == trigger] - seconds * SECOND
        assert late.between(0, 5 * SECOND).all()
    over = log[log["trigger"] == "HIGH_VALUE_ORDER"]
    assert (over["order_value_paise"] > 5_000_000).all()
    closed = log["resolved_at"].notna() & (log["reopen_count"] == 0)
    assert (log["escalated_at"] < log["resolved_at"])[closed].all()
    unresolved = frames["incidences"].query("opened_at.notna()")
    long = unresolved[
        (unresolved["resolved_at"].fillna(UNTIL_US) - unresolved["opened_at"] > 910 * SECOND)
        & unresolved["agent_id"].notna()
        & (unresolved["reopen_count"] == 0)
    ]
    assert set(long["incidence_id"]) <= set(log[log["trigger"] == "UNRESOLVED"]["incidence_id"])


@pytest.mark.parametrize("until", [UNTIL, UNTIL + timedelta(minutes=5), UNTIL + timedelta(hours=16)], ids=str)
def test_the_desk_is_left_at_work(until: datetime) -> None:
    demo = frames_of(simulate(until=until, days=12, users=3_000))
    end = int(until.timestamp()) * SECOND
    open_now = (
        demo["incidences"].query("outcome.isna() and opened_at > 0 and not is_self_serve").set_index("incidence_id")
    )
    open_now = open_now[open_now["opened_at"] > end - HOUR]
    assert 10 <= len(open_now) <= 15
    assert 0 < open_now["agent_id"].isna().sum() < len(open_now), "some wait, some are helped"
    assert 0 < open_now["escalation_level"].notna().sum() < len(open_now)
    assert not open_now["user_id"].duplicated().any()
    # What live services go by is there: clocks, whoever runs them, and where in the app the user is with what cart.
    clocks = demo["timers"][demo["timers"]["incidence_id"].isin(open_now.index)]
    assert set(clocks["incidence_id"]) == set(open_now.index)
    fired = demo["escalation_log"].rename(columns={"trigger": "kind"})
    fired = clocks.merge(fired, on=["incidence_id", "kind"], how="left")
    assert (fired["done_at"].fillna(0) == fired["escalated_at"].fillna(0)).all()
    assert (fired["due_at"] + 3 * SECOND > end)[fired["done_at"].isna()].all()
    context = demo["user_context"].set_index("user_id").loc[open_now["user_id"]]
    assert (context["current_screen"] == "help").all()
    assert (context["updated_at"].to_numpy() == open_now["opened_at"].to_numpy()).all()
    assert (context["screen_stack"].map(json.loads).map(len) > 1).all()
    # No platform has these conversations, so nothing may be told to one of them, or asked.
    assert not demo["platform_conversations"]["is_open"].any()
    assert not set(demo["platform_conversations"]["incidence_id"]) & set(open_now.index)
    asked = demo["approvals"][demo["approvals"]["decided_at"].isna()]
    assert set(asked["incidence_id"]) <= set(open_now.index)


def test_a_user_is_in_the_flow_last_entered(frames: Frames) -> None:
    """As the live fold has it: a score that goes by another is not what the warehouse recomputes."""
    shown = frames["context_updates"].dropna(subset="flow").sort_values("seq")
    entered = shown.groupby("session_id")["flow"].last()
    context = frames["user_context"].set_index("session_id")
    assert (context["current_flow"].fillna("") == entered.reindex(context.index).fillna("")).all()
    assert context.loc[context["current_screen"] == "help", "current_flow"].notna().any()


def test_a_timeline_tells_what_its_incidence_says(frames: Frames) -> None:
    timeline = frames["incidence_timeline"].sort_values(["incidence_id", "occurred_at"], kind="stable")
    incidences = frames["incidences"].set_index("incidence_id")
    first = timeline.groupby("incidence_id").first()
    assert (first["event_type"] == "CREATED").all()
    assert (first["occurred_at"] == incidences["created_at"].reindex(first.index)).all()
    closings = timeline[timeline["event_type"] == "CLOSED"].groupby("incidence_id").last()
    assert (closings["status_after"] == incidences["outcome"].reindex(closings.index)).all()
    assert (closings["occurred_at"] == incidences["resolved_at"].reindex(closings.index)).all()
    assert set(closings.index) == set(incidences[incidences["outcome"].notna()].index)
    reopened = timeline[timeline["event_type"] == "REOPENED"].groupby("incidence_id").size()
    assert reopened.equals(incidences["reopen_count"].reindex(reopened.index).astype("int64").rename(None))
    texts = timeline[timeline["text"].notna()]
    assert (texts["text"].str.len() == texts["text_length"]).all()


def test_converted_incidences_have_the_order_that_closed_them(frames: Frames) -> None:
    converted = frames["incidences"].query("outcome == 'CONVERTED'").merge(frames["orders"], on="order_id")
    assert len(converted) == (frames["incidences"]["outcome"] == "CONVERTED").sum() > 0
    assert (converted["user_id_x"] == converted["user_id_y"]).all()
    assert (converted["resolved_at"] > converted["placed_at"]).all()
    assert (converted["resolved_at"] - converted["placed_at"] < 2 * SECOND).all()


def test_only_the_holdout_is_withheld(frames: Frames, demo: Demo) -> None:
    prompts = frames["prompts"]
    drawn = [is_in_holdout(user_id, demo.truth.holdout_share) for user_id in prompts["user_id"]]
    assert prompts["is_holdout"].tolist() == drawn
    assert ((prompts["status"] == "WITHHELD") == prompts["is_holdout"]).all()
    assert prompts[prompts["is_holdout"]][["shown_at", "incidence_id"]].isna().all(axis=None)
    assert not prompts.duplicated(["session_id", "rule_set", "rule_code"]).any()
    assert (prompts["score"] > 50).all()


def test_people_write_english_hindi_and_the_mix(frames: Frames) -> None:
    texts = frames["incidence_timeline"]["text"].dropna()
    is_hindi = texts.str.contains(r"[\u0900-\u097f]")
    is_mixed = texts.str.contains(r"\b(?:hai|kya|karna|kitna|liye)\b")
    assert is_hindi.mean() > 0.05
    assert is_mixed.mean() > 0.02
    assert (~is_hindi & ~is_mixed).mean() > 0.3


def test_nobody_has_a_telephone_that_rings(frames: Frames) -> None:
    assert frames["users"]["phone"].str.fullmatch(r"\+91 00000 \d{5}").all()


def test_the_webhooks_redacted_bodies_hold_no_text(frames: Frames) -> None:
    webhooks = frames["webhook_events"]
    merged = webhooks.merge(
        frames["incidence_timeline"][["incidence_id", "occurred_at", "text"]], on=["incidence_id", "occurred_at"]
    ).dropna(subset=["text"])
    assert len(merged) > 50
    for body, redacted, text in zip(merged["body"], merged["redacted_body"], merged["text"], strict=True):
        assert text in body.decode()
        assert text not in redacted


def test_weddings_have_their_season_and_offices_their_weekdays() -> None:
    def share(month: int, event_type: str) -> float:
        until = datetime(2026, month, 20, 18, 30, tzinfo=UTC)
        orders = frames_of(simulate(until=until, days=14, users=2_000))["orders"]
        return (orders["event_type"] == event_type).mean()

    assert share(12, "WEDDING") > 2 * share(9, "WEDDING")
    orders = frames_of(simulate(until=UNTIL, days=28, users=2_000))["orders"]
    weekday = pd.to_datetime(orders["placed_at"].astype("int64") + 19_800 * SECOND, unit="us").dt.day_of_week
    is_office = orders["event_type"] == "CORPORATE"
    assert is_office[weekday < 5].mean() > 3 * is_office[weekday >= 5].mean()
