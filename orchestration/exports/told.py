"""What earlier exports told: the pins of their versions say so."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from orchestration.versions import pins, version_number, versions_in
from store.clock import IST
from store.published.versions import MANIFEST_NAME
from store.settings import Settings

PIN = "export-"
"""What the pins of exported versions begin with; the dates follow."""

PERIOD_END = "case period when 'DAY' then date when 'WEEK' then date + 6 else last_day(date) end"
"""SQL: last day of the period of a row of `analytics_daily`."""


@dataclass(frozen=True, slots=True)
class Told:
    """An export: the figures of `version` whose periods begin between `first` and `last`.

    It told those as whole whose period had ended before `day`, the Indian day of its data. A period that was still under way
    goes on, which restates nothing.
    """

    version: str
    first: date
    last: date
    day: date


def told(settings: Settings) -> list[Told]:
    """Every export whose version is kept, oldest first."""
    return sorted(
        (
            Told(version, date.fromisoformat(first), date.fromisoformat(last), _day(settings, version))
            for version in versions_in(settings.published_dir)
            for reason in pins(settings.published_dir / version)
            if reason.startswith(PIN)
            for first, _, last in [reason.removeprefix(PIN).partition("_")]
        ),
        key=lambda each: (version_number(each.version), each.first, each.last),
    )


def told_before(settings: Settings, version: str) -> tuple[Told, ...]:
    """The exports of versions before this one: their readers want to know what changed since."""
    return tuple(each for each in told(settings) if version_number(each.version) < version_number(version))


def _day(settings: Settings, version: str) -> date:
    manifest = json.loads((settings.published_dir / version / MANIFEST_NAME).read_text(encoding="utf-8"))
    return datetime.fromisoformat(manifest["as_of"]).astimezone(IST).date()
