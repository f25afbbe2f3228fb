"""The engine on a grammar of a few words: it writes, enumerates and reads the same sentences."""

import random

import pytest

from workbook.corpus.phrasebook.grammar import Bound, Choices, DeadEnd, Entry, Grammar


class Word(str):
    """A Spanish word with its gender."""

    def __new__(cls, word, gender):
        made = super().__new__(cls, word)
        made.gender = gender
        made.lemma = word
        return made


@pytest.fixture
def toy():
    grammar = Grammar()

    @grammar.words("noun")
    def _(given):
        return Choices(
            [
                Entry(("cat",), ("NOUN",), Word("gato", "m")),
                Entry(("house",), ("NOUN",), Word("casa", "f")),
            ]
        )

    @grammar.words("colour")
    def _(given):
        ending = "a" if given.of.gender == "f" else "o"
        return Choices([Entry(("red",), ("ADJ",), Word("roj" + ending, ""))])

    grammar.rule(
        "sentence",
        "the/DET {n:noun} is/AUX {c:colour of=$n}",
        "{n} es {c}",
        label="colour",
        joins="c+n",
    )
    grammar.rule("sentence", "yes/INTJ", "sí", weight=0.5)
    return grammar


def test_every_sentence_comes_once_with_its_tags_labels_and_meetings(toy):
    found = list(toy.every("sentence", Bound()))
    assert [" ".join(d.tokens) for d in found] == ["the cat is red", "the house is red", "yes"]
    assert found[1].value == "casa es roja"
    assert found[1].tags == ("DET", "NOUN", "AUX", "ADJ")
    assert found[1].labels == ("colour",)
    assert found[1].pairs == ("roja+casa",)


def test_writing_draws_only_what_can_be_enumerated_and_in_the_end_all_of_it(toy):
    every = {derived.value for derived in toy.every("sentence", Bound())}
    draw = random.Random(1)
    assert {toy.write("sentence", Bound(), draw).value for _ in range(60)} == every


def test_reading_finds_the_derivation_that_writing_made(toy):
    for derived in toy.every("sentence", Bound()):
        assert toy.read("sentence", Bound(), list(derived.tokens), sentence=False) == [derived]


@pytest.mark.parametrize(
    "text", ["the cat is", "the cat is red red", "cat is red", "the dog is red", ""]
)
def test_reading_refuses_everything_else(toy, text):
    assert toy.read("sentence", Bound(), text.split(), sentence=False) == []


def test_a_sentences_first_token_carries_its_capital(toy):
    assert toy.read("sentence", Bound(), ["The", "cat", "is", "red"], sentence=True)
    assert not toy.read("sentence", Bound(), ["the", "cat", "is", "red"], sentence=True)
    assert not toy.read("sentence", Bound(), ["The", "cat", "is", "red"], sentence=False)


def test_a_rule_may_refuse_what_it_gets(toy):
    toy.rule("odd", "{n:noun}", "{n}", where=lambda b: b.n == "casa")
    assert [derived.value for derived in toy.every("odd", Bound())] == ["casa"]
    assert toy.read("odd", Bound(), ["cat"], sentence=False) == []


def test_a_rule_needs_its_features_and_takes_a_missing_one_for_any(toy):
    toy.rule("when", "now/ADV", "ahora", tense="present")
    toy.rule("when", "then/ADV", "entonces", tense="past future")
    assert [d.value for d in toy.every("when", Bound(tense="past"))] == ["entonces"]
    assert [d.value for d in toy.every("when", Bound())] == ["ahora", "entonces"]


def test_a_dead_end_is_told_when_nothing_fits(toy):
    toy.rule("never", "now/ADV", "ahora", tense="present")
    with pytest.raises(DeadEnd):
        toy.write("never", Bound(tense="past"), random.Random(0))


def test_an_unknown_tag_is_refused_by_name(toy):
    with pytest.raises(ValueError, match="house/THING"):
        toy.rule("sentence", "house/THING", "casa")
