"""How people sign in to the pages: one-time links and sessions."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, key in (("sign_in_links", "link_id"), ("sessions", "session_id")):
        op.create_table(
            table,
            sa.Column(key, sa.String(length=36), nullable=False),
            sa.Column("secret_hash", sa.String(length=64), nullable=False),
            sa.Column("role", sa.String(length=64), nullable=False),
            sa.Column("agent_id", sa.String(length=128), nullable=True),
            sa.Column("created_at", INSTANT, nullable=False),
            sa.Column("expires_at", INSTANT, nullable=False),
            sa.Column("ended_at", INSTANT, nullable=True),
            sa.PrimaryKeyConstraint(key, name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
