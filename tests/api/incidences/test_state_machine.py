"""An incidence through anything that may happen to it, in any order. The store is real, and is closed and opened again."""

import itertools
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import TypeAdapter
from sqlalchemy import func, select, text, update

from api.agent.schemas import ActionInput
from api.agent.service import Caller, act
from api.agents.assignment import assign_incidence, assign_waiting, free_seats
from api.errors import Problem
from api.escalation.rules import BY_CAUSE
from api.escalation.service import escalate
from api.incidences.closing import close_incidence, drop_offer
from api.incidences.reopening import reopen_incidence
from api.incidences.rules import WORKED_ON, needed_level, status_of
from api.incidences.starting import StartIncidence, start_incidence
from api.incidences.timeline import SYSTEM, Actor, append_event
from api.orders.service import OrderFact, record_order
from api.rules.registry import load_rules
from api.rules.sets import Rules
from store import clock
from store.enums import (
    ActorType,
    AgentStatus,
    IncidenceStatus,
    IncidenceTrigger,
    OrderStatus,
    Outcome,
    Stage,
    TimelineEvent,
)
from store.session import Store, open_store
from store.settings import Settings
from store.tables import agent_actions, agents, escalation_log, incidence_timeline, incidences, timers
from tests.api.story import Floor, add_agent, fill_cart

MEMORY = Path("/dev/shm")
"""Where the machine has it, the thousands of commits wait for no disk: durability is tested elsewhere."""
USERS = ("user-a", "user-b", "user-c")
LEVELS = {
    "asha": ("AGENT",),
    "ravi": ("AGENT", "SENIOR_AGENT"),
    "tara": ("TECH_TEAM",),
    "vikram": ("SUPERVISOR",),
}
RUPEES = (0, 4_999, 5_000, 24_999, 25_000, 50_000, 50_001)
MOVES = {
    TimelineEvent.CREATED,
    TimelineEvent.OPENED,
    TimelineEvent.ASSIGNED,
    TimelineEvent.REASSIGNED,
    TimelineEvent.CLOSED,
    TimelineEvent.REOPENED,
}
"""Events after which the status may be another."""
GIVEN = {TimelineEvent.ASSIGNED, TimelineEvent.REASSIGNED}
ACTION: TypeAdapter[Any] = TypeAdapter(ActionInput)
ACTIONS: list[dict[str, Any]] = [
    {"action": "CLOSE_RESOLVED", "issueCategory": "PRICE_CLARITY"},
    {"action": "CLOSE_DROPPED"},
    {"action": "ESCALATE", "trigger": "SYSTEM_BUG"},
    {"action": "ESCALATE", "trigger": "POLICY_EXCEPTION"},
    {"action": "MODIFY_ORDER", "guestCount": 90},
    {"action": "REASSIGN"},
    {"action": "REASSIGN", "agentId": "ravi"},
    {"action": "UPSELL"},
]

users = st.sampled_from(USERS)
agent_names = st.sampled_from(sorted(LEVELS))
numbers = st.integers(0, 50)


CHANGES = text("SELECT value FROM store_counters WHERE name = 'change'")
ROWS = select(incidences).order_by(incidences.c.incidence_id)
EVENTS = select(
    incidence_timeline.c.incidence_id,
    incidence_timeline.c.event_type,
    incidence_timeline.c.status_after,
    incidence_timeline.c.agent_id,
).order_by(incidence_timeline.c.event_id)
RUNNING = select(timers.c.incidence_id, timers.c.kind).where(timers.c.done_at.is_(None))
FIRED = select(escalation_log.c.incidence_id, escalation_log.c.trigger)
ACTED = select(func.count()).select_from(agent_actions)
LEVELS_OF = select(agents.c.agent_id, agents.c.levels)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a step may have changed, as one reader sees it."""

    changes: int
    """The store's own count of transactions that wrote."""
    rows: list[Any]
    events: dict[str, list[Any]]
    """Of each incidence, in order."""
    running: set[tuple[str, str]]
    fired: list[tuple[str, str]]
    action_count: int
    free: list[Any]
    levels: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Morning:
    """A store in which the day has begun, and a copy of its file that each run starts from."""

    store: Store
    template: Path
    at: datetime
    rules: Rules

    @property
    def file(self) -> Path:
        return self.store.settings.var_dir / self.template.name


@pytest.fixture(scope="module")
def morning(_migrated_file: Path) -> Iterator[Morning]:
    """One store serves all runs: to open one and to compile its statements anew costs more than a run's steps."""
    with tempfile.TemporaryDirectory(prefix="incidences-", dir=MEMORY if MEMORY.is_dir() else None) as directory:
        settings = Settings.at(Path(directory) / "var")
        settings.var_dir.mkdir()
        shutil.copy(_migrated_file, settings.var_dir)
        with open_store(settings) as store:
            floor = Floor(store)
            for name, levels in LEVELS.items():
                add_agent(store, name, *levels, limit=1, status="AWAY" if name == "ravi" else "AVAILABLE")
            for user, rupees in zip(USERS, (12_000, 30_000, 60_000), strict=True):
                floor.begin(user, rupees)
            with store.read() as connection:
                rules = load_rules(connection, floor.at)
            store.close()
            yield Morning(store, Path(shutil.copy(settings.var_dir / _migrated_file.name, directory)), floor.at, rules)


class Incidences(RuleBasedStateMachine):
    morning: Morning

    def __init__(self) -> None:
        super().__init__()
        self.store.close()
        shutil.copy(self.morning.template, self.morning.file)
        self.floor = Floor(self.store, self.morning.rules)
        self.floor.at = self.morning.at + timedelta(seconds=1)
        self.orders: dict[str, str] = {}
        self.refused = 0
        self.acted = 0
        self._seen: Seen | None = None

    @property
    def store(self) -> Store:
        return self.morning.store

    def look(self) -> Seen:
        """What is there now; read anew after each change only."""
        with self.store.read() as connection:
            changes = connection.execute(CHANGES).scalar_one()
            if self._seen is None or self._seen.changes != changes:
                events = defaultdict[str, list[Any]](list)
                for event in connection.execute(EVENTS):
                    events[event.incidence_id].append(event)
                self._seen = Seen(
                    changes=changes,
                    rows=list(connection.execute(ROWS)),
                    events=events,
                    running={(row.incidence_id, row.kind) for row in connection.execute(RUNNING)},
                    fired=[(row.incidence_id, row.trigger) for row in connection.execute(FIRED)],
                    action_count=connection.execute(ACTED).scalar_one(),
                    free=list(free_seats(connection)),
                    levels={row.agent_id: row.levels for row in connection.execute(LEVELS_OF)},
                )
        return self._seen

    def one(self, number: int, *statuses: IncidenceStatus) -> Any | None:
        fitting = [row for row in self.look().rows if not statuses or status_of(row) in statuses]
        return fitting[number % len(fitting)] if fitting else None

    def try_(self, change: Callable[..., Any]) -> Any:
        """Run a change; one that is refused leaves everything as it was."""
        before = self.look()
        try:
            return self.floor.do(change)
        except Problem as problem:
            self.refused = problem.status
        assert self.refused in {404, 409, 422}
        assert self.look() == before
        return None

    @rule(user=users, rupees=st.sampled_from(RUPEES))
    def fill_cart(self, user: str, rupees: int) -> None:
        fill_cart(self.store, user, rupees)
        self.floor.follow(user)

    @rule(user=users, as_offer=st.booleans(), is_after=st.booleans())
    def create_or_join(self, user: str, as_offer: bool, is_after: bool) -> None:
        order_id = next((order for order, owner in self.orders.items() if owner == user), None) if is_after else None
        stage = Stage.POST_ORDER if order_id else Stage.PRE_ORDER
        start = StartIncidence(user, stage, IncidenceTrigger.USER_INITIATED, order_id=order_id, as_offer=as_offer)
        self.try_(lambda c, rules: start_incidence(c, rules, start, self.floor.at))

    @rule(number=numbers, is_user=st.booleans())
    def message(self, number: int, is_user: bool) -> None:
        row = self.one(number, *WORKED_ON)
        if row is not None:
            actor = Actor(ActorType.USER, row.user_id) if is_user else Actor(ActorType.AGENT, "asha")
            self.floor.do(
                lambda c, _: append_event(c, row.incidence_id, TimelineEvent.MESSAGE, actor, self.floor.at, text="नमस्ते")
            )

    @rule(number=numbers, agent=agent_names)
    def assign(self, number: int, agent: str) -> None:
        row = self.one(number)
        if row is not None:
            self.try_(lambda c, _: assign_incidence(c, row.incidence_id, agent, actor=SYSTEM, at=self.floor.at))

    @rule(number=numbers, agent=agent_names, action=st.sampled_from(ACTIONS))
    def act(self, number: int, agent: str, action: dict[str, Any]) -> None:
        row = self.one(number)
        if row is None:
            return
        wanted = ACTION.validate_python(action)
        caller = Caller(agent, is_supervisor="SUPERVISOR" in LEVELS[agent])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: self.floor.at)
            done = self.try_(lambda c, rules: act(c, rules, row.incidence_id, wanted, caller, None))
        self.acted += done is not None

    @rule(agent=agent_names, status=st.sampled_from(AgentStatus))
    def come_or_go(self, agent: str, status: AgentStatus) -> None:
        def change(connection: Any, _: Any) -> None:
            connection.execute(update(agents).where(agents.c.agent_id == agent).values(status=status))
            assign_waiting(connection, self.floor.at)

        self.floor.do(change)

    @rule(number=numbers, trigger=st.sampled_from(BY_CAUSE))
    def escalate(self, number: int, trigger: Any) -> None:
        row = self.one(number)
        if row is not None:
            self.try_(
                lambda c, r: escalate(c, r, row.incidence_id, trigger, reason=None, actor=SYSTEM, at=self.floor.at)
            )

    @rule(minutes=st.integers(0, 16))
    def time_passes(self, minutes: int) -> None:
        self.floor.later(minutes=minutes, seconds=1)
        self.floor.fire()

    @rule(number=numbers, outcome=st.sampled_from(Outcome))
    def resolve(self, number: int, outcome: Outcome) -> None:
        row = self.one(number)
        if row is not None:
            self.try_(
                lambda c, _: close_incidence(c, row.incidence_id, outcome=outcome, actor=SYSTEM, at=self.floor.at)
            )

    @rule(number=numbers)
    def drop_offer(self, number: int) -> None:
        row = self.one(number, IncidenceStatus.OFFERED)
        if row is not None:
            assert self.floor.do(lambda c, _: drop_offer(c, row.incidence_id, reason="DISMISSED", at=self.floor.at))

    @rule(number=numbers)
    def reopen(self, number: int) -> None:
        row = self.one(number, IncidenceStatus.RESOLVED, IncidenceStatus.DROPPED, IncidenceStatus.CONVERTED)
        if row is not None:
            self.try_(lambda c, rules: reopen_incidence(c, rules, row.incidence_id, actor=SYSTEM, at=self.floor.at))

    @rule(user=users, rupees=st.sampled_from(RUPEES))
    def order(self, user: str, rupees: int) -> None:
        order_id = f"order-{len(self.orders)}"
        self.orders[order_id] = user
        order = OrderFact(order_id, user, OrderStatus.PLACED, rupees * 100)
        self.floor.do(lambda c, rules: record_order(c, rules, order, self.floor.at))

    @precondition(lambda self: self.orders)
    @rule(number=numbers, rupees=st.sampled_from(RUPEES), status=st.sampled_from(OrderStatus))
    def change_order(self, number: int, rupees: int, status: OrderStatus) -> None:
        order_id, user = list(self.orders.items())[number % len(self.orders)]
        order = OrderFact(order_id, user, status, rupees * 100)
        self.try_(lambda c, rules: record_order(c, rules, order, self.floor.at))

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.floor.later(seconds=1)
        assert self.floor.do(lambda c, _: assign_waiting(c, self.floor.at)) == []

    @invariant()
    def no_state_is_illegal(self) -> None:
        seen = self.look()
        assert not seen.running & set(seen.fired)
        with_clock = {incidence_id for incidence_id, _ in seen.running}
        for row in seen.rows:
            status = status_of(row)
            assert (row.outcome is None) == (row.resolved_at is None) == (row.time_to_resolve_seconds is None)
            if status is IncidenceStatus.CONVERTED:
                assert row.order_id is not None
            if status is IncidenceStatus.ASSIGNED:
                assert row.opened_at is not None
                assert row.assigned_at is not None
            if status in {IncidenceStatus.OFFERED, IncidenceStatus.SELF_SERVE}:
                assert row.opened_at is None
                assert row.agent_id is None
            if status in WORKED_ON:
                assert row.allowed_channels
                assert row.channel is not None
                assert row.first_channel is not None
            else:
                assert row.incidence_id not in with_clock
            if row.merged_into is not None:
                assert row.outcome is not None

    @invariant()
    def one_open_for_each_user_stage_and_order(self) -> None:
        keys = [(row.user_id, row.stage, row.order_id) for row in self.look().rows if row.outcome is None]
        assert len(keys) == len(set(keys))

    @invariant()
    def the_timeline_tells_every_move(self) -> None:
        """The last status that the timeline tells is the present one, and each assignment, ending and reopening is told once."""
        seen = self.look()
        for row in seen.rows:
            own = seen.events[row.incidence_id]
            told = [event.status_after for event in own if event.status_after is not None]
            assert told[-1] == status_of(row)
            kinds = [event.event_type for event in own]
            assert kinds.count(TimelineEvent.CREATED) == 1
            assert kinds.count(TimelineEvent.REOPENED) == row.reopen_count
            assert kinds.count(TimelineEvent.CLOSED) == row.reopen_count + (row.outcome is not None)
            given = [event.agent_id for event in own if event.event_type in GIVEN]
            assert row.agent_id in {None, *given[-1:]}
            for before, event in itertools.pairwise(own):
                if event.event_type not in MOVES and event.status_after is not None and before.status_after is not None:
                    is_asked_again = event.event_type == TimelineEvent.JOINED
                    assert event.status_after == before.status_after or is_asked_again

    def told_count(self, kind: TimelineEvent) -> int:
        return sum(event.event_type == kind for own in self.look().events.values() for event in own)

    @invariant()
    def every_action_is_on_record_and_told(self) -> None:
        assert self.look().action_count == self.told_count(TimelineEvent.ACTION) == self.acted

    @invariant()
    def escalations_are_told_and_fire_once(self) -> None:
        assert len(self.look().fired) == self.told_count(TimelineEvent.ESCALATED)

    @invariant()
    def nothing_waits_while_someone_fitting_is_free(self) -> None:
        seen = self.look()
        for row in seen.rows:
            if status_of(row) not in WORKED_ON:
                continue
            level = needed_level(row.escalation_level)
            is_waiting = row.agent_id is None or (level != "AGENT" and level not in seen.levels[row.agent_id])
            assert not is_waiting or not any(level in seat.levels for seat in seen.free)


def test_whatever_happens_an_incidence_stays_in_order(morning: Morning, size: Callable[..., int]):
    machine = type("Incidences", (Incidences,), {"morning": morning})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=size(small=200, full=2_000),
            stateful_step_count=size(small=15, full=50),
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
