"""How a cell of a sheet is written on a page."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from store import display
from store.spreadsheet import Cell, Column, Kind, Value

NUMBERS = {Kind.COUNT, Kind.NUMBER, Kind.RATE, Kind.POINTS, Kind.CHANGE, Kind.RUPEES, Kind.MINUTES}


def written(value: Value | Cell, column: Column) -> str:
    """For people: codes as words, money with ₹, durations with units, instants in Indian time."""
    if isinstance(value, Cell):
        return _written(value.value, value.kind)
    return _written(value, column.kind)


def is_number(column: Column) -> bool:
    """Numbers are aligned to the right."""
    return column.kind in NUMBERS


# Formatting by locale is most of what a page of rows costs, and runs beside what is live; typed, for True is not 1.
@lru_cache(maxsize=20_000, typed=True)
def _written(value: Value, kind: Kind) -> str:
    match value:
        case None:
            return display.MISSING
        case bool():
            return "Yes" if value else "No"
        case str():
            return display.words(value) if kind is Kind.CODE else value
        case datetime():
            return display.moment(value if value.tzinfo else value.replace(tzinfo=UTC))
        case date():
            return display.day(value)
        case _:
            return _number(value, kind)


def _number(value: float | Decimal, kind: Kind) -> str:
    number = float(value)
    match kind:
        case Kind.RUPEES:
            return display.rupees(number)
        case Kind.RATE:
            return display.share(number)
        case Kind.POINTS:
            return display.points(number)
        case Kind.CHANGE:
            return display.change(number)
        case Kind.MINUTES:
            return display.duration(number)
        case Kind.NUMBER if number != round(number):
            return f"{number:,.1f}"
        case _:
            return display.count(number)
