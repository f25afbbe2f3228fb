"""The matrix that moves every position on by some words."""

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.positional_encoding.rounding import FAR, expect_precise
from workbook import pieces

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
    offset, d_model = draw.integer(FAR, FAR + 500), 2 * draw.integer(7, 9)
    found = expect.tensor(piece(offset, d_model), "The matrix")
    says = "For far offsets your numbers are right in their first two or three digits only."
    expect_precise(found, pieces.shift_matrix(offset, d_model), "The matrix", 2e-6, says)


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
