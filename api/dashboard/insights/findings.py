"""What the pages say in words: figures in, the sentence that stands above a chart or table out."""

from collections.abc import Sequence

from store.display import change, day, figure, points, rupees, rupees_short, share, words
from store.published import FrictionReason, Kpi, TrendPoint
from store.published.friction import ScreenReason, WeeklyRepeat
from store.published.prompts import PromptEffect
from store.published.recommendations import Decision


def kpi(here: Kpi, before: Kpi) -> str:
    """A figure, and how it moved."""
    if here.value is None:
        return f"{here.label}: nothing to count in this period"
    is_primary = here.metric == "self_serve_conversion_rate"
    value = figure(here.value, here.unit)
    sentence = f"{value} of orders needed no help" if is_primary else f"{here.label}: {value}"
    moved = movement(here, before)
    if moved is None:
        return sentence
    return f"{sentence}, as before" if is_nothing(moved) else f"{sentence}, {moved} against the period before"


def movement(here: Kpi, before: Kpi) -> str | None:
    """The difference of shares in points, of anything else in per cent; None without something to compare."""
    if here.value is None or before.value is None:
        return None
    if here.unit in ("RATE", "POINTS"):
        return points(here.value - before.value)
    return change((here.value - before.value) / abs(before.value)) if before.value else None


def is_nothing(moved: str) -> bool:
    """Whether a movement is none at the digits that are shown."""
    return not any(digit in moved for digit in "123456789")


def trend(unit: str, steps: Sequence[TrendPoint], step: str) -> str:
    known = [(point.date, point.value) for point in steps if point.value is not None]
    if len(known) < 2:
        return "A trend appears with the second point"
    (first_date, first), (_, last) = known[0], known[-1]
    when = {"day": f"on {day(first_date)}", "month": f"in {first_date:%B %Y}"}.get(
        step, f"in the week of {day(first_date)}"
    )
    return f"From {figure(first, unit)} {when} to {figure(last, unit)}"


def reasons(top: Sequence[FrictionReason]) -> str:
    if not top:
        return "Nobody needed help in this period"
    total = sum(reason.incidence_count for reason in top)
    first = top[0]
    grown = [r for r in top if r.trend_rate is not None and r.trend_rate >= 0.5 and r.incidence_count >= 5]
    sentence = f"{words(first.issue_category)} is {share(first.incidence_count / total)} of {total:,} incidences"
    if grown:
        fastest = max(grown, key=lambda reason: reason.trend_rate or 0)
        sentence += f"; {words(fastest.issue_category).lower()} grew most, {change(fastest.trend_rate)}"
    return sentence


def screens(pairs: Sequence[ScreenReason]) -> str:
    if not pairs:
        return "No screen stopped anybody"
    first = pairs[0]
    dearest = max(pairs, key=lambda pair: pair.lost_value_paise)
    sentence = f"Most get stuck on {words(first.app_screen).lower()} with {words(first.issue_category).lower()}"
    if dearest.lost_value_paise > 0:
        place = (
            "there"
            if dearest == first
            else f"on {words(dearest.app_screen).lower()} with {words(dearest.issue_category).lower()}"
        )
        sentence += f"; most money is lost {place}, {rupees_short(dearest.lost_value_paise)}"
    return sentence


def repeats(found: Sequence[WeeklyRepeat]) -> str:
    if not found:
        return "No issue came back more than three times in a week"
    unresolved = [issue for issue in found if issue.open_or_dropped_count]
    noun = "issue came" if len(found) == 1 else "issues came"
    sentence = f"{len(found)} {noun} back more than three times in a week"
    return f"{sentence}; {len(unresolved)} with incidences still open or dropped" if unresolved else sentence


def costs(kpi: Kpi) -> str:
    if kpi.value is None:
        return "No order was placed with help in this period"
    if kpi.target is None:
        return f"An order placed with help cost {rupees(kpi.value)} of support"
    side = "under" if kpi.value <= kpi.target else "over"
    return f"An order placed with help cost {rupees(kpi.value)} of support, {side} the target of {rupees(kpi.target)}"


def uplift(effect: PromptEffect | None) -> str:
    """What prompts do; nothing is claimed when the interval holds 0."""
    if effect is None or effect.uplift is None or effect.interval_low is None or effect.interval_high is None:
        return "Too few customers so far to say what prompts do"
    interval = f"95 % interval {points(effect.interval_low)} to {points(effect.interval_high)}"
    if effect.interval_low > 0:
        return f"Offering help brings more orders: {points(effect.uplift)} ({interval})"
    if effect.interval_high < 0:
        return f"Offering help costs orders: {points(effect.uplift)} ({interval})"
    return f"No effect of offering help can be shown yet: {points(effect.uplift)} ({interval})"


def went(decision: Decision) -> str:
    """How it went since the decision, in a week's means."""
    before, after = decision.before, decision.after
    if after is None:
        if decision.state == "REJECTED":
            return "Rejected: nothing to compare."
        return f"{decision.days_after} whole {'day' if decision.days_after == 1 else 'days'} since; compared from the 7th on."
    if before.incidence_count == 0:
        return f"{after.incidence_count:.1f} incidences a week since; none in the four weeks before."
    moved = after.incidence_count / before.incidence_count - 1
    if abs(moved) < 0.1:
        return "As many incidences as before."
    return f"{change(moved)} incidences a week, {rupees_short(before.lost_value_paise)} of lost carts a week before, {rupees_short(after.lost_value_paise)} since."
