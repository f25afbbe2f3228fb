"""*bank*: `banco` where money is meant, `orilla` beside water.

The deciding word often comes later ("I arrived at the bank after crossing the street / the
river"). A rule's label ends in the sense, so that a sentence's sense is known.
"""

from dataclasses import dataclass
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.adverbials import tags_of
from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, phrase
from workbook.corpus.phrasebook.english_forms import gerund, past
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import NOUNS, noun_named
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.numbers import WEEKDAYS
from workbook.corpus.phrasebook.realise import (
    Nominal,
    Predicate,
    VerbPhrase,
    clause,
    infinitive,
    yes_or_no,
)
from workbook.corpus.phrasebook.spanish_verbs import gerund as spanish_gerund

BANKS = {"money": "el banco", "river": "la orilla"}


# Verbs that reach a bank: english | Spanish verb and preposition
REACHING = """
arrive at | llegar a
get to | llegar a
walk to | caminar a
run to | correr a
return to | volver a
come to | venir a
go to | ir a
"""


# What is crossed first, in pairs that differ in the sense alone: money | Spanish | river | Spanish
_CROSSED = """
street | la calle | river | el río
avenue | la avenida | lake | el lago
road | la carretera | stream | el arroyo
square | la plaza | canal | el canal
highway | la autopista | water | el agua
park | el parque | lagoon | la laguna
"""


# What else tells the senses apart: sense | english | Spanish | uses
_CLUES = """
money | leave the office | salir de la oficina | after
money | park the car | estacionar el coche | after before
money | go to the post office | ir a la oficina de correos | after before
money | talk to the lawyer | hablar con el abogado | after before
money | buy the newspaper | comprar el periódico | after before
money | have lunch downtown | almorzar en el centro | after before
money | open an account | abrir una cuenta | purpose
money | take out money | sacar dinero | purpose while
money | deposit the money | depositar el dinero | purpose while
money | deposit a check | depositar un cheque | purpose while
money | cash a check | cobrar un cheque | purpose while
money | change dollars | cambiar dólares | purpose while
money | ask for a loan | pedir un préstamo | purpose
money | pay the rent | pagar la renta | purpose while
money | pay the bills | pagar las cuentas | purpose while
money | sign the contract | firmar el contrato | purpose while
money | talk to the manager | hablar con el gerente | purpose while
money | ask for a credit card | pedir una tarjeta de crédito | purpose
river | swim in the river | nadar en el río | after
river | swim across the lake | cruzar el lago a nado | after
river | row for an hour | remar durante una hora | after
river | sail all day | navegar todo el día | after
river | walk through the forest | caminar por el bosque | after
river | cross the wooden bridge | cruzar el puente de madera | after
river | swim | nadar | purpose
river | watch the ducks | mirar los patos | purpose while
river | watch the boats | mirar los barcos | purpose while
river | look at the water | mirar el agua | purpose while
river | wash the clothes in the water | lavar la ropa en el agua | purpose while
river | take photos of the swans | tomar fotos de los cisnes | purpose while
river | rest under the trees | descansar bajo los árboles | purpose while
river | look for frogs | buscar ranas | purpose while
river | pick flowers | recoger flores | purpose while
river | wait for the boat | esperar el bote | purpose while
river | listen to the water | escuchar el agua | purpose while
river | camp | acampar | purpose
"""


# What a bank is like: sense | english with TAGS | copula | Spanish adjective or - | rest
_DESCRIBED = """
money | closed/ADJ on/ADP Saturdays/PROPN | estar | cerrado | los sábados
money | closed/ADJ on/ADP Sundays/PROPN | estar | cerrado | los domingos
money | full/ADJ of/ADP customers/NOUN | estar | lleno | de clientes
money | full/ADJ of/ADP employees/NOUN | estar | lleno | de empleados
money | full/ADJ of/ADP money/NOUN | estar | lleno | de dinero
money | open/ADJ until/ADP six/NUM o'clock/ADV | estar | abierto | hasta las seis
money | open/ADJ in/ADP the/DET morning/NOUN | estar | abierto | por la mañana
money | next/ADV to/ADP the/DET post/NOUN office/NOUN | estar | - | al lado de la oficina de correos
money | in/ADP front/NOUN of/ADP the/DET supermarket/NOUN | estar | - | delante del supermercado
money | on/ADP the/DET corner/NOUN of/ADP this/DET street/NOUN | estar | - | en la esquina de
    esta calle
money | near/ADP my/PRON office/NOUN | estar | - | cerca de mi oficina
money | one/NUM of/ADP the/DET richest/ADJ in/ADP the/DET country/NOUN | ser | - | uno de los
    más ricos del país
river | covered/ADJ with/ADP grass/NOUN | estar | cubierto | de hierba
river | covered/ADJ with/ADP mud/NOUN | estar | cubierto | de lodo
river | covered/ADJ with/ADP snow/NOUN | estar | cubierto | de nieve
river | covered/ADJ with/ADP leaves/NOUN | estar | cubierto | de hojas
river | full/ADJ of/ADP flowers/NOUN | estar | lleno | de flores
river | full/ADJ of/ADP frogs/NOUN | estar | lleno | de ranas
river | full/ADJ of/ADP stones/NOUN | estar | lleno | de piedras
river | full/ADJ of/ADP trees/NOUN | estar | lleno | de árboles
river | full/ADJ of/ADP ducks/NOUN | estar | lleno | de patos
river | wet/ADJ after/ADP the/DET flood/NOUN | estar | mojado | después de la inundación
river | very/ADV muddy/ADJ | estar | muy | lodosa
"""


_STREAMS = "river lake stream canal".split()


_ALONG = """
walk along | caminar | por
run along | correr | por
sit down on | sentarse | en
rest on | descansar | en
sleep on | dormir | en
play on | jugar | en
camp on | acampar | en
"""


_GROWING = "flower tree stone plant rock bush".split()


@dataclass(frozen=True)
class Clue:
    """What tells which bank is meant, or what is crossed: a predicate and its name."""

    predicate: Predicate
    lemma: str


def _tagged(english: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words = [piece.rsplit("/", 1) for piece in english.split()]
    return tuple(word for word, _ in words), tuple(tag for _, tag in words)


def crossed_pairs() -> list[tuple[str, str]]:
    """The Spanish names of what is crossed, as pairs of the two senses."""
    return [(row[1], row[3]) for row in rows(_CROSSED)]


def ways_of_reaching() -> list[str]:
    """The Spanish verbs of reaching, each once."""
    return list(dict.fromkeys(spanish for _, spanish in pairs(REACHING)))


def bank_probe_ways() -> list[tuple[str, str, str]]:
    """Held ways to a bank: verb with preposition in the past, what is crossed for each sense."""
    found = []
    ways = ways_of_reaching()
    for english, spanish in pairs(REACHING):
        verb, preposition = english.split()
        for other, (money, _, river, _) in enumerate(rows(_CROSSED)):
            if (ways.index(spanish) + other) % 3 == 0:
                found.append((f"{past(verb)} {preposition}", money, river))
    return found


@cache
def _crossings(sense: str) -> Choices:
    entries = []
    for money, calle, river, rio in rows(_CROSSED):
        english, spanish = (money, calle) if sense == "money" else (river, rio)
        clue = Clue(Predicate("cruzar", spanish), f"cruzar {spanish}")
        entries.append(Entry((english,), ("NOUN",), clue))
    return Choices(entries)


@cache
def _clues(sense: str, use: str, form: str) -> Choices:
    entries = []
    for own, english, spanish, uses in rows(_CLUES):
        if own != sense or use not in uses.split():
            continue
        verb, *rest = english.split()
        infinitive_, _, after = spanish.partition(" ")
        tokens = (gerund(verb) if form == "gerund" else verb, *rest)
        tags = ("VERB", *tags_of(rest))
        entries.append(Entry(tokens, tags, Clue(Predicate(infinitive_, after), spanish)))
    return Choices(entries)


@dataclass(frozen=True)
class Reaching:
    """A verb of reaching a place."""

    spanish: str
    lemma: str


@cache
def _reaching(form: str, on_purpose: bool) -> Choices:
    entries = []
    for english, spanish in pairs(REACHING):
        if on_purpose and spanish == "llegar a":
            continue
        verb, preposition = english.split()
        word = past(verb) if form == "past" else verb
        value = Reaching(spanish.split()[0], spanish)
        entries.append(Entry((word, preposition), ("VERB", "ADP"), value))
    return Choices(entries)


@cache
def _described(sense: str) -> Choices:
    entries = []
    gender = "m" if sense == "money" else "f"
    for own, english, copula, adjective, rest in rows(_DESCRIBED):
        if own == sense:
            tokens, tags = _tagged(english)
            head = "" if adjective == "-" else spanish_nouns.agree(adjective, gender, "sg")
            if adjective == "muy":
                head = "muy"
            predicate = Predicate(copula, f"{head} {rest}".strip(), state=True)
            entries.append(Entry(tokens, tags, predicate))
    return Choices(entries)


def _bank(sense: str) -> Nominal:
    gender = "m" if sense == "money" else "f"
    return Nominal(BANKS[sense], "3s", "3s", gender, "sg", lemma=BANKS[sense].split()[1])


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)
    for sense in BANKS:
        _add_bank(grammar, sense)
    _add_money_bank(grammar)
    _add_river_bank(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("reaching")
    def _(given: Bound) -> Choices:
        return _reaching(given.form, given.purpose == "yes")

    @grammar.words("crossing")
    def _(given: Bound) -> Choices:
        return _crossings(given.sense)

    @grammar.words("clue")
    def _(given: Bound) -> Choices:
        return _clues(given.sense, given.use, given.form or "inf")

    @grammar.words("bank-described")
    def _(given: Bound) -> Choices:
        return _described(given.sense)


def _add_bank(grammar: Grammar, sense: str) -> None:
    bank = BANKS[sense]
    label = f"bank {sense}"

    def rule(kind: str, english: str, spanish, weight: float, **features) -> None:
        grammar.rule(kind, english, spanish, label=label, weight=1.5 * weight, **features)

    def reached(b: Bound, tense: str) -> str:
        predicate = Predicate(b.v.spanish, f"a {bank}")
        if tense == "going":
            return clause(b.s, VerbPhrase(predicate.governed_by("ir", "a"), "present"))
        if tense == "want":
            return clause(b.s, VerbPhrase(predicate.governed_by("querer", state=True), "present"))
        return clause(b.s, VerbPhrase(predicate, tense))

    def did(b: Bound, link: str) -> str:
        return f"{link} {infinitive(b.c.predicate, b.s.person)}"

    arrived = "{s:subject want=person} {v:reaching form=past} the/DET bank/NOUN "
    rule(
        "statement",
        arrived + f"after/ADP crossing/VERB the/DET {{c:crossing sense={sense}}}",
        lambda b: f"{reached(b, 'past')} {did(b, 'después de')}",
        0.9,
        joins="bank:v+c",
    )
    rule(
        "statement",
        f"after/ADP crossing/VERB the/DET {{c:crossing sense={sense}}} ,/PUNCT "
        "{s:subject want=person} {v:reaching form=past} the/DET bank/NOUN",
        lambda b: f"{did(b, 'después de')}, {reached(b, 'past')}",
        0.4,
        joins="bank:v+c",
    )
    rule(
        "statement",
        "{s:subject want=person} will/AUX {v:reaching form=inf} the/DET bank/NOUN "
        f"after/ADP crossing/VERB the/DET {{c:crossing sense={sense}}}",
        lambda b: f"{reached(b, 'future')} {did(b, 'después de')}",
        0.4,
        joins="bank:v+c",
    )
    for link, spanish in (("after", "después de"), ("before", "antes de")):
        if link == "before" and sense == "river":
            continue
        rule(
            "statement",
            arrived + f"{link}/ADP {{c:clue sense={sense} use={link} form=gerund}}",
            lambda b, spanish=spanish: f"{reached(b, 'past')} {did(b, spanish)}",
            0.4,
        )
    purpose = f"to/PART {{c:clue sense={sense} use=purpose}}"
    rule(
        "statement",
        arrived.replace("form=past", "form=past purpose=yes") + purpose,
        lambda b: f"{reached(b, 'past')} {did(b, 'para')}",
        0.5,
    )
    rule(
        "statement",
        "{s:subject want=person} {x:be tense=present s=$s} going/VERB to/PART "
        "{v:reaching form=inf purpose=yes} the/DET bank/NOUN " + purpose,
        lambda b: f"{reached(b, 'going')} {did(b, 'para')}",
        0.4,
        where=lambda b: b.v.spanish != "ir",
    )
    rule(
        "statement",
        "{s:subject want=person} {w:wish form=present s=$s} to/PART {v:reaching form=inf "
        "purpose=yes} "
        "the/DET bank/NOUN " + purpose,
        lambda b: f"{reached(b, 'want')} {did(b, 'para')}",
        0.4,
    )
    rule(
        "question",
        "did/AUX {s:subject want=person} {v:reaching form=inf purpose=yes} the/DET bank/NOUN "
        + purpose,
        lambda b: yes_or_no(
            b.s, VerbPhrase(Predicate(b.v.spanish, f"a {bank} {did(b, 'para')}"), "preterite")
        ),
        0.3,
    )
    rule(
        "command",
        "go/VERB to/ADP the/DET bank/NOUN " + purpose,
        lambda b: f"ve a {bank} para {infinitive(b.c.predicate, '2s')}",
        0.05,
    )
    rule(
        "statement",
        "{s:subject want=person} lost/VERB {o:common role=definite "
        "want=jewel,container,thing,glasses} "
        "at/ADP the/DET bank/NOUN while/CONJ {a:again s=$s} {x:be tense=past s=$a} "
        f"{{c:clue sense={sense} use=while form=gerund}}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(Predicate('perder', b.o.spanish), 'past'))} en {bank} "
            f"mientras "
            f"{clause(b.a, VerbPhrase(b.c.predicate, 'imperfect'))}"
        ),
        0.5,
        joins="'perder'+o",
    )
    rule(
        "statement",
        "{s:subject want=person} {x:be tense=past s=$s} at/ADP the/DET bank/NOUN ,/PUNCT "
        f"{{c:clue sense={sense} use=while form=gerund}}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(Predicate('estar', f'en {bank}', state=True), 'past'))}, "
            f"{_doing(b.c.predicate)}"
        ),
        0.3,
    )
    for be, tense in (("is", "present"), ("was", "past")):
        rule(
            "statement",
            f"the/DET bank/NOUN {be}/AUX {{d:bank-described sense={sense}}}",
            lambda b, tense=tense: clause(_bank(sense), VerbPhrase(b.d, tense)),
            0.2,
        )
        rule(
            "question",
            f"{be}/AUX the/DET bank/NOUN {{d:bank-described sense={sense}}}",
            lambda b, tense=tense: clause(_bank(sense), VerbPhrase(b.d, tense)),
            0.1,
        )


def _doing(predicate: Predicate) -> str:
    return f"{spanish_gerund(predicate.verb)} {predicate.after}".strip()


def _add_money_bank(grammar: Grammar) -> None:
    def rule(kind: str, english: str, spanish, weight: float, **features) -> None:
        grammar.rule(kind, english, spanish, label="bank money", weight=weight, **features)

    rule("statement", "the/DET bank/NOUN opens/VERB at/ADP {t:moment}", "el banco abre a {t}", 0.15)
    rule(
        "statement",
        "the/DET bank/NOUN closes/VERB at/ADP {t:moment}",
        "el banco cierra a {t}",
        0.15,
    )
    rule(
        "question",
        "what/DET time/NOUN does/AUX the/DET bank/NOUN open/VERB",
        "a qué hora abre el banco",
        0.02,
    )
    rule(
        "question",
        "what/DET time/NOUN does/AUX the/DET bank/NOUN close/VERB",
        "a qué hora cierra el banco",
        0.02,
    )
    rule(
        "statement",
        "the/DET bank/NOUN does/AUX n't/PART open/VERB on/ADP {d:weekday-plural}",
        "el banco no abre los {d}",
        0.1,
    )
    for english, spanish in (("a", "un banco"), ("the", "el banco")):
        rule(
            "statement",
            f"{{s:subject want=person}} {{v:job-at s=$s}} at/ADP {english}/DET bank/NOUN",
            lambda b, spanish=spanish: clause(
                b.s, VerbPhrase(Predicate("trabajar", f"en {spanish}"), "present")
            ),
            0.3,
        )
        rule(
            "statement",
            f"{{s:subject want=person}} used/VERB to/PART work/VERB at/ADP {english}/DET bank/NOUN",
            lambda b, spanish=spanish: clause(
                b.s, VerbPhrase(Predicate("trabajar", f"en {spanish}"), "imperfect")
            ),
            0.15,
        )
    rule(
        "statement",
        "the/DET bank/NOUN lent/VERB {r:receiver} {p:price}",
        lambda b: f"el banco le prestó {b.p} a {b.r.spanish}",
        0.15,
        where=lambda b: b.r.person == "3s",
    )
    rule(
        "statement",
        "there/PRON is/VERB a/DET bank/NOUN next/ADV to/ADP the/DET {n:shop}",
        lambda b: f"hay un banco al lado de {b.n.spanish}",
        0.15,
    )

    @grammar.words("shop")
    def _(given: Bound) -> Choices:
        return _shops()

    @grammar.words("weekday-plural")
    def _(given: Bound) -> Choices:
        return Choices(
            [
                Entry((en + "s",), ("PROPN",), es if es.endswith("s") else es + "s")
                for en, es in pairs(WEEKDAYS)
            ]
        )

    @grammar.words("job-at")
    def _(given: Bound) -> Choices:
        word = "works" if given.s.agreement == "3s" else "work"
        return Choices([Entry((word,), ("VERB",), None)])


@cache
def _shops() -> Choices:
    entries = []
    for entry in NOUNS:
        if entry.classes & {"shop", "eatery"}:
            tokens = entry.in_english("sg")
            value = phrase(Determiner("the", "sg"), entry)
            entries.append(Entry(tokens, ("NOUN",) * len(tokens), value))
    return Choices(entries)


def _add_river_bank(grammar: Grammar) -> None:
    def rule(kind: str, english: str, spanish, weight: float, **features) -> None:
        grammar.rule(kind, english, spanish, label="bank river", weight=weight, **features)

    @grammar.words("along")
    def _(given: Bound) -> Choices:
        return _along(given.form)

    @grammar.words("stream")
    def _(given: Bound) -> Choices:
        entries = []
        for name in _STREAMS:
            entries.append(
                Entry((name,), ("NOUN",), phrase(Determiner("the", "sg"), noun_named(name)))
            )
        return Choices(entries)

    @grammar.words("growing")
    def _(given: Bound) -> Choices:
        entries = []
        for name in _GROWING:
            entry = noun_named(name)
            entries.append(Entry(entry.in_english("pl"), ("NOUN",), entry.in_spanish("pl")[0]))
        return Choices(entries)

    of_water = "the/DET bank/NOUN of/ADP the/DET {w:stream}"
    rule(
        "statement",
        "{s:subject want=person} {v:along form=past} " + of_water,
        lambda b: f"{clause(b.s, VerbPhrase(b.v, 'past'))} la orilla de {b.w.spanish}",
        0.6,
    )
    rule(
        "statement",
        "{s:subject want=person} {x:be tense=present s=$s} going/VERB to/PART {v:along form=inf} "
        + of_water,
        lambda b: (
            f"{clause(b.s, VerbPhrase(b.v.governed_by('ir', 'a'), 'present'))} "
            f"la orilla de {b.w.spanish}"
        ),
        0.4,
    )
    rule(
        "command",
        "let/VERB 's/PRON {v:along form=inf} " + of_water,
        lambda b: f"vamos a {infinitive(b.v, '1p')} la orilla de {b.w.spanish}",
        0.1,
    )
    for be, haber in (("are", "hay"), ("were", "había")):
        rule(
            "statement",
            f"there/PRON {be}/VERB {{n:growing}} on/ADP " + of_water,
            lambda b, haber=haber: f"{haber} {b.n} en la orilla de {b.w.spanish}",
            0.1,
        )


@cache
def _along(form: str) -> Choices:
    entries = []
    for english, spanish, preposition in rows(_ALONG):
        verb, *rest = english.split()
        word = past(verb) if form == "past" else verb
        infinitive_ = spanish.removesuffix("se")
        value = Predicate(infinitive_, preposition, reflexive=infinitive_ != spanish)
        entries.append(Entry((word, *rest), ("VERB", *tags_of(rest)), value))
    return Choices(entries)
