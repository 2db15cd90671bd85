"""The KPI export for investors: plain files that anyone can rebuild from the same version, byte for byte."""

import json
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from orchestration.versions import pin, pins, versions_in
from store import published
from store.enums import Period
from store.published import Published
from store.settings import Settings

FORMATS = ("csv", "parquet")
MANIFEST = "manifest.json"
PIN = "export-"
"""What the pins of exported versions begin with; the dates follow."""

TABLES = {
    **{
        f"kpis_{name}": f"""
            select date, metric, segment, value, numerator, denominator, definition_version, is_final
            from marts.analytics_daily
            where period = '{period}' and date between $start_date and $end_date
            order by metric, segment, date
        """
        for name, period in (("daily", Period.DAY), ("weekly", Period.WEEK), ("monthly", Period.MONTH))
    },
    "prompt_uplift": """
        select * from marts.fct_prompt_uplift where period_end_date between $start_date and $end_date
        order by all
    """,
    "definitions": "select * from marts.dim_kpis order by position",
    "restatements": "select * from marts.restatements where date between $start_date and $end_date order by all",
}
"""What an export holds: figures without a row about any person."""


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

    `start` and `end` bound the first days of the periods, by default all there are. The version is pinned, so that the
    same call with it gives the same bytes for as long as the export counts. Raises `NothingToExport`, `WarehouseUnavailable`.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown or not formats:
        raise NothingToExport(f"Formats are {', '.join(FORMATS)}; got {', '.join(formats) or 'none'}.")
    with published.open_current(settings) as warehouse:
        first, last = _bounds(warehouse, start, end)
        directory = output or settings.exports_dir / f"kpis-{warehouse.version}-{first}-{last}"
        pin(settings, warehouse.version, f"{PIN}{first}_{last}")
        write_export(warehouse, directory, first, last, tuple(formats))
    return directory


def exported_dates(settings: Settings) -> list[tuple[date, date]]:
    """From when to when figures were exported, of every export that counts: a change of these is a restatement."""
    reasons = [
        reason.removeprefix(PIN)
        for version in versions_in(settings.published_dir)
        for reason in pins(settings.published_dir / version)
        if reason.startswith(PIN)
    ]
    return sorted({(date.fromisoformat(reason[:10]), date.fromisoformat(reason[11:])) for reason in reasons})


def write_export(warehouse: Published, directory: Path, first: date, last: date, formats: tuple[str, ...]) -> None:
    """The files of an export of this version; depends on nothing but its arguments."""
    draft = directory.with_name(f".{directory.name}.draft")
    rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    files = {}
    with warehouse.cursor() as cursor:
        # One thread and a set order: the same rows always make the same bytes.
        cursor.execute("set threads = 1")
        for name, sql in TABLES.items():
            bounds = {"start_date": first, "end_date": last} if "$start_date" in sql else {}
            cursor.execute(f"create or replace temp table export_rows as {sql}", bounds)
            (row_count,) = cursor.execute("select count(*) from export_rows").fetchone() or (0,)
            for kind in formats:
                path = draft / f"{name}.{kind}"
                options = "format csv, header" if kind == "csv" else "format parquet, compression zstd"
                cursor.execute(f"copy export_rows to '{str(path).replace(chr(39), chr(39) * 2)}' ({options})")
                files[path.name] = {"row_count": row_count, "sha256": sha256(path.read_bytes()).hexdigest()}
        definitions = dict(
            cursor.execute("select metric, definition_version from marts.dim_kpis order by metric").fetchall()
        )
    manifest = {
        "version": warehouse.version,
        "data_as_of": warehouse.as_of.isoformat().replace("+00:00", "Z"),
        "schema_version": warehouse.schema_version,
        "is_demo": warehouse.is_demo,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "formats": list(formats),
        "definition_versions": definitions,
        "files": dict(sorted(files.items())),
    }
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    rmtree(directory, ignore_errors=True)
    draft.rename(directory)


def _bounds(warehouse: Published, start: date | None, end: date | None) -> tuple[date, date]:
    row = warehouse.query("select min(date) as first, max(date) as last from marts.analytics_daily")[0]
    first, last = start or row["first"], end or row["last"]
    if first is None or last is None or first > last:
        raise NothingToExport("There are no KPIs between these dates; leave --from and --to out to export all.")
    return first, last
