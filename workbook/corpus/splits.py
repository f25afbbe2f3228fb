"""Training, validation and test sentences that have no sentence in common.

A source sentence has several translations, and a translation several sources: a split line by line
would put `Go.` → `Ve.` in training and `Go.` → `Vete.` in the test. So all pairs that are linked
by an equal English or an equal Spanish sentence, directly or through others, stay together.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbook.corpus.pairs import SentencePair
from workbook.corpus.phrasebook.tokens import normalise


@dataclass(frozen=True)
class Split:
    """Three lists of pairs. No English or Spanish sentence, compared without capitals and marks,
    is in two of them."""

    training: tuple[SentencePair, ...]
    validation: tuple[SentencePair, ...]
    test: tuple[SentencePair, ...]


def families(
    pairs: Sequence[SentencePair], key: Callable[[str], str] = normalise
) -> list[list[int]]:
    """The positions of the pairs, in families linked by equal sentences; each in order.

    Two sentences are equal when `key` gives the same for both.
    """
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    english = [("en", key(pair.english)) for pair in pairs]
    for ours, pair in zip(english, pairs, strict=True):
        parent[root(ours)] = root(("es", key(pair.spanish)))
    found = defaultdict(list)
    for position, node in enumerate(english):
        found[root(node)].append(position)
    return list(found.values())


def split(pairs: Sequence[SentencePair], test: int, validation: int, salt: str = "1") -> Split:
    """Hold out families for about `test` and `validation` different English sentences.

    Which ones is decided by a hash of their own first sentence, so that the order of the pairs
    and pairs that come or go elsewhere change nothing. Another `salt` gives another split. Raises
    ValueError where fewer than half of the pairs would be left to train on.
    """

    def drawn(family: Sequence[int]) -> str:
        first = min(normalise(pairs[position].english) for position in family)
        return hashlib.sha256(f"{salt} {first}".encode()).hexdigest()

    waiting = sorted(families(pairs), key=drawn)
    held_out = []
    for wanted in (test, validation):
        taken: list[int] = []
        sources: set[str] = set()
        while waiting and len(sources) < wanted:
            family = waiting.pop()
            taken += family
            sources.update(normalise(pairs[position].english) for position in family)
        held_out.append(tuple(pairs[position] for position in sorted(taken)))
    if 2 * sum(map(len, held_out)) > len(pairs):
        raise ValueError(
            f"holding out {test} + {validation} sentences of {len(pairs)} pairs leaves less than "
            "half of them to train on; ask for fewer"
        )
    rest = sorted(position for family in waiting for position in family)
    return Split(tuple(pairs[position] for position in rest), held_out[1], held_out[0])


def one_a_source(pairs: Iterable[SentencePair]) -> list[SentencePair]:
    """The first pair of each English sentence: a test set with one reference each."""
    first: dict[str, SentencePair] = {}
    for pair in pairs:
        first.setdefault(normalise(pair.english), pair)
    return list(first.values())


def without(pairs: Iterable[SentencePair], held_out: Iterable[SentencePair]) -> list[SentencePair]:
    """The pairs whose English and whose Spanish sentence are not in `held_out`: for mixing another
    corpus into the training without giving the test away."""
    english, spanish = set(), set()
    for pair in held_out:
        english.add(normalise(pair.english))
        spanish.add(normalise(pair.spanish))
    return [
        pair
        for pair in pairs
        if normalise(pair.english) not in english and normalise(pair.spanish) not in spanish
    ]
