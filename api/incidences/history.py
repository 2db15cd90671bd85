"""The history of a user or an order: live rows, and published ones that the store no longer holds. Live wins."""

from collections.abc import Callable
from typing import Literal

from sqlalchemy import Connection, select

from api.incidences.schemas import IncidenceAnswer
from api.paging import PageQuery, Position, encode_cursor
from store.published import Published
from store.tables import incidences

Of = Literal["user_id", "order_id"]
_COLUMNS = (
    "incidence_id, user_id, order_id, stage, channel, first_channel, trigger, status, outcome, app_screen, issue_category,"
    " root_cause, resolution_type, order_impact, event_type, order_value_paise, agent_id, created_at, opened_at, assigned_at,"
    " resolved_at, time_to_resolve_seconds, reopen_count, escalation_level, merged_into, prompt_id, source"
)


def live_rows(
    connection: Connection, of: Of, value: str, page: PageQuery, *, user_id: str | None = None
) -> list[IncidenceAnswer]:
    """One more than the page holds, newest first; of this user only, if one is given."""
    query = select(incidences).where(incidences.c[of] == value)
    if user_id is not None:
        query = query.where(incidences.c.user_id == user_id)
    query = page.select(query, incidences.c.created_at, incidences.c.incidence_id)
    return [IncidenceAnswer.of(row) for row in connection.execute(query)]


def published_rows(
    of: Of, value: str, page: PageQuery, *, user_id: str | None = None
) -> Callable[[Published], tuple[str, list[IncidenceAnswer]]]:
    """A question to the published warehouse: its version, and the same page of its rows."""
    conditions, parameters = [f"{of} = ?"], [value]
    if user_id is not None:
        conditions.append("user_id = ?")
        parameters.append(user_id)
    if page.after is not None:
        conditions.append("(created_at, incidence_id) < (cast(? as timestamp), ?)")
        parameters += [page.after.at.replace(tzinfo=None).isoformat(), page.after.row_id]
    sql = (
        f"select {_COLUMNS} from marts.fct_incidences where {' and '.join(conditions)}"
        f" order by created_at desc, incidence_id desc limit {page.limit + 1:d}"
    )

    def ask(published: Published) -> tuple[str, list[IncidenceAnswer]]:
        return published.version, [IncidenceAnswer.of_published(row) for row in published.query(sql, parameters)]

    return ask


def published_incidence(incidence_id: str) -> Callable[[Published], IncidenceAnswer | None]:
    """A question to the published warehouse: this incidence, if it is there."""

    def ask(published: Published) -> IncidenceAnswer | None:
        rows = published.query(f"select {_COLUMNS} from marts.fct_incidences where incidence_id = ?", [incidence_id])
        return IncidenceAnswer.of_published(rows[0]) if rows else None

    return ask


def merge(
    live: list[IncidenceAnswer], published: list[IncidenceAnswer], limit: int
) -> tuple[list[IncidenceAnswer], str | None]:
    """The page of both, and the cursor of the next. Each list has its newest `limit` + 1 rows of the page, if it has so many."""
    by_id = {row.incidence_id: row for row in (*published, *live)}
    rows = sorted(by_id.values(), key=lambda row: (row.created_at, row.incidence_id), reverse=True)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor(Position(last.created_at, last.incidence_id))


def without_live(connection: Connection, published: list[IncidenceAnswer]) -> list[IncidenceAnswer]:
    """Those that are not live any more. Of the others the live rows tell, also that they became another user's or order's."""
    ids = [row.incidence_id for row in published]
    live = set(
        connection.execute(select(incidences.c.incidence_id).where(incidences.c.incidence_id.in_(ids))).scalars()
    )
    return [row for row in published if row.incidence_id not in live]
