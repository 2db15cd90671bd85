"""A declared mapping: how the columns of somebody's export become our fields. Read from YAML, strictly."""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import duckdb
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingestion.files.errors import MappingInvalid, MappingNotFound
from ingestion.files.fields import CASE_FIELDS, FIELDS, Holds, Kind
from ingestion.files.fields import Field as MappedField
from store.enums import Outcome, TimelineEvent
from store.settings import Settings

SHIPPED_DIR = Path(__file__).parent / "mappings"
LARGEST_MAPPING_BYTES = 256 * 1024
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
EPOCH_FORMATS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000}
"""Time formats for numbers since 1970, with the microseconds in one of their units."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnRule(_Strict):
    """How one field is filled: from a column of the file, or with the same constant in every row."""

    column: Annotated[str, Field(min_length=1)] | None = None
    constant: str | None = None
    default: str | None = None
    values: dict[str, str] = {}
    unknown: str | None = None
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._:-]{0,32}$")
    take: Literal["first", "last"] | None = None
    time_formats: tuple[str, ...] = ()
    zone: str | None = None
    unit: Literal["rupees", "paise"] | None = None
    personal: bool = False

    @model_validator(mode="after")
    def _is_filled_one_way(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either `column`, a column of the file, or `constant`, the same for every row")
        if self.constant is not None and self.model_fields_set - {"constant"}:
            raise ValueError("`constant` stands alone: no other key has a meaning beside it")
        return self


def _rule(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class FileFormat(_Strict):
    """How the file is written; what is left out is told by its name and first line."""

    type: Literal["csv", "jsonl", "parquet"] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Literal["utf-8", "utf-16", "latin-1", "cp1252"] = "utf-8"


class RollUp(_Strict):
    """How the events of a case become one incidence."""

    closing: dict[str, Outcome] = {}
    escalations: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


class Mapping(_Strict):
    """A checked mapping. Every field it names exists for its kind, and every needed one is filled."""

    name: str = Field(pattern=f"^{NAME.pattern}$")
    source: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    kind: Kind
    description: str = ""
    format: FileFormat = FileFormat()
    zone: str | None = None
    time_formats: tuple[str, ...] = ()
    amounts: Literal["rupees", "paise"] | None = None
    missing_columns: Literal["refuse", "empty"] = "refuse"
    repeats: Literal["keep", "drop"] = "drop"
    columns: dict[str, Annotated[ColumnRule, BeforeValidator(_rule)]]
    events: dict[str, TimelineEvent] = {}
    roll_up: RollUp = RollUp()

    @field_validator("source")
    @classmethod
    def _source_is_not_ours(cls, source: str) -> str:
        if source in {"app", "demo"}:
            raise ValueError(f"{source!r} is what our own rows are called; name the system the file comes from")
        return source

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        fields = FIELDS[self.kind]
        for name, rule in self.columns.items():
            if name not in fields:
                yield f"columns: {name!r} is not a field of {self.kind.value}; {_nearest(name, fields)}"
            else:
                yield from self._rule_problems(name, fields[name], rule)
        missing = [name for name, field in fields.items() if field.is_needed and name not in self.columns]
        if missing:
            yield f"columns: {', '.join(missing)} must be filled, from a column or with a constant"
        if self.kind is Kind.EVENTS:
            named = {*self.roll_up.closing, *self.roll_up.escalations, *self.roll_up.waits}
            if not self.roll_up.closing:
                yield "roll_up: an event log needs `closing`, the activities that close a case, each with an outcome"
            if both := named & set(self.events):
                yield f"events: {min(both)!r} stands under roll_up already, which gives it its word"
        elif self.roll_up != RollUp() or self.events:
            yield f"`events` and `roll_up` go with kind: events, not {self.kind.value}"

    def _rule_problems(self, name: str, field: MappedField, rule: ColumnRule) -> Iterator[str]:
        where = f"columns.{name}"
        if field.holds in (Holds.TIME, Holds.DATE):
            yield from self._time_problems(where, field, rule)
        elif rule.time_formats or rule.zone:
            yield f"{where}: `time_formats` and `zone` go with times and dates; {name} holds {field.holds.value}"
        if field.holds is Holds.AMOUNT and (rule.unit or self.amounts) is None:
            yield f"{where}: say whether amounts are in rupees or paise (`amounts: rupees`)"
        if field.holds is not Holds.AMOUNT and rule.unit:
            yield f"{where}: `unit` goes with amounts; {name} holds {field.holds.value}"
        if rule.prefix and field.holds is not Holds.ID:
            yield f"{where}: `prefix` goes with ids of people and orders; {name} holds {field.holds.value}"
        if rule.take and not (self.kind is Kind.EVENTS and (name in CASE_FIELDS or name == "agent_id")):
            yield f"{where}: `take` goes with what an event log tells of a case, not with {name} of {self.kind.value}"
        said = (rule.constant, rule.default, rule.unknown, *rule.values.values())
        for word in said if field.words else ():
            if word is not None and word not in set(field.words or ()):
                yield f"{where}: {word!r} is not one of {', '.join(field.words or ())}"

    def _time_problems(self, where: str, field: MappedField, rule: ColumnRule) -> Iterator[str]:
        zone = rule.zone or self.zone
        if field.holds is Holds.TIME and zone is None:
            yield f"{where}: give `zone`, the time zone of times that do not carry one, such as Asia/Kolkata or UTC"
        if zone is not None and zone not in _known_zones():
            yield f"zone: {zone!r} is not a time zone; {_nearest(zone, _known_zones())}"
        for time_format in (*rule.time_formats, *self.time_formats):
            if time_format not in EPOCH_FORMATS and not _is_time_format(time_format):
                yield f"{where}: {time_format!r} is not a time format; such as %d/%m/%Y %H:%M, or epoch_seconds"

    def for_columns(self, has: Callable[[str], bool]) -> "Mapping":
        """The mapping for a file that has only some columns: `missing_columns: empty` does without those that no needed
        field is read from."""
        if self.missing_columns == "refuse":
            return self
        fields = FIELDS[self.kind]
        kept = {
            name: rule
            for name, rule in self.columns.items()
            if rule.column is None or has(rule.column) or fields[name].is_needed
        }
        return self.model_copy(update={"columns": kept})

    @property
    def activity_words(self) -> dict[str, TimelineEvent]:
        """Our word for each native activity that the mapping names."""
        return (
            dict.fromkeys(self.roll_up.waits, TimelineEvent.WAIT)
            | dict.fromkeys(self.roll_up.escalations, TimelineEvent.ESCALATED)
            | dict.fromkeys(self.roll_up.closing, TimelineEvent.CLOSED)
            | self.events
        )

    @property
    def content_hash(self) -> str:
        """SHA-256 of what the mapping says, whatever its layout and comments."""
        said = self.model_dump(mode="json", exclude={"description"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def find_mapping(settings: Settings, mapping: str | Path) -> Mapping:
    """The mapping of that name (shipped, or in `var/mappings/`) or at that path.

    Raises MappingNotFound with the names there are, MappingInvalid with what is wrong in it.
    """
    text = str(mapping)
    if isinstance(mapping, str) and NAME.fullmatch(text):
        for directory in (settings.var_dir / "mappings", SHIPPED_DIR):
            if (path := directory / f"{text}.yml").is_file():
                return read_mapping(path)
        known = mapping_names(settings)
        raise MappingNotFound(
            f"there is no mapping {text!r}; there are {', '.join(known)}",
            f"{_nearest(text, known)}; your own go into var/mappings/, or are given by path",
        )
    path = Path(mapping)
    if path.suffix not in {".yml", ".yaml"} or not path.is_file():
        raise MappingNotFound(
            f"there is no mapping file {text}",
            f"give the path of a .yml file, or one of the names {', '.join(mapping_names(settings))}",
        )
    return read_mapping(path)


def mapping_names(settings: Settings) -> list[str]:
    """Names that `find_mapping` knows."""
    directories = (settings.var_dir / "mappings", SHIPPED_DIR)
    return sorted({path.stem for directory in directories for path in directory.glob("*.yml")})


def read_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; raises MappingInvalid naming each key that is wrong."""
    if path.stat().st_size > LARGEST_MAPPING_BYTES:
        raise MappingInvalid(
            f"{path.name} is larger than {LARGEST_MAPPING_BYTES // 1024} KB", "is it a mapping, or the data?"
        )
    return parse_mapping(path.read_bytes(), path.name)


def parse_mapping(text: str | bytes, name: str = "mapping") -> Mapping:
    """The mapping in a YAML text; `name` is what errors call it."""
    remedy = "correct it; docs/importing.md has the table of keys"
    try:
        said = yaml.load(text, _Loader)  # noqa: S506 - builds strings, lists and dicts only
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingInvalid(f"{name} is not YAML: {' '.join(str(error).split())}", remedy) from error
    try:
        return Mapping.model_validate(said)
    except ValidationError as error:
        raise MappingInvalid(f"{name}: {'; '.join(_complaints(error))}", remedy) from error


class _Loader(yaml.BaseLoader):
    """YAML whose scalars all stay text (`Yes`, `007` and `1.10` are what a file says), and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _complaints(error: ValidationError) -> list[str]:
    complaints = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        what = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            model = _model_at(item["loc"])
            what = f"no such key; {_nearest(str(item['loc'][-1]), model.model_fields)}"
        elif item["type"] == "missing":
            what = "must be there"
        complaints.append(f"{where}: {what}" if where else what)
    return complaints


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    if len(location) == 1:
        return Mapping
    return {"columns": ColumnRule, "format": FileFormat}.get(str(location[0]), RollUp)


def _nearest(word: str, known: Collection[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), [name.lower() for name in names], 3, 0.6)
    found = [name for name in names if name.lower() in near]
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"there are {', '.join(names)}" if len(names) <= 30 else "see the list of IANA time zones"


@cache
def _is_time_format(text: str) -> bool:
    if "%" not in text:
        return False
    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT try_strptime('', ?)", [text])
        except duckdb.Error:
            return False
    return True


@cache
def _known_zones() -> frozenset[str]:
    with duckdb.connect() as connection:
        return frozenset(name for (name,) in connection.execute("SELECT name FROM pg_timezone_names()").fetchall())
