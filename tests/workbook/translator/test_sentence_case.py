"""Capitals at the beginning of sentences: off, and on again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.corpus import phrasebook
from workbook.translator.sentence_case import SentenceCase

CASE = SentenceCase.learn(
    [
        "The man saw Tom on Monday.",
        "In May, I may go.",
        "I know that May may come.",
        "Tom may not.",
        "She is in the USA.",
        "Don't go. The dog is here.",
        "Él vio a María.",
    ]
)


def test_names_are_the_words_with_a_capital_within_sentences():
    assert CASE.names == {"tom", "monday", "i", "usa", "maría"}


def test_a_name_is_given_back_as_it_is_written_and_one_often_written_small_is_left():
    north = ["Go north.", "Up north.", *5 * ["He went North."]]
    case = SentenceCase.learn(["I saw Tom on TV.", "See Tom's TV.", *north])
    assert case.names == {"tom", "tom's", "tv", "north"}
    assert case.named("tom and Tv, TOM'S north, North") == "Tom and TV, Tom's north, North"
    again = SentenceCase(case.written.values())
    assert again.written == case.written


def test_one_slip_of_many_leaves_a_name_one():
    case = SentenceCase.learn([*5 * ["It is Tom."], "It is tom."])
    assert case.named("tom") == "Tom"


@pytest.mark.parametrize(
    ("typed", "ordinary"),
    [
        ("THIS IS IT", "This is it"),
        ("¿DÓNDE ESTÁ?", "¿Dónde está?"),
        ("I", "I"),
        ("This is IT", "This is IT"),
        ("this is it", "this is it"),
        ("32", "32"),
        ("", ""),
    ],
)
def test_what_is_all_capitals_is_written_as_a_sentence(typed, ordinary):
    assert SentenceCase.unshouted(typed) == ordinary


@pytest.mark.parametrize(
    ("sentence", "lowered"),
    [
        ("The dog is here.", "the dog is here."),
        ("Tom is here.", "Tom is here."),
        ("¿Dónde está Tom?", "¿dónde está Tom?"),
        ("¡Él vino!", "¡él vino!"),
        ("I am here.", "I am here."),
        ("A dog.", "a dog."),
        ("USA won.", "USA won."),
        ("UN troops.", "UN troops."),
        ("Don't go. It is late.", "don't go. it is late."),
        ("Who? Me? Yes!", "who? me? yes!"),
        ('"Why?" asked Tom. "Because."', '"why?" asked Tom. "because."'),
        ("", ""),
        ("32", "32"),
        ("... ¡!", "... ¡!"),
    ],
)
def test_only_the_capital_of_a_beginning_goes_and_it_comes_back(sentence, lowered):
    assert CASE.lowered(sentence) == lowered
    assert CASE.raised(lowered) == sentence


@pytest.mark.parametrize(
    "sentence",
    ["Well... maybe.", "We left at 6 a.m. and slept.", "Son las 3 p. m. y llueve.", "It is 3.5 m."],
)
def test_a_full_stop_may_end_no_sentence(sentence):
    assert CASE.raised(CASE.lowered(sentence)) == sentence


def test_a_sentence_that_began_small_is_given_a_capital():
    assert CASE.raised("¿dónde está?") == "¿Dónde está?"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("The dog", True),
        ("¿Dónde está?", True),
        ("the dog.", False),
        ("Tom sleeps.", True),
        ("Tom sleeps", False),
        ("I sleep", False),
        ("32", False),
        ("", False),
    ],
)
def test_whether_a_text_begins_as_sentences_do(text, begins):
    assert CASE.begins(text) is begins


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(alphabet="aAbB iI.!?¿\"'(),ñÑ1", max_size=30))
def test_lowering_and_raising_change_nothing_but_case_and_only_once(text):
    lowered, raised = CASE.lowered(text), CASE.raised(text)
    assert lowered.lower() == raised.lower() == text.lower()
    assert CASE.lowered(lowered) == lowered
    assert CASE.raised(raised) == raised
    assert CASE.raised(lowered) == raised


def test_the_phrasebook_comes_back_but_for_what_is_written_small():
    pairs = phrasebook.load_phrasebook("valid")
    sentences = [text for pair in pairs for text in (pair.english, pair.spanish)]
    case = SentenceCase.learn(sentences)
    assert {"i", "monday"} <= case.names
    changed = [s for s in sentences if case.raised(case.lowered(s)) != s]
    assert all(sentence[0].islower() for sentence in changed)
