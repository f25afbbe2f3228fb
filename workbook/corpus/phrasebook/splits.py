"""Which sentence belongs to training and which is held out, and why no sentence is in two splits.

The rule is a function of the sentence alone, so it holds for the shipped files and for any number
of pairs drawn later:

1. The famous sentences of the course, and all sentences of a probe, are never trained on.
2. A sentence in which two words meet that training never brings together (an adjective and its
   noun, a verb and its object or destination, a profession and who has it) is for the
   compositional test. Each word alone is trained, and means there what it means in the test: what
   belongs to a phrase (*cook dinner*) or is chosen by its partner (*play* chess, *play* a violin)
   is not held out, nor is what training has to see to know a word at all (only *eat* takes
   *grass*) or to know it of things as well as of persons.
3. Otherwise the Spanish sentence decides, by its hash: two English sentences that share their
   Spanish share their split; and equal English sentences have equal Spanish.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection
from functools import cache

from workbook.corpus.phrasebook.constructions.noun_phrases import proper_nouns
from workbook.corpus.phrasebook.constructions.predicates import meetings_in_phrases
from workbook.corpus.phrasebook.constructions.probes import probe_meetings
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS, VERBS
from workbook.corpus.phrasebook.sentences import Sentence, parse
from workbook.corpus.phrasebook.tokens import normalise

SPLITS = ("train", "valid", "test", "compositional")
_HELD_OUT_MEETINGS = 12  # one meeting of two words in so many is kept for the compositional test
_PARTNERS_KEPT = 5  # a word that the hash would leave fewer partners of a kind keeps all of them
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


def _is_drawn(meeting: str) -> bool:
    """Whether the hash would hold the meeting out."""
    return _hash(f"meeting {meeting}") % _HELD_OUT_MEETINGS == 0


@cache
def _adjectives() -> frozenset[str]:
    return frozenset(word.lemma for word in ADJECTIVES)


@cache
def _persons() -> frozenset[str]:
    nouns = {noun.lemma for noun in NOUNS if noun.is_person}
    return nouns.union(entry.value.lemma for entry in proper_nouns(frozenset({"person"})).entries)


def _kinds(word: str, noun: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two words of a meeting, each with what the other one is to it."""
    partner = "person" if noun in _persons() else "thing"
    return (word, partner), (noun, "adjective" if word in _adjectives() else "verb")


@cache
def _with_few_partners() -> frozenset[tuple[str, str]]:
    """The words that the hash would leave too few partners of a kind, each with that kind: a verb
    or an adjective with few persons or with few things, a noun with few verbs or with few
    adjectives. Counted is what the lexicon's classes let them take, however often the grammar
    writes it; professions, and verbs that constructions bring along (*have*, *like*), aren't
    counted.

    A test of new combinations asks what a model makes of words it knows, so all of them have to be
    as common in training as in the test (Keysers et al. 2020, https://arxiv.org/abs/1912.09713).
    """
    partners: dict[tuple[str, str], set[str]] = defaultdict(set)
    takers = [(word.lemma, word.classes) for word in ADJECTIVES]
    takers += [(word.lemma, word.objects) for word in VERBS]
    for word, classes in takers:
        nouns = {noun.lemma for noun in NOUNS if classes & noun.classes}
        nouns.update(entry.value.lemma for entry in proper_nouns(classes).entries)
        for noun in nouns:
            of_word, of_noun = (partners[each] for each in _kinds(word, noun))
            if not _is_drawn(f"{word}+{noun}"):
                of_word.add(noun)
                of_noun.add(word)
    return frozenset(each for each, found in partners.items() if len(found) < _PARTNERS_KEPT)


def is_held_meeting(meeting: str) -> bool:
    """Whether training never brings these two words together."""
    if meeting.startswith(("bank:", "it:")) or not _is_drawn(meeting):
        return False
    first, _, noun = meeting.partition("+")
    if meeting in meetings_in_phrases() or not _chosen_by_partner().isdisjoint((first, noun)):
        return False
    return _with_few_partners().isdisjoint(_kinds(first, noun))


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
