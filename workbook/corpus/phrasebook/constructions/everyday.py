"""Everyday ways to say things: there is, names, prices, pain, set phrases, nothing and nobody.

Most have no counterpart word by word: what English says with *be* or *have*, Spanish says with
`haber`, `tener`, `llamarse` or `doler`.
"""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.adverbials import adverbials
from workbook.corpus.phrasebook.constructions.noun_phrases import (
    Determiner,
    Named,
    phrase,
    pronoun,
)
from workbook.corpus.phrasebook.english_forms import past as english_past
from workbook.corpus.phrasebook.english_forms import third_person
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import NOUNS
from workbook.corpus.phrasebook.lexicon import words as small_words
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.numbers import (
    in_english,
    in_spanish,
)
from workbook.corpus.phrasebook.realise import (
    Predicate,
    VerbPhrase,
    clause,
)

# What is found where: place | Spanish | classes of nouns
_SCENES = """
in the kitchen | en la cocina | furniture kitchenware appliance
in the refrigerator | en el refrigerador | fruit vegetable dish dessert drink meat cheese butter
on the table | sobre la mesa | book kitchenware fruit dish flower text stationery jewel
on the desk | sobre el escritorio | book stationery device papers
in the bag | en la bolsa | fruit book clothing stationery
in the box | en la caja | toy book tool clothing
in the drawer | en el cajón | stationery papers thing
in the closet | en el armario | clothing
in the living room | en la sala | furniture people pet
in the garden | en el jardín | flower plant pet bird insect
in the park | en el parque | people plant bird street-thing
in the street | en la calle | vehicle people pet street-thing
in the city | en la ciudad | shop sight leisure eatery school
in this town | en este pueblo | shop eatery sight school
near the station | cerca de la estación | shop eatery
near my house | cerca de mi casa | shop eatery leisure school
in the classroom | en el salón de clases | people student chair table
on the wall | en la pared | artwork
in the suitcase | en la maleta | clothing book
on the farm | en la granja | livestock
in the forest | en el bosque | wild plant bird
in the sky | en el cielo | cloud bird stars
in the lake | en el lago | duck swan
on the bus | en el autobús | people
in the garage | en el garaje | vehicle tool
"""
# Where one thing is, seen from another: english | spanish | near what | what is there
_RELATIONS = """
on | sobre | surface | book kitchenware stationery jewel phone fruit toy text key
under | debajo de | furniture | pet toy shoe ball box
under | debajo de | vehicle | cat dog ball
behind | detrás de | furniture | pet toy box
behind | detrás de | building | eatery shop vehicle station
behind | detrás de | door | broom umbrella pet
in front of | delante de | building | vehicle eatery shop statue bench
in front of | delante de | shop | vehicle bench eatery
next to | al lado de | furniture | furniture pet container
next to | al lado de | shop | eatery shop station
next to | al lado de | building | eatery shop office
near | cerca de | station | shop eatery building office institution
near | cerca de | sight | shop eatery
near | cerca de | leisure | shop eatery school
far from | lejos de | station | office institution shop leisure school
in | en | container | book jewel stationery clothing papers
in | en | room | furniture people pet appliance
in | en | yard | pet people
in | en | home | pet people
near | cerca de | outdoors | hotel eatery shop building
"""


def add(grammar: Grammar) -> None:
    """Add everyday constructions to the grammar."""
    _add_places_of_things(grammar)
    _add_names_and_prices(grammar)
    _add_pain_and_illness(grammar)
    _add_phrases(grammar)
    _add_nothing(grammar)


@cache
def _scenes(classes: frozenset[str]) -> Choices:
    return Choices(
        [
            Entry(tokens, tags, spanish)
            for tokens, tags, (spanish, found) in adverbials(_SCENES)
            if classes & frozenset(found.split())
        ]
    )


_FOUND = frozenset(word for row in rows(_SCENES) for word in row[2].split())


# Where a place is, without another: english | spanish
_WHEREABOUTS_OF_PLACES = """
near here | cerca de aquí
far from here | lejos de aquí
on the left | a la izquierda
on the right | a la derecha
downtown | en el centro
on this street | en esta calle
"""
_PLACES = frozenset("shop eatery building institution station leisure sight school study".split())


@cache
def _relations(classes: frozenset[str], lemma: str) -> Choices:
    entries = []
    if classes & _PLACES:
        for tokens, tags, (spanish,) in adverbials(_WHEREABOUTS_OF_PLACES):
            entries += [Entry(tokens, tags, Named(spanish, spanish))] * 3
    for english, spanish, near, placed in rows(_RELATIONS):
        if not classes & frozenset(placed.split()):
            continue
        for noun in NOUNS:
            if near not in noun.classes or "sg" not in noun.numbers() or noun.spanish == lemma:
                continue
            words = phrase(Determiner("the", "sg"), noun).spanish
            name = noun.in_english("sg")
            tokens = (*english.split(), "the", *name)
            tags = (*("ADP" if word != "front" else "NOUN" for word in english.split()), "DET")
            tags += ("NOUN",) * len(name)
            entries.append(
                Entry(tokens, tags, Named(f"{spanish} {words}", f"{spanish} {noun.spanish}"))
            )
    return Choices(entries)


def _add_places_of_things(grammar: Grammar) -> None:
    @grammar.words("scene")
    def _(given: Bound) -> Choices:
        return _scenes(given.of.classes)

    @grammar.words("relation")
    def _(given: Bound) -> Choices:
        return _relations(given.s.classes, given.s.lemma)

    found = ",".join(sorted(_FOUND))
    for be, tense, haber in (
        ("is", "present", "hay"),
        ("was", "past", "había"),
        ("are", "present", "hay"),
        ("were", "past", "había"),
    ):
        agr = "3s" if be in ("is", "was") else "3p"
        weight = 1.2 if tense == "present" else 0.4
        grammar.rule(
            "statement",
            f"there/PRON {be}/VERB {{o:common role=indefinite agr={agr} want={found}}} "
            f"{{p:scene of=$o}}",
            lambda b, haber=haber: f"{haber} {b.o.spanish} {b.p}",
            label="there is",
            weight=weight,
        )
        if agr == "3p":
            grammar.rule(
                "question",
                f"{be}/VERB there/PRON {{n:bare-noun want={found}}} {{p:scene of=$n.noun}}",
                lambda b, haber=haber: (
                    f"{haber} {b.n.noun.in_spanish(b.n.determiner.number)[0]} {b.p}"
                ),
                label="is there",
                weight=weight / 2,
                where=lambda b: b.n.determiner.number == "pl",
            )
            grammar.rule(
                "question",
                f"how/ADV many/ADJ {{n:bare-noun want={found}}} {be}/VERB there/PRON "
                f"{{p:scene of=$n.noun}}",
                lambda b, haber=haber: (
                    f"{spanish_nouns.agree('cuánto', b.n.noun.gender, 'pl')} "
                    f"{b.n.noun.in_spanish('pl')[0]} {haber} {b.p}"
                ),
                label="how many are there",
                weight=weight / 2,
                where=lambda b: b.n.determiner.number == "pl",
            )
    grammar.rule(
        "statement",
        f"there/PRON is/VERB {{n:bare-noun want={found}}} {{p:scene of=$n.noun}}",
        lambda b: f"hay {b.n.noun.in_spanish('mass')[0]} {b.p}",
        label="there is",
        weight=0.3,
        where=lambda b: b.n.determiner.number == "mass",
    )
    for be, haber in (("is", "hay"), ("was", "había"), ("are", "hay"), ("were", "había")):
        grammar.rule(
            "statement",
            f"there/PRON {be}/VERB no/DET {{n:bare-noun want={found}}} {{p:scene of=$n.noun}}",
            lambda b, haber=haber: (
                f"no {haber} {b.n.noun.in_spanish(b.n.determiner.number)[0]} {b.p}"
            ),
            label="there is no",
            weight=0.3 if haber == "hay" else 0.1,
            where=lambda b, be=be: (b.n.determiner.number == "mass") == (be in ("is", "was")),
        )
    grammar.rule(
        "complement",
        "{r:relation s=$s}",
        lambda b: Predicate("estar", b.r.spanish, state=True, lemma=b.r.lemma),
        label="place of a thing",
        weight=3,
        where=lambda b: b.s.definite,
    )


_COSTS = "clothing,book,jewel,device,toy,ticket,artwork,instrument,furniture"


def _add_names_and_prices(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("price")
    def _(given: Bound) -> Choices:
        return _prices()

    statement("my/PRON name/NOUN is/AUX {n:name}", "me llamo {n.spanish}", "name", 0.4)
    statement(
        "{k:common role=definite agr=3s want=kin} 's/PART name/NOUN is/AUX {n:name}",
        lambda b: f"{b.k.spanish} se llama {b.n.spanish}",
        "name",
        0.5,
        where=lambda b: b.k.gender == b.n.gender,
    )
    grammar.rule(
        "question",
        "what/PRON is/AUX {k:common role=definite agr=3s want=kin,friend,pet} 's/PART name/NOUN",
        lambda b: f"cómo se llama {b.k.spanish}",
        label="name",
        weight=0.4,
    )
    statement(
        f"{{s:common role=definite agr=3s want={_COSTS}}} costs/VERB {{p:price}}",
        lambda b: f"{b.s.spanish} cuesta {b.p}",
        "price",
        0.8,
        where=lambda b: b.s.person == "3s",
    )
    statement("it/PRON costs/VERB {p:price}", "cuesta {p}", "price", 0.3)
    statement(
        f"{{s:subject want=person}} paid/VERB {{p:price}} for/ADP {{o:common role=definite "
        f"want={_COSTS}}}",
        lambda b: f"{clause(b.s, VerbPhrase(Predicate('pagar'), 'past'))} {b.p} por {b.o.spanish}",
        "price",
        0.6,
    )


@cache
def _prices() -> Choices:
    entries = []
    for english, spanish in (("dollars", "dólares"), ("euros", "euros"), ("pesos", "pesos")):
        for amount in (
            *range(2, 31),
            35,
            40,
            45,
            50,
            60,
            70,
            75,
            80,
            90,
            100,
            120,
            150,
            200,
            250,
            300,
            400,
            500,
            700,
            900,
            1000,
        ):
            tokens = in_english(amount)
            entries.append(
                Entry(
                    (*tokens, english),
                    (*("NUM" for _ in tokens), "NOUN"),
                    f"{in_spanish(amount, 'm')} {spanish}",
                )
            )
    return Choices(entries)


def _add_pain_and_illness(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("hurting")
    def _(given: Bound) -> Choices:
        return _hurting(given.number)

    statement("my/PRON {n:hurting number=sg} hurts/VERB", "me duele {n}", "doler", 0.5)
    statement("my/PRON {n:hurting number=pl} hurt/VERB", "me duelen {n}", "doler", 0.4)
    grammar.rule(
        "question",
        "does/AUX your/PRON {n:hurting number=sg} hurt/VERB",
        "te duele {n}",
        label="doler",
        weight=0.2,
    )
    grammar.rule(
        "question",
        "do/AUX your/PRON {n:hurting number=pl} hurt/VERB",
        "te duelen {n}",
        label="doler",
        weight=0.2,
    )
    statement(
        "{s:name} 's/PART {n:hurting number=sg} hurts/VERB",
        "a {s.spanish} le duele {n}",
        "doler",
        0.5,
    )
    statement(
        "{s:subject want=person} {v:possess form=present s=$s} a/DET {n:ailment}",
        lambda b: clause(b.s, VerbPhrase(Predicate("tener", b.n, state=True), "present")),
        "illness",
        0.8,
    )
    statement(
        "{s:subject want=person} had/VERB a/DET {n:ailment} {t:time when=past}",
        lambda b: f"{clause(b.s, VerbPhrase(Predicate('tener', b.n), 'preterite'))} {b.t}",
        "illness",
        0.4,
        where=lambda b: not b.t.startswith("a la"),
    )

    @grammar.words("ailment")
    def _(given: Bound) -> Choices:
        return _ailments()


@cache
def _hurting(number: str) -> Choices:
    entries = []
    for noun in NOUNS:
        if "hurts" not in noun.classes or number not in noun.numbers():
            continue
        tokens = noun.in_english(number)
        entries.append(Entry(tokens, ("NOUN",), phrase(Determiner("the", number), noun)))
    return Choices(entries)


@cache
def _ailments() -> Choices:
    entries = []
    for noun in NOUNS:
        if "ailment" not in noun.classes:
            continue
        bare = noun.english in ("headache", "stomachache", "toothache", "fever", "cough")
        word = noun.spanish if bare else f"un {noun.spanish}"
        entries.append(Entry((noun.english,), ("NOUN",), word))
    return Choices(entries)


def _add_phrases(grammar: Grammar) -> None:
    for english, spanish, kind in rows(small_words.PHRASES):
        grammar.rule(kind, english, spanish, label="set phrase", weight=0.03)


_ANYBODY_NOW = (("see", "ver"), ("know", "conocer"))
_ANYBODY_THEN = (("see", "ver"), ("hear", "oír"), ("invite", "invitar"), ("call", "llamar"))
# What lasts: its past is an imperfect; and what may be said of the present.
_STATES = frozenset("saber querer necesitar recordar".split())
_LASTS = _STATES | {"entender", "ver", "oír"}
_NOTHINGS = """
eat | comer
buy | comprar
see | ver
know | saber
hear | oír
say | decir
do | hacer
want | querer
need | necesitar
find | encontrar
understand | entender
remember | recordar
drink | beber
"""


@cache
def _thing_verbs(form: str, agreement: str) -> Choices:
    entries = []
    for english, spanish in pairs(_NOTHINGS):
        word = english
        if form == "past":
            word = english_past(english)
        elif agreement == "3s":
            word = third_person(english)
        entries.append(Entry((word,), ("VERB",), spanish))
    return Choices(entries)


def _lasting(verb: str, tense: str) -> str:
    return "imperfect" if tense == "preterite" and verb in _STATES else tense


def _add_nothing(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("anything-verb")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("VERB",), es) for en, es in pairs(_NOTHINGS)])

    @grammar.words("nobody")
    def _(given: Bound) -> Choices:
        return Choices([Entry((), (), replace(pronoun("he"), pronoun="nobody"))])

    for tense, own in (("present", "present"), ("past", "preterite")):
        statement(
            f"{{s:subject want=person}} {{x:do-not tense={tense} s=$s}} {{v:anything-verb}} "
            "anything/PRON",
            lambda b, own=own: clause(
                b.s, VerbPhrase(Predicate(b.v, "nada"), _lasting(b.v, own), True)
            ),
            "nothing",
            0.7,
            where=(lambda b: b.v in _LASTS) if tense == "present" else None,
        )
    for tense, own in (("present", "present"), ("past", "preterite")):
        for word, said in (("everything", "todo"), ("something", "algo")):
            statement(
                f"{{s:subject want=person}} {{v:thing-verb form={tense} s=$s}} {word}/PRON",
                lambda b, own=own, said=said: clause(
                    b.s, VerbPhrase(Predicate(b.v, said), _lasting(b.v, own))
                ),
                "everything and something",
                0.3,
                where=(lambda b: b.v in _LASTS) if tense == "present" else None,
            )
        statement(
            f"{{s:subject want=person}} {{x:do-not tense={tense} s=$s}} {{v:anybody-verb "
            f"form={tense}}} anyone/PRON",
            lambda b, own=own: clause(b.s, VerbPhrase(Predicate(b.v, "a nadie"), own, True)),
            "nobody",
            0.25,
        )

    @grammar.words("anybody-verb")
    def _(given: Bound) -> Choices:
        verbs = _ANYBODY_NOW if given.form == "present" else _ANYBODY_THEN
        return Choices([Entry((en,), ("VERB",), es) for en, es in verbs])

    @grammar.words("thing-verb")
    def _(given: Bound) -> Choices:
        return _thing_verbs(given.form, given.s.agreement)

    @grammar.words("someone")
    def _(given: Bound) -> Choices:
        one = replace(pronoun("he"), spanish="alguien", pronoun="", definite=False, sweeping=True)
        return Choices([Entry((word,), ("PRON",), one) for word in ("somebody", "someone")])

    for tense in ("past", "future", "progressive", "perfect"):
        statement(
            f"{{s:someone}} {{v:action tense={tense} s=$s}}",
            lambda b: clause(b.s, b.v),
            "somebody",
            0.3,
            where=lambda b: not b.v.negative and not b.v.predicate.theme,
        )
    for tense in ("present", "past", "future"):
        statement(
            f"{{s:nobody}} nobody/PRON {{v:action tense={tense} s=$s}}",
            lambda b: (
                "nadie " + clause(b.s, replace(b.v, predicate=b.v.predicate.under_negation()))
            ),
            "nobody",
            0.4,
            where=lambda b: (
                not b.v.negative and not b.v.predicate.theme and not b.v.predicate.affirmative
            ),
        )
