"""Users, agents, keys, the catalogue and orders."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("tier", sa.String(length=64), nullable=False),
        sa.Column("prior_order_count", sa.Integer(), nullable=False),
        sa.Column("last_order_date", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
        sa.UniqueConstraint("source", "source_id", name="uq_users_source_source_id"),
    )
    op.create_index("ix_users_change_seq", "users", ["change_seq"], unique=False)
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("open_limit", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("platform_ids", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agents"),
    )
    op.create_index("ix_agents_change_seq", "agents", ["change_seq"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("agent_id", sa.String(length=128), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_index("ix_api_keys_change_seq", "api_keys", ["change_seq"], unique=False)
    op.create_table(
        "platform_identities",
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("platform_user_id", sa.String(length=128), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=True),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("linked_at", INSTANT, nullable=True),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "platform_user_id", name="pk_platform_identities"),
    )
    op.create_index("ix_platform_identities_change_seq", "platform_identities", ["change_seq"], unique=False)
    op.create_index(
        "ix_platform_identities_unlinked",
        "platform_identities",
        ["first_seen_at"],
        unique=False,
        sqlite_where=sa.text("user_id IS NULL"),
        postgresql_where=sa.text("user_id IS NULL"),
    )
    op.create_table(
        "catalogue_items",
        sa.Column("item_id", sa.String(length=128), nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_hi", sa.String(length=200), nullable=False),
        sa.Column("price_paise", sa.BigInteger(), nullable=False),
        sa.Column("is_priced_per_plate", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "valid_from", name="pk_catalogue_items"),
    )
    op.create_index("ix_catalogue_items_change_seq", "catalogue_items", ["change_seq"], unique=False)
    op.create_table(
        "orders",
        sa.Column("order_id", sa.String(length=128), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=True),
        sa.Column("event_date", sa.Date(), nullable=True),
        sa.Column("guest_count", sa.Integer(), nullable=True),
        sa.Column("value_paise", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=True),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="pk_orders"),
        sa.UniqueConstraint("source", "source_id", name="uq_orders_source_source_id"),
    )
    op.create_index("ix_orders_change_seq", "orders", ["change_seq"], unique=False)
    op.create_index("ix_orders_user_id_placed_at", "orders", ["user_id", "placed_at"], unique=False)
    op.create_table(
        "order_change_requests",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("incidence_id", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=True),
        sa.Column("action_id", sa.String(length=128), nullable=True),
        sa.Column("agent_id", sa.String(length=128), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("discount_code", sa.String(length=64), nullable=True),
        sa.Column("discount_paise", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("refusal_reason", sa.String(length=500), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_order_change_requests"),
    )
    op.create_index("ix_order_change_requests_change_seq", "order_change_requests", ["change_seq"], unique=False)
    op.create_index("ix_order_change_requests_incidence_id", "order_change_requests", ["incidence_id"], unique=False)
    op.create_index("ix_order_change_requests_order_id", "order_change_requests", ["order_id"], unique=False)
