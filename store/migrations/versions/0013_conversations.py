"""What is known of a conversation and its user, and finding what is to be applied."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

IS_PENDING = "state = 'PENDING'"


def upgrade() -> None:
    for table, column in (
        ("webhook_events", sa.Column("actor_type", sa.String(length=64), nullable=True)),
        ("webhook_events", sa.Column("due_at", INSTANT, nullable=True)),
        ("platform_conversations", sa.Column("channel", sa.String(length=64), nullable=True)),
        ("platform_conversations", sa.Column("agent_platform_id", sa.String(length=128), nullable=True)),
        ("platform_conversations", sa.Column("assigned_at", INSTANT, nullable=True)),
        ("platform_conversations", sa.Column("started_at", INSTANT, nullable=True)),
        ("platform_identities", sa.Column("looked_up_at", INSTANT, nullable=True)),
        ("platform_identities", sa.Column("look_up_count", sa.Integer(), nullable=False, server_default="0")),
    ):
        op.add_column(table, column)
    op.create_index(
        "ix_webhook_events_platform_conversation_id", "webhook_events", ["platform", "conversation_id", "occurred_at"]
    )
    op.create_index(
        "ix_webhook_events_pending",
        "webhook_events",
        ["occurred_at"],
        sqlite_where=sa.text(IS_PENDING),
        postgresql_where=sa.text(IS_PENDING),
    )
