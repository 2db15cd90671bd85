"""docs/definitions.md and the code name the same things, and its examples are the ones that dbt computes."""

import csv
import re
from enum import StrEnum
from functools import cache
from itertools import pairwise

import pytest
import yaml

from store import enums
from store.enums import RuleSet, SignalType
from store.migrations.first_rules import FIRST_RULES
from store.settings import ROOT

MODELS = ROOT / "dbt_project" / "models"
SEEDS = ROOT / "dbt_project" / "seeds"
ENUMS = {
    name: thing
    for name, thing in vars(enums).items()
    if isinstance(thing, type) and issubclass(thing, StrEnum) and thing is not StrEnum
}
RULES_OF_SET = {
    RuleSet.FRICTION: "friction_rules",
    RuleSet.ESCALATION: "escalation_rules",
    RuleSet.NOTIFICATION: "notification_rules",
    RuleSet.DISCOUNT: "discount_codes",
    RuleSet.CATEGORY: "issue_categories",
    RuleSet.POLICY: "policies",
}
"""Sets whose rows have names of their own."""
NUMBER = r"\d[\d.]*"


def _sections(level: int, text: str) -> dict[str, str]:
    """The text under each heading of a level, by its words."""
    heads = list(re.finditer(rf"^{'#' * level} (.+)$", text, re.MULTILINE))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {head[1]: text[head.end() : end] for head, end in zip(heads, ends, strict=True)}


CHAPTERS = _sections(2, (ROOT / "docs" / "definitions.md").read_text())
SIGNALS, RULES, KPIS, WORDS = (_sections(3, CHAPTERS[name]) for name in ("Signals", "Rules", "KPIs", "Words"))


def _catalogue() -> list[dict[str, str]]:
    with (SEEDS / "kpi_catalogue.csv").open() as file:
        return list(csv.DictReader(file))


def _playbook() -> list[dict[str, str]]:
    with (SEEDS / "fix_playbook.csv").open() as file:
        return list(csv.DictReader(file))


@cache
def _unit_tests() -> dict[str, dict]:
    found = {}
    for path in MODELS.rglob("*.yml"):
        for test in yaml.safe_load(path.read_text()).get("unit_tests") or ():
            found[test["name"]] = test
    return found


def test_every_signal_has_its_heading_and_no_heading_is_left_over() -> None:
    assert set(SIGNALS) == {signal.value for signal in SignalType}
    assert all("**Example:**" in text for text in SIGNALS.values())


def test_every_rule_set_has_its_heading_and_no_heading_is_left_over() -> None:
    assert set(RULES) == {rules.value for rules in RuleSet}


def test_every_rule_that_has_a_name_is_told_under_its_set() -> None:
    for rules, table in RULES_OF_SET.items():
        text = RULES[rules] + (" ".join(SIGNALS) if rules is RuleSet.FRICTION else "")
        names = {row.get("code") or row["trigger"] for row in FIRST_RULES[table]}
        untold = {name for name in names if not re.search(rf"\b{name}\b", text)}
        assert not untold, (rules, untold)


def test_every_kpi_has_its_heading_and_no_heading_is_left_over() -> None:
    assert set(KPIS) == {row["metric"] for row in _catalogue()}


def test_every_enum_has_its_heading_and_no_heading_is_left_over() -> None:
    assert set(WORDS) == set(ENUMS)


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_an_enum_is_listed_with_exactly_its_words(name: str) -> None:
    told = re.findall(r"`([A-Z_]+|chat\.[a-z.]+)`", WORDS[name])
    assert sorted(told) == sorted(word.value for word in ENUMS[name])


@pytest.mark.parametrize("row", _catalogue(), ids=lambda row: row["metric"])
def test_a_kpi_is_told_as_the_catalogue_has_it(row: dict[str, str]) -> None:
    text = KPIS[row["metric"]]
    assert row["label"] in text
    assert row["definition"][1:] in text
    assert f"| cut by | {row['dimensions'].replace(',', ', ')} |" in text
    assert f"{row['owner']}, version {row['definition_version']} |" in text
    for part in ("population", "numerator", "denominator", "left out", "dated by"):
        assert f"| {part} |" in text


@pytest.mark.parametrize("metric", [row["metric"] for row in _catalogue() if row["is_additive"] == "true"])
def test_a_worked_example_is_what_dbt_computes(metric: str) -> None:
    example = re.search(rf"`({NUMBER}) / ({NUMBER}) = ({NUMBER})`", KPIS[metric])
    assert example, f"{metric} has no `numerator / denominator = value`"
    numerator, denominator, value = (float(number) for number in example.groups())
    expected = _unit_tests()[f"worked_example_of_{metric}"]["expect"]["rows"]
    assert numerator == pytest.approx(sum(row["numerator"] for row in expected))
    assert denominator == pytest.approx(sum(row["denominator"] for row in expected))
    assert value == pytest.approx(numerator / denominator, abs=0.0005)


@pytest.mark.parametrize(
    ("heading", "chapter", "unit_test", "column"),
    [
        ("time_to_resolve_p50", "KPIs", "worked_example_of_time_to_resolve_percentiles", "value"),
        ("time_to_resolve_p90", "KPIs", "worked_example_of_time_to_resolve_percentiles", "value"),
        ("prompt_uplift", "KPIs", "worked_example_of_prompt_uplift", "uplift"),
        ("prompt_uplift", "KPIs", "worked_example_of_prompt_uplift", "interval_low"),
        ("prompt_uplift", "KPIs", "worked_example_of_prompt_uplift", "interval_high"),
        ("repeat_issue_count", "KPIs", "worked_example_of_repeat_issue_count", "numerator"),
        ("Recommendations", "Reports", "worked_example_of_value_at_risk", "value_at_risk_paise"),
        ("Webhook deliveries", "Reports", "worked_example_of_webhook_deliveries", "delivery_count"),
        ("Response times", "Incidences", "worked_example_of_response_times", "first_response_office_seconds"),
        ("Response times", "Incidences", "worked_example_of_response_times", "next_response_office_seconds"),
    ],
)
def test_an_example_that_is_no_ratio_is_what_dbt_computes(
    heading: str, chapter: str, unit_test: str, column: str
) -> None:
    example = _sections(3, CHAPTERS[chapter])[heading].split("**Worked example.**")[1]
    told = [float(number) for number in re.findall(rf"`({NUMBER})`", example)]
    rows = _unit_tests()[unit_test]["expect"]["rows"]
    computed = [row[column] for row in rows if row.get("metric", heading) == heading]
    assert any(number == pytest.approx(computed[0], abs=0.00005) for number in told), (told, computed)


def test_every_additive_kpi_is_one_model_and_one_line_of_the_union() -> None:
    additive = {row["metric"] for row in _catalogue() if row["is_additive"] == "true"}
    union = (MODELS / "intermediate" / "kpis" / "int_kpis__unioned.sql").read_text()
    lines = re.findall(r"ref\('int_kpis__(\w+)'\)", union)
    assert sorted(lines) == sorted(additive)
    for metric in additive:
        assert f"'{metric}' as metric" in (MODELS / "intermediate" / "kpis" / f"int_kpis__{metric}.sql").read_text()


def test_the_catalogue_counts_its_lines() -> None:
    assert [int(row["position"]) for row in _catalogue()] == list(range(1, len(_catalogue()) + 1))


def test_the_playbook_has_a_fix_for_every_category_and_knows_every_screen_it_names() -> None:
    categories = {row["code"] for row in FIRST_RULES["issue_categories"]} | {"UNCLASSIFIED"}
    screens = {row["code"] for row in FIRST_RULES["screens"]}
    lines = {(row["issue_category"], row["app_screen"]) for row in _playbook()}
    assert {category for category, screen in lines if screen == "*"} == categories | {"*"}
    assert {screen for _, screen in lines} <= screens | {"*"}


def test_links_within_the_page_lead_to_headings() -> None:
    text = (ROOT / "docs" / "definitions.md").read_text()
    headings = {
        re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_costs_are_known_for_every_channel_from_the_first_day() -> None:
    with (SEEDS / "cx_costs.csv").open() as file:
        rows = list(csv.DictReader(file))
    first_day = {row["channel"] for row in rows if row["valid_from"] == "0001-01-01"}
    assert first_day >= {channel.value for channel in enums.Channel}
    assert all(
        before != after for before, after in pairwise(sorted((row["channel"], row["valid_from"]) for row in rows))
    )
