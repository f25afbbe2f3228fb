"""What follows *be*: qualities, states, professions, places, origins, ages, hunger and thirst."""

from dataclasses import replace
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.adverbials import adverbials, tag
from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, Named, phrase
from workbook.corpus.phrasebook.english_forms import starts_with_vowel_sound
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS, Adjective
from workbook.corpus.phrasebook.lexicon import words as small_words
from workbook.corpus.phrasebook.lexicon.ideas import MATERIALS
from workbook.corpus.phrasebook.lexicon.places import CITIES, COUNTRIES
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.numbers import in_english, in_spanish
from workbook.corpus.phrasebook.realise import SPANISH_POSSESSIVES, Nominal, Predicate

DEGREES = (
    ("very", "muy"),
    ("very", "muy"),
    ("very", "muy"),
    ("too", "demasiado"),
    ("really", "realmente"),
)


@cache
def _complement_adjectives(classes: frozenset[str], gender: str, number: str, kind: str) -> Choices:
    entries = []
    for adjective in ADJECTIVES:
        if not adjective.classes & classes or adjective.flags & {"only-attributive", "relational"}:
            continue
        graded = bool(adjective.flags & {"er", "more", "mood", "better", "worse", "older"})
        if kind == "graded" and not graded:
            continue
        if "fem" in adjective.flags and gender != "f":
            continue
        if "masc" in adjective.flags and gender != "m":
            continue
        if kind == "mood" and "mood" not in adjective.flags:
            continue
        if kind == "compared" and not adjective.flags & {"er", "more", "better", "worse", "older"}:
            continue
        entries.append(Entry((adjective.english,), ("ADJ",), adjective))
    return Choices(entries)


@cache
def _role_adjectives(sound: str) -> Choices:
    return Choices(
        [
            Entry((adjective.english,), ("ADJ",), adjective)
            for adjective in ADJECTIVES
            if "role" in adjective.classes
            and adjective.copula == "ser"
            and not adjective.flags & {"only", "relational"}
            and (not sound or starts_with_vowel_sound(adjective.english) == (sound == "vowel"))
        ]
    )


@cache
def _roles(gender: str, number: str, sound: str) -> Choices:
    entries = []
    for noun in NOUNS:
        if "role" not in noun.classes or "only" in noun.flags:
            continue
        fits = noun.gender == gender if not noun.spanish_feminine else True
        if not fits and number == "sg":
            continue
        if number == "pl" and not fits:
            continue
        tokens = noun.in_english(number)
        if sound and starts_with_vowel_sound(tokens[0]) != (sound == "vowel"):
            continue
        word = noun.in_spanish(number, gender)[0]
        entries.append(Entry(tokens, ("NOUN",) * len(tokens), Named(word, noun.spanish, noun)))
    return Choices(entries)


_OWNERS = """
mine | mío
yours | tuyo
his | suyo
hers | suyo
ours | nuestro
theirs | suyo
"""
_OWNED = frozenset(
    "clothing book vehicle device home pet thing container toy instrument jewel luggage".split()
)


@cache
def _owned_by(gender: str, number: str) -> Choices:
    return Choices(
        [
            Entry((english,), ("PRON",), spanish_nouns.agree(spanish, gender, number))
            for english, spanish in pairs(_OWNERS)
        ]
    )


@cache
def _whereabouts() -> Choices:
    return Choices(
        [
            Entry(tokens, tags, spanish)
            for tokens, tags, (spanish,) in adverbials(small_words.WHEREABOUTS)
        ]
    )


@cache
def _origins() -> Choices:
    entries = []
    named = [(row[0], row[1]) for row in rows(COUNTRIES)] + pairs(CITIES)
    for english, spanish in named:
        tokens = tuple(english.split())
        entries.append(Entry(tokens, ("PROPN",) * len(tokens), spanish))
    return Choices(entries)


@cache
def _nationalities(gender: str, number: str) -> Choices:
    entries = []
    for _, _, english, spanish in rows(COUNTRIES):
        if spanish.endswith("í"):
            word = spanish + ("es" if number == "pl" else "")
        else:
            word = spanish_nouns.agree(spanish, gender, number)
        entries.append(Entry((english,), ("ADJ",), Named(word, spanish)))
    return Choices(entries)


@cache
def _ages() -> Choices:
    entries = []
    for age in range(2, 100):
        tokens = in_english(age)
        entries.append(Entry(tokens, ("NUM",) * len(tokens), in_spanish(age, "m")))
    return Choices(entries)


@cache
def _materials() -> Choices:
    return Choices([Entry((en,), ("NOUN",), es) for en, es in pairs(MATERIALS)])


@cache
def _possessed(graded: bool) -> Choices:
    entries = []
    for english, spanish, much in rows(small_words.POSSESSED):
        entries.append(Entry((english,), ("ADJ",), f"{much} {spanish}" if graded else spanish))
    if not graded:
        for english, spanish in rows(small_words.POSSESSED_PHRASES):
            tokens = tuple(english.split())
            tags = tuple("ADJ" if word in ("right", "afraid") else tag(word) for word in tokens)
            entries.append(Entry(tokens, tags, spanish))
    return Choices(entries)


def agreeable(adjective: Adjective, subject: Nominal) -> bool:
    """Whether an adjective may be said of a subject beside the adjectives it already has."""
    return all(adjective.goes_with(quality) for quality in subject.qualities)


def _may_be_called(subject: Nominal) -> bool:
    """Whether one tells the profession of somebody who was not named by it."""
    return bool(subject.classes & {"people", "kin", "friend"}) and "role" not in subject.classes


def _ones_own(determiner: Determiner, subject: Nominal) -> bool:
    """Whether *my* is said of *I*, or *your* of *you*: nobody is their own aunt."""
    person = subject.person
    return person in ("1s", "2s") and determiner.spanish == SPANISH_POSSESSIVES[person]


# What takes place somewhere, where it *is* with `ser`: a party, an exam.
TAKES_PLACE = frozenset({"event", "celebrated", "incident", "exam", "test", "show"})
# Neither in a place nor at one: a trip, a flight.
UNDER_WAY = frozenset({"outing", "flight"})
# What happened and is over: the exam was easy is `el examen fue fácil`.
_HAPPENINGS = frozenset({"event", "exam", "test"}) | UNDER_WAY


def _described_as(bound: Bound, words: str) -> Predicate:
    predicate = _copula(words, bound.a.copula)
    happened = bound.a.copula == "ser" and bool(bound.s.classes & _HAPPENINGS)
    return replace(predicate, state=not happened)


def _copula(after: str, copula: str, lemma: str = "") -> Predicate:
    return Predicate(copula, after, state=True, lemma=lemma)


def _role_with(adjective, role: Named, gender: str, number: str) -> str:
    noun = role.noun
    before = after = ""
    if "pre" in adjective.flags:
        before = spanish_nouns.before_noun(adjective.spanish, gender, number)
    else:
        after = adjective.in_spanish(gender, number)
    article = {"sg": "una" if gender == "f" else "un", "pl": ""}[number]
    word = noun.in_spanish(number, gender)[0]
    return " ".join(part for part in (article, before, word, after) if part)


_MEANT_FOR = frozenset("gift letter email message book dish dessert drink flower package".split())


_MADE = frozenset(
    "furniture container jewel clothing tool toy kitchenware fence gate door box".split()
)


def _agreed_participle(masculine: str, subject: Nominal) -> str:
    return spanish_nouns.agree(masculine, subject.gender, subject.number)


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)
    _add_complements(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("degree")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("ADV",), es) for en, es in DEGREES])

    @grammar.words("state-adjective")
    def _(given: Bound) -> Choices:
        s = given.s
        return _complement_adjectives(s.classes, s.gender, s.number, given.kind or "")

    @grammar.words("role")
    def _(given: Bound) -> Choices:
        return _roles(given.s.gender, given.s.number, given.sound or "")

    @grammar.words("role-adjective")
    def _(given: Bound) -> Choices:
        return _role_adjectives(given.sound or "")

    @grammar.words("owned-by")
    def _(given: Bound) -> Choices:
        return _owned_by(given.s.gender, given.s.number)

    @grammar.words("whereabouts")
    def _(given: Bound) -> Choices:
        return _whereabouts()

    @grammar.words("origin")
    def _(given: Bound) -> Choices:
        return _origins()

    @grammar.words("nationality")
    def _(given: Bound) -> Choices:
        return _nationalities(given.s.gender, given.s.number)

    @grammar.words("age")
    def _(given: Bound) -> Choices:
        return _ages()

    @grammar.words("material")
    def _(given: Bound) -> Choices:
        return _materials()

    @grammar.words("possessed")
    def _(given: Bound) -> Choices:
        return _possessed(given.graded == "yes")


def _add_complements(grammar: Grammar) -> None:
    def complement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("complement", english, spanish, label=label, weight=weight, **features)

    def agreed(b: Bound) -> str:
        return b.a.in_spanish(b.s.gender, b.s.number)

    fits = lambda b: agreeable(b.a, b.s)  # noqa: E731 - one meaning under a short name
    complement(
        "{a:state-adjective s=$s}",
        lambda b: _described_as(b, agreed(b)),
        "ser and estar with an adjective",
        5,
        joins="a+s",
        where=fits,
    )
    complement(
        "{x:degree} {a:state-adjective s=$s kind=graded}",
        lambda b: _described_as(b, f"{b.x} {agreed(b)}"),
        "degree",
        5,
        joins="a+s",
        where=fits,
    )
    person = {"where": lambda b: "person" in b.s.classes}
    complement(
        "a/DET {r:role s=$s sound=consonant}",
        lambda b: _copula(str(b.r), "ser"),
        "profession",
        1.5,
        joins="r+s",
        where=lambda b: _may_be_called(b.s) and b.s.number == "sg",
    )
    complement(
        "an/DET {r:role s=$s sound=vowel}",
        lambda b: _copula(str(b.r), "ser"),
        "profession",
        0.4,
        where=lambda b: _may_be_called(b.s) and b.s.number == "sg",
    )
    complement(
        "{r:role s=$s}",
        lambda b: _copula(str(b.r), "ser"),
        "profession",
        0.4,
        # Everybody is one in English, and many in Spanish.
        where=lambda b: _may_be_called(b.s) and b.s.number == "pl" and b.s.agreement != "3s",
    )
    complement(
        "a/DET {a:role-adjective sound=consonant} {r:role s=$s}",
        lambda b: _copula(_role_with(b.a, b.r, b.s.gender, "sg"), "ser"),
        "profession with an adjective",
        0.8,
        joins="a+r",
        where=lambda b: (
            _may_be_called(b.s) and b.s.number == "sg" and bool(b.a.classes & b.r.noun.classes)
        ),
    )
    complement(
        "an/DET {a:role-adjective sound=vowel} {r:role s=$s}",
        lambda b: _copula(_role_with(b.a, b.r, b.s.gender, "sg"), "ser"),
        "profession with an adjective",
        0.4,
        joins="a+r",
        where=lambda b: (
            _may_be_called(b.s) and b.s.number == "sg" and bool(b.a.classes & b.r.noun.classes)
        ),
    )
    complement(
        "{w:whereabouts}",
        lambda b: _copula(b.w, "estar", lemma=b.w),
        "where somebody is",
        2,
        **person,
    )
    complement(
        "for/ADP {r:strong-pronoun}",
        lambda b: _copula(f"para {b.r.spanish}", "ser"),
        "for somebody",
        4,
        where=lambda b: bool(b.s.classes & _MEANT_FOR) and b.s.definite,
    )
    complement(
        "for/ADP {r:companion}",
        lambda b: _copula(f"para {b.r.spanish}", "ser"),
        "for somebody",
        4,
        where=lambda b: bool(b.s.classes & _MEANT_FOR) and b.s.definite,
    )
    complement(
        "{d:determiner role=own agr=3s} {n:noun d=$d want=kin,friend}",
        lambda b: _copula(phrase(b.d, b.n, gender=b.s.gender).spanish, "ser"),
        "who somebody is",
        2.5,
        where=lambda b: (
            _may_be_called(b.s)
            and b.s.number == "sg"
            and b.d.kind == "possessive"
            and not _ones_own(b.d, b.s)
            and not (b.d.shared and "partner" in b.n.classes)
            and (
                b.s.agreement in ("1s", "2s")
                or bool(b.n.spanish_feminine)
                or b.n.gender == b.s.gender
            )
        ),
    )
    complement(
        "{p:owned-by s=$s}",
        lambda b: _copula(b.p, "ser"),
        "mine",
        1.5,
        where=lambda b: bool(b.s.classes & _OWNED) and b.s.definite and b.s.overt,
    )
    complement(
        "allergic/ADJ to/ADP {n:bare-noun want=fruit,meat,flower,pet,insect,drink}",
        lambda b: _copula(
            f"{_agreed_participle('alérgico', b.s)} a "
            f"{phrase(Determiner('the', b.n.determiner.number), b.n.noun).spanish}",
            "ser",
        ),
        "allergic",
        0.5,
        **person,
    )
    complement(
        "from/ADP {o:origin}",
        lambda b: _copula(f"de {b.o}", "ser"),
        "origin",
        1,
        **person,
    )
    complement(
        "{n:nationality s=$s}", lambda b: _copula(str(b.n), "ser"), "nationality", 1, **person
    )
    complement(
        "{n:age} years/NOUN old/ADJ",
        lambda b: Predicate("tener", f"{b.n} años", state=True),
        "age",
        0.7,
        **person,
    )
    complement(
        "{f:possessed}",
        lambda b: Predicate("tener", b.f, state=True),
        "tener idioms",
        2,
        **person,
    )
    complement(
        "very/ADV {f:possessed graded=yes}",
        lambda b: Predicate("tener", b.f, state=True),
        "tener idioms",
        1,
        **person,
    )
    complement(
        "made/VERB of/ADP {m:material}",
        lambda b: _copula(f"{_agreed_participle('hecho', b.s)} de {b.m}", "estar"),
        "material",
        0.4,
        where=lambda b: bool(b.s.classes & _MADE),
    )
