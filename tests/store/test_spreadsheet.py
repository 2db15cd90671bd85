"""Tables for people: the same bytes each time, units that people read, and text that stays text."""

import csv
import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.spreadsheet import Cell, Column, Kind, LineChart, Sheet, Value, harmless, write_csv, write_workbook

MADE_AT = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
HOSTILE = (
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    " =1+1",
    "\t=1",
    '=HYPERLINK("http://x")',
    "<script>",
    "\u202egpj.exe",
)

TABLE = Sheet(
    "Orders: by day/week",
    [
        Column("Day", Kind.DATE),
        Column("What"),
        Column("Value", Kind.RUPEES),
        Column("Share", Kind.RATE),
        Column("Closed", Kind.MOMENT),
        Column("Took, minutes", Kind.MINUTES),
    ],
    [
        (date(2026, 11, 20), "=1+1", 12_345_67, 0.25, MADE_AT, 90),
        (date(2026, 11, 21), None, Decimal(100), None, None, 0.5),
        (date(2026, 11, 22), "x", Cell(7, Kind.COUNT), Cell(0.125, Kind.POINTS), MADE_AT.replace(tzinfo=None), None),
    ],
    notes=["Data as of 22 Nov 2026", "=not a formula"],
)
CHART = Sheet("Charts", [Column("")], [], charts=[LineChart("Value", TABLE.title, 0, 2, 0, 2, Kind.RUPEES)])


def day(number: int) -> datetime:
    return datetime(2026, 11, number)  # noqa: DTZ001 a workbook knows no zones


def written(*sheets: Sheet) -> bytes:
    buffer = BytesIO()
    write_workbook(buffer, sheets, title="Orders", made_at=MADE_AT)
    return buffer.getvalue()


def csv_of(columns: list[Column], rows: list[list[Value]]) -> list[list[str]]:
    text = StringIO()
    write_csv(text, columns, rows)
    return list(csv.reader(StringIO(text.getvalue(), newline="")))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_same_rows_make_the_same_bytes(elsewhere: None) -> None:
    there = written(TABLE, CHART)
    os.environ.pop("TZ")
    time.tzset()
    assert written(TABLE, CHART) == there


def test_cells_hold_values_in_the_units_that_are_shown() -> None:
    page = openpyxl.load_workbook(BytesIO(written(TABLE, CHART)))["Orders  by day week"]
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=5)]
    assert rows[0] == [day(20), "=1+1", 12_345.67, 0.25, day(23), 1.5]
    assert rows[1] == [day(21), None, 1, None, None, 0.5 / 60]
    assert rows[2][2:5] == [7, 12.5, day(23)]
    assert page["B5"].data_type == "s", "a string, not a formula"
    assert page["A2"].data_type == "s"


def test_csv_holds_what_the_workbook_shows() -> None:
    text = StringIO()
    write_csv(text, TABLE.columns, TABLE.rows)
    lines = text.getvalue().splitlines()
    assert lines[0] == 'Day,What,Value,Share,Closed,"Took, minutes"'
    assert lines[1] == "2026-11-20,'=1+1,12345.67,0.25,2026-11-22T18:30:00Z,1.5"
    assert lines[3] == "2026-11-22,x,7,12.5,2026-11-22T18:30:00Z,"


@pytest.mark.parametrize("text", HOSTILE[:7])
def test_text_that_would_be_a_formula_is_made_harmless(text: str) -> None:
    assert harmless(text) == f"'{text}"


@given(st.text(max_size=50))
def test_any_text_stays_text(text: str) -> None:
    (_, (cell, _)) = csv_of([Column("Text"), Column("Number")], [[text, 1]])
    assert cell in {text, f"'{text}"}
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def test_hostile_text_is_shown_as_it_is_in_a_workbook() -> None:
    page = openpyxl.load_workbook(
        BytesIO(written(Sheet("Text", [Column("Text")], [[text] for text in HOSTILE])))
    ).active
    assert page is not None
    cells = [page.cell(row, 1) for row in range(2, len(HOSTILE) + 2)]
    assert [cell.value for cell in cells] == list(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"}


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        written(Sheet("Short", [Column("A"), Column("B")], [[1]]))
    with pytest.raises(ValueError, match="same title"):
        written(Sheet("A/b", [Column("A")], []), Sheet("a b", [Column("A")], []))
