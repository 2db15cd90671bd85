"""The KPI export for investors: files that anyone can rebuild from the same version, byte for byte."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from orchestration.exports.told import PIN
from orchestration.exports.told import told as told
from orchestration.exports.told import told_before as told_before
from orchestration.locks import build_is_running, wait_for_build
from orchestration.versions import pin, pins, unpin
from store import published
from store.published import Published
from store.settings import Settings

FORMATS = ("pdf", "xlsx", "csv", "parquet")


class NothingToExport(ValueError):
    """The dates or formats leave nothing."""


def export_kpis(
    settings: Settings,
    *,
    start: date | None = None,
    end: date | None = None,
    formats: Sequence[str] = FORMATS,
    output: Path | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> Path:
    """Write the export into a directory and return it.

    `start` and `end` bound the first days of the periods, by default all there are. The version is pinned, so that
    `verify` can make the same bytes for as long as the export counts, and builds know what was told. One that is under way
    would not: its version is waited for, and `progress` told so. Raises `NothingToExport`, `WarehouseUnavailable`,
    `PaperUnavailable`.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown or not formats:
        raise NothingToExport(f"Formats are {', '.join(FORMATS)}; got {', '.join(formats) or 'none'}.")
    while True:
        try:
            return _export(settings, start, end, tuple(formats), output)
        except _Outrun:
            progress("A build is under way; its version will be exported.")
            wait_for_build(settings)


class _Outrun(Exception):
    """A build decides, or has decided, what it restates without knowing of this export."""


def _export(
    settings: Settings, start: date | None, end: date | None, formats: tuple[str, ...], output: Path | None
) -> Path:
    # Imported here, for every build asks this package what was exported.
    from orchestration.exports.figures import Scope
    from orchestration.exports.writing import write_export

    with published.open_current(settings) as warehouse:
        first, last = _bounds(warehouse, start, end)
        directory = output or settings.exports_dir / f"kpis-{warehouse.version}-{first}-{last}"
        scope = Scope(first, last, formats, told_before(settings, warehouse.version))
        with _pinned(settings, warehouse.version, f"{PIN}{first}_{last}"):
            if build_is_running(settings) or published.current_version(settings) != warehouse.version:
                raise _Outrun
            write_export(warehouse, directory, scope)
    return directory


@contextmanager
def _pinned(settings: Settings, version: str, reason: str) -> Iterator[None]:
    """Pin a version; an export that was not written has told nobody anything, so it leaves no pin."""
    is_new = reason not in pins(settings.published_dir / version)
    pin(settings, version, reason)
    try:
        yield
    except BaseException:
        if is_new:
            unpin(settings, version, reason)
        raise


def _bounds(warehouse: Published, start: date | None, end: date | None) -> tuple[date, date]:
    row = warehouse.query("select min(date) as first, max(date) as last from marts.analytics_daily")[0]
    first, last = start or row["first"], end or row["last"]
    if first is None or last is None or first > last:
        raise NothingToExport("There are no KPIs between these dates; leave --from and --to out to export all.")
    return first, last
