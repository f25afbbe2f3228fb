"""No sentence on two sides, whatever the pairs."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.corpus.pairs import SentencePair
from workbook.corpus.phrasebook import normalise
from workbook.corpus.splits import families, one_a_source, split, without

SENTENCES = st.sampled_from([f"{a} {b}" for a in "abcdefgh" for b in "abcdefgh"])
MARKED = st.builds(
    lambda s, mark, large: (s.upper() if large else s) + mark,
    SENTENCES,
    st.sampled_from([".", "!", ""]),
    st.booleans(),
)
PAIRS = st.lists(st.builds(SentencePair, MARKED, MARKED), min_size=1, max_size=60)


def sides(pairs):
    return [{normalise(pair[side]) for pair in pairs} for side in (0, 1)]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(PAIRS, st.integers(0, 5), st.integers(0, 5))
def test_no_sentence_of_either_language_is_in_two_parts(pairs, test, validation):
    try:
        parts = split(pairs, test, validation)
    except ValueError:
        return
    parts = (parts.training, parts.validation, parts.test)
    assert sorted(pair for part in parts for pair in part) == sorted(pairs)
    for first in range(3):
        for second in range(first):
            for ours, theirs in zip(sides(parts[first]), sides(parts[second]), strict=True):
                assert not ours & theirs


@settings(derandomize=True, max_examples=60, deadline=None)
@given(PAIRS)
def test_families_are_the_smallest_that_share_nothing(pairs):
    found = families(pairs)
    assert sorted(position for family in found for position in family) == list(range(len(pairs)))
    for family in found:
        reached, grew = {family[0]}, True
        while grew:
            english, spanish = sides([pairs[position] for position in reached])
            more = {
                position
                for position, pair in enumerate(pairs)
                if normalise(pair.english) in english or normalise(pair.spanish) in spanish
            }
            grew = more != reached
            reached = more
        assert reached == set(family)


def test_a_chain_of_sentences_stays_together():
    pairs = [SentencePair(f"e{n // 2}", f"s{(n + 1) // 2}") for n in range(9)]
    assert len(families(pairs)) == 1


def many():
    return [SentencePair(f"sentence {n}", f"frase {n}") for n in range(200)]


def test_the_split_depends_on_the_sentences_and_not_on_their_order():
    pairs = many()
    shuffled = random.Random(1).sample(pairs, len(pairs))
    ours, theirs = split(pairs, 20, 10), split(shuffled, 20, 10)
    assert set(ours.test) == set(theirs.test)
    assert set(ours.validation) == set(theirs.validation)
    assert len(ours.test) == 20
    assert len(ours.validation) == 10


def test_new_sentences_elsewhere_hardly_move_the_test():
    pairs = many()
    before = set(split(pairs, 20, 0).test)
    after = set(split([*pairs, SentencePair("one more", "una más")], 20, 0).test)
    assert len(before & after) >= 19


def test_another_salt_is_another_split():
    assert split(many(), 20, 10).test != split(many(), 20, 10, salt="2").test


def test_holding_out_more_than_half_is_refused():
    with pytest.raises(ValueError, match="holding out 150"):
        split(many(), 150, 0)


def test_one_a_source_keeps_the_first_reference():
    pairs = [SentencePair("Go.", "Ve."), SentencePair("go!", "Vete."), SentencePair("No.", "No.")]
    assert one_a_source(pairs) == [pairs[0], pairs[2]]


def test_without_leaves_out_what_has_either_side_in_the_test():
    held_out = [SentencePair("Good day.", "Buenos días.")]
    pairs = [
        SentencePair("good day", "hola"),
        SentencePair("Morning!", "¡Buenos días!"),
        SentencePair("Night.", "Noche."),
    ]
    assert without(pairs, held_out) == [pairs[2]]
