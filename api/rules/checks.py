"""Whether a new set of rules may be put in force. Pure: a set in, what is wrong with it out (empty: nothing)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.rules.sets import SCORE_CODES, TRUE_OR_FALSE_SCORES, Band, FrictionRules
from store.enums import RoutedChannel


@dataclass(frozen=True, slots=True)
class Flaw:
    """`field` is the path on the wire."""

    field: str
    message: str


def band_flaws(bands: Sequence[Band]) -> list[Flaw]:
    """Bands must cover [0, ∞) once: rising, each beginning where the one before ends, the last without an end."""
    if not bands:
        return [Flaw("bands", "there must be at least one band")]
    flaws = []
    if bands[0].min_paise != 0:
        flaws.append(Flaw("bands.0.orderValueMin", "the first band must begin at 0"))
    for number, band in enumerate(bands):
        flaws += _order_flaws(number, band, bands[number + 1] if number + 1 < len(bands) else None)
        flaws += _channel_flaws(number, band)
    return flaws


def _order_flaws(number: int, band: Band, following: Band | None) -> Iterable[Flaw]:
    field = f"bands.{number}.orderValueMax"
    if band.max_paise is not None and band.max_paise <= band.min_paise:
        yield Flaw(field, "must be over orderValueMin")
    elif following is None:
        if band.max_paise is not None:
            yield Flaw(field, "the last band has no end: null")
    elif band.max_paise is None:
        yield Flaw(field, "only the last band has no end")
    elif following.min_paise > band.max_paise:
        yield Flaw(
            f"bands.{number + 1}.orderValueMin", f"leaves a gap after band {number}, which ends before it begins"
        )
    elif following.min_paise < band.max_paise:
        yield Flaw(f"bands.{number + 1}.orderValueMin", f"overlaps band {number}, or the bands do not rise")


def _channel_flaws(number: int, band: Band) -> Iterable[Flaw]:
    if len(set(band.channels)) != len(band.channels):
        yield Flaw(f"bands.{number}.channels", "names a channel twice")
    if band.escalate_after_seconds is None:
        return
    if RoutedChannel.CHAT not in band.channels:
        yield Flaw(f"bands.{number}.escalateAfterMinutes", "there is no CHAT to escalate from: null")
    elif RoutedChannel.CALL in band.channels:
        yield Flaw(f"bands.{number}.escalateAfterMinutes", "CALL is offered from the start: null")


def friction_flaws(rules: FrictionRules, *, categories: Iterable[str], taken_priorities: Iterable[int]) -> list[Flaw]:
    """The five scores must be there once each, and of all prompts one must be the strongest."""
    known = set(categories)
    taken = set(taken_priorities)
    flaws = []
    codes = [score.code for score in rules.scores]
    if sorted(codes) != sorted(SCORE_CODES):
        flaws.append(Flaw("scores", f"there must be one score each for {', '.join(SCORE_CODES)}"))
    for number, score in enumerate(rules.scores):
        if (score.over is None) != (score.code in TRUE_OR_FALSE_SCORES):
            expected = "is true or false: null" if score.code in TRUE_OR_FALSE_SCORES else "needs a threshold"
            flaws.append(Flaw(f"scores.{number}.threshold", f"{score.code} {expected}"))
        if score.issue_category is not None and score.issue_category not in known:
            flaws.append(Flaw(f"scores.{number}.issueCategory", "is no known category"))
    doubled = {kind for kind, count in Counter(signal.signal_type for signal in rules.signals).items() if count > 1}
    priorities = Counter([rules.help.priority, *(signal.priority for signal in rules.signals)])
    for number, signal in enumerate(rules.signals):
        if signal.signal_type in doubled:
            flaws.append(Flaw(f"thresholds.{number}.signal", "is there twice"))
        if priorities[signal.priority] > 1 or signal.priority in taken:
            flaws.append(Flaw(f"thresholds.{number}.priority", "another prompt, or a notification, has the same"))
        if signal.issue_category is not None and signal.issue_category not in known:
            flaws.append(Flaw(f"thresholds.{number}.issueCategory", "is no known category"))
    if rules.help.priority in taken:
        flaws.append(Flaw("help.priority", "a notification has the same"))
    if rules.help.issue_category is not None and rules.help.issue_category not in known:
        flaws.append(Flaw("help.issueCategory", "is no known category"))
    return flaws
