"""BLEU of a corpus."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

corpus_bleu = Exercise("corpus_bleu", reference=pieces.corpus_bleu)
_WORDS = "el El gato perro muy grande la casa de no come , . ¿".split()


def _reference(draw: Draw, length: int) -> list[str]:
    return [_WORDS[draw.integer(0, len(_WORDS) - 1)] for _ in range(length)]


def _corpus(draw: Draw, keep: float = 0.85, extra: int = 1) -> tuple[list[str], list[str]]:
    """Translations with some words changed, repeated or left out, one of them empty; and their
    references."""
    ours, theirs = [], []
    for length in draw.sizes(5, low=5, high=13):
        reference = _reference(draw, length)
        words = [
            word if draw.uniform(0, 1) < keep else _reference(draw, 1)[0] for word in reference
        ]
        words = words[: length - 1] if extra < 0 else words + words[-1:] * extra
        ours.append(" ".join(words))
        theirs.append(" ".join(reference))
    # Something all get right, so that there is a 4-gram.
    sure = " ".join(_reference(draw, 6))
    return [*ours, sure, "el gato", ""], [*theirs, sure, "El gato", "no come"]


def _expect_bleu(piece: Piece, ours: list[str], theirs: list[str], what: str) -> None:
    found = piece(ours, theirs)
    wanted = pieces.corpus_bleu(ours, theirs)
    if isinstance(found, torch.Tensor):
        raise expect.Mismatch(f"{what} should be a float; it is a tensor.", kind="a tensor")
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    expect.that(
        math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-6),
        f"{what} should be {wanted:.4f}; yours is {found:.4f}.",
    )


@corpus_bleu.property("a perfect translation has 100", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Translations equal to their references score 100."""
    same = [" ".join(_reference(draw, length)) for length in draw.sizes(4, low=4, high=12)]
    _expect_bleu(piece, same, list(same), "The BLEU of the references themselves")


@corpus_bleu.property("precisions of 1- to 4-grams", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """For n = 1 to 4, the share of your n-grams that are in the reference, counted over the whole
    corpus; then the geometric mean of the four. (These translations are longer than their
    references, so there is no brevity penalty.)"""
    _expect_bleu(piece, *_corpus(draw, extra=2), "BLEU")


@corpus_bleu.property("clipped counts", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """An n-gram counts as often as it is in its own sentence's reference, and not more often."""
    word, other = _reference(draw, 1)[0], "nunca"
    ours = [f"{word} {word} {word} {word} {word} {word}", *(f"a b c d {other} e f g",) * 2]
    theirs = [f"{word} {word} {other}", "a b c d e f g", f"{word} a b c d e {word}"]
    _expect_bleu(piece, ours, theirs, "BLEU with repeated words")


@corpus_bleu.property("the brevity penalty", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Where all translations together have fewer words than all references, c < r, the score is
    multiplied by exp(1 − r/c)."""
    _expect_bleu(piece, *_corpus(draw, keep=0.95, extra=-1), "BLEU of short translations")
    long, short = " ".join(_reference(draw, 9)), _reference(draw, 12)
    ours = [long + " muy grande . .", " ".join(short[:-1]), ""]
    _expect_bleu(piece, ours, [long, " ".join(short), "no"], "BLEU of short and long ones")


@corpus_bleu.property("no 4-gram right gives 0", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Where no n-gram of some length is right, the geometric mean is 0: return 0.0, and take no
    logarithm of 0."""
    words = draw.tokens(8, low=100, high=999).tolist()
    theirs = [" ".join(map(str, words)), "el gato"]
    ours = [" ".join(map(str, [*words[:3], "x", *words[4:7], "y"])), "el gato"]
    _expect_bleu(piece, ours, theirs, "BLEU without a 4-gram")
    _expect_bleu(piece, ["el", ""], ["el gato", "no"], "BLEU of a single word")


@corpus_bleu.property("words as they are", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Tokens are what blanks separate, as they stand: capitals and marks included."""
    words = _reference(draw, 9)
    theirs = [" ".join(words), "este gato es muy grande."]
    ours = [" ".join([*words[:7], words[7].swapcase() + "a", words[8]]), "Este gato es muy grande"]
    _expect_bleu(piece, ours, theirs, "BLEU")


def _counts(words: list[str], n: int) -> Counter:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _bleus(
    longest: int = 4,
    tokens: Callable[[str], list[str]] = str.split,
    match: Callable[[Counter, Counter], int] = lambda ours, theirs: (ours & theirs).total(),
    total: Callable[[Counter, Counter], int] = lambda ours, theirs: ours.total(),
    smooth: float = 0.0,
    mean: Callable[[list[float]], float] = lambda ps: math.exp(sum(map(math.log, ps)) / len(ps)),
    brevity: Callable[[int, int], float] = lambda c, r: 1.0 if c >= r else math.exp(1 - r / c),
    scale: float = 100.0,
    zero: bool = True,
    result: Callable[[float], Any] = lambda value: value,
) -> Callable:
    """BLEU in which one of its decisions may be another one."""

    def bleu(hypotheses, references):
        matches, totals, c, r = [0] * longest, [0] * longest, 0, 0
        for hypothesis, reference in zip(hypotheses, references, strict=True):
            ours, theirs = tokens(hypothesis), tokens(reference)
            c, r = c + len(ours), r + len(theirs)
            for n in range(1, longest + 1):
                mine, yours = _counts(ours, n), _counts(theirs, n)
                matches[n - 1] += match(mine, yours)
                totals[n - 1] += total(mine, yours)
        if zero and not smooth and not all(matches):
            return result(0.0)
        ps = [
            (m + smooth) / (t + smooth) if t + smooth else 0.0
            for m, t in zip(matches, totals, strict=True)
        ]
        return result(scale * brevity(c, r) * mean(ps))

    return bleu


def _bleu_that(name: str, message: str, **how: Any) -> None:
    wrong = _bleus(**how)
    wrong.__doc__ = message
    corpus_bleu.misconception(name)(wrong)


_bleu_that(
    "no clipping",
    "You count every n-gram that occurs in the reference, however often. “la la la la” would be "
    "perfect. It counts at most as often as the reference has it: Counter & Counter.",
    match=lambda ours, theirs: sum(count for gram, count in ours.items() if gram in theirs),
)
_bleu_that(
    "each n-gram once",
    "You count different n-grams, each once. Count occurrences, up to the reference's number.",
    match=lambda ours, theirs: len(ours.keys() & theirs.keys()),
)
_bleu_that(
    "sets in place of counts",
    "You make sets of the n-grams, so that repetitions are lost on both sides. Count them: "
    "collections.Counter.",
    match=lambda ours, theirs: len(ours.keys() & theirs.keys()),
    total=lambda ours, theirs: len(ours),
)
_bleu_that(
    "recall in place of precision",
    "You divide by the n-grams of the references. BLEU is a precision: divide by those of the "
    "translations. (The brevity penalty is there for what is missing.)",
    total=lambda ours, theirs: theirs.total(),
)
_bleu_that(
    "brevity penalty inverted",
    "You penalise translations that are too long. The penalty is for short ones: c < r, where c "
    "are the words of the translations.",
    brevity=lambda c, r: 1.0 if c <= r else math.exp(1 - c / r),
)
_bleu_that(
    "the penalty's fraction turned round",
    "Your penalty is exp(1 − c/r). It is exp(1 − r/c), with r the words of the references: less "
    "than 1 for short translations.",
    brevity=lambda c, r: 1.0 if c >= r else math.exp(1 - c / r),
)
_bleu_that(
    "no brevity penalty",
    "There is no brevity penalty: one sure word a sentence would be perfect. Where c < r, multiply "
    "by exp(1 − r/c).",
    brevity=lambda c, r: 1.0,
)
_bleu_that(
    "penalty without exp",
    "Your penalty is c/r. It is exp(1 − r/c).",
    brevity=lambda c, r: min(1.0, c / r),
)
_bleu_that(
    "a bonus for length",
    "Your factor exceeds 1 where translations are long. It is at most 1: exp(min(0, 1 − r/c)).",
    brevity=lambda c, r: math.exp(1 - r / c) if c else 0.0,
)
_bleu_that(
    "arithmetic mean",
    "You take the arithmetic mean of the four precisions. BLEU takes the geometric one: "
    "exp(mean of their logarithms).",
    mean=lambda ps: sum(ps) / len(ps),
)
_bleu_that(
    "product without the root",
    "You multiply the four precisions. Their geometric mean is the fourth root of that.",
    mean=math.prod,
)
_bleu_that(
    "0 to 1",
    "Your score goes from 0 to 1. Here it goes from 0 to 100.",
    scale=1.0,
)
_bleu_that(
    "smoothed",
    "You add something to the counts. That is one of the smoothing methods; here there is none, "
    "and without a right 4-gram the score is 0.",
    smooth=1.0,
)
_bleu_that(
    "the logarithm of 0",
    "Without a right 4-gram you take the logarithm of 0. Return 0.0 then.",
    zero=False,
)
_bleu_that(
    "up to 3-grams",
    "You stop at 3-grams. n goes from 1 to 4: range(1, 5).",
    longest=3,
)
_bleu_that(
    "single words only",
    "You count single words. n goes from 1 to 4.",
    longest=1,
)
_bleu_that(
    "up to 5-grams",
    "You go one too far: n goes from 1 to 4.",
    longest=5,
)
_bleu_that(
    "letters in place of words",
    "You count letters. Split each sentence into its words first: sentence.split().",
    tokens=list,
)
_bleu_that(
    "small letters",
    "You turn everything into small letters. Tokens stay as they are.",
    tokens=lambda text: text.lower().split(),
)
_bleu_that(
    "marks taken off",
    "You take the marks off. Tokens are what blanks separate, marks included.",
    tokens=lambda text: "".join(c if c.isalnum() or c == " " else "" for c in text).split(),
)
_bleu_that(
    "a whole number",
    "You round the score. Return it as it is.",
    result=lambda value: float(round(value)),
)
_bleu_that(
    "a tensor",
    "You return a tensor. A plain float is asked for: .item(), or math in place of torch.",
    result=lambda value: torch.tensor(value, dtype=torch.float64),
)


@corpus_bleu.misconception("the last n-gram left out")
def _(hypotheses, references):
    """The last n-gram of each sentence is missing: m words have m − n + 1 n-grams. Is the + 1 in
    your range?"""
    shorter = [
        [" ".join(text.split()[:-1]) for text in texts] for texts in (hypotheses, references)
    ]
    bare = _bleus(brevity=lambda c, r: 1.0)(*shorter)
    c, r = (sum(len(text.split()) for text in texts) for texts in (hypotheses, references))
    return bare * (1.0 if c >= r else math.exp(1 - r / c))


@corpus_bleu.misconception("mean of the sentences' scores")
def _(hypotheses, references):
    """You score each sentence and take the mean. BLEU adds up the counts of the whole corpus first;
    a single short sentence often has no right 4-gram, and would count as 0."""
    pairs = zip(hypotheses, references, strict=True)
    scores = [pieces.corpus_bleu([ours], [theirs]) for ours, theirs in pairs]
    return sum(scores) / len(scores)


@corpus_bleu.misconception("mean of the sentences' precisions")
def _(hypotheses, references):
    """You take each sentence's precision and average those. Add up the counts of all sentences,
    then divide once."""
    precisions, c, r = [[] for _ in range(4)], 0, 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        ours, theirs = hypothesis.split(), reference.split()
        c, r = c + len(ours), r + len(theirs)
        for n in range(1, 5):
            mine = _counts(ours, n)
            right = (mine & _counts(theirs, n)).total()
            precisions[n - 1].append(right / mine.total() if mine else 0.0)
    means = [sum(each) / len(each) for each in precisions]
    if not all(means):
        return 0.0
    penalty = 1.0 if c >= r else math.exp(1 - r / c)
    return 100 * penalty * math.prod(means) ** 0.25


@corpus_bleu.misconception("brevity penalty sentence by sentence")
def _(hypotheses, references):
    """You compare lengths sentence by sentence. The penalty compares all words of the translations
    with all words of the references, once."""
    penalties = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        c, r = len(hypothesis.split()), len(reference.split())
        penalties.append(1.0 if c >= r else math.exp(1 - r / c) if c else 0.0)
    bare = _bleus(brevity=lambda c, r: 1.0)(hypotheses, references)
    return bare * sum(penalties) / len(penalties)


@corpus_bleu.misconception("one long sentence")
def _(hypotheses, references):
    """You join all sentences into one, so that n-grams reach across their ends and a word may be
    right in another sentence. Count each sentence against its own reference, and add up."""
    return pieces.corpus_bleu([" ".join(hypotheses)], [" ".join(references)])


@corpus_bleu.misconception("translations and references swapped")
def _(hypotheses, references):
    """You have swapped translations and references. Precision is the share of the translation's
    n-grams, and the penalty is for short translations."""
    return pieces.corpus_bleu(references, hypotheses)
