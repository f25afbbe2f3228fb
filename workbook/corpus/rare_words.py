"""Pairs chosen so that rare words come more often than they come by themselves.

How sure a model is of a word hangs on how often it met it, and in sentences drawn at random half of
the word forms come a tenth as often as the other half. Where pairs cost nothing, it pays to draw
several and to train on the one that has the rarest word.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from workbook.corpus.pairs import SentencePair
from workbook.corpus.phrasebook import words_of_both


def with_rare_words(
    pairs: Iterable[SentencePair], several: int, known: Iterable[SentencePair] = ()
) -> list[SentencePair]:
    """Of every `several` pairs the one whose rarest word, in either language, has come least often
    so far: in `known` and in the pairs chosen before. None that is known, was chosen before or has
    no words.

    Raises ValueError for less than one.
    """
    if several < 1:
        raise ValueError(f"one is chosen of at least one pair; got {several}")
    came: Counter[tuple[str, str]] = Counter()
    given: set[SentencePair] = set()
    for pair in known:
        given.add(pair)
        came.update(words_of_both(*pair))
    chosen: list[SentencePair] = []
    drawn = iter(pairs)
    while candidates := list(islice(drawn, several)):
        fresh = {pair: words_of_both(*pair) for pair in candidates if pair not in given}
        rarest = {pair: min(came[word] for word in words) for pair, words in fresh.items() if words}
        if rarest:
            best = min(rarest, key=rarest.__getitem__)
            given.add(best)
            came.update(fresh[best])
            chosen.append(best)
    return chosen
