"""The store's identity, its counters, and version 1 of every rule set."""

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from store import clock
from store.migrations.first_rules import FIRST_RULES, RULE_SETS
from store.migrations.types import INSTANT

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FIRST_CHANGE = 1


def upgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        counters = sa.table("store_counters", sa.column("name"), sa.column("value"))
        op.bulk_insert(counters, [{"name": "change", "value": FIRST_CHANGE}, {"name": "context_event", "value": 0}])
        change_seq = FIRST_CHANGE
    else:
        change_seq = connection.execute(sa.text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()

    def instant(at: datetime) -> object:
        return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000 if is_sqlite else at

    identity = sa.table("store_identity", sa.column("store_id"), sa.column("created_at", INSTANT))
    op.bulk_insert(identity, [{"store_id": str(uuid.uuid4()), "created_at": instant(clock.now())}])

    always = instant(datetime(1, 1, 1, tzinfo=UTC))
    versions = sa.table(
        "rule_versions",
        sa.column("rule_set"),
        sa.column("version"),
        sa.column("valid_from", INSTANT),
        sa.column("change_seq"),
    )
    op.bulk_insert(
        versions,
        [{"rule_set": name, "version": 1, "valid_from": always, "change_seq": change_seq} for name in RULE_SETS],
    )
    for table_name, rows in FIRST_RULES.items():
        columns = [sa.column(name, _type(rows, name)) for name in rows[0]]
        table = sa.table(table_name, *columns, sa.column("version"), sa.column("change_seq"))
        op.bulk_insert(table, [{**row, "version": 1, "change_seq": change_seq} for row in rows])


def _type(rows: list[dict[str, object]], name: str) -> sa.types.TypeEngine[object] | None:
    """Lists and mappings are JSON, and so is everything in `policies.value`; the rest speaks for itself."""
    if name in {"value", "channels"}:
        return sa.JSON()
    sample = next((row[name] for row in rows if row[name] is not None), None)
    return sa.literal(sample).type if sample is not None else None
