"""Statements of one clause, with their adverbials; and what is said of doing something."""

from dataclasses import dataclass, replace
from functools import cache

from workbook.corpus.phrasebook import realise, spanish_nouns
from workbook.corpus.phrasebook.constructions.adverbials import tag, usual
from workbook.corpus.phrasebook.constructions.noun_phrases import pronoun
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon.tables import rows
from workbook.corpus.phrasebook.realise import Predicate, VerbPhrase, clause


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)
    _add_simple(grammar)
    _add_impersonal(grammar)
    _add_answers(grammar)
    _add_durations(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("impersonal")
    def _(given: Bound) -> Choices:
        return Choices(
            [
                Entry((english,), ("ADJ",), Means(spanish, group))
                for english, spanish, group in rows(_IMPERSONAL)
                if not given.group or group == given.group
            ]
        )


def _add_simple(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str = "", weight: float = 1, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    said = lambda b: clause(b.s, b.v)  # noqa: E731 - one meaning under a short name
    statement("{s:subject want=agent} {v:action s=$s}", said, weight=16)
    statement("{s:subject want=any} {v:being s=$s}", said, weight=14)
    happens = lambda b: not b.v.state and not b.v.predicate.theme  # noqa: E731
    for tense, when, weight in (
        ("past", "past", 5),
        ("future", "future", 4),
        ("present", "habit", 4),
        ("progressive", "progressive", 1),
        ("perfect", "perfect", 0.6),
        ("imperfect", "habit", 0.6),
    ):
        statement(
            f"{{s:subject want=agent}} {{v:action tense={tense} s=$s}} {{t:time when={when}}}",
            lambda b: f"{clause(b.s, b.v)} {b.t}",
            f"time of {when}",
            weight,
            where=(lambda b: happens(b) and not (b.v.negative and "perfect" in b.v.tense))
            if when != "habit"
            else lambda b: happens(b) and usual(b.v, b.t),
        )
    for tense, weight in (("past", 2), ("future", 1.5)):
        statement(
            f"{{t:time when={tense}}} {{s:subject want=person}} {{v:action tense={tense} s=$s}}",
            lambda b: f"{b.t} {clause(b.s, b.v)}",
            "time in front",
            weight,
            where=happens,
        )
    statement(
        "{s:subject want=person} {v:being tense=present s=$s} today/NOUN",
        lambda b: f"hoy {clause(b.s, b.v)}",
        "being today",
        0.8,
        where=lambda b: b.v.predicate.verb == "estar",
    )
    statement(
        "{s:subject want=person} {v:being tense=past s=$s} {t:time when=past}",
        lambda b: f"{clause(b.s, b.v)} {b.t}",
        "being at a time",
        1,
        where=lambda b: b.v.predicate.verb == "estar",
    )


@dataclass(frozen=True)
class Means:
    """What one needs for a group of activities, or says of them."""

    spanish: str
    group: str


# english | spanish | the activities it is said of
_IMPERSONAL = """
important | importante | study
important | importante | healthy
important | importante | chore
necessary | necesario | chore
necessary | necesario | study
easy | fácil | study
difficult | difícil | study
dangerous | peligroso | risky
fun | divertido | fun
nice | agradable | fun
healthy | saludable | healthy
good | bueno | healthy
better | mejor | healthy
possible | posible | trip
cheaper | más barato | trip
"""


def _add_answers(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, where=None) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, where=where)

    for word, said, negative in (("yes", "sí", False), ("no", "no", True)):
        for answer in (
            "{s:subject want=person} {v:action s=$s}",
            "{s:subject want=any} {v:being s=$s}",
        ):
            statement(
                f"{word}/INTJ ,/PUNCT {answer}",
                lambda b, said=said: f"{said}, {clause(b.s, b.v)}",
                "yes and no",
                1,
                where=lambda b, negative=negative: b.v.negative == negative,
            )
    statement(
        "maybe/ADV {s:subject want=any} {x:be tense=present s=$s} {c:complement s=$s}",
        lambda b: f"tal vez {clause(b.s, VerbPhrase(b.c, 'subjunctive'))}",
        "maybe",
        0.5,
    )
    statement(
        "maybe/ADV {s:subject want=person} {x:will s=$s} {p:predicate form=will s=$s}",
        lambda b: f"tal vez {clause(b.s, VerbPhrase(b.p, 'subjunctive'))}",
        "maybe",
        0.4,
    )


def _add_impersonal(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("anybody")
    def _(given: Bound) -> Choices:
        return Choices([Entry((), (), replace(pronoun("he"), pronoun="one"))])

    statement(
        "{i:anybody} it/PRON is/AUX {a:impersonal} to/PART {p:activity form=inf s=$i "
        "group=$a.group}",
        lambda b: f"es {b.a.spanish} {realise.infinitive(b.p, '3s')}",
        "it is important to",
        1,
    )
    for group in ("study", "healthy", "risky", "fun", "trip"):
        statement(
            f"{{i:anybody}} {{p:activity form=ing s=$i group={group}}} is/AUX "
            f"{{a:impersonal group={group}}}",
            lambda b: f"{realise.infinitive(b.p, '3s')} es {b.a.spanish}",
            "doing is fun",
            0.3,
        )


_LASTING = """
lived here | vivir | aquí
worked here | trabajar | aquí
studied Spanish | estudiar | español
studied English | estudiar | inglés
lived in this city | vivir | en esta ciudad
lived in this house | vivir | en esta casa
worked at this company | trabajar | en esta empresa
known Ana | conocer | a Ana
known Carlos | conocer | a Carlos
been married | estar | casado
been sick | estar | enfermo
been here | estar | aquí
had this car | tener | este coche
played the piano | tocar | el piano
played the guitar | tocar | la guitarra
"""


@cache
def _lasting(gender: str, number: str) -> Choices:
    entries = []
    for english, verb, rest in rows(_LASTING):
        tokens = tuple(english.split())
        if rest in ("casado", "enfermo"):
            rest = spanish_nouns.agree(rest, gender, number)
        first = "AUX" if tokens[0] == "been" else "VERB"
        tags = (first, *(_lasting_tag(word) for word in tokens[1:]))
        entries.append(Entry(tokens, tags, Predicate(verb, rest)))
    return Choices(entries)


def _lasting_tag(word: str) -> str:
    if word in ("Ana", "Carlos"):
        return "PROPN"
    return "ADJ" if word in ("married", "sick") else tag(word)


def _add_durations(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("lasting")
    def _(given: Bound) -> Choices:
        return _lasting(given.s.gender, given.s.number)

    statement(
        "{s:subject want=person} {x:have tense=present s=$s} {p:lasting s=$s} for/ADP {d:span}",
        lambda b: f"{clause(b.s, VerbPhrase(b.p, 'present'))} desde hace {b.d}",
        "for some years now",
        0.8,
        where=lambda b: b.s.spanish != b.p.after.removeprefix("a "),
    )
    statement(
        "{s:subject want=person} {x:have tense=present s=$s} {p:lasting s=$s} "
        "since/ADP {y:year recent=yes}",
        lambda b: f"{clause(b.s, VerbPhrase(b.p, 'present'))} desde {b.y}",
        "since",
        0.5,
        where=lambda b: b.s.spanish != b.p.after.removeprefix("a "),
    )
    statement(
        "{s:subject want=person} {p:verb frame=intransitive kind=lasting form=past s=$s} for/ADP "
        "{d:span short=yes}",
        lambda b: f"{clause(b.s, VerbPhrase(b.p.predicate(), 'preterite'))} durante {b.d}",
        "for a while",
        0.6,
    )
