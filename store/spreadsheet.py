"""Tables as XLSX and CSV for people: the same rows make the same bytes, and no text of theirs ever runs as a formula."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from store.clock import IST

if TYPE_CHECKING:
    # Imported where a workbook is written: the API, which seldom writes one, starts without it.
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

Value = str | int | float | Decimal | bool | date | datetime | None

LONGEST_TEXT = 32_767
"""Characters that a cell of XLSX holds; longer text is cut."""
LONGEST_TITLE = 31
WIDEST = 60


def _by_lakh(prefix: str = "", places: str = "") -> str:
    return (
        f"[>=10000000]{prefix}##\\,##\\,##\\,##0{places};[>=100000]{prefix}##\\,##\\,##0{places};{prefix}#,##0{places}"
    )


class Kind(StrEnum):
    """What a column or cell holds, and so how XLSX shows it."""

    TEXT = ""
    CODE = "@"
    """A word of ours, as the warehouse has it; pages write it for people."""
    COUNT = _by_lakh()
    NUMBER = "0.00"
    RATE = "0.0%"
    RATE_EXACT = "0.000%"
    POINTS = "+0.0;-0.0;0.0"
    """A difference of shares, times 100."""
    CHANGE = "+0%;-0%;0%"
    """A relative change."""
    RUPEES = _by_lakh("₹", ".00")
    """From paise."""
    RUPEES_EXACT = _by_lakh("₹", ".0000")
    """The same."""
    MINUTES = "0.0"
    """From seconds."""
    MINUTES_EXACT = "0.000"
    """The same."""
    DATE = "d mmm yyyy"
    MOMENT = "d mmm yyyy hh:mm"
    """An instant, shown in Indian time; a naive one is UTC, as the warehouse has it."""


KINDS = {
    "RATE": Kind.RATE,
    "POINTS": Kind.POINTS,
    "PAISE": Kind.RUPEES,
    "SECONDS": Kind.MINUTES,
    "COUNT": Kind.COUNT,
}
"""A KPI's unit (kpi_catalogue.unit) → how its value is shown."""

EXACT = KINDS | {"RATE": Kind.RATE_EXACT, "SECONDS": Kind.MINUTES_EXACT, "PAISE": Kind.RUPEES_EXACT}
"""The same where small changes should be seen."""

PARTS = {"PAISE": Kind.RUPEES, "SECONDS": Kind.MINUTES}
"""The same for its numerator, where that is no count."""

UNITS = {"RATE": "share", "POINTS": "points", "PAISE": "₹", "SECONDS": "minutes", "COUNT": "count"}
"""The unit in which it is shown, in words."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value that is of another kind than its column."""

    value: Value
    kind: Kind


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = Kind.TEXT
    width: int | None = None
    """In characters; by default what the rows need."""


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line over rows `first_row` to `last_row` (from 0, without the heading) of another sheet."""

    title: str
    sheet: str
    labels: int
    """Column with the labels of the x axis."""
    values: int
    first_row: int
    last_row: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: a heading, rows as long as `columns`, and lines of text above it."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value | Cell]]
    notes: Sequence[str] = ()
    charts: Sequence[LineChart] = ()
    """Drawn below the table, two beside each other."""


def write_workbook(target: Path | BytesIO, sheets: Sequence[Sheet], *, title: str, made_at: datetime) -> None:
    """Write an XLSX file. `made_at` stands in its properties: take the instant of the data, not the clock's.

    Raises ValueError for rows of another length than their columns, or two sheets of one title.
    """
    from xlsxwriter import Workbook

    book = Workbook(
        target if isinstance(target, BytesIO) else str(target),
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": True,
        },
    )
    book.set_properties({"title": title, "created": made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)})
    formats = _Formats(book)
    titles = [sheet_title(sheet.title) for sheet in sheets]
    if len({name.casefold() for name in titles}) < len(titles):
        raise ValueError(f"two sheets have the same title: {', '.join(titles)}")
    first_rows = {sheet.title: len(sheet.notes) + bool(sheet.notes) + 1 for sheet in sheets}
    for sheet, name in zip(sheets, titles, strict=True):
        page = book.add_worksheet(name)
        end = _write_table(page, sheet, formats)
        for position, chart in enumerate(sheet.charts):
            row, column = end + 2 + position // 2 * 16, position % 2 * 5
            _draw(book, page, chart, first_rows[chart.sheet], (row, column))
    book.close()


def write_csv(target: StringIO, columns: Sequence[Column], rows: Iterable[Sequence[Value | Cell]]) -> None:
    """The same table as CSV, in the units that XLSX shows; instants in UTC, text that would be a formula made harmless."""
    writer = csv.writer(target)
    writer.writerow([harmless(column.title) for column in columns])
    for row in rows:
        writer.writerow([_csv_value(*_parts(column, cell)) for column, cell in zip(columns, row, strict=True)])


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula when it opens a CSV file: an apostrophe goes before one that begins it."""
    return f"'{text}" if re.match(r"\s*[=+\-@＝＋－＠|]|[\t\r\n]", text) else text


def sheet_title(text: str) -> str:
    """A title that XLSX allows: at most 31 characters, without `[]:*?/\\`."""
    return re.sub(r"[\[\]:*?/\\]", " ", text).strip("' ")[:LONGEST_TITLE] or "Sheet"


class _Formats:
    """The few looks of a workbook, each made once."""

    def __init__(self, book: "Workbook") -> None:
        self._book = book
        self._made: dict[str, Format] = {}
        self.heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter"})
        self.note = book.add_format({"font_color": "#475569"})

    def of(self, kind: Kind) -> "Format":
        if kind not in self._made:
            look = {"num_format": kind.value} if kind is not Kind.TEXT else {"text_wrap": True}
            self._made[kind] = self._book.add_format({"valign": "top", **look})
        return self._made[kind]


def _write_table(page: "Worksheet", sheet: Sheet, formats: _Formats) -> int:
    """Returns the row after the table."""
    for row, note in enumerate(sheet.notes):
        page.write_string(row, 0, note[:LONGEST_TEXT], formats.note)
    top = len(sheet.notes) + bool(sheet.notes)
    for column, heading in enumerate(sheet.columns):
        page.write_string(top, column, heading.title, formats.heading)
    widths = [len(column.title) for column in sheet.columns]
    row = top
    for row, cells in enumerate(sheet.rows, start=top + 1):
        for number, (column, cell) in enumerate(zip(sheet.columns, cells, strict=True)):
            value, kind = _parts(column, cell)
            _write_cell(page, row, number, value, kind, formats)
            widths[number] = max(widths[number], len(str(value)) if isinstance(value, str) else 12)
    for number, (column, width) in enumerate(zip(sheet.columns, widths, strict=True)):
        page.set_column(number, number, column.width or min(width + 2, WIDEST))
    page.freeze_panes(top + 1, 0)
    if row > top:
        page.autofilter(top, 0, row, len(sheet.columns) - 1)
    page.hide_gridlines(2)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(top)
    return row + 1


def _parts(column: Column, cell: Value | Cell) -> tuple[Value, Kind]:
    return (cell.value, cell.kind) if isinstance(cell, Cell) else (cell, column.kind)


def _write_cell(page: "Worksheet", row: int, column: int, value: Value, kind: Kind, formats: _Formats) -> None:
    look = formats.of(kind)
    match value:
        case None:
            page.write_blank(row, column, None, look)
        case bool():
            page.write_boolean(row, column, value, look)
        case str():
            page.write_string(row, column, value[:LONGEST_TEXT], look)
        case datetime():
            page.write_datetime(row, column, _aware(value).astimezone(IST).replace(tzinfo=None), look)
        case date():
            page.write_datetime(row, column, datetime(value.year, value.month, value.day), look)  # noqa: DTZ001
        case _:
            page.write_number(row, column, float(_shown(value, kind)), look)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _shown(value: float | Decimal, kind: Kind) -> float | Decimal:
    match kind:
        case Kind.RUPEES | Kind.RUPEES_EXACT:
            return value / 100
        case Kind.POINTS:
            return value * 100
        case Kind.MINUTES | Kind.MINUTES_EXACT:
            return value / 60
        case _:
            return value


def _csv_value(value: Value, kind: Kind) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return harmless(value)
        case datetime():
            return _aware(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return str(_shown(value, kind))


def _draw(book: "Workbook", page: "Worksheet", chart: LineChart, top: int, place: tuple[int, int]) -> None:
    drawn = book.add_chart({"type": "line"})
    if drawn is None:
        raise ValueError("XlsxWriter makes no line chart")
    name = sheet_title(chart.sheet)
    first, last = top + chart.first_row, top + chart.last_row
    drawn.add_series(
        {
            "categories": [name, first, chart.labels, last, chart.labels],
            "values": [name, first, chart.values, last, chart.values],
            "line": {"color": "#B45309", "width": 2},
            "marker": {"type": "circle", "size": 4, "fill": {"color": "#B45309"}, "border": {"none": True}},
        }
    )
    drawn.set_title({"name": chart.title, "name_font": {"size": 11}, "overlay": False})
    drawn.set_legend({"none": True})
    drawn.set_x_axis({"date_axis": False, "num_format": "d mmm yy", "num_font": {"size": 8}})
    drawn.set_y_axis(
        {
            "num_format": chart.kind.value,
            "num_font": {"size": 8},
            "major_gridlines": {"visible": True, "line": {"color": "#E2E8F0"}},
        }
    )
    drawn.set_size({"width": 470, "height": 270})
    page.insert_chart(*place, drawn)
