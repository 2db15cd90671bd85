"""Short stories with the inputs and the score at their end, worked by hand from docs/definitions.md.

The rules alone are held to them in a moment; through the API and a build of the warehouse they come with the generated ones.
"""

from dataclasses import dataclass

from api.friction.rules import Inputs
from store.enums import EventType
from tests.live.histories import FilledCart, History, Look, Order, Profile, Screen, Signals, Step


@dataclass(frozen=True, slots=True)
class Vector:
    name: str
    steps: History
    inputs: Inputs
    score: int


def _beats(count: int, every: float = 20) -> list[Step]:
    return [Step(every, Signals(("HEARTBEAT",))) for _ in range(count)]


def _screens(*names: str) -> list[Step]:
    return [Step(1, Screen(name)) for name in names]


def _vector(name: str, *steps: Step, score: int, **inputs: int | bool) -> Vector:
    zero = {
        "inactivity_seconds": 0,
        "back_navigation_count": 0,
        "price_check_count": 0,
        "is_high_value_event": False,
        "is_first_time_user": True,
    }
    return Vector(name, [*steps, Step(0, Look())], Inputs(**{**zero, **inputs}), score)


_BEAT, _AWAY, _BACK = (Signals((signal,)) for signal in ("HEARTBEAT", "APP_BACKGROUND", "APP_FOREGROUND"))
_LOOK = Look()

VECTORS = [
    _vector("a first visit", *_screens("menu"), score=10),
    _vector(
        "61 seconds in front of the checkout",
        *_screens("checkout"),
        Step(0, _BEAT),
        *_beats(3),
        Step(1, _LOOK),
        inactivity_seconds=61,
        score=40,
    ),
    _vector(
        "exactly 60 are not over 60",
        *_screens("checkout"),
        Step(0, _BEAT),
        *_beats(3),
        Step(0.999999, _LOOK),
        inactivity_seconds=60,
        score=10,
    ),
    _vector(
        "heartbeats that stop end presence after 30 seconds",
        *_screens("menu"),
        Step(10, _BEAT),
        Step(600, _LOOK),
        inactivity_seconds=40,
        score=10,
    ),
    _vector(
        "a heartbeat before the last activity counts too",
        Step(0, _BEAT),
        Step(100, Screen("menu")),
        Step(100, _LOOK),
        inactivity_seconds=30,
        score=10,
    ),
    _vector(
        "the background ends inactivity",
        *_screens("checkout"),
        Step(20, _BEAT),
        Step(25, _AWAY),
        Step(500, _LOOK),
        inactivity_seconds=45,
        score=10,
    ),
    _vector(
        "a heartbeat out of the background takes it back",
        *_screens("checkout"),
        Step(20, _BEAT),
        Step(25, _AWAY),
        Step(5, _BEAT),
        Step(20, _LOOK),
        inactivity_seconds=70,
        score=40,
    ),
    _vector(
        "coming back is activity",
        *_screens("checkout"),
        Step(20, _BEAT),
        Step(25, _AWAY),
        Step(500, _BACK),
        Step(20, _LOOK),
        inactivity_seconds=20,
        score=10,
    ),
    _vector(
        "without heartbeats it counts on the payment screen",
        *_screens("payment"),
        Step(1_000, _LOOK),
        inactivity_seconds=1_000,
        score=40,
    ),
    _vector(
        "for half an hour at most",
        *_screens("payment"),
        Step(5_000, _LOOK),
        inactivity_seconds=1_800,
        score=40,
    ),
    _vector("and not in the menu", *_screens("menu"), Step(1_000, _LOOK), score=10),
    _vector(
        "a screen without a flow leaves the flow",
        *_screens("checkout", "home"),
        Step(100, _LOOK),
        inactivity_seconds=100,
        score=40,
    ),
    _vector(
        "going away without heartbeats changes nothing",
        *_screens("guest_count"),
        Step(5, _AWAY),
        Step(95, _LOOK),
        inactivity_seconds=100,
        score=40,
    ),
    _vector(
        "a profile is no activity",
        *_screens("payment"),
        Step(50, Profile(0)),
        Step(50, _LOOK),
        inactivity_seconds=100,
        score=40,
    ),
    _vector(
        "four ways back on one flow",
        *_screens(*["menu", "item_detail"] * 5),
        back_navigation_count=4,
        score=35,
    ),
    _vector(
        "three are not over three",
        *_screens(*["menu", "item_detail"] * 4),
        back_navigation_count=3,
        score=10,
    ),
    _vector(
        "another flow begins anew", *_screens(*["menu", "item_detail"] * 5, "checkout"), inactivity_seconds=0, score=10
    ),
    _vector(
        "the way back into a flow is its first screen",
        *_screens("menu", "checkout", "menu"),
        score=10,
    ),
    _vector(
        "screens without a flow keep the count",
        *_screens(*["menu", "item_detail"] * 5, "home", "not_a_screen"),
        back_navigation_count=4,
        score=35,
    ),
    _vector(
        "six price checks in a session",
        *_screens("menu"),
        Step(1, Signals(("PRICE_CALCULATION",) * 6)),
        price_check_count=6,
        score=30,
    ),
    _vector(
        "another session begins anew",
        *_screens(*["menu", "item_detail"] * 5),
        Step(1, Signals(("PRICE_CALCULATION",) * 6)),
        Step(1_800.000001, Screen("item_detail")),
        score=10,
    ),
    _vector(
        "half an hour of silence is the same session",
        *_screens("menu"),
        Step(1, Signals(("PRICE_CALCULATION",) * 6)),
        Step(1_800, Screen("menu")),
        price_check_count=6,
        score=30,
    ),
    _vector(
        "a wedding is a high-value event, also in the next session",
        *_screens("menu"),
        Step(1, FilledCart(EventType.WEDDING)),
        Step(4_000, Screen("menu")),
        is_high_value_event=True,
        score=25,
    ),
    _vector(
        "the latest cart decides",
        Step(1, FilledCart(EventType.WEDDING)),
        Step(1, FilledCart(EventType.BIRTHDAY)),
        score=10,
    ),
    _vector(
        "an order that the backend reports",
        Step(0, Profile(2)),
        *_screens("menu"),
        is_first_time_user=False,
        score=0,
    ),
    _vector(
        "an order placed before, even if it was cancelled",
        *_screens("menu"),
        Step(1, Order(is_cancelled=True)),
        Step(1, Screen("menu")),
        is_first_time_user=False,
        score=0,
    ),
    _vector(
        "an order that is told late counts from when it was told",
        *_screens("menu"),
        Step(1, _LOOK),
        Step(1, Order(placed_hours_ago=2)),
        Step(1, Screen("menu")),
        is_first_time_user=False,
        score=0,
    ),
    _vector(
        "an order of this very instant was not placed before",
        *_screens("menu"),
        Step(1, Order()),
        score=10,
    ),
    _vector(
        "everything at once",
        Step(0, FilledCart(EventType.CORPORATE)),
        *_screens(*["menu", "item_detail"] * 5),
        Step(0, Signals((*["PRICE_CALCULATION"] * 6, "HEARTBEAT"))),
        *_beats(3),
        Step(1, _LOOK),
        inactivity_seconds=61,
        back_navigation_count=4,
        price_check_count=6,
        is_high_value_event=True,
        score=100,
    ),
]
