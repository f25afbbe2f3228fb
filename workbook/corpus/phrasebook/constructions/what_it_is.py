"""*it*: the pronoun takes the gender of the noun it means; a later word tells which that is.

"The animal didn't cross the street because it was too tired / wide" is `cansado` or `ancha`; "she
bought the shirt and washed it" is `la lavó`.
"""

from dataclasses import dataclass, replace
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.constructions.noun_phrases import Determiner, phrase
from workbook.corpus.phrasebook.english_forms import past, starts_with_vowel_sound
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS, VERBS, Verb, noun_named
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.realise import Nominal, Predicate, VerbPhrase, clause
from workbook.corpus.phrasebook.spanish_verbs import conjugate

ANIMALS = """animal dog cat horse donkey wolf bear rabbit camel elephant cow goat hen turtle
giraffe zebra squirrel frog fox monkey lion tiger""".split()


_WEARY = """
tired | cansado
scared | asustado
sick | enfermo
nervous | nervioso
lazy | perezoso
"""


# What a place may be too much of: english | Spanish | copula | which places
_HARD = """
wide | ancho | ser | street avenue road highway square river stream canal field
long | largo | ser | bridge street road
narrow | estrecho | ser | bridge path
noisy | ruidoso | ser | street avenue road highway square
dark | oscuro | estar | street forest path bridge road
slippery | resbaladizo | estar | street bridge path road
deep | profundo | ser | river lake stream canal
busy | transitado | estar | street avenue road highway
muddy | lodoso | estar | field path road stream
crowded | concurrido | estar | square street bridge
"""


PLACES = (
    "street avenue road highway square bridge river lake stream canal field path forest".split()
)


# How an animal doesn't cross: English auxiliaries | Spanish verb and tense | tense of the reason
_CROSSING = """
did/AUX n't/PART cross/VERB | cruzar preterite | past
did/AUX not/PART cross/VERB | cruzar preterite | past
could/AUX n't/PART cross/VERB | poder preterite | past
did/AUX n't/PART want/VERB to/PART cross/VERB | querer imperfect | past
does/AUX n't/PART want/VERB to/PART cross/VERB | querer present | present
ca/AUX n't/PART cross/VERB | poder present | present
"""


BULKY = (
    "table sofa bed piano desk ladder guitar painting mirror chair lamp suitcase blanket".split()
)


TIGHT = "car box closet room kitchen bag truck drawer garage elevator".split()


# What a thing may be too much of to fit: english | Spanish | copula | which things
_TOO_BIG = f"""
wide | ancho | ser | {" ".join(BULKY)}
long | largo | ser | {" ".join(BULKY)}
tall | alto | ser | piano desk ladder mirror chair lamp
"""


_TOO_SMALL = f"""
small | pequeño | ser | {" ".join(TIGHT)}
narrow | estrecho | ser | {" ".join(TIGHT)}
"""


# Why one did it, or didn't: verb | + did, - did not | adjectives that explain it
_MOTIVES = """
buy | + | beautiful cheap comfortable modern elegant pretty new
buy | - | expensive ugly old small big
sell | + | old small ugly
choose | + | beautiful cheap elegant pretty perfect
return | + | small big ugly broken
wash | + | dirty
clean | + | dirty
fix | + | broken
watch | + | interesting exciting famous
watch | - | boring long
finish | - | boring difficult long
eat | - | cold salty spicy hot
drink | - | cold hot
order | + | delicious cheap
visit | + | beautiful interesting famous ancient
lift | - | heavy
carry | - | heavy
rent | + | cheap big modern quiet
rent | - | expensive small noisy old
"""


# What one does to a thing after another, the thing being a pronoun then
_FOLLOWING = """
buy | and | lose
buy | but | return
buy | and | sell
find | and | wash
wash | and | dry
wash | and | iron
write | and | send
fix | and | sell
buy | and | hide
open | and | clean
choose | and | buy
find | and | return
buy | and | fix
borrow | and | lose
wash | and | fold
"""


def it_probe_ways() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Held animals and places of unlike gender, with the adjectives of each: tired | wide."""
    found = []
    weary = [english for english, _ in pairs(_WEARY)]
    for at, animal in enumerate(ANIMALS):
        for other, place in enumerate(PLACES):
            if (at + other) % 3 or noun_named(animal).gender == noun_named(place).gender:
                continue
            qualities = _qualities(_HARD, noun_named(place).spanish).entries
            hard = [entry.tokens[0] for entry in qualities]
            found.append((animal, place, list(zip(weary, hard, strict=False))))
    return found


def _transitive(english: str) -> Verb:
    base, *particle = english.split()
    return next(
        verb
        for verb in VERBS
        if verb.frame == "transitive" and verb.english == base and list(verb.particle) == particle
    )


@cache
def _the(names: tuple[str, ...]) -> Choices:
    entries = []
    for name in names:
        entry = noun_named(name)
        tokens = entry.in_english("sg")
        value = phrase(Determiner("the", "sg"), entry)
        entries.append(Entry(tokens, ("NOUN",) * len(tokens), value))
    return Choices(entries)


@dataclass(frozen=True)
class Quality:
    """An adjective with its copula, before it agrees."""

    spanish: str
    copula: str
    lemma: str

    def of(self, nominal: Nominal, tense: str, degree: str = "demasiado") -> str:
        """`estaba demasiado cansada`."""
        copula = conjugate(self.copula, "imperfect" if tense == "past" else "present", "3s")
        agreed = spanish_nouns.agree(self.spanish, nominal.gender, nominal.number)
        return f"{copula} {degree} {agreed}".replace("  ", " ")


@cache
def _weary() -> Choices:
    return Choices(
        [
            Entry((en,), ("ADJ",), Quality(es, "ser" if en == "lazy" else "estar", es))
            for en, es in pairs(_WEARY)
        ]
    )


@cache
def _qualities(table: str, lemma: str) -> Choices:
    """The qualities that a table gives to a noun."""
    entries = []
    for english, spanish, copula, nouns in rows(table):
        if any(noun_named(noun).spanish == lemma for noun in nouns.split()):
            entries.append(Entry((english,), ("ADJ",), Quality(spanish, copula, spanish)))
    return Choices(entries)


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_crossing_animals(grammar)
    _add_fitting(grammar)
    _add_motives(grammar)
    _add_followed(grammar)


def _add_crossing_animals(grammar: Grammar) -> None:
    @grammar.words("crossing-animal")
    def _(given: Bound) -> Choices:
        return _the(tuple(ANIMALS))

    @grammar.words("crossed-place")
    def _(given: Bound) -> Choices:
        return _the(tuple(PLACES))

    @grammar.words("weary")
    def _(given: Bound) -> Choices:
        return _weary()

    @grammar.words("hard")
    def _(given: Bound) -> Choices:
        return _qualities(_HARD, given.of.lemma)

    for crossing, spanish, tense in rows(_CROSSING):
        verb, own = spanish.split()
        was = "was" if tense == "past" else "is"
        start = (
            f"the/DET {{a:crossing-animal}} {crossing} the/DET {{p:crossed-place}} because/CONJ "
            f"it/PRON {was}/AUX too/ADV "
        )

        def refused(b: Bound, verb: str = verb, own: str = own) -> str:
            predicate = Predicate("cruzar", b.p.spanish)
            if verb != "cruzar":
                predicate = predicate.governed_by(verb)
            return clause(b.a, VerbPhrase(predicate, own, True))

        grammar.rule(
            "statement",
            start + "{q:weary}",
            lambda b, refused=refused, tense=tense: f"{refused(b)} porque {b.q.of(b.a, tense)}",
            label="it is the animal",
            weight=0.2,
            joins="it:a+p",
        )
        grammar.rule(
            "statement",
            start + "{q:hard of=$p}",
            lambda b, refused=refused, tense=tense: f"{refused(b)} porque {b.q.of(b.p, tense)}",
            label="it is the place",
            weight=0.2,
            joins="it:a+p",
        )


def _add_fitting(grammar: Grammar) -> None:
    @grammar.words("bulky")
    def _(given: Bound) -> Choices:
        return _the(tuple(BULKY))

    @grammar.words("tight")
    def _(given: Bound) -> Choices:
        return _the(tuple(TIGHT))

    @grammar.words("too-big")
    def _(given: Bound) -> Choices:
        return _qualities(_TOO_BIG, given.of.lemma)

    @grammar.words("too-small")
    def _(given: Bound) -> Choices:
        return _qualities(_TOO_SMALL, given.of.lemma)

    start = (
        "the/DET {a:bulky} does/AUX n't/PART fit/VERB in/ADP the/DET {p:tight} because/CONJ "
        "it/PRON "
        "is/AUX too/ADV "
    )

    def refused(b: Bound) -> str:
        return clause(b.a, VerbPhrase(Predicate("caber", f"en {b.p.spanish}"), "present", True))

    different = lambda b: b.a.spanish != b.p.spanish  # noqa: E731
    grammar.rule(
        "statement",
        start + "{q:too-big of=$a}",
        lambda b: f"{refused(b)} porque {b.q.of(b.a, 'present')}",
        label="it is the thing",
        weight=0.3,
        joins="it:a+p",
        where=different,
    )
    grammar.rule(
        "statement",
        start + "{q:too-small of=$p}",
        lambda b: f"{refused(b)} porque {b.q.of(b.p, 'present')}",
        label="it is the container",
        weight=0.3,
        joins="it:a+p",
        where=different,
    )


@dataclass(frozen=True)
class Motive:
    """A verb done to a thing, or not, and the adjectives that give the reason."""

    verb: Verb
    negative: bool
    adjectives: frozenset[str]

    @property
    def lemma(self) -> str:
        """The verb's."""
        return self.verb.lemma


def _adjective(english: str, classes: frozenset[str]):
    return [a for a in ADJECTIVES if a.english == english and a.classes & classes]


@cache
def _motives(sweeping: bool) -> Choices:
    """The motives to do something, and those not to; of everybody nothing is denied."""
    entries = []
    for english, sign, adjectives in rows(_MOTIVES):
        if sweeping and sign == "-":
            continue
        verb = _transitive(english)
        value = Motive(verb, sign == "-", frozenset(adjectives.split()))
        if sign == "+":
            entries.append(Entry((past(verb.english),), ("VERB",), value))
        else:
            entries.append(Entry(("did", "n't", verb.english), ("AUX", "PART", "VERB"), value))
            entries.append(Entry(("did", "not", verb.english), ("AUX", "PART", "VERB"), value))
    return Choices(entries)


@cache
def _moved_things(motive: Motive) -> Choices:
    entries = []
    for entry in NOUNS:
        if not entry.classes & motive.verb.objects or entry.is_person or "pet" in entry.classes:
            continue
        for number in entry.numbers():
            if number == "pl" or not any(_adjective(a, entry.classes) for a in motive.adjectives):
                continue
            value = phrase(Determiner("the", number), entry)
            if value.person == "3p":
                continue
            tokens = entry.in_english(number)
            entries.append(Entry(tokens, ("NOUN",) * len(tokens), value))
    return Choices(entries)


@cache
def _motive_adjectives(motive: Motive, classes: frozenset[str]) -> Choices:
    entries = []
    for name in sorted(motive.adjectives):
        for adjective in _adjective(name, classes)[:1]:
            quality = Quality(adjective.spanish, adjective.copula, adjective.lemma)
            entries.append(Entry((adjective.english,), ("ADJ",), quality))
    return Choices(entries)


def _add_motives(grammar: Grammar) -> None:
    @grammar.words("motive")
    def _(given: Bound) -> Choices:
        return _motives(given.s.sweeping)

    @grammar.words("moved-thing")
    def _(given: Bound) -> Choices:
        return _moved_things(given.m)

    @grammar.words("motive-adjective")
    def _(given: Bound) -> Choices:
        return _motive_adjectives(given.m, given.o.classes)

    def explained(b: Bound, degree: str) -> str:
        predicate = Predicate(b.m.verb.spanish, b.o.spanish)
        return (
            f"{clause(b.s, VerbPhrase(predicate, 'preterite', b.m.negative))} porque "
            f"{b.q.of(b.o, 'past', degree)}"
        )

    start = (
        "{s:subject want=person} {m:motive s=$s} the/DET {o:moved-thing m=$m} because/CONJ "
        "it/PRON was/AUX "
    )
    for english, spanish, weight in (
        ("", "", 0.7),
        ("very/ADV ", "muy", 0.5),
        ("too/ADV ", "demasiado", 0.7),
    ):
        grammar.rule(
            "statement",
            start + english + "{q:motive-adjective m=$m o=$o}",
            lambda b, spanish=spanish: explained(b, spanish),
            label="it is the object",
            weight=weight,
            joins="q+o m+o",
            where=(lambda b: b.m.negative)
            if spanish == "demasiado"
            else (lambda b: not b.m.negative and (b.q.lemma not in ("roto", "perfecto")))
            if spanish == "muy"
            else (lambda b: not b.m.negative),
        )


@dataclass(frozen=True)
class Following:
    """Two verbs done to one thing, one after the other."""

    first: Verb
    link: str
    second: Verb

    @property
    def lemma(self) -> str:
        """The first verb's."""
        return self.first.lemma


@cache
def _followings() -> Choices:
    entries = []
    for first, link, second in rows(_FOLLOWING):
        verbs = [_any_verb(first), _any_verb(second)]
        entries.append(Entry((past(first),), ("VERB",), Following(verbs[0], link, verbs[1])))
    return Choices(entries)


def _any_verb(english: str) -> Verb:
    return next(v for v in VERBS if v.english == english and v.objects and not v.particle)


@cache
def _followed_things(both: Following) -> Choices:
    entries = []
    for entry in NOUNS:
        if (
            entry.classes & both.first.objects
            and entry.classes & both.second.objects
            and not entry.is_person
            and not entry.classes & {"food", "drink", "home"}
        ):
            for number in entry.numbers():
                for article in ("a", "the") if number == "sg" else ("the",):
                    determiner = Determiner(article, number)
                    tokens = entry.in_english(number)
                    if article == "a":
                        first = "an" if starts_with_vowel_sound(tokens[0]) else "a"
                    else:
                        first = "the"
                    tags = ("DET", *("NOUN" for _ in tokens))
                    entries.append(Entry((first, *tokens), tags, phrase(determiner, entry)))
    return Choices(entries)


def _add_followed(grammar: Grammar) -> None:
    @grammar.words("following")
    def _(given: Bound) -> Choices:
        return _followings()

    @grammar.words("followed-thing")
    def _(given: Bound) -> Choices:
        return _followed_things(given.f)

    @grammar.words("followed-by")
    def _(given: Bound) -> Choices:
        link, verb = given.f.link, given.f.second
        pronoun = "them" if given.o.agreement == "3p" else "it"
        words = [(("and",), ("CONJ",))] if link == "and" else [((",", "but"), ("PUNCT", "CONJ"))]
        return Choices(
            [
                Entry((*tokens, past(verb.english), pronoun), (*tags, "VERB", "PRON"), None)
                for tokens, tags in words
            ]
        )

    def followed(b: Bound) -> str:
        clitic = {"msg": "lo", "fsg": "la", "mpl": "los", "fpl": "las"}[b.o.gender + b.o.number]
        first = clause(
            b.s,
            VerbPhrase(
                Predicate(
                    b.f.first.spanish,
                    f"{b.f.first.linked_to(b.o.gender, b.o.number)} {b.o.spanish}".strip(),
                ),
                "preterite",
            ),
        )
        silent = replace(b.s, pronoun="he")
        second = clause(
            silent, VerbPhrase(Predicate(b.f.second.spanish, clitics=(clitic,)), "preterite")
        )
        return f"{first} y {second}" if b.f.link == "and" else f"{first}, pero {second}"

    grammar.rule(
        "statement",
        "{s:subject want=person} {f:following} {o:followed-thing f=$f} {z:followed-by f=$f o=$o}",
        followed,
        label="it is the object just named",
        weight=1.2,
        joins="f+o f.second+o",
    )
