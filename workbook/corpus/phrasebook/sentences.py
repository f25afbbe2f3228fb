"""Sentences out of the grammar and back: pairs with tags, and the recogniser.

A pair comes cased and punctuated; some short statements come `plain`, in lower case and without the
full stop, the way people type them.
"""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from workbook.corpus.phrasebook.constructions import KINDS, phrasebook_grammar
from workbook.corpus.phrasebook.grammar import Bound, DeadEnd, Derived
from workbook.corpus.phrasebook.realise import contracted, finished
from workbook.corpus.phrasebook.tokens import capitalised, join, tokenise

_MARKS = {"statement": ".", "question": "?", "command": ".", "exclamation": "!"}
_KIND_SHARES = (0.67, 0.2, 0.08, 0.05)
_PLAIN_SHARE = 0.15
_PLAIN_TOKENS = 9


@dataclass(frozen=True, slots=True)
class Pair:
    """A true pair of sentences.

    tags: one of `tokens.TAGS` for each of `tokenise(english)`. construction: the kind of sentence
    and the constructions in it, outermost first, joined by `/`.
    """

    english: str
    spanish: str
    tags: tuple[str, ...]
    construction: str

    @property
    def kind(self) -> str:
        """`statement`, `question`, `command` or `exclamation`."""
        return self.construction.split("/")[0]

    @property
    def sense(self) -> str | None:
        """`money` or `river` where *bank* is said, else None."""
        for label in self.construction.split("/"):
            if label.startswith("bank "):
                return label.removeprefix("bank ")
        return None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A pair together with the word pairs that meet in it, by which test sets are held out."""

    pair: Pair
    meetings: tuple[str, ...]


def _sentence(derived: Derived, kind: str, plain: bool = False) -> Sentence:
    construction = "/".join((kind, *derived.labels))
    english, spanish = join(derived.tokens), str(derived.value)
    if plain:
        pair = Pair(english, contracted(spanish), derived.tags, construction)
    else:
        pair = Pair(
            capitalised(english) + _MARKS[kind],
            finished(spanish, kind),
            (*derived.tags, "PUNCT"),
            construction,
        )
    return Sentence(pair, derived.pairs)


def draw_sentences(seed: int) -> Iterator[Sentence]:
    """Sentences at random without end; the same seed gives the same ones."""
    grammar = phrasebook_grammar()
    draw = random.Random(seed)
    while True:
        kind = draw.choices(KINDS, _KIND_SHARES)[0]
        try:
            derived = grammar.write(kind, Bound(), draw)
        except DeadEnd:
            continue
        short = kind == "statement" and len(derived.tokens) <= _PLAIN_TOKENS
        yield _sentence(derived, kind, plain=short and draw.random() < _PLAIN_SHARE)


def every_sentence() -> Iterator[Sentence]:
    """All sentences of the grammar, cased and punctuated, in a fixed order; there are very many."""
    for kind in KINDS:
        for derived in phrasebook_grammar().every(kind, Bound()):
            yield _sentence(derived, kind)


def parse(english: str) -> list[Sentence]:
    """Every way the grammar derives an English sentence; an empty list where it does not.

    The sentence is either cased and punctuated, or plain: a statement in lower case without its
    full stop. Blanks, capitals and marks have to be exactly as the grammar writes them.
    """
    text = unicodedata.normalize("NFC", english)
    plain = not text.endswith((".", "?", "!"))
    body = text if plain else text[:-1]
    tokens = tokenise(body)
    if not tokens or join(tokens) != body:
        return []
    found = []
    for kind in KINDS:
        if plain and kind != "statement":
            continue
        if not plain and _MARKS[kind] != text[-1]:
            continue
        for derived in phrasebook_grammar().read(kind, Bound(), tokens, sentence=not plain):
            found.append(_sentence(derived, kind, plain))
    return found


def parses(english: str) -> bool:
    """Whether the grammar derives an English sentence: exact, not a look-up in the files."""
    return bool(parse(english))
