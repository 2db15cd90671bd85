"""The weekly friction report as a page for the product team."""

from pathlib import Path

from orchestration.reports.page import render_page
from orchestration.versions import pin, unpin, versions_in
from store import published
from store.settings import Settings

FORMATS = ("html",)


class UnknownFormat(ValueError):
    """A report format that is not made."""


def write_weekly_report(
    settings: Settings, *, week: str | None = None, formats: tuple[str, ...] = FORMATS
) -> list[Path]:
    """Write the report of an ISO week (`2026-W47`), or of the last 7 whole Indian days, and return the files.

    The version it was made from is kept for as long as the report is. Raises `WarehouseUnavailable`, `UnknownPeriod`,
    `UnknownFormat`.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise UnknownFormat(f"No report in {', '.join(sorted(unknown))}; choose of {', '.join(FORMATS)}.")
    with published.open_current(settings) as warehouse:
        report = published.weekly_report(warehouse, week=week)
        page = render_page(warehouse, report)
        directory = settings.reports_dir / report.period.name
        directory.mkdir(parents=True, exist_ok=True)
        _keep_version(settings, warehouse.version, f"report-{report.period.name}")
    path = directory / "friction-report.html"
    draft = path.with_suffix(".draft")
    draft.write_text(page, encoding="utf-8")
    draft.replace(path)
    return [path]


def _keep_version(settings: Settings, version: str, reason: str) -> None:
    """A report written anew names another version; the one it named before is no longer kept for it."""
    pin(settings, version, reason)
    for other in versions_in(settings.published_dir):
        if other != version:
            unpin(settings, other, reason)
