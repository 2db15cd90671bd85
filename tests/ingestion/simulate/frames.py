"""A simulated city as one pandas frame a table, for the tests of the simulation."""

from datetime import UTC, datetime

import pandas as pd

from ingestion.simulate.seed import Demo

UNTIL = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
"""Monday 23 November 2026, 00:00 in India."""
SECOND = 1_000_000
HOUR = 3600 * SECOND
UNTIL_US = int(UNTIL.timestamp()) * SECOND
USERS, DAYS = 1_500, 35

Frames = dict[str, pd.DataFrame]


def frames_of(demo: Demo) -> Frames:
    """Instants stay whole microseconds since 1970; 0 and None are null."""
    return {
        rows.table.name: pd.DataFrame(
            {name: pd.Series(list(values), dtype=object) for name, values in rows.columns.items()}
        )
        for rows in demo.rows
    }
