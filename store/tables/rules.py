"""Rules are rows. A set is replaced whole by a new version; nothing is edited, so history can be judged by the version in
force at the time."""

from typing import Any

from sqlalchemy import Boolean, Column, Date, Float, Integer, String, Table, Text, Time

from store.tables.columns import change_seq, document, instant, metadata, paise, reference, word

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_set", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    instant("valid_from", nullable=False),
    reference("created_by"),
    change_seq(),
)
"""The version of a set in force at an instant is the highest one whose `valid_from` is not after it."""


def _rule_table(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name, metadata, Column("version", Integer, primary_key=True, autoincrement=False), *columns, change_seq()
    )


def _code(length: int = 64) -> Column[str]:
    return Column("code", String(length), primary_key=True)


friction_rules = _rule_table(
    "friction_rules",
    Column("kind", String(64), primary_key=True),
    _code(),
    word("signal_type", nullable=True),
    Column("threshold", Float),
    Column("weight", Integer),
    word("action", nullable=True),
    Column("priority", Integer),
    Column("text_en", String(300)),
    Column("text_hi", String(300)),
    Column("issue_category", String(128)),
)
"""kind SCORE: adds `weight` when the input is over `threshold` (or is true). kind SIGNAL: `action` is due when the signal's
count or duration is over `threshold`. kind HELP: help is due when the score is over `threshold`. Of several that are due, here and in
`notification_rules`, the one with the lowest `priority` is shown."""

routing_rules = _rule_table(
    "routing_rules",
    Column("order_value_min_paise", paise("x").type, primary_key=True, autoincrement=False),
    paise("order_value_max_paise"),
    document("channels", nullable=False),
    Column("escalate_after_seconds", Integer),
)
"""Half-open bands [min, max) in paise; the last has no max."""

escalation_rules = _rule_table(
    "escalation_rules",
    Column("trigger", String(64), primary_key=True),
    word("level"),
    paise("order_value_over_paise"),
    Column("unresolved_over_seconds", Integer),
)

notification_rules = _rule_table(
    "notification_rules",
    _code(),
    word("flow"),
    word("condition"),
    Column("threshold", Float, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("text_en", String(300), nullable=False),
    Column("text_hi", String(300), nullable=False),
    Column("offers_person", Boolean, nullable=False),
    Column("issue_category", String(128)),
)

discount_codes = _rule_table(
    "discount_codes",
    _code(),
    Column("percent", Float),
    paise("max_paise"),
    Column("description", String(300), nullable=False),
    Column("is_pre_approved", Boolean, nullable=False),
)

discount_limits = _rule_table(
    "discount_limits",
    Column("role", String(32), primary_key=True),
    Column("max_percent", Float, nullable=False),
    paise("max_paise", nullable=False),
)

issue_categories = _rule_table(
    "issue_categories",
    _code(128),
    Column("name_en", String(200), nullable=False),
    Column("name_hi", String(200), nullable=False),
)

screens = _rule_table("screens", _code(128), word("flow", nullable=True))

phrases = _rule_table(
    "phrases",
    Column("language", String(16), primary_key=True),
    Column("phrase", String(200), primary_key=True),
    word("kind"),
)

office_hours = _rule_table(
    "office_hours",
    Column("weekday", Integer, primary_key=True, autoincrement=False),
    Column("opens", Time, primary_key=True),
    Column("closes", Time, nullable=False),
)
"""weekday 0 is Monday; opens and closes are Indian time."""

holidays = _rule_table(
    "holidays", Column("holiday_date", Date, primary_key=True), Column("name", String(200), nullable=False)
)

policies = _rule_table(
    "policies", _code(), document("value", nullable=False), Column("description", Text, nullable=False)
)
"""Single settings that a live decision uses: holdout share, caps, snooze, expiry, the channel map, approval texts."""
