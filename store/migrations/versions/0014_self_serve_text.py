"""What a chat is answered that gets no person: one more policy, in every version of the set."""

import sqlalchemy as sa
from alembic import op

from store.migrations.first_rules import POLICIES

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CODE = "self_serve_text"


def upgrade() -> None:
    policies = sa.table(
        "policies",
        sa.column("version", sa.Integer),
        sa.column("code", sa.String),
        sa.column("value", sa.JSON),
        sa.column("description", sa.String),
        sa.column("change_seq", sa.BigInteger),
    )
    connection = op.get_bind()
    versions = connection.execute(
        sa.select(policies.c.version, sa.func.max(policies.c.change_seq)).group_by(policies.c.version)
    )
    known = set(connection.execute(sa.select(policies.c.version).where(policies.c.code == CODE)).scalars())
    policy = next(row for row in POLICIES if row["code"] == CODE)
    rows = [{**policy, "version": version, "change_seq": seq} for version, seq in versions if version not in known]
    if rows:
        op.bulk_insert(policies, rows)
