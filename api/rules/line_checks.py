"""Whether new lines of a set may be put in force. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from api.rules.checks import Flaw
from api.rules.lines import LINE_TABLES, Lines
from api.rules.sets import Rules
from store.enums import Channel, EventType, RuleSet


def line_flaws(rule_set: RuleSet, lines: Lines, rules: Rules) -> list[Flaw]:
    """What is wrong with lines that can be read, beside the other sets in force."""
    flaws = []
    for each in LINE_TABLES[rule_set]:
        primary = [column.name for column in each.table.primary_key if column.name != "version"]
        counted = Counter(tuple(line[name] for name in primary) for line in lines[each.name])
        flaws += [
            Flaw(f"{each.name}.{number}.{each.fields[0].name}", "is there twice")
            for number, line in enumerate(lines[each.name])
            if counted[tuple(line[name] for name in primary)] > 1
        ]
        keys = [str(line[each.fields[0].name]) for line in lines[each.name]]
        if each.keys and sorted(keys) != sorted(each.keys):
            flaws.append(Flaw(each.name, f"there must be one line each for {', '.join(each.keys)}"))
    return flaws or list(_CHECKS.get(rule_set, lambda *_: ())(lines, rules))


def _escalation_flaws(lines: Lines, _: Rules) -> Iterable[Flaw]:
    needed = {"HIGH_VALUE_ORDER": "order_value_over_paise", "UNRESOLVED": "unresolved_over_seconds"}
    for number, line in enumerate(lines["escalation_rules"]):
        for name in needed.values():
            is_needed = needed.get(line["trigger"]) == name
            if (line[name] is not None) != is_needed:
                yield Flaw(f"escalation_rules.{number}.{name}", "is missing" if is_needed else "says nothing here")


def _notification_flaws(lines: Lines, rules: Rules) -> Iterable[Flaw]:
    counted = Counter(line["priority"] for line in lines["notification_rules"])
    taken = {rules.friction.help.priority, *(rule.priority for rule in rules.friction.signals)}
    for number, line in enumerate(lines["notification_rules"]):
        place = f"notification_rules.{number}"
        if counted[line["priority"]] > 1 or line["priority"] in taken:
            yield Flaw(f"{place}.priority", "another notification, or a prompt for friction, has the same")
        if not 1 <= line["priority"] <= 1_000:
            yield Flaw(f"{place}.priority", "should be between 1 and 1000")
        if line["issue_category"] is not None and line["issue_category"] not in rules.categories.names:
            yield Flaw(f"{place}.issue_category", "is no known category")


def _discount_flaws(lines: Lines, _: Rules) -> Iterable[Flaw]:
    for number, line in enumerate(lines["discount_codes"]):
        if line["percent"] is None and line["max_paise"] is None:
            yield Flaw(f"discount_codes.{number}.percent", "a code gives a percent, or an amount")
    for table, name in (("discount_codes", "percent"), ("discount_limits", "max_percent")):
        for number, line in enumerate(lines[table]):
            if (line[name] or 0) > 100:
                yield Flaw(f"{table}.{number}.{name}", "is over 100")


def _category_flaws(lines: Lines, rules: Rules) -> Iterable[Flaw]:
    """What rules in force name must stay."""
    there = {line["code"] for line in lines["issue_categories"]}
    named = {rule.issue_category for rule in (*rules.friction.scores, *rules.friction.signals, rules.friction.help)}
    named |= {rule.issue_category for rule in rules.notifications.rules}
    if missing := sorted(code for code in named - there if code is not None):
        yield Flaw("issue_categories", f"prompts in force name {', '.join(missing)}")


def _hours_flaws(lines: Lines, _: Rules) -> Iterable[Flaw]:
    spans = lines["office_hours"]
    for number, one in enumerate(spans):
        if one["closes"] <= one["opens"]:
            yield Flaw(f"office_hours.{number}.closes", "is not after it opens")
        elif any(
            other["weekday"] == one["weekday"] and other["opens"] < one["opens"] < other["closes"] for other in spans
        ):
            yield Flaw(f"office_hours.{number}.opens", "lies in another span of the day")


def _policy_flaws(lines: Lines, rules: Rules) -> Iterable[Flaw]:
    """The same policies as before, each with a value of its own kind."""
    there = {line["code"]: line["value"] for line in lines["policies"]}
    if there.keys() != rules.policies.values.keys():
        yield Flaw("policies", f"there must be one line each for {', '.join(rules.policies.values)}")
        return
    for number, line in enumerate(lines["policies"]):
        if (said := _wrong_policy(line["code"], line["value"], rules.policies.values[line["code"]])) is not None:
            yield Flaw(f"policies.{number}.value", said)


_SHARED_WITH_THE_WAREHOUSE = {"session_timeout_minutes", "presence_seconds"}
"""Its models compute scores with these as they are: whoever changes them changes both."""


def _wrong_policy(code: str, value: Any, before: Any) -> str | None:
    if code in _SHARED_WITH_THE_WAREHOUSE:
        return None if value == before else "stays as it is: the warehouse's scores go by it"
    if code.endswith("_share"):
        return None if isinstance(value, int | float) and 0 <= value <= 1 else "should be between 0 and 1"
    if isinstance(before, int | float):
        least = 0 if code == "prompts_per_session" else 1
        is_right = isinstance(value, int) and least <= value <= 10_000
        return None if is_right else f"should be a whole number between {least} and 10000"
    if isinstance(before, list):
        is_right = isinstance(value, list) and set(value) <= set(EventType) and len(set(value)) == len(value)
        return None if is_right else f"should be some of {', '.join(EventType)}"
    if not isinstance(value, dict) or not all(value.values()):
        return "should be lines of name: text"
    if code == "chat_channels":
        is_right = "default" in value and set(value.values()) <= {Channel.IN_APP_CHAT, Channel.WHATSAPP}
        return None if is_right else "should name IN_APP_CHAT or WHATSAPP for each platform, and for default"
    return None if set(value) == {"en", "hi"} else "should be two lines, en: and hi:"


_CHECKS: Mapping[RuleSet, Callable[[Lines, Rules], Iterable[Flaw]]] = {
    RuleSet.ESCALATION: _escalation_flaws,
    RuleSet.NOTIFICATION: _notification_flaws,
    RuleSet.DISCOUNT: _discount_flaws,
    RuleSet.CATEGORY: _category_flaws,
    RuleSet.OFFICE_HOURS: _hours_flaws,
    RuleSet.POLICY: _policy_flaws,
}
