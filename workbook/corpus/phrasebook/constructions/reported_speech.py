"""What somebody thinks, says, hopes, or wants somebody else to do: que with its mood."""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook.constructions.noun_phrases import NAMES, pronoun
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.realise import DATIVE, Nominal, Predicate, VerbPhrase, clause

_OBJECT_CASE = {"I": "me", "you": "you", "he": "him", "she": "her", "we": "us", "they": "them"}


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_that(grammar)
    _add_wishes(grammar)


def _another(bound: Bound) -> bool:
    """Somebody else does it, and is not introduced by a *that* which reads as the conjunction."""
    return bound.s.apart_from(bound.z) and not bound.z.begins_with_that


def _add_that(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    def thinking(b: Bound, tense: str) -> str:
        phrase = VerbPhrase(b.v.predicate(), tense)
        return clause(b.s, phrase)

    for that in ("", "that/CONJ "):
        thinks = "{s:subject want=person} {v:verb frame=clausal form=present s=$s} " + that
        for inner, weight in (
            ("{z:subject want=any} {w:being tense=present s=$z}", 0.8),
            ("{z:subject want=person} {w:action tense=future s=$z}", 0.5),
            ("{z:subject want=person} {w:action tense=past s=$z}", 0.4),
        ):
            statement(
                thinks + inner,
                lambda b: f"{thinking(b, 'present')} que {clause(b.z, b.w)}",
                "that",
                weight / 2,
                where=_another,
            )
        statement(
            "{s:subject want=person} {v:verb frame=clausal form=past s=$s} "
            + that
            + "{z:subject want=any} {w:being tense=past s=$z}",
            lambda b: f"{thinking(b, 'past')} que {clause(b.z, b.w)}",
            "that in the past",
            0.4,
            where=_another,
        )
        statement(
            "{s:subject want=person} {x:do-not tense=present s=$s} think/VERB "
            + that
            + "{z:subject want=any} {y:be tense=present s=$z} {c:complement s=$z}",
            lambda b: (
                f"{clause(b.s, VerbPhrase(Predicate('creer', state=True), 'present', True))} que "
                f"{clause(b.z, VerbPhrase(b.c, 'subjunctive'))}"
            ),
            "not thinking that",
            0.4,
            where=_another,
        )


def _said_to(verb: str, somebody: Nominal) -> Predicate:
    return Predicate(verb, clitics=(DATIVE[somebody.person],))


def _add_wishes(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("somebody-else")
    def _(given: Bound) -> Choices:
        return _somebody_else(given.s.agreement)

    for form, mood in (("present", "subjunctive"), ("past", "past subjunctive")):
        statement(
            f"{{s:subject want=person}} {{v:wish form={form} s=$s}} {{z:somebody-else s=$s}} "
            f"to/PART "
            "{p:activity form=inf s=$z}",
            lambda b, form=form, mood=mood: (
                f"{clause(b.s, VerbPhrase(Predicate('querer', state=True), form))} que "
                f"{clause(b.z, VerbPhrase(b.p, mood))}"
            ),
            "wanting somebody to",
            0.8,
        )
    for english, verb in (("told", "decir"), ("asked", "pedir")):
        statement(
            f"{{s:subject want=person}} {english}/VERB {{z:told s=$s}} to/PART "
            "{p:activity form=inf s=$z}",
            lambda b, verb=verb: (
                f"{clause(b.s, VerbPhrase(_said_to(verb, b.z), 'past'))} que "
                f"{clause(replace(b.z, pronoun='he'), VerbPhrase(b.p, 'past subjunctive'))}"
            ),
            "telling somebody to",
            0.5,
        )

    @grammar.words("told")
    def _(given: Bound) -> Choices:
        found = _somebody_else(given.s.agreement)
        return Choices([entry for entry in found.entries if entry.value.pronoun])

    @grammar.words("wish")
    def _(given: Bound) -> Choices:
        if given.form == "past":
            return Choices([Entry(("wanted",), ("VERB",), None)])
        word = "wants" if given.s.agreement == "3s" else "want"
        return Choices([Entry((word,), ("VERB",), None)])

    @grammar.words("hope")
    def _(given: Bound) -> Choices:
        word = "hopes" if given.s.agreement == "3s" else "hope"
        return Choices([Entry((word,), ("VERB",), None)])

    for that in ("", "that/CONJ "):
        hopes = "{s:subject want=person} {v:hope s=$s} " + that
        statement(
            hopes + "{z:subject want=person} will/AUX {p:activity form=will s=$z}",
            lambda b: (
                f"{clause(b.s, VerbPhrase(Predicate('esperar', state=True), 'present'))} que "
                f"{clause(b.z, VerbPhrase(b.p, 'subjunctive'))}"
            ),
            "hoping that",
            0.25,
            where=_another,
        )
        statement(
            hopes + "{z:subject want=any} {y:be tense=present s=$z} {c:complement s=$z}",
            lambda b: (
                f"{clause(b.s, VerbPhrase(Predicate('esperar', state=True), 'present'))} que "
                f"{clause(b.z, VerbPhrase(b.c, 'subjunctive'))}"
            ),
            "hoping that",
            0.2,
            where=_another,
        )


@cache
def _somebody_else(agreement: str) -> Choices:
    """Persons in the object case, who then do something: me, him, Ana, my brother."""
    entries = []
    for form, english in _OBJECT_CASE.items():
        value = pronoun(form)
        if value.agreement[0] == agreement[0] != "3":
            continue
        entries += [Entry((english,), ("PRON",), value)] * 4
    return Choices(entries + NAMES)
