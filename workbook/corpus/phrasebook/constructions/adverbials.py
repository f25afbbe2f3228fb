"""Adverbials: when, how often, how and where something happens, and the tags of small words."""

from collections.abc import Sequence
from functools import cache

from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import noun_named
from workbook.corpus.phrasebook.lexicon import words as small_words
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.numbers import WEEKDAYS, clock, in_english, in_spanish
from workbook.corpus.phrasebook.realise import VerbPhrase

_WORD_TAGS = {
    **dict.fromkeys("a an the every this that these those".split(), "DET"),
    **dict.fromkeys("my your his her our their its".split(), "PRON"),
    **dict.fromkeys(
        """to at in on of for with from by about around off out up after before near like
        during until down""".split(),
        "ADP",
    ),
    **dict.fromkeys(
        """now soon later early late well badly fast slowly hard home tonight tomorrow yesterday
        here there outside upstairs downstairs often always usually sometimes never rarely also
        loudly carefully patiently quietly very too far twice once recently ago downtown""".split(),
        "ADV",
    ),
    **dict.fromkeys("last next past several right many".split(), "ADJ"),
    **dict.fromkeys("something it everything".split(), "PRON"),
    **dict.fromkeys("dressed married".split(), "ADJ"),
    **dict.fromkeys("and or but".split(), "CONJ"),
    **dict.fromkeys("swimming fishing dancing camping shopping flying".split(), "VERB"),
    **dict.fromkeys("Spanish English".split(), "PROPN"),
}


def tag(word: str) -> str:
    return _WORD_TAGS.get(word, "NOUN")


def tags_of(words: Sequence[str]) -> tuple[str, ...]:
    """The tags of small words in a row: `home` is a noun after `at` and `from`, else an adverb."""
    found = []
    for before, word in zip(("", *words), words, strict=False):
        found.append("NOUN" if word == "home" and before in ("at", "from") else tag(word))
    return tuple(found)


def adverbials(table: str) -> list[tuple[tuple[str, ...], tuple[str, ...], list[str]]]:
    """A table of adverbials as tokens, tags and its further cells."""
    found = []
    for english, *rest in rows(table):
        tokens = tuple(english.split())
        found.append((tokens, tags_of(tokens), rest))
    return found


@cache
def _manners(flags: str) -> Choices:
    own = set(flags.split())
    return Choices(
        [
            Entry(tokens, tuple("ADV" for _ in tokens), spanish)
            for tokens, _, (spanish, groups) in adverbials(small_words.MANNERS)
            if own & set(groups.split())
        ]
    )


@cache
def _settings(flags: str) -> Choices:
    own = set(flags.split())
    return Choices(
        [
            Entry(tokens, tags, spanish)
            for tokens, tags, (spanish, groups) in adverbials(small_words.SETTINGS)
            if own & set(groups.split())
        ]
    )


# Times of day, which would quarrel with what has its own: I get up in the afternoon.
_DAYTIMES = frozenset(
    [
        "por la mañana",
        "por la tarde",
        "por la noche",
        "después de la escuela",
        "después del trabajo",
    ]
)


_TIMED = frozenset(
    """despertar levantar acostar desayunar almorzar cenar dormir vestir duchar poner preparar ir
    quitar""".split()
)


def usual(phrase: VerbPhrase, time: str) -> bool:
    """Whether one says of a habit that it happens at that time."""
    if phrase.negative or phrase.adverb:
        return False
    return time not in _DAYTIMES or phrase.predicate.verb not in _TIMED


@cache
def _times(when: str) -> Choices:
    table = {
        "past": small_words.PAST_TIMES,
        "future": small_words.FUTURE_TIMES,
        "habit": small_words.HABIT_TIMES,
        "progressive": small_words.NOW_TIMES,
        "perfect": small_words.PERFECT_TIMES,
    }[when]
    entries = [Entry(tokens, tags, rest[0]) for tokens, tags, rest in adverbials(table)]
    days = pairs(WEEKDAYS)
    if when == "past":
        for english, spanish in days:
            entries.append(Entry(("last", english), ("ADJ", "PROPN"), f"el {spanish} pasado"))
        for count in (2, 3, 4, 5, 10):
            for unit in ("day", "week", "month", "year"):
                entries.append(_ago(count, unit))
    if when == "future":
        for english, spanish in days:
            entries.append(Entry(("next", english), ("ADJ", "PROPN"), f"el próximo {spanish}"))
    if when in ("past", "future"):
        for english, spanish in days:
            entries.append(Entry(("on", english), ("ADP", "PROPN"), f"el {spanish}"))
    if when == "habit":
        for english, spanish in days:
            plural = spanish if spanish.endswith("s") else spanish + "s"
            entries.append(Entry(("on", english + "s"), ("ADP", "PROPN"), f"los {plural}"))
    if when in ("future", "past"):
        for hour in range(1, 13):
            for minutes in (0, 15, 30):
                words, spanish = clock(hour, minutes)
                tags = tuple(_clock_tag(word) for word in words)
                entries.append(Entry(("at", *words), ("ADP", *tags), f"a {spanish}"))
            bare = in_english(hour)
            entries.append(Entry(("at", *bare), ("ADP", "NUM"), f"a {clock(hour, 0)[1]}"))
    return Choices(entries)


def _clock_tag(word: str) -> str:
    known = {
        "o'clock": "ADV",
        "half": "NOUN",
        "past": "ADP",
        "to": "ADP",
        "a": "DET",
        "quarter": "NOUN",
    }
    return known.get(word, "NUM")


def _ago(count: int, unit: str) -> Entry:
    noun = noun_named(unit)
    word, gender, _ = noun.in_spanish("pl")
    tokens = (*in_english(count), *noun.in_english("pl"), "ago")
    return Entry(tokens, ("NUM", "NOUN", "ADV"), f"hace {in_spanish(count, gender)} {word}")


@cache
def _spans(units: str) -> Choices:
    """Lengths of time: two hours, ten years."""
    entries = []
    for unit in units.split():
        noun = noun_named(unit)
        for count in (2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20):
            word, gender, _ = noun.in_spanish("pl")
            tokens = (*in_english(count), *noun.in_english("pl"))
            entries.append(Entry(tokens, ("NUM", "NOUN"), f"{in_spanish(count, gender)} {word}"))
    return Choices(entries)


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("manner")
    def _(given: Bound) -> Choices:
        return _manners(given.of)

    @grammar.words("setting")
    def _(given: Bound) -> Choices:
        return _settings(given.of)

    @grammar.words("frequency")
    def _(given: Bound) -> Choices:
        return Choices(
            [
                Entry(tokens, ("ADV",), spanish)
                for tokens, _, (spanish,) in adverbials(small_words.FREQUENCIES)
                if not (given.s.sweeping and spanish == "nunca")
            ]
        )

    @grammar.words("time")
    def _(given: Bound) -> Choices:
        return _times(given.when)

    @grammar.words("span")
    def _(given: Bound) -> Choices:
        return _spans("minute hour day" if given.short else "day week month year")
