"""Users, agents and what they sign in with."""

from sqlalchemy import Column, Date, Index, Integer, String, Table, UniqueConstraint

from store.tables.columns import change_seq, document, instant, metadata, reference, row_id, source, word

users = Table(
    "users",
    metadata,
    Column("user_id", String(128), primary_key=True),
    Column("name", String(200)),
    Column("phone", String(32)),
    Column("language", String(16), nullable=False, default="en"),
    word("tier"),
    Column("prior_order_count", Integer, nullable=False, default=0),
    Column("last_order_date", Date),
    source(),
    Column("source_id", String(128), nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    change_seq(),
    UniqueConstraint("source", "source_id"),
)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", String(128), primary_key=True),
    Column("name", String(200), nullable=False),
    document("levels", nullable=False),
    Column("open_limit", Integer, nullable=False, default=5),
    word("status"),
    document("platform_ids", nullable=False),
    source(),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    change_seq(),
)

api_keys = Table(
    "api_keys",
    metadata,
    row_id("key_id"),
    word("role"),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("label", String(200), nullable=False),
    reference("agent_id"),
    instant("created_at", nullable=False),
    instant("revoked_at"),
    change_seq(),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    row_id("key_id"),
    Column("secret", String(64), nullable=False),
    instant("created_at", nullable=False),
)
"""What user tokens are signed with: the newest signs, the two newest are believed. Never leaves the store."""

platform_identities = Table(
    "platform_identities",
    metadata,
    Column("platform", String(32), primary_key=True),
    Column("platform_user_id", String(128), primary_key=True),
    reference("user_id"),
    instant("first_seen_at", nullable=False),
    instant("linked_at"),
    instant("looked_up_at"),
    Column("look_up_count", Integer, nullable=False, default=0, server_default="0"),
    change_seq(),
)
"""Whose a platform's user is; `user_id` is None until the platform has told. `looked_up_at` is when it was last asked."""
Index(
    "ix_platform_identities_unlinked",
    platform_identities.c.first_seen_at,
    sqlite_where=platform_identities.c.user_id.is_(None),
    postgresql_where=platform_identities.c.user_id.is_(None),
)


def _sign_in_table(name: str, key: str) -> Table:
    return Table(
        name,
        metadata,
        row_id(key),
        Column("secret_hash", String(64), nullable=False),
        word("role"),
        reference("agent_id"),
        instant("created_at", nullable=False),
        Column("expires_at", instant("expires_at").type, nullable=False, index=True),
        instant("ended_at"),
    )


sign_in_links = _sign_in_table("sign_in_links", "link_id")
"""Each opens one session; `ended_at` is when it did. Never leaves the store."""

sessions = _sign_in_table("sessions", "session_id")
"""Who has the pages open: the secret is in a cookie, its hash here. Never leaves the store."""
