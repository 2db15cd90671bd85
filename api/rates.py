"""How often a key or a user may call: a bucket of tokens each, in memory of this process."""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.errors import TooManyRequests
from api.tokens.keyring import Principal
from store.clock import monotonic_seconds
from store.enums import Role

BUCKETS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` in the long run, `burst` at once."""

    per_second: float
    burst: int


RATES: Mapping[Role, Rate] = {
    Role.APP: Rate(5_000, 20_000),
    Role.AGENT: Rate(50, 200),
    Role.SUPERVISOR: Rate(50, 200),
    Role.ADMIN: Rate(50, 500),
    Role.ANALYST: Rate(50, 500),
    Role.INVESTOR: Rate(20, 100),
    Role.USER: Rate(10, 60),
}
"""Generous: they stop a program gone wild, not a busy day."""


@dataclass(slots=True)
class _Bucket:
    level: float
    filled_at: float


class Rates:
    """Takes one token for each request."""

    def __init__(self, rates: Mapping[Role, Rate] = RATES, *, seconds: Callable[[], float] = monotonic_seconds) -> None:
        self._rates = rates
        self._seconds = seconds
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, principal: Principal) -> None:
        """Raises `TooManyRequests`, with the seconds until the next token."""
        rate = self._rates[principal.role]
        now = self._seconds()
        bucket = self._buckets.get(principal.key_id)
        if bucket is None:
            bucket = self._buckets[principal.key_id] = _Bucket(rate.burst, now)
            if len(self._buckets) > BUCKETS_KEPT:
                self._buckets.popitem(last=False)  # the oldest: at worst it begins with a full bucket again
        bucket.level = min(rate.burst, bucket.level + (now - bucket.filled_at) * rate.per_second)
        bucket.filled_at = now
        if bucket.level < 1:
            wait = max(1, math.ceil((1 - bucket.level) / rate.per_second))
            raise TooManyRequests(
                f"More than {rate.per_second:g} requests a second.", headers={"Retry-After": str(wait)}
            )
        bucket.level -= 1
