"""What is said of something that the sentence does not name: it is expensive, is it easy?"""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon.tables import rows
from workbook.corpus.phrasebook.realise import Nominal, Predicate, VerbPhrase, clause

# What may be said of it, whatever it is.
_SAID_OF_IT = """
expensive | caro | ser
cheap | barato | ser
big | grande | ser
small | pequeño | ser
easy | fácil | ser
difficult | difícil | ser
interesting | interesante | ser
boring | aburrido | ser
important | importante | ser
delicious | delicioso | estar
dangerous | peligroso | ser
strange | extraño | ser
ugly | feo | ser
beautiful | hermoso | ser
good | bueno | ser
bad | malo | ser
useful | útil | ser
new | nuevo | ser
old | viejo | ser
broken | roto | estar
empty | vacío | estar
closed | cerrado | estar
open | abierto | estar
red | rojo | ser
blue | azul | ser
green | verde | ser
black | negro | ser
white | blanco | ser
"""
_GRADED = frozenset(
    """expensive cheap big small easy difficult interesting boring important dangerous strange ugly
    beautiful good bad useful new old""".split()
)


@cache
def _said_of_it(graded: bool) -> Choices:
    entries = []
    for english, spanish, copula in rows(_SAID_OF_IT):
        if not graded or english in _GRADED:
            entries.append(Entry((english,), ("ADJ",), Predicate(copula, spanish, state=True)))
    return Choices(entries)


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""

    @grammar.words("said-of-it")
    def _(given: Bound) -> Choices:
        return _said_of_it(given.graded == "yes")

    it = Nominal("", "3s", "3s", "m", "sg", pronoun="it")

    def said(b: Bound, tense: str, negative: bool) -> str:
        degree = f"{b.x} " if b.x else ""
        predicate = replace(b.q, after=degree + b.q.after)
        return clause(it, VerbPhrase(predicate, tense, negative))

    for be, tense, negative in (
        ("is/AUX", "present", False),
        ("'s/AUX", "present", False),
        ("is/AUX n't/PART", "present", True),
        ("was/AUX", "past", False),
        ("was/AUX n't/PART", "past", True),
    ):
        for middle, graded in (("", "no"), ("{x:degree} ", "yes")):
            grammar.rule(
                "statement",
                f"it/PRON {be} {middle}{{q:said-of-it graded={graded}}}",
                lambda b, tense=tense, negative=negative: said(b, tense, negative),
                label="it is",
                weight=0.15,
            )
    for middle, graded in (("", "no"), ("{x:degree} ", "yes")):
        grammar.rule(
            "question",
            f"is/AUX it/PRON {middle}{{q:said-of-it graded={graded}}}",
            lambda b: said(b, "present", False),
            label="it is",
            weight=0.2,
        )
