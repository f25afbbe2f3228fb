"""Positions as rotations of queries and keys."""

import math

import torch

from autograder.channel.piece import Piece, PieceRaised
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    inputs_stay,
    single_precision,
)
from autograder.exercises.positional_encoding.rounding import expect_precise
from workbook import pieces

apply_rotary = Exercise("apply_rotary", reference=pieces.apply_rotary)


def _rotary_case(draw: Draw, leading: int = 2, dtype: torch.dtype = torch.float64) -> Case:
    """x (..., length, d_head), every size another one, and positions 0, 1, 2, …"""
    *lead, length, half = draw.sizes(leading + 2, low=2)
    x = draw.normal(*lead, length, 2 * half, dtype=dtype)
    return Case((x, torch.arange(length)))


def _float32_case(draw: Draw) -> Case:
    return _rotary_case(draw, dtype=torch.float32)


def _expect_rotary(
    piece: Piece,
    x: torch.Tensor,
    positions: torch.Tensor,
    tolerance: float | None = None,
    **base: float,
) -> None:
    wanted = pieces.apply_rotary(x, positions, **base)
    expect.close(piece(x, positions, **base), wanted, "The rotated x", tolerance)


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
    be as large as 20,000, or differ from sentence to sentence, as (batch, 1, length)."""
    batch, heads, length, half = draw.sizes(4, low=2)
    x = draw.normal(batch, heads, length, 2 * half, dtype=torch.float32)
    _expect_rotary(piece, x, draw.tokens(length, low=0, high=60))
    _expect_rotary(piece, x, draw.tokens(batch, 1, length, low=0, high=60))
    far = draw.tokens(length, low=10_000, high=20_000)
    try:
        # So far away, float32 leaves few digits of an angle; a wrong one is wrong in the first.
        _expect_rotary(piece, x, far, tolerance=2e-2)
    except PieceRaised as raised:
        if not raised.is_a(IndexError):
            raise
        says = (
            "For positions from 10,000 on it raised IndexError: your table of angles ends before."
        )
        raise expect.Mismatch(says) from None


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
    expect_precise(found, pieces.apply_rotary(*case.args), "The rotated x", 1e-10, says)


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


@apply_rotary.misconception("a table that ends")
def _(x, positions, base=10000.0):
    """You look the angles up in a table, and it ends: a position past its last row has none. Work
    them out from the positions that were passed: positions.unsqueeze(-1) times the speeds."""
    rows = torch.arange(512, device=x.device)
    return _rotated(x, _rotary_angles(x, rows, base)[positions])


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
