"""Making and checking API keys.

A key is `slk_<key id>_<secret>`. Only the SHA-256 of the secret is stored: it has 256 random bits, so a slow hash would
add nothing. Looking up goes by key id, comparing takes constant time.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from store import clock
from store.enums import Role
from store.ids import new_id
from store.migrations import migrate
from store.session import open_store
from store.settings import Settings
from store.tables import agents, api_keys

PREFIX = "slk"
AGENT_ROLES = frozenset({Role.AGENT, Role.SUPERVISOR})


class KeyNeedsAgent(ValueError):
    """AGENT and SUPERVISOR keys belong to an agent that exists."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling."""

    key_id: str
    role: Role
    agent_id: str | None


def create_key(settings: Settings, *, role: str, label: str, agent_id: str | None = None) -> str:
    """Make a key and return it; it cannot be read again. Raises ValueError for an unknown role, `KeyNeedsAgent`."""
    migrate(settings.operations_url)
    with open_store(settings) as store:
        return store.write(insert_key, role=Role(role), label=label, agent_id=agent_id)


def insert_key(connection: Connection, *, role: Role, label: str, agent_id: str | None) -> str:
    if role in AGENT_ROLES:
        known = connection.execute(select(agents.c.agent_id).where(agents.c.agent_id == agent_id)).first()
        if not known:
            raise KeyNeedsAgent(f"A key of role {role} belongs to an agent: name an existing one with --agent.")
    elif agent_id is not None:
        raise KeyNeedsAgent(f"A key of role {role} belongs to no agent: leave --agent out.")
    created_at = clock.now()
    key_id = new_id(created_at)
    secret = secrets.token_urlsafe(32)
    connection.execute(
        insert(api_keys).values(
            key_id=key_id, role=role, key_hash=_hash(secret), label=label, agent_id=agent_id, created_at=created_at
        )
    )
    return f"{PREFIX}_{key_id}_{secret}"


def find_principal(connection: Connection, key: str) -> Principal | None:
    """Who the key belongs to; None if it is malformed, unknown or revoked."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret:
        return None
    row = connection.execute(
        select(api_keys.c.key_hash, api_keys.c.role, api_keys.c.agent_id).where(
            api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None)
        )
    ).first()
    if row is None or not hmac.compare_digest(row.key_hash, _hash(secret)):
        return None
    return Principal(key_id, Role(row.role), row.agent_id)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
