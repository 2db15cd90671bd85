"""The export as a workbook: a cover, what every figure means, and the figures with what they are made of."""

from io import BytesIO
from typing import Any

from orchestration.exports.figures import Figures
from store.display import day, moment
from store.published import Published
from store.spreadsheet import EXACT, KINDS, PARTS, UNITS, Cell, Column, Kind, LineChart, Sheet, Value, write_workbook

Row = dict[str, Any]

SHEETS = {"Monthly": "kpis_monthly", "Weekly": "kpis_weekly"}
COLUMNS = [
    Column("KPI"),
    Column("Segment"),
    Column("From", Kind.DATE),
    Column("Value"),
    Column("Unit"),
    Column("Numerator"),
    Column("Denominator", Kind.COUNT),
    Column("Numerator counts"),
    Column("Denominator counts"),
    Column("Definition", Kind.COUNT),
    Column("Final"),
]


def workbook_of(warehouse: Published, tables: Figures) -> bytes:
    """The XLSX file; the same version and scope make the same bytes."""
    periods = {title: _figures(tables, name) for title, name in SHEETS.items()}
    sheets = [
        _cover(warehouse, tables),
        Sheet("Charts", [Column("", width=16)], [], charts=_charts(periods["Weekly"])),
        *(Sheet(title, COLUMNS, [_row(row) for row in rows]) for title, rows in periods.items()),
        _definitions(tables),
        _uplift(tables),
        _restated(tables),
        _restatements(tables),
    ]
    buffer = BytesIO()
    write_workbook(buffer, sheets, title="KPI export", made_at=warehouse.as_of)
    return buffer.getvalue()


def _cover(warehouse: Published, tables: Figures) -> Sheet:
    scope = tables.scope
    since = f"version {scope.since_version}" if scope.since_version else "this is the first export"
    lines: list[tuple[str, str]] = [
        ("Periods", f"{day(scope.first)} to {day(scope.last)}, by the first day of each"),
        ("Data as of", moment(warehouse.as_of)),
        ("Version", warehouse.version),
        ("Hash of the version", str(warehouse.manifest["file"]["sha256"])),
        *([("Demo city", "These are no real customers.")] if warehouse.is_demo else []),
        ("Last export", since),
        ("", ""),
        ("Charts", "The main KPIs by week"),
        ("Monthly, Weekly", "Each KPI with numerator and denominator: over all, then by segment"),
        ("Definitions", "What each KPI means, its target, its owner, and the version of its definition"),
        ("Prompt effect", "Orders of customers who were offered help against those who never were"),
        (
            "Restated since last export",
            "Figures that an earlier export told otherwise, as it told them and as they are now",
        ),
        ("Restatements", "Every change of a final or exported figure, version by version, with the cause"),
        ("", ""),
        ("Provisional", "A figure is final once its period and attribution window have closed and 3 days have passed."),
        ("Days", "Indian days; weeks begin on Monday."),
        ("To check it", "./supportled export verify DIR makes every file anew from the version and compares."),
    ]
    return Sheet("Cover", [Column("KPI export", width=27), Column("", width=90)], lines)


def _figures(tables: Figures, name: str) -> list[Row]:
    """All segments together first, metric by metric, so that a chart finds its rows side by side."""
    return tables.rows(
        f"""
        select d.label, d.unit, d.numerator_label, d.denominator_label, d.metric, k.segment, k.date, k.value, k.numerator,
               k.denominator, k.definition_version, k.is_final
        from export_{name} as k inner join export_definitions as d on k.metric = d.metric
        order by k.segment <> 'ALL', k.segment, d.position, k.definition_version, k.date
        """
    )


def _row(row: Row) -> list[Value | Cell]:
    unit = str(row["unit"])
    return [
        row["label"], row["segment"], row["date"],
        Cell(row["value"], KINDS[unit]), UNITS[unit],
        Cell(row["numerator"], PARTS.get(unit, Kind.COUNT)), row["denominator"],
        row["numerator_label"], row["denominator_label"], row["definition_version"], row["is_final"],
    ]  # fmt: skip


def _charts(rows: list[Row]) -> list[LineChart]:
    """One chart for each metric with two weeks or more."""
    spans: dict[tuple[str, object], list[int]] = {}
    for index, row in enumerate(rows):
        if row["segment"] == "ALL":
            spans.setdefault((str(row["label"]), row["definition_version"]), []).append(index)
    return [
        LineChart(label, "Weekly", 2, 3, indexes[0], indexes[-1], KINDS[str(rows[indexes[0]]["unit"])])
        for (label, _), indexes in spans.items()
        if len(indexes) > 1
    ]


def _definitions(tables: Figures) -> Sheet:
    rows = tables.rows("select * from export_definitions order by position")
    return Sheet(
        "Definitions",
        [
            Column("KPI"), Column("What it means", width=80), Column("Unit"), Column("Target"), Column("Better"), Column("Owner"),
            Column("Numerator"), Column("Denominator"), Column("Version", Kind.COUNT), Column("Valid from"), Column("Name in the files"),
        ],
        [
            (
                row["label"], row["definition"], UNITS[row["unit"]], Cell(row["target"], KINDS[row["unit"]]), "more" if row["direction"] == "UP" else "less", row["owner"],
                row["numerator_label"], row["denominator_label"], row["definition_version"], f"{row['valid_from']}", row["metric"],
            )
            for row in rows
        ],
    )  # fmt: skip


def _uplift(tables: Figures) -> Sheet:
    rows = tables.rows('select * from export_prompt_uplift order by is_demo, "window", period_end_date')
    return Sheet(
        "Prompt effect",
        [
            Column("Window"), Column("Until", Kind.DATE), Column("Offered help", Kind.COUNT), Column("of them ordered", Kind.COUNT), Column("Share", Kind.RATE),
            Column("Never offered", Kind.COUNT), Column("of them ordered", Kind.COUNT), Column("Share", Kind.RATE),
            Column("Difference, points", Kind.POINTS), Column("95 % from", Kind.POINTS), Column("to", Kind.POINTS), Column("Demo"),
        ],
        [
            (
                row["window"], row["period_end_date"], row["treated_users"], row["treated_converted"], row["treated_rate"],
                row["holdout_users"], row["holdout_converted"], row["holdout_rate"],
                row["uplift"], row["interval_low"], row["interval_high"], row["is_demo"],
            )
            for row in rows
        ],
    )  # fmt: skip


def _restated(tables: Figures) -> Sheet:
    rows = tables.rows(
        "select r.*, d.label, d.unit from export_restated_since_last_export as r "
        "inner join export_definitions as d on r.metric = d.metric "
        "order by r.segment <> 'ALL', r.segment, d.position, r.period <> 'MONTH', r.period <> 'WEEK', r.date"
    )
    return Sheet(
        "Restated since last export",
        [
            Column("KPI"), Column("Period", Kind.CODE), Column("From", Kind.DATE), Column("Segment"), Column("Was"), Column("Is"), Column("Unit"), Column("Cause"),
            Column("Last told in version"),
        ],
        [
            (
                row["label"], row["period"], row["date"], row["segment"], Cell(row["old_value"], EXACT[row["unit"]]), Cell(row["new_value"], EXACT[row["unit"]]),
                UNITS[row["unit"]], row["causes"], row["told_in_version"],
            )
            for row in rows
        ],
    )  # fmt: skip


def _restatements(tables: Figures) -> Sheet:
    rows = tables.rows(
        "select r.*, d.label, d.unit from export_restatements as r inner join export_definitions as d on r.metric = d.metric "
        "order by r.version desc, d.position, r.period, r.date, r.segment"
    )
    return Sheet(
        "Restatements",
        [
            Column("KPI"), Column("Period"), Column("From", Kind.DATE), Column("Segment"), Column("Was"), Column("Is"), Column("Unit"), Column("Cause"),
            Column("Restated", Kind.MOMENT), Column("First version with it"),
        ],
        [
            (
                row["label"], row["period"], row["date"], row["segment"], Cell(row["old_value"], EXACT[row["unit"]]), Cell(row["new_value"], EXACT[row["unit"]]),
                UNITS[row["unit"]], row["cause"], row["restated_at"], row["version"],
            )
            for row in rows
        ],
    )  # fmt: skip
