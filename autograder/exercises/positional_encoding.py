"""Lesson 04: sinusoids, a module that adds them, the shift matrix, learned positions, rotary ones.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece, PieceRaised
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from workbook import pieces

_FAR = 20_000
"""A position whose angle float32 can't hold: of its seven digits, five stand before the point."""


def _precise(found: torch.Tensor, wanted: torch.Tensor, what: str, limit: float, says: str) -> None:
    """Right up to rounding. Told apart: wrong altogether, and worked out with too few digits."""
    expect.shape(found, wanted.shape, what)
    gap = (found.double() - wanted.double()).abs().max()
    expect.that(bool(gap < 0.05), f"{what} is wrong here by more than rounding.")
    expect.that(bool(gap < limit), says)


# ---- sinusoidal_encoding -----------------------------------------------------------------------

sinusoidal_encoding = Exercise("sinusoidal_encoding", reference=pieces.sinusoidal_encoding)


def _expect_sinusoids(piece: Piece, length: int, d_model: int, **base: float) -> None:
    found = expect.shape(piece(length, d_model, **base), (length, d_model), "The encoding")
    wanted = pieces.sinusoidal_encoding(length, d_model, **base)
    expect.close(found.float(), wanted, "The encoding, at [position, column],")


@sinusoidal_encoding.property("shape and type", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """One row a position, one column a feature, as float32."""
    length, half = draw.sizes(2, low=4)
    found = expect.shape(piece(length, 2 * half), (length, 2 * half), "The encoding")
    name = str(found.dtype).removeprefix("torch.")
    expect.that(found.dtype == torch.float32, f"The encoding should be float32; it is {name}.")


@sinusoidal_encoding.property("the formula", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """Column 2i holds sin(pos / 10000^(2i / d_model)), and column 2i + 1 the cosine of the same
    angle. Positions start at 0."""
    short, half = draw.sizes(2, low=3, high=6)
    _expect_sinusoids(piece, short, 2 * half)  # both shapes: fewer rows than columns, and more
    _expect_sinusoids(piece, draw.integer(13, 16), 2 * half)


@sinusoidal_encoding.property("another base", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The base that is passed should take the place of 10000."""
    length, half = draw.sizes(2, low=4)
    _expect_sinusoids(piece, length, 2 * half, base=draw.uniform(20.0, 300.0))


@sinusoidal_encoding.property("an odd number of columns", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With an odd d_model the last column is a sine without a cosine beside it."""
    length, half = draw.sizes(2, low=3)
    _expect_sinusoids(piece, length, 2 * half + 1)


@sinusoidal_encoding.property("far positions", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Work the angles out in float64 and make the encoding float32 at the end. float32 has seven
    digits, and at position 20,000 five of them stand before the decimal point."""
    length, d_model = draw.integer(_FAR, _FAR + 500), 2 * draw.integer(7, 9)
    found = expect.tensor(piece(length, d_model), "The encoding")
    wanted = pieces.sinusoidal_encoding(length, d_model)
    says = "At far positions your numbers are right in their first two or three digits only."
    _precise(found, wanted, "The encoding", 2e-6, says)


@sinusoidal_encoding.property("the smallest tables", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """One position, one pair of columns, and even a single column should work."""
    length = draw.integer(3, 6)
    for size in ((1, 2), (length, 2), (length, 1)):
        _expect_sinusoids(piece, *size)


def _angles(length: int, d_model: int, base: float) -> torch.Tensor:
    """(length, ceil(d_model / 2)) in float64: what most wrong answers get right."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    return torch.arange(length, dtype=torch.float64)[:, None] / base ** (columns / d_model)


def _interleaved(angles: torch.Tensor, d_model: int, swap: bool = False) -> torch.Tensor:
    """Sines on even columns, cosines on odd ones."""
    first, second = (torch.cos, torch.sin) if swap else (torch.sin, torch.cos)
    encoding = torch.empty(len(angles), d_model, dtype=torch.float64)
    encoding[:, 0::2] = first(angles)
    encoding[:, 1::2] = second(angles[:, : d_model // 2])
    return encoding.float()


@sinusoidal_encoding.misconception("sine and cosine swapped")
def _(length, d_model, base=10000.0):
    """Sine and cosine have changed places: the sine stands on the even columns 0, 2, 4, …, the
    cosine on the odd ones."""
    return _interleaved(_angles(length, d_model, base), d_model, swap=True)


@sinusoidal_encoding.misconception("halves instead of every other column")
def _(length, d_model, base=10000.0):
    """All your sines stand in the left half and all cosines in the right half. Some libraries do
    that; here they take turns: encoding[:, 0::2] holds the sines, encoding[:, 1::2] the cosines."""
    angles = _angles(length, d_model, base)
    return torch.cat([angles.sin(), angles[:, : d_model // 2].cos()], dim=1).float()


@sinusoidal_encoding.misconception("exponent i instead of 2i")
def _(length, d_model, base=10000.0):
    """The exponent is 2i / d_model, and yours is half of that. For the columns 2i and 2i + 1 it is
    the even column's own number over d_model: torch.arange(0, d_model, 2) / d_model."""
    pairs = torch.arange((d_model + 1) // 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base ** (pairs / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("every column its own wavelength")
def _(length, d_model, base=10000.0):
    """Your odd columns use their own number in the exponent. Sine and cosine are a pair and share
    one angle: column 2i + 1 takes the exponent of column 2i."""
    columns = torch.arange(d_model, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base ** (columns / d_model)
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos()).float()


@sinusoidal_encoding.misconception("exponent of an odd column doubled")
def _(length, d_model, base=10000.0):
    """You put each column's own number in for i, so that the exponent is twice too large. In the
    formula i counts the pairs: 2i is the number of the even column."""
    columns = torch.arange(d_model, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base ** (2 * columns / d_model)
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos()).float()


@sinusoidal_encoding.misconception("exponent doubled")
def _(length, d_model, base=10000.0):
    """Your exponent is twice too large. You count 0, 2, 4, … already, and these are the 2i of the
    formula: don't double them again."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base ** (2 * columns / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("exponent without its parentheses")
def _(length, d_model, base=10000.0):
    """base ** evens / d_model raises to the power first and divides by d_model after. Put the
    exponent in parentheses: base ** (evens / d_model)."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base**columns / d_model
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("divided by power and width")
def _(length, d_model, base=10000.0):
    """pos / (base ** evens / d_model) raises to the power first. Put the exponent in parentheses:
    base ** (evens / d_model)."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / (base**columns / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("whole turns")
def _(length, d_model, base=10000.0):
    """There is a 2π too many: the first hand turns by 1 radian a word, not by a whole turn. The
    angle is pos / base^(2i / d_model) as it stands."""
    return _interleaved(2 * math.pi * _angles(length, d_model, base), d_model)


@sinusoidal_encoding.misconception("divided by d_model − 1")
def _(length, d_model, base=10000.0):
    """Your exponent is 2i / (d_model − 1). In this formula it is 2i / d_model."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    exponents = columns / max(d_model - 1, 1)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base**exponents
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("wavelengths spread up to the base itself")
def _(length, d_model, base=10000.0):
    """Your exponents run from 0 to 1, as some libraries have it: i / (d_model / 2 − 1). In the
    paper's formula they stop short of 1: 2i / d_model."""
    exponents = torch.linspace(0, 1, (d_model + 1) // 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base**exponents
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("multiplied by the power")
def _(length, d_model, base=10000.0):
    """You multiply the position by base^(2i / d_model), so that later columns turn faster. Divide
    by it: later columns turn more slowly. (As a factor it has a negative exponent.)"""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * base ** (columns / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("base times the exponent")
def _(length, d_model, base=10000.0):
    """You divide by base · 2i / d_model. The base is raised to that power: base ** (2i / d_model).
    Column 0 then divides by 1, not by 0."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / (base * columns / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("one wavelength for all")
def _(length, d_model, base=10000.0):
    """All your columns turn at the same speed: the column's number is missing from the exponent. It
    is 2i / d_model, another one for each pair."""
    angles = torch.arange(length, dtype=torch.float64)[:, None].expand(-1, (d_model + 1) // 2)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("positions from 1")
def _(length, d_model, base=10000.0):
    """Your first row is that of position 1. Positions start at 0: the first row is 0, 1, 0, 1, …"""
    return _interleaved(_angles(length + 1, d_model, base)[1:], d_model)


@sinusoidal_encoding.misconception("base ignored")
def _(length, d_model, base=10000.0):
    """You wrote 10000 into the formula. Use the base that was passed."""
    return _interleaved(_angles(length, d_model, 10000.0), d_model)


@sinusoidal_encoding.misconception("angles in float32")
def _(length, d_model, base=10000.0):
    """Your angles are worked out in float32, which has seven digits. Say dtype=torch.float64 where
    positions and columns are made (torch.arange(…, dtype=torch.float64)), and .float() at the
    end."""
    columns = torch.arange(0, d_model, 2)
    angles = torch.arange(length)[:, None] / base ** (columns / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("float64 returned")
def _(length, d_model, base=10000.0):
    """The numbers are right, and still float64. Models work in float32: end with .float()."""
    return pieces.sinusoidal_encoding(length, d_model, base).double()


@sinusoidal_encoding.misconception("an odd number of columns crashes")
def _(length, d_model, base=10000.0):
    """With an odd d_model there is one cosine less than there are sines. Give the odd columns only
    as many angles as they have room for: angles[:, : d_model // 2]."""
    angles = _angles(length, d_model, base)
    encoding = torch.zeros(length, d_model, dtype=torch.float64)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding.float()


@sinusoidal_encoding.misconception("float32, and an odd number of columns crashes")
def _(length, d_model, base=10000.0):
    """Two things are missing. With an odd d_model there is one cosine less than there are sines:
    angles[:, : d_model // 2]. And your angles are float32, which has seven digits: say
    dtype=torch.float64 in torch.arange, and .float() at the end."""
    columns = torch.arange(0, d_model, 2)
    angles = torch.arange(length)[:, None] * torch.exp(columns * (-math.log(base) / d_model))
    encoding = torch.zeros(length, d_model)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding


@sinusoidal_encoding.misconception("a sine too few")
def _(length, d_model, base=10000.0):
    """With an odd d_model there is one sine more than there are cosines, and you have angles for
    the cosines only. torch.arange(0, d_model, 2) counts the sines rightly."""
    pairs = torch.arange(d_model // 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base ** (2 * pairs / d_model)
    encoding = torch.zeros(length, d_model, dtype=torch.float64)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding.float()


@sinusoidal_encoding.misconception("a column too many")
def _(length, d_model, base=10000.0):
    """With an odd d_model you return one column too many: the last sine has no cosine beside it.
    Cut the result off after d_model columns."""
    angles = _angles(length, d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).float()


@sinusoidal_encoding.misconception("the last odd column left out")
def _(length, d_model, base=10000.0):
    """With an odd d_model your last column stays empty. It holds a sine of its own: there are
    ⌈d_model / 2⌉ sines, and torch.arange(0, d_model, 2) counts them rightly."""
    pairs = torch.arange(d_model // 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / base ** (2 * pairs / d_model)
    encoding = torch.zeros(length, d_model, dtype=torch.float64)
    encoding[:, 0 : 2 * len(pairs) : 2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding.float()


@sinusoidal_encoding.misconception("rows and columns swapped")
def _(length, d_model, base=10000.0):
    """Positions run along your columns. Each position is a row: the shape is (length, d_model)."""
    return pieces.sinusoidal_encoding(length, d_model, base).T


@sinusoidal_encoding.misconception("positions not a column")
def _(length, d_model, base=10000.0):
    """Positions and divisors lie along the same axis, so torch wants to divide them one by one.
    Make the positions a column, (length, 1): .unsqueeze(1) or [:, None]. Then each meets each, and
    a table comes out."""
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64) / base ** (columns / d_model)
    return _interleaved(angles, d_model)


@sinusoidal_encoding.misconception("a batch axis in front")
def _(length, d_model, base=10000.0):
    """Your encoding has an axis of size 1 in front. Leave it out: (length, d_model) lines up with
    any batch by itself."""
    return pieces.sinusoidal_encoding(length, d_model, base)[None]


@sinusoidal_encoding.misconception("sine only")
def _(length, d_model, base=10000.0):
    """Every column of yours is a sine. The odd columns 1, 3, 5, … hold the cosine of the same
    angle."""
    return _angles(length, d_model, base).sin().repeat_interleave(2, 1)[:, :d_model].float()


# ---- what both modules share -------------------------------------------------------------------

Change = Callable[[nn.Module, torch.Tensor], torch.Tensor]


def _sentence_case(draw: Draw) -> Case:
    """x (batch, length, d_model), and a table with room for more words, and for the batch: who
    counts along the wrong axis should see wrong numbers and not an error of their own making."""
    batch, length, d_model = draw.sizes(3, low=3)
    construct = {"d_model": d_model, "max_length": length + batch, "dropout": 0.3}
    return Case((draw.normal(batch, length, d_model),), {}, construct)


def _too_long(exercise: Exercise, points: float) -> None:
    """A sentence past the table's end is refused, and one that reaches it is not."""

    def holds(piece: Piece, draw: Draw) -> None:
        """A sentence of max_length words should pass, one word more should raise ValueError."""
        batch, length, d_model = draw.sizes(3, low=3)
        instance = piece.construct(d_model=d_model, max_length=length).eval()
        try:
            full = instance(draw.normal(batch, length, d_model, dtype=torch.float32))
        except PieceRaised as raised:
            if not raised.is_a(ValueError):
                raise
            refused = f"A sentence of exactly max_length words, here {length}, was refused."
            raise expect.Mismatch(refused) from None
        expect.shape(full, (batch, length, d_model), "The result for a sentence of max_length")
        longer = draw.normal(batch, length + 1, d_model, dtype=torch.float32)
        says = f"With max_length {length}, a sentence of {length + 1} words should be refused."
        back: list[object] = []
        try:
            expect.raises(ValueError, lambda: back.append(instance(longer)), says)
        except expect.Mismatch as missing:
            came = f" What came back is {expect.describe(back[0])}." if back else ""
            raise expect.Mismatch(missing.message + came) from None

    # Not repeatable: the words of a ValueError are everyone's own.
    exercise.property("too long a sentence", points, repeatable=False)(holds)


def _dropout(exercise: Exercise, points: float) -> None:
    """In training, dropout acts on the sum."""

    def holds(piece: Piece, draw: Draw) -> None:
        """In training, dropout acts on the sum of word and position: each number becomes 0 with the
        probability dropout, or is divided by 1 − dropout."""
        batch, length, d_model = draw.sizes(3, low=10, high=13)
        rate = draw.uniform(0.35, 0.6)
        construct = {"d_model": d_model, "max_length": length + 3, "dropout": rate}
        x = draw.normal(batch, length, d_model, dtype=torch.float32)
        case = Case((x,), {}, construct)
        instance, oracle = beside(exercise, piece, case, draw, torch.float32)
        instance.train()
        piece.seed(draw.integer(0, 10_000))  # however many random numbers its birth has used up
        found = expect.shape(instance(x), x.shape, "The result")
        whole = oracle(x).detach()
        dropped = float((found == 0).float().mean())
        expect.that(
            abs(dropped - rate) < 0.08,
            f"With dropout={rate:.2f}, {dropped:.0%} of the numbers became 0.",
        )
        kept = torch.where(found == 0, 0.0, whole / (1 - rate))
        expect.close(found, kept, "What dropout left", tolerance=1e-4)

    exercise.property("dropout on the sum", points)(holds)


def _wrong_forward(base: type[nn.Module]) -> Callable[[Change], type[nn.Module]]:
    """A module that is right but for its forward."""

    def wrap(change: Change) -> type[nn.Module]:
        class Wrong(base):
            def forward(self, x):
                return change(self, x)

        Wrong.__doc__ = change.__doc__
        return Wrong

    return wrap


def _checked(table: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The rows of the table for the words of x, ValueError past its end."""
    if x.shape[1] > table.shape[0]:
        raise ValueError("too long")
    return table[: x.shape[1]]


# ---- PositionalEncoding ------------------------------------------------------------------------

PositionalEncoding = Exercise("PositionalEncoding", reference=pieces.PositionalEncoding)


@PositionalEncoding.property("the table is a buffer", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The table of sinusoids should be a buffer called table, (max_length, d_model): not learned,
    and yet saved, moved to another device and cast with the module."""
    max_length, d_model = draw.sizes(2, low=5)
    instance = piece.construct(d_model, max_length)
    expect.that(
        not instance.parameters(),
        "There is a parameter, which training would change; the sinusoids are not learned.",
    )
    buffers = instance.to(torch.float64).buffers()
    if not buffers:
        instance(draw.normal(2, max_length - 1, d_model))
        late = " (After its first call it has one.)" if instance.buffers() else ""
        raise expect.Mismatch(f"A newly made module has no buffer.{late}")
    if "table" not in buffers:
        names = ", ".join(sorted(buffers))
        raise expect.Mismatch(f"The buffer should be called table, not {names}.", kind="name")
    expect.shape(buffers["table"], (max_length, d_model), "The buffer table")
    wanted = pieces.sinusoidal_encoding(max_length, d_model)
    expect.close(buffers["table"].float(), wanted, "The buffer table, at [position, column],")


@PositionalEncoding.property("adds the positions", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """In eval mode the result is each word plus the row of its position, the same rows for every
    sentence of the batch; sentences may be shorter than the table."""
    case = _sentence_case(draw)
    instance, oracle = beside(PositionalEncoding, piece, case, draw, torch.float32)
    batch, length, d_model = case.args[0].shape
    for words in (length, length + batch - 1, 1):
        x = draw.normal(batch, words, d_model, dtype=torch.float32)
        expect.close(instance(x), oracle(x), "The result, at [sentence, word, feature],")


_too_long(PositionalEncoding, points=1)
_dropout(PositionalEncoding, points=1)
gradients_flow(PositionalEncoding, _sentence_case, of=("x",), points=0.5)
inputs_stay(PositionalEncoding, _sentence_case, points=0.25)


@PositionalEncoding.property("float32, on this machine's device", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32, on this machine's fastest device, the values should be the same."""
    case = _sentence_case(draw).changed(lambda tensor: tensor.float())
    instance, oracle = beside(PositionalEncoding, piece, case, draw, torch.float32)
    expect.close(instance.on_accelerator(*case.args), oracle(*case.args), "The result")


class _Sinusoids(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("table", pieces.sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + _checked(self.table, x))


@PositionalEncoding.misconception("multiplied instead of added")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You multiply word and position. Add them: multiplied, every sine of 0 at position 0 would
    wipe out a feature of the first word."""
    return self.dropout(x * _checked(self.table, x))


@PositionalEncoding.misconception("positions returned alone")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You return the positions without the words. Return x plus the rows of the table."""
    return self.dropout(_checked(self.table, x).expand_as(x))


@PositionalEncoding.misconception("positions set beside the words")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You set the positions beside the words, so that every vector is twice as long. Add them: the
    result has the shape of x."""
    return self.dropout(torch.cat([x, _checked(self.table, x).expand_as(x)], dim=-1))


@PositionalEncoding.misconception("words scaled")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You multiply the words by √d_model before you add. The paper does that too, in the embedding
    (lesson 09); here x comes in as it should be."""
    return self.dropout(x * math.sqrt(x.shape[-1]) + _checked(self.table, x))


@PositionalEncoding.misconception("dropout before adding")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """Dropout acts on the words alone, before the positions come in. Add first, then drop out."""
    return self.dropout(x) + _checked(self.table, x)


@PositionalEncoding.misconception("dropout on the positions alone")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """Dropout acts on the positions alone. Add first, then drop out of the sum."""
    return x + self.dropout(_checked(self.table, x))


@PositionalEncoding.misconception("dropout forgotten")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """In training nothing is dropped. Keep nn.Dropout(dropout) in the module, and send the sum
    through it."""
    return x + _checked(self.table, x)


@PositionalEncoding.misconception("dropout in eval mode too")
class _(_Sinusoids):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode, or pass training=self.training."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(d_model, max_length, dropout)
        self.rate = dropout

    def forward(self, x):
        return F.dropout(x + _checked(self.table, x), self.rate)


@PositionalEncoding.misconception("dropout's rate ignored")
class _(_Sinusoids):
    """The rate that is passed isn't used: write nn.Dropout(dropout)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(d_model, max_length, 0.1)


@PositionalEncoding.misconception("the table is a parameter")
class _(nn.Module):
    """Your table is a parameter, so an optimizer would train it. (requires_grad=False makes it a
    frozen parameter, and it still counts as one.) Use self.register_buffer("table", …)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.table = nn.Parameter(pieces.sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    forward = _Sinusoids.forward


@PositionalEncoding.misconception("the table is a plain attribute")
class _(nn.Module):
    """self.table = … keeps a plain tensor, which the module doesn't know: it stays behind when the
    module goes to a GPU, to float64 or into a file. Use self.register_buffer("table", …)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.table = pieces.sinusoidal_encoding(max_length, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + _checked(self.table, x).to(x))


@PositionalEncoding.misconception("the table made anew at every call")
class _(nn.Module):
    """You work the sinusoids out anew at every call, as many as the sentence has words. Make the
    table once, in __init__, with max_length rows, and take its first rows in forward."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + pieces.sinusoidal_encoding(*x.shape[1:]).to(x))


@PositionalEncoding.misconception("the buffer registered at the first call")
class _(nn.Module):
    """You register the buffer in forward, so that a module has none until it is first used, and
    works its table out anew each time. Make it once, in __init__."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.d_model, self.max_length = d_model, max_length
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        table = pieces.sinusoidal_encoding(self.max_length, self.d_model)
        self.register_buffer("table", table.to(x))
        return self.dropout(x + _checked(self.table, x))


@PositionalEncoding.misconception("copied from a model with the words first")
class _(nn.Module):
    """You have the well-known version for batches with the words first, (length, batch, d_model).
    Here the batch is first, so the words are counted by x.size(1) and the table is (max_length,
    d_model). Build it by your sinusoidal_encoding, which knows odd d_model too, register it as
    table, and raise ValueError past its end."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_length).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_length, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(0)])


@PositionalEncoding.misconception("words first, with the table of this lesson")
class _(nn.Module):
    """This fits batches with the words first, (length, batch, d_model). Here the batch is first:
    words are counted by x.size(1), and the table is (max_length, d_model), without unsqueeze(1).
    Then raise ValueError past its end."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        table = pieces.sinusoidal_encoding(max_length, d_model)
        self.register_buffer("table", table.unsqueeze(1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + self.table[: x.size(0)])


@PositionalEncoding.misconception("the buffer has another name")
class _(nn.Module):
    """The buffer has another name than the exercise asks: table. Names are how weights are
    exchanged with other implementations."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("pe", pieces.sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + _checked(self.pe, x))


@PositionalEncoding.misconception("a batch axis in the table")
class _(nn.Module):
    """Your table has an axis of size 1 for the batch. Leave it out: (length, d_model) lines up with
    (batch, length, d_model) by itself, and the exercise lists table (max_length, d_model)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("table", pieces.sinusoidal_encoding(max_length, d_model)[None])
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + _checked(self.table[0], x))


@PositionalEncoding.misconception("length and width swapped")
class _(_Sinusoids):
    """You call sinusoidal_encoding(d_model, max_length). The length comes first."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(max_length, d_model, dropout)


@PositionalEncoding.misconception("max_length ignored")
class _(_Sinusoids):
    """Your table has 5000 rows, whatever is asked for. Build it with max_length rows."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(d_model, 5000, dropout)


@PositionalEncoding.misconception("positions counted along the batch")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """x.size(0) is the number of sentences. Every word of a sentence now gets the same row, that of
    its sentence in the batch. Here words run along axis 1: take the first x.size(1) rows."""
    if x.shape[0] > self.table.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.table[: x.shape[0], None])


@PositionalEncoding.misconception("as many rows as sentences")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You take as many rows as there are sentences: x.size(0), or len(x), is the batch. Words run
    along axis 1: take the first x.size(1) rows."""
    if x.shape[0] > self.table.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.table[: x.shape[0]])


@PositionalEncoding.misconception("as many rows as features")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You take as many rows as a word has features: x.size(-1) is d_model. Words run along axis 1:
    take the first x.size(1) rows."""
    if x.shape[-1] > self.table.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.table[: x.shape[-1]])


@PositionalEncoding.misconception("the whole table added")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You add the whole table, max_length rows. Take as many rows as the sentence has words:
    self.table[: x.size(1)]."""
    return self.dropout(x + self.table)


@PositionalEncoding.misconception("the whole table added to what fits")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """Your ValueError is right, and then you add the whole table, max_length rows. Take as many
    rows as the sentence has words: self.table[: x.size(1)]."""
    _checked(self.table, x)
    return self.dropout(x + self.table)


@PositionalEncoding.misconception("the last rows")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You take the last rows of the table. The first word has position 0: take the first rows,
    self.table[: x.size(1)]."""
    _checked(self.table, x)
    return self.dropout(x + self.table[-x.shape[1] :])


@PositionalEncoding.misconception("positions from 1")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """Your first word gets row 1 of the table. Positions start at 0: take the rows from 0 on."""
    _checked(self.table, x)
    rows = self.table[1 : x.shape[1] + 1]
    return self.dropout(x + F.pad(rows, (0, 0, 0, x.shape[1] - len(rows))))


@PositionalEncoding.misconception("no ValueError")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """A sentence past the end of the table fails somewhere inside torch. Say it in words: compare
    x.size(1) with the table's rows first, and raise ValueError with both numbers."""
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("ValueError returned")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You return the ValueError, and whoever called you takes it for a result. Write raise
    ValueError(…)."""
    if x.shape[1] > self.table.shape[0]:
        return ValueError("too long")
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("assert instead of raise")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You use assert, which raises AssertionError (and nothing at all under python -O). Raise a
    ValueError with a sentence."""
    assert x.shape[1] <= self.table.shape[0], "too long"
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("refuses the full length")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You refuse a sentence of exactly max_length words, which the table has rows for. Raise only
    when it is longer: > and not >=."""
    if x.shape[1] >= self.table.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("cut off silently")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """You cut a long sentence off at max_length, and nobody is told. Raise ValueError."""
    x = x[:, : self.table.shape[0]]
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("words changed in place")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """x += … changes the caller's tensor. Write x + …, which makes a new one."""
    rows = _checked(self.table, x)
    with torch.no_grad():
        x += rows
    return self.dropout(x * 1.0)


@PositionalEncoding.misconception("cut off from the graph")
@_wrong_forward(_Sinusoids)
def _(self, x):
    """The values are right, but no gradient flows back to the words: a .detach(), .data or
    torch.no_grad() cuts the result off. A buffer needs none of them."""
    return self.dropout(x.detach() + _checked(self.table, x))


# ---- shift_matrix ------------------------------------------------------------------------------

shift_matrix = Exercise("shift_matrix", reference=pieces.shift_matrix)


def _expect_shift(piece: Piece, draw: Draw, offset: int, **base: float) -> None:
    """M @ PE(pos) is PE(pos + offset), for a few random positions."""
    half = draw.integer(2, 5)
    found = expect.shape(
        piece(offset, 2 * half, **base), (2 * half, 2 * half), f"The matrix for the offset {offset}"
    )
    encoding = pieces.sinusoidal_encoding(120, 2 * half, **base)
    for position in (40, draw.integer(41, 60), draw.integer(61, 79)):
        moved = found.float() @ encoding[position]
        what = f"M @ PE({position}), with the offset {offset},"
        expect.close(moved, encoding[position + offset], what)
    name = str(found.dtype).removeprefix("torch.")
    expect.that(found.dtype == torch.float32, f"The matrix should be float32; it is {name}.")


@shift_matrix.property("moves every position", points=1.75)
def _(piece: Piece, draw: Draw) -> None:
    """M @ PE(pos) should be PE(pos + offset), with one and the same M for every pos."""
    _expect_shift(piece, draw, draw.integer(1, 6))
    _expect_shift(piece, draw, draw.integer(7, 40))


@shift_matrix.property("back, and nowhere", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A negative offset leads back, and the offset 0 changes nothing."""
    _expect_shift(piece, draw, -draw.integer(1, 40))
    _expect_shift(piece, draw, 0)


@shift_matrix.property("another base", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """The base that is passed should take the place of 10000."""
    _expect_shift(piece, draw, draw.integer(1, 40), base=draw.uniform(20.0, 300.0))


@shift_matrix.property("far away", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Work the angles out in float64 and make the matrix float32 at the end, so that far offsets
    stay exact."""
    offset, d_model = draw.integer(_FAR, _FAR + 500), 2 * draw.integer(7, 9)
    found = expect.tensor(piece(offset, d_model), "The matrix")
    says = "For far offsets your numbers are right in their first two or three digits only."
    _precise(found, pieces.shift_matrix(offset, d_model), "The matrix", 2e-6, says)


@shift_matrix.property("an odd number of columns", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """With an odd d_model the last sine has no cosine to be rotated with: raise ValueError."""
    d_model = 2 * draw.integer(2, 5) + 1
    says = f"shift_matrix(offset, {d_model}) should be refused."
    expect.raises(ValueError, lambda: piece(draw.integer(1, 9), d_model), says)


def _even(d_model: int) -> None:
    if d_model % 2:
        raise ValueError("d_model must be even")


def _turns(offset: int, d_model: int, base: float) -> torch.Tensor:
    """(d_model / 2,) the angle that each pair turns by."""
    return offset / base ** (torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)


def _blocks(turns: torch.Tensor, signs: tuple[int, int] = (1, -1)) -> torch.Tensor:
    """cos on the diagonal, the sine with the first sign right of it and the second one below."""
    d_model = 2 * len(turns)
    matrix = torch.zeros(d_model, d_model, dtype=torch.float64)
    even = torch.arange(0, d_model, 2)
    matrix[even, even] = matrix[even + 1, even + 1] = turns.cos()
    matrix[even, even + 1] = signs[0] * turns.sin()
    matrix[even + 1, even] = signs[1] * turns.sin()
    return matrix.float()


@shift_matrix.misconception("transposed")
def _(offset, d_model, base=10000.0):
    """Your matrix rotates backwards: it is the transpose of the one asked for. A row (sin, cos) is
    moved on by [[cos, sin], [−sin, cos]]; the minus stands below the diagonal."""
    _even(d_model)
    return _blocks(_turns(offset, d_model, base), (-1, 1))


@shift_matrix.misconception("the minus forgotten")
def _(offset, d_model, base=10000.0):
    """Both sines of a block are positive. cos(a + b) = cos a cos b − sin a sin b: the one in the
    lower row has a minus."""
    _even(d_model)
    return _blocks(_turns(offset, d_model, base), (1, 1))


@shift_matrix.misconception("sine and cosine swapped")
def _(offset, d_model, base=10000.0):
    """In your blocks the sine stands on the diagonal. For the offset 0 nothing moves, so the
    diagonal must be 1: that is the cosine."""
    _even(d_model)
    turns = _turns(offset, d_model, base)
    matrix = torch.zeros(d_model, d_model, dtype=torch.float64)
    for pair, turn in enumerate(turns):
        block = torch.stack([turn.sin(), turn.cos(), -turn.cos(), turn.sin()]).view(2, 2)
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = block
    return matrix.float()


@shift_matrix.misconception("sines on the diagonal, one with a minus")
def _(offset, d_model, base=10000.0):
    """In your blocks the sines stand on the diagonal. For the offset 0 nothing moves, so the
    diagonal must be 1, 1: these are the cosines."""
    _even(d_model)
    turns = _turns(offset, d_model, base)
    blocks = [torch.tensor([[b.sin(), b.cos()], [b.cos(), -b.sin()]]) for b in turns]
    return torch.block_diag(*blocks).float()


@shift_matrix.misconception("for halves instead of pairs")
def _(offset, d_model, base=10000.0):
    """This matrix fits an encoding with all sines in the left half. Here sine and cosine stand side
    by side, so each pair has a 2 × 2 block of its own on the diagonal."""
    _even(d_model)
    turns = _turns(offset, d_model, base)
    cos, sin = torch.diag(turns.cos()), torch.diag(turns.sin())
    return torch.cat([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)]).float()


@shift_matrix.misconception("blocks overlap")
def _(offset, d_model, base=10000.0):
    """Your blocks overlap: each overwrites a part of the one before. Block i begins at row and
    column 2i, not at i."""
    _even(d_model)
    matrix = torch.zeros(d_model, d_model, dtype=torch.float64)
    for pair, turn in enumerate(_turns(offset, d_model, base)):
        block = torch.stack([turn.cos(), turn.sin(), -turn.sin(), turn.cos()]).view(2, 2)
        matrix[pair : pair + 2, pair : pair + 2] = block
    return matrix.float()


@shift_matrix.misconception("blocks in reverse order")
def _(offset, d_model, base=10000.0):
    """The blocks stand in the wrong order. The first pair turns fastest, by offset itself; the
    angles get smaller down the diagonal."""
    _even(d_model)
    return _blocks(_turns(offset, d_model, base).flip(0))


@shift_matrix.misconception("one angle for all")
def _(offset, d_model, base=10000.0):
    """You turn every pair by the same angle. Pair i turns by offset / base^(2i / d_model)."""
    _even(d_model)
    return _blocks(torch.full((d_model // 2,), float(offset), dtype=torch.float64))


@shift_matrix.misconception("exponent i instead of 2i")
def _(offset, d_model, base=10000.0):
    """The exponent is 2i / d_model, as in the encoding, and yours is half of that."""
    _even(d_model)
    pairs = torch.arange(d_model // 2, dtype=torch.float64)
    return _blocks(offset / base ** (pairs / d_model))


@shift_matrix.misconception("exponent doubled")
def _(offset, d_model, base=10000.0):
    """Your exponent is twice too large. If you count 0, 2, 4, …, these are the 2i of the formula
    already: don't double them again."""
    _even(d_model)
    evens = torch.arange(0, d_model, 2, dtype=torch.float64)
    return _blocks(offset / base ** (2 * evens / d_model))


@shift_matrix.misconception("multiplied by the power")
def _(offset, d_model, base=10000.0):
    """You multiply the offset by base^(2i / d_model). Divide by it, as in the encoding."""
    _even(d_model)
    return _blocks(offset * base ** (torch.arange(0, d_model, 2, dtype=torch.float64) / d_model))


@shift_matrix.misconception("offset ignored")
def _(offset, d_model, base=10000.0):
    """Your matrix moves by one position, whatever the offset is: multiply the angles by it."""
    _even(d_model)
    return _blocks(_turns(1, d_model, base))


@shift_matrix.misconception("base ignored")
def _(offset, d_model, base=10000.0):
    """You wrote 10000 into the formula. Use the base that was passed."""
    _even(d_model)
    return _blocks(_turns(offset, d_model, 10000.0))


@shift_matrix.misconception("features pushed along")
def _(offset, d_model, base=10000.0):
    """Your matrix moves the features to other columns. That is what moves a one-hot position on;
    here every pair (sin, cos) stays where it is and turns by an angle."""
    _even(d_model)
    return torch.eye(d_model).roll(offset, 0)


@shift_matrix.misconception("the rotated vector's rows")
def _(offset, d_model, base=10000.0):
    """You return PE(offset) on a diagonal. Where you are depends on where you start: each pair
    takes a 2 × 2 block, [[cos, sin], [−sin, cos]]."""
    _even(d_model)
    return torch.diag(pieces.sinusoidal_encoding(abs(offset) + 1, d_model, base)[-1])


@shift_matrix.misconception("no ValueError")
def _(offset, d_model, base=10000.0):
    """You return a matrix for an odd d_model too. Its last sine has no cosine to be rotated with:
    raise ValueError."""
    whole = d_model + d_model % 2
    turns = offset / base ** (torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    return _blocks(turns)[: whole - d_model % 2, : whole - d_model % 2]


@shift_matrix.misconception("an odd number of columns crashes")
def _(offset, d_model, base=10000.0):
    """An odd d_model fails somewhere inside torch. Say it in words: its last sine has no cosine to
    be rotated with, so raise ValueError."""
    turns = _turns(offset, d_model, base)
    matrix = torch.zeros(d_model, d_model)
    for pair, turn in enumerate(turns):
        block = torch.stack([turn.cos(), turn.sin(), -turn.sin(), turn.cos()]).view(2, 2)
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = block
    return matrix


@shift_matrix.misconception("assert instead of raise")
def _(offset, d_model, base=10000.0):
    """You use assert, which raises AssertionError (and nothing at all under python -O). Raise a
    ValueError with a sentence."""
    assert d_model % 2 == 0, "d_model must be even"
    return _blocks(_turns(offset, d_model, base))


@shift_matrix.misconception("angles in float32")
def _(offset, d_model, base=10000.0):
    """Your angles are worked out in float32, which has seven digits. Say dtype=torch.float64 where
    the columns are counted, and .float() at the end."""
    _even(d_model)
    turns = offset / base ** (torch.arange(0, d_model, 2) / d_model)
    return _blocks(turns.double())


@shift_matrix.misconception("float64 returned")
def _(offset, d_model, base=10000.0):
    """The numbers are right, and still float64. The encoding is float32: end with .float()."""
    return pieces.shift_matrix(offset, d_model, base).double()


# ---- LearnedPositions --------------------------------------------------------------------------

LearnedPositions = Exercise("LearnedPositions", reference=pieces.LearnedPositions)

parameters_named(LearnedPositions, _sentence_case, points=0.75)


@LearnedPositions.property("starts small and random", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The positions should start as random numbers with standard deviation 0.02, so that they don't
    drown the words before anything is learned."""
    made = piece.construct(60, 40).parameters()
    position = made.get("position", next(iter(made.values()), torch.zeros(1)))
    spread = float(position.double().std(correction=0))
    expect.that(spread > 0, "Every number starts the same.")
    expect.that(
        bool(torch.isfinite(position).all()) and 0.015 < spread < 0.025,
        "The standard deviation at the start is another one.",
    )


equals_reference(
    LearnedPositions,
    _sentence_case,
    ("The result, at [sentence, word, feature],",),
    name="adds the positions",
    points=0.75,
    says="In eval mode, and with the weights set by the check, the result is each word plus the "
    "row of its position, the same rows for every sentence of the batch.",
)
_too_long(LearnedPositions, points=0.5)
_dropout(LearnedPositions, points=0.5)
gradients_flow(LearnedPositions, _sentence_case, of=("x",), points=0.25)
inputs_stay(LearnedPositions, _sentence_case, points=0.25)
single_precision(LearnedPositions, _sentence_case, ("The result",), points=0.25)


class _Learned(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(max_length, d_model) * 0.02)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + _checked(self.position, x))


@LearnedPositions.misconception("the parameter has another name")
class _(nn.Module):
    """The parameter has another name than the exercise asks: position. (An nn.Embedding called
    position keeps its numbers under position.weight; here it is the module's own nn.Parameter.)"""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Embedding(max_length, d_model)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.position.weight, std=0.02)

    def forward(self, x):
        return self.dropout(x + _checked(self.position.weight, x))


@LearnedPositions.misconception("a plain tensor")
class _(nn.Module):
    """Your positions are a plain tensor, which the module doesn't see: no optimizer will ever train
    them. Wrap them: self.position = nn.Parameter(…). (nn.Parameter(…) * 0.02 is a plain tensor
    again: scale first, wrap last.)"""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = torch.randn(max_length, d_model) * 0.02
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("a buffer")
class _(nn.Module):
    """Your positions are a buffer, and a buffer isn't trained. These are to be learned:
    self.position = nn.Parameter(…)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.register_buffer("position", torch.randn(max_length, d_model) * 0.02)
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("a batch axis in the parameter")
class _(nn.Module):
    """Your parameter has an axis of size 1 for the batch. Leave it out: (length, d_model) lines up
    with (batch, length, d_model) by itself, and the exercise lists position (max_length,
    d_model)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, max_length, d_model) * 0.02)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + _checked(self.position[0], x))


@LearnedPositions.misconception("one number for each position")
class _(nn.Module):
    """You learn a single number for each position, the same for all features. It is a vector of
    d_model numbers: (max_length, d_model)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(max_length, 1) * 0.02)
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("length and width swapped")
class _(nn.Module):
    """Your parameter is (d_model, max_length). Each position is a row: (max_length, d_model). And
    mind the order of the arguments: this module takes max_length first."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(d_model, max_length) * 0.02)
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("starts at zero")
class _(_Learned):
    """Your positions start at zero throughout. Start them as random numbers, small ones:
    nn.init.normal_(self.position, std=0.02)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, dropout)
        nn.init.zeros_(self.position)


@LearnedPositions.misconception("starts with another spread")
class _(_Learned):
    """Your positions don't start with standard deviation 0.02. torch.randn has the deviation 1,
    which is as loud as the words, and torch.rand isn't even centred on 0: use
    nn.init.normal_(self.position, std=0.02)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, dropout)
        nn.init.normal_(self.position)


@LearnedPositions.misconception("multiplied instead of added")
@_wrong_forward(_Learned)
def _(self, x):
    """You multiply word and position. Add them."""
    return self.dropout(x * _checked(self.position, x))


@LearnedPositions.misconception("dropout before adding")
@_wrong_forward(_Learned)
def _(self, x):
    """Dropout acts on the words alone, before the positions come in. Add first, then drop out."""
    return self.dropout(x) + _checked(self.position, x)


@LearnedPositions.misconception("dropout on the positions alone")
@_wrong_forward(_Learned)
def _(self, x):
    """Dropout acts on the positions alone. Add first, then drop out of the sum."""
    return x + self.dropout(_checked(self.position, x))


@LearnedPositions.misconception("dropout forgotten")
@_wrong_forward(_Learned)
def _(self, x):
    """In training nothing is dropped. Keep nn.Dropout(dropout) in the module, and send the sum
    through it."""
    return x + _checked(self.position, x)


@LearnedPositions.misconception("dropout in eval mode too")
class _(_Learned):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode, or pass training=self.training."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, dropout)
        self.rate = dropout

    def forward(self, x):
        return F.dropout(x + _checked(self.position, x), self.rate)


@LearnedPositions.misconception("dropout's rate ignored")
class _(_Learned):
    """The rate that is passed isn't used: write nn.Dropout(dropout)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, 0.1)


@LearnedPositions.misconception("positions counted along the batch")
@_wrong_forward(_Learned)
def _(self, x):
    """x.size(0) is the number of sentences. Every word of a sentence now gets the same row, that of
    its sentence in the batch. Here words run along axis 1: take the first x.size(1) rows."""
    if x.shape[0] > self.position.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.position[: x.shape[0], None])


@LearnedPositions.misconception("as many rows as sentences")
@_wrong_forward(_Learned)
def _(self, x):
    """You take as many rows as there are sentences: x.size(0), or len(x), is the batch. Words run
    along axis 1: take the first x.size(1) rows."""
    if x.shape[0] > self.position.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.position[: x.shape[0]])


@LearnedPositions.misconception("the whole table added")
@_wrong_forward(_Learned)
def _(self, x):
    """You add all max_length rows. Take as many as the sentence has words:
    self.position[: x.size(1)]."""
    return self.dropout(x + self.position)


@LearnedPositions.misconception("the whole table added to what fits")
@_wrong_forward(_Learned)
def _(self, x):
    """Your ValueError is right, and then you add all max_length rows. Take as many as the sentence
    has words: self.position[: x.size(1)]."""
    _checked(self.position, x)
    return self.dropout(x + self.position)


@LearnedPositions.misconception("no ValueError")
@_wrong_forward(_Learned)
def _(self, x):
    """A sentence past the last position fails somewhere inside torch. Say it in words: compare
    x.size(1) with the number of rows first, and raise ValueError with both numbers."""
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("assert instead of raise")
@_wrong_forward(_Learned)
def _(self, x):
    """You use assert, which raises AssertionError (and nothing at all under python -O). Raise a
    ValueError with a sentence."""
    assert x.shape[1] <= self.position.shape[0], "too long"
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("refuses the full length")
@_wrong_forward(_Learned)
def _(self, x):
    """You refuse a sentence of exactly max_length words, which there are positions for. Raise only
    when it is longer: > and not >=."""
    if x.shape[1] >= self.position.shape[0]:
        raise ValueError("too long")
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("positions cut off from the graph")
@_wrong_forward(_Learned)
def _(self, x):
    """No gradient reaches the positions, so they would never be learned: a .detach(), .data or
    torch.no_grad() cuts them off."""
    return self.dropout(x + _checked(self.position, x).detach())


@LearnedPositions.misconception("words changed in place")
@_wrong_forward(_Learned)
def _(self, x):
    """x += … changes the caller's tensor. Write x + …, which makes a new one."""
    rows = _checked(self.position, x)
    changed = x + rows
    with torch.no_grad():
        x += rows
    return self.dropout(changed)


# ---- apply_rotary ------------------------------------------------------------------------------

apply_rotary = Exercise("apply_rotary", reference=pieces.apply_rotary)


def _rotary_case(draw: Draw, leading: int = 2, dtype: torch.dtype = torch.float64) -> Case:
    """x (..., length, d_head), every size another one, and positions 0, 1, 2, …"""
    *lead, length, half = draw.sizes(leading + 2, low=2)
    x = draw.normal(*lead, length, 2 * half, dtype=dtype)
    return Case((x, torch.arange(length)))


def _float32_case(draw: Draw) -> Case:
    return _rotary_case(draw, dtype=torch.float32)


def _expect_rotary(piece: Piece, x: torch.Tensor, positions: torch.Tensor, **base: float) -> None:
    wanted = pieces.apply_rotary(x, positions, **base)
    expect.close(piece(x, positions, **base), wanted, "The rotated x")


# In float32, because angles worked out in float32 are a mistake of their own, judged further down.
equals_reference(
    apply_rotary,
    _float32_case,
    ("The rotated x",),
    name="rotates the pairs",
    points=2,
    says="Each pair (even, odd) of neighbouring features becomes (even·cos − odd·sin, "
    "even·sin + odd·cos), with the angle position / 10000^(2i / d_head).",
)


@apply_rotary.property("any positions", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """The positions that are passed count: they may start anywhere, leave gaps, stand in any order,
    or differ from sentence to sentence, as (batch, 1, length)."""
    batch, heads, length, half = draw.sizes(4, low=2)
    x = draw.normal(batch, heads, length, 2 * half, dtype=torch.float32)
    _expect_rotary(piece, x, draw.tokens(length, low=0, high=60))
    _expect_rotary(piece, x, draw.tokens(batch, 1, length, low=0, high=60))


@apply_rotary.property("any leading dimensions", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for one sentence (length, d_head), for a batch, and for a batch of heads."""
    for leading in (0, 1, 3):
        _expect_rotary(piece, *_rotary_case(draw, leading, torch.float32).args)


@apply_rotary.property("another base", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The base that is passed should take the place of 10000."""
    _expect_rotary(piece, *_float32_case(draw).args, base=draw.uniform(20.0, 300.0))


@apply_rotary.property("scores know the distance alone", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Moving query and key along together should leave every score as it was."""
    queries, keys, half = draw.sizes(3, low=3)
    query = draw.normal(queries, 2 * half, dtype=torch.float32)
    key = draw.normal(keys, 2 * half, dtype=torch.float32)

    def scores(start: int) -> torch.Tensor:
        rotated = [piece(x, torch.arange(start, start + len(x))) for x in (query, key)]
        for x, found in zip((query, key), rotated, strict=True):
            expect.shape(found, x.shape, "The rotated x")
        return rotated[0] @ rotated[1].T

    away = draw.integer(5, 30)
    what = f"The score, with all positions moved on by {away},"
    expect.close(scores(away), scores(0), what, tolerance=1e-3)


@apply_rotary.property("as precise as x", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """For an x in float64 the angles should be worked out in float64."""
    case = _rotary_case(draw)
    found = expect.tensor(piece(*case.args), "The rotated x")
    expect.that(found.dtype == torch.float64, "For an x in float64 the result is of another type.")
    says = "For an x in float64, only the first seven digits or so are right."
    _precise(found, pieces.apply_rotary(*case.args), "The rotated x", 1e-10, says)


@apply_rotary.property("an odd number of features", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The features are rotated in pairs, so an odd d_head should raise ValueError."""
    length, half = draw.sizes(2)
    x = draw.normal(length, 2 * half + 1, dtype=torch.float32)
    says = f"An x with {2 * half + 1} features should be refused."
    expect.raises(ValueError, lambda: piece(x, torch.arange(length)), says)


@apply_rotary.property("gradients flow", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back to x, so that queries and keys can learn."""
    (x, positions), cotangent = _float32_case(draw).args, None
    x.requires_grad_()
    wanted = pieces.apply_rotary(x, positions)
    cotangent = draw.normal(*wanted.shape, dtype=torch.float32)
    (expected,) = torch.autograd.grad(wanted, x, cotangent)
    found = piece.gradients(x, positions, cotangents=[cotangent])
    expect.shape(found.value, wanted.shape, "The rotated x")
    expect.that(found.inputs[0] is not None, "No gradient flows back to x.")
    expect.close(found.inputs[0], expected, "The gradient of x", tolerance=1e-4)


inputs_stay(apply_rotary, _float32_case, points=0.25)
single_precision(apply_rotary, _float32_case, ("The rotated x",), points=0.25)


def _even_features(x: torch.Tensor) -> None:
    if x.shape[-1] % 2:
        raise ValueError("an odd number of features")


def _frequencies(x: torch.Tensor, base: float) -> torch.Tensor:
    """(d_head / 2,) in x's precision: how fast each pair turns."""
    _even_features(x)
    columns = torch.arange(0, x.shape[-1], 2, dtype=x.dtype, device=x.device)
    return base ** (-columns / x.shape[-1])


def _rotated(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


def _rotary_angles(x: torch.Tensor, positions: torch.Tensor, base: float) -> torch.Tensor:
    return positions[..., None] * _frequencies(x, base)


@apply_rotary.misconception("halves instead of pairs")
def _(x, positions, base=10000.0):
    """You rotate feature i with feature i + d_head / 2, as some models do. Here the partners are
    neighbours, (2i, 2i + 1): x[..., 0::2] and x[..., 1::2]. Either way works in itself, but weights
    trained with one don't fit the other."""
    angles = _rotary_angles(x, positions, base)
    first, second = x.chunk(2, -1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


@apply_rotary.misconception("neighbours' angles, partners from the other half")
def _(x, positions, base=10000.0):
    """Your angles are made for neighbours, (2i, 2i + 1), and your partners come from the other half
    of the features. Two conventions are mixed, so nothing is rotated. Here the partner of an even
    feature is the odd one beside it: x[..., 1::2]."""
    angles = _rotary_angles(x, positions, base).repeat_interleave(2, -1)
    first, second = x.chunk(2, -1)
    return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()


@apply_rotary.misconception("pairs left on an axis of their own")
def _(x, positions, base=10000.0):
    """Your pairs stand on an axis of their own at the end. Bring them together with .flatten(-2):
    the result has the shape of x."""
    return _rotated(x, _rotary_angles(x, positions, base)).unflatten(-1, (-1, 2))


@apply_rotary.misconception("results not interleaved")
def _(x, positions, base=10000.0):
    """The numbers are right and stand in the wrong order: first all even features, then all odd
    ones. Bring the pairs together again: torch.stack([even, odd], dim=-1).flatten(-2)."""
    angles = _rotary_angles(x, positions, base)
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([even * cos - odd * sin, even * sin + odd * cos], -1)


@apply_rotary.misconception("rotated the other way round")
def _(x, positions, base=10000.0):
    """You rotate clockwise: the minus stands at the wrong sine. Scores don't notice, as long as
    queries and keys turn the same way, but weights trained elsewhere wouldn't fit. The even feature
    becomes even·cos − odd·sin."""
    return _rotated(x, -_rotary_angles(x, positions, base))


@apply_rotary.misconception("the minus forgotten")
def _(x, positions, base=10000.0):
    """Both of your sines have a plus, so nothing is rotated: lengths change. The even feature
    becomes even·cos − odd·sin, the odd one even·sin + odd·cos."""
    angles = _rotary_angles(x, positions, base)
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([even * cos + odd * sin, even * sin + odd * cos], -1).flatten(-2)


@apply_rotary.misconception("sine and cosine swapped")
def _(x, positions, base=10000.0):
    """Sine and cosine have changed places: at position 0 nothing should turn, and yours turns by
    90°. The even feature becomes even·cos − odd·sin."""
    return _rotated(x, math.pi / 2 - _rotary_angles(x, positions, base))


@apply_rotary.misconception("no partner")
def _(x, positions, base=10000.0):
    """You multiply each feature by cosine and sine of its own. A rotation mixes two features: the
    sine belongs to the partner."""
    angles = _rotary_angles(x, positions, base)
    cos, sin = angles.cos().repeat_interleave(2, -1), angles.sin().repeat_interleave(2, -1)
    return x * cos + x * sin


@apply_rotary.misconception("the even feature overwritten too early")
def _(x, positions, base=10000.0):
    """Your odd feature is made from the even one that has been rotated already. Keep the old even
    feature until both are done."""
    angles = _rotary_angles(x, positions, base)
    cos, sin = angles.cos(), angles.sin()
    even = x[..., 0::2] * cos - x[..., 1::2] * sin
    odd = even * sin + x[..., 1::2] * cos
    return torch.stack([even, odd], -1).flatten(-2)


@apply_rotary.misconception("added instead of rotated")
def _(x, positions, base=10000.0):
    """You add the sinusoids, as PositionalEncoding does. Rotary positions turn the features that
    are there."""
    angles = _rotary_angles(x, positions, base)
    return x + torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


@apply_rotary.misconception("positions ignored")
def _(x, positions, base=10000.0):
    """You count 0, 1, 2, … yourself. Use the positions that were passed: they may start anywhere
    and differ from sentence to sentence."""
    counted = torch.arange(x.shape[-2], device=x.device)
    return _rotated(x, _rotary_angles(x, counted, base))


@apply_rotary.misconception("rotated by the place in the batch")
def _(x, positions, base=10000.0):
    """You count along the first axis of x, which is the batch (or the heads). Words run along the
    axis before the last, and positions has one number for each of them."""
    counted = torch.arange(x.shape[0], device=x.device, dtype=x.dtype)
    angles = counted[:, None] * _frequencies(x, base)
    return _rotated(x, angles.view(-1, *[1] * (x.ndim - 2), x.shape[-1] // 2))


@apply_rotary.misconception("positions from 1")
def _(x, positions, base=10000.0):
    """You add 1 to every position. Scores don't notice, but position 0 should turn nothing."""
    return _rotated(x, _rotary_angles(x, positions + 1, base))


@apply_rotary.misconception("one row of positions only")
def _(x, positions, base=10000.0):
    """This works for positions of shape (length,) only. positions.unsqueeze(-1) times the
    frequencies works for any shape; torch.outer and positions[:, None] don't."""
    return _rotated(x, torch.outer(positions.to(x.dtype), _frequencies(x, base)))


@apply_rotary.misconception("an axis in the middle")
def _(x, positions, base=10000.0):
    """positions[:, None] puts the new axis second, which is right for (length,) only. The angles
    need it at the end, whatever the shape: positions.unsqueeze(-1) or positions[..., None]."""
    return _rotated(x, positions[:, None] * _frequencies(x, base))


@apply_rotary.misconception("an axis in the middle, angles in float32")
def _(x, positions, base=10000.0):
    """Two things. positions[:, None] fits the shape (length,) only: positions.unsqueeze(-1) puts
    the new axis at the end of any shape. And dividing whole numbers gives float32: make the columns
    with torch.arange(…, dtype=x.dtype)."""
    _even_features(x)
    columns = torch.arange(0, x.shape[-1], 2, device=x.device)
    return _rotated(x, positions[:, None] / base ** (columns / x.shape[-1]))


@apply_rotary.misconception("positions not a column")
def _(x, positions, base=10000.0):
    """Positions and speeds lie along the same axis, so torch wants to multiply them one by one.
    Give the positions an axis at the end: positions.unsqueeze(-1) is (length, 1), and times the
    speeds it makes angles (length, d_head / 2)."""
    return _rotated(x, positions * _frequencies(x, base))


@apply_rotary.misconception("a speed for each feature")
def _(x, positions, base=10000.0):
    """You have d_head speeds, one for each feature. The two of a pair turn together, so there are
    d_head / 2: count the even columns only, torch.arange(0, d_head, 2)."""
    _even_features(x)
    columns = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device)
    return _rotated(x, positions[..., None] * base ** (-columns / x.shape[-1]))


@apply_rotary.misconception("a batch of heads only")
def _(x, positions, base=10000.0):
    """This works for (batch, heads, length, d_head) only. Count from the end, and write … for
    whatever comes before: x[..., 0::2]."""
    batch, heads, length, d_head = x.shape
    return _rotated(x, _rotary_angles(x, positions, base)).view(batch, heads, length, d_head)


@apply_rotary.misconception("one angle for all pairs")
def _(x, positions, base=10000.0):
    """You turn every pair by the same angle. Pair i turns by position / base^(2i / d_head)."""
    return _rotated(x, positions[..., None] * _frequencies(x, base) ** 0)


@apply_rotary.misconception("exponent i instead of 2i")
def _(x, positions, base=10000.0):
    """The exponent is 2i / d_head, and yours is half of that."""
    return _rotated(x, positions[..., None] * _frequencies(x, base) ** 0.5)


@apply_rotary.misconception("exponent doubled")
def _(x, positions, base=10000.0):
    """Your exponent is twice too large. If you count 0, 2, 4, …, these are the 2i of the formula
    already: don't double them again."""
    return _rotated(x, positions[..., None] * _frequencies(x, base) ** 2)


@apply_rotary.misconception("multiplied by the power")
def _(x, positions, base=10000.0):
    """You multiply the position by base^(2i / d_head). Divide by it: later pairs turn more
    slowly."""
    return _rotated(x, positions[..., None] / _frequencies(x, base))


@apply_rotary.misconception("base ignored")
def _(x, positions, base=10000.0):
    """You wrote 10000 into the formula. Use the base that was passed."""
    return _rotated(x, _rotary_angles(x, positions, 10000.0))


@apply_rotary.misconception("angles in float32")
def _(x, positions, base=10000.0):
    """Your angles are float32 whatever x is. (Dividing whole numbers gives float32, and so does
    sinusoidal_encoding.) Make the columns with torch.arange(…, dtype=x.dtype)."""
    _even_features(x)
    columns = torch.arange(0, x.shape[-1], 2, device=x.device)
    return _rotated(x, positions[..., None] * base ** (-columns / x.shape[-1]))


@apply_rotary.misconception("always float32")
def _(x, positions, base=10000.0):
    """You return float32 whatever x is. The result has x's own dtype."""
    return pieces.apply_rotary(x, positions, base).float()


@apply_rotary.misconception("always float64")
def _(x, positions, base=10000.0):
    """Your angles are float64, and they make the result float64 whatever x is. Here they are worked
    out in x's own dtype: torch.arange(…, dtype=x.dtype)."""
    _even_features(x)
    columns = torch.arange(0, x.shape[-1], 2, dtype=torch.float64, device=x.device)
    return _rotated(x, positions[..., None] * base ** (-columns / x.shape[-1]))


@apply_rotary.misconception("no ValueError")
def _(x, positions, base=10000.0):
    """An odd number of features fails somewhere inside torch. Say it in words: raise ValueError
    when x.size(-1) is odd."""
    columns = torch.arange(0, x.shape[-1], 2, dtype=x.dtype, device=x.device)
    return _rotated(x, positions[..., None] * base ** (-columns / x.shape[-1]))


@apply_rotary.misconception("x changed in place")
def _(x, positions, base=10000.0):
    """x[..., 0::2] = … changes the caller's tensor. Build a new one, by torch.stack or
    torch.empty_like."""
    rotated = _rotated(x, _rotary_angles(x, positions, base))
    with torch.no_grad():
        x.copy_(rotated)
    return rotated


@apply_rotary.misconception("cut off from the graph")
def _(x, positions, base=10000.0):
    """The values are right, but no gradient flows back to x: a .detach(), .data, torch.no_grad() or
    a torch.tensor(...) built from numbers cuts the result off."""
    return pieces.apply_rotary(x.detach(), positions, base)
