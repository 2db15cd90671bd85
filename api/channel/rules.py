"""Which channels an order's value and event open. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from api.rules.sets import Band
from store.display import rupees
from store.enums import Channel, EventType, RoutedChannel

BOTH = (RoutedChannel.CHAT, RoutedChannel.CALL)


@dataclass(frozen=True, slots=True)
class Routing:
    """`channels` is empty when people help only by the app itself. `escalate_after_seconds` is when an unresolved chat gets
    CALL; None where it never does. `reasons` are for people."""

    channels: tuple[RoutedChannel, ...]
    reasons: tuple[str, ...]
    escalate_after_seconds: int | None


def allowed_channels(
    bands: Sequence[Band],
    order_value_paise: int | None,
    event_type: EventType | None,
    always_assisted: Collection[EventType],
) -> Routing:
    """Always assisted events get chat and call; others what the band of their value has. No value is the lowest."""
    if event_type is not None and event_type in always_assisted:
        return Routing(BOTH, (f"{event_type} events always get chat and call.",), None)
    band = band_of(bands, order_value_paise or 0)
    return Routing(band.channels, (_reason(band, is_known=order_value_paise is not None),), band.escalate_after_seconds)


def band_of(bands: Sequence[Band], order_value_paise: int) -> Band:
    """The one band whose [min, max) holds the value."""
    return next(b for b in bands if b.min_paise <= order_value_paise and not _is_over(b, order_value_paise))


def routed(channel: Channel) -> RoutedChannel:
    """What the router calls it: in-app chat and WhatsApp are CHAT."""
    return RoutedChannel.CALL if channel is Channel.CALL else RoutedChannel.CHAT


def working_channel(
    wanted: Channel | None, allowed: Collection[RoutedChannel], chat_channels: Mapping[str, Channel]
) -> Channel | None:
    """The channel to work on: the wanted one, by default chat; None if the wanted one, or every one, is not allowed."""
    if wanted is not None:
        return wanted if routed(wanted) in allowed else None
    if RoutedChannel.CHAT in allowed:
        return chat_channels["default"]
    return Channel.CALL if RoutedChannel.CALL in allowed else None


def _is_over(band: Band, value: int) -> bool:
    return band.max_paise is not None and value >= band.max_paise


@lru_cache(maxsize=256)
def _reason(band: Band, *, is_known: bool) -> str:
    span = f"from {rupees(band.min_paise)}" + (f" to under {rupees(band.max_paise)}" if band.max_paise else "")
    opens = " and ".join(channel.lower() for channel in band.channels) or "no person"
    value = "The order value" if is_known else "An unknown order value counts as ₹0 and"
    return f"{value} is in the band {span}, which opens {opens}."
