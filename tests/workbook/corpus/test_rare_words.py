"""Pairs chosen so that rare words come more often."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.corpus import phrasebook
from workbook.corpus.pairs import SentencePair
from workbook.corpus.rare_words import with_rare_words

A = SentencePair("The cat.", "El gato.")
B = SentencePair("The dog.", "El perro.")
C = SentencePair("The ox.", "El buey.")
PAIRS = st.builds(
    SentencePair, st.sampled_from(["a b", "A b.", "c", "b c d"]), st.sampled_from(["x", "y z", "z"])
)


def test_of_several_the_one_with_the_rarest_word_is_given():
    assert with_rare_words([A, B], 2, known=[A, SentencePair("A cat.", "Un gato.")]) == [B]
    assert with_rare_words([A, B, A, C], 2) == [A, C]


def test_a_word_of_either_language_counts():
    known = [SentencePair("one", "uno"), SentencePair("two", "dos"), SentencePair("two", "uno")]
    rarely = SentencePair("two", "tres")
    assert with_rare_words([SentencePair("one", "dos"), rarely], 2, known) == [rarely]


def test_capitals_and_marks_make_no_other_word():
    known = [SentencePair("THE cat?", "¿EL gato?"), SentencePair("The ox", "El buey")]
    known += [SentencePair("The cat!", "¡El gato!")]
    assert with_rare_words([A, C], 2, known) == [C]


def different_words(pairs):
    return set().union(*(phrasebook.words_of_both(*pair) for pair in pairs))


@settings(max_examples=80, deadline=None)
@given(st.lists(PAIRS, max_size=20), st.lists(PAIRS, max_size=5), st.integers(1, 5))
def test_each_is_new_and_was_among_its_several(pairs, known, several):
    given_ = with_rare_words(pairs, several, known)
    assert len(set(given_)) == len(given_)
    assert not set(given_) & set(known)
    groups = [pairs[at : at + several] for at in range(0, len(pairs), several)]
    assert len(given_) <= len(groups)
    remaining = iter(groups)
    for one in given_:
        assert any(one in group for group in remaining)
    if several == 1:
        assert given_ == [pair for pair in dict.fromkeys(pairs) if pair not in known]


def test_rare_words_of_the_grammar_come_more_often():
    drawn = [SentencePair(p.english, p.spanish) for p in phrasebook.generate(4_000, seed=3)]
    chosen = with_rare_words(drawn, 4)
    plain = list(dict.fromkeys(drawn))[: len(chosen)]
    assert len(different_words(chosen)) > 1.05 * len(different_words(plain))


def test_a_pair_without_words_is_not_chosen():
    marks = SentencePair("...", "¡!")
    assert with_rare_words([marks, marks, marks, A], 2) == [A]


def test_less_than_one_is_refused():
    with pytest.raises(ValueError, match="at least one pair; got 0"):
        with_rare_words([A], 0)
