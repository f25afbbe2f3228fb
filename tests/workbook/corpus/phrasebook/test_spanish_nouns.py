"""Number, gender, short forms and articles of Spanish nouns and adjectives."""

import pytest

from workbook.corpus.phrasebook import lexicon
from workbook.corpus.phrasebook.spanish_nouns import (
    agree,
    article,
    before_noun,
    feminine,
    plural,
)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("casa", "casas"),
        ("café", "cafés"),
        ("sofá", "sofás"),
        ("menú", "menús"),
        ("flor", "flores"),
        ("luz", "luces"),
        ("lápiz", "lápices"),
        ("canción", "canciones"),
        ("autobús", "autobuses"),
        ("inglés", "ingleses"),
        ("jardín", "jardines"),
        ("país", "países"),
        ("mes", "meses"),
        ("gris", "grises"),
        ("lunes", "lunes"),
        ("paraguas", "paraguas"),
        ("microondas", "microondas"),
        ("joven", "jóvenes"),
        ("examen", "exámenes"),
        ("reloj", "relojes"),
        ("rey", "reyes"),
        ("chef", "chefs"),
        ("dolor de cabeza", "dolores de cabeza"),
        ("tarjeta de crédito", "tarjetas de crédito"),
        ("computadora portátil", "computadoras portátiles"),
    ],
)
def test_plurals(one, many):
    assert plural(one) == many


@pytest.mark.parametrize(
    ("masculine", "expected"),
    [
        ("rojo", "roja"),
        ("grande", "grande"),
        ("azul", "azul"),
        ("trabajador", "trabajadora"),
        ("mejor", "mejor"),
        ("inglés", "inglesa"),
        ("alemán", "alemana"),
        ("español", "española"),
        ("cortés", "cortés"),
        ("marrón", "marrón"),
        ("egoísta", "egoísta"),
    ],
)
def test_feminines(masculine, expected):
    assert feminine(masculine) == expected


@pytest.mark.parametrize(
    ("adjective", "gender", "number", "expected"),
    [
        ("bueno", "m", "sg", "buen"),
        ("bueno", "f", "sg", "buena"),
        ("bueno", "m", "pl", "buenos"),
        ("malo", "m", "sg", "mal"),
        ("grande", "m", "sg", "gran"),
        ("grande", "f", "sg", "gran"),
        ("grande", "f", "pl", "grandes"),
        ("primero", "m", "sg", "primer"),
        ("tercero", "m", "sg", "tercer"),
        ("tercero", "f", "sg", "tercera"),
    ],
)
def test_some_adjectives_are_short_before_a_noun(adjective, gender, number, expected):
    assert before_noun(adjective, gender, number) == expected


def test_an_adjective_agrees_in_gender_and_number():
    forms = [agree("feliz", g, n) for g in "mf" for n in ("sg", "pl")]
    assert forms == ["feliz", "felices", "feliz", "felices"]
    forms = [agree("rojo", g, n) for g in "mf" for n in ("sg", "pl")]
    assert forms == ["rojo", "rojos", "roja", "rojas"]


def test_el_stands_before_a_feminine_noun_with_stressed_a_and_only_right_before_it():
    assert article("definite", "f", "sg", "agua") == "el"
    assert article("indefinite", "f", "sg", "águila") == "un"
    assert article("definite", "f", "pl", "águilas") == "las"
    assert article("definite", "f", "sg", "buena") == "la"
    assert article("definite", "f", "sg", "abuela") == "la"


def test_no_english_noun_stands_twice_in_the_lexicon():
    names = [noun.english for noun in lexicon.NOUNS]
    assert len(names) == len(set(names))


def test_every_class_that_a_verb_or_an_adjective_names_is_some_nouns():
    known = set().union(*(noun.classes for noun in lexicon.NOUNS))
    known |= {"language", "subject", "color"}
    for verb in lexicon.VERBS:
        assert verb.objects | verb.subjects <= known, verb
    for adjective in lexicon.ADJECTIVES:
        assert adjective.classes <= known, adjective
