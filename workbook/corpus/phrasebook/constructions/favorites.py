"""What somebody likes best: my favorite color is blue."""

from functools import cache

from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, phrase
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import NOUNS, Noun
from workbook.corpus.phrasebook.lexicon.ideas import SPORTS, SUBJECTS
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.numbers import SEASONS, WEEKDAYS

# Kinds with their instances: what is one's favorite.
_KINDS = """
color | color | m
food | comida | f
sport | deporte | m
season | estación | f
day | día | m
subject | materia | f
drink | bebida | f
fruit | fruta | f
animal | animal | m
"""
_COLORS = """
red | el rojo
blue | el azul
green | el verde
yellow | el amarillo
white | el blanco
black | el negro
brown | el marrón
gray | el gris
pink | el rosado
purple | el morado
"""


@cache
def _favorites() -> Choices:
    instances = {
        "color": pairs(_COLORS),
        "sport": pairs(SPORTS),
        "season": pairs(SEASONS),
        "day": [(english, f"el {spanish}") for english, spanish in pairs(WEEKDAYS)],
        "subject": pairs(SUBJECTS),
    }
    entries = []
    for english, spanish, gender in rows(_KINDS):
        known = instances.get(english)
        if known is None:
            wanted = "dish" if english == "food" else english
            known = []
            for noun in NOUNS:
                number = _usual_number(noun)
                if wanted in noun.classes and noun.english != english:
                    name = " ".join(noun.in_english(number))
                    known.append((name, phrase(Determiner("the", number), noun).spanish))
        for instance, said in known:
            favorite = f"{spanish} {'favorita' if gender == 'f' else 'favorito'}"
            tag = "PROPN" if english == "day" else "ADJ" if english == "color" else "NOUN"
            name = instance.split()
            tokens = ("favorite", english, "is", *name)
            tags = ("ADJ", "NOUN", "AUX", *(tag for _ in name))
            entries.append(Entry(tokens, tags, (favorite, said)))
    return Choices(entries)


def _usual_number(noun: Noun) -> str:
    numbers = noun.numbers()
    return "mass" if "mass" in numbers else numbers[0]


def add(grammar: Grammar) -> None:
    """Add favorites to the grammar."""

    @grammar.words("favorite")
    def _(given: Bound) -> Choices:
        return _favorites()

    @grammar.words("owner-word")
    def _(given: Bound) -> Choices:
        return Choices(
            [
                Entry((en,), ("PRON",), es)
                for en, es in (("my", "mi"), ("your", "tu"), ("his", "su"), ("her", "su"))
            ]
        )

    grammar.rule(
        "statement",
        "{o:owner-word} {f:favorite}",
        lambda b: f"{b.o} {b.f[0]} es {b.f[1]}",
        label="favorite",
        weight=0.8,
    )
    for kind, said in (
        ("color", "color favorito"),
        ("food", "comida favorita"),
        ("sport", "deporte favorito"),
    ):
        grammar.rule(
            "question",
            f"what/PRON is/AUX {{o:owner-word}} favorite/ADJ {kind}/NOUN",
            f"cuál es {{o}} {said}",
            label="favorite",
            weight=0.1,
        )
