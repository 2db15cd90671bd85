"""Who a key belongs to, in microseconds: what the store said is believed for some seconds."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select

from api.tokens.service import hash_secret, split_key
from store.clock import monotonic_seconds
from store.enums import Role
from store.session import Store
from store.tables import api_keys

BELIEVED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. `key_id` names the caller in rows and limits, and is no personal datum: a USER's is a hash."""

    key_id: str
    role: Role
    agent_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    key_hash: str
    principal: Principal
    until: float


class Keyring:
    """The API keys in use. A key revoked by this process is refused at once, by another within five seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, _Known] = {}

    def find(self, key: str) -> Principal | None:
        """Who the key belongs to; None if it is malformed, unknown or revoked."""
        parts = split_key(key)
        if parts is None:
            return None
        key_id, secret = parts
        known = self._known.get(key_id)
        if known is None or known.until < monotonic_seconds():
            known = self._look_up(key_id)
        if known is None or not hmac.compare_digest(known.key_hash, hash_secret(secret)):
            return None
        return known.principal

    def forget(self, key_id: str) -> None:
        self._known.pop(key_id, None)

    def _look_up(self, key_id: str) -> _Known | None:
        with self._store.read() as connection:
            row = connection.execute(
                select(api_keys.c.key_hash, api_keys.c.role, api_keys.c.agent_id).where(
                    api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None)
                )
            ).first()
        if row is None:
            self.forget(key_id)
            return None
        principal = Principal(key_id, Role(row.role), agent_id=row.agent_id)
        known = _Known(row.key_hash, principal, monotonic_seconds() + BELIEVED_SECONDS)
        self._known[key_id] = known
        return known


def user_principal(user_id: str) -> Principal:
    """The principal of a user token."""
    return Principal(f"user:{sha256(user_id.encode()).hexdigest()}", Role.USER, user_id=user_id)
