"""/reports: every weekly friction report that was written, newest first."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import FileResponse

from api.dashboard.folders import told_folders
from api.dashboard.pages import PageRoute, render
from api.dashboard.session import ANALYST_VIEWERS, AnalystViewer
from api.deps import StoreDep
from api.errors import NotFound

router = APIRouter(prefix="/reports", route_class=PageRoute, include_in_schema=False)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
"""A report carries its own styles and asks for nothing."""
INDEX = "report.json"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class WrittenReport:
    period: str
    start_date: date
    end_date: date
    headline: str
    version: str
    data_as_of: datetime
    is_demo: bool
    is_final: bool
    formats: list[str]
    """In the order in which people want them."""


def written_reports(directory: FilePath) -> list[WrittenReport]:
    """The reports of a directory, that of the last 7 days first, then the newest week. What cannot be read is left out."""
    found = told_folders(directory, INDEX, _written_report)
    return sorted(found, key=lambda report: (report.period.startswith("last"), report.end_date), reverse=True)


def _written_report(folder: FilePath, told: dict[str, Any]) -> WrittenReport:
    return WrittenReport(
        period=folder.name,
        start_date=date.fromisoformat(told["start_date"]),
        end_date=date.fromisoformat(told["end_date"]),
        headline=told["headline"],
        version=told["version"],
        data_as_of=datetime.fromisoformat(told["data_as_of"]),
        is_demo=told["is_demo"],
        is_final=told["is_final"],
        formats=[kind for kind in MEDIA_TYPES if (folder / f"friction-report.{kind}").is_file()],
    )


@router.get("")
async def show_reports(viewer: AnalystViewer, request: Request, store: StoreDep):
    reports = written_reports(store.settings.reports_dir)
    return render(request, "reports.html", viewer, reports=reports, is_demo=any(report.is_demo for report in reports))


@router.get("/{period}/{name}", dependencies=ANALYST_VIEWERS)
async def show_report(
    store: StoreDep,
    period: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,40}$")],
    name: Annotated[str, Path(pattern=r"^friction-report\.(html|pdf|xlsx)$")],
) -> Response:
    file = store.settings.reports_dir / period / name
    if not file.is_file():
        raise NotFound(
            "There is no such report.", remedy="See /reports, or write it: ./supportled report --week 2026-W47"
        )
    kind = re.sub(r".*\.", "", name)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-cache"}
    if kind != "html":
        headers["Content-Disposition"] = f'inline; filename="friction-report-{period}.{kind}"'
    return FileResponse(file, media_type=MEDIA_TYPES[kind], headers=headers)
