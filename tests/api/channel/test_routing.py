import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.channel.rules import allowed_channels, band_of
from api.rules.sets import Band
from store.enums import EventType, Role, RoutedChannel
from tests.api.serving import Api

CHAT, CALL = RoutedChannel.CHAT, RoutedChannel.CALL
ALWAYS = frozenset({EventType.WEDDING, EventType.CORPORATE, EventType.RELIGIOUS})
BANDS = (
    Band(0, 500_000, (), None),
    Band(500_000, 2_500_000, (CHAT,), 600),
    Band(2_500_000, None, (CHAT, CALL), None),
)


@pytest.mark.parametrize(
    ("rupees", "channels", "minutes"),
    [
        (0, [], None),
        (4_999.99, [], None),
        (5_000, ["CHAT"], 10),
        (24_999.99, ["CHAT"], 10),
        (25_000, ["CHAT", "CALL"], None),
        (1_000_000, ["CHAT", "CALL"], None),
        (None, [], None),
    ],
)
def test_the_value_decides(api: Api, rupees, channels, minutes):
    answer = api.as_role(Role.APP).post("/channel/route", json={"orderValue": rupees}).json()
    assert (answer["allowedChannels"], answer["escalateAfterMinutes"]) == (channels, minutes)
    assert answer["isSelfServeOnly"] == (not channels)
    assert answer["reasons"]
    assert answer["ruleVersion"] == 1


@pytest.mark.parametrize("event", ["WEDDING", "CORPORATE", "RELIGIOUS"])
def test_important_events_always_get_chat_and_call(api: Api, event):
    answer = api.as_role(Role.APP).post("/channel/route", json={"orderValue": 1, "eventType": event}).json()
    assert answer["allowedChannels"] == ["CHAT", "CALL"]


@given(st.integers(0, 10**12))
def test_every_value_has_one_band(value):
    band = band_of(BANDS, value)
    assert band.min_paise <= value
    assert band.max_paise is None or value < band.max_paise


@given(st.none() | st.integers(0, 10**12), st.none() | st.sampled_from(EventType))
def test_routing_is_the_owners_code(value, event):
    def get_allowed_channels(order_value, event_type):
        if event_type in ["WEDDING", "CORPORATE", "RELIGIOUS"]:
            return ("CHAT", "CALL")
        if order_value < 5000:
            return ()
        if order_value < 25000:
            return ("CHAT",)
        return ("CHAT", "CALL")

    assert allowed_channels(BANDS, value, event, ALWAYS).channels == get_allowed_channels((value or 0) / 100, event)
