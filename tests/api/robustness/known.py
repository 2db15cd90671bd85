"""A few things that there are, so that made-up requests sometimes meet something."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from store.enums import Role
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, USER_ID, Api
from tests.api.story import fill_cart, put_order, set_status, start
from tests.api.telling import CAKE, ROYAL, sell

Known = Mapping[str, Sequence[Any]]
"""Ids by the name that they have on the wire."""


def make_known(api: Api) -> Known:
    """Users with carts and orders, incidences that are open, held and closed, and what waits for an approval."""
    api.store.write(sell)
    set_status(api, AGENT_ID, "AVAILABLE")
    users = [USER_ID, "user-ravi", "user-tara"]
    incidences = []
    for user_id, rupees in zip(users, (12_000, 30_000, 60_000), strict=True):
        fill_cart(api.store, user_id, rupees)
        incidences.append(start(api.as_role(Role.APP), userId=user_id).json()["incidenceId"])
    put_order(api, "order-1", users[0], 12_000)
    desk = api.as_role(Role.AGENT)
    blocked = desk.post(f"/agent/actions/{incidences[1]}", json={"action": "UPSELL"}).json()
    asked = desk.post(f"/agent/actions/{incidences[1]}", json={"action": "MODIFY_ORDER", "guestCount": 90}).json()
    spare = api.as_role(Role.ADMIN).post("/tokens/keys", json={"role": "APP", "label": "spare"}).json()
    return {
        "userId": users,
        "orderId": ["order-1", "order-2"],
        "incidenceId": incidences,
        "agentId": [AGENT_ID, SUPERVISOR_ID],
        "approvalId": [blocked["approvalId"]],
        "requestId": [asked["orderChange"]["requestId"]],
        "keyId": [spare["keyId"]],
        "itemId": [ROYAL, CAKE],
    }


def mention(value: Any, known: Known, choice: Random) -> Any:
    """The value with each id in it replaced by a known one."""
    if isinstance(value, dict):
        return {
            name: choice.choice(known[name]) if name in known else mention(inner, known, choice)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [mention(inner, known, choice) for inner in value]
    return value
