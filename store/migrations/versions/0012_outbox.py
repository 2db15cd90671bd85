"""The outbox: order within a conversation, and what the platform calls what we sent."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("platform_message_id", sa.String(128)))
    op.create_index("ix_outbox_conversation_id", "outbox", ["conversation_id", "order_in_conversation"])
