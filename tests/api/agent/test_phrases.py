from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.agent.phrases import flag_text
from api.rules.sets import Phrase, PhraseRules
from store.migrations.first_phrases import PHRASES

RULES = PhraseRules(
    1, datetime(2025, 1, 1, tzinfo=UTC), tuple(Phrase(p["language"], p["phrase"], p["kind"]) for p in PHRASES)
)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("I promise it will be there by noon.", ["PROMISE"]),
        ("i  PROMISE\nit", ["PROMISE"]),
        ("Don\u2019t worry about the bill!", ["PROMISE"]),
        ("100% guarantee", ["PROMISE"]),
        ("Why not add a dessert? We will adjust it later.", ["PROMISE", "UPSELL"]),
        ("मैं वादा करता हूँ कि समय पर आएगा", ["PROMISE"]),
        ("अगली बार मुफ़्त।", ["PROMISE"]),
        ("अगली बार मुफ\u093c्त", ["PROMISE"]),
        ("Aap upgrade kar lijiye, achha rahega", ["UPSELL"]),
        ("why\u200b not add", ["UPSELL"]),
        ("The price includes delivery.", []),
        ("hi promise", []),
        ("I promised nothing", []),
        ("बड़ा पैकेज ले लीजिएगा", []),
        ("ऐप के बाहरी", []),  # ends in a vowel sign
        ("", []),
    ],
)
def test_phrases_are_found_as_agents_write_them(text: str, flags: list[str]):
    assert flag_text(text, RULES) == flags


@given(phrase=st.sampled_from(RULES.phrases), before=st.sampled_from(("", "So, ", "जी, ")), data=st.data())
def test_every_phrase_is_found_however_it_is_spelt(phrase: Phrase, before: str, data: st.DataObject):
    gaps = [data.draw(st.sampled_from((" ", "  ", "\n", "\t", "\u00a0"))) for _ in phrase.text.split()]
    spelt = "".join(f"{word}{gap}" for word, gap in zip(phrase.text.split(), gaps, strict=True)).rstrip()
    if data.draw(st.booleans()):
        spelt = spelt.upper()
    assert phrase.kind in flag_text(f"{before}{spelt}.", RULES)


@given(st.text())
def test_any_text_can_be_read(text: str):
    assert set(flag_text(text, RULES)) <= {"PROMISE", "UPSELL"}


def test_without_phrases_nothing_is_flagged():
    empty = PhraseRules(2, RULES.valid_from, (Phrase("en", "  ", "UPSELL"),))
    assert flag_text("anything", empty) == []
