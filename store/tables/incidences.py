"""Incidences, everything that happened to them, and the clocks that run on them."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint, func
from sqlalchemy.sql.expression import and_

from store.tables.columns import change_seq, document, instant, metadata, paise, reference, row_id, source, word

incidences = Table(
    "incidences",
    metadata,
    row_id("incidence_id"),
    reference("user_id", nullable=False),
    reference("order_id"),
    word("stage"),
    word("channel", nullable=True),
    word("first_channel", nullable=True),
    word("trigger"),
    word("outcome", nullable=True),
    Column("is_self_serve", Boolean, nullable=False, default=False),
    Column("app_screen", String(128)),
    document("user_inputs"),
    document("selected_items"),
    Column("issue_category", String(128)),
    Column("root_cause", String(500)),
    Column("resolution_type", String(128)),
    word("order_impact", nullable=True),
    Column("time_to_resolve_seconds", Float),
    word("event_type", nullable=True),
    paise("order_value_paise"),
    paise("lost_value_paise"),
    document("allowed_channels", nullable=False),
    Column("rule_version", Integer),
    reference("prompt_id"),
    word("escalation_level", nullable=True),
    reference("agent_id"),
    instant("created_at", nullable=False),
    instant("opened_at"),
    instant("assigned_at"),
    instant("resolved_at"),
    Column("reopen_count", Integer, nullable=False, default=0),
    Column("merged_into", String(36)),
    source(),
    Column("source_id", String(128), nullable=False),
    instant("updated_at", nullable=False),
    change_seq(),
    UniqueConstraint("source", "source_id"),
)
"""One row per incidence. Its status is derived: `outcome` if set, else SELF_SERVE, else ASSIGNED when it has an agent, else
OPEN once `opened_at` is set, else OFFERED."""

_is_open_live = and_(incidences.c.outcome.is_(None), incidences.c.merged_into.is_(None), incidences.c.source == "app")
Index(
    "uq_incidences_open_live",
    incidences.c.user_id,
    incidences.c.stage,
    func.coalesce(incidences.c.order_id, ""),
    unique=True,
    sqlite_where=_is_open_live,
    postgresql_where=_is_open_live,
)
Index("ix_incidences_user_id_created_at", incidences.c.user_id, incidences.c.created_at)
Index(
    "ix_incidences_order_id",
    incidences.c.order_id,
    sqlite_where=incidences.c.order_id.is_not(None),
    postgresql_where=incidences.c.order_id.is_not(None),
)
Index(
    "ix_incidences_waiting",
    incidences.c.created_at,
    sqlite_where=and_(incidences.c.outcome.is_(None), incidences.c.opened_at.is_not(None)),
    postgresql_where=and_(incidences.c.outcome.is_(None), incidences.c.opened_at.is_not(None)),
)

_has_agent = and_(incidences.c.outcome.is_(None), incidences.c.agent_id.is_not(None))
Index("ix_incidences_agent_id", incidences.c.agent_id, sqlite_where=_has_agent, postgresql_where=_has_agent)
"""What each agent has open."""
_has_none = and_(incidences.c.outcome.is_(None), incidences.c.agent_id.is_(None), incidences.c.opened_at.is_not(None))
Index("ix_incidences_opened_at", incidences.c.opened_at, sqlite_where=_has_none, postgresql_where=_has_none)
"""What waits for an agent, in the order in which it came."""

incidence_timeline = Table(
    "incidence_timeline",
    metadata,
    row_id("event_id"),
    reference("incidence_id", nullable=False),
    word("event_type"),
    word("actor_type"),
    reference("agent_id"),
    word("channel", nullable=True),
    word("status_after", nullable=True),
    Column("text", Text),
    Column("text_length", Integer),
    document("flags"),
    document("details"),
    Column("source_event_id", String(128)),
    instant("started_at"),
    instant("ended_at"),
    Column("is_reached", Boolean),
    instant("occurred_at", nullable=False),
    instant("recorded_at", nullable=False),
    source(),
    change_seq(),
)
"""One row per change. `text` is personal and stays here; `details` holds ids, words and numbers only. A call has
`started_at`, `ended_at`, `is_reached`. `flags` are the CX phrases found in an agent's text: UPSELL, PROMISE."""
Index(
    "ix_incidence_timeline_incidence_id_occurred_at",
    incidence_timeline.c.incidence_id,
    incidence_timeline.c.occurred_at,
)

escalation_log = Table(
    "escalation_log",
    metadata,
    row_id("escalation_id"),
    reference("incidence_id", nullable=False),
    word("trigger"),
    word("level"),
    word("channel", nullable=True),
    Column("reason", String(500)),
    reference("from_agent_id"),
    reference("to_agent_id"),
    Column("rule_version", Integer),
    instant("escalated_at", nullable=False),
    source(),
    change_seq(),
    UniqueConstraint("incidence_id", "trigger", "level"),
)

timers = Table(
    "timers",
    metadata,
    row_id("timer_id"),
    reference("incidence_id", nullable=False),
    word("kind"),
    instant("due_at", nullable=False),
    instant("claimed_until"),
    instant("done_at"),
    change_seq(index=False),
    UniqueConstraint("incidence_id", "kind"),
)
Index(
    "ix_timers_pending",
    timers.c.due_at,
    sqlite_where=timers.c.done_at.is_(None),
    postgresql_where=timers.c.done_at.is_(None),
)

agent_actions = Table(
    "agent_actions",
    metadata,
    row_id("action_id"),
    reference("incidence_id", nullable=False),
    reference("agent_id", nullable=False),
    word("action"),
    document("parameters"),
    Column("is_allowed", Boolean, nullable=False),
    Column("reason", String(500)),
    reference("approval_id"),
    Column("rule_version", Integer, nullable=False),
    instant("acted_at", nullable=False),
    source(),
    change_seq(),
)
Index("ix_agent_actions_incidence_id", agent_actions.c.incidence_id)

approvals = Table(
    "approvals",
    metadata,
    row_id("approval_id"),
    reference("incidence_id", nullable=False),
    reference("action_id", nullable=False),
    reference("requested_by", nullable=False),
    reference("supervisor_id"),
    Column("is_approved", Boolean),
    Column("reason", String(500)),
    Column("used_count", BigInteger, nullable=False, default=0),
    instant("requested_at", nullable=False),
    instant("decided_at"),
    source(),
    change_seq(),
)
Index("ix_approvals_incidence_id", approvals.c.incidence_id)
_is_undecided = approvals.c.decided_at.is_(None)
Index(
    "ix_approvals_requested_at",
    approvals.c.requested_at,
    sqlite_where=_is_undecided,
    postgresql_where=_is_undecided,
)
