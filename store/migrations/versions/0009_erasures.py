"""Whose personal data were erased, so that neither a backup nor a file brings them back."""

import sqlalchemy as sa
from alembic import op

from store.migrations.types import INSTANT

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_erasures"),
    )
