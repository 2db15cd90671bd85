"""The context of a user on the wire."""

from datetime import date
from typing import Annotated

from pydantic import Field

from api.wire import Id, Input, Instant, InstantIn, RupeesOut, Wire
from store.enums import EventType, Flow, SignalType, Tier

ScreenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./:-]{1,128}$", examples=["checkout"])]
ClientSeq = Annotated[
    int | None,
    Field(
        ge=0, le=2**53 - 1, description="Rising in a session: what comes after a higher one is accepted and ignored."
    ),
]
ClientInstant = Annotated[InstantIn | None, Field(description="By the phone's clock: kept, never used.")]


class ScreenInput(Input):
    current_screen: ScreenName
    client_seq: ClientSeq = None
    timestamp: ClientInstant = None


class CartLine(Input):
    item_id: Id = Field(examples=["platter-royal"])
    quantity: int = Field(ge=1, le=100_000, examples=[1])


class Platter(Input):
    item_id: Id = Field(examples=["platter-royal"])


class CartInput(Input):
    """The whole cart: what is left out is not in it any more."""

    cart_items: list[CartLine] = Field(max_length=500)
    selected_platter: Platter | None = None
    guest_count: int | None = Field(None, ge=1, le=1_000_000, examples=[150])
    event_date: date | None = None
    event_type: EventType | None = None
    client_seq: ClientSeq = None
    timestamp: ClientInstant = None


class ProfileInput(Input):
    name: str | None = Field(None, min_length=1, max_length=200, examples=["Meera"])
    phone: str | None = Field(None, pattern=r"^[+0-9 ()-]{3,32}$", examples=["+91 98200 12345"])
    language: str = Field("en", pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$", examples=["hi"])
    tier: Tier
    prior_order_count: int = Field(0, ge=0, le=1_000_000, description="Orders that this product was not told of.")
    last_order_date: date | None = None


class SignalInput(Input):
    client_event_id: str = Field(
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="Of the app's own; the same one of a user is stored once.",
        examples=["7f6c-118"],
    )
    signal_type: str = Field(
        pattern=r"^[A-Za-z0-9_.:-]{1,64}$",
        description=f"{', '.join(SignalType)}; others are stored and counted, and score nothing.",
        examples=["PRICE_CALCULATION"],
    )
    value: float | None = Field(None, description="Seconds for MENU_COMPARISON and CHECKOUT_INACTIVITY.", examples=[1])
    screen: ScreenName | None = Field(None, description="By default the current one.")
    timestamp: ClientInstant = None


class UpdateAnswer(Wire):
    """`isApplied` is false for what the app sent before something that is known already."""

    is_applied: bool
    session_id: str | None
    current_screen: str | None
    flow: Flow | None = Field(description="The flow last entered.")
    back_navigation_count: int
    cart_value: RupeesOut | None
    unpriced_items: list[str] = Field(default=[], description="Items of the cart that the catalogue has no price of.")


class SignalsAnswer(Wire):
    received: int = Field(description="Signals in the request")
    new: int = Field(description="Of them stored by it; the others were stored before.")
    unknown: int = Field(description="Of the new ones of a type that scores nothing because nobody knows it.")


class ContextAnswer(Wire):
    """What a user is doing now, or did last."""

    user_id: str
    session_id: str | None
    is_present: bool = Field(description="The app is in the foreground, as its last sign tells.")
    current_screen: str | None
    previous_screens: list[str] = Field(description="The way here in this session, the latest last.")
    last_activity: Instant | None
    session_duration: int = Field(
        description="Seconds from the session's first sign to now, or to its last if it ended."
    )
    inactivity_seconds: int
    cart_items: list[CartLine]
    selected_platter: Platter | None
    guest_count: int | None
    event_date: date | None
    event_type: EventType | None
    cart_value: RupeesOut | None
    language: str
    tier: Tier | None
    past_order_count: int = Field(description="Orders reported by the app and those placed since; cancelled ones not.")
    last_order_date: date | None
    hesitation_score: int = Field(ge=0, le=100, description="The friction score of this moment.")
    back_navigation_count: int
    price_check_count: int
    signal_counts: dict[str, int] = Field(description="Of the session, by known signal type.")
