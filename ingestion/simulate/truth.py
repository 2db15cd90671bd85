"""What the demo planted, for whoever checks that the warehouse finds it."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ingestion.simulate.city import HOLDOUT_SHARE, RARE_CATEGORY, WORST_CATEGORY, WORST_SCREEN, City
from ingestion.simulate.ledger import Record
from ingestion.simulate.people import Agent
from ingestion.simulate.visits import SECOND
from store.clock import IST
from store.settings import Settings

REPEATED_OVER = 3


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """The planted facts, and the demo's size. Shares are 0 to 1, weeks are ISO weeks of Indian time."""

    city: str
    seed: int
    days: int
    users: int
    from_at: str
    until_at: str
    uplift: float
    prompted_conversion: float
    holdout_conversion: float
    holdout_share: float
    worst_screen: str
    worst_category: str
    rare_category: str
    """Never more than three times in a week."""
    repeated_categories: dict[str, list[str]]
    """By ISO week: the categories that came up more than three times."""
    repeated_users: list[tuple[str, str, str]]
    """ISO week, user and category of whoever asked about the same more than three times in one week."""
    rule_breakers: dict[str, dict[str, int]]
    """By agent who breaks rules: `blocked_actions` and `flagged_messages`."""
    totals: dict[str, int]
    """Rows by table."""

    def write(self, settings: Settings) -> Path:
        path = truth_path(settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, settings: Settings) -> Self:
        facts = json.loads(truth_path(settings).read_text(encoding="utf-8"))
        return cls(**{**facts, "repeated_users": [tuple(repeat) for repeat in facts["repeated_users"]]})


def truth_path(settings: Settings) -> Path:
    return settings.var_dir / "demo_truth.json"


def find_truth(
    *,
    city: City,
    seed: int,
    days: int,
    users: int,
    from_us: int,
    until_us: int,
    agents: list[Agent],
    incidences: list[Record],
    timeline: list[Record],
    actions: list[Record],
    totals: dict[str, int],
) -> DemoTruth:
    breakers = {a.agent_id: {"blocked_actions": 0, "flagged_messages": 0} for a in agents if a.breaks_rules}
    for action in actions:
        if not action["is_allowed"] and action["agent_id"] in breakers:
            breakers[action["agent_id"]]["blocked_actions"] += 1
    for note in timeline:
        if note["flags"] and note["agent_id"] in breakers:
            breakers[note["agent_id"]]["flagged_messages"] += 1
    return DemoTruth(
        city=city.name,
        seed=seed,
        days=days,
        users=users,
        from_at=_utc(from_us),
        until_at=_utc(until_us),
        uplift=city.uplift,
        prompted_conversion=city.prompted_conversion,
        holdout_conversion=city.holdout_conversion,
        holdout_share=HOLDOUT_SHARE,
        worst_screen=WORST_SCREEN,
        worst_category=WORST_CATEGORY,
        rare_category=RARE_CATEGORY,
        repeated_categories=_repeated_categories(incidences),
        repeated_users=_repeated_users(incidences),
        rule_breakers=breakers,
        totals=totals,
    )


def _repeated_categories(incidences: list[Record]) -> dict[str, list[str]]:
    counts = Counter((_iso_week(row["created_at"]), row["issue_category"]) for row in incidences)
    weeks: dict[str, list[str]] = {}
    for week, category in sorted(key for key, count in counts.items() if count > REPEATED_OVER and key[1] is not None):
        weeks.setdefault(week, []).append(category)
    return weeks


def _repeated_users(incidences: list[Record]) -> list[tuple[str, str, str]]:
    counts = Counter((_iso_week(row["created_at"]), row["user_id"], row["issue_category"]) for row in incidences)
    return sorted(key for key, count in counts.items() if count > REPEATED_OVER and key[2] is not None)


def _iso_week(at_us: int) -> str:
    year, week, _ = datetime.fromtimestamp(at_us // SECOND, IST).isocalendar()
    return f"{year}-W{week:02d}"


def _utc(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // SECOND, UTC).isoformat().replace("+00:00", "Z")
