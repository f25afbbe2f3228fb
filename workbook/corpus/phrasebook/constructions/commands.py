"""Commands and exclamations: tú, usted after *sir* or *ma'am*, not to do it, let us do it.

Symbols: `command` and `exclamation`.
"""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook import realise, spanish_nouns
from workbook.corpus.phrasebook.constructions.noun_phrases import pronoun
from workbook.corpus.phrasebook.english_forms import starts_with_vowel_sound
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.realise import object_command

_FIXED = """
be/VERB careful/ADJ | ten cuidado | tenga cuidado
be/VERB quiet/ADJ | cállate | cállese
be/VERB patient/ADJ | ten paciencia | tenga paciencia
come/VERB here/ADV | ven aquí | venga aquí
come/VERB in/ADV | pasa | pase
come/VERB with/ADP me/PRON | ven conmigo | venga conmigo
wait/VERB here/ADV | espera aquí | espere aquí
wait/VERB for/ADP me/PRON | espérame | espéreme
look/VERB at/ADP this/PRON | mira esto | mire esto
try/VERB this/PRON | prueba esto | pruebe esto
take/VERB this/PRON | toma esto | tome esto
do/AUX n't/PART eat/VERB that/PRON | no comas eso | no coma eso
do/AUX n't/PART touch/VERB that/PRON | no toques eso | no toque eso
turn/VERB left/ADV at/ADP the/DET corner/NOUN | gira a la izquierda en la esquina
    | gire a la izquierda en la esquina
turn/VERB right/ADV at/ADP the/DET corner/NOUN | gira a la derecha en la esquina
    | gire a la derecha en la esquina
wait/VERB a/DET minute/NOUN | espera un minuto | espere un minuto
listen/VERB to/ADP me/PRON | escúchame | escúcheme
help/VERB me/PRON | ayúdame | ayúdeme
follow/VERB me/PRON | sígueme | sígame
call/VERB me/PRON tomorrow/NOUN | llámame mañana | llámeme mañana
turn/VERB left/ADV | gira a la izquierda | gire a la izquierda
turn/VERB right/ADV | gira a la derecha | gire a la derecha
go/VERB straight/ADV ahead/ADV | sigue derecho | siga derecho
do/AUX n't/PART worry/VERB | no te preocupes | no se preocupe
do/AUX n't/PART be/AUX late/ADJ | no llegues tarde | no llegue tarde
do/AUX n't/PART be/AUX afraid/ADJ | no tengas miedo | no tenga miedo
do/AUX n't/PART run/VERB | no corras | no corra
"""
# What comes to one, and nobody is told to do or not to do.
_UNCOMMANDED = frozenset(
    "conocer oír reconocer recibir descubrir encontrar ganar extrañar entender".split()
)
# What nobody is told to do, but may be told not to.
_UNWILLED = frozenset(
    """perder olvidar romper quemar robar morder ver recordar caer desaparecer roncar toser
    estornudar llegar quejar llorar jubilar respirar atrapar odiar gastar fumar cometer
    dormir""".split()
)
_YOU = pronoun("you")
_SIR = replace(_YOU, person="3s", spanish="usted")


def add(grammar: Grammar) -> None:
    """Add commands and exclamations to the grammar."""

    @grammar.words("commanded")
    def _(given: Bound) -> Choices:
        return Choices([Entry((), (), _SIR if given.polite == "yes" else _YOU)])

    @grammar.words("we-all")
    def _(given: Bound) -> Choices:
        return Choices([Entry((), (), pronoun("we"))])

    @grammar.words("vocative")
    def _(given: Bound) -> Choices:
        return Choices(
            [Entry(("sir",), ("NOUN",), "señor"), Entry(("ma'am",), ("NOUN",), "señora")]
        )

    @grammar.words("fixed-command")
    def _(given: Bound) -> Choices:
        return _fixed(given.polite == "yes")

    @grammar.words("do-not-command")
    def _(given: Bound) -> Choices:
        return Choices(
            [
                Entry(("do", "n't"), ("AUX", "PART"), None),
                Entry(("do", "n't"), ("AUX", "PART"), None),
                Entry(("do", "not"), ("AUX", "PART"), None),
            ]
        )

    _add_commands(grammar)
    _add_exclamations(grammar)


@cache
def _fixed(polite: bool) -> Choices:
    entries = []
    for english, familiar, formal in rows(_FIXED):
        words = [piece.rsplit("/", 1) for piece in english.split()]
        entries.append(
            Entry(
                tuple(word for word, _ in words),
                tuple(tag for _, tag in words),
                formal if polite else familiar,
            )
        )
    return Choices(entries)


def _sensible(bound: Bound) -> bool:
    simple = bound.p.inner is None and not bound.p.state and not bound.p.theme
    return simple and bound.p.verb not in _UNCOMMANDED


def _forbidden(bound: Bound) -> bool:
    return _sensible(bound) and not bound.p.affirmative


def _willed(bound: Bound) -> bool:
    return _sensible(bound) and bound.p.verb not in _UNWILLED


def _distant(bound: Bound) -> bool:
    """No familiar `tu` beside an usted."""
    return not {"tu", "tus"} & set(bound.p.after.split())


def _add_commands(grammar: Grammar) -> None:
    def command(english: str, spanish, label: str, weight: float) -> None:
        sensible = _forbidden if "{n:do-not" in english else _willed

        def where(b: Bound) -> bool:
            return b.p is None or (sensible(b) and (b.o is None or _distant(b)))

        grammar.rule("command", english, spanish, label=label, weight=weight, where=where)

    for polite, person, label, end in (
        ("no", "2s", "command", ""),
        ("yes", "3s", "polite command", " ,/PUNCT {o:vocative}"),
    ):
        weight = 5 if polite == "no" else 1.2
        who = f"{{y:commanded polite={polite}}} "
        spanish_end = "" if polite == "no" else ", {}"

        def ended(b: Bound, text: str, spanish_end: str = spanish_end) -> str:
            return text + spanish_end.format(b.o)

        plain = who + "{p:predicate form=command s=$y}" + end
        command(
            plain,
            lambda b, person=person, ended=ended: ended(b, object_command(b.p, person, False)),
            label,
            weight,
        )
        command(
            "please/INTJ " + plain,
            lambda b, person=person, ended=ended: (
                "por favor, " + ended(b, object_command(b.p, person, False))
            ),
            label,
            weight / 2,
        )
        command(
            who + "{n:do-not-command} {p:predicate form=command s=$y}" + end,
            lambda b, person=person, ended=ended: ended(b, object_command(b.p, person, True)),
            f"negative {label}",
            weight / 2,
        )
        command(
            f"{{f:fixed-command polite={polite}}}" + end,
            lambda b, ended=ended: ended(b, b.f),
            label,
            weight / 5,
        )
        command(
            f"please/INTJ {{f:fixed-command polite={polite}}}" + end,
            lambda b, ended=ended: "por favor, " + ended(b, b.f),
            label,
            weight / 8,
        )
    command(
        "{y:commanded polite=no} {p:predicate form=command s=$y} ,/PUNCT please/INTJ",
        lambda b: f"{object_command(b.p, '2s', False)}, por favor",
        "command",
        1.5,
    )
    for group, weight in (("", 2), (" group=only", 0.1)):
        command(
            f"let/VERB 's/PRON {{y:we-all}} {{p:activity form=inf s=$y{group}}}",
            lambda b: (
                f"vamos a {realise.infinitive(b.p, '1p')}"
                if b.p.verb != "ir"
                else f"vamos {b.p.after}".strip()
            ),
            "let us",
            weight,
        )
    command(
        "let/VERB 's/PRON not/PART {y:we-all} {p:activity form=inf s=$y}",
        lambda b: object_command(b.p, "1p", True),
        "let us",
        0.3,
    )


def _add_exclamations(grammar: Grammar) -> None:
    def exclamation(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("exclamation", english, spanish, label=label, weight=weight, **features)

    @grammar.words("praised")
    def _(given: Bound) -> Choices:
        return _praised(given.article or "", given.number or "sg")

    for article in ("a", "an"):
        exclamation(
            f"what/DET {article}/DET {{n:praised article={article}}}",
            lambda b: f"qué {b.n}",
            "what a",
            2 if article == "a" else 0.5,
        )
    exclamation("what/DET {n:praised number=pl}", lambda b: f"qué {b.n}", "what a", 0.6)
    exclamation(
        "how/ADV {a:exclaimed}",
        lambda b: f"qué {b.a}",
        "how nice",
        0.3,
    )

    @grammar.words("exclaimed")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("ADJ",), es) for en, es in pairs(_EXCLAIMED)])

    exclamation(
        "{s:subject want=any} {x:be tense=present s=$s} so/ADV {a:state-adjective s=$s "
        "kind=graded}",
        lambda b: realise.clause(
            b.s,
            realise.VerbPhrase(
                realise.Predicate(
                    b.a.copula, f"tan {b.a.in_spanish(b.s.gender, b.s.number)}", state=True
                ),
                "present",
            ),
        ),
        "so much",
        1.5,
        joins="a+s",
    )


_EXCLAIMED = """
interesting | interesante
strange | extraño
funny | divertido
nice | bonito
beautiful | hermoso
sad | triste
delicious | rico
expensive | caro
"""


# Said so, they mean something else: *¡qué mujer tan rica!* praises her looks.
_UNPRAISED = frozenset({"little", "good", "rich"})


@cache
def _praised(article: str, number: str) -> Choices:
    """`beautiful house` as `casa tan hermosa`, `great idea` as `gran idea`."""
    entries = []
    for adjective in ADJECTIVES:
        if adjective.copula != "ser" or adjective.flags & {"only", "relational", "color", "mood"}:
            continue
        if not adjective.flags & {"er", "more", "size", "better", "worse", "pre"}:
            continue
        if adjective.english in _UNPRAISED:
            continue
        if article and starts_with_vowel_sound(adjective.english) != (article == "an"):
            continue
        for noun in NOUNS:
            if number not in noun.numbers() or not noun.classes & adjective.classes:
                continue
            if noun.classes & {"kin", "body"}:
                continue
            word, gender, own = noun.in_spanish(number)
            if "pre" in adjective.flags:
                spanish = f"{spanish_nouns.before_noun(adjective.spanish, gender, own)} {word}"
            else:
                spanish = f"{word} tan {adjective.in_spanish(gender, own)}"
            tokens = (adjective.english, *noun.in_english(number))
            tags = ("ADJ", *("NOUN" for _ in tokens[1:]))
            met = (f"{adjective.lemma}+{noun.lemma}",)
            entries.append(Entry(tokens, tags, spanish, met))
    return Choices(entries)
