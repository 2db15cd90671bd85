"""Signing in: an ADMIN makes a link that works once, and it opens a session. Functions of a connection.

Links and sessions are `<id>_<secret>` in the hands of their owner; only the SHA-256 of the secret is stored.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from api.errors import BadRequest, Problem
from api.tokens.service import AGENT_ROLES, hash_secret
from store import clock
from store.enums import AgentStatus, Role
from store.ids import new_id
from store.migrations import migrate
from store.prepared import Prepared
from store.session import open_store
from store.settings import Settings
from store.tables import agents, sessions, sign_in_links

PAGE_ROLES = (Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.ANALYST, Role.INVESTOR)
LINK_LASTS = timedelta(hours=24)
SESSION_LASTS = timedelta(hours=12)
_KEPT = timedelta(days=7)


class LinkNotValid(Problem):
    status = 401
    code = "sign_in_link_not_valid"
    remedy = "Ask an admin for a new link: each works once, for 24 hours."


@dataclass(frozen=True, slots=True)
class Link:
    """A sign-in link in clear, for the only time. `token` is the last part of its address."""

    token: str
    role: Role
    agent_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. Name and status are those of the agent, if it is one's."""

    session_id: str
    role: Role
    agent_id: str | None
    agent_name: str | None
    agent_status: AgentStatus | None


def make_link(settings: Settings, *, role: Role, agent_id: str | None = None) -> Link:
    """A link, for commands. Raises as `insert_link`."""
    migrate(settings.operations_url)
    with open_store(settings) as store:
        return store.write(insert_link, role=role, agent_id=agent_id)


def insert_link(connection: Connection, *, role: Role, agent_id: str | None = None) -> Link:
    """A new link. Raises `BadRequest` for a role without pages, or an agent that is missing or not wanted."""
    if role not in PAGE_ROLES:
        raise BadRequest(f"role: {role} has no pages", remedy=f"Use one of {', '.join(PAGE_ROLES)}.")
    if role in AGENT_ROLES:
        known = select(agents.c.agent_id).where(agents.c.agent_id == agent_id)
        if agent_id is None or connection.execute(known).first() is None:
            raise BadRequest(
                f"agentId: {role} signs in as an agent that exists", remedy="Name one; GET /agents lists them."
            )
    elif agent_id is not None:
        raise BadRequest(f"agentId: {role} signs in as no agent", remedy="Leave the agent out.")
    at = clock.now()
    _forget_old(connection, at)
    token = _insert(connection, sign_in_links, at, LINK_LASTS, role, agent_id)
    return Link(token, role, agent_id, at + LINK_LASTS)


def open_session(connection: Connection, link_token: str) -> str:
    """Use the link up; the token of the session that it opens. Raises `LinkNotValid`."""
    at = clock.now()
    row = _find(connection, _LINK, link_token, at)
    used = (
        update(sign_in_links)
        .where(sign_in_links.c.link_id == (row.link_id if row else None), sign_in_links.c.ended_at.is_(None))
        .values(ended_at=at)
    )
    if row is None or connection.execute(used).rowcount != 1:
        raise LinkNotValid("The link was used before, or has expired.")
    return _insert(connection, sessions, at, SESSION_LASTS, Role(row.role), row.agent_id)


def find_session(connection: Connection, token: str, at: datetime) -> Session | None:
    """Who holds this token; None if the session ended or never was."""
    row = _find(connection, _SESSION, token, at)
    if row is None:
        return None
    return Session(
        session_id=row.session_id,
        role=Role(row.role),
        agent_id=row.agent_id,
        agent_name=row.agent_name,
        agent_status=AgentStatus(row.agent_status) if row.agent_status is not None else None,
    )


def end_session(connection: Connection, session_id: str) -> None:
    connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(ended_at=clock.now()))


def _insert(
    connection: Connection, table: Table, at: datetime, lasts: timedelta, role: Role, agent_id: str | None
) -> str:
    row_id, secret = new_id(at), secrets.token_urlsafe(32)
    key = table.primary_key.columns[0].name
    row = {key: row_id, "secret_hash": hash_secret(secret), "role": role, "agent_id": agent_id}
    connection.execute(insert(table).values(**row, created_at=at, expires_at=at + lasts))
    return f"{row_id}_{secret}"


def _find(connection: Connection, of_id: Prepared, token: str, at: datetime) -> Row[Any] | None:
    row_id, _, secret = token.partition("_")
    row = of_id.first(connection, {"id": row_id})
    if row is None or row.ended_at is not None or row.expires_at <= at:
        return None
    return row if hmac.compare_digest(row.secret_hash, hash_secret(secret)) else None


def _forget_old(connection: Connection, at: datetime) -> None:
    for table in (sign_in_links, sessions):
        connection.execute(delete(table).where(table.c.expires_at < at - _KEPT))


_LINK = Prepared(select(sign_in_links).where(sign_in_links.c.link_id == bindparam("id")))
_SESSION = Prepared(
    select(sessions, agents.c.name.label("agent_name"), agents.c.status.label("agent_status"))
    .select_from(sessions.outerjoin(agents, agents.c.agent_id == sessions.c.agent_id))
    .where(sessions.c.session_id == bindparam("id"))
)
