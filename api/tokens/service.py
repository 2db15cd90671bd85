"""Making, listing and revoking API keys.

A key is `slk_<key id>_<secret>`. Only the SHA-256 of the secret is stored: it has 256 random bits, so a slow hash would
add nothing. Looking up goes by key id, comparing takes constant time (`api.tokens.keyring`).
"""

import secrets
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, insert, select, update

from api.errors import NotFound
from store import clock
from store.enums import KEY_ROLES, Role
from store.ids import new_id
from store.migrations import migrate
from store.session import open_store
from store.settings import Settings
from store.tables import agents, api_keys

PREFIX = "slk"
AGENT_ROLES = frozenset({Role.AGENT, Role.SUPERVISOR})


class KeyNeedsAgent(ValueError):
    """AGENT and SUPERVISOR keys belong to an agent that exists."""


def create_key(settings: Settings, *, role: str, label: str, agent_id: str | None = None) -> str:
    """Make a key and return it; it cannot be read again. Raises ValueError for an unknown role, `KeyNeedsAgent`."""
    migrate(settings.operations_url)
    with open_store(settings) as store:
        return store.write(insert_key, role=Role(role), label=label, agent_id=agent_id)


def insert_key(connection: Connection, *, role: Role, label: str, agent_id: str | None = None) -> str:
    """The new key, in clear for the only time. Raises `KeyNeedsAgent`, ValueError for a role that holds no keys."""
    if role not in KEY_ROLES:
        raise ValueError(f"{role} holds no key: POST /tokens/user mints its tokens.")
    if role in AGENT_ROLES:
        known = connection.execute(select(agents.c.agent_id).where(agents.c.agent_id == agent_id)).first()
        if not known:
            raise KeyNeedsAgent(f"A key of role {role} belongs to an agent: name an existing one.")
    elif agent_id is not None:
        raise KeyNeedsAgent(f"A key of role {role} belongs to no agent: leave the agent out.")
    created_at = clock.now()
    key_id = new_id(created_at)
    secret = secrets.token_urlsafe(32)
    connection.execute(
        insert(api_keys).values(
            key_id=key_id,
            role=role,
            key_hash=hash_secret(secret),
            label=label,
            agent_id=agent_id,
            created_at=created_at,
        )
    )
    return f"{PREFIX}_{key_id}_{secret}"


def split_key(key: str) -> tuple[str, str] | None:
    """The id and the secret of a key; None if it is not made like one."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    return (key_id, secret) if prefix == PREFIX and key_id and secret else None


def hash_secret(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def list_keys(connection: Connection) -> Sequence[RowMapping]:
    """Every key without its hash, newest first."""
    return (
        connection.execute(
            select(
                api_keys.c.key_id,
                api_keys.c.role,
                api_keys.c.label,
                api_keys.c.agent_id,
                api_keys.c.created_at,
                api_keys.c.revoked_at,
            ).order_by(api_keys.c.key_id.desc())
        )
        .mappings()
        .all()
    )


def revoke_key(connection: Connection, key_id: str) -> None:
    """End a key; one that is ended stays so. Raises `NotFound`."""
    known = connection.execute(select(api_keys.c.revoked_at).where(api_keys.c.key_id == key_id)).first()
    if known is None:
        raise NotFound(f"There is no key {key_id}.", remedy="GET /tokens/keys lists them.")
    if known.revoked_at is None:
        connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=clock.now()))
