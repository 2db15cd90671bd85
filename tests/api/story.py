"""What the tests of the live side tell: carts, orders, agents, and time."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx2
from sqlalchemy import Connection, Row, insert, select

from api.escalation.service import fire_due
from api.incidences.closing import close_incidence
from api.incidences.following import follow_cart
from api.incidences.reading import get_incidence
from api.incidences.starting import StartIncidence, start_incidence
from api.incidences.timeline import SYSTEM
from api.rules.registry import load_rules
from api.rules.sets import Rules
from store import clock
from store.clock import monotonic_seconds
from store.enums import IncidenceTrigger, Outcome, Role, Stage
from store.session import Store
from store.tables import agents, escalation_log, incidence_timeline, user_context
from tests.api.serving import Api

T = TypeVar("T")


def fill_cart(store: Store, user_id: str, rupees: int, event_type: str | None = None) -> None:
    """Give the user a cart of this value, as the context service would."""

    def put(connection: Connection) -> None:
        at = clock.now()
        row = {"cart_value_paise": rupees * 100, "event_type": event_type, "updated_at": at}
        changed = connection.execute(user_context.update().where(user_context.c.user_id == user_id).values(row))
        if changed.rowcount == 0:
            connection.execute(insert(user_context).values(user_id=user_id, **row))

    store.write(put)


def put_order(
    api: Api, order_id: str, user_id: str, rupees: float, status: str = "PLACED", **more: Any
) -> httpx2.Response:
    body = {"userId": user_id, "status": status, "orderValue": rupees, **more}
    return api.as_role(Role.APP).put(f"/orders/{order_id}", json=body)


def start(client: httpx2.Client, **wanted: Any) -> httpx2.Response:
    return client.post("/incidences", json={"stage": "PRE_ORDER", **wanted})


def started(api: Api, user_id: str, rupees: int = 12_000, **wanted: Any) -> dict[str, Any]:
    """A new incidence of a user with a cart of this value."""
    fill_cart(api.store, user_id, rupees)
    answer = start(api.as_role(Role.APP), userId=user_id, **wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def read(api: Api, incidence_id: str) -> dict[str, Any]:
    return api.as_role(Role.ADMIN).get(f"/incidences/{incidence_id}").raise_for_status().json()


def add_agent(store: Store, agent_id: str, *levels: str, limit: int = 5, status: str = "AVAILABLE") -> None:
    def put(connection: Connection) -> None:
        at = clock.now()
        connection.execute(
            insert(agents).values(
                agent_id=agent_id,
                name=agent_id.title(),
                levels=list(levels),
                open_limit=limit,
                status=status,
                platform_ids={},
                created_at=at,
                updated_at=at,
            )
        )

    store.write(put)


def set_status(api: Api, agent_id: str, status: str) -> list[str]:
    """What the agent took by it."""
    answer = api.as_role(Role.SUPERVISOR).put(f"/agents/{agent_id}/status", json={"status": status})
    return answer.raise_for_status().json()["takenIncidenceIds"]


def timeline(api: Api, incidence_id: str) -> list[str]:
    return events_of(api.store, incidence_id)


def events_of(store: Store, incidence_id: str) -> list[str]:
    """The events of an incidence, in order."""
    with store.read() as connection:
        query = select(incidence_timeline.c.event_type).where(incidence_timeline.c.incidence_id == incidence_id)
        return list(connection.execute(query.order_by(incidence_timeline.c.event_id)).scalars())


class Time:
    """The product's clock, standing where a test puts it."""

    def __init__(self, monkeypatch: Any) -> None:
        self.at: datetime = clock.now()
        monkeypatch.setattr(clock, "now", lambda: self.at)

    def pass_(self, **forward: float) -> datetime:
        self.at += timedelta(**forward)
        return self.at


class Floor:
    """The functions of the live side on a store, without the API and its loops: time passes when a test says so.

    Where the rules stay as they are, `rules` spares reading them for each change.
    """

    def __init__(self, store: Store, rules: Rules | None = None) -> None:
        self.store = store
        self._rules = rules
        self.at: datetime = clock.now()

    def later(self, **forward: float) -> None:
        self.at += timedelta(**forward)

    def do(self, change: Callable[[Connection, Rules], T]) -> T:
        """Run a change in its own transaction."""
        return self.store.write(lambda connection: change(connection, self._rules or load_rules(connection, self.at)))

    def begin(self, user_id: str, rupees: int, **wanted: Any) -> str:
        """Ask for help with a cart of this value; the incidence."""
        fill_cart(self.store, user_id, rupees)
        start = StartIncidence(user_id, Stage.PRE_ORDER, IncidenceTrigger.USER_INITIATED, **wanted)
        return self.do(lambda connection, rules: start_incidence(connection, rules, start, self.at)).incidence_id

    def fire(self) -> list[str]:
        """Let run out what is due: the clocks that escalated."""
        fired = self.do(lambda connection, rules: fire_due(connection, rules, self.at))
        return [each.kind for each in fired if each.level is not None]

    def close(self, incidence_id: str, outcome: Outcome = Outcome.RESOLVED) -> None:
        self.do(lambda c, _: close_incidence(c, incidence_id, outcome=outcome, actor=SYSTEM, at=self.at))

    def follow(self, user_id: str) -> None:
        self.do(lambda connection, rules: follow_cart(connection, rules, user_id, self.at))

    def row(self, incidence_id: str) -> Row[Any]:
        with self.store.read() as connection:
            return get_incidence(connection, incidence_id)

    def log(self, incidence_id: str) -> list[tuple[Any, ...]]:
        """Trigger, level, from whom and to whom of each escalation, in order."""
        columns = (
            escalation_log.c.trigger,
            escalation_log.c.level,
            escalation_log.c.from_agent_id,
            escalation_log.c.to_agent_id,
        )
        query = select(*columns).where(escalation_log.c.incidence_id == incidence_id)
        with self.store.read() as connection:
            return [tuple(row) for row in connection.execute(query.order_by(escalation_log.c.escalation_id))]

    def timeline(self, incidence_id: str) -> list[str]:
        return events_of(self.store, incidence_id)


def until(is_true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for what another thread or process does."""
    ends = monotonic_seconds() + seconds
    while not is_true():
        assert monotonic_seconds() < ends, "it did not come true"
        threading.Event().wait(0.05)
