"""How SQLite finds what waits, among however many incidences that do not."""

from typing import Any

import pytest

from api.agents import assignment
from store.session import Store


@pytest.mark.parametrize("name", ["_ANY_WAITS", "_WAITING", "_ESCALATED"])
def test_what_waits_is_found_by_an_index_of_open_incidences(sqlite_store: Store, name: str) -> None:
    statement: Any = getattr(assignment, name)
    if name != "_ANY_WAITS":
        statement = statement.params(levels=["AGENT"])
    with sqlite_store.read() as connection:
        words = str(statement.compile(connection.engine, compile_kwargs={"render_postcompile": True}))
        nothing = (None,) * words.count("?")
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", nothing)]
    found = [step for step in plan if "incidences" in step]
    assert found
    assert all("ix_incidences_opened_at" in step or "ix_incidences_agent_id" in step for step in found), plan
