"""What the app's stream follows: every prompt that is new or changed."""

from sqlalchemy import Connection, bindparam, select

from api.streams import Change
from store.tables import prompts


def read_prompts(connection: Connection, from_change: int, limit: int) -> list[Change]:
    """A feed of `api.streams`; `subject` is the user, the name of the event the status of the prompt."""
    rows = connection.execute(_SINCE, {"change": from_change, "limit": limit})
    return [
        Change(
            row.prompt_id, row.change_seq, row.user_id, row.status, {"promptId": row.prompt_id, "status": row.status}
        )
        for row in rows
    ]


_SINCE = (
    select(prompts.c.prompt_id, prompts.c.change_seq, prompts.c.user_id, prompts.c.status)
    .where(prompts.c.change_seq >= bindparam("change"))
    .order_by(prompts.c.change_seq, prompts.c.prompt_id)
    .limit(bindparam("limit"))
)
