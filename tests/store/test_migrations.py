from datetime import UTC, date, datetime, time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select, text

from store.engines import schema_engine
from store.enums import (
    BLOCKED_ACTIONS,
    HIGH_VALUE_EVENTS,
    AgentLevel,
    Channel,
    EscalationLevel,
    EscalationTrigger,
    Flow,
    FrictionAction,
    RoutedChannel,
    RuleSet,
    SignalType,
)
from store.errors import StoreOutOfDate
from store.migrations import alembic_config, migrate
from store.session import HEAD_REVISION, Store, open_store
from store.settings import Settings
from store.tables import (
    discount_limits,
    escalation_rules,
    friction_rules,
    issue_categories,
    metadata,
    notification_rules,
    office_hours,
    policies,
    routing_rules,
    rule_versions,
    screens,
    store_identity,
)


@pytest.fixture
def connection(store: Store):
    with store.read() as connection:
        yield connection


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_the_migrated_schema_is_the_one_the_tables_describe(empty_store_url: str):
    migrate(empty_store_url)
    engine = schema_engine(empty_store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": _belongs_to_engine(engine.dialect.name)}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def _belongs_to_engine(dialect_name: str):
    def include(item, _name, kind, _reflected, _other) -> bool:
        options = getattr(item, "dialect_options", {}).get("postgresql", {})
        return kind != "index" or dialect_name == "postgresql" or options.get("using") != "brin"

    return include


def test_the_open_live_incidence_index_is_there_on_both_engines(connection: Connection):
    if connection.dialect.name == "sqlite":
        found = text("SELECT sql FROM sqlite_master WHERE name = 'uq_incidences_open_live'")
    else:
        found = text("SELECT indexdef FROM pg_indexes WHERE indexname = 'uq_incidences_open_live'")
    definition = connection.execute(found).scalar_one().lower()
    assert "unique" in definition
    assert "coalesce" in definition
    assert "merged_into is null" in definition


def test_migrating_again_changes_nothing(empty_store_url: str):
    migrate(empty_store_url)
    engine = schema_engine(empty_store_url)
    with engine.connect() as connection:
        before = connection.execute(select(store_identity)).all()
    migrate(empty_store_url)
    with engine.connect() as connection:
        assert connection.execute(select(store_identity)).all() == before
    engine.dispose()
    assert len(before) == 1


def test_the_code_names_the_newest_revision():
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD_REVISION


def test_a_store_that_was_never_migrated_is_refused_with_the_remedy(empty_store_url: str, tmp_path):
    with (
        pytest.raises(StoreOutOfDate, match="schema none") as refusal,
        open_store(Settings.at(tmp_path, empty_store_url)),
    ):
        pass
    assert "./supportled up" in refusal.value.remedy


def test_a_store_of_an_older_release_is_refused(empty_store_url: str, tmp_path):
    migrate(empty_store_url, "0004")
    with pytest.raises(StoreOutOfDate, match="schema 0004"), open_store(Settings.at(tmp_path, empty_store_url)):
        pass
    migrate(empty_store_url)
    with open_store(Settings.at(tmp_path, empty_store_url)):
        pass


def test_every_rule_set_has_a_first_version_in_force_since_always(connection: Connection):
    found = connection.execute(
        select(rule_versions.c.rule_set, rule_versions.c.version, rule_versions.c.valid_from)
    ).all()
    assert {row.rule_set for row in found} == set(RuleSet)
    assert {(row.version, row.valid_from) for row in found} == {(1, datetime(1, 1, 1, tzinfo=UTC))}


def test_the_owners_score_is_in_the_first_friction_rules(connection: Connection):
    rules = connection.execute(select(friction_rules)).all()
    assert {r.code: (r.threshold, r.weight) for r in rules if r.kind == "SCORE"} == {
        "INACTIVITY": (60, 30),
        "BACK_NAVIGATION": (3, 25),
        "PRICE_CHECK": (5, 20),
        "HIGH_VALUE_EVENT": (None, 15),
        "FIRST_TIME_USER": (None, 10),
    }
    assert [r.threshold for r in rules if r.kind == "HELP"] == [50]


def test_the_owners_signal_actions_are_in_the_first_friction_rules(connection: Connection):
    rules = connection.execute(select(friction_rules).where(friction_rules.c.kind == "SIGNAL")).all()
    assert {SignalType(r.signal_type): (r.threshold, FrictionAction(r.action)) for r in rules} == {
        SignalType.CHECKOUT_INACTIVITY: (60, FrictionAction.HELP_PROMPT),
        SignalType.BACK_NAVIGATION: (3, FrictionAction.HELP_PROMPT),
        SignalType.QUANTITY_CHANGE: (5, FrictionAction.QUANTITY_HELP),
        SignalType.PAYMENT_FAILED: (2, FrictionAction.CALL_OPTION),
        SignalType.MENU_COMPARISON: (180, FrictionAction.COMPARE_PACKAGES),
        SignalType.PRICE_CALCULATION: (5, FrictionAction.EXPERT_CONSULTATION),
    }
    assert {r.code for r in rules} == {r.signal_type for r in rules}
    assert {r.text_en for r in rules} >= {"Need help with quantities?", "Compare packages"}


def test_a_call_is_the_strongest_prompt_and_no_two_are_equal(connection: Connection):
    priorities = {
        code: priority
        for rules in (friction_rules, notification_rules)
        for code, priority in connection.execute(
            select(rules.c.code, rules.c.priority).where(rules.c.priority.is_not(None))
        )
    }
    assert min(priorities, key=lambda code: priorities[code]) == "PAYMENT_FAILED"
    assert len(set(priorities.values())) == 12


def test_the_owners_notifications_are_word_for_word(connection: Connection):
    rules = connection.execute(select(notification_rules)).all()
    assert {(Flow(r.flow), r.threshold, r.text_en) for r in rules} == {
        (Flow.GUEST_COUNT, 45, "Need help deciding portions?"),
        (Flow.COMPARISON, 3, "Want expert recommendation?"),
        (Flow.CUSTOMIZATION, 5, "Let us help customize"),
        (Flow.CHECKOUT, 2_500_000, "Talk to catering expert"),
        (Flow.PAYMENT, 1, "Need payment help?"),
    }


def test_the_owners_bands_route_without_gaps(connection: Connection):
    bands = connection.execute(select(routing_rules).order_by(routing_rules.c.order_value_min_paise)).all()
    assert [
        (b.order_value_min_paise, b.order_value_max_paise, b.channels, b.escalate_after_seconds) for b in bands
    ] == [
        (0, 500_000, [], None),
        (500_000, 2_500_000, [RoutedChannel.CHAT], 600),
        (2_500_000, None, [RoutedChannel.CHAT, RoutedChannel.CALL], None),
    ]


def test_the_owners_escalation_triggers_are_there(connection: Connection):
    rules = connection.execute(select(escalation_rules)).all()
    assert {
        EscalationTrigger(r.trigger): (EscalationLevel(r.level), r.order_value_over_paise, r.unresolved_over_seconds)
        for r in rules
    } == {
        EscalationTrigger.HIGH_VALUE_ORDER: (EscalationLevel.SENIOR_AGENT, 5_000_000, None),
        EscalationTrigger.SYSTEM_BUG: (EscalationLevel.TECH_TEAM, None, None),
        EscalationTrigger.POLICY_EXCEPTION: (EscalationLevel.SUPERVISOR, None, None),
        EscalationTrigger.EMOTIONAL_CRITICAL: (EscalationLevel.SENIOR_AGENT, None, None),
        EscalationTrigger.UNRESOLVED: (EscalationLevel.SUPERVISOR, None, 900),
    }


def test_every_category_and_flow_that_a_rule_names_exists(connection: Connection):
    categories = set(connection.execute(select(issue_categories.c.code)).scalars())
    named = {
        code
        for rules in (friction_rules, notification_rules)
        for code in connection.execute(select(rules.c.issue_category)).scalars()
        if code
    }
    assert named <= categories
    assert {flow for flow in connection.execute(select(screens.c.flow)).scalars() if flow} == set(Flow)
    assert set(connection.execute(select(discount_limits.c.role)).scalars()) == set(AgentLevel)


def test_policies_keep_their_json(connection: Connection):
    values = {row.code: row.value for row in connection.execute(select(policies))}
    assert values["holdout_share"] == 0.05
    assert set(values["chat_channels"].values()) <= set(Channel)
    assert set(values["always_assisted_event_types"]) == HIGH_VALUE_EVENTS
    assert values["approval_required_text"]["en"] == "This action requires supervisor approval"
    assert BLOCKED_ACTIONS


def test_the_office_is_open_every_day_from_nine_to_ten(connection: Connection):
    hours = connection.execute(select(office_hours).order_by(office_hours.c.weekday)).all()
    assert [(h.weekday, h.opens, h.closes) for h in hours] == [(day, time(9), time(22)) for day in range(7)]


def test_a_migrated_store_has_no_facts(connection: Connection):
    with_rows = {
        table.name
        for table in metadata.sorted_tables
        if connection.execute(select(func.count()).select_from(table)).scalar()
    }
    rules = {name for name in with_rows if name.endswith(("_rules", "_codes", "_limits"))}
    assert with_rows - rules == {
        "holidays", "issue_categories", "office_hours", "phrases", "policies", "rule_versions", "screens", "store_identity",
    } | ({"store_counters"} if connection.dialect.name == "sqlite" else set())  # fmt: skip
    assert connection.execute(text("SELECT count(*) FROM context_events")).scalar() == 0
    assert (
        connection.execute(
            text("SELECT count(*) FROM holidays WHERE holiday_date = :d"), {"d": date(2026, 8, 15).isoformat()}
        ).scalar()
        == 1
    )
