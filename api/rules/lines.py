"""Sets of rules that are plain lines of a table: what a line holds, and how a person types it. Pure.

Friction and routing have shapes of their own in `schemas`; whether lines may be put in force is in `line_checks`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Any

from sqlalchemy import Table

from api.rules.checks import Flaw
from api.rules.sets import NOTIFICATION_MEASURES, PHRASE_KINDS
from store.enums import AgentLevel, EscalationLevel, EscalationTrigger, Flow, RuleSet
from store.tables import (
    discount_codes,
    discount_limits,
    escalation_rules,
    holidays,
    issue_categories,
    notification_rules,
    office_hours,
    phrases,
    policies,
    screens,
)

Line = dict[str, Any]
Lines = Mapping[str, Sequence[Line]]
"""Of one set: the lines of each of its tables, by the table's name, as they are stored (without the version)."""
MOST_LINES = 500
LARGEST = 1_000_000_000


class Kind(StrEnum):
    """How a value is typed: RUPEES and MINUTES are stored as paise and seconds, a VALUE is whatever a policy has, a NOTE
    stays as it is."""

    CODE = "CODE"
    TEXT = "TEXT"
    NUMBER = "NUMBER"
    WHOLE = "WHOLE"
    RUPEES = "RUPEES"
    MINUTES = "MINUTES"
    CHOICE = "CHOICE"
    FLAG = "FLAG"
    DATE = "DATE"
    TIME = "TIME"
    VALUE = "VALUE"
    NOTE = "NOTE"


@dataclass(frozen=True, slots=True)
class Field:
    """A column. `choices` are pairs of what is stored and what is read."""

    name: str
    label: str
    kind: Kind
    choices: tuple[tuple[Any, str], ...] = ()
    is_optional: bool = False
    longest: int = 300


@dataclass(frozen=True, slots=True)
class LineTable:
    """The first field says whether there is a line. `is_fixed`: the lines there are stay, and no others come. `keys`: which
    they are, if that does not depend on the version."""

    table: Table
    title: str
    fields: tuple[Field, ...]
    keys: tuple[str, ...] = ()
    is_fixed: bool = False

    @property
    def name(self) -> str:
        return self.table.name


def _choices(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((word, word) for word in words)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NOT_RULED = {EscalationTrigger.CHAT_UNRESOLVED, EscalationTrigger.IMPORTED}
"""The first follows from the routing bands, the second from a file."""
_TRIGGERS = tuple(trigger for trigger in EscalationTrigger if trigger not in _NOT_RULED)
_LEVELS = _choices(level for level in EscalationLevel if level is not EscalationLevel.CALL)
_MEASURES = tuple((measure, measure.removesuffix("_PAISE")) for measure in NOTIFICATION_MEASURES)
_ENGLISH_HINDI = (Field("text_en", "English", Kind.TEXT), Field("text_hi", "Hindi", Kind.TEXT))
LINE_TABLES: Mapping[RuleSet, tuple[LineTable, ...]] = {
    RuleSet.ESCALATION: (
        LineTable(
            escalation_rules,
            "Escalations",
            (
                Field("trigger", "Trigger", Kind.CODE),
                Field("level", "Goes to", Kind.CHOICE, _LEVELS),
                Field("order_value_over_paise", "Order value over, rupees", Kind.RUPEES, is_optional=True),
                Field("unresolved_over_seconds", "Unresolved over, minutes", Kind.MINUTES, is_optional=True),
            ),
            keys=_TRIGGERS,
            is_fixed=True,
        ),
    ),
    RuleSet.NOTIFICATION: (
        LineTable(
            notification_rules,
            "Notifications",
            (
                Field("code", "Notification", Kind.CODE, longest=64),
                Field("flow", "Where", Kind.CHOICE, _choices(Flow)),
                Field("condition", "Measure", Kind.CHOICE, _MEASURES),
                Field("threshold", "Over", Kind.NUMBER),
                Field("priority", "Priority", Kind.WHOLE),
                *_ENGLISH_HINDI,
                Field("offers_person", "Offers a person", Kind.FLAG),
                Field("issue_category", "Category", Kind.CODE, is_optional=True, longest=128),
            ),
        ),
    ),
    RuleSet.DISCOUNT: (
        LineTable(
            discount_codes,
            "Codes",
            (
                Field("code", "Code", Kind.CODE, longest=64),
                Field("percent", "Percent", Kind.NUMBER, is_optional=True),
                Field("max_paise", "At most, rupees", Kind.RUPEES, is_optional=True),
                Field("description", "For", Kind.TEXT),
                Field("is_pre_approved", "Pre-approved", Kind.FLAG),
            ),
        ),
        LineTable(
            discount_limits,
            "Limits",
            (
                Field("role", "Level", Kind.CODE),
                Field("max_percent", "Percent", Kind.NUMBER),
                Field("max_paise", "At most, rupees", Kind.RUPEES),
            ),
            keys=tuple(AgentLevel),
            is_fixed=True,
        ),
    ),
    RuleSet.CATEGORY: (
        LineTable(
            issue_categories,
            "Categories",
            (
                Field("code", "Category", Kind.CODE, longest=128),
                Field("name_en", "English", Kind.TEXT, longest=200),
                Field("name_hi", "Hindi", Kind.TEXT, longest=200),
            ),
        ),
    ),
    RuleSet.SCREEN: (
        LineTable(
            screens,
            "Screens",
            (
                Field("code", "Screen", Kind.CODE, longest=128),
                Field("flow", "Flow", Kind.CHOICE, _choices(Flow), is_optional=True),
            ),
        ),
    ),
    RuleSet.PHRASE: (
        LineTable(
            phrases,
            "Phrases",
            (
                Field("phrase", "Phrase", Kind.TEXT, longest=200),
                Field("language", "Language", Kind.CHOICE, (("en", "English"), ("hi", "Hindi"))),
                Field("kind", "Reads like", Kind.CHOICE, _choices(PHRASE_KINDS)),
            ),
        ),
    ),
    RuleSet.OFFICE_HOURS: (
        LineTable(
            office_hours,
            "Hours",
            (
                Field("weekday", "Day", Kind.CHOICE, tuple(enumerate(_DAYS))),
                Field("opens", "Opens", Kind.TIME),
                Field("closes", "Closes", Kind.TIME),
            ),
        ),
        LineTable(
            holidays,
            "Holidays",
            (Field("holiday_date", "Date", Kind.DATE), Field("name", "Name", Kind.TEXT, longest=200)),
        ),
    ),
    RuleSet.POLICY: (
        LineTable(
            policies,
            "Policies",
            (
                Field("code", "Policy", Kind.CODE),
                Field("value", "Value", Kind.VALUE, longest=2_000),
                Field("description", "For", Kind.NOTE, longest=1_000),
            ),
            is_fixed=True,
        ),
    ),
}


def read_lines(rule_set: RuleSet, form: Mapping[str, str]) -> tuple[dict[str, list[Line]], list[Flaw]]:
    """The lines of a form (`discount_codes.0.percent`), and what in it cannot be read. A line without its first field is
    left out."""
    found: dict[str, list[Line]] = {}
    flaws: list[Flaw] = []
    for each in LINE_TABLES[rule_set]:
        lines = found[each.name] = []
        for number in line_numbers(each, form):
            line: Line = {}
            for field in each.fields:
                place = f"{each.name}.{number}.{field.name}"
                try:
                    line[field.name] = _read(field, form.get(place))
                except ValueError as error:
                    flaws.append(Flaw(place, str(error)))
            _scale_money(line, 100)
            lines.append(line)
    return found, flaws


def line_numbers(of: LineTable, form: Mapping[str, str]) -> list[int]:
    """Which lines of the table a form has."""
    first = of.fields[0].name
    return [number for number in range(MOST_LINES) if form.get(f"{of.name}.{number}.{first}")]


def typed(rule_set: RuleSet, lines: Lines) -> dict[str, str]:
    """The lines as a form has them; what is not there is left out."""
    form = {}
    for each in LINE_TABLES[rule_set]:
        for number, line in enumerate(lines[each.name]):
            shown = dict(line)
            _scale_money(shown, 0.01)
            for field in each.fields:
                if (text := _write(field, shown[field.name])) is not None:
                    form[f"{each.name}.{number}.{field.name}"] = text
    return form


def _scale_money(line: Line, factor: float) -> None:
    """A notification's threshold is typed in rupees where it measures money."""
    if str(line.get("condition", "")).endswith("_PAISE") and line.get("threshold") is not None:
        line["threshold"] = round(line["threshold"] * factor, 2)


def _read(field: Field, text: str | None) -> Any:
    """The value that was typed. Raises `ValueError` that says what it should be."""
    if field.kind is Kind.FLAG:
        return text is not None
    if text is None:
        if field.is_optional:
            return None
        raise ValueError("is missing")
    if len(text) > field.longest:
        raise ValueError(f"is longer than {field.longest} characters")
    return _READERS[field.kind](field, text)


def _number(_: Field, text: str) -> float:
    try:
        number = float(text.replace(",", "").removeprefix("₹"))
    except ValueError as error:
        raise ValueError("should be a number") from error
    if not (math.isfinite(number) and 0 <= number <= LARGEST):
        raise ValueError(f"should be between 0 and {LARGEST}")
    return number


def _whole(field: Field, text: str) -> int:
    number = _number(field, text)
    if number != int(number):
        raise ValueError("should be a whole number")
    return int(number)


def _rupees(field: Field, text: str) -> int:
    paise = round(_number(field, text) * 100, 4)
    if paise != int(paise):
        raise ValueError("should have at most two decimals")
    return int(paise)


def _minutes(field: Field, text: str) -> int:
    seconds = _number(field, text) * 60
    if not 1 <= seconds <= 7 * 24 * 3600 or seconds != int(seconds):
        raise ValueError("should be whole seconds, at most a week")
    return int(seconds)


def _code(_: Field, text: str) -> str:
    if not all(letter.isascii() and (letter.isalnum() or letter in "_.:-") for letter in text):
        raise ValueError("should be letters, digits and _ . : - only")
    return text


def _choice(field: Field, text: str) -> Any:
    for value, _ in field.choices:
        if str(value) == text:
            return value
    raise ValueError(f"should be one of {', '.join(str(value) for value, _ in field.choices)}")


def _day(_: Field, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("should be a date, as 2026-01-26") from error


def _time(_: Field, text: str) -> time:
    try:
        found = time.fromisoformat(text)
    except ValueError as error:
        raise ValueError("should be a time, as 09:00") from error
    if found.tzinfo is not None:
        raise ValueError("should be a time, as 09:00")
    return found


def _value(_: Field, text: str) -> Any:
    """A number; or lines of `name: text`; or words with commas between them."""
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        if not math.isfinite(number):
            raise ValueError("should be a number")
        return int(number) if number == int(number) else number
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    if pairs and all(colon for _, colon, _ in pairs):
        return {name.strip(): said.strip() for name, _, said in pairs}
    return [word.strip() for word in text.split(",") if word.strip()]


_READERS: Mapping[Kind, Callable[[Field, str], Any]] = {
    Kind.CODE: _code,
    Kind.TEXT: lambda _, text: text,
    Kind.NOTE: lambda _, text: text,
    Kind.NUMBER: _number,
    Kind.WHOLE: _whole,
    Kind.RUPEES: _rupees,
    Kind.MINUTES: _minutes,
    Kind.CHOICE: _choice,
    Kind.DATE: _day,
    Kind.TIME: _time,
    Kind.VALUE: _value,
}


def _write(field: Field, value: Any) -> str | None:
    if value is None or value is False:
        return None
    match field.kind:
        case Kind.RUPEES:
            return f"{value / 100:.10g}"
        case Kind.MINUTES:
            return f"{value / 60:.10g}"
        case Kind.NUMBER:
            return f"{value:.10g}"
        case Kind.TIME:
            return value.strftime("%H:%M")
        case Kind.VALUE if isinstance(value, dict):
            return "\n".join(f"{name}: {said}" for name, said in value.items())
        case Kind.VALUE if isinstance(value, list):
            return ", ".join(value)
    return str(value)
