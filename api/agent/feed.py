"""What the desk's stream tells: every new row of the timeline, without what people wrote."""

from sqlalchemy import Connection, bindparam, select

from api.streams import Change
from api.wire import instant_text
from store.tables import incidence_timeline

EVENT = "incidence"


def read_desk(connection: Connection, from_change: int, limit: int) -> list[Change]:
    """A feed of `api.streams`; `subject` is the incidence."""
    rows = connection.execute(_SINCE, {"change": from_change, "limit": limit})
    return [
        Change(
            key=row.event_id,
            change_seq=row.change_seq,
            subject=row.incidence_id,
            name=EVENT,
            data={
                "eventId": row.event_id,
                "incidenceId": row.incidence_id,
                "eventType": row.event_type,
                "actorType": row.actor_type,
                "agentId": row.agent_id,
                "channel": row.channel,
                "statusAfter": row.status_after,
                "flags": row.flags or [],
                "occurredAt": instant_text(row.occurred_at),
            },
        )
        for row in rows
    ]


_SINCE = (
    select(incidence_timeline)
    .where(incidence_timeline.c.change_seq >= bindparam("change"))
    .order_by(incidence_timeline.c.change_seq, incidence_timeline.c.event_id)
    .limit(bindparam("limit"))
)
