"""One query looks into a memory."""

import math

import torch
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    gradients_flow,
    inputs_stay,
    single_precision,
)
from workbook import pieces

attend = Exercise(
    "attend",
    reference=pieces.attend,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
)
_LOOKUP = ("context", "weights")


def _memory(draw: Draw, scale: float = 1.0) -> Case:
    n, d_k, d_v = draw.sizes(3, low=3)
    query, keys = draw.normal(d_k, scale=scale), draw.normal(n, d_k)
    return Case((query, keys, draw.normal(n, d_v)))


@attend.property("the weights", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The weights are the softmax of the dot products of the query with every key, not scaled."""
    case = _memory(draw)
    _, weights = expect.several(piece(*case.args), *_LOOKUP)
    expect.close(weights, pieces.attend(*case.args)[1], "weights")


equals_reference(
    attend,
    _memory,
    _LOOKUP,
    name="the context",
    points=1,
    says="The context is the sum of the values, each times its weight; it comes first, the weights "
    "second.",
)


@attend.property("survives large scores", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Dot products in the thousands should still give finite weights."""
    case = _memory(draw, scale=3000.0)
    context, weights = expect.several(piece(*case.args), *_LOOKUP)
    wanted_context, wanted = pieces.attend(*case.args)
    expect.close(expect.finite(weights, "weights"), wanted, "weights")
    expect.close(context, wanted_context, "context")


gradients_flow(attend, _memory, of=("query", "keys", "values"), points=0.5)
inputs_stay(attend, _memory, points=0.25)
single_precision(attend, _memory, _LOOKUP, points=0.25)


@attend.misconception("scaled already")
def _(query, keys, values):
    """You divide by √d_k. That comes two exercises later; here the plain dot product is asked
    for."""
    weights = pieces.softmax(keys @ query / math.sqrt(query.shape[0]), -1)
    return weights @ values, weights


@attend.misconception("no softmax")
def _(query, keys, values):
    """You use the scores themselves as weights. Weights are positive and add up to 1: softmax."""
    weights = keys @ query
    return weights @ values, weights


@attend.misconception("swapped results")
def _(query, keys, values):
    """You return the weights first. The exercise asks for (context, weights)."""
    context, weights = pieces.attend(query, keys, values)
    return weights, context


@attend.misconception("cosine instead of dot product")
def _(query, keys, values):
    """You compare directions only (cosine similarity). The score is the plain dot product, lengths
    included."""
    scores = F.cosine_similarity(keys, query[None], dim=-1)
    weights = pieces.softmax(scores, -1)
    return weights @ values, weights


@attend.misconception("distance instead of similarity")
def _(query, keys, values):
    """You score by distance between query and key. The score is their dot product."""
    weights = pieces.softmax(-((keys - query) ** 2).sum(-1), -1)
    return weights @ values, weights


@attend.misconception("hard look-up")
def _(query, keys, values):
    """You take the one best value. Attention is a soft look-up: a weighted average of all
    values."""
    scores = keys @ query
    weights = F.one_hot(scores.argmax(), len(scores)).to(scores)
    return weights @ values, weights


@attend.misconception("plain average of the values")
def _(query, keys, values):
    """Your context gives every value the same weight. Multiply each by its own weight before you
    add them up."""
    weights = pieces.softmax(keys @ query, -1)
    return values.mean(0), weights


@attend.misconception("keys instead of values")
def _(query, keys, values):
    """Your context is a sum of keys. Keys say where to look; what you take home are the values."""
    weights = pieces.softmax(keys @ query, -1)
    return weights @ keys, weights


@attend.misconception("not added up")
def _(query, keys, values):
    """You multiply the values by their weights and return them one by one. Add them up: the context
    is one vector of size d_v."""
    weights = pieces.softmax(keys @ query, -1)
    return weights[:, None] * values, weights


@attend.misconception("exp without the sum")
def _(query, keys, values):
    """Your weights are exp(score) and don't add up to 1 yet. Use your softmax."""
    weights = (keys @ query).exp()
    return weights @ values, weights


@attend.misconception("softmax that overflows")
def _(query, keys, values):
    """exp of a large score is infinite. Use your own softmax, which takes care of that."""
    exp = (keys @ query).exp()
    weights = exp / exp.sum()
    return weights @ values, weights


@attend.misconception("keys changed in place")
def _(query, keys, values):
    """Your call changes the caller's keys: mul_ and *= work in place. Write keys * query."""
    with torch.no_grad():
        scores = keys.mul_(query).sum(-1)
    weights = pieces.softmax(scores, -1)
    return weights @ values, weights


@attend.misconception("weights cut off from the graph")
def _(query, keys, values):
    """The context should learn through its weights, and these are cut off from the graph: by a
    .detach(), or because torch.tensor(...) was built from numbers (torch.stack keeps the
    connection)."""
    weights = pieces.softmax(keys @ query, -1).detach()
    return weights @ values, weights


@attend.misconception("context only")
def _(query, keys, values):
    """You return the context alone. The weights are asked for too: return context, weights."""
    return pieces.attend(query, keys, values)[0]
