"""Bahdanau's attention: scores from a small network instead of a product."""

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

additive_attention = Exercise("additive_attention", reference=pieces.additive_attention)
_ATTENDED = ("context", "weights")


def _question(draw: Draw, batch: int | None = None) -> Case:
    """Random inputs of different sizes, for this many sentences where it is given."""
    some, n, d_q, d_k, d_v, d_a = draw.sizes(6, low=3)
    batch = some if batch is None else batch
    return Case(
        (
            draw.normal(batch, d_q),
            draw.normal(batch, n, d_k),
            draw.normal(batch, n, d_v),
            draw.normal(d_q, d_a, scale=0.6),
            draw.normal(d_k, d_a, scale=0.6),
            draw.normal(d_a),
        )
    )


def _masked_question(draw: Draw) -> Case:
    case = _question(draw)
    return Case(case.args, {"mask": draw.mask(*case.args[1].shape[:2])})


@additive_attention.property("the weights", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The score of a key is v · tanh(query W_q + key W_k); the weights are the softmax of the
    scores along the keys."""
    case = _question(draw)
    _, weights = expect.several(piece(*case.args), *_ATTENDED)
    expect.close(weights, pieces.additive_attention(*case.args)[1], "weights")


def _expect_attention(piece: Piece, case: Case) -> None:
    wanted = pieces.additive_attention(*case.args, **case.kwargs)
    found = expect.several(piece(*case.args, **case.kwargs), *_ATTENDED)
    for name, part, expected in reversed(list(zip(_ATTENDED, found, wanted, strict=True))):
        expect.close(part, expected, name)


@additive_attention.property("the context", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The context is the sum of the values, each times its weight; it comes first, the weights
    second. One sentence alone keeps its batch axis."""
    _expect_attention(piece, _question(draw))
    _expect_attention(piece, _question(draw, batch=1))


@additive_attention.property("the mask", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """True in the mask means "may attend": a padded word gets the weight 0, and the others add up
    to 1 without it."""
    _expect_attention(piece, _masked_question(draw))


@additive_attention.property("far below zero", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Scores may be as low as −1000. A padded word should still get nothing, and the others
    everything."""
    case = _masked_question(draw)
    query, keys, values, W_q, W_k, v = case.args
    # A query that saturates every tanh at 1, and a v of negative numbers: every score is low.
    high = query.abs() + 1.0, keys, values, W_q.abs() + 1.0, W_k, -300.0 * (v.abs() + 0.5)
    _expect_attention(piece, Case(high, case.kwargs))


@additive_attention.property("nothing to attend to gives zeros", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence whose mask is False everywhere should get zero weights and a zero context, and no
    gradient should become NaN."""
    case = _masked_question(draw)
    case.kwargs["mask"][0] = False
    case = case.changed(lambda tensor: tensor.requires_grad_())
    wanted = pieces.additive_attention(*case.args, **case.kwargs)
    cotangent = draw.normal(*wanted[0].shape)
    found = piece.gradients(*case.args, cotangents=[cotangent, None], **case.kwargs)
    context, weights = expect.several(found.value, *_ATTENDED)
    expect.close(expect.finite(weights, "weights"), wanted[1].detach(), "weights")
    expect.close(expect.finite(context, "context"), wanted[0].detach(), "context")
    for gradient, name in zip(
        found.inputs, ("query", "keys", "values", "W_q", "W_k", "v"), strict=False
    ):
        expect.that(gradient is not None, f"No gradient flows back to {name}.")
        expect.finite(gradient, f"The gradient of {name}")


gradients_flow(
    additive_attention,
    _masked_question,
    of=("query", "keys", "values", "W_q", "W_k", "v"),
    points=0.5,
)
inputs_stay(additive_attention, _masked_question, points=0.25)
single_precision(additive_attention, _masked_question, _ATTENDED, points=0.25)


def _scores(query, keys, W_q, W_k, v):
    return torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k) @ v


def _weights(scores, mask):
    """Right from here on: mask, softmax, and zeros where a whole row is masked."""
    if mask is None:
        return torch.softmax(scores, -1)
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, lowest), -1).masked_fill(~mask, 0.0)


def _mix(weights, values):
    return (weights.unsqueeze(-1) * values).sum(1), weights


@additive_attention.misconception("no tanh")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """There is no tanh between the sum and v. Without it the query adds the same number to every
    score, and the softmax forgets it."""
    scores = ((query @ W_q).unsqueeze(1) + keys @ W_k) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("tanh around the score")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your tanh stands around the finished score. It belongs inside: first tanh, then the product
    with v."""
    scores = torch.tanh(((query @ W_q).unsqueeze(1) + keys @ W_k) @ v)
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("two tanh")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You squash the query's share and the key's share apart. Add them up first: one tanh around
    the sum."""
    scores = (torch.tanh(query @ W_q).unsqueeze(1) + torch.tanh(keys @ W_k)) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("another squashing function")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You use relu (or a sigmoid) where the exercise asks for tanh."""
    scores = torch.relu((query @ W_q).unsqueeze(1) + keys @ W_k) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("dot product instead of a sum")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You multiply query and key. That is lesson 02. Here they are added, squashed by tanh and
    weighed by v."""
    scores = (torch.tanh((query @ W_q).unsqueeze(1) * (keys @ W_k))) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("a dot product of the projections")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You score by the dot product of the two projections, and v is never used. Here they are
    added, squashed by tanh and weighed by v."""
    scores = ((query @ W_q).unsqueeze(1) * (keys @ W_k)).sum(-1)
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("v forgotten")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """v is never used: you add up the numbers after the tanh as they are. Multiply with v:
    … @ v."""
    scores = torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k).sum(-1)
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("query left out")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """The query plays no part in your score, so every question gets the same answer. Add
    query @ W_q inside the tanh."""
    return _mix(_weights(torch.tanh(keys @ W_k) @ v, mask), values)


@additive_attention.misconception("weights swapped")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """W_q and W_k have changed places: W_q belongs to the query, W_k to the keys."""
    scores = torch.tanh((query @ W_k).unsqueeze(1) + keys @ W_q) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("query not lined up")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """query W_q is (batch, d_a) and keys W_k is (batch, n, d_a): they don't line up when they are
    added. Give the query an axis for the words: (query @ W_q).unsqueeze(1)."""
    scores = torch.tanh(query @ W_q + keys @ W_k) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("scaled")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You divide the scores by a root. Scaling belongs to the dot product of lesson 02; here tanh
    keeps the scores in bounds."""
    scores = _scores(query, keys, W_q, W_k, v) / math.sqrt(keys.shape[-1])
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("no softmax")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You use the scores themselves as weights. Weights are positive and add up to 1: softmax."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(scores if mask is None else scores.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("softmax over the batch")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your softmax runs along the batch (dim 0), so sentences share their attention among each
    other. Each sentence shares out its own 1 among its words: dim −1."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, 0)
    return _mix(weights if mask is None else weights.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("softmax over an axis of one")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your scores are (batch, n, 1), and the softmax runs along the 1: every weight is 1. Take that
    axis out first, by multiplying with v itself: … @ v."""
    scores = _scores(query, keys, W_q, W_k, v).unsqueeze(-1)
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(-1), torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, -1)
    if mask is not None:
        weights = weights.masked_fill(~mask.unsqueeze(-1), 0.0)
    return (weights * values).sum(1), weights


@additive_attention.misconception("sentences mixed up in the product")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """weights @ values multiplies every sentence's weights with every sentence's values, so the
    context is (batch, batch, d_v). Give the weights an axis: weights.unsqueeze(1) @ values."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights @ values, weights


@additive_attention.misconception("mask ignored")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """The mask changes nothing: padding still gets weight. Fill the scores where it is False, and
    keep the result: scores = scores.masked_fill(~mask, …) makes a new tensor."""
    return _mix(_weights(_scores(query, keys, W_q, W_k, v), None), values)


@additive_attention.misconception("mask inverted")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your mask works the other way round. Here True means "may attend"; fill where it is False:
    masked_fill(~mask, …)."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(_weights(scores, None if mask is None else ~mask), values)


@additive_attention.misconception("masked scores of zero")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Padding gets a score of 0, and exp(0) = 1 still gets weight. Fill with a very negative
    number, and set those weights to zero after the softmax."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(_weights(scores if mask is None else scores * mask, None), values)


@additive_attention.misconception("not negative enough")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You fill with a number that scores can reach, −100 for example. Then a masked word can win
    against a real one. Fill with −inf, −1e9 or torch.finfo(scores.dtype).min."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is None:
        return _mix(torch.softmax(scores, -1), values)
    weights = torch.softmax(scores.masked_fill(~mask, -100.0), -1)
    return _mix(weights.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("masked after the softmax")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You set weights to zero after the softmax, so the rest adds up to less than 1: the padding
    has taken its share already. Mask the scores before it."""
    weights = torch.softmax(_scores(query, keys, W_q, W_k, v), -1)
    return _mix(weights if mask is None else weights.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("empty row shares its weight out")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """A sentence with nothing to attend to gets an equal share of everything: its scores are all
    the same. Set the weights of masked words to zero after the softmax as well."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    return _mix(torch.softmax(scores, -1), values)


@additive_attention.misconception("empty row gives NaN")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """A sentence with nothing to attend to gets NaN: all its scores are −inf. Fill with a very
    negative number, torch.finfo(scores.dtype).min, and set those weights to zero afterwards."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return _mix(torch.softmax(scores, -1), values)


@additive_attention.misconception("NaN swept away afterwards")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Sweeping up the NaN of an empty row afterwards hides it going forward, but the gradient has
    been through it and is NaN. Fill with torch.finfo(scores.dtype).min, which never makes one."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(~mask, -math.inf)
    return _mix(torch.nan_to_num(torch.softmax(scores, -1)), values)


@additive_attention.misconception("keys instead of values")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your context is a sum of keys. Keys say where to look; what is taken home are the values."""
    return _mix(_weights(_scores(query, keys, W_q, W_k, v), mask), keys)


@additive_attention.misconception("not added up")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You multiply the values by their weights and return them one by one. Add them up over the
    words: the context is (batch, d_v)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights.unsqueeze(-1) * values, weights


@additive_attention.misconception("plain average of the values")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your context gives every value the same weight. Multiply each by its own weight before you
    add them up."""
    return values.mean(1), _weights(_scores(query, keys, W_q, W_k, v), mask)


@additive_attention.misconception("weights with an axis left over")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your weights have an extra axis of size 1. They are (batch, n): squeeze it out, or multiply
    with v itself, not with v.unsqueeze(-1)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return _mix(weights, values)[0], weights.unsqueeze(-1)


@additive_attention.misconception("context with an axis left over")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your context is (batch, 1, d_v). Take the extra axis out: .squeeze(1)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights.unsqueeze(1) @ values, weights


@additive_attention.misconception("every axis of one squeezed out of the context")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """A bare .squeeze() takes out every axis of size 1: with one sentence, your context loses its
    batch axis too. Say which axis: .squeeze(1)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return (weights.unsqueeze(1) @ values).squeeze(), weights


@additive_attention.misconception("every axis of one squeezed out of the scores")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """A bare .squeeze() takes out every axis of size 1: with one sentence, your scores lose their
    batch axis too. Say which axis, .squeeze(-1), or multiply with v itself: … @ v."""
    scores = _scores(query, keys, W_q, W_k, v.unsqueeze(-1)).squeeze()
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("swapped results")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You return the weights first. The exercise asks for (context, weights)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights, _mix(weights, values)[0]


@additive_attention.misconception("context only")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You return the context alone. The weights are asked for too: return context, weights."""
    return _mix(_weights(_scores(query, keys, W_q, W_k, v), mask), values)[0]


@additive_attention.misconception("scores returned as weights")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """What you return as weights are the scores, from before the softmax."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(_weights(scores, mask), values)[0], scores


@additive_attention.misconception("mask changed in place")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your call changes the caller's mask. Write ~mask, which makes a new one, and no method that
    ends in _."""
    result = _mix(_weights(_scores(query, keys, W_q, W_k, v), mask), values)
    if mask is not None:
        mask.logical_not_()
    return result


@additive_attention.misconception("weights cut off from the graph")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Query and keys should learn through the weights: don't detach them before you use them."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return _mix(weights.detach(), values)[0], weights
