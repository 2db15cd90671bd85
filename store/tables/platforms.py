"""What chat platforms send us, what we send them, and whose conversation is whose."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from store.tables.columns import change_seq, document, instant, metadata, reference, row_id, source, word

webhook_events = Table(
    "webhook_events",
    metadata,
    row_id("event_id"),
    word("platform"),
    Column("dedup_key", String(200), nullable=False),
    Column("topic", String(128), nullable=False),
    word("event_type", nullable=True),
    word("actor_type", nullable=True),
    Column("conversation_id", String(128)),
    reference("incidence_id"),
    Column("body", LargeBinary),
    document("redacted_body"),
    word("state"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("duplicate_count", Integer, nullable=False, default=0),
    Column("failure", String(500)),
    instant("occurred_at"),
    instant("received_at", nullable=False),
    instant("processed_at"),
    instant("due_at"),
    source(),
    change_seq(),
    UniqueConstraint("platform", "dedup_key"),
)
"""One row per event that arrived with a valid signature. `body` is the bytes as received and stays here;
`redacted_body` has names, e-mails, phones and texts taken out, and is what the extract carries. `actor_type` is who wrote a
message. `due_at` is when one that failed is tried again."""
Index("ix_webhook_events_state_received_at", webhook_events.c.state, webhook_events.c.received_at)
Index(
    "ix_webhook_events_platform_conversation_id",
    webhook_events.c.platform,
    webhook_events.c.conversation_id,
    webhook_events.c.occurred_at,
)
_is_pending = webhook_events.c.state == "PENDING"
Index(
    "ix_webhook_events_pending",
    webhook_events.c.occurred_at,
    sqlite_where=_is_pending,
    postgresql_where=_is_pending,
)
"""What is to be applied, in the order in which it happened."""

platform_conversations = Table(
    "platform_conversations",
    metadata,
    Column("platform", String(32), primary_key=True),
    Column("conversation_id", String(128), primary_key=True),
    reference("incidence_id"),
    Column("platform_user_id", String(128)),
    Column("is_open", Boolean, nullable=False),
    word("channel", nullable=True),
    Column("agent_platform_id", String(128)),
    instant("assigned_at"),
    instant("started_at"),
    instant("last_event_at", nullable=False),
    change_seq(),
)
"""One row per conversation that a user wrote in. `agent_platform_id` is whom the platform gave it to last, by event time."""
Index("ix_platform_conversations_incidence_id", platform_conversations.c.incidence_id)

outbox = Table(
    "outbox",
    metadata,
    row_id("message_id"),
    word("destination"),
    word("kind"),
    Column("conversation_id", String(128)),
    reference("incidence_id"),
    document("payload", nullable=False),
    word("state"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("order_in_conversation", BigInteger),
    Column("failure", String(500)),
    instant("created_at", nullable=False),
    instant("due_at", nullable=False),
    instant("claimed_until"),
    instant("expires_at"),
    instant("sent_at"),
    Column("platform_message_id", String(128)),
    source(),
    change_seq(),
)
"""One row per message to a platform or the app. `claimed_until` is set while it is being sent, and stays set where an attempt
may have arrived though nobody said so. `platform_message_id` is what the platform calls a text we sent."""
Index("ix_outbox_conversation_id", outbox.c.conversation_id, outbox.c.order_in_conversation)
Index("ix_outbox_state_due_at", outbox.c.state, outbox.c.due_at)
