"""Made-up histories of users go through the API, on a clock that the test sets; then the warehouse is built.

Whatever was scored live has the same inputs and the same score there. One build judges all of them; a difference names the
history that it came from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import select

from api.notifications.service import expire_prompts
from api.notifications.watch import InactivityWatch
from orchestration.build import run_build
from store import clock
from store.enums import PromptStatus, Role
from store.published import open_current
from store.settings import Settings
from store.tables import friction_scores, prompts
from tests.api.serving import Api, serve_api
from tests.api.telling import CAKE, ROYAL, Clock, Visitor, sell
from tests.live.histories import FilledCart, History, Look, Order, Profile, Screen, Signals, Step, histories
from tests.live.vectors import VECTORS

COMPARED = (
    "score_id",
    "user_id",
    "session_id",
    "evaluated_at",
    "inactivity_seconds",
    "back_navigation_count",
    "price_check_count",
    "is_high_value_event",
    "is_first_time_user",
    "score",
    "is_help_due",
    "rule_version",
)


@dataclass
class World:
    """The served application, its clock, and who lived which history."""

    api: Api
    time: Clock
    watch: InactivityWatch = field(default_factory=InactivityWatch)
    lived: dict[str, History] = field(default_factory=dict)
    _orders: Iterator[int] = field(default_factory=count)

    def live(self, name: str, steps: History) -> None:
        """The users of a history do what it says, some hours after those of the one before."""
        self.time.go_on(hours=3)
        visitors = {user: Visitor(self.api, f"{name}-{user}") for user in {step.user for step in steps}}
        for visitor in visitors.values():
            self.lived[visitor.user_id] = steps
        for step in steps:
            self.time.go_on(seconds=step.after_seconds)
            self._do(visitors[step.user], step)

    def _do(self, visitor: Visitor, step: Step) -> None:
        match step.act:
            case Screen(name):
                visitor.shows(name)
            case FilledCart(event_type, guests):
                visitor.fills((ROYAL, 1), (CAKE, 1), guestCount=guests, eventType=event_type)
            case Signals(types):
                visitor.sends(*types)
            case Profile(prior_order_count):
                visitor.is_known_as(priorOrderCount=prior_order_count)
            case Order(is_cancelled, hours):
                order_id = f"order-{next(self._orders)}"
                placed_at = (clock.now() - timedelta(hours=hours)).isoformat()
                for status in ("PLACED", "CANCELLED") if is_cancelled else ("PLACED",):
                    body = {"userId": visitor.user_id, "status": status, "orderValue": 9_000, "placedAt": placed_at}
                    _accepted(visitor.client.put(f"/orders/{order_id}", json=body))
            case Look(kind):
                self._look(visitor, kind)

    def _look(self, visitor: Visitor, kind: str) -> None:
        user_id, client = visitor.user_id, visitor.client
        match kind:
            case "detect":
                _accepted(client.post("/friction/detect", json={"userId": user_id}), or_missing=True)
            case "trigger":
                _accepted(client.post("/notifications/trigger", json={"userId": user_id}), or_missing=True)
            case "dismiss":
                _accepted(client.post(f"/notifications/suppress/{user_id}"))
            case "accept":
                for prompt_id in self._waiting_prompts(user_id):
                    asked = {"userId": user_id, "stage": "PRE_ORDER", "promptId": prompt_id}
                    _accepted(client.post("/incidences", json=asked))
            case "watch":
                rules = self.api.app.state.rules.current()
                with self.api.store.read() as connection:
                    is_due = self.watch.is_due(connection, rules)
                if is_due:
                    self.api.store.write(self.watch.look, rules)
                self.api.store.write(expire_prompts, rules, clock.now(), 25)

    def _waiting_prompts(self, user_id: str) -> list[str]:
        waiting = select(prompts.c.prompt_id).where(
            prompts.c.user_id == user_id, prompts.c.status == PromptStatus.SHOWN
        )
        with self.api.store.read() as connection:
            return list(connection.execute(waiting).scalars())

    def lower_the_thresholds(self) -> None:
        """New rules, in force from now on."""
        admin = self.api.as_role(Role.ADMIN)
        now = admin.get("/friction/thresholds")
        wanted = {name: now.json()[name] for name in ("thresholds", "scores", "help")}
        wanted["scores"] = [
            score | {"threshold": score["threshold"] and score["threshold"] // 2, "points": score["points"] + 1}
            for score in wanted["scores"]
        ]
        _accepted(admin.put("/friction/thresholds", json=wanted, headers={"If-Match": now.headers["ETag"]}))


def _accepted(answer: httpx2.Response, *, or_missing: bool = False) -> None:
    assert answer.is_success or (or_missing and answer.status_code == 404), answer.text


@pytest.fixture
def world(sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, size: Callable[..., int]) -> Iterator[World]:
    # One history follows another: they must all have ended by now.
    time = Clock(clock.now() - timedelta(days=size(small=85, full=300)))
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", time.now)
        with serve_api(sqlite_settings, loops=()) as api:
            api.store.write(sell, time.at - timedelta(days=1))
            yield World(api, time)


def test_what_was_scored_live_has_the_same_score_in_the_warehouse(
    world: World, sqlite_settings: Settings, size: Callable[..., int]
):
    numbers = count()
    for number, vector in enumerate(VECTORS):
        world.live(f"vector{number}", vector.steps)

    @settings(
        max_examples=size(small=30, full=400),
        phases=[Phase.generate],  # the build judges them all at once: there is nothing to shrink by
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.nested_given],
    )
    @given(histories)
    def live(steps: History) -> None:
        world.live(f"user{next(numbers)}", steps)

    live()
    world.lower_the_thresholds()
    live()
    world.api.store.writer.submit_future(lambda _: None).result()  # the last scores are written before it
    with world.api.store.read() as connection:
        kept = {row.score_id: row for row in connection.execute(select(friction_scores))}
    world.time.go_on(hours=1)
    run_build(sqlite_settings, progress=lambda _: None)

    with open_current(sqlite_settings) as published:
        columns = ", ".join(COMPARED)
        built = {
            row["score_id"]: row
            for row in published.query(f"select {columns} from marts.fct_friction_scores where is_live")
        }
    assert kept.keys() == built.keys()
    different = [
        (world.lived[row.user_id], name, getattr(row, name), built[score_id][name])
        for score_id, row in kept.items()
        for name in COMPARED
        if _plain(getattr(row, name)) != _plain(built[score_id][name])
    ]
    assert different == []
    _check_the_vectors(kept.values())
    _check_that_it_means_something(kept.values())


def _plain(value: object) -> object:
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value  # pyright: ignore[reportAttributeAccessIssue]


def _check_the_vectors(kept) -> None:
    for number, vector in enumerate(VECTORS):
        last = max((row for row in kept if row.user_id == f"vector{number}-0"), key=lambda row: row.evaluated_at)
        found = {name: getattr(last, name) for name in vector.inputs.__slots__}
        assert (found, last.score) == ({name: getattr(vector.inputs, name) for name in found}, vector.score), (
            vector.name
        )


def _check_that_it_means_something(kept) -> None:
    """The histories reach what they should test."""
    assert {row.rule_version for row in kept} == {1, 2}
    assert {row.is_help_due for row in kept} == {True, False}
    for name in ("is_high_value_event", "is_first_time_user"):
        assert {getattr(row, name) for row in kept} == {True, False}, name
    assert len({row.inactivity_seconds for row in kept}) > 10
    assert len({row.session_id for row in kept}) > len({row.user_id for row in kept})
    assert max(row.back_navigation_count for row in kept) > 3
    assert max(row.price_check_count for row in kept) > 5
