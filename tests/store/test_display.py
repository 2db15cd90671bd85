from datetime import UTC, date, datetime

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from store import display


@pytest.mark.parametrize(
    ("paise", "written"),
    [(0, "₹0"), (99_950, "₹1,000"), (12_345_678_90, "₹1,23,45,679"), (-5_000_00, "-₹5,000"), (None, "–")],
)
def test_rupees_are_grouped_by_lakh(paise: int | None, written: str) -> None:
    assert display.rupees(paise) == written


@given(st.integers(-(10**17), 10**17))
def test_rupees_are_written_as_in_india(paise: int) -> None:
    written = format_currency(
        round(paise / 100), "INR", format="¤#,##,##0", locale=display.LOCALE, currency_digits=False
    )
    assert display.rupees(paise) == written


@pytest.mark.parametrize(
    ("paise", "written"), [(4_60_000_00, "₹4.6 lakh"), (1_20_00_000_00, "₹1.2 crore"), (99_999_00, "₹99,999")]
)
def test_large_sums_are_said_in_lakh_and_crore(paise: int, written: str) -> None:
    assert display.rupees_short(paise) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 s"), (59.6, "1 min"), (500, "8 min 20 s"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h"), (86_460, "1 d")],
)
def test_a_duration_has_its_two_largest_units(seconds: float, written: str) -> None:
    assert display.duration(seconds) == written


def test_times_are_indian() -> None:
    assert display.moment(datetime(2026, 11, 22, 18, 30, tzinfo=UTC)) == "23 Nov 2026, 00:00 IST"


def test_a_range_names_month_and_year_once() -> None:
    assert display.day_range(date(2026, 11, 16), date(2026, 11, 22)) == "16–22 Nov 2026"
    assert display.day_range(date(2026, 11, 30), date(2026, 12, 6)) == "30 Nov – 6 Dec 2026"
    assert display.day_range(date(2026, 12, 28), date(2027, 1, 3)) == "28 Dec 2026 – 3 Jan 2027"


def test_codes_become_words_and_imported_values_stay() -> None:
    assert display.words("PAYMENT_FAILURE") == "Payment failure"
    assert display.words("guest_count") == "Guest count"
    assert display.words("helpdesk:Value 1") == "helpdesk:Value 1"


@pytest.mark.parametrize(
    ("left", "right", "unit", "written"),
    [
        (0.123, 0.234, "RATE", ("12.3%", "23.4%")),
        (0.89736, 0.89737, "RATE", ("89.736%", "89.737%")),
        (0.5, 0.5, "RATE", ("50.0%", "50.0%")),
        (0.0312, 0.0311, "POINTS", ("+3.12 points", "+3.11 points")),
        (1_23_456_12, 1_23_456_34, "PAISE", ("₹1,23,456.12", "₹1,23,456.34")),
        (600.04, 600.09, "SECONDS", ("600.04 s", "600.09 s")),
        (None, 2.0, "COUNT", ("–", "2")),
    ],
)
def test_two_figures_that_differ_are_written_differently(
    left: float | None, right: float, unit: str, written: tuple[str, str]
) -> None:
    assert display.figures_apart(left, right, unit) == written
