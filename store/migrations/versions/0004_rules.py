"""Versioned rules and the store's own book-keeping."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_versions",
        sa.Column("rule_set", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule_set", "version", name="pk_rule_versions"),
    )
    op.create_index("ix_rule_versions_change_seq", "rule_versions", ["change_seq"], unique=False)
    op.create_table(
        "friction_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("signal_type", sa.String(length=64), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("text_en", sa.String(length=300), nullable=True),
        sa.Column("text_hi", sa.String(length=300), nullable=True),
        sa.Column("issue_category", sa.String(length=128), nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "kind", "code", name="pk_friction_rules"),
    )
    op.create_index("ix_friction_rules_change_seq", "friction_rules", ["change_seq"], unique=False)
    op.create_table(
        "routing_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_value_min_paise", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_value_max_paise", sa.BigInteger(), nullable=True),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("escalate_after_seconds", sa.Integer(), nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "order_value_min_paise", name="pk_routing_rules"),
    )
    op.create_index("ix_routing_rules_change_seq", "routing_rules", ["change_seq"], unique=False)
    op.create_table(
        "escalation_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("order_value_over_paise", sa.BigInteger(), nullable=True),
        sa.Column("unresolved_over_seconds", sa.Integer(), nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "trigger", name="pk_escalation_rules"),
    )
    op.create_index("ix_escalation_rules_change_seq", "escalation_rules", ["change_seq"], unique=False)
    op.create_table(
        "notification_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("flow", sa.String(length=64), nullable=False),
        sa.Column("condition", sa.String(length=64), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("text_en", sa.String(length=300), nullable=False),
        sa.Column("text_hi", sa.String(length=300), nullable=False),
        sa.Column("offers_person", sa.Boolean(), nullable=False),
        sa.Column("issue_category", sa.String(length=128), nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "code", name="pk_notification_rules"),
    )
    op.create_index("ix_notification_rules_change_seq", "notification_rules", ["change_seq"], unique=False)
    op.create_table(
        "discount_codes",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("percent", sa.Float(), nullable=True),
        sa.Column("max_paise", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("is_pre_approved", sa.Boolean(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "code", name="pk_discount_codes"),
    )
    op.create_index("ix_discount_codes_change_seq", "discount_codes", ["change_seq"], unique=False)
    op.create_table(
        "discount_limits",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("max_percent", sa.Float(), nullable=False),
        sa.Column("max_paise", sa.BigInteger(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "role", name="pk_discount_limits"),
    )
    op.create_index("ix_discount_limits_change_seq", "discount_limits", ["change_seq"], unique=False)
    op.create_table(
        "issue_categories",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_hi", sa.String(length=200), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "code", name="pk_issue_categories"),
    )
    op.create_index("ix_issue_categories_change_seq", "issue_categories", ["change_seq"], unique=False)
    op.create_table(
        "screens",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("flow", sa.String(length=64), nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "code", name="pk_screens"),
    )
    op.create_index("ix_screens_change_seq", "screens", ["change_seq"], unique=False)
    op.create_table(
        "phrases",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("phrase", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "language", "phrase", name="pk_phrases"),
    )
    op.create_index("ix_phrases_change_seq", "phrases", ["change_seq"], unique=False)
    op.create_table(
        "office_hours",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weekday", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "weekday", "opens", name="pk_office_hours"),
    )
    op.create_index("ix_office_hours_change_seq", "office_hours", ["change_seq"], unique=False)
    op.create_table(
        "holidays",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holiday_date", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "holiday_date", name="pk_holidays"),
    )
    op.create_index("ix_holidays_change_seq", "holidays", ["change_seq"], unique=False)
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "code", name="pk_policies"),
    )
    op.create_index("ix_policies_change_seq", "policies", ["change_seq"], unique=False)
    op.create_table(
        "store_identity",
        sa.Column("store_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name="pk_store_identity"),
    )
    op.create_table(
        "store_counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_store_counters"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key_id", sa.String(length=128), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name="pk_idempotency_keys"),
    )
    op.create_table(
        "deletions",
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("row_key", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("deleted_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_key", name="pk_deletions"),
    )
    op.create_index("ix_deletions_change_seq", "deletions", ["change_seq"], unique=False)
    op.create_table(
        "recommendation_states",
        sa.Column("recommendation_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("changed_by", sa.String(length=128), nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recommendation_id", name="pk_recommendation_states"),
    )
    op.create_index("ix_recommendation_states_change_seq", "recommendation_states", ["change_seq"], unique=False)
