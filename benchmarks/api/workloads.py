"""The requests that are sent, by what they ask for."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from benchmarks.api.load import Request
from benchmarks.api.state import CART_USERS, WATCHED_USERS, Keys, cart_user, watched_user

CREATES_A_SECOND_AT_MOST = 5_000
BATCHES_A_SECOND_AT_MOST = 1_000
SIGNALS_A_BATCH = 100

Make = Callable[[int], list[Request]]
"""The requests of so many seconds; each call gives new ones where it matters."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A route, the empty endpoint it is compared with, and the share of its throughput to reach, by connections."""

    name: str
    make: Make
    floor_path: str
    least_share: dict[int, float]
    is_each_sent_once: bool = False

    def floor(self, requests: list[Request]) -> list[Request]:
        return [Request(one.method, self.floor_path, one.key, one.body, one.idempotency_key) for one in requests]


def workloads(keys: Keys) -> dict[str, Workload]:
    """Those with a floor."""
    return {
        "route": Workload("POST /channel/route", _routes(keys), "/floor/route", {16: 0.7, 64: 0.7}),
        "detect": Workload("POST /friction/detect", _detects(keys), "/floor/detect", {16: 0.4, 64: 0.4}),
        "create": Workload("POST /incidences", creates(keys), "/floor/create", {16: 0.4, 64: 0.5}, True),
    }


def _routes(keys: Keys) -> Make:
    app = itertools.cycle(keys.app)
    bodies = [
        f'{{"orderValue": {value}, "eventType": {event}}}'
        for value in range(1_000, 61_000, 750)
        for event in ("null", '"BIRTHDAY"', '"OTHER"', '"WEDDING"')
    ]
    return lambda _: [Request("POST", "/channel/route", next(app), body) for body in bodies]


def _detects(keys: Keys) -> Make:
    app = itertools.cycle(keys.app)
    bodies = [f'{{"userId": "{watched_user(number)}"}}' for number in range(WATCHED_USERS)]
    return lambda _: [Request("POST", "/friction/detect", next(app), body) for body in bodies]


def creates(keys: Keys) -> Make:
    """Each of a user who has a cart and has not asked before, with an Idempotency-Key of its own."""
    app = itertools.cycle(keys.app)
    users = iter(range(CART_USERS))
    rest = (
        '"stage": "PRE_ORDER", "appScreen": "checkout", "userInputs": {"guestCount": 80, "question": "portions"}, '
        '"selectedItems": [{"itemId": "platter", "quantity": 1}]'
    )

    def make(seconds: int) -> list[Request]:
        numbers = list(itertools.islice(users, seconds * CREATES_A_SECOND_AT_MOST))
        assert numbers, "the users ran out: make more of them in benchmarks/api/state.py"
        return [
            Request("POST", "/incidences", next(app), f'{{"userId": "{cart_user(n)}", {rest}}}', f"{uuid.uuid4()}")
            for n in numbers
        ]

    return make


def signal_batches(keys: Keys) -> Make:
    """Each of one user, with event ids that rise as an app counts them."""
    app = itertools.cycle(keys.app)
    batches = itertools.count()

    def make(seconds: int) -> list[Request]:
        return [_batch(next(app), next(batches)) for _ in range(seconds * BATCHES_A_SECOND_AT_MOST)]

    return make


def _batch(key: str, number: int) -> Request:
    kinds = ("ITEM_VIEWED", "PRICE_CALCULATION", "QUANTITY_CHANGE", "PLATTER_VIEWED", "CUSTOMIZATION_CHANGE")
    signals = ", ".join(
        f'{{"clientEventId": "load-{number:08d}-{place:03d}", "signalType": "{kinds[place % 5]}", "value": {place}}}'
        for place in range(SIGNALS_A_BATCH)
    )
    return Request("POST", f"/context/{watched_user(number)}/signals", key, f"[{signals}]")


def questions(last_day: date) -> Iterator[str]:
    """Paths of /analytics, no two alike: every metric and span of days before the last one."""
    metrics = ("self_serve_conversion_rate", "time_to_resolve", "contact_rate", "friction_rate")
    for days, back in itertools.product(range(3, 60), range(25)):
        until = last_day - timedelta(days=back)
        span = f"from={until - timedelta(days=days)}&to={until}"
        yield f"/analytics/kpis?{span}"
        yield f"/analytics/trend/{metrics[days % 4]}?{span}"
        yield f"/analytics/cost-analysis?{span}"
