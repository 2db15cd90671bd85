"""The one place that reads the clock; everything else is handed the instant it works with."""

import time
from datetime import UTC, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "Asia/Kolkata")
"""Indian time. A fixed offset is exact here: India has had no daylight saving since 1945."""


def now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def monotonic_seconds() -> float:
    """Seconds on a clock that never goes back, for durations only."""
    return time.monotonic()
