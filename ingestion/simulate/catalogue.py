"""What the demo app sells, and carts whose value is the sum of catalogue prices."""

import json
from dataclasses import dataclass, replace

import numpy as np

from ingestion.simulate.calendar import EVENT_TYPES


@dataclass(frozen=True, slots=True)
class Item:
    item_id: str
    kind: str
    name_en: str
    name_hi: str
    rupees: int
    is_priced_per_plate: bool


PLATTERS = (
    Item("demo-platter-royal-wedding", "PLATTER", "Royal wedding feast", "शाही शादी भोज", 950, True),
    Item("demo-platter-classic-wedding", "PLATTER", "Classic wedding feast", "क्लासिक शादी भोज", 650, True),
    Item("demo-platter-office-lunch", "PLATTER", "Office lunch box", "ऑफिस लंच बॉक्स", 220, True),
    Item("demo-platter-boardroom", "PLATTER", "Boardroom buffet", "बोर्डरूम बुफे", 420, True),
    Item("demo-platter-satvik", "PLATTER", "Satvik thali", "सात्विक थाली", 260, True),
    Item("demo-platter-bhandara", "PLATTER", "Bhandara menu", "भंडारा मेन्यू", 180, True),
    Item("demo-platter-birthday", "PLATTER", "Birthday party platter", "जन्मदिन पार्टी प्लैटर", 350, True),
    Item("demo-platter-north-indian", "PLATTER", "North Indian party platter", "उत्तर भारतीय पार्टी प्लैटर", 400, True),
    Item("demo-platter-south-indian", "PLATTER", "South Indian party platter", "दक्षिण भारतीय पार्टी प्लैटर", 300, True),
    Item("demo-platter-mini", "PLATTER", "Mini snack platter", "मिनी स्नैक प्लैटर", 190, True),
)
EXTRAS = (
    Item("demo-item-gulab-jamun", "ITEM", "Gulab jamun", "गुलाब जामुन", 40, True),
    Item("demo-item-paneer-tikka", "ITEM", "Paneer tikka", "पनीर टिक्का", 70, True),
    Item("demo-item-raita", "ITEM", "Boondi raita", "बूंदी रायता", 25, True),
    Item("demo-item-dosa-counter", "ITEM", "Live dosa counter", "लाइव डोसा काउंटर", 6000, False),
    Item("demo-item-chaat-counter", "ITEM", "Chaat counter", "चाट काउंटर", 4500, False),
    Item("demo-item-cake", "ITEM", "Cake, 2 kg", "केक, 2 किलो", 1800, False),
    Item("demo-item-staff", "ITEM", "Service staff, one person", "सेवा कर्मचारी, एक व्यक्ति", 1200, False),
)
ITEMS = (*PLATTERS, *EXTRAS)

_PLATTERS_OF_EVENT = {
    "WEDDING": (0, 1),
    "CORPORATE": (2, 3),
    "RELIGIOUS": (4, 5),
    "BIRTHDAY": (6, 7),
    "HOUSE_PARTY": (7, 8),
    "OTHER": (8, 9),
}
_PLATTER_CHOICE = np.array([_PLATTERS_OF_EVENT[event] for event in EVENT_TYPES])
_MEDIAN_RUPEES = np.array([140_000.0, 15_000.0, 18_000.0, 10_000.0, 7_000.0, 5_000.0])
_SPREAD = np.array([0.60, 0.80, 0.70, 0.55, 0.55, 0.60])
_PLATTER_RUPEES = np.array([item.rupees for item in PLATTERS])
_EXTRA_RUPEES = np.array([item.rupees for item in EXTRAS])
_EXTRA_PER_PLATE = np.array([item.is_priced_per_plate for item in EXTRAS])
_CHEAP_EXTRAS = 3
"""Small carts take from the first ones, priced per plate."""
MIN_RUPEES, MAX_RUPEES = 2_000, 500_000


@dataclass(frozen=True, slots=True)
class Carts:
    """One cart a visit: a platter for so many guests, and at most one extra (-1: none)."""

    platter: np.ndarray
    extra: np.ndarray
    guests: np.ndarray
    first_paise: np.ndarray
    """Value before the extra is added."""
    value_paise: np.ndarray

    def take(self, order: np.ndarray) -> "Carts":
        """The carts of these visits, in this order."""
        return Carts(
            self.platter[order], self.extra[order], self.guests[order], self.first_paise[order], self.value_paise[order]
        )


def fill_carts(rng: np.random.Generator, event_type: np.ndarray) -> Carts:
    """Carts of lognormal value by event type (index into EVENT_TYPES), between ₹2,000 and ₹5 lakh."""
    count = len(event_type)
    wish = np.exp(np.log(_MEDIAN_RUPEES[event_type]) + _SPREAD[event_type] * rng.standard_normal(count))
    wish = np.clip(wish, MIN_RUPEES, MAX_RUPEES * 0.85)
    platter = _PLATTER_CHOICE[event_type, rng.integers(0, 2, count)]
    price = _PLATTER_RUPEES[platter]
    guests = np.maximum(np.round(wish / price), np.ceil(MIN_RUPEES / price)).astype(np.int64)
    first = price * guests
    kinds = np.where(first < 20_000, _CHEAP_EXTRAS, len(EXTRAS))
    extra = np.where(rng.random(count) < 0.45, (rng.random(count) * kinds).astype(np.int64), -1)
    added = np.where(extra >= 0, _EXTRA_RUPEES[extra] * np.where(_EXTRA_PER_PLATE[extra], guests, 1), 0)
    extra = np.where(first + added > MAX_RUPEES, -1, extra)
    added = np.where(extra >= 0, added, 0)
    return Carts(platter, extra, guests, first * 100, (first + added) * 100)


def without_extras(carts: Carts, chosen: np.ndarray) -> Carts:
    """The same carts, those chosen without their extra."""
    value = np.where(chosen, carts.first_paise, carts.value_paise)
    return replace(carts, extra=np.where(chosen, -1, carts.extra), value_paise=value)


def cart_items(platter: int, extra: int) -> str:
    """The cart's lines as the app sends them; items priced per plate count once, the guests multiply them."""
    lines = [{"itemId": PLATTERS[platter].item_id, "quantity": 1}]
    if extra >= 0:
        lines.append({"itemId": EXTRAS[extra].item_id, "quantity": 1})
    return json.dumps(lines)


def selected_platter(platter: int) -> str:
    return json.dumps({"itemId": PLATTERS[platter].item_id})
