"""Weights that are positive and add up to one, whatever the scores."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    gradients_flow,
    inputs_stay,
    single_precision,
)
from workbook import pieces

softmax = Exercise(
    "softmax",
    reference=pieces.softmax,
    forbidden=("softmax", "log_softmax", "logsumexp", "softmin", "_softmax"),
)


def _scores(draw: Draw) -> Case:
    return Case((draw.normal(*draw.sizes(3), scale=2.0), draw.integer(0, 2)))


@softmax.property("matches the formula", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """softmax along dim is exp(score) divided by the sum of exp(scores) along that dim."""
    scores = draw.normal(*draw.sizes(3), scale=2.0)
    for dim in (-1, 0, 1, 2):
        expect.close(piece(scores, dim), pieces.softmax(scores, dim), f"softmax along dim {dim}")


@softmax.property("survives large scores", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Scores in the thousands, of either sign and far apart from row to row, should still give
    finite weights."""
    rows, columns = draw.sizes(2, low=3)
    offsets = torch.linspace(-5000.0, 5000.0, rows, dtype=torch.float64)
    scores = draw.normal(rows, columns) + offsets[:, None]
    expect.close(piece(scores, -1), pieces.softmax(scores, -1), "softmax of large scores")


@softmax.property("a blocked score gets no weight", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A score of −inf should get the weight 0 and leave the others as if it weren't there."""
    scores = draw.normal(*draw.sizes(2, low=3))
    scores = scores.masked_fill(~draw.mask(*scores.shape), -math.inf)
    expect.close(piece(scores, -1), pieces.softmax(scores, -1), "softmax with some scores −inf")


@softmax.property("nothing to attend to gives zeros", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A row of nothing but −inf should give zeros, and gradients without NaN."""
    scores = draw.normal(*draw.sizes(2, low=3))
    blocked = draw.integer(0, scores.shape[0] - 1)
    scores[blocked] = -math.inf
    value = expect.shape(piece(scores, -1), scores.shape, "softmax with one row of −inf")
    expect.finite(value, "softmax with one row of −inf")
    expect.close(value, pieces.softmax(scores, -1), "softmax with one row of −inf")
    found = piece.gradients(
        scores.requires_grad_(), -1, cotangents=[draw.normal(*scores.shape)]
    ).inputs[0]
    expect.that(found is not None, "No gradient flows back to the scores.")
    expect.finite(found, "The gradient of the scores")


gradients_flow(softmax, _scores, of=("scores",), points=0.5)
inputs_stay(softmax, _scores, points=0.25)
single_precision(softmax, _scores, ("softmax",), points=0.25)


def _zero_where_empty(weights: torch.Tensor, scores: torch.Tensor, dim: int) -> torch.Tensor:
    empty = (scores == -math.inf).all(dim, keepdim=True)
    return weights.masked_fill(empty, 0.0)


def _shifted(scores: torch.Tensor, dim: int) -> torch.Tensor:
    """Scores less their row's maximum, 0 for a row of −inf: what a careful author starts from."""
    peak = scores.amax(dim, keepdim=True)
    return scores - peak.masked_fill(peak == -math.inf, 0.0)


@softmax.misconception("no maximum subtracted")
def _(scores, dim):
    """exp of a score in the thousands is infinite, and infinity over infinity is NaN. Subtract the
    row's largest score before exp: the result stays the same, because it cancels."""
    weights = scores.exp() / scores.exp().sum(dim, keepdim=True)
    return _zero_where_empty(weights, scores, dim)


@softmax.misconception("no maximum subtracted, empty rows forgotten")
def _(scores, dim):
    """Two things are missing. exp of a score in the thousands is infinite: subtract the row's
    largest score first. And a row of nothing but −inf divides 0 by 0: it should give zeros."""
    return scores.exp() / scores.exp().sum(dim, keepdim=True)


@softmax.misconception("one maximum for everything")
def _(scores, dim):
    """You subtract the largest score of the whole tensor. A row far below it is all exp(−thousands)
    = 0, and 0 / 0 is NaN. Take the largest score along dim, with keepdim=True."""
    exp = (scores - scores.max()).exp()
    return _zero_where_empty(exp / exp.sum(dim, keepdim=True), scores, dim)


@softmax.misconception("one maximum for everything, empty rows forgotten")
def _(scores, dim):
    """You subtract the largest score of the whole tensor. A row far below it is all exp(−thousands)
    = 0, and 0 / 0 is NaN. Take the largest score along dim, with keepdim=True."""
    exp = (scores - scores.max()).exp()
    return exp / exp.sum(dim, keepdim=True)


@softmax.misconception("dim ignored")
def _(scores, dim):
    """You always sum along the last dimension. Use the dim that was passed."""
    exp = _shifted(scores, -1).exp()
    return _zero_where_empty(exp / exp.sum(-1, keepdim=True), scores, -1)


@softmax.misconception("one sum for everything")
def _(scores, dim):
    """You divide by the sum of the whole tensor, so that all weights together add up to 1. Each row
    along dim should add up to 1 by itself: sum(dim, keepdim=True)."""
    exp = _shifted(scores, dim).exp()
    return exp / exp.sum()


@softmax.misconception("not divided by the sum")
def _(scores, dim):
    """exp makes the numbers positive, and nothing makes them add up to 1 yet: divide by their sum
    along dim."""
    return _shifted(scores, dim).exp() * (scores > -math.inf)


@softmax.misconception("exp forgotten")
def _(scores, dim):
    """You divide the scores themselves by their sum. Take exp first: weights have to be
    positive."""
    return scores / scores.sum(dim, keepdim=True)


@softmax.misconception("logarithm of the softmax")
def _(scores, dim):
    """This is the logarithm of the weights. Leave the last log out (or put an exp around it)."""
    shifted = _shifted(scores, dim)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


@softmax.misconception("keepdim forgotten")
def _(scores, dim):
    """Without keepdim=True the maximum and the sum lose a dimension and no longer line up with the
    scores when they are broadcast."""
    exp = (scores - scores.max(dim).values).exp()
    return exp / exp.sum(dim)


@softmax.misconception("empty row gives NaN")
def _(scores, dim):
    """A row of nothing but −inf gives NaN. It comes from −inf − (−inf), where the row's largest
    score is subtracted, or from 0 / 0, where the sum is divided by. Use 0 in place of a largest
    score of −inf, and 1 in place of a sum of 0."""
    exp = (scores - scores.amax(dim, keepdim=True)).exp()
    return exp / exp.sum(dim, keepdim=True)


@softmax.misconception("empty row shares its weight out")
def _(scores, dim):
    """In a row of nothing but −inf, every word gets an equal share. It should get zeros: nobody may
    be attended to."""
    floor = scores.clamp(min=-1e9)
    exp = (floor - floor.amax(dim, keepdim=True)).exp()
    return exp / exp.sum(dim, keepdim=True)


@softmax.misconception("NaN swept away afterwards")
def _(scores, dim):
    """Sweeping up the NaN of an empty row afterwards (by nan_to_num or isnan) hides it going
    forward, but the gradient has gone through it already and is NaN. Keep it from arising: replace
    a maximum of −inf by 0, and divide by 1 where the sum is 0."""
    exp = (scores - scores.amax(dim, keepdim=True)).exp()
    return torch.nan_to_num(exp / exp.sum(dim, keepdim=True))


@softmax.misconception("clamped scores")
def _(scores, dim):
    """You clamp the scores so that exp can't overflow. That changes every score beyond the clamp;
    subtracting the row's largest score changes nothing."""
    exp = scores.clamp(-80.0, 80.0).exp() * (scores > -math.inf)
    total = exp.sum(dim, keepdim=True)
    return exp / total.masked_fill(total == 0.0, 1.0)


@softmax.misconception("an epsilon you can see")
def _(scores, dim):
    """The epsilon in your denominator is so large that the weights no longer add up to 1. Divide by
    the sum itself, and treat the empty row apart."""
    exp = _shifted(scores, dim).exp()
    return exp / (exp.sum(dim, keepdim=True) + 1e-6)


@softmax.misconception("scores changed in place")
def _(scores, dim):
    """scores -= … changes the caller's tensor. Write scores = scores - …, which makes a new one."""
    peak = scores.amax(dim, keepdim=True)
    scores -= peak.masked_fill(peak == -math.inf, 0.0)
    exp = scores.exp()
    total = exp.sum(dim, keepdim=True)
    return exp / total.masked_fill(total == 0.0, 1.0)


@softmax.misconception("cut off from the graph")
def _(scores, dim):
    """The values are right, but no gradient flows back: a .detach(), .data, torch.no_grad() or a
    torch.tensor(...) built from numbers cuts the result off."""
    return pieces.softmax(scores.detach(), dim)
