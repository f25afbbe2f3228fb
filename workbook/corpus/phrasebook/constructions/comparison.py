"""Comparatives, superlatives, and as … as."""

from dataclasses import dataclass
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.complements import agreeable
from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, phrase
from workbook.corpus.phrasebook.english_forms import compared
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS, Adjective, noun_named
from workbook.corpus.phrasebook.realise import Predicate, VerbPhrase, clause

_IRREGULAR_DEGREES = {"good": ("better", "best"), "bad": ("worse", "worst")}


@dataclass(frozen=True)
class Compared:
    """An adjective in the comparative or superlative: what English says in one or two words."""

    adjective: Adjective

    @property
    def lemma(self) -> str:
        """The adjective's."""
        return self.adjective.lemma

    def in_spanish(self, gender: str, number: str) -> str:
        """`más alto`, `mejor`, `peores`."""
        short = {"bueno": "mejor", "malo": "peor"}.get(self.adjective.spanish)
        if "older" in self.adjective.flags:
            short = "mayor"
        if short:
            return spanish_nouns.plural(short) if number == "pl" else short
        return f"más {self.adjective.in_spanish(gender, number)}"


@cache
def _compared(classes: frozenset[str], ending: str) -> Choices:
    entries = []
    for adjective in ADJECTIVES:
        if not adjective.classes & classes or "invariable" in adjective.flags:
            continue
        value = Compared(adjective)
        if adjective.english in _IRREGULAR_DEGREES and "pre" in adjective.flags:
            word = _IRREGULAR_DEGREES[adjective.english][ending == "est"]
            entries.append(Entry((word,), ("ADJ",), value))
        elif adjective.flags & {"only", "only-attributive"}:
            continue
        elif adjective.flags & {"er", "older"}:
            entries.append(Entry((compared(adjective.english, ending),), ("ADJ",), value))
        elif "more" in adjective.flags:
            word = "more" if ending == "er" else "most"
            entries.append(Entry((word, adjective.english), ("ADV", "ADJ"), value))
    return Choices(entries)


_THAN = {"me": "yo", "you": "tú", "him": "él", "her": "ella", "us": "nosotros", "them": "ellos"}


@cache
def _others(agreement: str) -> Choices:
    """Pronouns after *than* and *as*, none the subject itself."""
    own = {"1s": ("me", "us"), "2s": ("you",), "1p": ("me", "us")}.get(agreement, ())
    return Choices([Entry((en,), ("PRON",), es) for en, es in _THAN.items() if en not in own])


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)
    _add_comparison(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("comparative")
    def _(given: Bound) -> Choices:
        return _compared(given.s.classes, "er")

    @grammar.words("other")
    def _(given: Bound) -> Choices:
        return _others(given.s.agreement)


def _add_comparison(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    def compare(b: Bound, words: str, other: str, tense: str = "present") -> str:
        predicate = Predicate(b.a.adjective.copula, f"{words} que {other}", state=True)
        return clause(b.s, VerbPhrase(predicate, tense))

    for tense in ("present", "past"):
        statement(
            f"{{s:subject want=person}} {{x:be tense={tense} s=$s}} {{a:comparative s=$s}} "
            f"than/ADP "
            "{o:other s=$s}",
            lambda b, tense=tense: compare(b, b.a.in_spanish(b.s.gender, b.s.number), b.o, tense),
            "more than",
            0.6,
            joins="a+s",
            where=lambda b: agreeable(b.a.adjective, b.s),
        )
        statement(
            f"{{s:subject want=person}} {{x:be tense={tense} s=$s}} {{a:comparative s=$s}} "
            f"than/ADP "
            "{o:companion}",
            lambda b, tense=tense: compare(
                b, b.a.in_spanish(b.s.gender, b.s.number), b.o.spanish, tense
            ),
            "more than",
            0.6,
            joins="a+s",
            where=lambda b: b.o.spanish != b.s.spanish and agreeable(b.a.adjective, b.s),
        )
    statement(
        "the/DET {n:thing} {x:be tense=present s=$n} {a:comparative s=$n} than/ADP the/DET "
        "{m:thing like=$n}",
        lambda b: clause(
            b.n,
            VerbPhrase(
                Predicate(
                    b.a.adjective.copula,
                    f"{b.a.in_spanish(b.n.gender, b.n.number)} que {b.m.spanish}",
                    state=True,
                ),
                "present",
            ),
        ),
        "more than",
        1,
        joins="a+n",
        where=lambda b: (
            b.n.spanish != b.m.spanish
            and b.n.number == b.m.number
            and bool(b.a.adjective.classes & b.m.classes)
        ),
    )
    statement(
        "{s:subject want=person} {x:be tense=present s=$s} as/ADV "
        "{a:state-adjective s=$s kind=compared} as/ADP {o:other s=$s}",
        lambda b: clause(
            b.s,
            VerbPhrase(
                Predicate(
                    b.a.copula,
                    f"tan {b.a.in_spanish(b.s.gender, b.s.number)} como {b.o}",
                    state=True,
                ),
                "present",
            ),
        ),
        "as much as",
        0.6,
        joins="a+s",
    )
    statement(
        "{s:subject want=person} {x:be tense=present s=$s} the/DET {r:ranked s=$s} in/ADP the/DET "
        "{g:circle}",
        lambda b: clause(
            b.s, VerbPhrase(Predicate("ser", f"{b.r} de {b.g}", state=True), "present")
        ),
        "the most",
        0.8,
    )

    @grammar.words("ranked")
    def _(given: Bound) -> Choices:
        return _ranked(given.s.gender, given.s.number)

    @grammar.words("circle")
    def _(given: Bound) -> Choices:
        return _circles()

    @grammar.words("thing")
    def _(given: Bound) -> Choices:
        return _things(given.like.classes if given.like else None)


_RANKED = frozenset(
    "student teacher doctor singer player girl boy man woman child person writer".split()
)


@cache
def _ranked(gender: str, number: str) -> Choices:
    """A superlative with its noun: `tallest student` → `la estudiante más alta`."""
    entries = []
    if number == "pl":
        return Choices([])
    for noun in NOUNS:
        if noun.english not in _RANKED:
            continue
        if not noun.spanish_feminine and noun.gender != gender and noun.english != "person":
            continue
        word, own, _ = noun.in_spanish("sg", gender)
        article = spanish_nouns.article("definite", own, "sg", word)
        for entry in _compared(noun.classes, "est").entries:
            value = entry.value
            if value.adjective.copula != "ser":
                continue
            phrase = value.in_spanish(own, "sg")
            if phrase in ("mejor", "peor"):
                spanish = f"{article} {phrase} {word}"
            else:
                spanish = f"{article} {word} {phrase}"
            name = noun.in_english("sg")
            tags = (*entry.tags, *("NOUN" for _ in name))
            met = (f"{value.adjective.lemma}+{noun.lemma}",)
            entries.append(Entry((*entry.tokens, *name), tags, spanish, met))
    return Choices(entries)


@cache
def _circles() -> Choices:
    names = (
        "class family school team group city world country office town university company".split()
    )
    entries = []
    for name in names:
        noun = noun_named(name)
        word, gender, _ = noun.in_spanish("sg")
        article = spanish_nouns.article("definite", gender, "sg", word)
        entries.append(Entry((name,), ("NOUN",), f"{article} {word}"))
    return Choices(entries)


_THING_FAMILIES = (
    "clothing furniture vehicle book shown building home town animal pet livestock wild "
    "fruit device "
    "event height waters way dish jewel container instrument"
).split()


@cache
def _things(like: frozenset[str] | None) -> Choices:
    """Singular nouns to compare; with `like`, of the same family."""

    entries = []
    for noun in NOUNS:
        families = noun.classes & frozenset(_THING_FAMILIES)
        if not families or "sg" not in noun.numbers():
            continue
        if like is not None and not families & like:
            continue
        value = phrase(Determiner("the", "sg"), noun)
        tokens = noun.in_english("sg")
        entries.append(Entry(tokens, ("NOUN",) * len(tokens), value))
    return Choices(entries)
