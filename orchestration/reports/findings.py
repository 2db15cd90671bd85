"""What the report says in words: each function takes figures and returns the sentence a chart or table stands under."""

from collections import Counter
from collections.abc import Sequence

from store.display import change, figure, points, rupees_short, share, words
from store.enums import RecommendationState
from store.published import CostLine, FrictionReason, Kpi, PastAdvice, Recommendation, RepeatIssue, WeeklyReport


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


def story(report: WeeklyReport, past: Sequence[PastAdvice]) -> list[tuple[str, str]]:
    """What happened, what it cost, what to fix first and why, what changed since last week's advice: a heading and its
    sentences each."""
    told = [("What happened", happened(report)), ("What it cost", spent(report))]
    told.append(("Fix first", fix_first(report)))
    if past:
        told.append(("Since last week's advice", since(report, past)))
    return told


def happened(report: WeeklyReport) -> str:
    whole = _whole(report)
    if whole is None:
        return "Nobody needed help in this period."
    before = report.previous_kpis["self_serve_conversion_rate"]
    sentences = [
        (
            f"{_plural(whole.incidence_count, 'incidence')} came in; "
            f"{_plural(whole.helped_count, 'customer')} had help from a person."
        ),
        self_serve(report.self_serve_rate, before),
    ]
    if report.unresolved_repeats:
        sentences.append(repeats(report.unresolved_repeats))
    return " ".join(sentences)


def spent(report: WeeklyReport) -> str:
    whole = _whole(report)
    if whole is None:
        return "Nothing."
    lost = sum(advice.lost_value_paise for advice in report.recommendations)
    sentences = [f"Help cost {rupees_short(whole.cx_cost_paise)}, and carts worth {rupees_short(lost)} were lost."]
    here, before = (kpis["cost_per_assisted_order"] for kpis in (report.kpis, report.previous_kpis))
    if here.value is not None:
        against = f", {change(here.value / before.value - 1)} against the week before" if before.value else ""
        sentences.append(f"An order placed with help cost {figure(here.value, here.unit)} of support{against}.")
    return " ".join(sentences)


def fix_first(report: WeeklyReport) -> str:
    """The first recommendation, and the figures that put it there."""
    if not report.recommendations or report.recommendations[0].value_at_risk_paise <= 0:
        return "Nothing stands out: no category lost more on its screen than it usually does."
    first = report.recommendations[0]
    all_lost = sum(each.lost_value_paise for each in report.recommendations)
    why = [_plural(first.incidence_count, "incidence")]
    if first.four_week_average:
        why[0] += f" where {first.four_week_average:.0f} a week are usual"
    if first.lost_value_paise and all_lost:
        why.append(
            f"{rupees_short(first.lost_value_paise)} of carts lost, {share(first.lost_value_paise / all_lost)} of all"
        )
        why.append(f"{rupees_short(first.usual_loss_paise)} is usual" if first.usual_loss_paise else "none is usual")
    return (
        f"{first.fix_title} (screen {words(first.app_screen)}): {rupees_short(first.value_at_risk_paise)} is at risk there "
        f"beyond what is usual. Why: {'; '.join(why)}."
    )


def since(report: WeeklyReport, past: Sequence[PastAdvice]) -> str:
    """What became of last week's first advice, and which of its others are done."""
    first = past[0]
    is_first_again = bool(report.recommendations) and (first.issue_category, first.app_screen) == (
        report.recommendations[0].issue_category,
        report.recommendations[0].app_screen,
    )
    opening = (
        f"{first.fix_title} was first last week too" if is_first_again else f"First was: {_lower(first.fix_title)}"
    )
    sentences = [f"{opening}, and {STATES[first.state]}: {moved(first)}."]
    if len(past) > 1:
        counted = Counter(advice.state for advice in past[1:])
        others = ", ".join(f"{counted[state]} {STATE_NAMES[state]}" for state in RecommendationState if counted[state])
        sentences.append(f"Of the next {_plural(len(past) - 1, 'item')}: {others}.")
    return " ".join(sentences)


def moved(advice: PastAdvice) -> str:
    """Incidences and lost carts of a past advice, then and now."""
    counts = f"{_plural(advice.incidence_count_then, 'incidence')} then, {advice.incidence_count:,} now"
    if not advice.lost_value_paise_then and not advice.lost_value_paise:
        return counts
    return f"{counts}; lost carts {rupees_short(advice.lost_value_paise_then)} then, {rupees_short(advice.lost_value_paise)} now"


STATE_NAMES = {
    RecommendationState.OPEN: "undecided",
    RecommendationState.ACCEPTED: "accepted",
    RecommendationState.DONE: "done",
    RecommendationState.REJECTED: "rejected",
}
STATES = {
    RecommendationState.OPEN: "nobody has decided on it yet",
    RecommendationState.ACCEPTED: "was accepted, but is not done",
    RecommendationState.DONE: "is done",
    RecommendationState.REJECTED: "was rejected",
}


def advised(past: Sequence[PastAdvice]) -> str:
    """The heading over last week's advice."""
    if not past:
        return "There was no advice last week"
    better = sum(advice.incidence_count < advice.incidence_count_then for advice in past)
    return f"Of last week's {_plural(len(past), 'first item')}, {better} came up less often this week"


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


def uplift(effect: float | None, low: float | None, high: float | None) -> str:
    """What prompts did, with the interval in plain words; nothing is claimed when the interval holds 0."""
    if effect is None or low is None or high is None:
        return "Too few customers so far to say what prompts do"
    interval = f"95 % interval {points(low)} to {points(high)}"
    if low > 0:
        return f"Prompts bring more orders: {points(effect)} of conversion ({interval})"
    if high < 0:
        return f"Prompts cost orders: {points(effect)} of conversion ({interval})"
    return f"No effect of prompts can be shown: {points(effect)} ({interval})"


def _whole(report: WeeklyReport) -> CostLine | None:
    return next((line for line in report.cost_per_order if line.stage is None), None)


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
