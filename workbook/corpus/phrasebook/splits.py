"""Which sentence belongs to training and which is held out, and why no sentence is in two splits.

The rule is a function of the sentence alone, so it holds for the shipped files and for any number
of pairs drawn later:

1. The famous sentences of the course, and all sentences of a probe, are never trained on.
2. A sentence in which two words meet that training never brings together (an adjective and its
   noun, a verb and its object or destination, a profession and who has it) is for the
   compositional test. Each word alone is trained, and means there what it means in the test: what
   belongs to a phrase (*cook dinner*) or is chosen by its partner (*play* chess, *play* a violin)
   is not held out.
3. Otherwise the Spanish sentence decides, by its hash: two English sentences that share their
   Spanish share their split; and equal English sentences have equal Spanish.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection
from functools import cache

from workbook.corpus.phrasebook.constructions.predicates import meetings_in_phrases
from workbook.corpus.phrasebook.constructions.probes import probe_meetings
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, VERBS
from workbook.corpus.phrasebook.sentences import Sentence, parse
from workbook.corpus.phrasebook.tokens import normalise

SPLITS = ("train", "valid", "test", "compositional")
_HELD_OUT_MEETINGS = 12  # one meeting of two words in so many is kept for the compositional test
_VALID, _TEST = 5, 12  # percent of the hash, cumulated

# The course's sentences, in the form its lessons print; the cased and punctuated form is meant too.
FAMOUS = (
    "this cat is very large",
    "I arrived at the bank after crossing the street",
    "I arrived at the bank after crossing the river",
    "the animal didn't cross the street because it was too tired",
    "the animal didn't cross the street because it was too wide",
)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@cache
def _chosen_by_partner() -> frozenset[str]:
    """The Spanish verbs and adjectives that share their English with another one."""
    translations: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for word in (*VERBS, *ADJECTIVES):
        english = (word.english, *getattr(word, "particle", ()))
        translations[type(word).__name__, *english].add(word.spanish)
    shared = set().union(*(found for found in translations.values() if len(found) > 1))
    return frozenset(w.lemma for w in (*VERBS, *ADJECTIVES) if w.spanish in shared)


@cache
def _famous_spanish() -> frozenset[str]:
    return frozenset(normalise(parse(english)[0].pair.spanish) for english in FAMOUS)


def is_famous(sentence: Sentence) -> bool:
    """Whether it is one of the course's own sentences, or has the Spanish of one."""
    return normalise(sentence.pair.spanish) in _famous_spanish()


def is_held_for_probes(meetings: Collection[str]) -> bool:
    """Whether a way to the bank, or an animal and what it doesn't cross, is kept for the probes."""
    return any(meeting in probe_meetings() for meeting in meetings)


def is_held_meeting(meeting: str) -> bool:
    """Whether training never brings these two words together."""
    if meeting.startswith(("bank:", "it:")) or meeting in meetings_in_phrases():
        return False
    if not _chosen_by_partner().isdisjoint(meeting.split("+")):
        return False
    return _hash(f"meeting {meeting}") % _HELD_OUT_MEETINGS == 0


def split_of(sentence: Sentence) -> str:
    """`train`, `valid`, `test`, `compositional` or `probe`."""
    if is_famous(sentence) or is_held_for_probes(sentence.meetings):
        return "probe"
    if any(is_held_meeting(meeting) for meeting in sentence.meetings):
        return "compositional"
    percent = _hash(f"split {normalise(sentence.pair.spanish)}") % 100
    if percent < _VALID:
        return "valid"
    return "test" if percent < _TEST else "train"
