"""Spanish nouns and adjectives: plural, feminine, short forms, articles."""

import re

_UNACCENTED = str.maketrans("áéíóú", "aeiou")
# Words whose written accent comes or moves in the plural, which no ending tells.
_PLURALS = {
    "gris": "grises",
    "joven": "jóvenes",
    "examen": "exámenes",
    "imagen": "imágenes",
    "sándwich": "sándwiches",
    "régimen": "regímenes",
    "orden": "órdenes",
    "origen": "orígenes",
    "país": "países",
    "chef": "chefs",
    "robot": "robots",
    "club": "clubes",
}
# Feminine nouns that begin with a stressed a take `el` and `un`: el agua fría, un aula.
STRESSED_A = frozenset({"agua", "águila", "aula", "área", "hambre", "ave", "arma", "hacha"})
_SHORT = {
    "bueno": "buen",
    "malo": "mal",
    "primero": "primer",
    "tercero": "tercer",
    "alguno": "algún",
    "ninguno": "ningún",
    "uno": "un",
}
_NO_FEMININE = frozenset({"mejor", "peor", "mayor", "menor", "exterior", "interior", "anterior"})
ARTICLES = {
    ("definite", "m", "sg"): "el",
    ("definite", "f", "sg"): "la",
    ("definite", "m", "pl"): "los",
    ("definite", "f", "pl"): "las",
    ("indefinite", "m", "sg"): "un",
    ("indefinite", "f", "sg"): "una",
    ("indefinite", "m", "pl"): "unos",
    ("indefinite", "f", "pl"): "unas",
}


def plural(noun: str) -> str:
    """The plural; of a compound, its first word's: `dolor de cabeza` → `dolores de cabeza`."""
    head, blank, rest = noun.partition(" ")
    if blank and not rest.startswith(("de ", "en ", "con ", "para ")):
        return f"{plural(head)} {plural(rest)}"
    return _one_plural(head) + blank + rest


def _one_plural(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if word[-1] in "aeiouáéóú":
        return word + "s"
    if word.endswith("z"):
        return word[:-1] + "ces"
    if word[-1] in "sx" and not re.search(r"[áéíóú]s$", word) and len(word) > 3:
        return word
    if re.search(r"[áéíóú][ns]$", word):
        return word[:-2] + word[-2].translate(_UNACCENTED) + word[-1] + "es"
    return word + "es"


def feminine(adjective: str) -> str:
    """The feminine singular: `rojo` → `roja`, `inglés` → `inglesa`, `grande` → `grande`."""
    if adjective.endswith("o"):
        return adjective[:-1] + "a"
    if adjective.endswith("or") and adjective not in _NO_FEMININE:
        return adjective + "a"
    if re.search(r"(és|án|ón|ín)$", adjective) and adjective not in ("cortés", "marrón"):
        return adjective[:-2] + adjective[-2].translate(_UNACCENTED) + adjective[-1] + "a"
    return "española" if adjective == "español" else adjective


def agree(adjective: str, gender: str, number: str) -> str:
    """The adjective in a gender (m, f) and number (sg, pl)."""
    form = feminine(adjective) if gender == "f" else adjective
    return plural(form) if number == "pl" else form


def before_noun(adjective: str, gender: str, number: str) -> str:
    """The form that stands before its noun: `buen día`, `gran idea`, `tercer piso`."""
    if number == "sg":
        if adjective == "grande":
            return "gran"
        if gender == "m" and adjective in _SHORT:
            return _SHORT[adjective]
    return agree(adjective, gender, number)


def article(kind: str, gender: str, number: str, following: str) -> str:
    """`definite` or `indefinite`, by gender and number, and by the word that follows it."""
    if gender == "f" and number == "sg" and following in STRESSED_A:
        gender = "m"
    return ARTICLES[kind, gender, number]
