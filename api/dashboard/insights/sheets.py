"""Every table of the pages as a sheet: the page shows it, CSV and XLSX hold the same rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from store.published import CostLine, FrictionReason, Kpi, Recommendation, TrendPoint
from store.published.friction import ScreenReason, WeeklyRepeat
from store.published.prompts import PromptEffect, PromptOutcome
from store.published.recommendations import Decision
from store.spreadsheet import KINDS, PARTS, Cell, Column, Kind, Sheet, Value

T = TypeVar("T")


def summed_kind(unit: str) -> Kind:
    """How the numerator of a KPI of this unit is shown."""
    return PARTS.get(unit, Kind.COUNT)


def headline(text: str) -> str:
    """Begins with a capital; the rest stays: CX is no word."""
    return text[:1].upper() + text[1:]


def kpi_sheet(here: Sequence[Kpi], before: Sequence[Kpi]) -> Sheet:
    columns = [
        Column("KPI"),
        Column("Value", Kind.NUMBER),
        Column("Target", Kind.NUMBER),
        Column("Period before", Kind.NUMBER),
        Column("95 % from", Kind.NUMBER),
        Column("95 % to", Kind.NUMBER),
        Column("Numerator", Kind.NUMBER),
        Column("Denominator", Kind.COUNT),
        Column("Final"),
        Column("Definition version", Kind.COUNT),
        Column("Definition"),
    ]
    rows = []
    for kpi, past in zip(here, before, strict=True):
        kind = KINDS[kpi.unit]
        summed = summed_kind(kpi.unit)
        rows.append(
            (
                kpi.label,
                Cell(kpi.value, kind),
                Cell(kpi.target, kind),
                Cell(past.value, kind),
                Cell(kpi.interval_low, kind),
                Cell(kpi.interval_high, kind),
                Cell(kpi.numerator, summed),
                kpi.denominator,
                kpi.is_final,
                kpi.definition_version,
                kpi.definition,
            )
        )
    return Sheet("KPIs", columns, rows)


def trend_sheet(entry: Mapping[str, str], points: Sequence[TrendPoint]) -> Sheet:
    """Newest first: what people look for stands on top."""
    unit = entry["unit"]
    summed = summed_kind(unit)
    columns = [
        Column("From", Kind.DATE),
        Column(entry["label"], KINDS[unit]),
        Column(headline(entry["numerator_label"] or "numerator"), summed),
        Column(headline(entry["denominator_label"] or "denominator"), Kind.COUNT),
        Column("Final"),
    ]
    rows = [(point.date, point.value, point.numerator, point.denominator, point.is_final) for point in reversed(points)]
    return Sheet(f"{entry['label']} over time", columns, rows)


def breakdown_sheet(entry: Mapping[str, str], by: str, lines: Sequence[tuple[str, float, float]]) -> Sheet:
    unit = entry["unit"]
    summed = summed_kind(unit)
    columns = [
        Column(by.replace("_", " ").capitalize(), Kind.CODE),
        Column(entry["label"], KINDS[unit]),
        Column(headline(entry["numerator_label"] or "numerator"), summed),
        Column(headline(entry["denominator_label"] or "denominator"), Kind.COUNT),
    ]
    rows = [
        (name, numerator / denominator if denominator else None, numerator, denominator)
        for name, numerator, denominator in lines
    ]
    return Sheet(f"{entry['label']} by {by.replace('_', ' ')}", columns, rows)


def reasons_sheet(found: Sequence[FrictionReason]) -> Sheet:
    return _sheet(
        "Friction reasons",
        found,
        {
            Column("#", Kind.COUNT): lambda reason: reason.rank,
            Column("Reason", Kind.CODE): lambda reason: reason.issue_category,
            Column("Mostly on", Kind.CODE): lambda reason: reason.top_screen,
            Column("Incidences", Kind.COUNT): lambda reason: reason.incidence_count,
            Column("Usual", Kind.NUMBER): lambda reason: reason.four_week_average,
            Column("Change", Kind.CHANGE): lambda reason: reason.trend_rate,
            Column("Cost of help", Kind.RUPEES): lambda reason: reason.cx_cost_paise,
            Column("Lost carts", Kind.RUPEES): lambda reason: reason.lost_value_paise,
        },
    )


def screens_sheet(pairs: Sequence[ScreenReason]) -> Sheet:
    return _sheet(
        "Screens and reasons",
        pairs,
        {
            Column("Screen", Kind.CODE): lambda pair: pair.app_screen,
            Column("Reason", Kind.CODE): lambda pair: pair.issue_category,
            Column("Incidences", Kind.COUNT): lambda pair: pair.incidence_count,
            Column("Cost of help", Kind.RUPEES): lambda pair: pair.cx_cost_paise,
            Column("Lost carts", Kind.RUPEES): lambda pair: pair.lost_value_paise,
        },
    )


def repeats_sheet(found: Sequence[WeeklyRepeat]) -> Sheet:
    return _sheet(
        "Repeat issues",
        found,
        {
            Column("Week from", Kind.DATE): lambda issue: issue.week_start_date,
            Column("Issue", Kind.CODE): lambda issue: issue.issue_category,
            Column("Incidences", Kind.COUNT): lambda issue: issue.incidence_count,
            Column("Open or dropped", Kind.COUNT): lambda issue: issue.open_or_dropped_count,
            Column("Users it came back to", Kind.COUNT): lambda issue: issue.user_count,
            Column("Lost carts", Kind.RUPEES): lambda issue: issue.lost_value_paise,
        },
    )


def recommendations_sheet(found: Sequence[Recommendation]) -> Sheet:
    return _sheet(
        "Recommendations",
        found,
        {
            Column("#", Kind.COUNT): lambda advice: advice.rank,
            Column("What to do"): lambda advice: advice.fix_title,
            Column("How", width=60): lambda advice: advice.fix_detail,
            Column("Reason", Kind.CODE): lambda advice: advice.issue_category,
            Column("Screen", Kind.CODE): lambda advice: advice.app_screen,
            Column("Incidences", Kind.COUNT): lambda advice: advice.incidence_count,
            Column("Change", Kind.CHANGE): lambda advice: advice.trend_rate,
            Column("Lost carts", Kind.RUPEES): lambda advice: advice.lost_value_paise,
            Column("Cost of help", Kind.RUPEES): lambda advice: advice.cx_cost_paise,
            Column("Usual loss", Kind.RUPEES): lambda advice: advice.usual_loss_paise,
            Column("At risk", Kind.RUPEES): lambda advice: advice.value_at_risk_paise,
            Column("State", Kind.CODE): lambda advice: advice.state,
            Column("Evidence", width=60): lambda advice: " ".join(advice.evidence_incidence_ids),
        },
    )


def decisions_sheet(found: Sequence[Decision]) -> Sheet:
    return _sheet(
        "Decisions",
        found,
        {
            Column("Week"): lambda made: made.week,
            Column("What to do"): lambda made: made.fix_title,
            Column("Reason", Kind.CODE): lambda made: made.issue_category,
            Column("Screen", Kind.CODE): lambda made: made.app_screen,
            Column("State", Kind.CODE): lambda made: made.state,
            Column("Decided", Kind.MOMENT): lambda made: made.changed_at,
            Column("Days since", Kind.COUNT): lambda made: made.days_after,
            Column("Incidences a week before", Kind.NUMBER): lambda made: made.before.incidence_count,
            Column("Incidences a week since", Kind.NUMBER): lambda made: (
                made.after.incidence_count if made.after else None
            ),
            Column("Lost carts a week before", Kind.RUPEES): lambda made: made.before.lost_value_paise,
            Column("Lost carts a week since", Kind.RUPEES): lambda made: (
                made.after.lost_value_paise if made.after else None
            ),
        },
    )


def costs_sheet(lines: Sequence[CostLine]) -> Sheet:
    return _sheet(
        "Costs",
        lines,
        {
            Column("Stage", Kind.CODE): lambda line: line.stage or "ALL",
            Column("Channel", Kind.CODE): lambda line: line.channel or "ALL",
            Column("Incidences", Kind.COUNT): lambda line: line.incidence_count,
            Column("Helped", Kind.COUNT): lambda line: line.helped_count,
            Column("Handling time", Kind.MINUTES): lambda line: line.handling_seconds,
            Column("Contacts", Kind.RUPEES): lambda line: line.contact_cost_paise,
            Column("Handling", Kind.RUPEES): lambda line: line.handling_cost_paise,
            Column("Discounts", Kind.RUPEES): lambda line: line.discount_paise,
            Column("Whole cost", Kind.RUPEES): lambda line: line.cx_cost_paise,
            Column("Assisted orders", Kind.COUNT): lambda line: line.assisted_order_count,
            Column("Cost an order", Kind.RUPEES): lambda line: line.cost_per_assisted_order_paise,
        },
    )


def effects_sheet(found: Sequence[PromptEffect]) -> Sheet:
    return _sheet(
        "Prompt effect",
        found,
        {
            Column("Window", Kind.CODE): lambda effect: effect.window,
            Column("Until", Kind.DATE): lambda effect: effect.period_end_date,
            Column("Prompted users", Kind.COUNT): lambda effect: effect.treated_users,
            Column("Prompted who ordered", Kind.COUNT): lambda effect: effect.treated_converted,
            Column("Prompted, share", Kind.RATE): lambda effect: effect.treated_rate,
            Column("Holdout users", Kind.COUNT): lambda effect: effect.holdout_users,
            Column("Holdout who ordered", Kind.COUNT): lambda effect: effect.holdout_converted,
            Column("Holdout, share", Kind.RATE): lambda effect: effect.holdout_rate,
            Column("Uplift", Kind.POINTS): lambda effect: effect.uplift,
            Column("95 % from", Kind.POINTS): lambda effect: effect.interval_low,
            Column("95 % to", Kind.POINTS): lambda effect: effect.interval_high,
        },
    )


def outcomes_sheet(found: Sequence[PromptOutcome]) -> Sheet:
    return _sheet(
        "Prompts",
        found,
        {
            Column("Rule", Kind.CODE): lambda outcome: outcome.rule_code,
            Column("Due", Kind.COUNT): lambda outcome: outcome.due_count,
            Column("Shown", Kind.COUNT): lambda outcome: outcome.shown_count,
            Column("Accepted", Kind.COUNT): lambda outcome: outcome.accepted_count,
            Column("Dismissed", Kind.COUNT): lambda outcome: outcome.dismissed_count,
            Column("Expired", Kind.COUNT): lambda outcome: outcome.expired_count,
            Column("Suppressed", Kind.COUNT): lambda outcome: outcome.suppressed_count,
            Column("Withheld", Kind.COUNT): lambda outcome: outcome.withheld_count,
            Column("Accepted of shown", Kind.RATE): lambda outcome: outcome.accepted_rate,
        },
    )


def _sheet(title: str, found: Sequence[T], columns: Mapping[Column, Callable[[T], Value]]) -> Sheet:
    """A row for each that was found; each column with what it shows of one."""
    return Sheet(title, list(columns), [tuple(show(one) for show in columns.values()) for one in found])
