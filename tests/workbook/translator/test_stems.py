"""Stems and endings, seen in a list of words alone."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.translator.stems import cut

STEMS = "habl camin bail cant salt mir llev tom compr busc lav cocin".split()
ENDINGS = "o as a amos an é aste ó aron aba ábamos aban aré ará ando ado".split()
NOUNS = (
    "casa mesa silla calle libreta puerta ventana montaña playa isla ciudad flauta lámpara cama "
    "escuela tienda iglesia oficina cocina plaza"
).split()
VERBS = {stem + ending: 1 for stem in STEMS for ending in ENDINGS}
FREQUENT = {"de": 40_000, "una": 20_000, "habla": 9_000}


def test_the_forms_of_a_verb_share_a_stem():
    parts = cut({**VERBS, **FREQUENT})
    assert parts["caminábamos"] == ("camin", "ábamos")
    right = sum(parts[stem + ending] == (stem, ending) for stem in STEMS for ending in ENDINGS)
    assert right > 0.9 * len(VERBS)


def test_a_form_that_was_never_seen_has_parts_that_were():
    rest = {word: 1 for word in VERBS if word != "cocinaste"}
    stems = {stem for stem, *_ in cut({**rest, **FREQUENT}).values()}
    endings = {ending for _, *endings in cut({**rest, **FREQUENT}).values() for ending in endings}
    assert "cocin" in stems
    assert "aste" in endings


def test_a_frequent_word_stays_whole():
    assert cut({**VERBS, **FREQUENT})["habla"] == ("habla",)
    assert cut(VERBS | {"habla": 1, "de": 60_000})["habla"] == ("habl", "a")


def test_without_an_ending_to_see_a_word_stays_whole():
    parts = cut({"zinc": 1, "jerez": 1, "buque": 1, "de": 60_000})
    assert parts == {word: (word,) for word in ("zinc", "jerez", "buque", "de")}


def test_a_rare_stem_is_cut_in_its_turn():
    nouns = {noun + plural: 1 for noun in NOUNS for plural in ("", "s")}
    parts = cut({**VERBS, **FREQUENT, **nouns})
    assert parts["mesas"] == ("mes", "a", "s")
    assert parts["mesa"] == ("mes", "a")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text("aeosrtñé'", min_size=1, max_size=9), st.integers(1, 10**6), max_size=40
    )
)
def test_the_parts_join_to_the_word(counts):
    parts = cut(counts)
    assert parts.keys() == counts.keys()
    for word, (stem, *endings) in parts.items():
        assert "".join((stem, *endings)) == word
        assert stem
        assert all(endings)


@pytest.mark.parametrize("order", [sorted, lambda words: sorted(words, reverse=True)])
def test_the_order_of_the_words_tells_nothing(order):
    words = Counter({**VERBS, **FREQUENT})
    assert cut({word: words[word] for word in order(words)}) == cut(words)


def test_a_very_long_word_leaves_the_others_as_they_are():
    assert cut({**VERBS, **FREQUENT, "ja" * 400: 1})["caminábamos"] == ("camin", "ábamos")


def test_no_words_have_no_parts():
    assert cut({}) == {}
