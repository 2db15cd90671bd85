"""User tokens: what a phone calls with. A JWT (HS256) of one hour whose `sub` is the userId.

The newest signing key signs, the two newest are believed: a key is replaced after thirty days, and a leaked one by asking
for two new ones. Keys never leave the operational store.
"""

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import jwt
from sqlalchemy import Connection, delete, insert, select

from api.tokens.keyring import Principal, user_principal
from api.wire import ID_PATTERN
from store import clock
from store.clock import monotonic_seconds
from store.ids import new_id
from store.session import Store
from store.tables import signing_keys

LIFETIME = timedelta(hours=1)
SIGNS_FOR = timedelta(days=30)
BELIEVED_KEYS = 2
BELIEVED_SECONDS = 5.0
REMEMBERED_TOKENS = 20_000
_ISSUER = "supportled"
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    key_id: str
    secret: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UserToken:
    token: str
    expires_at: datetime


def rotate_signing_key(connection: Connection) -> None:
    """Sign with a new key from now on, and forget those that are no longer believed."""
    at = clock.now()
    connection.execute(insert(signing_keys).values(key_id=new_id(at), secret=secrets.token_urlsafe(48), created_at=at))
    believed = [key.key_id for key in read_signing_keys(connection)]
    connection.execute(delete(signing_keys).where(signing_keys.c.key_id.not_in(believed)))


def rotate_if_due(connection: Connection) -> None:
    """Make the first signing key, or a new one when the present one has signed for thirty days."""
    keys = read_signing_keys(connection)
    if not keys or clock.now() - keys[0].created_at >= SIGNS_FOR:
        rotate_signing_key(connection)


def read_signing_keys(connection: Connection) -> list[SigningKey]:
    """Those that are believed, newest first."""
    newest_first = signing_keys.c.created_at.desc(), signing_keys.c.key_id.desc()
    rows = connection.execute(select(signing_keys).order_by(*newest_first).limit(BELIEVED_KEYS))
    return [SigningKey(row.key_id, row.secret, row.created_at) for row in rows]


class UserTokens:
    """Mints and checks user tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[str, SigningKey] = {}
        self._keys_until = 0.0
        self._checked: OrderedDict[bytes, tuple[Principal, str, float]] = OrderedDict()

    async def mint(self, user_id: str) -> UserToken:
        """A token that says its bearer is this user."""
        keys = self._signing_keys()
        at = clock.now()
        if not keys or at - keys[0].created_at >= SIGNS_FOR:
            await self._store.writer.submit(rotate_if_due)
            self.reload()
            keys = self._signing_keys()
        issued_at = at.replace(microsecond=0)
        expires_at = issued_at + LIFETIME
        claims = {"iss": _ISSUER, "sub": user_id, "iat": issued_at, "exp": expires_at}
        token = jwt.encode(claims, keys[0].secret, algorithm=_ALGORITHM, headers={"kid": keys[0].key_id})
        return UserToken(token, expires_at)

    def find(self, token: str) -> Principal | None:
        """Whose token it is; None if we did not sign it, or it has expired."""
        fingerprint = sha256(token.encode()).digest()
        known = self._checked.get(fingerprint)
        keys = {key.key_id: key for key in self._signing_keys()}
        now = clock.now().timestamp()
        if known is None:
            known = self._check(token, keys, now)
            if known is None:
                return None
            self._checked[fingerprint] = known
            if len(self._checked) > REMEMBERED_TOKENS:
                self._checked.popitem(last=False)
        principal, key_id, expires_at = known
        if expires_at <= now or key_id not in keys:
            self._checked.pop(fingerprint, None)
            return None
        return principal

    def reload(self) -> None:
        """Read the signing keys anew at the next use."""
        self._keys_until = 0.0

    def _check(self, token: str, keys: dict[str, SigningKey], now: float) -> tuple[Principal, str, float] | None:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = keys.get(key_id) if isinstance(key_id, str) else None
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key.secret,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                # The product has one clock, and it is not pyjwt's.
                options={
                    "require": ["exp", "sub", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            user_id, expires_at = claims["sub"], float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None
        if expires_at <= now or not re.match(ID_PATTERN, user_id):
            return None
        return user_principal(user_id), key.key_id, expires_at

    def _signing_keys(self) -> list[SigningKey]:
        if self._keys_until < monotonic_seconds():
            with self._store.read() as connection:
                self._keys = {key.key_id: key for key in read_signing_keys(connection)}
            self._keys_until = monotonic_seconds() + BELIEVED_SECONDS
        return list(self._keys.values())
