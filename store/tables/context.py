"""What the app tells of a user: the fold, the log it is folded from, scores and prompts.

`friction_signals` and `context_updates` are the two halves of one log in the server's order; both draw `seq` from one
counter, and the view `context_events` (made by the migration) shows them as one. A signal is thereby stored once.
"""

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Index, Integer, String, Table, UniqueConstraint, text

from store.tables.columns import change_seq, document, instant, metadata, paise, reference, row_id, source, word

user_context = Table(
    "user_context",
    metadata,
    Column("user_id", String(128), primary_key=True),
    reference("session_id"),
    instant("session_started_at"),
    Column("current_screen", String(128)),
    word("current_flow", nullable=True),
    document("screen_stack"),
    Column("is_foreground", Boolean, nullable=False, default=True),
    instant("last_activity_at"),
    instant("last_heartbeat_at"),
    document("cart_items"),
    document("selected_platter"),
    Column("guest_count", Integer),
    Column("event_date", Date),
    word("event_type", nullable=True),
    paise("cart_value_paise"),
    Column("back_navigation_count", Integer, nullable=False, default=0),
    Column("price_check_count", Integer, nullable=False, default=0),
    document("signal_counts"),
    Column("client_seq", BigInteger),
    Column("last_seq", BigInteger, nullable=False, default=0),
    source(),
    instant("updated_at", nullable=False),
    change_seq(),
)
"""One row per user. `current_flow` is the flow last entered: a screen without one leaves it. `updated_at` is the last sign of
the app, a heartbeat or going to the background included: a session ends 30 minutes after it."""
Index("ix_user_context_last_activity_at", user_context.c.last_activity_at)

context_updates = Table(
    "context_updates",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    reference("user_id", nullable=False),
    reference("session_id", nullable=False),
    word("kind"),
    Column("screen", String(128)),
    word("flow", nullable=True),
    Column("is_back_navigation", Boolean, nullable=False, default=False),
    document("cart_items"),
    document("selected_platter"),
    Column("guest_count", Integer),
    Column("event_date", Date),
    word("event_type", nullable=True),
    paise("cart_value_paise"),
    Column("language", String(16)),
    word("tier", nullable=True),
    Column("prior_order_count", Integer),
    Column("client_seq", BigInteger),
    instant("client_at"),
    instant("recorded_at", nullable=False),
    source(),
    change_seq(index=False),
)
"""One row per PUT of a screen, cart or profile; the columns of the other kinds are null."""
Index("ix_context_updates_user_id_seq", context_updates.c.user_id, context_updates.c.seq)
_is_profile = text("kind = 'PROFILE'")
Index(
    "ix_context_updates_profile",
    context_updates.c.user_id,
    context_updates.c.seq,
    sqlite_where=_is_profile,
    postgresql_where=_is_profile,
)

friction_signals = Table(
    "friction_signals",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    reference("user_id", nullable=False),
    reference("session_id", nullable=False),
    word("signal_type"),
    Column("value", Float),
    Column("screen", String(128)),
    word("flow", nullable=True),
    Column("client_event_id", String(64), nullable=False),
    instant("client_at"),
    instant("recorded_at", nullable=False),
    source(),
    change_seq(index=False),
    UniqueConstraint("user_id", "client_event_id"),
)
"""One row per signal. The unique pair makes a second delivery harmless, and is the only second index: rows come by the
ten thousand a second."""

friction_scores = Table(
    "friction_scores",
    metadata,
    row_id("score_id"),
    reference("user_id", nullable=False),
    reference("session_id", nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("inactivity_seconds", BigInteger, nullable=False),
    Column("back_navigation_count", Integer, nullable=False),
    Column("price_check_count", Integer, nullable=False),
    Column("is_high_value_event", Boolean, nullable=False),
    Column("is_first_time_user", Boolean, nullable=False),
    Column("score", Integer, nullable=False),
    Column("is_help_due", Boolean, nullable=False),
    document("reasons", nullable=False),
    document("due_actions", nullable=False),
    Column("rule_version", Integer, nullable=False),
    instant("evaluated_at", nullable=False),
    source(),
    change_seq(index=False),
)
"""One row per evaluation, with the inputs it used: all events of the user up to `after_seq`, at `evaluated_at`."""

prompts = Table(
    "prompts",
    metadata,
    row_id("prompt_id"),
    reference("user_id", nullable=False),
    reference("session_id", nullable=False),
    reference("incidence_id"),
    reference("score_id"),
    word("rule_set"),
    Column("rule_code", String(64), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("screen", String(128)),
    Column("score", Integer, nullable=False),
    word("status"),
    Column("is_holdout", Boolean, nullable=False),
    instant("due_at", nullable=False),
    instant("shown_at"),
    instant("accepted_at"),
    instant("dismissed_at"),
    instant("expired_at"),
    source(),
    change_seq(),
    UniqueConstraint("session_id", "rule_set", "rule_code"),
)
"""One row per moment a prompt was due: rule_set FRICTION (rule_code is the signal type) or NOTIFICATION."""
Index("ix_prompts_user_id_due_at", prompts.c.user_id, prompts.c.due_at)
_is_unanswered = text("status IN ('OFFERED', 'SHOWN')")
Index("ix_prompts_unanswered", prompts.c.due_at, sqlite_where=_is_unanswered, postgresql_where=_is_unanswered)

suppressions = Table(
    "suppressions",
    metadata,
    Column("user_id", String(128), primary_key=True),
    instant("suppressed_until", nullable=False),
    instant("updated_at", nullable=False),
    change_seq(),
)

for _table in (context_updates, friction_signals, friction_scores):
    # Rows come in the order of their transactions and are never changed: a block range index finds the newest at the cost
    # of a page. SQLite reads them by `seq` and the row's own number.
    Index(
        f"ix_{_table.name}_change_seq",
        _table.c.change_seq,
        postgresql_using="brin",
        postgresql_with={"autosummarize": True},
    ).ddl_if(dialect="postgresql")
