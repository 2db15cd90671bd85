"""Who has been still for how long, the latest profile, and prompts that wait for an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

IS_PROFILE = "kind = 'PROFILE'"
IS_UNANSWERED = "status IN ('OFFERED', 'SHOWN')"


def upgrade() -> None:
    op.create_index("ix_user_context_last_activity_at", "user_context", ["last_activity_at"])
    for name, table, columns, where in (
        ("ix_context_updates_profile", "context_updates", ["user_id", "seq"], IS_PROFILE),
        ("ix_prompts_unanswered", "prompts", ["due_at"], IS_UNANSWERED),
    ):
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
