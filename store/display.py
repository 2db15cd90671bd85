"""How figures are written for people: ₹ with lakh grouping, shares in per cent, durations, Indian time."""

import re
from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from store.clock import IST

LOCALE = "en_IN"
MISSING = "–"
LAKH_PAISE = 100_000_00
CRORE_PAISE = 100 * LAKH_PAISE
_SPELT = {
    "IN_APP_CHAT": "In-app chat",
    "WHATSAPP": "WhatsApp",
    "PRE_ORDER": "Pre-order",
    "POST_ORDER": "Post-order",
    "UNDER_5K": "Under ₹5,000",
    "5K_TO_25K": "₹5,000 to under ₹25,000",
    "FROM_25K": "From ₹25,000",
    "28_DAYS": "28 days",
}
"""Codes that people do not read as their letters."""

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that override the direction of writing."""


def rupees(paise: float | None) -> str:
    """`₹1,23,457`: whole rupees, grouped by lakh."""
    if paise is None:
        return MISSING
    # By hand: a page writes a hundred of them, and Babel takes twenty times as long for each.
    whole = round(paise / 100)
    left, last = divmod(abs(whole), 1_000)
    written = f"{last:03}" if left else f"{last}"
    while left:
        left, pair = divmod(left, 100)
        written = f"{pair:02},{written}" if left else f"{pair},{written}"
    return f"{'-' if whole < 0 else ''}₹{written}"


def rupees_short(paise: float | None) -> str:
    """`₹4.6 lakh`, `₹1.2 crore`, and whole rupees below one lakh."""
    if paise is None:
        return MISSING
    for unit, name in ((CRORE_PAISE, "crore"), (LAKH_PAISE, "lakh")):
        if abs(paise) >= unit:
            return f"₹{format_decimal(paise / unit, format='#,##0.0', locale=LOCALE)} {name}"
    return rupees(paise)


def count(number: float | None) -> str:
    return MISSING if number is None else format_decimal(round(number), locale=LOCALE)


def share(rate: float | None) -> str:
    """`42.3%`."""
    return MISSING if rate is None else format_percent(rate, format="0.0%", locale=LOCALE)


def points(difference: float | None) -> str:
    """A difference of two shares, `+3.2 points`."""
    return MISSING if difference is None else _minus(f"{difference * 100:+.1f} points")


def change(rate: float | None) -> str:
    """A relative change, `+12%`."""
    return MISSING if rate is None else _minus(f"{rate * 100:+.0f}%")


def _minus(written: str) -> str:
    return written.replace("-", "\N{MINUS SIGN}")


def duration(seconds: float | None) -> str:
    """`45 s`, `8 min 20 s`, `3 h 5 min`, `2 d 4 h`: the two largest units."""
    if seconds is None:
        return MISSING
    left = round(seconds)
    if left < 60:
        return f"{left} s"
    parts = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, length)
        if amount:
            parts.append(f"{amount} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def day(when: date) -> str:
    """`16 Nov 2026`."""
    return format_date(when, "d MMM y", locale=LOCALE)


def day_short(when: date) -> str:
    """`16 Nov`, for an axis."""
    return format_date(when, "d MMM", locale=LOCALE)


def day_range(first: date, last: date) -> str:
    """`16–22 Nov 2026`."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    pattern = "d MMM" if first.year == last.year else "d MMM y"
    return f"{format_date(first, pattern, locale=LOCALE)} – {day(last)}"


def moment(at: datetime) -> str:
    """`22 Nov 2026, 18:30 IST`."""
    return f"{format_datetime(at.astimezone(IST), 'd MMM y, HH:mm', locale=LOCALE)} IST"


def words(code: str | None) -> str:
    """A code as people read it: `PAYMENT_FAILURE` → `Payment failure`. Imported words stay as they came, but for marks that
    would turn round the text after them."""
    if code is None:
        return MISSING
    if code in _SPELT:
        return _SPELT[code]
    code = _CONTROLS.sub("", code)
    return code.replace("_", " ").strip().capitalize() if code == code.upper() or code == code.lower() else code


def language(code: str) -> str:
    """`Hindi` for `hi`; a code that is none of ISO 639 stays as it is."""
    try:
        return Locale.parse(code).get_language_name("en") or code
    except (ValueError, UnknownLocaleError):
        return code


def figures_apart(left: float | None, right: float | None, unit: str) -> tuple[str, str]:
    """Two values of a KPI, with as many more decimals as it takes to tell them apart: `89.736%`, `89.737%`."""
    written = figure(left, unit), figure(right, unit)
    if left is None or right is None:
        return written
    for places in range(2, 7):
        if left == right or written[0] != written[1]:
            break
        written = _fine(left, unit, places), _fine(right, unit, places)
    return written


def _fine(value: float, unit: str, places: int) -> str:
    match unit:
        case "RATE":
            return f"{value * 100:.{places}f}%"
        case "POINTS":
            return _minus(f"{value * 100:+.{places}f} points")
        case "PAISE":
            return format_currency(
                value / 100, "INR", format=f"¤#,##,##0.{'0' * places}", locale=LOCALE, currency_digits=False
            )
        case "SECONDS":
            return f"{value:.{places}f} s"
        case _:
            return f"{value:.{places}f}"


def figure(value: float | None, unit: str) -> str:
    """A KPI's value in its unit (kpi_catalogue.unit)."""
    match unit:
        case "RATE":
            return share(value)
        case "POINTS":
            return points(value)
        case "PAISE":
            return rupees(value)
        case "SECONDS":
            return duration(value)
        case _:
            return count(value)
