"""The two demo cities and the words they use: what is planted, which screens exist, what people ask about."""

from dataclasses import dataclass

SOURCE = "demo"
HOLDOUT_SHARE = 0.20
"""Larger than the product's own 5 %, so that three months are enough for a narrow interval."""


@dataclass(frozen=True, slots=True)
class City:
    """A demo city. Conversion: the share of users with an order within 24 h of their first eligible moment."""

    name: str
    user_prefix: str
    prompted_conversion: float
    holdout_conversion: float

    @property
    def uplift(self) -> float:
        return round(self.prompted_conversion - self.holdout_conversion, 6)


CITIES = {
    "first": City("first", "demo-u", prompted_conversion=0.32, holdout_conversion=0.20),
    "second": City("second", "demo2-u", prompted_conversion=0.26, holdout_conversion=0.26),
}
"""In the first city prompts add 12 points; in the second they add nothing."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What an incidence is about: its category, where in the app it starts, and how often compared with the others."""

    category: str
    screen: str
    weight: float


PRE_ORDER_TOPICS = (
    Topic("PORTION_SIZE", "guest_count", 0.18),
    Topic("MENU_CHOICE", "menu", 0.14),
    Topic("MENU_CHOICE", "compare", 0.09),
    Topic("DIETARY_NEEDS", "menu", 0.07),
    Topic("EVENT_PLANNING", "guest_count", 0.08),
    Topic("CUSTOMIZATION", "customize", 0.11),
    Topic("PRICE_CLARITY", "checkout", 0.12),
    Topic("DISCOUNT_QUERY", "checkout", 0.10),
    Topic("APP_BUG", "checkout", 0.03),
    Topic("PAYMENT_FAILURE", "payment", 0.08),
    Topic("DELIVERY_AREA", "address", 0.0),
)
POST_ORDER_TOPICS = (
    Topic("DELIVERY_TIME", "order_detail", 0.45),
    Topic("ORDER_CHANGE", "order_detail", 0.30),
    Topic("CANCELLATION", "order_detail", 0.15),
    Topic("QUALITY_CONCERN", "order_detail", 0.10),
)
RARE_CATEGORY = "DELIVERY_AREA"
"""Asked about at most twice in any seven days, so that it is never a repeat issue."""

PERSISTENT_CATEGORY = "CUSTOMIZATION"
PERSISTENT_USERS_A_WEEK = 2
"""Users who ask about it on four days of one week, in every whole week."""

WORST_CATEGORY = "PAYMENT_FAILURE"
WORST_SCREEN = "payment"
WORSENING = (2, 4, 8)
"""How many times its usual number of incidences the worst screen gets, in the last three weeks, oldest first."""

FLOW_OF_SCREEN = {
    "menu": "MENU",
    "platter_detail": "MENU",
    "compare": "COMPARISON",
    "customize": "CUSTOMIZATION",
    "guest_count": "GUEST_COUNT",
    "address": "CHECKOUT",
    "checkout": "CHECKOUT",
    "payment": "PAYMENT",
}
"""As in the first version of the product's screens. Those that are not here (home, help, order_detail) have no flow."""


def topic_index(category: str) -> int:
    """The first topic before an order with this category."""
    return next(n for n, topic in enumerate(PRE_ORDER_TOPICS) if topic.category == category)
