"""What each agent has open, and what waits for one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

HAS_AGENT = "outcome IS NULL AND agent_id IS NOT NULL"
WAITS = "outcome IS NULL AND agent_id IS NULL AND opened_at IS NOT NULL"


def upgrade() -> None:
    for column, where in (("agent_id", HAS_AGENT), ("opened_at", WAITS)):
        op.create_index(
            f"ix_incidences_{column}",
            "incidences",
            [column],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
