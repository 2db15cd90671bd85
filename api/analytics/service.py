"""What product teams say of a recommendation; the next build carries it into the report."""

from datetime import datetime

from sqlalchemy import Connection, insert, update

from store.enums import RecommendationState
from store.tables import recommendation_states


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
    changed = connection.execute(
        update(recommendation_states)
        .where(recommendation_states.c.recommendation_id == recommendation_id)
        .values(values)
    )
    if changed.rowcount == 0:
        connection.execute(insert(recommendation_states).values(recommendation_id=recommendation_id, **values))
