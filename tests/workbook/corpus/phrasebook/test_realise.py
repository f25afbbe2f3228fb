"""Words in order: pronouns dropped, clitics placed, questions turned, contractions written."""

import pytest

from workbook.corpus.phrasebook.realise import (
    Nominal,
    Predicate,
    VerbPhrase,
    clause,
    contracted,
    finished,
    infinitive,
    inverted,
    object_command,
    yes_or_no,
)

ANA = Nominal("Ana", "3s", "3s", "f", "sg", human=True)
TEACHER = Nominal("el profesor", "3s", "3s", "m", "sg", human=True)
I = Nominal("mí", "1s", "1s", "m", "sg", pronoun="I")  # noqa: E741
WE = Nominal("nosotros", "1p", "1p", "m", "pl", pronoun="we")
BUY_IT = Predicate("comprar", clitics=("lo",))
GET_UP = Predicate("levantar", reflexive=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("voy a el parque", "voy al parque"),
        ("la casa de el médico", "la casa del médico"),
        ("es de él", "es de él"),
        ("a ella", "a ella"),
        ("Ana y Isabel", "Ana e Isabel"),
        ("padre y hijo", "padre e hijo"),
        ("agua y hielo", "agua y hielo"),
        ("siete o ocho", "siete u ocho"),
        ("mujer o hombre", "mujer u hombre"),
        ("té o café", "té o café"),
        ("con mí", "conmigo"),
        ("con ti", "contigo"),
        ("sí , claro", "sí, claro"),
    ],
)
def test_contractions(text, expected):
    assert contracted(text) == expected


def test_marks_and_capitals():
    assert finished("qué hora es", "question") == "¿Qué hora es?"
    assert finished("qué día", "exclamation") == "¡Qué día!"
    assert finished("como pan", "statement") == "Como pan."


def test_a_subject_pronoun_is_dropped_and_a_name_is_not():
    eat = VerbPhrase(Predicate("comer", "pan"), "present")
    assert clause(I, eat) == "como pan"
    assert clause(ANA, eat) == "Ana come pan"


@pytest.mark.parametrize(
    ("tense", "negative", "expected"),
    [
        ("present", False, "lo compro"),
        ("present", True, "no lo compro"),
        ("perfect", True, "no lo he comprado"),
        ("progressive", False, "lo estoy comprando"),
        ("pluperfect", False, "lo había comprado"),
        ("past", False, "lo compré"),
    ],
)
def test_object_pronouns_stand_before_the_conjugated_verb(tense, negative, expected):
    assert clause(I, VerbPhrase(BUY_IT, tense, negative)) == expected


def test_object_pronouns_hang_on_the_infinitive_that_owns_them():
    wish = BUY_IT.governed_by("querer")
    assert clause(I, VerbPhrase(wish, "present", True)) == "no quiero comprarlo"
    assert clause(WE, VerbPhrase(GET_UP.governed_by("ir", "a"), "present")) == "vamos a levantarnos"
    assert infinitive(BUY_IT.governed_by("tener", "que"), "1s") == "tener que comprarlo"


def test_a_state_is_told_in_the_imperfect_and_an_event_in_the_preterite():
    assert clause(I, VerbPhrase(Predicate("vivir", "aquí", state=True), "past")) == "vivía aquí"
    assert clause(I, VerbPhrase(Predicate("comer"), "past")) == "comí"


def test_going_and_coming_have_no_progressive():
    go = Predicate("ir", "a casa", plain=True)
    assert clause(I, VerbPhrase(go, "progressive")) == "voy a casa"
    assert clause(I, VerbPhrase(go, "past progressive")) == "iba a casa"


def test_what_pleases_is_the_subject():
    like = Predicate("gustar", "las flores", theme="3p")
    assert clause(I, VerbPhrase(like, "present")) == "me gustan las flores"
    assert clause(ANA, VerbPhrase(like, "present", True)) == "a Ana no le gustan las flores"
    assert yes_or_no(ANA, VerbPhrase(like, "present")) == "a Ana le gustan las flores"


def test_each_of_those_who_are_pleased_has_a_preposition():
    like = VerbPhrase(Predicate("gustar", "las flores", theme="3p"), "present")
    both = Nominal("Ana y yo", "1p", "1p", "m", "pl", parts=(ANA, I))
    assert clause(both, like) == "a Ana y a mí nos gustan las flores"
    assert inverted(both, like) == "nos gustan a Ana y a mí las flores"


@pytest.mark.parametrize(
    ("subject", "predicate", "expected"),
    [
        (ANA, Predicate("comer", "pan"), "come Ana pan"),
        (ANA, Predicate("estar", "cansada"), "está Ana cansada"),
        (ANA, Predicate("comer").governed_by("ir", "a"), "va a comer Ana"),
        (ANA, Predicate("comer", "pan").governed_by("poder"), "puede Ana comer pan"),
        (TEACHER, Predicate("dormir"), "el profesor duerme"),
        (TEACHER, Predicate("comer", "pan"), "el profesor come pan"),
        (TEACHER, Predicate("estar", "cansado"), "el profesor está cansado"),
        (I, Predicate("comer", "pan"), "como pan"),
    ],
)
def test_a_subject_of_several_words_comes_first_where_yes_or_no_is_asked(
    subject, predicate, expected
):
    assert yes_or_no(subject, VerbPhrase(predicate, "present")) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("", "come el profesor"),
        ("pan", "come pan el profesor"),
        ("carne de cerdo", "come carne de cerdo el profesor"),
        ("el pan", "come el profesor el pan"),
        ("el pan de Ana", "come el profesor el pan de Ana"),
        ("en casa", "come el profesor en casa"),
        ("con mí", "come conmigo el profesor"),
        ("pan en casa", "come pan el profesor en casa"),
        ("pan con mí", "come pan el profesor conmigo"),
        ("carne de cerdo con Ana", "come carne de cerdo el profesor con Ana"),
        ("de compras", "come de compras el profesor"),
        ("a casa", "come a casa el profesor"),
        ("a casa en autobús", "come a casa el profesor en autobús"),
        ("a Ana", "come el profesor a Ana"),
        ("a el parque", "come el profesor al parque"),
        ("el pan en casa", "come el profesor el pan en casa"),
    ],
)
def test_behind_a_question_word_the_subject_follows_the_verb_and_what_is_bare(after, expected):
    asked = inverted(TEACHER, VerbPhrase(Predicate("comer", after), "present"))
    assert contracted(asked) == expected


@pytest.mark.parametrize(
    ("predicate", "person", "negative", "expected"),
    [
        (BUY_IT, "2s", False, "cómpralo"),
        (BUY_IT, "2s", True, "no lo compres"),
        (BUY_IT, "3s", False, "cómprelo"),
        (GET_UP, "2s", False, "levántate"),
        (GET_UP, "3s", True, "no se levante"),
        (Predicate("dar", clitics=("me", "lo")), "2s", False, "dámelo"),
    ],
)
def test_commands_carry_their_pronouns_and_negative_ones_do_not(
    predicate, person, negative, expected
):
    assert object_command(predicate, person, negative) == expected
