"""What a translator is trained on: Tatoeba with the phrasebook mixed in, or the phrasebook alone.

Tatoeba is how people write; but it has a handful of sentences in which a later word decides (the
two meanings of *bank*, what *it* refers to). The phrasebook has those. Whatever one of them holds
out for testing, the other doesn't train on.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property

from tqdm import tqdm

from workbook.corpus import phrasebook, tatoeba
from workbook.corpus.drawing import drawn_pairs
from workbook.corpus.pairs import SentencePair, cleaned
from workbook.corpus.phrasebook import normalise
from workbook.corpus.rare_words import with_rare_words
from workbook.corpus.sources import source
from workbook.corpus.splits import one_a_source, without

MIXED_IN = 10_000  # phrasebook pairs among some 113,000 of Tatoeba
_DRAWN_WITH = 1  # the seed of pairs that are drawn for a training
_SEVERAL = 4  # of so many drawn pairs, the one with the rarest word is trained on
_DECIDED_LATER = ("bank ", "it is the ")  # how constructions begin in which a later word decides
CHOICES = ("auto", "tatoeba", "phrasebook")
_TESTS = ("valid", "test", "compositional", "famous")
_PROBES = ("bank", "it")


@dataclass(frozen=True)
class Corpus:
    """Sentence pairs to train and to test with, and in words what they are and what to expect of
    a translator trained on them, once it reaches the BLEU `trained`. `test` has one reference for
    each English sentence."""

    name: str
    training: tuple[SentencePair, ...]
    validation: tuple[SentencePair, ...]
    test: tuple[SentencePair, ...]
    about: str
    expect: str
    trained: float

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for exactly these training pairs."""
        text = "\n".join("\t".join(pair) for pair in self.training)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def of_frequent_words(self, count: int, besides: Iterable[str] = ()) -> "Corpus":
        """The pairs whose English is made of the `count` words that are most frequent in training,
        and of the words of some sentences `besides`: in a short training every word should come
        often. Raises ValueError for less than one."""
        if count < 1:
            raise ValueError(f"a corpus needs at least one word; got {count}")
        counted = Counter(word for pair in self.training for word in _words(pair.english))
        kept = {word for word, _ in counted.most_common(count)}
        kept.update(word for sentence in besides for word in _words(sentence))

        def within(pairs: tuple[SentencePair, ...]) -> tuple[SentencePair, ...]:
            return tuple(pair for pair in pairs if kept.issuperset(_words(pair.english)))

        return replace(
            self,
            training=within(self.training),
            validation=within(self.validation),
            test=within(self.test),
            about=f"{self.about}, those with {len(kept):,} frequent English words",
        )


def gather(
    choice: str = "auto",
    fetch: bool = True,
    say: Callable[[str], None] = print,
    drawn: int = 0,
) -> Corpus:
    """The corpus asked for.

    choice: `"tatoeba"` (with phrasebook pairs mixed in), `"phrasebook"`, or `"auto"`: Tatoeba where
    it is here or can be fetched, else the phrasebook, and `say` is told why. fetch: whether the net
    may be asked. drawn: pairs that the grammar writes to choose from for this training alone, where
    the phrasebook is all there is.

    Raises ValueError for another choice, and for a Tatoeba file that is broken; for `"tatoeba"`
    also NoTatoeba or CannotFetch where it isn't to be had.
    """
    if choice not in CHOICES:
        raise ValueError(f"the data are one of {', '.join(CHOICES)}; got {choice!r}")
    if choice == "phrasebook":
        return phrasebook_corpus(drawn, say)
    try:
        tatoeba.find()
    except tatoeba.NoTatoeba:
        from workbook.corpus.fetching import fetch as bring
        from workbook.download import CannotFetch

        if vain := tatoeba.looked_in_vain():
            say(f"{vain}.")
        try:
            if not fetch:
                raise
            bring(source("tatoeba"), say)
        except (tatoeba.NoTatoeba, CannotFetch) as error:
            if choice == "tatoeba":
                raise
            say(str(error))
            say("Going on with the phrasebook, which ships with the course.")
            return phrasebook_corpus(drawn, say)
    return tatoeba_corpus()


def phrasebook_corpus(drawn: int = 0, say: Callable[[str], None] = print) -> Corpus:
    """The shipped phrasebook, and to train on also some of `drawn` more pairs of its grammar: of
    every few the one with the rarest word."""
    training = _phrasebook("train")
    if drawn:
        say(
            f"The phrasebook's grammar writes {drawn:,} more sentence pairs, and of every "
            f"{_SEVERAL} the one with the rarest word is kept."
        )
        with closing(drawn_pairs(drawn, _DRAWN_WITH)) as written:
            # Where there is a terminal; a log has the line above.
            pairs = tqdm(written, "writing", drawn, leave=False, unit=" pairs", disable=None)
            training += cleaned(with_rare_words(pairs, _SEVERAL, known=training))
    return Corpus(
        name="phrasebook",
        training=tuple(training),
        validation=tuple(_phrasebook("valid")),
        test=tuple(one_a_source(_phrasebook("test"))),
        about=f"the phrasebook, {len(training):,} sentence pairs that the course's grammar wrote",
        expect="It knows the phrasebook's words in the phrasebook's kinds of sentences (family, "
        "food, weather, places, time, feelings, travel, work). Anything else comes out wrong, "
        "however sure it sounds.",
        trained=80.0,
    )


def tatoeba_corpus() -> Corpus:
    """Tatoeba, found as `tatoeba.find` does, with phrasebook pairs mixed in."""
    parts = tatoeba.load_split()
    kept_out = [pair for name in _TESTS for pair in _phrasebook(name)]
    for name in _PROBES:
        kept_out += cleaned(
            SentencePair(probe.pair.english, probe.pair.spanish)
            for probe in phrasebook.load_probes(name)
        )
    kept_out += cleaned(
        SentencePair(each.english, reference)
        for each in phrasebook.load_everyday()
        for reference in each.references
    )
    people = without(parts.training, kept_out)
    mixed_in = without(_to_mix_in(), [*parts.validation, *parts.test])
    return Corpus(
        name="tatoeba",
        training=(*people, *mixed_in),
        validation=parts.validation,
        test=tuple(one_a_source(parts.test)),
        about=f"{len(people):,} sentence pairs of Tatoeba ({tatoeba.edition(tatoeba.find())}) and "
        f"{len(mixed_in):,} of the phrasebook",
        expect="It is at home in short everyday sentences and mostly right there. Long sentences, "
        "news, law, science and rare names are beyond it.",
        trained=40.0,
    )


def _to_mix_in() -> list[SentencePair]:
    """All sentences in which a later word decides, and of the others as many as make `MIXED_IN`."""
    telling, others = [], []
    for pair in phrasebook.load_phrasebook("train"):
        labels = pair.construction.split("/")
        decided = any(label.startswith(_DECIDED_LATER) for label in labels)
        (telling if decided else others).append(pair)
    room = max(1, MIXED_IN - len(telling))
    return _plain([*telling, *others[:: max(1, len(others) // room)][:room]])


def _phrasebook(split: str) -> list[SentencePair]:
    return _plain(phrasebook.load_phrasebook(split))


def _words(sentence: str) -> list[str]:
    return normalise(sentence).split()


def _plain(pairs: Iterable[phrasebook.Pair]) -> list[SentencePair]:
    return cleaned(SentencePair(pair.english, pair.spanish) for pair in pairs)
