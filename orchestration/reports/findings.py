"""What the report says in words: each function takes figures and returns the sentence a chart or table stands under."""

from store.display import change, figure, points, rupees_short, share, words
from store.published import FrictionReason, Kpi, Recommendation, RepeatIssue, WeeklyReport


def headline(report: WeeklyReport) -> str:
    """The first sentence: what cost most beyond its usual loss, else what was most frequent."""
    if report.recommendations and report.recommendations[0].lost_value_paise > 0:
        first = report.recommendations[0]
        return (
            f"{words(first.issue_category)} cost most: {rupees_short(first.lost_value_paise)} of carts lost in "
            f"{_plural(first.incidence_count, 'incidence')}{_trend(first)}."
        )
    if report.top_friction_reasons:
        reason = report.top_friction_reasons[0]
        return f"{words(reason.issue_category)} came most often: {_times(reason.incidence_count)}{_trend(reason)}."
    return "A quiet week: nobody needed help."


def summary(report: WeeklyReport) -> list[str]:
    """Three or four sentences: what happened, what it cost, what to fix first."""
    sentences = []
    whole = next((line for line in report.cost_per_order if line.stage is None), None)
    if whole is not None:
        lost = sum(advice.lost_value_paise for advice in report.recommendations)
        sentences.append(
            f"{_plural(whole.incidence_count, 'incidence')} came in; {_plural(whole.helped_count, 'customer')} had help from "
            f"a person. Help cost {rupees_short(whole.cx_cost_paise)}, and carts worth {rupees_short(lost)} were lost."
        )
    sentences.append(self_serve(report.self_serve_rate, report.previous_kpis["self_serve_conversion_rate"]))
    if report.recommendations:
        first = report.recommendations[0]
        sentences.append(
            f"Fix first: {_lower(first.fix_title)} (on the screen {words(first.app_screen)}). "
            f"{rupees_short(first.value_at_risk_paise)} is at risk there beyond what is usual."
        )
    if report.unresolved_repeats:
        sentences.append(repeats(report.unresolved_repeats))
    return sentences


def self_serve(here: Kpi, before: Kpi) -> str:
    if here.value is None:
        return "No orders were placed in this period."
    sentence = f"{share(here.value)} of orders needed no help"
    if before.value is not None:
        moved = here.value - before.value
        sentence += ", as in the week before" if abs(moved) < 0.001 else f", {points(moved)} against the week before"
    return sentence + "."


def reasons(top: list[FrictionReason]) -> str:
    if not top:
        return "No friction was recorded."
    total = sum(reason.incidence_count for reason in top)
    first = top[0]
    return f"{words(first.issue_category)} is {share(first.incidence_count / total)} of the ten most frequent reasons"


def advice(recommendations: list[Recommendation]) -> str:
    if not recommendations:
        return "Nothing stands out to be fixed."
    first = recommendations[0]
    return f"{first.fix_title}: {rupees_short(first.value_at_risk_paise)} at risk"


def repeats(unresolved: list[RepeatIssue]) -> str:
    if not unresolved:
        return "No issue came back unresolved"
    names = ", ".join(words(issue.issue_category) for issue in unresolved[:3])
    more = f" and {len(unresolved) - 3} more" if len(unresolved) > 3 else ""
    verb = "comes" if len(unresolved) == 1 else "come"
    return f"{_plural(len(unresolved), 'issue')} {verb} back unresolved: {names}{more}."


def costs(kpi: Kpi) -> str:
    if kpi.value is None:
        return "No order was placed with help in this period"
    return f"An order placed with help cost {figure(kpi.value, kpi.unit)} of support"


def uplift(kpi: Kpi) -> str:
    """What prompts did, with the interval in plain words; nothing is claimed when the interval holds 0."""
    if kpi.value is None or kpi.interval_low is None or kpi.interval_high is None:
        return "Too few customers so far to say what prompts do"
    interval = f"95 % interval {points(kpi.interval_low)} to {points(kpi.interval_high)}"
    if kpi.interval_low > 0:
        return f"Prompts bring more orders: {points(kpi.value)} of conversion ({interval})"
    if kpi.interval_high < 0:
        return f"Prompts cost orders: {points(kpi.value)} of conversion ({interval})"
    return f"No effect of prompts can be shown: {points(kpi.value)} ({interval})"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _trend(counted: FrictionReason | Recommendation) -> str:
    if counted.four_week_average == 0:
        return ", for the first time in five weeks"
    if counted.trend_rate is None:
        return ""
    if abs(counted.trend_rate) < 0.05:
        return ", as usual"
    return f", {change(counted.trend_rate)} against the four weeks before"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
