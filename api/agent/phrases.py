"""Finding what agents should not write: pushing to buy more, promises that the system does not keep. Pure."""

import re
import unicodedata
from functools import lru_cache

from api.rules.sets import Phrase, PhraseRules

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_APOSTROPHES = {ord(mark): "'" for mark in "\u2018\u2019\u02bc\u0060\u00b4"}
_OF_A_WORD = r"\w\u0900-\u0963\u0966-\u097f"
"""Python does not count the vowel signs of Devanagari among the letters."""


def flag_text(text: str, rules: PhraseRules) -> list[str]:
    """The kinds of phrases in the text (UPSELL, PROMISE), sorted; empty if there are none. The text stays as it is.

    Case, spaces, invisible characters and the shape of apostrophes do not matter; only whole words do.
    """
    plain = normalised(text)
    return sorted(kind for kind, pattern in _patterns(rules.phrases) if pattern.search(plain))


def normalised(text: str) -> str:
    """The text as phrases are compared: one spelling of what reads the same."""
    # Casefolding first may leave letters apart that belong together, so the composed form comes last.
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_INVISIBLE).translate(_APOSTROPHES)
    return " ".join(unicodedata.normalize("NFKC", folded).split())


@lru_cache(maxsize=8)
def _patterns(phrases: tuple[Phrase, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """One expression a kind, made once for each version of the rules."""
    by_kind: dict[str, list[str]] = {}
    for phrase in phrases:
        if plain := normalised(phrase.text):
            by_kind.setdefault(phrase.kind, []).append(_bounded(plain))
    return tuple((kind, re.compile("|".join(by_kind[kind]))) for kind in sorted(by_kind))


def _bounded(phrase: str) -> str:
    """A phrase that begins or ends with a letter or digit begins or ends a word there."""
    before = f"(?<![{_OF_A_WORD}])" if re.match(f"[{_OF_A_WORD}]", phrase) else ""
    after = f"(?![{_OF_A_WORD}])" if re.search(f"[{_OF_A_WORD}]$", phrase) else ""
    return f"{before}{re.escape(phrase)}{after}"
