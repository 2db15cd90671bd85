"""Book-keeping of the store itself."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from store.tables.columns import Instant, change_seq, instant, metadata, reference, word

store_identity = Table(
    "store_identity", metadata, Column("store_id", String(36), primary_key=True), instant("created_at", nullable=False)
)
"""One row. A restored store gets a new id, so that the extract reads it whole: its change numbers start anew."""

store_counters = Table(
    "store_counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""`change`: the number of the last writing transaction (SQLite). `context_event`: the last `seq` of the context log."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_id", String(128), primary_key=True),
    Column("idempotency_key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status_code", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
)

deletions = Table(
    "deletions",
    metadata,
    Column("table_name", String(64), primary_key=True),
    Column("row_key", String(300), primary_key=True),
    word("reason"),
    instant("deleted_at", nullable=False),
    change_seq(),
)
"""A row that left the store: `row_key` is its primary key (parts joined by `/`). reason RETENTION keeps it in the
warehouse; ERASURE, DEMO_RESET and CORRECTION take it out there too."""

erasures = Table(
    "erasures", metadata, Column("user_id", String(128), primary_key=True), instant("erased_at", nullable=False)
)
"""Users of whom only ids, times and amounts are kept. `var/erasures.jsonl` says the same where a backup cannot undo it."""

recommendation_states = Table(
    "recommendation_states",
    metadata,
    Column("recommendation_id", String(36), primary_key=True),
    word("state"),
    Column("note", String(500)),
    reference("changed_by"),
    instant("changed_at", nullable=False),
    change_seq(),
)
