"""What the app tells of a user."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT, SEQ

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CONTEXT_EVENTS = """
CREATE VIEW context_events AS
SELECT
    seq, user_id, session_id, 'SIGNAL' AS kind, signal_type, value, screen, flow,
    NULL AS is_back_navigation, NULL AS guest_count, NULL AS event_type, NULL AS cart_value_paise,
    NULL AS tier, NULL AS language, NULL AS prior_order_count, NULL AS client_seq, client_at, recorded_at, source
FROM friction_signals
UNION ALL
SELECT
    seq, user_id, session_id, kind, NULL, NULL, screen, flow,
    is_back_navigation, guest_count, event_type, cart_value_paise,
    tier, language, prior_order_count, client_seq, client_at, recorded_at, source
FROM context_updates
"""

# A sequence hands out one number at a time; the lock makes a block of them one piece.
NEXT_CONTEXT_EVENT_SEQS = """
CREATE FUNCTION next_context_event_seqs(block_size bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    first_seq bigint;
BEGIN
    PERFORM pg_advisory_lock(7203115);
    first_seq := nextval('context_event_seq');
    IF block_size > 1 THEN
        PERFORM setval('context_event_seq', first_seq + block_size - 1);
    END IF;
    PERFORM pg_advisory_unlock(7203115);
    RETURN first_seq;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "user_context",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=True),
        sa.Column("session_started_at", INSTANT, nullable=True),
        sa.Column("current_screen", sa.String(length=128), nullable=True),
        sa.Column("current_flow", sa.String(length=64), nullable=True),
        sa.Column("screen_stack", sa.JSON(), nullable=True),
        sa.Column("is_foreground", sa.Boolean(), nullable=False),
        sa.Column("last_activity_at", INSTANT, nullable=True),
        sa.Column("last_heartbeat_at", INSTANT, nullable=True),
        sa.Column("cart_items", sa.JSON(), nullable=True),
        sa.Column("selected_platter", sa.JSON(), nullable=True),
        sa.Column("guest_count", sa.Integer(), nullable=True),
        sa.Column("event_date", sa.Date(), nullable=True),
        sa.Column("event_type", sa.String(length=64), nullable=True),
        sa.Column("cart_value_paise", sa.BigInteger(), nullable=True),
        sa.Column("back_navigation_count", sa.Integer(), nullable=False),
        sa.Column("price_check_count", sa.Integer(), nullable=False),
        sa.Column("signal_counts", sa.JSON(), nullable=True),
        sa.Column("client_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_user_context"),
    )
    op.create_index("ix_user_context_change_seq", "user_context", ["change_seq"], unique=False)
    op.create_table(
        "context_updates",
        sa.Column("seq", SEQ, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("screen", sa.String(length=128), nullable=True),
        sa.Column("flow", sa.String(length=64), nullable=True),
        sa.Column("is_back_navigation", sa.Boolean(), nullable=False),
        sa.Column("cart_items", sa.JSON(), nullable=True),
        sa.Column("selected_platter", sa.JSON(), nullable=True),
        sa.Column("guest_count", sa.Integer(), nullable=True),
        sa.Column("event_date", sa.Date(), nullable=True),
        sa.Column("event_type", sa.String(length=64), nullable=True),
        sa.Column("cart_value_paise", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("tier", sa.String(length=64), nullable=True),
        sa.Column("prior_order_count", sa.Integer(), nullable=True),
        sa.Column("client_seq", sa.BigInteger(), nullable=True),
        sa.Column("client_at", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_context_updates"),
    )
    op.create_index("ix_context_updates_user_id_seq", "context_updates", ["user_id", "seq"], unique=False)
    op.create_table(
        "friction_signals",
        sa.Column("seq", SEQ, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("signal_type", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("screen", sa.String(length=128), nullable=True),
        sa.Column("flow", sa.String(length=64), nullable=True),
        sa.Column("client_event_id", sa.String(length=64), nullable=False),
        sa.Column("client_at", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_friction_signals"),
        sa.UniqueConstraint("user_id", "client_event_id", name="uq_friction_signals_user_id_client_event_id"),
    )
    op.create_table(
        "friction_scores",
        sa.Column("score_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("inactivity_seconds", sa.BigInteger(), nullable=False),
        sa.Column("back_navigation_count", sa.Integer(), nullable=False),
        sa.Column("price_check_count", sa.Integer(), nullable=False),
        sa.Column("is_high_value_event", sa.Boolean(), nullable=False),
        sa.Column("is_first_time_user", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("is_help_due", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("due_actions", sa.JSON(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("evaluated_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("score_id", name="pk_friction_scores"),
    )
    op.create_table(
        "prompts",
        sa.Column("prompt_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=True),
        sa.Column("score_id", sa.String(length=128), nullable=True),
        sa.Column("rule_set", sa.String(length=64), nullable=False),
        sa.Column("rule_code", sa.String(length=64), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("screen", sa.String(length=128), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("is_holdout", sa.Boolean(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("shown_at", INSTANT, nullable=True),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("dismissed_at", INSTANT, nullable=True),
        sa.Column("expired_at", INSTANT, nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("prompt_id", name="pk_prompts"),
        sa.UniqueConstraint("session_id", "rule_set", "rule_code", name="uq_prompts_session_id_rule_set_rule_code"),
    )
    op.create_index("ix_prompts_change_seq", "prompts", ["change_seq"], unique=False)
    op.create_index("ix_prompts_user_id_due_at", "prompts", ["user_id", "due_at"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("suppressed_until", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_suppressions"),
    )
    op.create_index("ix_suppressions_change_seq", "suppressions", ["change_seq"], unique=False)
    op.execute(CONTEXT_EVENTS)
    if op.get_context().dialect.name == "postgresql":
        for table in ("context_updates", "friction_signals", "friction_scores"):
            op.create_index(
                f"ix_{table}_change_seq",
                table,
                ["change_seq"],
                postgresql_using="brin",
                postgresql_with={"autosummarize": True},
            )
        op.execute("CREATE SEQUENCE context_event_seq")
        op.execute(NEXT_CONTEXT_EVENT_SEQS)
