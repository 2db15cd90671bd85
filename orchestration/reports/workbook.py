"""The report's tables as a workbook, for those who want to sort and add up."""

from collections.abc import Sequence
from io import BytesIO

from orchestration.reports import findings
from orchestration.reports.page import self_serve_weeks
from store.display import day_range, moment, words
from store.published import Kpi, PastAdvice, Published, WeeklyReport
from store.spreadsheet import KINDS, PARTS, UNITS, Cell, Column, Kind, LineChart, Sheet, Value, write_workbook


def workbook_of(warehouse: Published, report: WeeklyReport, past: Sequence[PastAdvice]) -> bytes:
    """The XLSX file; the same version makes the same bytes."""
    buffer = BytesIO()
    title = f"Friction report {day_range(report.period.start_date, report.period.end_date)}"
    write_workbook(buffer, _sheets(warehouse, report, past), title=title, made_at=report.as_of)
    return buffer.getvalue()


def _sheets(warehouse: Published, report: WeeklyReport, past: Sequence[PastAdvice]) -> list[Sheet]:
    weeks = self_serve_weeks(warehouse, report)
    trend = Sheet(
        "Self-serve by week",
        [Column("Week from", Kind.DATE), Column("Orders without help", Kind.COUNT), Column("Orders", Kind.COUNT), Column("Share", Kind.RATE), Column("Final")],
        [(week.date, week.numerator, week.denominator, week.value, week.is_final) for week in weeks],
    )  # fmt: skip
    chart = LineChart("Share of orders without help", trend.title, 0, 3, 0, len(weeks) - 1, Kind.RATE)
    return [
        Sheet(
            "Summary",
            [Column("", width=26), Column("", width=110)],
            [
                ("Weekly friction report", day_range(report.period.start_date, report.period.end_date)),
                *findings.story(report, past),
                ("Data as of", f"{moment(report.as_of)}, version {report.version}"),
                ("State", "final" if report.self_serve_rate.is_final else "provisional: late facts may still move it"),
                *([("Demo city", "These are no real customers.")] if report.is_demo else []),
            ],
            notes=[findings.headline(report)],
            charts=[chart] if len(weeks) > 1 else [],
        ),
        Sheet(
            "KPIs",
            [
                Column("KPI"), Column("Unit"), Column("This period"), Column("Week before"), Column("Target"),
                Column("Numerator", Kind.COUNT), Column("Denominator", Kind.COUNT), Column("Final"), Column("Definition", width=80),
            ],
            [_kpi_row(kpi, report.previous_kpis[kpi.metric]) for kpi in report.kpis.values()],
        ),
        Sheet(
            "What to fix",
            [
                Column("#", Kind.COUNT), Column("What to do"), Column("How", width=60), Column("Category"), Column("Screen"),
                Column("Incidences", Kind.COUNT), Column("4-week average", Kind.NUMBER), Column("Change", Kind.RATE),
                Column("Lost carts, ₹", Kind.RUPEES), Column("Cost of help, ₹", Kind.RUPEES), Column("Discounts in it, ₹", Kind.RUPEES),
                Column("Usual loss, ₹", Kind.RUPEES), Column("Value at risk, ₹", Kind.RUPEES), Column("State"), Column("Evidence", width=60),
            ],
            [
                (
                    each.rank, each.fix_title, each.fix_detail, words(each.issue_category), words(each.app_screen),
                    each.incidence_count, each.four_week_average, each.trend_rate,
                    each.lost_value_paise, each.cx_cost_paise, each.discount_paise,
                    each.usual_loss_paise, each.value_at_risk_paise, words(each.state), " ".join(each.evidence_incidence_ids),
                )
                for each in report.recommendations
            ],
            notes=["Value at risk: lost carts and cost of help (discounts in it), less the screen's usual loss."],
        ),
        Sheet(
            "Last week's advice",
            [
                Column("#", Kind.COUNT), Column("Advice"), Column("Category"), Column("Screen"), Column("State"), Column("Incidences then", Kind.COUNT),
                Column("Incidences now", Kind.COUNT), Column("Lost carts then, ₹", Kind.RUPEES), Column("Lost carts now, ₹", Kind.RUPEES),
            ],
            [
                (
                    each.rank, each.fix_title, words(each.issue_category), words(each.app_screen), words(each.state), each.incidence_count_then,
                    each.incidence_count, each.lost_value_paise_then, each.lost_value_paise,
                )
                for each in past
            ],
        ),
        Sheet(
            "Reasons",
            [
                Column("#", Kind.COUNT), Column("Reason"), Column("Mostly on"), Column("Incidences", Kind.COUNT), Column("4-week average", Kind.NUMBER),
                Column("Change", Kind.RATE), Column("Cost of help, ₹", Kind.RUPEES), Column("Lost carts, ₹", Kind.RUPEES),
            ],
            [
                (
                    each.rank, words(each.issue_category), words(each.top_screen), each.incidence_count, each.four_week_average,
                    each.trend_rate, each.cx_cost_paise, each.lost_value_paise,
                )
                for each in report.top_friction_reasons
            ],
        ),
        Sheet(
            "Unresolved repeats",
            [Column("Issue"), Column("Incidences", Kind.COUNT), Column("Open or dropped", Kind.COUNT)],
            [(words(each.issue_category), each.incidence_count, each.open_or_dropped_count) for each in report.unresolved_repeats],
        ),
        Sheet(
            "Costs",
            [
                Column("Stage"), Column("Channel"), Column("Incidences", Kind.COUNT), Column("Helped", Kind.COUNT), Column("Contacts, ₹", Kind.RUPEES),
                Column("Handling, ₹", Kind.RUPEES), Column("Discounts, ₹", Kind.RUPEES), Column("Whole cost, ₹", Kind.RUPEES),
                Column("Orders helped", Kind.COUNT), Column("Cost an order, ₹", Kind.RUPEES),
            ],
            [
                (
                    words(each.stage or "ALL"), words(each.channel or "ALL"), each.incidence_count, each.helped_count, each.contact_cost_paise,
                    each.handling_cost_paise, each.discount_paise, each.cx_cost_paise,
                    each.assisted_order_count, each.cost_per_assisted_order_paise,
                )
                for each in report.cost_per_order
            ],
        ),
        trend,
    ]  # fmt: skip


def _kpi_row(kpi: Kpi, before: Kpi) -> tuple[Value | Cell, ...]:
    kind = KINDS[kpi.unit]
    return (
        kpi.label,
        UNITS[kpi.unit],
        Cell(kpi.value, kind),
        Cell(before.value, kind),
        Cell(kpi.target, kind),
        Cell(kpi.numerator, PARTS.get(kpi.unit, Kind.COUNT)),
        kpi.denominator,
        kpi.is_final,
        kpi.definition,
    )
