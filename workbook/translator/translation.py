"""A translator in use: sentences in, sentences out, and an honest word about what it can't do."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workbook.corpus.pairs import clean
from workbook.corpus.phrasebook import normalise
from workbook.tensor_file import (
    BrokenTensorFile,
    load_tensors,
    model_tensors,
    read_note,
    read_tensors,
    write_tensors,
)
from workbook.translator.assembly import Pieces, take
from workbook.translator.decoding import beam, greedy
from workbook.translator.sentence_case import SentenceCase
from workbook.translator.text import SubwordTokenizer, by_length

MOST_LETTERS = 5_000
_FORMAT = 2
_DECODED_AT_ONCE = 1_024  # source positions a batch
_WORDS_SHOWN, _LETTERS_SHOWN = 8, 30  # of what a note names
_JOINER = "\N{ZERO WIDTH JOINER}"
_JOINED = re.compile(rf"(?<=[^\w\s!-~]){_JOINER}(?=[^\w\s!-~])")  # emoji that make up one
_CLOSING = "\"')]"
_ABBREVIATIONS = frozenset("mr. mrs. ms. dr. prof. st. a.m. p.m. e.g. i.e. vs. no.".split())
# Whether a sentence typed without a mark asks is told by its first two words.
_AUXILIARIES = frozenset(
    "is are am was were do does did have has can could will would shall should may must isn't "
    "aren't wasn't weren't don't doesn't didn't haven't hasn't can't couldn't won't wouldn't "
    "shouldn't".split()
)
_OF_COMMANDS = frozenset("do don't have may".split())  # "do it again", "may the best man win"
_PERSONS = frozenset("i you he she we they".split())
_SUBJECTS = _PERSONS | frozenset(
    "it this that these those there the a an my your his her its our their all any every some "
    "anyone anybody anything everyone everybody everything someone somebody something".split()
)
_ASKING = frozenset("what who whom whose which why".split())
_OF_CLAUSES = frozenset("when where how".split())  # "when I was young", "how to cook"
_MEASURES = frozenset(
    "many much old long far often tall big high deep large wide heavy fast soon late early well "
    "come about".split()
)


@dataclass(frozen=True)
class Card:
    """What belongs to a saved translator besides its weights.

    shape: the arguments its `Transformer` was built with. expect: what to expect of it, in words.
    words: the English words it was trained on. longest: words of the longest sentences it was
    trained on (the 99.9th percentile). share: of its training that was done. scores: what it
    reached on the test sentences, in words; bleu: the first of them.
    """

    preset: str
    corpus: str
    about: str
    expect: str
    shape: dict[str, Any]
    words: frozenset[str] = field(repr=False)
    longest: int
    share: float
    scores: tuple[str, ...] = ()
    mine: bool = False
    bleu: float = 0.0

    @property
    def done(self) -> str:
        """The share in percent; a hundred only at the end."""
        return f"{int(100 * self.share)}%"


@dataclass(frozen=True)
class Translation:
    """The answer to a text. `answered` is False where there is none; `notes` say why, or with how
    much salt to take it."""

    source: str
    text: str
    notes: tuple[str, ...] = ()
    answered: bool = True

    def __str__(self) -> str:
        return "\n".join([*([self.text] if self.text else []), *(f"({n})" for n in self.notes)])


class Translator:
    """A trained model with its tokenizer and its card; `translate("this cat is very large")`."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: SubwordTokenizer,
        case: SentenceCase,
        card: Card,
        pieces: Pieces,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer  # of sentences in the letters that `case` leaves
        self.case = case
        self.card = card
        self.pieces = pieces

    def translate(self, text: str, beam_size: int = 4) -> Translation:
        """Translate what somebody typed: a sentence, or several.

        Sentences are translated one by one; one that is longer than any in training is cut into
        parts. A sentence typed without a capital letter and a full stop is answered in the same
        style; one typed in capitals is answered as if it had been typed in ordinary letters. Emoji
        around the text are kept, other letters the translator can't read left out.
        Nothing is raised for a strange text: the answer's notes say what is the matter.
        """
        text = _JOINER.join(map(clean, _JOINED.split(text)))
        if len(text) > MOST_LETTERS:
            return _refused(
                text[:60] + "…",
                f"{len(text):,} letters are too many at once; give it at most {MOST_LETTERS:,}",
            )
        if not text:
            return _refused(text, "there is nothing to translate; type an English sentence")
        ordinary = " ".join(map(self.case.unshouted, _sentences(text)))
        before, inside, after, dropped = self._readable(ordinary)
        words = normalise(inside).split()
        if not words:
            foreign = [letter for letter in self._unknown(text) if letter.isalpha()]
            if foreign:
                return _refused(text, f"it reads English, and not these letters: {foreign[0]}…")
            return _refused(text, "there are no words to translate in it")
        unknown = [w for w in words if w not in self.card.words and not w.isdigit()]
        if len(unknown) == len(words) and not any(word.isdigit() for word in words):
            return _refused(
                text, f"it was trained on English, and on none of these words: {_shown(unknown)}"
            )
        sentences = [part for part in _sentences(inside) if normalise(part)]
        pieces = [piece for sentence in sentences for piece in self._short(sentence)]
        asked = [_typed(piece, self.case)[0] for piece in pieces]
        answer = " ".join(self.translate_all(asked, beam_size, pieces))
        notes = []
        if dropped:
            notes.append(f"left out, because it can't read it: {_shown(dropped, ' ')}")
        if len(pieces) > len(sentences):
            notes.append(
                f"longer than what it was trained on ({self.card.longest} words), so translated "
                "in parts"
            )
        if 2 * len(unknown) > len(words):
            notes.append("most of its words are new to it; is it English? Don't trust the answer")
        if unknown:
            notes.append(f"not met in training: {_shown(unknown)}")
        return Translation(text, f"{before} {answer} {after}".strip(), tuple(notes))

    def translate_all(
        self, sentences: Sequence[str], beam_size: int = 4, typed: Sequence[str] | None = None
    ) -> list[str]:
        """Many sentences, as the corpus writes them, to Spanish; in order, in batches.

        beam_size: 1 is greedy. typed: how they were typed, to answer in that style. Raises
        ValueError for a beam of less than 1.
        """
        if beam_size < 1:
            raise ValueError(f"a beam holds at least 1 beginning; got {beam_size}")
        device = next(self.model.parameters()).device
        most = self.card.shape["max_length"]
        lowered = [self.case.lowered(sentence) for sentence in sentences]
        encoded = [ids[: most - 1] for ids in self.tokenizer.encode_all(lowered)]
        answers = [""] * len(sentences)
        for positions, source in by_length(encoded, _DECODED_AT_ONCE):
            length = min(most, 2 * source.size(1) + 10)
            rows = self._written(source.to(device), length, beam_size)
            for position, row in zip(positions, rows.tolist(), strict=True):
                answer = self.tokenizer.decode(row)
                begins = self.case.begins(sentences[position])
                answers[position] = self.case.raised(answer) if begins else answer
        if typed is None:
            return answers
        return [_in_style(a, t, self.case) for a, t in zip(answers, typed, strict=True)]

    def save(self, path: Path) -> None:
        """Write it to one file, whole or not at all. Raises OSError."""
        card = {**asdict(self.card), "words": " ".join(sorted(self.card.words))}
        note = {
            "format": _FORMAT,
            "card": card,
            "tokenizer": self.tokenizer.to_json(),
            "names": " ".join(sorted(self.case.written.values())),
        }
        write_tensors(path, model_tensors(self.model), note)

    @classmethod
    def load(
        cls, path: Path, pieces: Pieces | None = None, device: torch.device | str = "cpu"
    ) -> "Translator":
        """The translator of a file, built of these pieces (by default the course's).

        Raises BrokenTensorFile for a damaged file or one of another version, ValueError where the
        weights don't fit what the pieces build, and OSError where it can't be read.
        """
        tensors, note = read_tensors(path)
        card = _card(path, note)
        tokenizer = SubwordTokenizer.from_json(note["tokenizer"])
        case = SentenceCase(note["names"].split())
        pieces = pieces or take()
        model = pieces.Transformer(**card.shape).to(device)
        try:
            load_tensors(model, tensors)
        except ValueError as error:
            command = training_command(card.preset, card.corpus, pieces.mine)
            if pieces.mine == card.mine:  # or the command would take this file again
                command += " --again"
            raise ValueError(
                f"the weights of {path} don't fit this Transformer: {error}; train weights that "
                f"do with `{command}`"
            ) from error
        return cls(model, tokenizer, case, card, pieces)

    def _written(self, source: torch.Tensor, length: int, beam_size: int) -> torch.Tensor:
        ends = (self.tokenizer.bos_id, self.tokenizer.eos_id)
        if beam_size == 1:
            write = self.pieces.greedy_decode if self.pieces.mine else greedy
            with torch.no_grad():
                return write(self.model, source, length, *ends)
        write = self.pieces.beam_search if self.pieces.mine else beam
        with torch.no_grad():
            return write(self.model, source, length, *ends, beam_size)[0]

    def _readable(self, text: str) -> tuple[str, str, str, list[str]]:
        """What comes before, inside and after the readable text, and what was dropped inside."""
        unknown = "".join(self._unknown(text)) + _JOINER
        symbols = "".join(letter for letter in unknown if not letter.isalnum())
        inside = text.strip(symbols + " ")
        start = text.find(inside)
        before, after = text[:start].strip(), text[start + len(inside) :].strip()
        runs = re.compile(f"[{re.escape(unknown)}]+")
        kept = runs.sub(" ", inside)
        return before, " ".join(kept.split()), after, list(dict.fromkeys(runs.findall(inside)))

    def _unknown(self, text: str) -> list[str]:
        """The letters, as they were typed, that the tokenizer doesn't have as it gets them."""
        unknown = set(self.tokenizer.unknown(self.case.lowered(text)))
        letters = dict.fromkeys(text)
        return [letter for letter in letters if unknown & {letter, letter.lower()}]

    def _short(self, sentence: str) -> list[str]:
        """The sentence, or its parts where it is longer than what was trained on."""
        words, most = sentence.split(), self.card.longest
        parts = []
        while len(words) > most:
            cuts = [i for i in range(most // 2, most) if words[i - 1][-1] in ",;:"]
            cuts = cuts or [i for i in range(most // 2, most) if words[i] in ("and", "but", "or")]
            cut = cuts[-1] if cuts else most
            parts.append(" ".join(words[:cut]))
            words = words[cut:]
        return [*parts, " ".join(words)]


def card_of(path: Path) -> Card:
    """The card of a saved translator, without loading its weights. Raises as `Translator.load`."""
    return _card(path, read_note(path))


def _card(path: Path, note: dict[str, Any]) -> Card:
    try:
        if note["format"] != _FORMAT:
            raise ValueError(f"it has format {note['format']}, and this course writes {_FORMAT}")
        card = note["card"]
        words = frozenset(card["words"].split())
        return Card(**{**card, "words": words, "scores": tuple(card["scores"])})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenTensorFile(
            f"{path} is no translator of this version of the course ({error}); delete it and "
            "train one with `workbook translator`"
        ) from error


def words_of(sentences: Iterable[str]) -> frozenset[str]:
    """The words of sentences, without capitals and marks."""
    return frozenset(word for sentence in sentences for word in normalise(sentence).split())


def training_command(preset: str, corpus: str, mine: bool) -> str:
    """What somebody types to train such a translator."""
    return f"workbook translator --preset {preset} --data {corpus}{' --mine' if mine else ''}"


def _refused(source: str, why: str) -> Translation:
    return Translation(source, "", (why,), answered=False)


def _shown(words: Iterable[str], between: str = ", ") -> str:
    """Words for a note: each once, the first of many, the beginning of a long one."""
    each = list(dict.fromkeys(words))
    cut = [word if len(word) <= _LETTERS_SHOWN else f"{word[:_LETTERS_SHOWN]}…" for word in each]
    return between.join(cut[:_WORDS_SHOWN]) + ("…" if len(each) > _WORDS_SHOWN else "")


def _sentences(text: str) -> list[str]:
    """A text cut after the marks that end a sentence, and not after those of an abbreviation."""
    found: list[list[str]] = [[]]
    for word in text.split():
        found[-1].append(word)
        bare = word.rstrip(_CLOSING)
        if bare.endswith((".", "!", "?")) and bare.lower() not in _ABBREVIATIONS:
            found.append([])
    return [" ".join(words) for words in found if words]


def _typed(text: str, case: SentenceCase) -> tuple[str, bool]:
    """A sentence as the corpus would write it, and whether a mark was added at its end."""
    named = case.named(text)
    sentence = named[0].upper() + named[1:]
    if text[-1] in """.!?:;,"')""":
        return sentence, False
    return sentence + ("?" if _asks(text, case.names) else "."), True


def _asks(sentence: str, names: Collection[str]) -> bool:
    """Whether a sentence without a mark at its end is a question."""
    first, second = [*normalise(sentence).split(), "", ""][:2]
    asking, _, contracted = first.partition("'")
    subject = second.split("'")[0]  # of "what I'm", "is Tom's"
    has_subject = subject in _SUBJECTS or subject in names
    if contracted and asking in _ASKING | _OF_CLAUSES:
        return True
    if first in _OF_COMMANDS:
        return subject in _PERSONS
    if first in _AUXILIARIES:
        return has_subject
    if first in _OF_CLAUSES:
        return not second or second in _AUXILIARIES or (first == "how" and second in _MEASURES)
    return first in _ASKING and not has_subject


def _in_style(answer: str, typed: str, case: SentenceCase) -> str:
    """The answer without what `_typed` added: the mark at the end, the capital at the beginning."""
    if _typed(typed, case)[1]:
        answer = answer.removesuffix(".").removesuffix("?").removeprefix("¿")
    return answer if case.begins(typed) else case.lowered(answer)
