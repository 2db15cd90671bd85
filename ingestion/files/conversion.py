"""From text to values: one SQL statement in which each field is read, checked, and told what is wrong with it.

Table `accepted` gets `line`, every field of the kind, and what was written where the loader needs the very text; rows
with any fault go to `rejected` with all their faults.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ingestion.files.fields import ALWAYS_PERSONAL, FIELDS, Field, Holds, Kind
from ingestion.files.mapping import EPOCH_FORMATS, ColumnRule, Mapping
from ingestion.files.sql import literal

TYPES = {Holds.TIME: "TIMESTAMP", Holds.DATE: "DATE", Holds.COUNT: "BIGINT", Holds.NUMBER: "DOUBLE"} | {
    Holds.AMOUNT: "BIGINT",
    Holds.FLAG: "BOOLEAN",
}
_YEAR_2200 = 7_258_118_400_000_000
_NO_BREAK_SPACE = "\u00a0"
_FLAGS = {True: ("true", "yes", "y", "1", "t"), False: ("false", "no", "n", "0", "f")}
_GROUPED = r"\d{1,3}(,\d{2,3})*,\d{3}|\d{1,15}"
_OFFSET = r".*\d\d:\d\d.*([zZ]|[+-]\d\d(:?\d\d)?|UTC|GMT)$"


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one field is read: SQL of its value, and SQL of what is wrong with it (null if nothing is)."""

    name: str
    value: str
    fault: str


def used_columns(mapping: Mapping) -> tuple[str, ...]:
    """The file's columns that the mapping reads, each once."""
    return tuple(dict.fromkeys(rule.column for rule in mapping.columns.values() if rule.column is not None))


def convert(connection: duckdb.DuckDBPyConnection, mapping: Mapping, as_of: datetime) -> None:
    """Make `accepted` from `records`, and add to `rejected`. A time after `as_of` is a fault, but for dates of events."""
    columns = used_columns(mapping)
    readings = list(_readings(mapping, columns, as_of))
    values = ", ".join(f"{reading.value} AS {reading.name}" for reading in readings)
    faults = ", ".join(reading.fault for reading in readings)
    written = ", ".join(f"{sql} AS {name}" for name, sql in _written(mapping, columns).items())
    across = ", ".join(f"CASE WHEN {wrong} THEN {literal(fault)} END" for wrong, fault in _CROSS_CHECKS[mapping.kind])
    connection.execute(f"""
        CREATE TABLE checked AS
        WITH texts AS (SELECT line{_texts(columns)} FROM records),
        valued AS (SELECT line, {values}, {written}, [{faults}] AS faults FROM texts),
        crossed AS (SELECT *, list_filter(faults || [{across}], lambda fault: fault IS NOT NULL) AS all_faults FROM valued)
        SELECT * EXCLUDE (faults, all_faults), array_to_string(all_faults, '; ') AS reason FROM crossed
    """)
    connection.execute("INSERT INTO rejected SELECT line, reason, row_text FROM checked WHERE reason <> ''")
    native_id = ""
    if mapping.kind in _IDENTITY:
        # Rows that say the same are one row, or (`repeats: keep`) the same only as the like rows of another file.
        repeat = "row_number() OVER (PARTITION BY identity ORDER BY line)" if mapping.repeats == "keep" else "1"
        own = f"identity || CASE WHEN {repeat} = 1 THEN '' ELSE '#' || {repeat} END"
        native_id = f"REPLACE (coalesce(source_id, {own}) AS source_id)"
    connection.execute(
        f"CREATE VIEW accepted AS SELECT * EXCLUDE (reason, row_text) {native_id} FROM checked WHERE reason = ''"
    )


def _texts(columns: Sequence[str]) -> str:
    blank = f"E' \\t\\r\\n{_NO_BREAK_SPACE}'"
    return "".join(f", nullif(trim(c{at}, {blank}), '') AS c{at}" for at in range(len(columns)))


def _readings(mapping: Mapping, columns: Sequence[str], as_of: datetime) -> Iterator[_Reading]:
    for name, field in FIELDS[mapping.kind].items():
        rule = mapping.columns.get(name) or ColumnRule(constant="")
        reader = _Reader(mapping, name, field, rule, as_of)
        if rule.column is not None:
            yield reader.read(f"c{columns.index(rule.column)}")
        else:
            yield reader.read(f"CAST({literal(rule.constant) if rule.constant else 'NULL'} AS VARCHAR)")


@dataclass(frozen=True, slots=True)
class _Reader:
    mapping: Mapping
    name: str
    field: Field
    rule: ColumnRule
    as_of: datetime

    def read(self, source: str) -> _Reading:
        text = self._translated(source)
        value, is_wrong, expected = self._parsed(text)
        empty = [f"WHEN {text} IS NULL THEN {literal(f'{self.name}: is empty{self._where}')}"] if self._must_be else []
        shown = "" if self._is_personal else f" || '''' || left({text}, 60) || ''''"
        fault = f"{literal(f'{self.name}: ')}{shown} || {literal(f' is not {expected}{self._where}')}"
        checks = [*empty, *self._guards(text, value), f"WHEN {text} IS NOT NULL AND ({is_wrong}) THEN {fault}"]
        kind = TYPES.get(self.field.holds, "VARCHAR")
        return _Reading(self.name, f"CAST({value} AS {kind})", f"CASE {' '.join(checks)} END")

    @property
    def _must_be(self) -> bool:
        # In an event log a case needs the value, not each of its events: the roll-up checks.
        return self.field.is_needed and not (self.mapping.kind is Kind.EVENTS and self.name in ("user_id", "stage"))

    @property
    def _where(self) -> str:
        return f" (column {self.rule.column})" if self.rule.column else ""

    @property
    def _is_personal(self) -> bool:
        return self.rule.personal or self.name in ALWAYS_PERSONAL

    def _translated(self, source: str) -> str:
        """The text after the value map, `unknown` and `default`, with our own words recognised in any case."""
        rule, words = self.rule, self.field.words
        known = dict(rule.values)
        text = source
        if known or words:
            cases = [f"WHEN {source} = {literal(said)} THEN {literal(ours)}" for said, ours in known.items()]
            cases += [f"WHEN upper({source}) = {literal(word)} THEN {literal(word)}" for word in words or ()]
            other = literal(rule.unknown) if rule.unknown is not None else source
            text = f"CASE WHEN {source} IS NULL THEN NULL {' '.join(cases)} ELSE {other} END"
        default = rule.default if rule.default is not None else self.field.fallback
        return f"coalesce({text}, {literal(default)})" if default is not None else f"({text})"

    def _guards(self, text: str, value: str) -> list[str]:
        if self.field.holds is Holds.TIME:
            now = self.as_of.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
            future = f"{self.name}: is in the future; is the zone right?{self._where}"
            past = f"{self.name}: is before 1970{self._where}"
            return [
                f"WHEN {value} > TIMESTAMP '{now}' THEN {literal(future)}",
                f"WHEN {value} < TIMESTAMP '1970-01-01' THEN {literal(past)}",
            ]
        if self.field.holds is Holds.ID and not self.rule.personal:
            mail = f"{self.name}: looks like an e-mail address; with `personal: true` a hash of it is kept{self._where}"
            return [f"WHEN contains({text}, '@') THEN {literal(mail)}"]
        return []

    def _parsed(self, text: str) -> tuple[str, str, str]:
        """SQL of the value, SQL of whether the text is wrong, and what it should have been."""
        field, rule = self.field, self.rule
        match field.holds:
            case Holds.TIME | Holds.DATE:
                return self._time(text)
            case Holds.WORD:
                words = list(field.words or ())
                listed = ", ".join(literal(word) for word in words)
                expected = f"one of {', '.join(words)}" + (", nor among the mapping's values" if rule.values else "")
                return text, f"{text} NOT IN ({listed})", expected
            case Holds.COUNT:
                value = f"try_cast(regexp_extract({text}, '^(\\d{{1,9}})(\\.0+)?$', 1) AS BIGINT)"
                return value, f"{value} IS NULL", field.description
            case Holds.NUMBER:
                value = f"try_cast({text} AS DOUBLE)"
                return value, f"NOT coalesce(isfinite({value}), false)", field.description
            case Holds.FLAG:
                lists = {flag: ", ".join(literal(word) for word in words) for flag, words in _FLAGS.items()}
                value = f"CASE WHEN lower({text}) IN ({lists[True]}) THEN true WHEN lower({text}) IN ({lists[False]}) THEN false END"
                return value, f"{value} IS NULL", field.description
            case Holds.AMOUNT:
                return self._amount(text)
            case Holds.ID:
                return self._id(text)
            case Holds.NATIVE_ID | Holds.TEXT | Holds.CODE:
                return self._plain(text)

    def _plain(self, text: str) -> tuple[str, str, str]:
        longest = self.field.longest - (len(self.mapping.source) + 1 if self.field.holds is Holds.CODE else 0)
        value = text
        if self.field.holds is Holds.CODE and self.rule.constant is None:
            ours = ", ".join(
                literal(word) for word in {*self.rule.values.values(), self.rule.unknown, self.rule.default} if word
            )
            prefixed = f"{literal(self.mapping.source + ':')} || {text}"
            value = f"CASE WHEN {text} IN ({ours}) THEN {text} ELSE {prefixed} END" if ours else f"({prefixed})"
        return value, f"length({text}) > {longest}", f"at most {longest:,} characters long"

    def _id(self, text: str) -> tuple[str, str, str]:
        prefix = self.rule.prefix
        if self.rule.personal:
            key = literal(f"{self.mapping.source}\x00").replace("\x00", "' || chr(0) || '")
            return f"{literal(prefix)} || left(sha256({key} || {text}), 32)", "false", ""
        longest = self.field.longest - len(prefix)
        value = f"{literal(prefix)} || regexp_replace({text}, '[^A-Za-z0-9._:-]+', '-', 'g')"
        return f"({value})", f"length({text}) > {longest}", f"an id of at most {longest} characters"

    def _amount(self, text: str) -> tuple[str, str, str]:
        unit = self.rule.unit or self.mapping.amounts
        bare = f"regexp_replace({text}, '^(₹|Rs\\.?|INR)\\s*|\\s*(/-|₹|INR)$', '', 'gi')"
        decimals = r"(\.\d{1,2}0*)?" if unit == "rupees" else r"(\.0+)?"
        times = 100 if unit == "rupees" else 1
        number = f"try_cast(replace({bare}, ',', '') AS DECIMAL(24,4))"
        is_right = f"regexp_full_match({bare}, '({_GROUPED}){decimals}')"
        value = f"CASE WHEN {is_right} THEN CAST({number} * {times} AS BIGINT) END"
        return (
            value,
            f"{value} IS NULL",
            f"an amount in {unit}" + (" with at most two decimals" if times == 100 else ""),
        )

    def _time(self, text: str) -> tuple[str, str, str]:
        is_date = self.field.holds is Holds.DATE
        zone = self.rule.zone or self.mapping.zone
        formats = self.rule.time_formats or (
            () if is_date and self.rule.constant is None else self.mapping.time_formats
        )
        if is_date and not self.rule.time_formats:
            value = f"try_cast(left({text}, 10) AS DATE)"
            return value, f"{value} IS NULL", "a date like 2026-01-31"
        if not formats:
            local = f"timezone('UTC', timezone({literal(zone or 'UTC')}, try_cast({text} AS TIMESTAMP)))"
            value = (
                f"CASE WHEN regexp_full_match({text}, '{_OFFSET}') "
                f"THEN timezone('UTC', try_cast({text} AS TIMESTAMPTZ)) ELSE {local} END"
            )
            return value, f"{value} IS NULL", "a time like 2026-01-31 18:30:00"
        tried = [_time_by_format(text, each, zone or "UTC", is_date) for each in formats]
        value = f"coalesce({', '.join(tried)})"
        return value, f"{value} IS NULL", f"a {'date' if is_date else 'time'} like {' or '.join(formats)}"


def _time_by_format(text: str, time_format: str, zone: str, is_date: bool) -> str:
    if time_format in EPOCH_FORMATS:
        micros = f"try_cast(round(try_cast({text} AS DOUBLE) * {EPOCH_FORMATS[time_format]}) AS BIGINT)"
        instant = f"make_timestamp(CASE WHEN {micros} BETWEEN 0 AND {_YEAR_2200} THEN {micros} END)"
        return f"CAST({instant} AS DATE)" if is_date else instant
    parsed = f"try_strptime({text}, {literal(time_format)})"
    if is_date:
        return f"CAST({parsed} AS DATE)"
    if "%z" in time_format or "%Z" in time_format:
        return f"timezone('UTC', {parsed})"
    return f"timezone('UTC', timezone({literal(zone)}, {parsed}))"


def _written(mapping: Mapping, columns: Sequence[str]) -> dict[str, str]:
    """The row as people may see it (no personal columns), and what identifies a row that has no id of its own."""
    personal = {rule.column for name, rule in mapping.columns.items() if rule.personal or name in ALWAYS_PERSONAL}
    shown = [
        f"{literal(column + '=')} || CASE WHEN contains(c{at}, '@') THEN '…' ELSE left(c{at}, 200) END"
        for at, column in enumerate(columns)
        if column not in personal
    ]
    written = {"row_text": f"concat_ws(', ', {', '.join(shown)})" if shown else "NULL"}
    identity = _IDENTITY.get(mapping.kind, ())
    if identity:
        parts = [_identity_text(mapping.columns.get(name), columns) for name in identity]
        written["identity"] = f"sha1(concat_ws(chr(31), {', '.join(parts)}))"
    return written


_IDENTITY = {
    Kind.EVENTS: ("incidence", "activity", "occurred_at", "agent_id"),
    Kind.SIGNALS: ("user_id", "session_id", "signal_type", "value", "screen", "recorded_at"),
}
"""What tells rows apart that have no id of their own: the very texts, so that a corrected zone or value map finds the
same rows again."""


def _identity_text(rule: ColumnRule | None, columns: Sequence[str]) -> str:
    if rule is None or rule.column is None:
        return "''"
    return f"coalesce(c{columns.index(rule.column)}, '')"


_CROSS_CHECKS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.INCIDENCES: (
        ("resolved_at < created_at", "resolved_at: is before created_at"),
        ("opened_at < created_at", "opened_at: is before created_at"),
        ("assigned_at < created_at", "assigned_at: is before created_at"),
        ("outcome IS NULL AND resolved_at IS NOT NULL", "outcome: is empty, though resolved_at is set"),
        ("outcome IS NOT NULL AND resolved_at IS NULL", "resolved_at: is empty, though the incidence has an outcome"),
    ),
    Kind.EVENTS: (),
    Kind.ORDERS: (
        ("cancelled_at < placed_at", "cancelled_at: is before placed_at"),
        (
            "cancelled_at IS NOT NULL AND status IN ('PLACED', 'MODIFIED')",
            "status: is not CANCELLED, though cancelled_at is set",
        ),
    ),
    Kind.USERS: (),
    Kind.SIGNALS: (),
}
