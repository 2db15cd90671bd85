"""When Indian caterers are busy: weekday offices, weekend parties, festivals and the wedding months."""

from datetime import date, timedelta

import numpy as np

EVENT_TYPES = ("WEDDING", "CORPORATE", "RELIGIOUS", "BIRTHDAY", "HOUSE_PARTY", "OTHER")
DIWALI = {2024: (11, 1), 2025: (10, 20), 2026: (11, 8), 2027: (10, 29), 2028: (10, 17)}
GANESH_CHATURTHI = {2024: (9, 7), 2025: (8, 27), 2026: (9, 14), 2027: (9, 4), 2028: (8, 23)}
NAVRATRI = {2024: (10, 3), 2025: (9, 22), 2026: (10, 11), 2027: (9, 30), 2028: (9, 19)}
HOLI = {2024: (3, 25), 2025: (3, 14), 2026: (3, 4), 2027: (3, 22), 2028: (3, 11)}
SATURDAY = 5
HOUR_WEIGHTS = np.array([2, 3, 5, 8, 9, 8, 6, 4, 4, 5, 7, 9, 9, 7, 4], dtype=float)
"""Of visits by Indian hour, from 7 to 21: before lunch and in the evening."""
FIRST_HOUR = 7


def demand(day: date) -> dict[str, float]:
    """How many visits for each event type a day draws, relative to the others."""
    is_weekend = day.weekday() >= SATURDAY
    is_festive = _days_until(day, DIWALI) <= 12 or _days_until(day, HOLI) <= 5
    is_holy = is_festive or _days_until(day, GANESH_CHATURTHI) <= 8 or -9 <= _days_until(day, NAVRATRI, past=9) <= 5
    is_diwali_week = -2 <= _days_until(day, DIWALI, past=2) <= 2
    office = 0.04 if is_weekend else 0.10 if is_diwali_week else 0.30
    return {
        "WEDDING": 0.07 * wedding_season(day) * (1.3 if is_weekend else 1.0),
        "CORPORATE": office,
        "RELIGIOUS": 0.10 * (2.5 if is_holy else 1.0) * (1.2 if is_weekend else 1.0),
        "BIRTHDAY": 0.20 * (1.6 if is_weekend else 1.0),
        "HOUSE_PARTY": 0.18 * (1.8 if is_weekend else 1.0) * (2.0 if is_festive else 1.0),
        "OTHER": 0.10,
    }


def wedding_season(day: date) -> float:
    """Weddings are held on muhurat days: mid-November to mid-December above all, then January to March, April to June."""
    at = (day.month, day.day)
    if (11, 12) <= at <= (12, 14):
        return 2.5
    if (1, 16) <= at <= (3, 10) or (4, 18) <= at <= (6, 30):
        return 1.5
    return 0.35


def demand_table(first_day: date, days: int) -> np.ndarray:
    """Demand of each day (rows) for each event type (columns, as in EVENT_TYPES)."""
    table = [list(demand(first_day + timedelta(days=n)).values()) for n in range(days)]
    return np.array(table, dtype=float).reshape(days, len(EVENT_TYPES))


def _days_until(day: date, festival: dict[int, tuple[int, int]], *, past: int = 0) -> int:
    """Days from `day` to the festival; a festival at most `past` days ago counts as a negative number, else 999."""
    for year in (day.year - 1, day.year, day.year + 1):
        if year in festival:
            distance = (date(year, *festival[year]) - day).days
            if -past <= distance <= 60:
                return distance
    return 999
