"""What somebody likes best: my favorite color is blue."""

from functools import cache

from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, phrase
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import NOUNS
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
            known = _named_things(english)
        for instance, said in known:
            favorite = f"{spanish} {'favorita' if gender == 'f' else 'favorito'}"
            tag = "PROPN" if english == "day" else "ADJ" if english == "color" else "NOUN"
            name = instance.split()
            tokens = ("favorite", english, "is", *name)
            tags = ("ADJ", "NOUN", "AUX", *("DET" if word == "the" else tag for word in name))
            entries.append(Entry(tokens, tags, (favorite, said)))
    return Choices(entries)


# What food is, said as a favorite: it has no plural then.
_FAVORITE_FOODS = frozenset(
    """pizza rice pasta chicken beef salmon seafood cheese bread chocolate fruit soup salad
    meat""".split()
)


def _named_things(kind: str) -> list[tuple[str, str]]:
    """Nouns of a kind: `the zebra` as `la cebra`, `coffee` as `el café`."""
    found = []
    for noun in NOUNS:
        if noun.english == kind:
            continue
        if kind == "food" and noun.english in _FAVORITE_FOODS:
            article, number = "", "mass" if "mass" in noun.numbers() else "sg"
        elif kind == "drink" and "drink" in noun.classes:
            article, number = "", "mass"
        elif kind in ("animal", "fruit") and kind in noun.classes and "sg" in noun.numbers():
            article, number = "the ", "sg"
        else:
            continue
        name = article + " ".join(noun.in_english(number))
        found.append((name, phrase(Determiner("the", number), noun).spanish))
    return found


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
