"""Every table of the pages as a sheet: the page shows it, CSV and XLSX hold the same rows."""

from collections.abc import Mapping, Sequence

from store.published import CostLine, FrictionReason, Kpi, Recommendation, TrendPoint
from store.published.friction import ScreenReason, WeeklyRepeat
from store.published.prompts import PromptEffect, PromptOutcome
from store.published.recommendations import Decision
from store.spreadsheet import Cell, Column, Kind, Sheet

KINDS = {
    "RATE": Kind.RATE,
    "POINTS": Kind.POINTS,
    "PAISE": Kind.RUPEES,
    "SECONDS": Kind.MINUTES,
    "COUNT": Kind.COUNT,
}
"""How a KPI's unit (kpi_catalogue.unit) is shown."""


def summed_kind(unit: str) -> Kind:
    """How the numerator of a KPI of this unit is shown."""
    return KINDS[unit] if unit in ("PAISE", "SECONDS") else Kind.COUNT


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
    columns = [
        Column("#", Kind.COUNT),
        Column("Reason", Kind.CODE),
        Column("Mostly on", Kind.CODE),
        Column("Incidences", Kind.COUNT),
        Column("Usual", Kind.NUMBER),
        Column("Change", Kind.CHANGE),
        Column("Cost of help", Kind.RUPEES),
        Column("Lost carts", Kind.RUPEES),
    ]
    rows = [
        (
            reason.rank,
            reason.issue_category,
            reason.top_screen,
            reason.incidence_count,
            reason.four_week_average,
            reason.trend_rate,
            reason.cx_cost_paise,
            reason.lost_value_paise,
        )
        for reason in found
    ]
    return Sheet("Friction reasons", columns, rows)


def screens_sheet(pairs: Sequence[ScreenReason]) -> Sheet:
    columns = [
        Column("Screen", Kind.CODE),
        Column("Reason", Kind.CODE),
        Column("Incidences", Kind.COUNT),
        Column("Cost of help", Kind.RUPEES),
        Column("Lost carts", Kind.RUPEES),
    ]
    rows = [
        (pair.app_screen, pair.issue_category, pair.incidence_count, pair.cx_cost_paise, pair.lost_value_paise)
        for pair in pairs
    ]
    return Sheet("Screens and reasons", columns, rows)


def repeats_sheet(found: Sequence[WeeklyRepeat]) -> Sheet:
    columns = [
        Column("Week from", Kind.DATE),
        Column("Issue", Kind.CODE),
        Column("Incidences", Kind.COUNT),
        Column("Open or dropped", Kind.COUNT),
        Column("Users it came back to", Kind.COUNT),
        Column("Lost carts", Kind.RUPEES),
    ]
    rows = [
        (
            issue.week_start_date,
            issue.issue_category,
            issue.incidence_count,
            issue.open_or_dropped_count,
            issue.user_count,
            issue.lost_value_paise,
        )
        for issue in found
    ]
    return Sheet("Repeat issues", columns, rows)


def recommendations_sheet(found: Sequence[Recommendation]) -> Sheet:
    columns = [
        Column("#", Kind.COUNT),
        Column("What to do"),
        Column("How", width=60),
        Column("Reason", Kind.CODE),
        Column("Screen", Kind.CODE),
        Column("Incidences", Kind.COUNT),
        Column("Change", Kind.CHANGE),
        Column("Lost carts", Kind.RUPEES),
        Column("Cost of help", Kind.RUPEES),
        Column("Usual loss", Kind.RUPEES),
        Column("At risk", Kind.RUPEES),
        Column("State", Kind.CODE),
        Column("Evidence", width=60),
    ]
    rows = [
        (
            advice.rank,
            advice.fix_title,
            advice.fix_detail,
            advice.issue_category,
            advice.app_screen,
            advice.incidence_count,
            advice.trend_rate,
            advice.lost_value_paise,
            advice.cx_cost_paise,
            advice.usual_loss_paise,
            advice.value_at_risk_paise,
            advice.state,
            " ".join(advice.evidence_incidence_ids),
        )
        for advice in found
    ]
    return Sheet("Recommendations", columns, rows)


def decisions_sheet(found: Sequence[Decision]) -> Sheet:
    columns = [
        Column("Week"),
        Column("What to do"),
        Column("Reason", Kind.CODE),
        Column("Screen", Kind.CODE),
        Column("State", Kind.CODE),
        Column("Decided", Kind.MOMENT),
        Column("Days since", Kind.COUNT),
        Column("Incidences a week before", Kind.NUMBER),
        Column("Incidences a week since", Kind.NUMBER),
        Column("Lost carts a week before", Kind.RUPEES),
        Column("Lost carts a week since", Kind.RUPEES),
    ]
    rows = [
        (
            made.week,
            made.fix_title,
            made.issue_category,
            made.app_screen,
            made.state,
            made.changed_at,
            made.days_after,
            made.before.incidence_count,
            made.after.incidence_count if made.after else None,
            made.before.lost_value_paise,
            made.after.lost_value_paise if made.after else None,
        )
        for made in found
    ]
    return Sheet("Decisions", columns, rows)


def costs_sheet(lines: Sequence[CostLine]) -> Sheet:
    columns = [
        Column("Stage", Kind.CODE),
        Column("Channel", Kind.CODE),
        Column("Incidences", Kind.COUNT),
        Column("Helped", Kind.COUNT),
        Column("Handling time", Kind.MINUTES),
        Column("Contacts", Kind.RUPEES),
        Column("Handling", Kind.RUPEES),
        Column("Discounts", Kind.RUPEES),
        Column("Whole cost", Kind.RUPEES),
        Column("Assisted orders", Kind.COUNT),
        Column("Cost an order", Kind.RUPEES),
    ]
    rows = [
        (
            line.stage or "ALL",
            line.channel or "ALL",
            line.incidence_count,
            line.helped_count,
            line.handling_seconds,
            line.contact_cost_paise,
            line.handling_cost_paise,
            line.discount_paise,
            line.cx_cost_paise,
            line.assisted_order_count,
            line.cost_per_assisted_order_paise,
        )
        for line in lines
    ]
    return Sheet("Costs", columns, rows)


def effects_sheet(found: Sequence[PromptEffect]) -> Sheet:
    columns = [
        Column("Window", Kind.CODE),
        Column("Until", Kind.DATE),
        Column("Prompted users", Kind.COUNT),
        Column("Prompted who ordered", Kind.COUNT),
        Column("Prompted, share", Kind.RATE),
        Column("Holdout users", Kind.COUNT),
        Column("Holdout who ordered", Kind.COUNT),
        Column("Holdout, share", Kind.RATE),
        Column("Uplift", Kind.POINTS),
        Column("95 % from", Kind.POINTS),
        Column("95 % to", Kind.POINTS),
    ]
    rows = [
        (
            effect.window,
            effect.period_end_date,
            effect.treated_users,
            effect.treated_converted,
            effect.treated_rate,
            effect.holdout_users,
            effect.holdout_converted,
            effect.holdout_rate,
            effect.uplift,
            effect.interval_low,
            effect.interval_high,
        )
        for effect in found
    ]
    return Sheet("Prompt effect", columns, rows)


def outcomes_sheet(found: Sequence[PromptOutcome]) -> Sheet:
    columns = [
        Column("Rule", Kind.CODE),
        Column("Due", Kind.COUNT),
        Column("Shown", Kind.COUNT),
        Column("Accepted", Kind.COUNT),
        Column("Dismissed", Kind.COUNT),
        Column("Expired", Kind.COUNT),
        Column("Suppressed", Kind.COUNT),
        Column("Withheld", Kind.COUNT),
        Column("Accepted of shown", Kind.RATE),
    ]
    rows = [
        (
            outcome.rule_code,
            outcome.due_count,
            outcome.shown_count,
            outcome.accepted_count,
            outcome.dismissed_count,
            outcome.expired_count,
            outcome.suppressed_count,
            outcome.withheld_count,
            outcome.accepted_rate,
        )
        for outcome in found
    ]
    return Sheet("Prompts", columns, rows)
