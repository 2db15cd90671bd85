"""Approvals of an incidence, and those that wait for a supervisor."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

IS_OPEN = "decided_at IS NULL"


def upgrade() -> None:
    op.create_index("ix_approvals_incidence_id", "approvals", ["incidence_id"])
    op.create_index(
        "ix_approvals_requested_at",
        "approvals",
        ["requested_at"],
        sqlite_where=sa.text(IS_OPEN),
        postgresql_where=sa.text(IS_OPEN),
    )
