"""The phrasebook's words: tables by topic, and the lists the grammar reads."""

from workbook.corpus.phrasebook.lexicon import (
    activities,
    adjectives,
    animals,
    food,
    home,
    ideas,
    people,
    places,
    verbs,
)
from workbook.corpus.phrasebook.lexicon.entries import (
    Activity,
    Adjective,
    Noun,
    Verb,
    activity,
    adjective,
    noun,
    verb,
)
from workbook.corpus.phrasebook.lexicon.tables import rows

NOUNS: tuple[Noun, ...] = tuple(
    noun(row) for topic in (people, animals, food, home, places, ideas) for row in rows(topic.NOUNS)
)
ADJECTIVES: tuple[Adjective, ...] = tuple(adjective(row) for row in rows(adjectives.ADJECTIVES))
ACTIVITIES: tuple[Activity, ...] = tuple(activity(row) for row in rows(activities.ACTIVITIES))


def noun_named(english: str) -> Noun:
    """The noun of that English name."""
    return next(entry for entry in NOUNS if entry.english == english)


def _verbs(frame: str, table: str, columns: str) -> list[Verb]:
    found = []
    for row in rows(table):
        cells = dict(zip(columns.split(), [*row, "", "", ""], strict=False))
        link = cells.get("link", "")
        found.append(
            verb(
                frame,
                cells["english"],
                f"{cells['spanish']} {link}".strip(),
                cells.get("subjects", "person"),
                cells.get("objects", ""),
                cells.get("flags", ""),
            )
        )
    return found


VERBS: tuple[Verb, ...] = (
    *_verbs("intransitive", verbs.INTRANSITIVE, "english spanish subjects objects flags"),
    *_verbs("transitive", verbs.TRANSITIVE, "english spanish subjects objects flags"),
    *_verbs("ditransitive", verbs.DITRANSITIVE, "english spanish objects flags"),
    *_verbs("motion", verbs.MOTION, "english spanish objects flags"),
    *_verbs("settled", verbs.SETTLED, "english spanish subjects objects flags"),
    *_verbs("control", verbs.CONTROL, "english spanish link flags"),
    *_verbs("gerund-control", verbs.GERUND_CONTROL, "english spanish link flags"),
    *_verbs("clausal", verbs.CLAUSAL, "english spanish flags"),
)

__all__ = [
    "ACTIVITIES",
    "ADJECTIVES",
    "NOUNS",
    "VERBS",
    "Activity",
    "Adjective",
    "Noun",
    "Verb",
    "noun_named",
]
