"""The table of sines and cosines."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.positional_encoding.rounding import FAR, expect_precise
from workbook import pieces

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
    length, d_model = draw.integer(FAR, FAR + 500), 2 * draw.integer(7, 9)
    found = expect.tensor(piece(length, d_model), "The encoding")
    wanted = pieces.sinusoidal_encoding(length, d_model)
    says = "At far positions your numbers are right in their first two or three digits only."
    expect_precise(found, wanted, "The encoding", 2e-6, says)


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
