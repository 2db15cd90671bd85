"""The weekly friction report: a page for the product team, the same page on paper, and a workbook."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.paper import PaperUnavailable, pdf_of
from orchestration.reports import findings
from orchestration.reports.page import render_page
from orchestration.reports.workbook import workbook_of
from orchestration.versions import pin, unpin, versions_in, write_durably
from store import published
from store.published import PastAdvice, Published, WeeklyReport
from store.settings import Settings

FORMATS = ("html", "pdf", "xlsx")
NAME = "friction-report"
INDEX = "report.json"
"""Beside the files of a report: what an index of all weeks needs to know of it."""


class UnknownFormat(ValueError):
    """A report format that is not made."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a report by format, and its story in sentences."""

    files: dict[str, Path]
    headline: str
    story: list[tuple[str, str]]
    left_out: str = ""
    """Why a format that was not asked for by name is missing."""


def write_weekly_report(
    settings: Settings, *, week: str | None = None, formats: Sequence[str] | None = None
) -> Written:
    """Write the report of an ISO week (`2026-W47`), or of the last 7 whole Indian days, into `var/reports/<period>`.

    Without `formats`, all that this machine can make. The version it was made from is kept for as long as the report is;
    the same version makes the same bytes. Raises `WarehouseUnavailable`, `UnknownPeriod`, `UnknownFormat`,
    `PaperUnavailable`.
    """
    unknown = set(formats or ()) - set(FORMATS)
    if unknown:
        raise UnknownFormat(f"No report in {', '.join(sorted(unknown))}; choose of {', '.join(FORMATS)}.")
    with published.open_current(settings) as warehouse:
        report = published.weekly_report(warehouse, week=week)
        past = published.past_advice(warehouse, report.period)
        contents, left_out = _render(warehouse, report, past, formats)
        directory = settings.reports_dir / report.period.name
        directory.mkdir(parents=True, exist_ok=True)
        _keep_version(settings, warehouse.version, f"report-{report.period.name}")
    files = {}
    for kind, content in contents.items():
        files[kind] = directory / f"{NAME}.{kind}"
        draft = files[kind].with_suffix(".draft")
        draft.write_bytes(content)
        draft.replace(files[kind])
    for kind in set(FORMATS) - set(contents):
        # Of an earlier version: it would tell other figures than its neighbours.
        (directory / f"{NAME}.{kind}").unlink(missing_ok=True)
    headline = findings.headline(report)
    story = findings.story(report, past)
    write_durably(directory / INDEX, _index(report, headline, story, sorted(files)))
    return Written(files, headline, story, left_out)


def _render(
    warehouse: Published, report: WeeklyReport, past: Sequence[PastAdvice], formats: Sequence[str] | None
) -> tuple[dict[str, bytes], str]:
    page = render_page(warehouse, report, past)
    made: dict[str, Callable[[], bytes]] = {
        "html": page.encode,
        "pdf": lambda: pdf_of(page, report.as_of),
        "xlsx": lambda: workbook_of(warehouse, report, past),
    }
    contents, left_out = {}, ""
    for kind in formats or FORMATS:
        try:
            contents[kind] = made[kind]()
        except PaperUnavailable as error:
            if formats:
                raise
            left_out = f"No PDF: {error} {error.remedy}"
    return contents, left_out


def _index(report: WeeklyReport, headline: str, story: list[tuple[str, str]], formats: list[str]) -> str:
    entry = {
        "period": report.period.name,
        "start_date": report.period.start_date.isoformat(),
        "end_date": report.period.end_date.isoformat(),
        "headline": headline,
        "story": story,
        "version": report.version,
        "data_as_of": report.as_of.isoformat().replace("+00:00", "Z"),
        "is_demo": report.is_demo,
        "is_final": report.self_serve_rate.is_final,
        "files": {kind: f"{NAME}.{kind}" for kind in formats},
    }
    return json.dumps(entry, indent=2, ensure_ascii=False) + "\n"


def _keep_version(settings: Settings, version: str, reason: str) -> None:
    """A report written anew names another version; the one it named before is no longer kept for it."""
    pin(settings, version, reason)
    for other in versions_in(settings.published_dir):
        if other != version:
            unpin(settings, other, reason)
