"""What the lists of the filter bar offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from store import display
from store.clock import IST
from store.enums import Channel, EventType, Stage, Tier
from store.published import Published, ReportPeriod
from store.published.periods import iso_week_name

ORDER_BANDS = ("UNDER_5K", "5K_TO_25K", "FROM_25K")


@dataclass(frozen=True, slots=True)
class Choices:
    """Options as (value, words)."""

    periods: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    filters: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]]
    """Name in the address, dimension, label, options."""


def choices(warehouse: Published, days: ReportPeriod) -> Choices:
    bounds = warehouse.query("select min(date) as first from marts.analytics_daily where period = 'DAY'")[0]
    today = warehouse.as_of.astimezone(IST).date()
    first: date = bounds["first"] or today
    mondays = [today - timedelta(days=today.weekday(), weeks=back) for back in range(1, 13)]
    weeks = [
        (iso_week_name(monday), f"{iso_week_name(monday)[5:]}, {display.day_range(monday, monday + timedelta(days=6))}")
        for monday in mondays
        if monday + timedelta(days=6) >= first
    ]
    months, month = [], today.replace(day=1)
    while month + timedelta(days=31) > first and len(months) < 12:
        months.append((f"{month:%Y-%m}", f"{month:%B %Y}"))
        month = (month - timedelta(days=1)).replace(day=1)
    recent = [(f"last_{count}_days", f"Last {count} days") for count in (7, 28, 90)]
    periods = [("Until yesterday", recent), ("Weeks", weeks), ("Months", months)]
    if days.name not in {name for _, group in periods for name, _ in group}:
        periods.insert(0, ("Chosen", [(days.name, display.day_range(days.start_date, days.end_date))]))
    sources, languages = (
        [
            row["word"]
            for row in warehouse.query(
                f"select distinct {name} as word from marts.fct_kpis where is_demo = ? and word <> 'NONE' order by word",
                [warehouse.is_demo],
            )
        ]
        for name in ("source", "language")
    )
    filters = [
        ("eventType", "event_type", "Event type", _coded(EventType)),
        ("orderBand", "order_band", "Order value", [(band, display.words(band)) for band in ORDER_BANDS]),
        ("stage", "stage", "Stage", _coded(Stage)),
        ("channel", "channel", "First channel", _coded(Channel)),
        ("language", "language", "Language", [(code, display.language(code)) for code in languages]),
        ("tier", "tier", "Tier", _coded(Tier)),
    ]
    if len(sources) > 1:
        filters.append(("source", "source", "Source", [(source, source) for source in sources]))
    return Choices(periods, filters)


def _coded(words: type[EventType] | type[Stage] | type[Channel] | type[Tier]) -> list[tuple[str, str]]:
    return [(str(word), display.words(word)) for word in words]
