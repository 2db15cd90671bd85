"""Incidences, what happened to them, and the chat platforms."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incidences",
        sa.Column("incidence_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("first_channel", sa.String(length=64), nullable=True),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.Column("is_self_serve", sa.Boolean(), nullable=False),
        sa.Column("app_screen", sa.String(length=128), nullable=True),
        sa.Column("user_inputs", sa.JSON(), nullable=True),
        sa.Column("selected_items", sa.JSON(), nullable=True),
        sa.Column("issue_category", sa.String(length=128), nullable=True),
        sa.Column("root_cause", sa.String(length=500), nullable=True),
        sa.Column("resolution_type", sa.String(length=128), nullable=True),
        sa.Column("order_impact", sa.String(length=64), nullable=True),
        sa.Column("time_to_resolve_seconds", sa.Float(), nullable=True),
        sa.Column("event_type", sa.String(length=64), nullable=True),
        sa.Column("order_value_paise", sa.BigInteger(), nullable=True),
        sa.Column("lost_value_paise", sa.BigInteger(), nullable=True),
        sa.Column("allowed_channels", sa.JSON(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("prompt_id", sa.String(length=128), nullable=True),
        sa.Column("escalation_level", sa.String(length=64), nullable=True),
        sa.Column("agent_id", sa.String(length=128), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("assigned_at", INSTANT, nullable=True),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("reopen_count", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.String(length=36), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incidence_id", name="pk_incidences"),
        sa.UniqueConstraint("source", "source_id", name="uq_incidences_source_source_id"),
    )
    op.create_index("ix_incidences_change_seq", "incidences", ["change_seq"], unique=False)
    op.create_index(
        "ix_incidences_order_id",
        "incidences",
        ["order_id"],
        unique=False,
        sqlite_where=sa.text("order_id IS NOT NULL"),
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index("ix_incidences_user_id_created_at", "incidences", ["user_id", "created_at"], unique=False)
    op.create_index(
        "ix_incidences_waiting",
        "incidences",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("outcome IS NULL AND opened_at IS NOT NULL"),
        postgresql_where=sa.text("outcome IS NULL AND opened_at IS NOT NULL"),
    )
    op.create_index(
        "uq_incidences_open_live",
        "incidences",
        ["user_id", "stage", sa.literal_column("coalesce(order_id, '')")],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL AND merged_into IS NULL AND source = 'app'"),
        postgresql_where=sa.text("outcome IS NULL AND merged_into IS NULL AND source = 'app'"),
    )
    op.create_table(
        "incidence_timeline",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("actor_type", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=128), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("status_after", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("text_length", sa.Integer(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("source_event_id", sa.String(length=128), nullable=True),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("is_reached", sa.Boolean(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_incidence_timeline"),
    )
    op.create_index("ix_incidence_timeline_change_seq", "incidence_timeline", ["change_seq"], unique=False)
    op.create_index(
        "ix_incidence_timeline_incidence_id_occurred_at",
        "incidence_timeline",
        ["incidence_id", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "escalation_log",
        sa.Column("escalation_id", sa.String(length=36), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=False),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("from_agent_id", sa.String(length=128), nullable=True),
        sa.Column("to_agent_id", sa.String(length=128), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("escalated_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("escalation_id", name="pk_escalation_log"),
        sa.UniqueConstraint("incidence_id", "trigger", "level", name="uq_escalation_log_incidence_id_trigger_level"),
    )
    op.create_index("ix_escalation_log_change_seq", "escalation_log", ["change_seq"], unique=False)
    op.create_table(
        "timers",
        sa.Column("timer_id", sa.String(length=36), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("timer_id", name="pk_timers"),
        sa.UniqueConstraint("incidence_id", "kind", name="uq_timers_incidence_id_kind"),
    )
    op.create_index(
        "ix_timers_pending",
        "timers",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "agent_actions",
        sa.Column("action_id", sa.String(length=36), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=False),
        sa.Column("agent_id", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=True),
        sa.Column("is_allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("approval_id", sa.String(length=128), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("acted_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("action_id", name="pk_agent_actions"),
    )
    op.create_index("ix_agent_actions_change_seq", "agent_actions", ["change_seq"], unique=False)
    op.create_index("ix_agent_actions_incidence_id", "agent_actions", ["incidence_id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=False),
        sa.Column("action_id", sa.String(length=128), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("supervisor_id", sa.String(length=128), nullable=True),
        sa.Column("is_approved", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("used_count", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("approval_id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_change_seq", "approvals", ["change_seq"], unique=False)
    op.create_table(
        "webhook_events",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("dedup_key", sa.String(length=200), nullable=False),
        sa.Column("topic", sa.String(length=128), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=True),
        sa.Column("conversation_id", sa.String(length=128), nullable=True),
        sa.Column("incidence_id", sa.String(length=128), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("redacted_body", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("duplicate_count", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=500), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("processed_at", INSTANT, nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_webhook_events"),
        sa.UniqueConstraint("platform", "dedup_key", name="uq_webhook_events_platform_dedup_key"),
    )
    op.create_index("ix_webhook_events_change_seq", "webhook_events", ["change_seq"], unique=False)
    op.create_index("ix_webhook_events_state_received_at", "webhook_events", ["state", "received_at"], unique=False)
    op.create_table(
        "platform_conversations",
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=128), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=True),
        sa.Column("platform_user_id", sa.String(length=128), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("last_event_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "conversation_id", name="pk_platform_conversations"),
    )
    op.create_index("ix_platform_conversations_change_seq", "platform_conversations", ["change_seq"], unique=False)
    op.create_index("ix_platform_conversations_incidence_id", "platform_conversations", ["incidence_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=128), nullable=True),
        sa.Column("incidence_id", sa.String(length=128), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("order_in_conversation", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_change_seq", "outbox", ["change_seq"], unique=False)
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"], unique=False)
