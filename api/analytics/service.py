"""What product teams say of a recommendation; the next build carries it into the report."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from store.enums import RecommendationState
from store.tables import recommendation_states as states


def set_recommendation_state(
    connection: Connection,
    recommendation_id: str,
    *,
    state: RecommendationState,
    note: str | None,
    changed_by: str,
    changed_at: datetime,
) -> None:
    """Keep the state; a later word replaces an earlier one."""
    values = {"state": state, "note": note, "changed_by": changed_by, "changed_at": changed_at}
    changed = connection.execute(update(states).where(states.c.recommendation_id == recommendation_id).values(values))
    if changed.rowcount == 0:
        connection.execute(insert(states).values(recommendation_id=recommendation_id, **values))


def recommendation_states(connection: Connection) -> dict[str, RecommendationState]:
    """What people last said, by recommendation; the published warehouse has it from its next version on."""
    rows = connection.execute(select(states.c.recommendation_id, states.c.state))
    return {row.recommendation_id: RecommendationState(row.state) for row in rows}
