"""The desk's queue: each view counts what it shows, a line knows the state that it was read in, a search takes what was typed."""

from sqlalchemy import insert

from api.agent.worklist import Asked, View, Worklist, read_worklist
from api.agents.assignment import assign_incidence
from api.incidences.reading import get_incidence
from api.incidences.schemas import IncidenceAnswer
from api.incidences.timeline import SYSTEM
from store import clock
from store.session import Store
from store.tables import users
from tests.api.story import Floor, add_agent


def worklist(store: Store, asked: Asked) -> Worklist:
    with store.read() as connection:
        return read_worklist(connection, asked, "asha")


def test_every_view_counts_what_it_shows(store: Store):
    add_agent(store, "asha", "AGENT", status="AWAY")
    add_agent(store, "vikram", "AGENT", "SUPERVISOR", status="AWAY")
    floor = Floor(store)
    held = floor.begin("user-held", 12_000)
    store.write(assign_incidence, held, "asha", actor=SYSTEM, at=clock.now())
    floor.later(hours=1)
    floor.fire()
    taken, waiting = floor.begin("user-taken", 9_000), floor.begin("user-waiting", 5_000)
    store.write(assign_incidence, taken, "vikram", actor=SYSTEM, at=clock.now())
    wanted = {
        View.MINE: [held],
        View.UNASSIGNED: [waiting],
        View.ESCALATED: [held],
        View.WAITING: [held, waiting],
        View.ALL: [held, taken, waiting],
    }
    for view, ids in wanted.items():
        shown = worklist(store, Asked(view))
        assert [entry.incidence_id for entry in shown.entries] == ids
        assert shown.counts == {each: len(wanted[each]) for each in View}


def test_a_line_knows_the_state_that_it_was_read_in(store: Store):
    incidence_id = Floor(store).begin("user-1", 12_000)
    seen = set()
    for agent_id in ("asha", "vikram"):
        add_agent(store, agent_id, "AGENT", status="AWAY")
        store.write(assign_incidence, incidence_id, agent_id, actor=SYSTEM, at=clock.now())
        [entry] = worklist(store, Asked(View.ALL)).entries
        with store.read() as connection:
            assert entry.etag == IncidenceAnswer.of(get_incidence(connection, incidence_id)).etag
        seen.add(entry.etag)
    assert len(seen) == 2


def test_a_search_takes_what_was_typed(store: Store):
    at = clock.now()
    ravi = {"user_id": "a_1", "name": "Ravi 100% Rao", "tier": "GOLD", "source": "app", "source_id": "a_1"}
    store.write(
        lambda connection: connection.execute(insert(users).values(ravi | {"created_at": at, "updated_at": at}))
    )
    floor = Floor(store)
    for user_id in ("a_1", "ax1"):
        floor.begin(user_id, 12_000)
    for text, found in {"100%": ["a_1"], "1%0": [], "a_": ["a_1"], "ax": ["ax1"], "RAVI": ["a_1"], "_1": []}.items():
        shown = worklist(store, Asked(View.ALL, text=text))
        assert [entry.user_id for entry in shown.entries] == found, text
