"""Customers who ask for help, as their app tells of them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from api.incidences.timeline import Actor, append_event
from store import clock
from store.enums import ActorType, Role, TimelineEvent
from store.session import Store
from store.tables import catalogue_items
from tests.api.serving import Api
from tests.api.story import start

ITEMS = {
    "platter-royal": ("Royal vegetarian platter", "शाही शाकाहारी थाली", 650),
    "paneer-tikka": ("Paneer tikka", "पनीर टिक्का", 240),
    "gulab-jamun": ("Gulab jamun", "गुलाब जामुन", 60),
}


def sell_items(store: Store) -> None:
    """The three items of these tests are in the catalogue."""

    def put(connection: Connection) -> None:
        if connection.execute(
            select(catalogue_items.c.item_id).where(catalogue_items.c.item_id == "platter-royal")
        ).first():
            return
        for item_id, (english, hindi, rupees) in ITEMS.items():
            row = {"kind": "ITEM", "name_en": english, "name_hi": hindi, "price_paise": rupees * 100}
            sold = {
                **row,
                "valid_from": clock.now() - timedelta(days=1),
                "is_priced_per_plate": False,
                "is_active": True,
            }
            connection.execute(insert(catalogue_items).values(item_id=item_id, source="app", **sold))

    store.write(put)


def customer(
    api: Api,
    user_id: str,
    name: str,
    *,
    quantity: int = 20,
    event: str | None = None,
    guests: int = 40,
    tier: str = "SILVER",
    language: str = "en",
    phone: str = "+91 98200 12345",
) -> str:
    """Somebody with a cart of that many royal platters (₹650 each) who came to the checkout and asks for help; the incidence."""
    sell_items(api.store)
    app = api.as_role(Role.APP)
    profile = {"name": name, "phone": phone, "language": language, "tier": tier, "priorOrderCount": 1}
    app.put(f"/context/{user_id}/profile", json=profile).raise_for_status()
    for screen in ("home", "menu", "guest_count", "checkout"):
        app.put(f"/context/{user_id}/screen", json={"currentScreen": screen}).raise_for_status()
    lines = [{"itemId": "platter-royal", "quantity": quantity}, {"itemId": "gulab-jamun", "quantity": 2}]
    cart: dict[str, Any] = {"cartItems": lines, "guestCount": guests, "eventDate": "2026-12-20"}
    if event is not None:
        cart["eventType"] = event
    app.put(f"/context/{user_id}/cart", json=cart).raise_for_status()
    signals = [{"clientEventId": f"{user_id}-{n}", "signalType": "PRICE_CALCULATION"} for n in range(7)]
    app.post(f"/context/{user_id}/signals", json=signals).raise_for_status()
    answer = start(app, userId=user_id, appScreen="checkout", issueCategory="PRICE_CLARITY")
    return answer.raise_for_status().json()["incidenceId"]


def says(store: Store, incidence_id: str, text: str, *, agent_id: str | None = None) -> None:
    """A message of the chat, of the customer or of an agent."""
    actor = Actor(ActorType.AGENT, agent_id) if agent_id else Actor(ActorType.USER)
    store.write(
        lambda connection: append_event(
            connection,
            incidence_id,
            TimelineEvent.MESSAGE,
            actor,
            clock.now(),
            channel="IN_APP_CHAT",
            text=text,
            flags=[],
        )
    )
