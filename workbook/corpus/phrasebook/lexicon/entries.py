"""What the lexicon's tables turn into: nouns, verbs, adjectives, activities, with their forms."""

import re
from dataclasses import dataclass
from functools import cached_property

from workbook.corpus.phrasebook import english_forms, spanish_nouns
from workbook.corpus.phrasebook.lexicon import adjectives

# A class and the wider ones it belongs to.
_WIDER = {
    "kin": ("person",),
    "friend": ("person",),
    "people": ("person",),
    "grown": ("people", "person"),
    "role": ("person",),
    "monarch": ("person",),
    "pet": ("animal",),
    "livestock": ("animal",),
    "wild": ("animal",),
    "insect": ("animal",),
    "marine": ("animal",),
    "staple": ("food",),
    "dish": ("food",),
    "meat": ("food",),
    "vegetable": ("food",),
    "fruit": ("food",),
    "dessert": ("food",),
}
_LENT = "prestado"
_SPANISH_NUMBER = {"el": "sg", "la": "sg", "el/la": "sg", "los": "pl", "las": "pl"}
_SCALES = [
    frozenset(scale.split()) for scale in adjectives.SCALES.strip().replace("\n", " | ").split("|")
]
_FLAGS = frozenset({"mass", "plural", "single", "unique", "portion"})


@dataclass(frozen=True)
class Noun:
    """A noun: `english` with its plural, `spanish` with its gender, and what it is."""

    english: str
    english_plural: str
    spanish: str
    spanish_feminine: str
    gender: str
    spanish_number: str
    classes: frozenset[str]
    flags: frozenset[str]

    @property
    def lemma(self) -> str:
        """The name under which word pairs are held out: the Spanish word."""
        return self.spanish

    @property
    def is_person(self) -> bool:
        """Whether a personal a stands before it."""
        return bool(self.classes & {"person", "infant"})

    def numbers(self) -> tuple[str, ...]:
        """The grammatical numbers it has in English: `sg`, `pl`, `mass`."""
        if "mass" in self.flags:
            return ("mass", "sg", "pl") if "portion" in self.flags else ("mass",)
        if "plural" in self.flags:
            return ("pl",)
        return ("sg",) if self.flags & {"single", "unique"} else ("sg", "pl")

    def in_english(self, number: str) -> tuple[str, ...]:
        """Its tokens in a number."""
        if number == "pl" and "plural" not in self.flags:
            return tuple(self.english_plural.split())
        return tuple(self.english.split())

    def in_spanish(self, number: str, gender: str = "") -> tuple[str, str, str]:
        """Its word, gender and number in Spanish; `gender` chooses the feminine of a person."""
        feminine = bool(self.spanish_feminine) and gender == "f"
        word = self.spanish_feminine if feminine else self.spanish
        if self.spanish_number == "pl":
            return word, self.gender, "pl"
        if number == "pl":
            word = spanish_nouns.plural(word)
        return word, "f" if feminine else self.gender, "pl" if number == "pl" else "sg"


@dataclass(frozen=True)
class Verb:
    """A verb with the classes of its subjects and objects, in one frame."""

    frame: str
    english: str
    particle: tuple[str, ...]
    spanish: str
    reflexive: bool
    link: str
    subjects: frozenset[str]
    objects: frozenset[str]
    flags: frozenset[str]

    @property
    def lemma(self) -> str:
        """The name under which word pairs are held out: the Spanish verb and its preposition."""
        return f"{self.spanish} {self.link}".strip()

    @property
    def preposition(self) -> str:
        """What its object follows: the `con` of *casarse con*; mostly nothing."""
        return "" if self.link == _LENT else self.link

    def linked_to(self, gender: str, number: str) -> str:
        """What stands between the verb and an object of this gender and number: its preposition, or
        the participle of *tomar prestado*, which agrees with what is borrowed."""
        if self.link == _LENT:
            return spanish_nouns.agree(_LENT, gender, number)
        return self.link

    @cached_property
    def ambiguous_past(self) -> bool:
        """Whether `I read` could be present or past: such forms are left out."""
        return english_forms.past(self.english) == self.english

    def in_english(self, form: str, agreement: str) -> str:
        """The verb's own form: base, present, past, gerund or participle."""
        if form == "present":
            singular = agreement == "3s"
            return english_forms.third_person(self.english) if singular else self.english
        if form == "past":
            return english_forms.past(self.english)
        if form == "gerund":
            return english_forms.gerund(self.english)
        return english_forms.participle(self.english) if form == "participle" else self.english


@dataclass(frozen=True)
class Adjective:
    """An adjective, what it describes, its copula, and where it stands."""

    english: str
    spanish: str
    copula: str
    classes: frozenset[str]
    flags: frozenset[str]

    @property
    def lemma(self) -> str:
        """The name under which word pairs are held out: the Spanish adjective."""
        return self.spanish

    def goes_with(self, other: str) -> bool:
        """Whether another adjective, by its English, may be said beside it."""
        if other == self.english:
            return False
        return not any({self.english, other} <= scale for scale in _SCALES)

    def in_spanish(self, gender: str, number: str) -> str:
        """The adjective agreed; phrases such as `lleno de gente` keep their tail."""
        head, blank, rest = self.spanish.partition(" ")
        if "invariable" in self.flags:
            return self.spanish
        if head == "poco":
            return f"{head} {spanish_nouns.agree(rest, gender, number)}"
        return spanish_nouns.agree(head, gender, number) + blank + rest


@dataclass(frozen=True)
class Activity:
    """A whole verb phrase; `POSS` in either language is the subject's own possessive."""

    verb: Verb
    english_rest: tuple[str, ...]
    spanish_rest: str
    groups: frozenset[str]

    @property
    def lemma(self) -> str:
        """The name under which word pairs are held out."""
        return f"{self.verb.spanish} {self.spanish_rest}".strip()


def _classes(english: str, words: list[str]) -> frozenset[str]:
    found = {word for word in words if word not in _FLAGS}
    wider = {wide for word in found for wide in _WIDER.get(word, ())}
    return frozenset(found | wider | {english.replace(" ", "-")})


def noun(row: list[str]) -> Noun:
    """`child/children | el niño | people` as a Noun."""
    english_cell, spanish_cell, class_cell = row
    english, _, irregular = english_cell.partition("/")
    article, _, words = spanish_cell.partition(" ")
    masculine, _, feminine = words.partition("/")
    if article == "el/la":
        feminine = masculine
    words = class_cell.split()
    return Noun(
        english=english,
        english_plural=irregular or english_forms.plural(english),
        spanish=masculine,
        spanish_feminine=feminine,
        gender="f" if article in ("la", "las") else "m",
        spanish_number=_SPANISH_NUMBER[article],
        classes=_classes(english, words),
        flags=frozenset(word for word in words if word in _FLAGS),
    )


def verb(frame: str, english: str, spanish: str, subjects: str, objects: str, flags: str) -> Verb:
    """One row of a verb table; a reflexive infinitive ends in -se, a second word is its link."""
    base, *particle = english.split()
    infinitive, _, link = spanish.partition(" ")
    reflexive = infinitive.endswith("se")
    return Verb(
        frame=frame,
        english=base,
        particle=tuple(particle),
        spanish=infinitive.removesuffix("se") if reflexive else infinitive,
        reflexive=reflexive,
        link=link,
        subjects=frozenset(subjects.split()),
        objects=frozenset(objects.split()),
        flags=frozenset(flags.split()),
    )


def adjective(row: list[str]) -> Adjective:
    """`red | rojo | ser | clothing | color` as an Adjective."""
    english, spanish, copula, classes, *flags = row
    return Adjective(
        english=english,
        spanish=spanish,
        copula=copula,
        classes=frozenset(classes.split()),
        flags=frozenset(flags[0].split()) if flags else frozenset(),
    )


def activity(row: list[str]) -> Activity:
    """`go home | ir a casa | habit tired` as an Activity."""
    english, spanish, groups = row
    base, *rest = english.split()
    infinitive, _, spanish_rest = spanish.partition(" ")
    return Activity(
        verb=verb("activity", base, infinitive, "person", "", ""),
        english_rest=tuple(rest),
        spanish_rest=re.sub(r"\s+", " ", spanish_rest),
        groups=frozenset(groups.split()),
    )
