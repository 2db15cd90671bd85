"""The KPI export for investors: files that anyone can rebuild from the same version, byte for byte."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from orchestration.versions import pin, pins, version_number, versions_in
from store import published
from store.published import Published
from store.settings import Settings

FORMATS = ("pdf", "xlsx", "csv", "parquet")
PIN = "export-"
"""What the pins of exported versions begin with; the dates follow."""


class NothingToExport(ValueError):
    """The dates or formats leave nothing."""


def export_kpis(
    settings: Settings,
    *,
    start: date | None = None,
    end: date | None = None,
    formats: Sequence[str] = FORMATS,
    output: Path | None = None,
) -> Path:
    """Write the export into a directory and return it.

    `start` and `end` bound the first days of the periods, by default all there are. The version is pinned, so that
    `verify` can make the same bytes for as long as the export counts. Raises `NothingToExport`, `WarehouseUnavailable`,
    `PaperUnavailable`.
    """
    # Imported here, for every build asks this package which dates were exported.
    from orchestration.exports.figures import Scope
    from orchestration.exports.writing import write_export

    unknown = set(formats) - set(FORMATS)
    if unknown or not formats:
        raise NothingToExport(f"Formats are {', '.join(FORMATS)}; got {', '.join(formats) or 'none'}.")
    with published.open_current(settings) as warehouse:
        first, last = _bounds(warehouse, start, end)
        directory = output or settings.exports_dir / f"kpis-{warehouse.version}-{first}-{last}"
        pin(settings, warehouse.version, f"{PIN}{first}_{last}")
        since = exported_before(settings, warehouse.version)
        write_export(warehouse, directory, Scope(first, last, tuple(formats), since))
    return directory


def exported_dates(settings: Settings) -> list[tuple[date, date]]:
    """From when to when figures were exported, of every export that counts: a change of these is a restatement."""
    return sorted({dates for _, dates in _exports(settings)})


def exported_before(settings: Settings, version: str) -> str | None:
    """The last version before this one that was exported: its readers want to know what changed since."""
    number = version_number(version)
    before = [name for name, _ in _exports(settings) if version_number(name) < number]
    return max(before, key=version_number, default=None)


def _exports(settings: Settings) -> list[tuple[str, tuple[date, date]]]:
    return [
        (version, (date.fromisoformat(reason[len(PIN) :][:10]), date.fromisoformat(reason[len(PIN) :][11:])))
        for version in versions_in(settings.published_dir)
        for reason in pins(settings.published_dir / version)
        if reason.startswith(PIN)
    ]


def _bounds(warehouse: Published, start: date | None, end: date | None) -> tuple[date, date]:
    row = warehouse.query("select min(date) as first, max(date) as last from marts.analytics_daily")[0]
    first, last = start or row["first"], end or row["last"]
    if first is None or last is None or first > last:
        raise NothingToExport("There are no KPIs between these dates; leave --from and --to out to export all.")
    return first, last
