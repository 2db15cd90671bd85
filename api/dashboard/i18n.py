"""The words of the pages in Hindi. English is the key: `t("Take it")`; a test holds that every one has its Hindi in `hindi.py`."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError

from api.dashboard.hindi import HINDI
from store.display import words

Translate = Callable[..., str]


@cache
def translator(language: str) -> Translate:
    """`t("{n} wait", n=3)`: in the viewer's language, its names filled in. What has no Hindi stays English."""
    known = HINDI if language == "hi" else {}

    def translate(text: str, /, **values: Any) -> str:
        found = known.get(text, text)
        return found.format_map(values) if values else found

    return translate


@lru_cache(maxsize=4_096)
def label(code: str | None, language: str) -> str:
    """A code of ours as people read it: `CLOSE_RESOLVED` → `Close resolved`, or its Hindi."""
    return translator(language)(words(code))


def language_name(tag: str, language: str) -> str:
    """A customer's language as the viewer calls it: `mr-IN` → `Marathi`; what Babel does not know stays as it is."""
    try:
        return Locale.parse(tag, sep="-").get_language_name(language) or tag
    except (ValueError, UnknownLocaleError):
        return tag
