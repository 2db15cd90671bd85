"""Days, weeks and months in Indian time, as people name them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from store.clock import IST

LAST_7_DAYS = "last_7_days"


class UnknownPeriod(ValueError):
    """The words name no period."""


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """Whole IST days from `start_date` to `end_date`, both included."""

    name: str
    start_date: date
    end_date: date

    @property
    def day_count(self) -> int:
        return (self.end_date - self.start_date).days + 1


def last_days(as_of: datetime, count: int, name: str | None = None) -> ReportPeriod:
    """The `count` whole IST days before the one that `as_of` falls in."""
    today = as_of.astimezone(IST).date()
    return ReportPeriod(name or f"last_{count}_days", today - timedelta(days=count), today - timedelta(days=1))


def last_7_days(as_of: datetime) -> ReportPeriod:
    return last_days(as_of, 7, LAST_7_DAYS)


def parse_period(text: str, as_of: datetime) -> ReportPeriod:
    """`last_7_days` (any number of days), an ISO week `2026-W47`, a month `2026-11` or a day `2026-11-23`.

    Raises `UnknownPeriod` naming the forms that are understood.
    """
    try:
        if match := re.fullmatch(r"last_(\d{1,4})_days", text):
            if int(match[1]) > 0:
                return last_days(as_of, int(match[1]))
        elif match := re.fullmatch(r"(\d{4})-W(\d{2})", text):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return ReportPeriod(text, monday, monday + timedelta(days=6))
        elif match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            first = date(int(match[1]), int(match[2]), 1)
            following = (first + timedelta(days=31)).replace(day=1)
            return ReportPeriod(text, first, following - timedelta(days=1))
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text)
            return ReportPeriod(text, day, day)
    except (ValueError, OverflowError):
        pass
    raise UnknownPeriod(f"{text!r} is no period. Use last_7_days, 2026-W47, 2026-11 or 2026-11-23.")


def iso_week_name(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def period_before(period: ReportPeriod) -> ReportPeriod:
    """The period of the same kind just before: the month before a month, else as many days."""
    if re.fullmatch(r"\d{4}-\d{2}", period.name):
        last = period.start_date - timedelta(days=1)
        return ReportPeriod(f"{last.year:04}-{last.month:02}", last.replace(day=1), last)
    days = timedelta(days=period.day_count)
    start, end = period.start_date - days, period.end_date - days
    is_week = re.fullmatch(r"\d{4}-W\d{2}", period.name)
    return ReportPeriod(iso_week_name(start) if is_week else f"{start}/{end}", start, end)
