"""An app that tells of its users, on a clock that the test sets."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection, insert

from store import clock
from store.enums import Role
from store.settings import Settings
from store.tables import catalogue_items
from tests.api.serving import Api, serve_api

NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
"""Monday, 12:00 in India: people answer."""
ROYAL, CAKE = "platter-royal", "item-cake"
ROYAL_RUPEES_A_PLATE, CAKE_RUPEES = 400, 1_800


class Clock:
    """The product's clock, standing still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def go_on(self, **span: float) -> datetime:
        """Let `seconds=`, `minutes=` ... pass."""
        self.at += timedelta(**span)
        return self.at


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock(NOON)
    monkeypatch.setattr(clock, "now", stopped.now)
    return stopped


@dataclass
class Visitor:
    """A user in the app. Every method is a request of the app's backend."""

    api: Api
    user_id: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def client(self) -> httpx2.Client:
        return self.api.as_role(Role.APP)

    def shows(self, screen: str, **more: Any) -> dict[str, Any]:
        return self._done(self.client.put(f"/context/{self.user_id}/screen", json={"currentScreen": screen, **more}))

    def fills(self, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
        items = [{"itemId": item, "quantity": quantity} for item, quantity in lines]
        return self._done(self.client.put(f"/context/{self.user_id}/cart", json={"cartItems": items, **more}))

    def sends(self, *signals: str, value: float | None = None) -> dict[str, Any]:
        rows = [
            {"clientEventId": f"e{next(self._numbers)}", "signalType": signal}
            | ({} if value is None else {"value": value})
            for signal in signals
        ]
        return self._done(self.client.post(f"/context/{self.user_id}/signals", json=rows))

    def is_known_as(self, **profile: Any) -> None:
        answer = self.client.put(f"/context/{self.user_id}/profile", json={"tier": "SILVER", **profile})
        assert answer.status_code == 204, answer.text

    def context(self) -> dict[str, Any]:
        return self._done(self.client.get(f"/context/{self.user_id}"))

    def is_judged(self) -> dict[str, Any]:
        return self._done(self.client.post("/friction/detect", json={"userId": self.user_id}))

    def _done(self, answer: httpx2.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        return answer.json()


def sell(connection: Connection, since: datetime = NOON - timedelta(days=30)) -> None:
    """A platter priced per plate and a cake that is not."""
    connection.execute(
        insert(catalogue_items),
        [
            {
                "item_id": item,
                "valid_from": since,
                "kind": kind,
                "name_en": item,
                "name_hi": item,
                "price_paise": rupees * 100,
                "is_priced_per_plate": kind == "PLATTER",
            }
            for item, kind, rupees in ((ROYAL, "PLATTER", ROYAL_RUPEES_A_PLATE), (CAKE, "ITEM", CAKE_RUPEES))
        ],
    )


@pytest.fixture
def api(sqlite_settings: Settings) -> Iterator[Api]:
    """The application, served; what it would do by itself the test does, when it wants."""
    with serve_api(sqlite_settings, loops=()) as api:
        yield api


@pytest.fixture
def api_on_each_engine(store_settings: Settings) -> Iterator[Api]:
    with serve_api(store_settings, loops=()) as api:
        yield api


@pytest.fixture
def meera(api: Api, time: Clock) -> Visitor:
    api.store.write(sell)
    return Visitor(api, "user-meera")
