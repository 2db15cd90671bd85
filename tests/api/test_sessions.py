from datetime import timedelta

from api.dashboard.sign_in import SESSION_LASTS, end_session, find_session, insert_link, open_session
from store import clock
from store.enums import AgentStatus, Role
from store.session import Store
from tests.api.story import add_agent


def test_a_session_knows_whose_it_is_until_it_ends(store: Store):
    add_agent(store, "asha", "AGENT", status="BUSY")
    link = store.write(insert_link, role=Role.AGENT, agent_id="asha")
    token = store.write(open_session, link.token)
    admin = store.write(open_session, store.write(insert_link, role=Role.ADMIN).token)
    at = clock.now()
    with store.read() as connection:
        found = find_session(connection, token, at)
        assert found is not None
        assert (found.role, found.agent_id, found.agent_name, found.agent_status) == (
            Role.AGENT,
            "asha",
            "Asha",
            AgentStatus.BUSY,
        )
        assert (nobody := find_session(connection, admin, at)) is not None
        assert (nobody.role, nobody.agent_id, nobody.agent_status) == (Role.ADMIN, None, None)
        assert find_session(connection, token[:-1], at) is None
        assert find_session(connection, token, at + SESSION_LASTS + timedelta(seconds=1)) is None
    store.write(end_session, found.session_id)
    with store.read() as connection:
        assert find_session(connection, token, at) is None
