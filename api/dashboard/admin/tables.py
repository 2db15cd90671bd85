"""A set of rules as a table, and two of them side by side. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.rules.sets import Band, FrictionRules, Rules, ScoreRule
from store.display import MISSING, duration, rupees, words
from store.enums import RuleSet


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The first column names the row: it is there once."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class Mark(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of two tables. Where a cell changed, `before` has what stood there."""

    mark: Mark
    cells: tuple[str, ...]
    before: tuple[str | None, ...]


def compare(before: RuleTable, after: RuleTable) -> list[Compared]:
    """The rows of `after` in order, then those that are gone."""
    old = {row[0]: row for row in before.rows}
    found = [_compared(old.pop(row[0], None), row) for row in after.rows]
    return found + [Compared(Mark.REMOVED, row, (None,) * len(row)) for row in old.values()]


def _compared(old: tuple[str, ...] | None, new: tuple[str, ...]) -> Compared:
    if old is None:
        return Compared(Mark.ADDED, new, (None,) * len(new))
    before = tuple(was if was != now else None for was, now in zip(old, new, strict=True))
    return Compared(Mark.CHANGED if any(was is not None for was in before) else Mark.SAME, new, before)


def band_table(bands: Sequence[Band]) -> RuleTable:
    rows = []
    for band in bands:
        end = f"under {rupees(band.max_paise)}" if band.max_paise is not None else "no end"
        channels = ", ".join(map(words, band.channels)) or "no human support"
        rows.append((f"from {rupees(band.min_paise)}", end, channels, duration(band.escalate_after_seconds)))
    return RuleTable(("Order value", "To", "Channels", "Chat unresolved: call after"), rows)


def friction_table(rules: FrictionRules) -> RuleTable:
    rows = [
        (f"Score: {words(score.code)}", _over(score), f"+{score.points}", MISSING, MISSING) for score in rules.scores
    ]
    prompts = [(f"Signal: {words(rule.signal_type)}", rule) for rule in rules.signals]
    for name, rule in [("Help is due", rules.help), *prompts]:
        rows.append((name, f"> {rule.over:g}", words(rule.action), str(rule.priority), rule.text.en))
    return RuleTable(("Rule", "When", "Then", "Priority", "Text"), rows)


def table_of(rule_set: RuleSet, rules: Rules) -> RuleTable:
    """The set as it is in these rules."""
    return _TABLES[rule_set](rules)


def _over(score: ScoreRule) -> str:
    return "is true" if score.over is None else f"> {score.over:g}"


def _escalation(rules: Rules) -> RuleTable:
    rows = [
        (
            words(rule.trigger),
            words(rule.level),
            rupees(rule.order_value_over_paise),
            duration(rule.unresolved_over_seconds),
        )
        for rule in rules.escalation.by_trigger.values()
    ]
    return RuleTable(("Trigger", "Goes to", "Order value over", "Unresolved over"), rows)


def _notifications(rules: Rules) -> RuleTable:
    rows = []
    for rule in rules.notifications.rules:
        over = rupees(rule.over) if rule.condition.endswith("_PAISE") else f"{rule.over:g}"
        when = f"{words(rule.condition.removesuffix('_PAISE'))} > {over}"
        offers = "yes" if rule.offers_person else "no"
        rows.append((words(rule.code), words(rule.flow), when, rule.text.en, rule.text.hi, offers))
    return RuleTable(("Notification", "Where", "When", "English", "Hindi", "Offers a person"), rows)


def _discounts(rules: Rules) -> RuleTable:
    rows = [
        (
            code.code,
            f"{code.percent:g}%" if code.percent is not None else MISSING,
            rupees(code.max_paise),
            "pre-approved" if code.is_pre_approved else "needs a supervisor",
            code.description,
        )
        for code in rules.discounts.codes.values()
    ]
    for level, limit in rules.discounts.limits.items():
        rows.append((f"Limit: {words(level)}", f"{limit.max_percent:g}%", rupees(limit.max_paise), MISSING, MISSING))
    return RuleTable(("Code", "Share", "At most", "Approval", "For"), rows)


def _categories(rules: Rules) -> RuleTable:
    return RuleTable(
        ("Category", "English", "Hindi"), [(code, text.en, text.hi) for code, text in rules.categories.names.items()]
    )


def _screens(rules: Rules) -> RuleTable:
    return RuleTable(("Screen", "Flow"), [(code, words(flow)) for code, flow in rules.screens.flows.items()])


def _phrases(rules: Rules) -> RuleTable:
    return RuleTable(
        ("Phrase", "Language", "Reads like"),
        [(phrase.text, phrase.language, words(phrase.kind)) for phrase in rules.phrases.phrases],
    )


def _office_hours(rules: Rules) -> RuleTable:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    rows = [
        (f"{days[span.weekday]} {span.opens:%H:%M}", f"to {span.closes:%H:%M}") for span in rules.office_hours.spans
    ]
    rows += [(f"{day:%d %b %Y}", f"closed: {name}") for day, name in rules.office_hours.holidays.items()]
    return RuleTable(("When", "Open"), rows)


def _policies(rules: Rules) -> RuleTable:
    return RuleTable(
        ("Policy", "Value"), [(words(code), _said(value)) for code, value in rules.policies.values.items()]
    )


def _said(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {text}" for name, text in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


_TABLES: Mapping[RuleSet, Callable[[Rules], RuleTable]] = {
    RuleSet.FRICTION: lambda rules: friction_table(rules.friction),
    RuleSet.ROUTING: lambda rules: band_table(rules.routing.bands),
    RuleSet.ESCALATION: _escalation,
    RuleSet.NOTIFICATION: _notifications,
    RuleSet.DISCOUNT: _discounts,
    RuleSet.CATEGORY: _categories,
    RuleSet.SCREEN: _screens,
    RuleSet.PHRASE: _phrases,
    RuleSet.OFFICE_HOURS: _office_hours,
    RuleSet.POLICY: _policies,
}
