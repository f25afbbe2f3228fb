"""Questions: yes or no, and those that ask who, what, where, when, why, how, which, how many.

Symbol: `question`. `inverted` is an English clause with its auxiliary in front of the subject.
"""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.complements import TAKES_PLACE, UNDER_WAY
from workbook.corpus.phrasebook.constructions.noun_phrases import PEOPLE, Bare, Determiner, phrase
from workbook.corpus.phrasebook.constructions.predicates import VerbUse
from workbook.corpus.phrasebook.constructions.tenses import not_obliged
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import NOUNS, Noun
from workbook.corpus.phrasebook.realise import (
    Nominal,
    Predicate,
    VerbPhrase,
    clause,
    inverted,
    yes_or_no,
)

_DO = (("do", "2s 1p 3p"), ("does", "3s"))
_BE = {
    "present": (("are", "2s 1p 3p"), ("is", "3s")),
    "past": (("were", "2s 1p 3p"), ("was", "3s")),
}
_HAVE = (("have", "2s 1p 3p"), ("has", "3s"))


@cache
def _fronted(kind: str, tense: str) -> Choices:
    table = {"do": _DO, "have": _HAVE}.get(kind) or _BE[tense]
    return Choices([Entry((word,), ("AUX",), agreements) for word, agreements in table])


def add(grammar: Grammar) -> None:
    """Add questions to the grammar."""

    @grammar.words("not-me")
    def _(given: Bound) -> Choices:
        return Choices([Entry((), (), "2s 3s 1p 3p")])

    @grammar.words("fronted")
    def _(given: Bound) -> Choices:
        return _fronted(given.kind, given.tense or "present")

    _add_inverted(grammar)
    _add_adjunct_questions(grammar)
    _add_object_questions(grammar)
    _add_subject_questions(grammar)
    _add_choices(grammar)


def _add_inverted(grammar: Grammar) -> None:
    """`inverted`: a pair of subject and verb phrase, ready for either order."""

    def rule(english: str, phrase, label: str, weight: float, **features) -> None:
        grammar.rule(
            "inverted",
            english,
            lambda b: (b.s, phrase(b)),
            label=label,
            weight=weight,
            **features,
        )

    rule(
        "{x:fronted kind=do} {s:subject want=agent agr=$x} {p:predicate form=do-present s=$s}",
        lambda b: VerbPhrase(b.p, "present"),
        "present",
        4,
        tense="present",
    )
    rule(
        "did/AUX {n:not-me} {s:subject want=agent agr=$n} {p:predicate form=do-past s=$s}",
        lambda b: VerbPhrase(b.p, "past"),
        "past",
        4,
        tense="past",
    )
    rule(
        "will/AUX {n:not-me} {s:subject want=agent agr=$n} {p:predicate form=will s=$s}",
        lambda b: VerbPhrase(b.p, "future"),
        "future",
        1.5,
        tense="future",
    )
    rule(
        "{x:fronted kind=be} {s:subject want=agent agr=$x} going/VERB to/PART "
        "{p:predicate form=inf s=$s}",
        lambda b: VerbPhrase(b.p.governed_by("ir", "a"), "present"),
        "going to",
        2,
        tense="future",
    )
    rule(
        "{x:fronted kind=be} {s:subject want=agent agr=$x} {p:predicate form=gerund s=$s}",
        lambda b: VerbPhrase(b.p, "progressive"),
        "progressive",
        2,
        tense="progressive",
    )
    rule(
        "{x:fronted kind=have} {s:subject want=person agr=$x} {p:predicate form=participle s=$s}",
        lambda b: VerbPhrase(b.p, "perfect"),
        "perfect",
        1,
        tense="perfect",
    )
    for english, verb, tense in (("can", "poder", "present"), ("should", "deber", "conditional")):
        rule(
            f"{english}/AUX {{s:subject want=person}} {{p:predicate form=inf s=$s}}",
            lambda b, verb=verb, tense=tense: VerbPhrase(b.p.governed_by(verb), tense),
            english,
            1,
            tense="modal",
            where=not_obliged,
        )


def _located(subject: Nominal) -> Predicate:
    """A thing or a person is somewhere with `estar`, an event with `ser`."""
    takes_place = bool(subject.classes & TAKES_PLACE)
    return Predicate("ser" if takes_place else "estar", state=not takes_place)


def _add_adjunct_questions(grammar: Grammar) -> None:
    def question(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("question", english, spanish, label=label, weight=weight, **features)

    question(
        "{c:inverted}",
        lambda b: yes_or_no(*b.c),
        "yes or no",
        10,
    )
    question(
        "{x:fronted kind=be} {s:subject want=any agr=$x} {c:complement s=$s}",
        lambda b: yes_or_no(b.s, VerbPhrase(b.c, "present")),
        "yes or no with be",
        6,
    )
    question(
        "{x:fronted kind=be tense=past} {s:subject want=any agr=$x} {c:complement s=$s}",
        lambda b: yes_or_no(b.s, VerbPhrase(b.c, "past")),
        "yes or no with be",
        2,
    )
    acts = lambda b: not b.c[1].state and not b.c[1].predicate.theme  # noqa: E731
    for english, spanish, tenses, weight in (
        ("why", "por qué", ("present", "past", "progressive"), 1.2),
        ("when", "cuándo", ("past", "future"), 1),
        ("where", "dónde", ("present", "past", "future"), 2),
        ("how often", "con qué frecuencia", ("present",), 0.6),
    ):
        words = " ".join(f"{word}/ADV" for word in english.split())
        for tense in tenses:
            question(
                f"{words} {{c:inverted tense={tense}}}",
                lambda b, spanish=spanish: f"{spanish} {inverted(*b.c)}",
                f"{english} question",
                weight,
                where=acts
                if english != "where"
                else lambda b: (
                    acts(b)
                    and b.c[1].predicate.verb in _SOMEWHERE
                    and not b.c[1].predicate.detailed
                    and not (b.c[1].predicate.verb in _LEADING and b.c[1].predicate.after)
                ),
            )
    question(
        "why/ADV {x:fronted kind=be} {s:subject want=person agr=$x} {a:state-adjective s=$s "
        "kind=mood}",
        lambda b: (
            "por qué "
            + inverted(
                b.s,
                VerbPhrase(
                    Predicate("estar", b.a.in_spanish(b.s.gender, b.s.number), state=True),
                    "present",
                ),
            )
        ),
        "why question",
        1,
        joins="a+s",
    )
    for tense, weight in (("present", 1.2), ("past", 0.5)):
        question(
            f"where/ADV {{x:fronted kind=be tense={tense}}} {{s:subject want=any agr=$x}}",
            lambda b, tense=tense: f"dónde {inverted(b.s, VerbPhrase(_located(b.s), tense))}",
            "where is",
            weight,
            where=lambda b: not b.s.classes & UNDER_WAY,
        )
    question(
        "where/ADV {x:fronted kind=be} {s:subject want=person agr=$x} from/ADP",
        lambda b: f"de dónde {inverted(b.s, VerbPhrase(Predicate('ser', state=True), 'present'))}",
        "where from",
        0.6,
    )
    question(
        "how/ADV {x:fronted kind=be} {s:subject want=person agr=$x}",
        lambda b: f"cómo {inverted(b.s, VerbPhrase(Predicate('estar', state=True), 'present'))}",
        "how is",
        0.7,
    )
    question(
        "how/ADV old/ADJ {x:fronted kind=be} {s:subject want=person agr=$x}",
        lambda b: (
            "cuántos años " + inverted(b.s, VerbPhrase(Predicate("tener", state=True), "present"))
        ),
        "how old",
        0.6,
    )
    question(
        "how/ADV much/ADJ {x:fronted kind=do} {s:common role=definite agr=$x want="
        + _PRICED
        + "} cost/VERB",
        lambda b: f"cuánto {inverted(b.s, VerbPhrase(Predicate('costar', state=True), 'present'))}",
        "how much does it cost",
        0.8,
    )
    question(
        "what/DET color/NOUN {x:fronted kind=be} {s:common role=definite agr=$x "
        "want=clothing,vehicle,flower}",
        lambda b: (
            f"de qué color {inverted(b.s, VerbPhrase(Predicate('ser', state=True), 'present'))}"
        ),
        "what color",
        0.5,
    )
    question(
        "what/DET time/NOUN {x:fronted kind=do} {s:common role=definite agr=$x "
        "want=shop,event,transit} "
        "{v:begins}",
        lambda b: f"a qué hora {inverted(b.s, VerbPhrase(Predicate(b.v), 'present'))}",
        "what time",
        0.5,
        where=lambda b: _OPENS[b.v] in b.s.classes,
    )
    question(
        "what/DET time/NOUN {c:inverted tense=past}",
        lambda b: f"a qué hora {inverted(*b.c)}",
        "what time",
        0.5,
        where=lambda b: acts(b) and b.c[1].predicate.inner is None,
    )

    @grammar.words("begins")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("VERB",), es) for en, es in _BEGINS])


_BEGINS = (
    ("open", "abrir"),
    ("close", "cerrar"),
    ("start", "empezar"),
    ("end", "terminar"),
    ("leave", "salir"),
    ("arrive", "llegar"),
)
_OPENS = {
    "abrir": "shop",
    "cerrar": "shop",
    "empezar": "event",
    "terminar": "event",
    "salir": "transit",
    "llegar": "transit",
}
_SOMEWHERE = frozenset(
    """comer estudiar trabajar comprar esperar dormir bailar nadar jugar cantar almorzar cenar
    desayunar descansar vivir caminar correr encontrar perder conocer celebrar aprender""".split()
)
_LEADING = frozenset({"caminar", "correr"})  # to somewhere, which answers the question
_PRICED = "clothing,fruit,dish,book,jewel,vehicle,device,furniture,ticket,toy,drink,dessert"


def _add_object_questions(grammar: Grammar) -> None:
    def question(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("question", english, spanish, label=label, weight=weight, **features)

    def asked(b: Bound, tense: str, words: str) -> str:
        asked_for = replace(b.v.predicate(), after="")
        return f"{words} {inverted(b.s, VerbPhrase(asked_for, tense))}"

    gaps = (
        ("{x:fronted kind=do} {s:subject want=person agr=$x} ", "do-present", "present"),
        ("did/AUX {n:not-me} {s:subject want=person agr=$n} ", "do-past", "past"),
        ("will/AUX {n:not-me} {s:subject want=person agr=$n} ", "will", "future"),
        ("{x:fronted kind=be} {s:subject want=person agr=$x} ", "gerund", "progressive"),
    )
    for before, form, tense in gaps:
        question(
            f"what/PRON {before}{{v:verb frame=transitive kind=things form={form} s=$s}}",
            lambda b, tense=tense: asked(b, tense, f"{_link(b.v)}qué"),
            "what question",
            1,
            where=lambda b: _asks_what(b.v),
        )
        question(
            f"who/PRON {before}{{v:verb frame=transitive kind=people form={form} s=$s}}",
            lambda b, tense=tense: asked(b, tense, f"{b.v.verb.preposition or 'a'} quién"),
            "whom question",
            0.5,
            where=lambda b: b.v.verb.english not in ("describe", "examine"),
        )
        question(
            f"which/DET {{o:asked}} {before}{{v:verb frame=transitive takes=$o form={form} s=$s}}",
            lambda b, tense=tense: asked(b, tense, f"{_link(b.v)}qué {b.o.spanish}"),
            "which question",
            0.5,
            joins="v+o",
            where=lambda b: (
                not b.o.human
                and b.v.verb.spanish not in ("saber", "extrañar")
                and b.v.verb.link == b.v.verb.preposition
            ),
        )
        question(
            f"how/ADV many/ADJ {{o:asked number=pl}} {before}"
            f"{{v:verb frame=transitive takes=$o form={form} s=$s}}",
            lambda b, tense=tense: asked(
                b, tense, f"{spanish_nouns.agree('cuánto', b.o.gender, 'pl')} {b.o.spanish}"
            ),
            "how many question",
            0.5,
            joins="v+o",
            where=lambda b: not b.o.human and b.v.verb.spanish in _COUNTABLE,
        )
    question(
        "how/ADV many/ADJ {o:asked number=pl had=yes} {x:fronted kind=do} "
        "{s:subject want=person agr=$x} have/VERB",
        lambda b: (
            f"{spanish_nouns.agree('cuánto', b.o.gender, 'pl')} {b.o.spanish} "
            + inverted(b.s, VerbPhrase(Predicate("tener", state=True), "present"))
        ),
        "how many question",
        0.7,
    )

    @grammar.words("asked")
    def _(given: Bound) -> Choices:
        return _asked(given.number or "", given.had == "yes")


_COUNTABLE = frozenset(
    """comprar comer vender leer escribir ver necesitar pedir visitar limpiar preparar encontrar
    perder lavar llevar romper traer""".split()
)
# Verbs of which one asks what for people's sake, or for other reasons not at all.
_NO_WHAT = frozenset("saber gastar ahorrar hacer hablar cepillar dirigir".split())
_WHAT_TOO = frozenset("ver mirar oír buscar necesitar recordar entender describir".split())


def _asks_what(use: VerbUse) -> bool:
    people = bool(use.verb.objects & {"person", "people", "kin", "friend"})
    asks = use.verb.spanish not in _NO_WHAT and (not people or use.verb.spanish in _WHAT_TOO)
    return asks and use.verb.link == use.verb.preposition


def _link(use: VerbUse) -> str:
    return f"{use.verb.preposition} " if use.verb.preposition else ""


@cache
def _asked(number: str, had: bool) -> Choices:
    """Nouns after which, how many: `which book`, `how many brothers`."""
    wanted = (
        frozenset("kin friend pet book clothing device furniture vehicle room toy class".split())
        if had
        else frozenset(
            """book shown clothing dish fruit dessert vehicle room sight city town song text game 
            vegetable furniture device jewel""".split()
        )
    )
    entries = []
    for noun in NOUNS:
        if not noun.classes & wanted:
            continue
        for own in noun.numbers():
            if own == "mass" or (number and own != number):
                continue
            tokens = noun.in_english(own)
            value = phrase(Determiner("bare", own), noun)
            entries.append(Entry(tokens, ("NOUN",) * len(tokens), value))
    return Choices(entries)


def _add_subject_questions(grammar: Grammar) -> None:
    def question(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("question", english, spanish, label=label, weight=weight, **features)

    @grammar.words("somebody")
    def _(given: Bound) -> Choices:
        return Choices([Entry((), (), _WHO)])

    for tense in ("past", "future", "progressive", "present", "perfect"):
        question(
            f"who/PRON {{s:somebody}} {{v:action tense={tense} s=$s}}",
            lambda b: f"quién {clause(b.s, b.v)}",
            "who question",
            0.5,
            where=lambda b: not b.v.predicate.theme and not b.v.negative,
        )
    question(
        "who/PRON {s:somebody} is/AUX {c:complement s=$s}",
        lambda b: f"quién {clause(b.s, VerbPhrase(b.c, 'present'))}",
        "who question",
        0.5,
    )
    question(
        "who/PRON {x:fronted kind=be} {s:who-subject agr=$x}",
        lambda b: (
            f"{'quién' if b.s.person[1] == 's' else 'quiénes'} "
            + inverted(b.s, VerbPhrase(Predicate("ser", state=True), "present"))
        ),
        "who is",
        0.5,
    )
    question(
        "whose/PRON {o:asked number=sg} is/AUX this/PRON",
        lambda b: f"de quién es {'esta' if b.o.gender == 'f' else 'este'} {b.o.spanish}",
        "whose question",
        0.4,
    )
    grammar.rule(
        "who-subject",
        "{c:common role=definite agr=$agr want=people,friend,role,monarch}",
        lambda b: b.c,
    )


_WHO = Nominal("quién", "3s", "3s", "m", "sg", PEOPLE, pronoun="who")


def _add_choices(grammar: Grammar) -> None:
    grammar.rule(
        "question",
        "do/AUX you/PRON {v:want-some} {a:bare-noun want=drink,dessert,fruit,dish} or/CONJ "
        "{c:bare-noun want=drink,dessert,fruit,dish}",
        lambda b: f"{b.v} {_word(b.a)} o {_word(b.c)}",
        label="or",
        joins="'querer'+a 'querer'+c",
        weight=0.6,
        where=lambda b: _alike(b.a.noun, b.c.noun),
    )
    grammar.rule(
        "question",
        "do/AUX you/PRON prefer/VERB {a:bare-noun want=drink,dessert,fruit,dish,meat} or/CONJ "
        "{c:bare-noun want=drink,dessert,fruit,dish,meat}",
        lambda b: f"prefieres {_kind(b.a)} o {_kind(b.c)}",
        label="or",
        joins="'preferir'+a 'preferir'+c",
        weight=0.4,
        where=lambda b: _alike(b.a.noun, b.c.noun),
    )

    @grammar.words("want-some")
    def _(given: Bound) -> Choices:
        return Choices([Entry(("want",), ("VERB",), "quieres")])


def _alike(first: Noun, second: Noun) -> bool:
    """Different things, neither of which is a kind of the other."""
    return (
        first != second
        and first.english not in second.classes
        and second.english not in first.classes
    )


def _word(chosen: Bare) -> str:
    return chosen.noun.in_spanish(chosen.determiner.number)[0]


def _kind(chosen: Bare) -> str:
    word, gender, number = chosen.noun.in_spanish(chosen.determiner.number)
    return f"{spanish_nouns.article('definite', gender, number, word)} {word}"
