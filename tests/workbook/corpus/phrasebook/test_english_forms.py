"""English inflection."""

import pytest

from workbook.corpus.phrasebook.english_forms import (
    compared,
    gerund,
    participle,
    past,
    plural,
    starts_with_vowel_sound,
    third_person,
)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("dog", "dogs"),
        ("box", "boxes"),
        ("city", "cities"),
        ("toy", "toys"),
        ("bus stop", "bus stops"),
    ],
)
def test_plurals(one, many):
    assert plural(one) == many


@pytest.mark.parametrize(
    ("verb", "third", "past_", "participle_", "ing"),
    [
        ("walk", "walks", "walked", "walked", "walking"),
        ("dance", "dances", "danced", "danced", "dancing"),
        ("try", "tries", "tried", "tried", "trying"),
        ("play", "plays", "played", "played", "playing"),
        ("stop", "stops", "stopped", "stopped", "stopping"),
        ("visit", "visits", "visited", "visited", "visiting"),
        ("open", "opens", "opened", "opened", "opening"),
        ("fix", "fixes", "fixed", "fixed", "fixing"),
        ("watch", "watches", "watched", "watched", "watching"),
        ("cook", "cooks", "cooked", "cooked", "cooking"),
        ("prefer", "prefers", "preferred", "preferred", "preferring"),
        ("go", "goes", "went", "gone", "going"),
        ("have", "has", "had", "had", "having"),
        ("swim", "swims", "swam", "swum", "swimming"),
        ("lie", "lies", "lay", "lain", "lying"),
        ("see", "sees", "saw", "seen", "seeing"),
        ("put", "puts", "put", "put", "putting"),
        ("forget", "forgets", "forgot", "forgotten", "forgetting"),
        ("forgive", "forgives", "forgave", "forgiven", "forgiving"),
        ("fight", "fights", "fought", "fought", "fighting"),
    ],
)
def test_verb_forms(verb, third, past_, participle_, ing):
    forms = (third_person(verb), past(verb), participle(verb), gerund(verb))
    assert forms == (third, past_, participle_, ing)


@pytest.mark.parametrize(
    ("adjective", "more", "most"),
    [
        ("tall", "taller", "tallest"),
        ("big", "bigger", "biggest"),
        ("large", "larger", "largest"),
        ("happy", "happier", "happiest"),
        ("clean", "cleaner", "cleanest"),
        ("narrow", "narrower", "narrowest"),
    ],
)
def test_comparison(adjective, more, most):
    assert (compared(adjective, "er"), compared(adjective, "est")) == (more, most)


@pytest.mark.parametrize("word", ["apple", "hour", "honest", "umbrella", "ugly", "old"])
def test_an_stands_before_a_vowel_sound(word):
    assert starts_with_vowel_sound(word)


@pytest.mark.parametrize("word", ["dog", "university", "uniform", "useful", "European", "house"])
def test_a_stands_before_a_consonant_sound(word):
    assert not starts_with_vowel_sound(word)
