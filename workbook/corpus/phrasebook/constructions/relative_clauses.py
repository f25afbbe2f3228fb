"""Clauses inside noun phrases, and sentences that point at somebody or something.

"The man who lives here is my uncle", "the book that I bought is expensive", "this is the car that
she sold", "do you know where the station is?", "have you ever been to Rome?".
"""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, phrase
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import NOUNS
from workbook.corpus.phrasebook.lexicon.tables import pairs
from workbook.corpus.phrasebook.numbers import ORDINALS
from workbook.corpus.phrasebook.realise import (
    Nominal,
    Predicate,
    VerbPhrase,
    clause,
    inverted,
    yes_or_no,
)

_SOMEBODY = "man,woman,boy,girl,person,child,student,teacher,doctor,neighbor,tourist,writer,singer"
_SOMETHING = (
    "book,clothing,vehicle,device,furniture,dish,dessert,jewel,gift,text,shown,container,toy"
)
_POINTING = {"msg": "este", "fsg": "esta", "mpl": "estos", "fpl": "estas"}
_POINTING_THERE = {"msg": "ese", "fsg": "esa", "mpl": "esos", "fpl": "esas"}
# What nobody talks of afterwards: it is gone.
_USED_UP = frozenset("comer beber quemar derretir".split())
_SOUGHT = "shop,eatery,office,institution,station,leisure,sight,school,study,building"


def add(grammar: Grammar) -> None:
    """Add relative clauses, pointing and embedded questions to the grammar."""
    _add_relatives(grammar)
    _add_pointing(grammar)
    _add_embedded(grammar)
    _add_ever(grammar)
    _add_way(grammar)


def _silent(head: Nominal) -> Nominal:
    return replace(head, pronoun="he")


def _acquainted(somebody: Nominal) -> Predicate:
    return Predicate("conocer", f"a {somebody.spanish}")


def _add_relatives(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    for tense in ("present", "past"):
        statement(
            f"{{h:common role=the want={_SOMEBODY}}} who/PRON {{v:action tense={tense} s=$h}} "
            "{x:be tense=present s=$h} {c:complement s=$h}",
            lambda b: (
                f"{b.h.spanish} que {clause(_silent(b.h), b.v)} "
                f"{clause(_silent(b.h), VerbPhrase(b.c, 'present'))}"
            ),
            "who",
            0.4,
            where=lambda b: not b.v.predicate.theme,
        )
        statement(
            "{s:subject want=person} {k:knowing s=$s} "
            f"{{h:common role=the want={_SOMEBODY}}} who/PRON {{v:action tense={tense} s=$h}}",
            lambda b: (
                f"{clause(b.s, VerbPhrase(_acquainted(b.h), 'present'))} que "
                f"{clause(_silent(b.h), b.v)}"
            ),
            "who",
            0.4,
            where=lambda b: not b.v.predicate.theme,
        )
    thing = f"{{h:common role=the want={_SOMETHING}}} that/PRON "
    statement(
        thing + "{s:subject want=person} {v:verb frame=transitive form=past s=$s takes=$h} "
        "{x:be tense=present s=$h} {c:complement s=$h}",
        lambda b: (
            f"{b.h.spanish} que {clause(b.s, VerbPhrase(b.v.predicate(), 'past'))} "
            f"{clause(_silent(b.h), VerbPhrase(b.c, 'present'))}"
        ),
        "that which",
        0.7,
        joins="v+h",
        where=lambda b: not b.v.verb.link and b.v.verb.spanish not in _USED_UP,
    )
    statement(
        "{p:this} " + thing + "{s:subject want=person} "
        "{v:verb frame=transitive form=past s=$s takes=$h}",
        lambda b: (
            f"{b.p[b.h.gender + b.h.number]} {'es' if b.h.number == 'sg' else 'son'} "
            f"{b.h.spanish} que {clause(b.s, VerbPhrase(b.v.predicate(), 'past'))}"
        ),
        "that which",
        0.6,
        joins="v+h",
        where=lambda b: not b.v.verb.link and b.h.agreement == "3s",
    )

    @grammar.words("knowing")
    def _(given: Bound) -> Choices:
        word = "knows" if given.s.agreement == "3s" else "know"
        return Choices([Entry((word,), ("VERB",), None)])

    @grammar.words("this")
    def _(given: Bound) -> Choices:
        return _this(given.number or "sg")


class Pointing(dict[str, str]):
    """The Spanish demonstrative by gender and number; hashable, so that it may be a feature."""

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.items())))


@cache
def _this(number: str) -> Choices:
    words = ("this", "that") if number == "sg" else ("these", "those")
    be = "is" if number == "sg" else "are"
    return Choices(
        [
            Entry((words[0], be), ("PRON", "AUX"), Pointing(_POINTING)),
            Entry((words[1], be), ("PRON", "AUX"), Pointing(_POINTING_THERE)),
        ]
    )


def _add_pointing(grammar: Grammar) -> None:
    pointed = (
        "thing,kin,friend,pet,clothing,book,vehicle,device,home,gift,text,job,school,office,jewel"
    )
    for number, agr, es in (("sg", "3s", "es"), ("pl", "3p", "son")):
        grammar.rule(
            "statement",
            f"{{p:this number={number}}} {{o:common role=own agr={agr} want={pointed}}}",
            lambda b, es=es: f"{b.p[b.o.gender + b.o.number]} {es} {b.o.spanish}",
            label="this is",
            weight=0.8,
            where=lambda b, number=number: b.o.number == number,
        )
        grammar.rule(
            "question",
            f"{'is/AUX this/PRON' if number == 'sg' else 'are/AUX these/PRON'} "
            f"{{o:common role=own agr={agr} want={pointed}}}",
            lambda b, es=es: f"{es} {_POINTING[b.o.gender + b.o.number]} {b.o.spanish}",
            label="this is",
            weight=0.3,
            where=lambda b, number=number: b.o.number == number,
        )
    grammar.rule(
        "statement",
        "{p:this number=sg} {o:common role=one agr=3s "
        "want=idea,book,dish,eatery,gift,question,problem}",
        lambda b: f"{b.p[b.o.gender + b.o.number]} es {b.o.spanish}",
        label="this is",
        weight=0.5,
        where=lambda b: b.o.number == "sg" and bool(b.o.qualities),
    )
    grammar.rule(
        "statement",
        "here/ADV is/VERB {o:common role=own agr=3s want=" + pointed + "}",
        lambda b: f"aquí está {b.o.spanish}",
        label="here is",
        weight=0.2,
        where=lambda b: b.o.number == "sg",
    )

    grammar.rule(
        "statement",
        "this/PRON is/AUX {d:determiner role=own agr=3s} {n:noun d=$d want=kin,friend} {m:name}",
        lambda b: (
            f"{'esta' if b.m.gender == 'f' else 'este'} es "
            f"{phrase(b.d, b.n, gender=b.m.gender).spanish} {b.m.spanish}"
        ),
        label="introducing somebody",
        weight=0.6,
        where=lambda b: (
            b.d.kind == "possessive"
            and not (b.d.shared and "partner" in b.n.classes)
            and (bool(b.n.spanish_feminine) or b.n.gender == b.m.gender)
        ),
    )

    @grammar.words("which-one")
    def _(given: Bound) -> Choices:
        return _ordinals()

    grammar.rule(
        "statement",
        "this/PRON is/AUX my/PRON {n:which-one}",
        "{n}",
        label="ordinal",
        weight=0.4,
    )
    grammar.rule(
        "statement",
        "{s:subject want=person} {v:living s=$s} on/ADP the/DET {n:floor} floor/NOUN",
        lambda b: clause(b.s, VerbPhrase(Predicate("vivir", f"en el {b.n} piso"), "present")),
        label="ordinal",
        weight=0.4,
    )

    @grammar.words("living")
    def _(given: Bound) -> Choices:
        word = "lives" if given.s.agreement == "3s" else "live"
        return Choices([Entry((word,), ("VERB",), None)])

    @grammar.words("floor")
    def _(given: Bound) -> Choices:
        return Choices(
            [
                Entry((en,), ("ADJ",), spanish_nouns.before_noun(es, "m", "sg"))
                for en, es in pairs(ORDINALS)
            ]
        )


_NUMBERED = "class,exam,trip,job,car,day,interview,book,lesson,flight".split(",")


@cache
def _ordinals() -> Choices:
    entries = []
    for noun in NOUNS:
        if noun.english not in _NUMBERED:
            continue
        word, gender, _ = noun.in_spanish("sg")
        for english, spanish in pairs(ORDINALS):
            said = f"{'este' if gender == 'm' else 'esta'} es mi "
            said += f"{spanish_nouns.before_noun(spanish, gender, 'sg')} {word}"
            entries.append(Entry((english, noun.english), ("ADJ", "NOUN"), said))
    return Choices(entries)


def _add_embedded(grammar: Grammar) -> None:
    def where_is(b: Bound) -> str:
        return f"dónde {inverted(b.z, VerbPhrase(Predicate('estar', state=True), 'present'))}"

    place = f"where/ADV {{z:sought want={_SOUGHT}}} {{x:be tense=present s=$z}}"
    grammar.rule("sought", "{o:common role=definite want=$want}", lambda b: b.o, weight=3)
    grammar.rule(
        "sought",
        "{o:common role=definite want=kin,friend,thing,container,pet}",
        lambda b: b.o,
        weight=2,
    )
    grammar.rule("sought", "{o:name}", lambda b: b.o)
    grammar.rule(
        "statement",
        "{s:subject want=person} {y:do-not tense=present s=$s} know/VERB " + place,
        lambda b: (
            f"{clause(b.s, VerbPhrase(Predicate('saber', state=True), 'present', True))} "
            f"{where_is(b)}"
        ),
        label="knowing where",
        weight=0.7,
        where=lambda b: b.s.apart_from(b.z),
    )
    grammar.rule(
        "question",
        "do/AUX you/PRON know/VERB " + place,
        lambda b: f"sabes {where_is(b)}",
        label="knowing where",
        weight=0.5,
    )
    grammar.rule(
        "statement",
        "{s:subject want=person} {y:do-not tense=present s=$s} know/VERB what/PRON "
        "{z:subject want=person} {w:wish form=present s=$z}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(Predicate('saber', state=True), 'present', True))} qué "
            f"{inverted(b.z, VerbPhrase(Predicate('querer', state=True), 'present'))}"
        ),
        label="knowing what",
        weight=0.4,
        where=lambda b: b.s.apart_from(b.z),
    )


def _add_ever(grammar: Grammar) -> None:
    grammar.rule(
        "question",
        "{x:fronted kind=have} {s:subject want=person agr=$x} ever/ADV been/AUX to/ADP "
        "{o:location-name}",
        lambda b: yes_or_no(
            b.s, VerbPhrase(Predicate("estar", f"alguna vez en {b.o.spanish}"), "perfect")
        ),
        label="ever",
        weight=0.5,
    )
    grammar.rule(
        "statement",
        "{s:subject want=person} {x:have tense=present s=$s} never/ADV been/AUX to/ADP "
        "{o:location-name}",
        lambda b: clause(
            b.s,
            VerbPhrase(Predicate("estar", f"en {b.o.spanish}"), "perfect", adverb="nunca"),
        ),
        label="never",
        weight=0.5,
        where=lambda b: not b.s.sweeping,
    )
    grammar.rule(
        "statement",
        "{s:subject want=person} {x:have tense=present s=$s} never/ADV {p:predicate "
        "form=participle s=$s}",
        lambda b: clause(b.s, VerbPhrase(b.p, "perfect", adverb="nunca")),
        label="never",
        weight=0.6,
        where=lambda b: b.p.inner is None and not b.p.affirmative and not b.s.sweeping,
    )


def _add_way(grammar: Grammar) -> None:
    def question(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("question", english, spanish, label=label, weight=weight, **features)

    question(
        "where/ADV is/AUX the/DET nearest/ADJ {n:near}",
        lambda b: f"dónde está {b.n.spanish} más {'cercana' if b.n.gender == 'f' else 'cercano'}",
        "finding the way",
        0.3,
    )
    question(
        "how/ADV do/AUX I/PRON get/VERB to/ADP the/DET {n:near}",
        lambda b: f"cómo llego a {b.n.spanish}",
        "finding the way",
        0.3,
    )
    question(
        "how/ADV far/ADV is/AUX the/DET {n:near}",
        lambda b: f"a qué distancia está {b.n.spanish}",
        "finding the way",
        0.2,
    )
    question(
        "is/AUX there/PRON a/DET {n:near} near/ADP here/ADV",
        lambda b: f"hay {'una' if b.n.gender == 'f' else 'un'} {b.n.lemma} cerca de aquí",
        "finding the way",
        0.3,
        where=lambda b: b.n.lemma[0] not in "aeiou",
    )
    question(
        "can/AUX I/PRON have/VERB {o:common role=given want=dish,drink,dessert,menu,bill}",
        lambda b: f"me puede traer {b.o.spanish}",
        "asking for something",
        0.3,
        joins="'traer'+o",
    )
    question(
        "how/ADV much/ADJ is/AUX {o:common role=definite agr=3s "
        "want=clothing,jewel,book,dish,device,ticket}",
        lambda b: f"cuánto cuesta {b.o.spanish}",
        "how much does it cost",
        0.4,
        where=lambda b: b.o.person == "3s",
    )

    @grammar.words("near")
    def _(given: Bound) -> Choices:
        return _near()

    grammar.rule(
        "statement",
        "{s:subject want=person} {v:possess form=present s=$s} more/ADJ {n:bare-noun want="
        "book,clothing,toy,friend,pet,device,money,time} than/ADP {o:companion}",
        lambda b: clause(
            b.s,
            VerbPhrase(
                Predicate(
                    "tener",
                    f"más {b.n.noun.in_spanish(b.n.determiner.number)[0]} que {b.o.spanish}",
                    state=True,
                ),
                "present",
            ),
        ),
        label="more things than",
        joins="'tener'+n",
        weight=0.6,
        where=lambda b: b.s.spanish != b.o.spanish,
    )


@cache
def _near() -> Choices:
    entries = []
    for noun in NOUNS:
        if not noun.classes & frozenset(_SOUGHT.split(",")) or "sg" not in noun.numbers():
            continue
        tokens = noun.in_english("sg")
        value = phrase(Determiner("the", "sg"), noun)
        entries.append(Entry(tokens, ("NOUN",) * len(tokens), value))
    return Choices(entries)
