"""Sentences into tokens and back, and tokens into batches of little padding.

Sources: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units"
(2016), for translating in sub-words; Kudo, "Subword regularization" (2018), for reading a word as
its likeliest sub-words.
"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import overload

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from workbook.corpus.pairs import clean
from workbook.translator.stems import cut

SPECIAL = ("[PAD]", "[BOS]", "[EOS]", "[UNK]")
PAD_ID, BOS_ID, EOS_ID, UNK_ID = range(4)
_BLANK = "▁"
# No blank follows these; one is put there for the tokenizer, so that a word has the same sub-words
# after them as anywhere else.
_OPENING = "¿¡"
# A word or a mark with the blank before it; digits one by one, so that every number can be written.
_PIECES = Regex(
    rf"{_BLANK}?[\p{{L}}\p{{M}}']+|{_BLANK}?\p{{N}}|{_BLANK}?[^\p{{L}}\p{{N}}{_BLANK}]|{_BLANK}"
)


class SubwordTokenizer:
    """Frequent words, stems and endings of the others: one vocabulary for both languages.

    What is none of them is spelt. Of several ways to read a word the likeliest is taken.
    Ids 0 to 3 are padding, the beginning and the end of a sentence, and whatever was not in
    training. The sub-words of a text join to the same text, blanks included, where its letters are
    known.
    """

    pad_id, bos_id, eos_id, unk_id = PAD_ID, BOS_ID, EOS_ID, UNK_ID

    def __init__(self, tokenizer: Tokenizer) -> None:
        found = [tokenizer.id_to_token(number) for number in range(len(SPECIAL))]
        if found != list(SPECIAL):
            raise ValueError(
                f"the first tokens of this course's vocabularies are {', '.join(SPECIAL)}; this "
                f"one has {found}: train one with SubwordTokenizer.train"
            )
        self._tokenizer = tokenizer

    @classmethod
    def train(cls, sentences: Iterable[str], vocab_size: int = 4_000) -> "SubwordTokenizer":
        """Learn the sub-words from sentences; the same sentences give the same vocabulary.

        The letters of the sentences are in it, and after them what comes most often; it is smaller
        where the sentences have no more sub-words. Raises ValueError where it has no room for the
        letters.
        """
        sentences = [clean(sentence) for sentence in sentences]
        letters = {letter for sentence in sentences for letter in sentence if letter != " "}
        needed = len(SPECIAL) + len(letters) + 1
        if vocab_size < needed:
            raise ValueError(
                f"a vocabulary of {vocab_size} has no room for the {len(letters)} different "
                f"letters and marks of these sentences; it takes at least {needed}"
            )
        tokenizer = _without_vocabulary()
        counts = _subwords(_words_and_marks(tokenizer, sentences))
        spelt = sorted({_BLANK, *letters})
        frequent = sorted(counts.keys() - set(spelt), key=lambda text: (-counts[text], text))
        kept = [*spelt, *frequent][: vocab_size - len(SPECIAL)]
        # Rounded, so that they are the same once they were written and read.
        total = max(1, counts.total())
        scores = [(text, round(math.log(max(counts[text], 0.5) / total), 4)) for text in kept]
        tokenizer.model = Unigram([*((name, 0.0) for name in SPECIAL), *scores], unk_id=UNK_ID)
        tokenizer.add_special_tokens(list(SPECIAL))
        return cls(tokenizer)

    def __len__(self) -> int:
        """The size of the vocabulary, special tokens included."""
        return self._tokenizer.get_vocab_size()

    def encode(self, sentence: str) -> list[int]:
        """Ids of the sub-words, without special tokens; a run of letters never seen is `unk_id`."""
        return self._tokenizer.encode(clean(sentence), add_special_tokens=False).ids

    def encode_all(self, sentences: Iterable[str]) -> list[list[int]]:
        """The same for many sentences, faster."""
        texts = [clean(sentence) for sentence in sentences]
        encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [one.ids for one in encoded]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of sub-words, up to the first `eos_id`; other special tokens are left out."""
        kept: list[int] = []
        for number in ids:
            if number == self.eos_id:
                break
            kept.append(int(number))
        return self._tokenizer.decode(kept, skip_special_tokens=True)

    def subwords(self, sentence: str) -> list[str]:
        """The sub-words as they are written, a `▁` for the blank before a word; a run of letters
        never seen as it is."""
        return self._tokenizer.encode(clean(sentence), add_special_tokens=False).tokens

    def unknown(self, text: str) -> list[str]:
        """The letters and marks of a text that the vocabulary doesn't have, each once."""
        known = self._tokenizer.token_to_id
        letters = dict.fromkeys(letter for letter in clean(text) if letter != " ")
        return [letter for letter in letters if known(letter) is None]

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for exactly these sub-words and their ids."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """Everything about it, in the format of `tokenizers`."""
        return self._tokenizer.to_str()

    @classmethod
    def from_json(cls, text: str) -> "SubwordTokenizer":
        """The tokenizer that `to_json` wrote. Raises ValueError for anything else."""
        try:
            tokenizer = Tokenizer.from_str(text)
        except Exception as error:  # the library raises plain Exception
            raise ValueError(
                f"this is no tokenizer in the format of `tokenizers`: {error}"
            ) from error
        return cls(tokenizer)


def _without_vocabulary() -> Tokenizer:
    """What cuts a text into words and marks, and joins sub-words to a text."""
    tokenizer = Tokenizer(Unigram([]))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            *(normalizers.Replace(mark, mark + _BLANK) for mark in _OPENING),
            normalizers.Replace(" ", _BLANK),
            normalizers.Prepend(_BLANK),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(_PIECES, behavior="isolated")
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Fuse(),
            *(decoders.Replace(mark + _BLANK, mark) for mark in _OPENING),
            decoders.Replace(_BLANK, " "),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


def _words_and_marks(tokenizer: Tokenizer, sentences: Iterable[str]) -> Counter[str]:
    """How often each comes, words with the blank before them."""
    found: Counter[str] = Counter()
    # What stands between two blanks comes many times, and is cut once.
    for text, count in Counter(t for sentence in sentences for t in sentence.split(" ")).items():
        blank_and_text = tokenizer.normalizer.normalize_str(text)
        for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(blank_and_text):
            found[piece] += count
    return found


def _subwords(pieces: Mapping[str, int]) -> Counter[str]:
    """How often each stem, with the blank before it, each ending and each mark comes."""
    words: Counter[str] = Counter()
    for piece, count in pieces.items():
        if word := piece.removeprefix(_BLANK):
            words[word] += count
    parts = cut(words)
    found: Counter[str] = Counter()
    for piece, count in pieces.items():
        word = piece.removeprefix(_BLANK)
        stem, *endings = parts.get(word, ("",))
        for text in (piece.removesuffix(word) + stem, *endings):
            found[text] += count
    return found


@dataclass(frozen=True)
class Batch:
    """Sentence pairs side by side: `source` (B, S), `target_in` and `target_out` (B, T), padded.

    The source ends in `eos_id`. `target_in` begins with `bos_id`, and `target_out` is the same one
    position on, with `eos_id` at its end.
    """

    source: Tensor
    target_in: Tensor
    target_out: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def padded(rows: Sequence[Sequence[int]], pad_id: int = PAD_ID) -> Tensor:
    """Rows of ids -> (B, longest), filled up with padding."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=pad_id)


def as_source(ids: Sequence[int]) -> list[int]:
    """A sentence's ids as a model reads them: `eos_id` at the end."""
    return [*ids, EOS_ID]


class Batches:
    """Batches of pairs of about equal length, anew in every epoch: `batches(epoch)`.

    Pairs are sorted by length, cut into batches of at most `tokens` positions a side, padding
    included, and the batches shuffled. Pairs of equal lengths meet others in every epoch. Only the
    seed and the epoch's number decide, so that any epoch can be had again.

    Args:
        pairs: ids of the source and of the target, without special tokens.
        tokens: the most positions of a batch, of its source or of its target.
        seed: another one gives another order.

    Raises:
        ValueError: there are no pairs, or one is longer than a batch.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
        tokens: int = 2_048,
        seed: int = 0,
    ) -> None:
        if not pairs:
            raise ValueError("there are no pairs to make batches of")
        self.pairs = pairs
        self.tokens = tokens
        self.seed = seed
        self._lengths = [(len(target) + 1, len(source) + 1) for source, target in pairs]
        longest = max(max(lengths) for lengths in self._lengths)
        if longest > tokens:
            raise ValueError(
                f"a batch has room for {tokens} positions and the longest sentence has {longest}; "
                "make batches larger or leave that sentence out"
            )

    def __call__(self, epoch: int) -> "Epoch":
        """The batches of an epoch, to be counted and indexed; each is made when it is asked for."""
        draw = random.Random(f"{self.seed} {epoch}")
        # Sources go up in length where targets are even and down where they are odd, so that a
        # batch that crosses from one to the next doesn't hold the longest and the shortest.
        keyed = sorted(
            (target, source if target % 2 == 0 else -source, draw.random(), position)
            for position, (target, source) in enumerate(self._lengths)
        )
        batches: list[list[int]] = []
        widest = 0
        for target, signed, _, position in keyed:
            longer = max(widest, target, abs(signed))
            if not batches or longer * (len(batches[-1]) + 1) > self.tokens:
                batches.append([])
                longer = max(target, abs(signed))
            batches[-1].append(position)
            widest = longer
        draw.shuffle(batches)
        return Epoch(self.pairs, batches)


class Epoch(Sequence[Batch]):
    """The batches of one epoch, made when they are asked for."""

    def __init__(
        self,
        pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
        positions: Sequence[Sequence[int]],
    ) -> None:
        self._pairs = pairs
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> Batch: ...
    @overload
    def __getitem__(self, index: slice) -> "Epoch": ...
    def __getitem__(self, index: int | slice) -> "Batch | Epoch":
        if isinstance(index, slice):
            return Epoch(self._pairs, self._positions[index])
        pairs = [self._pairs[position] for position in self._positions[index]]
        return make_batch(pairs)


def make_batch(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Batch:
    """Ids of sources and targets, without special tokens -> a batch."""
    return Batch(
        padded([as_source(source) for source, _ in pairs]),
        padded([[BOS_ID, *target] for _, target in pairs]),
        padded([[*target, EOS_ID] for _, target in pairs]),
    )


def by_length(
    sentences: Sequence[Sequence[int]], tokens: int
) -> Iterator[tuple[list[int], Tensor]]:
    """Sources for decoding: the positions of sentences in `sentences`, and them as (B, S) with
    their `eos_id`; longest first, at most `tokens` positions a batch, or one sentence."""
    order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
    while order:
        rows = max(1, tokens // (len(sentences[order[0]]) + 1))
        taken, order = order[:rows], order[rows:]
        yield taken, padded([as_source(sentences[position]) for position in taken])
