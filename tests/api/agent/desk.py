"""What the desk's tests tell: agents with keys of their own, a catalogue, and requests in one word."""

from datetime import UTC, datetime
from typing import Any

import httpx2
from sqlalchemy import Connection, insert, select

from api.tokens.service import insert_key
from store.enums import Role
from store.tables import catalogue_items, metadata
from tests.api.serving import Api
from tests.api.story import add_agent

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def agent_client(api: Api, agent_id: str, *levels: str, **more: Any) -> httpx2.Client:
    """A further agent's client."""
    add_agent(api.store, agent_id, *(levels or ("AGENT",)), **more)
    role = Role.SUPERVISOR if "SUPERVISOR" in levels else Role.AGENT
    return api.client(api.store.write(insert_key, role=role, label=agent_id, agent_id=agent_id))


def sell(api: Api, item_id: str, rupees: int = 100, *, is_active: bool = True, since: datetime = LONG_AGO) -> None:
    def put(connection: Connection) -> None:
        connection.execute(
            insert(catalogue_items).values(
                item_id=item_id,
                valid_from=since,
                kind="ITEM",
                name_en=item_id,
                name_hi=item_id,
                price_paise=rupees * 100,
                is_priced_per_plate=False,
                is_active=is_active,
            )
        )

    api.store.write(put)


def act(client: httpx2.Client, incidence_id: str, action: str, **more: Any) -> httpx2.Response:
    return client.post(f"/agent/actions/{incidence_id}", json={"action": action, **more})


def acted(client: httpx2.Client, incidence_id: str, action: str, **more: Any) -> dict[str, Any]:
    answer = act(client, incidence_id, action, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def decide(client: httpx2.Client, approval_id: str, *, is_approved: bool, **more: Any) -> httpx2.Response:
    return client.post(f"/agent/approvals/{approval_id}", json={"isApproved": is_approved, **more})


def rows(api: Api, table: str, **where: Any) -> list[dict[str, Any]]:
    """Rows of a table with these values, in the order of their ids."""
    found = metadata.tables[table]
    query = select(found).where(*(found.c[name] == value for name, value in where.items()))
    with api.store.read() as connection:
        return [dict(row) for row in connection.execute(query.order_by(*found.primary_key.columns)).mappings()]
