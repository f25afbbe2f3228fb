"""Noun phrases: pronouns, names, and nouns with determiners, adjectives and owners.

Symbols: `subject` (what a verb agrees with), `object` (what a verb takes), `common` (determiner,
noun and what stands between), each with the feature `want`: which nouns make
sense.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from workbook.corpus.phrasebook import spanish_nouns
from workbook.corpus.phrasebook.english_forms import starts_with_vowel_sound
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS, Adjective, Noun
from workbook.corpus.phrasebook.lexicon.ideas import SUBJECTS
from workbook.corpus.phrasebook.lexicon.people import MEN, WOMEN
from workbook.corpus.phrasebook.lexicon.places import CITIES, COUNTRIES, LANGUAGES
from workbook.corpus.phrasebook.lexicon.tables import pairs
from workbook.corpus.phrasebook.numbers import ORDINALS, in_english, in_spanish
from workbook.corpus.phrasebook.realise import Nominal

PEOPLE = frozenset({"person", "people", "grown"})
ANIMALS = frozenset({"pet", "livestock", "wild"})
# What `want` may say instead of a set of classes.
_GROUPS = {
    "person": frozenset({"person"}),
    "agent": frozenset({"person", "pet", "livestock", "infant"}),
    "animal": ANIMALS,
}
_SUBJECT_PRONOUNS = (
    # English, agreement, Spanish person, gender, number, Spanish after a preposition
    ("I", "1s", "1s", "m", "sg", "mí"),
    ("you", "2s", "2s", "m", "sg", "ti"),
    ("he", "3s", "3s", "m", "sg", "él"),
    ("she", "3s", "3s", "f", "sg", "ella"),
    ("we", "1p", "1p", "m", "pl", "nosotros"),
    ("they", "3p", "3p", "m", "pl", "ellos"),
)
_OBJECT_PRONOUNS = (
    # English, person, accusative, dative, after a preposition
    ("me", "1s", "me", "me", "mí"),
    ("you", "2s", "te", "te", "ti"),
    ("him", "3s", "lo", "le", "él"),
    ("her", "3s", "la", "le", "ella"),
    ("us", "1p", "nos", "nos", "nosotros"),
    ("them", "3p", "los", "les", "ellos"),
)
_POSSESSIVES = (
    # English, Spanish, whether several own it
    ("my", "mi", False),
    ("your", "tu", False),
    ("his", "su", False),
    ("her", "su", False),
    ("our", "nuestro", True),
    ("their", "su", True),
)
_OWNABLE = frozenset(
    """kin friend pet clothing jewel glasses thing container furniture device appliance
    vehicle book stationery toy instrument tool kitchenware home room yard linen artwork gift text
    written job papers booking luggage money wage data meal task project idea report body company
    city town neighborhood country school office birthday anniversary wedding party outing flight
    opinion answer team family group secret dream boss voice music farm garden""".split()
)
_ORDERED = frozenset("lesson question page chapter street exam exercise class".split())
_COUNTED = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)


@dataclass(frozen=True)
class Determiner:
    """What stands before a noun: how it decides number, what it allows, how Spanish says it."""

    kind: str
    number: str
    spanish: str = ""
    sound: str = ""
    shared: bool = False

    @property
    def definite(self) -> bool:
        """Whether it points at something known."""
        return self.kind in ("the", "possessive", "this", "that", "all", "ordinal", "same")

    def in_spanish(self, gender: str, number: str, following: str) -> str:
        """Its Spanish form before a word."""
        if self.kind == "the":
            return spanish_nouns.article("definite", gender, number, following)
        if self.kind in ("ordinal", "same"):
            word = spanish_nouns.before_noun(self.spanish, gender, number)
            return f"{spanish_nouns.article('definite', gender, number, word)} {word}"
        if self.kind == "a":
            return spanish_nouns.article("indefinite", gender, number, following)
        if self.kind == "possessive":
            if self.spanish == "nuestro":
                return spanish_nouns.agree(self.spanish, gender, number)
            return self.spanish + ("s" if number == "pl" else "")
        if self.kind == "this":
            return {"msg": "este", "fsg": "esta", "mpl": "estos", "fpl": "estas"}[gender + number]
        if self.kind == "that":
            return {"msg": "ese", "fsg": "esa", "mpl": "esos", "fpl": "esas"}[gender + number]
        if self.kind == "number":
            return in_spanish(int(self.spanish), gender)
        if self.kind == "all":
            article = spanish_nouns.article("definite", gender, number, "")
            return f"{spanish_nouns.agree('todo', gender, number)} {article}"
        if self.kind == "portion" and number == "pl":  # some furniture: unos muebles
            return spanish_nouns.article("indefinite", gender, number, following)
        if self.kind in ("fixed", "portion") or not self.spanish:
            return self.spanish
        head, blank, rest = self.spanish.partition(" ")
        return spanish_nouns.agree(head, gender, number) + (
            blank + spanish_nouns.agree(rest, gender, number) if rest else ""
        )


def _determiners() -> dict[str, list[tuple[Entry, frozenset[str]]]]:
    """Every determiner as an entry, by number, with the roles it may play."""
    both = frozenset({"subject", "object", "definite"})
    weak = frozenset({"object", "indefinite"})
    found: dict[str, list[tuple[Entry, frozenset[str]]]] = {"sg": [], "pl": [], "mass": []}

    def add(
        words: str,
        tag: str,
        numbers: str,
        kind: str,
        spanish: str,
        roles: frozenset[str],
        times=1,
        shared=False,
    ) -> None:
        for number in numbers.split():
            sound = {"a": "consonant", "an": "vowel"}.get(words.split()[-1], "")
            value = Determiner(kind, number, spanish, sound, shared)
            tags = tuple(tag.split()) if " " in tag else (tag,) * len(words.split())
            often = times * {"sg": 3, "mass": 2, "pl": 1}[number]
            found[number] += [(Entry(tuple(words.split()), tags, value), roles)] * often

    add("the", "DET", "sg pl mass", "the", "", both | {"given", "the", "own"}, 8)
    for english, spanish, shared in _POSSESSIVES:
        add(english, "PRON", "sg pl mass", "possessive", spanish, both | {"own"}, 2, shared)
    add("this", "DET", "sg mass", "this", "", both | {"given"}, 2)
    add("that", "DET", "sg mass", "that", "", both | {"given"})
    add("these", "DET", "pl", "this", "", both | {"given"}, 2)
    add("those", "DET", "pl", "that", "", both | {"given"})
    add("a", "DET", "sg", "a", "", weak | {"had", "one"}, 9)
    add("an", "DET", "sg", "a", "", weak | {"had", "one"}, 3)
    add("another", "DET", "sg", "weak", "otro", weak)
    add("the other", "DET ADJ", "sg pl", "same", "otro", both)
    add("the same", "DET ADJ", "sg pl", "same", "mismo", both)
    add("enough", "ADJ", "pl mass", "weak", "suficiente", weak)
    add("some", "DET", "pl", "some", "unos", weak | {"one"}, 3)
    add("some", "DET", "mass", "portion", "un poco de", weak | {"one"}, 3)
    add("many", "ADJ", "pl", "weak", "mucho", weak)
    add("several", "ADJ", "pl", "fixed-pl", "varios", weak)
    add("a lot of", "DET NOUN ADP", "pl mass", "weak", "mucho", weak, 2)
    add("too many", "ADV ADJ", "pl", "weak", "demasiado", weak)
    add("too much", "ADV ADJ", "mass", "weak", "demasiado", weak)
    add("a few", "DET ADJ", "pl", "weak", "uno poco", weak)
    add("all the", "DET DET", "pl", "all", "", frozenset({"subject", "definite"}))
    for english, spanish in pairs(ORDINALS)[:5]:
        add(f"the {english}", "DET ADJ", "sg", "ordinal", spanish, both)
    for number in _COUNTED:
        words = " ".join(in_english(number))
        roles = weak | {"had"} if number < 6 else weak
        add(words, "NUM", "pl", "number", str(number), roles)
    return found


_DETERMINERS = _determiners()


@cache
def _determiner_choices(role: str, agreement: str) -> Choices:
    numbers = ("sg", "mass") if agreement == "3s" else ("pl",)
    if not agreement or ("3s" in agreement and agreement != "3s"):
        numbers = ("sg", "pl", "mass")
    entries = [
        entry for number in numbers for entry, roles in _DETERMINERS[number] if role in roles
    ]
    return Choices(entries)


def wanted(want: "str | frozenset[str] | None") -> frozenset[str] | None:
    """The classes behind a `want`: a group's name, one class's name, a set, or None for all."""
    if want is None or want == "any":
        return None
    if isinstance(want, frozenset):
        return want
    return _GROUPS.get(want) or frozenset(want.split(","))


def _allows(kind: str, noun: Noun) -> bool:
    if "kin" in noun.classes:
        return kind in ("possessive", "owner")
    if "mine" in noun.classes:
        return kind in ("possessive", "owner", "a", "number")
    if "body" in noun.classes:
        return kind in ("possessive", "owner", "the-body")
    if "unique" in noun.flags:
        return kind == "the"
    if kind == "ordinal":
        return bool(noun.classes & _ORDERED)
    if kind == "owner" and noun.classes & frozenset({"city", "town", "country", "company"}):
        return False
    if kind in ("possessive", "owner"):
        return bool(noun.classes & _OWNABLE)
    if noun.classes & frozenset({"sky", "land"}):
        return kind == "the"
    return True


@cache
def _nouns(
    want: frozenset[str] | None,
    number: str,
    kind: str,
    sound: str,
    adjective: Adjective | None,
    kin: bool = False,
) -> Choices:
    if adjective is not None:
        described = _described(adjective)
        plain = _nouns(want, number, kind, sound, None, kin)
        return Choices([entry for entry in plain.entries if entry.value.english in described])
    return Choices(
        [
            entry
            for entry, vowel in _after_determiner(number, kind, kin)
            if (want is None or want & entry.value.classes)
            and (not sound or vowel == (sound == "vowel"))
        ]
    )


@cache
def _after_determiner(number: str, kind: str, kin: bool) -> tuple[tuple[Entry, bool], ...]:
    """The nouns that a kind of determiner may stand before, and whether they begin in a vowel."""
    found = []
    for noun in NOUNS:
        if number not in noun.numbers() or not (kin or _allows(kind, noun)):
            continue
        if "portion" in noun.flags and number != "mass" and kind not in ("a", "number"):
            continue  # a coffee, two coffees, but not these coffees
        tokens = noun.in_english(number)
        tags = tuple("ADJ" if token == "hot" else "NOUN" for token in tokens)
        found.append((Entry(tokens, tags, noun), starts_with_vowel_sound(tokens[0])))
    return tuple(found)


@cache
def _described(adjective: Adjective) -> frozenset[str]:
    """The English nouns that an adjective may stand beside."""
    return frozenset(noun.english for noun in NOUNS if adjective.classes & noun.classes)


@cache
def _adjectives(
    want: frozenset[str] | None, number: str, kind: str, sound: str, group: str
) -> Choices:
    entries = []
    nouns = frozenset(entry.value.english for entry in _nouns(want, number, kind, "", None).entries)
    for adjective in ADJECTIVES:
        if adjective.flags & {"only", "mood"}:
            continue
        if group == "size" and "size" not in adjective.flags:
            continue
        if group == "color" and "color" not in adjective.flags:
            continue
        if sound and starts_with_vowel_sound(adjective.english) != (sound == "vowel"):
            continue
        if adjective.english == "favorite" and kind != "possessive":
            continue
        if "relational" in adjective.flags and kind == "possessive":
            continue
        if nouns.isdisjoint(_described(adjective)):
            continue
        entries.append(Entry((adjective.english,), ("ADJ",), adjective))
    return Choices(entries)


def phrase(
    determiner: Determiner, noun: Noun, adjectives: Iterable[Adjective] = (), gender: str = ""
) -> Nominal:
    """A determiner, adjectives in English order and a noun as one noun phrase."""
    adjectives = tuple(adjectives)
    word, gender, number = noun.in_spanish(determiner.number, gender)
    before: list[str] = []
    after: list[str] = []
    for adjective in adjectives:
        if "pre" in adjective.flags:
            before.append(spanish_nouns.before_noun(adjective.spanish, gender, number))
        else:
            after.insert(0, adjective.in_spanish(gender, number))
    following = (before or [word])[0]
    if determiner.kind == "some":
        article = spanish_nouns.article("indefinite", gender, number, following)
    elif determiner.kind == "fixed-pl":
        article = "varias" if gender == "f" else "varios"
    else:
        article = determiner.in_spanish(gender, number, following)
    words = [part for part in (article, *before, word, *after) if part]
    agreement = "3p" if determiner.number == "pl" else "3s"
    return Nominal(
        spanish=" ".join(words),
        agreement=agreement,
        person="3p" if number == "pl" else "3s",
        gender=gender,
        number=number,
        classes=noun.classes,
        lemma=noun.spanish,
        definite=determiner.definite,
        human=noun.is_person,
        qualities=tuple(adjective.english for adjective in adjectives),
        affirmative=determiner.kind in ("some", "portion"),
        sweeping=determiner.kind == "all",
    )


def pronoun(english: str) -> Nominal:
    """A subject pronoun by its English form."""
    for form, agreement, person, gender, number, strong in _SUBJECT_PRONOUNS:
        if form == english:
            return Nominal(
                strong, agreement, person, gender, number, PEOPLE, pronoun=form, human=True
            )
    raise ValueError(f"expected a subject pronoun, got {english!r}")


IT = Nominal("ello", "3s", "3s", "m", "sg", pronoun="lo")


def _named(english: str, gender: str) -> Entry:
    value = Nominal(
        english, "3s", "3s", gender, "sg", PEOPLE | {"friend"}, human=True, lemma=english
    )
    return Entry(tuple(english.split()), ("PROPN",) * len(english.split()), value)


NAMES = [_named(name, "f") for name in WOMEN] + [_named(name, "m") for name in MEN]
_PRONOUN_TIMES = {"I": 4, "you": 2, "he": 3, "she": 3, "we": 3, "they": 2}


@cache
def _subject_pronouns(agreement: str) -> Choices:
    entries = []
    for form, own, *_ in _SUBJECT_PRONOUNS:
        if not agreement or own in agreement:
            entries += [Entry((form,), ("PRON",), pronoun(form))] * _PRONOUN_TIMES[form]
    if not agreement or "2s" in agreement:
        everybody = replace(
            pronoun("you"), spanish="ustedes", person="3p", number="pl", pronoun="you all"
        )
        entries.append(Entry(("you", "all"), ("PRON", "PRON"), everybody))
    return Choices(entries)


def _plain(english: str, spanish: str, kind: str, gender: str = "m", number: str = "sg") -> Entry:
    value = Nominal(
        spanish, "3s", "3p" if number == "pl" else "3s", gender, number, frozenset({kind}), spanish
    )
    tag = "NOUN" if kind in ("subject", "sport") else "PROPN"
    return Entry(tuple(english.split()), (tag,) * len(english.split()), value)


@cache
def proper_nouns(want: frozenset[str]) -> Choices:
    """The names of persons, cities and so on that belong to these classes."""
    entries: list[Entry] = []
    if want & {"kin", "friend", "people", "person"}:
        entries += NAMES
    if "language" in want:
        entries += [_plain(en, es, "language") for en, es in pairs(LANGUAGES)]
    if "subject" in want:
        entries += [_plain(en, es.split(" ", 1)[1], "subject") for en, es in pairs(SUBJECTS)]
    if "city" in want or "town" in want:
        entries += [_plain(en, es, "city") for en, es in pairs(CITIES)]
    if "country" in want or "town" in want:
        rows = [[cell.strip() for cell in row.split("|")] for row in COUNTRIES.strip().splitlines()]
        entries += [_plain(row[0], row[1], "country") for row in rows]
    return Choices(entries)


def personal_a(nominal: Nominal, verb) -> Nominal:
    """The nominal as this verb's object: with the personal a, or without it, as behind another
    preposition (*casarse con*)."""
    animal = bool(nominal.classes & ANIMALS) and nominal.definite and "animals" in verb.flags
    person = nominal.human and not verb.preposition and "alone" not in verb.flags
    return replace(nominal, human=person or animal)


def _coordinated(first: Nominal, second: Nominal) -> Nominal:
    gender = "f" if first.gender == second.gender == "f" else "m"
    return replace(
        first,
        spanish=f"{first.spanish} y {second.spanish}",
        agreement="3p",
        person="3p",
        gender=gender,
        number="pl",
        lemma="",
        classes=first.classes & second.classes,
        parts=(first, second),
    )


def two_things(first: Nominal, second: Nominal) -> Nominal:
    """A thing and another: `un perro y un gato`."""
    return replace(
        first,
        spanish=f"{first.spanish} y {second.spanish}",
        agreement="3p",
        person="3p",
        number="pl",
        lemma="",
        classes=first.classes & second.classes,
        affirmative=True,
    )


def _owned(owner: Nominal, noun: Noun, number: str) -> Nominal:
    made = phrase(Determiner("the", number), noun)
    return replace(made, spanish=f"{made.spanish} de {owner.spanish}")


@cache
def _object_pronouns(want: frozenset[str], flags: frozenset[str], agreement: str) -> Choices:
    entries = []
    people = bool(want & {"person", "people", "kin", "friend", "role"})
    things = bool(want - {"person", "people", "kin", "friend", "role", "monarch", "thief"})
    things = things and "people-only" not in flags
    for english, own, accusative, _, strong in _OBJECT_PRONOUNS:
        if not people and (english != "them" or "it-only" in flags):
            continue
        if own[0] == agreement[0] != "3":
            continue
        value = Nominal(strong, own, own, "m", "sg", PEOPLE, pronoun=accusative)
        entries.append(Entry((english,), ("PRON",), value))
    if things:
        value = Nominal("ello", "3s", "3s", "m", "sg", pronoun="lo")
        entries += [Entry(("it",), ("PRON",), value)] * 2
    return Choices(entries)


@cache
def strong_pronouns(agreement: str) -> Choices:
    """Pronouns after a preposition, none of them the subject itself: with me, for her."""
    entries = []
    for english, own, _, _, strong in _OBJECT_PRONOUNS:
        if agreement and own[0] == agreement[0] != "3":
            continue
        value = Nominal(strong, own, own, "m", "sg", PEOPLE, pronoun=english)
        entries.append(Entry((english,), ("PRON",), value))
    return Choices(entries)


@cache
def _dative_pronouns(agreement: str) -> Choices:
    entries = []
    for english, own, _, dative, strong in _OBJECT_PRONOUNS:
        if own[0] == agreement[0] != "3":
            continue
        value = Nominal(strong, own, own, "m", "sg", PEOPLE, pronoun=dative)
        entries.append(Entry((english,), ("PRON",), value))
    return Choices(entries)


@dataclass(frozen=True)
class Bare:
    """A noun without a determiner, in a number that allows it."""

    determiner: Determiner
    noun: Noun

    @property
    def lemma(self) -> str:
        """The noun's."""
        return self.noun.lemma


@dataclass(frozen=True)
class Named:
    """A Spanish word that already agrees, with the lemma it comes from."""

    spanish: str
    lemma: str
    noun: object = None

    def __str__(self) -> str:
        return self.spanish


def add(grammar: Grammar) -> None:
    """Add the noun phrases to the grammar."""

    @grammar.words("subject-pronoun")
    def _(given: Bound) -> Choices:
        return _subject_pronouns(given.agr or "")

    @grammar.words("name")
    def _(given: Bound) -> Choices:
        return _all_names()

    @grammar.words("everybody")
    def _(given: Bound) -> Choices:
        return _everybody()

    @grammar.words("determiner")
    def _(given: Bound) -> Choices:
        return _determiner_choices(given.role or "subject", given.agr or "")

    @grammar.words("noun")
    def _(given: Bound) -> Choices:
        determiner = given.d
        return _nouns(
            wanted(given.want),
            determiner.number if determiner else given.number or "sg",
            determiner.kind if determiner else given.kind or "bare",
            "" if given.a or not determiner else determiner.sound,
            given.a,
            given.kin == "yes",
        )

    @grammar.words("adjective")
    def _(given: Bound) -> Choices:
        determiner = given.d
        sound = "" if given.after else determiner.sound
        return _adjectives(
            wanted(given.want), determiner.number, determiner.kind, sound, given.group or ""
        )

    @grammar.words("bare-noun")
    def _(given: Bound) -> Choices:
        return _bare(wanted(given.want), given.people == "yes")

    @grammar.words("proper")
    def _(given: Bound) -> Choices:
        return proper_nouns(wanted(given.want) or frozenset())

    @grammar.words("object-pronoun")
    def _(given: Bound) -> Choices:
        return _object_pronouns(given.verb.objects, given.verb.flags, given.s.agreement)

    @grammar.words("dative-pronoun")
    def _(given: Bound) -> Choices:
        return _dative_pronouns(given.s.agreement)

    people = {"want": "agent person any"}
    grammar.rule("subject", "{p:subject-pronoun agr=$agr}", lambda b: b.p, weight=6, **people)
    grammar.rule(
        "subject", "{n:name}", lambda b: b.n, weight=2, agr="3s", where=_singular, **people
    )
    grammar.rule(
        "subject", "{n:everybody}", lambda b: b.n, weight=0.4, agr="3s", where=_singular, **people
    )
    grammar.rule("subject", "{c:common want=$want agr=$agr role=subject}", lambda b: b.c, weight=6)
    grammar.rule(
        "subject",
        "{a:name} and/CONJ {b:name}",
        lambda b: _coordinated(b.a, b.b),
        label="coordinated subject",
        weight=0.5,
        where=lambda b: b.a.spanish != b.b.spanish and _plural(b),
        **people,
    )
    grammar.rule(
        "subject",
        "{a:name} and/CONJ I/PRON",
        lambda b: replace(
            _coordinated(b.a, pronoun("I")),
            spanish=f"{b.a.spanish} y yo",
            agreement="1p",
            person="1p",
            gender="m",
        ),
        label="coordinated subject",
        weight=0.4,
        where=_plural,
        **people,
    )
    _add_common(grammar)
    _add_objects(grammar)


def _possible_owner(bound: Bound) -> bool:
    """Nobody shares a husband, a wife, a boyfriend or a girlfriend, nor an eye or a heart."""
    if not bound.d.shared:
        return True
    one = "body" in bound.n.classes and bound.d.number == "sg"
    return not one and "partner" not in bound.n.classes


def _singular(bound: Bound) -> bool:
    return not bound.agr or "3s" in bound.agr


def _plural(bound: Bound) -> bool:
    return not bound.agr or "3p" in bound.agr


@cache
def _all_names() -> Choices:
    return Choices(NAMES)


@cache
def _everybody() -> Choices:
    """Everybody, as a subject."""
    all_ = Nominal("todos", "3s", "3p", "m", "pl", PEOPLE, human=True, sweeping=True)
    return Choices(
        [
            Entry(("everybody",), ("PRON",), all_),
            Entry(("everyone",), ("PRON",), all_),
        ]
    )


@cache
def _bare(want: frozenset[str] | None, people: bool) -> Choices:
    """Nouns without a determiner: plurals and masses."""
    entries = []
    for number in ("pl", "mass"):
        determiner = Determiner("bare", number)
        for entry in _nouns(want, number, "bare", "", None, people).entries:
            if "unique" in entry.value.flags or (entry.value.is_person and not people):
                continue
            entries.append(entry._replace(value=Bare(determiner, entry.value)))
    return Choices(entries)


def _add_common(grammar: Grammar) -> None:
    grammar.rule(
        "common",
        "{d:determiner role=$role agr=$agr} {n:noun d=$d want=$want}",
        lambda b: phrase(b.d, b.n),
        weight=10,
        where=_possible_owner,
    )
    grammar.rule(
        "common",
        "{d:determiner role=$role agr=$agr} {a:adjective d=$d want=$want} {n:noun d=$d "
        "want=$want a=$a}",
        lambda b: phrase(b.d, b.n, [b.a]),
        label="adjective and noun",
        weight=5,
        joins="a+n",
        where=lambda b: _possible_owner(b) and (b.a.english != "little" or b.d.number != "mass"),
    )
    grammar.rule(
        "common",
        "{d:determiner role=$role agr=$agr} {a:adjective d=$d want=$want group=size} "
        "{c:adjective d=$d want=$want group=color after=yes} {n:two-fold d=$d want=$want "
        "a=$a c=$c}",
        lambda b: phrase(b.d, b.n, [b.a, b.c]),
        label="two adjectives",
        weight=0.7,
        joins="a+n c+n",
        where=_possible_owner,
    )

    @grammar.words("two-fold")
    def _(given: Bound) -> Choices:
        return _two_fold(wanted(given.want), given.d.number, given.d.kind, given.a, given.c)

    grammar.rule(
        "common",
        "{o:name} 's/PART {n:noun want=$want number=sg kind=owner}",
        lambda b: _owned(b.o, b.n, "sg"),
        label="owner",
        weight=1,
        role="subject object definite",
        agr="3s",
        where=_singular,
    )
    grammar.rule(
        "common",
        "{d:determiner role=definite agr=3s} {k:noun d=$d want=kin} 's/PART "
        "{n:noun want=$want number=sg kind=owner}",
        lambda b: _owned(phrase(b.d, b.k), b.n, "sg"),
        label="owner",
        weight=0.5,
        role="subject object definite",
        agr="3s",
        where=_singular,
    )
    grammar.rule(
        "common",
        "{o:name} 's/PART {n:noun want=$want number=pl kind=owner}",
        lambda b: _owned(b.o, b.n, "pl"),
        label="owner",
        weight=0.5,
        role="subject object definite",
        where=_plural,
    )


@cache
def _two_fold(want, number: str, kind: str, first: Adjective, second: Adjective) -> Choices:
    entries = _nouns(want, number, kind, "", first).entries
    return Choices([entry for entry in entries if second.classes & entry.value.classes])


def _add_objects(grammar: Grammar) -> None:
    grammar.rule(
        "object", "{c:common want=$want role=object}", lambda b: b.c, weight=6, range="any"
    )
    grammar.rule(
        "object",
        "{c:common want=$want role=definite}",
        lambda b: b.c,
        weight=4,
        range="any daily pointed known",
    )
    grammar.rule(
        "object",
        "{a:common want=$want role=one} and/CONJ {c:common want=$want role=one}",
        lambda b: two_things(b.a, b.c),
        label="coordinated object",
        weight=0.7,
        range="any pointed",
        where=lambda b: b.a.lemma != b.c.lemma and not b.a.human and not b.c.human,
    )
    grammar.rule(
        "object",
        "{n:bare-noun want=$want}",
        lambda b: replace(phrase(b.n.determiner, b.n.noun), definite=False),
        weight=2.5,
        range="any generic daily",
    )
    grammar.rule(
        "object",
        "{n:bare-noun want=$want}",
        lambda b: phrase(Determiner("the", b.n.determiner.number), b.n.noun),
        weight=4,
        range="kind",
    )
    grammar.rule(
        "object", "{c:common want=$want role=one}", lambda b: b.c, weight=3, range="pointed"
    )
    grammar.rule(
        "object",
        "{n:proper want=$want}",
        lambda b: b.n,
        weight=1.5,
        range="any daily pointed known",
    )
    grammar.rule(
        "object",
        "{n:proper want=$want}",
        lambda b: b.n,
        weight=1.5,
        range="generic",
        where=lambda b: not b.n.human,
    )
