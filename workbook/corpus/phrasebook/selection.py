"""Which drawn sentences are worth training on: those that have a word that hasn't come often.

Sentences drawn from the grammar are like sentences anywhere: a few words come in every other one,
and half of all words hardly ever. Drawing more of them shows *stamp* eight more times and *the*
fifty thousand more times. So most of those that have nothing rare in them are passed over.
"""

import random
from collections import Counter
from collections.abc import Iterable

from workbook.corpus.phrasebook.sentences import Pair
from workbook.corpus.phrasebook.tokens import normalise

OFTEN = 100
OTHERWISE = 0.15


class Rarer:
    """To be asked of one pair after another; it remembers those it took, and takes none twice.

    known: pairs that are trained on in any case. often: a word that came in so many sentences is
    rare no longer. otherwise: the share that is taken of sentences without a rare word, because
    constructions matter as well. The same pairs in the same order get the same answers.
    """

    def __init__(
        self, known: Iterable[Pair], often: int = OFTEN, otherwise: float = OTHERWISE
    ) -> None:
        self.often = often
        self.otherwise = otherwise
        self._draw = random.Random(0)
        self._came: Counter[tuple[str, str]] = Counter()
        self._taken: set[str] = set()
        for pair in known:
            self._take(pair)

    def __call__(self, pair: Pair) -> bool:
        """Whether the pair is taken."""
        if pair.english in self._taken:
            return False
        rarest = min(self._came[word] for word in _words(pair))
        if rarest >= self.often and self._draw.random() >= self.otherwise:
            return False
        self._take(pair)
        return True

    def _take(self, pair: Pair) -> None:
        self._taken.add(pair.english)
        self._came.update(_words(pair))


def _words(pair: Pair) -> set[tuple[str, str]]:
    """The words of both languages, each with its language."""
    english = {("English", word) for word in normalise(pair.english).split()}
    return english | {("Spanish", word) for word in normalise(pair.spanish).split()}
