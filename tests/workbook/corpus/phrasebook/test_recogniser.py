"""What the grammar writes, it reads; what it could not write, it refuses."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.corpus.phrasebook import join, load_phrasebook, parse, parses, tokenise
from workbook.corpus.phrasebook.sentences import draw_sentences

SAMPLE = [sentence.pair for sentence in islice(draw_sentences(31), 1_000)]
FEW = settings(derandomize=True, max_examples=60, deadline=None)
# Words of which two in a row are never English, in this grammar or elsewhere.
ONCE = frozenset("the a an is was my our and to of in does will".split())


def test_every_written_sentence_is_read_and_has_one_translation_and_one_tagging():
    for pair in SAMPLE:
        found = [sentence.pair for sentence in parse(pair.english)]
        assert pair in found, pair
        assert {each.spanish for each in found} == {pair.spanish}, pair
        assert {each.tags for each in found} == {pair.tags}, pair


def test_it_reads_sentences_that_are_in_no_file():
    shipped = {pair.english for pair in load_phrasebook("train")}
    for english in ("Our tall neighbor has just painted a green fence.", "Yes, we wanted to swim."):
        assert parses(english)
        assert english not in shipped


@given(st.sampled_from(SAMPLE), st.data())
@FEW
def test_a_foreign_word_anywhere_makes_it_no_sentence(pair, data):
    tokens = tokenise(pair.english)
    at = data.draw(st.integers(0, len(tokens) - 1))
    assert not parses(join([*tokens[:at], "zonk", *tokens[at:]]))


@given(st.sampled_from([p for p in SAMPLE if ONCE & set(tokenise(p.english))]), st.data())
@FEW
def test_a_small_word_said_twice_makes_it_no_sentence(pair, data):
    tokens = tokenise(pair.english)
    at = data.draw(st.sampled_from([i for i, token in enumerate(tokens) if token in ONCE]))
    assert not parses(join([*tokens[:at], tokens[at], *tokens[at:]]))


@given(st.sampled_from([p for p in SAMPLE if len(p.tags) > 3]))
@FEW
def test_a_sentence_read_backwards_is_no_sentence(pair):
    tokens = tokenise(pair.english)
    assert not parses(join([*reversed(tokens[:-1]), tokens[-1]]))


@given(st.sampled_from([p for p in SAMPLE if " this " in p.english or " these " in p.english]))
@FEW
def test_this_and_these_cannot_change_places(pair):
    english = pair.english.replace(" this ", " TH ").replace(" these ", " this ")
    english = english.replace(" TH ", " these ")
    assert not parses(english)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda english: english.replace(" ", "  ", 1),
        lambda english: english[0].swapcase() + english[1:],
        lambda english: english + " ",
        lambda english: english.replace(".", "?") if "." in english else english + "!",
    ],
    ids=["two blanks", "first letter", "trailing blank", "mark"],
)
def test_blanks_capitals_and_marks_are_part_of_a_sentence(spoil):
    for english in ("Ana eats bread.", "Does Ana eat bread?", "The cat is black."):
        assert parses(english)
        assert not parses(spoil(english))
