"""What begins together begins as it would one after the other."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from api.errors import Problem
from api.incidences.starting import StartedIncidence, StartIncidence, start_incidence, start_incidences
from api.rules.sets import Rules
from store.enums import Channel, IncidenceTrigger, Role, Stage
from store.session import Store
from store.tables import incidence_timeline, incidences, timers
from tests.api.serving import Api
from tests.api.story import Floor, add_agent, fill_cart, start

CARTS = {"user-self-serve": 2_000, "user-chat": 12_000, "user-call": 40_000, "user-rich": 300_000}


@dataclass(frozen=True)
class Seen(Exception):
    """What was found before it was taken back."""

    found: object


def facts_of(connection: Connection, started: StartedIncidence) -> tuple[Any, ...]:
    """What became of it, without ids and times."""
    row = connection.execute(select(incidences).where(incidences.c.incidence_id == started.incidence_id)).one()
    mine = incidence_timeline.c.incidence_id == started.incidence_id
    events = connection.execute(select(incidence_timeline.c.event_type, incidence_timeline.c.status_after).where(mine))
    clocks = connection.execute(
        select(timers.c.kind, timers.c.due_at).where(timers.c.incidence_id == started.incidence_id)
    )
    return (
        *(row.user_id, row.stage, row.order_id, row.channel, row.first_channel, row.is_self_serve),
        *(row.order_value_paise, row.allowed_channels, row.escalation_level, row.agent_id is not None),
        sorted(map(str, events)),
        sorted(map(str, clocks)),
    )


def outcome_of(store: Store, begin: Callable[[Connection], Sequence[StartedIncidence]]) -> object:
    """What it leads to, and what each is told; nothing stays written."""

    def look(connection: Connection) -> None:
        try:
            started = begin(connection)
        except Problem as problem:
            raise Seen(type(problem)) from problem
        told = [(each.joined, each.allowed_channels, each.reasons, each.rule_version) for each in started]
        raise Seen([told, [facts_of(connection, each) for each in started]])

    with pytest.raises(Seen) as seen:
        store.write(look)
    return seen.value.found


STARTS = st.builds(
    StartIncidence,
    user_id=st.sampled_from([*CARTS, "user-unknown"]),
    stage=st.sampled_from([Stage.PRE_ORDER, Stage.POST_ORDER]),
    trigger=st.just(IncidenceTrigger.USER_INITIATED),
    channel=st.sampled_from([None, None, Channel.IN_APP_CHAT, Channel.CALL]),
    order_id=st.sampled_from([None, None, "order-new"]),
    user_inputs=st.sampled_from([None, {"guests": 80}]),
)


@pytest.mark.parametrize("seats", [0, 3, 100])
def test_many_starts_are_as_one_after_the_other(store: Store, size: Callable[..., int], seats: int):
    floor = Floor(store)
    for user_id, rupees in CARTS.items():
        fill_cart(store, user_id, rupees)
    if seats:
        add_agent(store, "asha", "AGENT", "SUPERVISOR", limit=seats)
    rules: Rules = floor.do(lambda _, rules: rules)

    @settings(
        max_examples=size(small=40, full=1_000),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        deadline=None,
    )
    @given(st.lists(STARTS, min_size=1, max_size=8))
    def compare(starts: list[StartIncidence]) -> None:
        together = outcome_of(store, lambda c: start_incidences(c, rules, starts, floor.at))
        in_turn = outcome_of(store, lambda c: [start_incidence(c, rules, one, floor.at) for one in starts])
        assert together == in_turn

    compare()


def test_requests_that_come_together_are_each_answered_with_their_own(api: Api):
    """Sixteen clients at once; two ask for the same thing, one for a channel that it does not get."""
    users = [f"user-{number}" for number in range(14)]
    for user_id in users:
        fill_cart(api.store, user_id, 12_000)
    fill_cart(api.store, "user-small", 2_000)
    client = api.as_role(Role.APP)
    asked = [*users, "user-0", "user-small"]
    with ThreadPoolExecutor(len(asked)) as threads:
        answers = list(threads.map(lambda user_id: start(client, userId=user_id), asked))
    assert [answer.json()["userId"] for answer in answers] == asked
    assert sorted(answer.status_code for answer in answers) == [200] + [201] * 15
    assert answers[0].json()["incidenceId"] == answers[14].json()["incidenceId"]
    assert len({answer.json()["incidenceId"] for answer in answers}) == 15
