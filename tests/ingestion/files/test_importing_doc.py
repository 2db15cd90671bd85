"""docs/importing.md, done as it says."""

import re
import shlex
from pathlib import Path

import pytest

from ingestion.files import import_file
from ingestion.files.fields import FIELDS, Kind
from ingestion.files.mapping import ColumnRule, FileFormat, Mapping, RollUp
from store.enums import TimelineEvent
from store.settings import ROOT, Settings
from tests.ingestion.files.examples import rows

DOC = (ROOT / "docs" / "importing.md").read_text("utf-8")
STEP = re.compile(r"(?:[Ss]ave this as `(?P<name>[^`]+)`:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)


def test_the_examples_do_what_the_page_says(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = []
    for step in STEP.finditer(DOC):
        if step["name"]:
            Path(step["name"]).write_text(step["text"], "utf-8")
        elif step["language"] == "diff":
            values = "    values: {Phone: CALL, App: IN_APP_CHAT}\n"
            mapping = Path("acme_tickets.yml").read_text("utf-8")
            assert values in mapping
            Path("acme_tickets.yml").write_text(
                mapping.replace(values, values + step["text"].removeprefix("+")), "utf-8"
            )
        else:
            command, _, shown = step["text"].partition("\n")
            _, _, verb, file, _, mapping, *options = shlex.split(command)
            assert verb == "import"
            result = import_file(settings, Path(file), mapping, check="--check" in options)
            assert result.describe() == shown.rstrip("\n")
            done.append(command)
    assert len(done) == 3
    assert rows(
        settings,
        "SELECT source_id, outcome, reopen_count, escalation_count, agent_id IS NULL FROM raw.file_incidences WHERE source = 'desk' ORDER BY 1",
    ) == [
        ("A-1", "RESOLVED", 1, 0, False),
        ("A-2", None, 0, 1, False),
    ]


@pytest.mark.parametrize("model", [Mapping, ColumnRule, FileFormat, RollUp])
def test_every_key_is_explained(model: type[Mapping | ColumnRule | FileFormat | RollUp]) -> None:
    keys_section = DOC.partition("## All keys")[2].partition("## All fields")[0]
    words = set(re.findall(r"\w+", keys_section))
    assert set(model.model_fields) <= words


@pytest.mark.parametrize("kind", list(FIELDS))
def test_every_field_is_listed_with_its_words(kind: Kind) -> None:
    fields_section = DOC.partition("## All fields")[2]
    (line,) = [line for line in fields_section.splitlines() if line.startswith(f"| `{kind}` | ")]
    listed = {name: bool(bold) for bold, name in re.findall(r"(\*\*)?`(\w+)`", line.partition("` | ")[2])}
    assert listed == {name: field.is_needed for name, field in FIELDS[kind].items()}
    for field in FIELDS[kind].values():
        for word in field.words or ():
            assert word in fields_section


def test_every_word_for_events_is_listed() -> None:
    assert ", ".join(TimelineEvent) in " ".join(DOC.split())
