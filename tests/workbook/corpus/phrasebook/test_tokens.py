"""Tokens, joining, and the key under which sentences are compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.corpus.phrasebook.tokens import TAGS, capitalised, join, normalise, tokenise


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("I eat bread.", "I eat bread ."),
        ("I don't eat.", "I do n't eat ."),
        ("She can't, he won't.", "She ca n't , he wo n't ."),
        ("I'm Ana's friend.", "I 'm Ana 's friend ."),
        ("We've eaten; they'll go.", "We 've eaten ; they 'll go ."),
        ("It's five o'clock, ma'am!", "It 's five o'clock , ma'am !"),
        ("My mother-in-law has twenty-one T-shirts.", "My mother-in-law has twenty-one T-shirts ."),
    ],
)
def test_contractions_and_marks_are_tokens_of_their_own(sentence, tokens):
    assert tokenise(sentence) == tokens.split()
    assert join(tokens.split()) == sentence


def test_the_tags_are_the_fourteen_of_the_course():
    assert len(TAGS) == len(set(TAGS)) == 14


@pytest.mark.parametrize(
    ("sentence", "key"),
    [
        ("¿Dónde está el gato?", "dónde está el gato"),
        ("This  cat is VERY large.", "this cat is very large"),
        ("¡Qué día!", "qué día"),
        ("I don't know", "i don't know"),
        ("él", "e\u0301l"),
    ],
)
def test_sentences_count_as_one_without_case_marks_and_blanks(sentence, key):
    assert normalise(sentence) == normalise(key)


def test_accents_count():
    assert normalise("el") != normalise("él")


def test_a_capital_goes_to_the_first_letter_even_after_marks():
    assert capitalised("¿qué hora es?") == "¿Qué hora es?"
    assert capitalised("") == ""


@given(st.text(max_size=40))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_normalising_twice_changes_nothing_more(text):
    assert normalise(normalise(text)) == normalise(text)
