"""Lesson 02: softmax, one query over a memory, projections, scaled dot-product attention.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece
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

# ---- softmax -----------------------------------------------------------------------------------

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


# ---- attend ------------------------------------------------------------------------------------

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


# ---- project_qkv -------------------------------------------------------------------------------

project_qkv = Exercise("project_qkv", reference=pieces.project_qkv)
_QKV = ("query", "key", "value")


def _projections(draw: Draw, leading: int = 1) -> Case:
    *lead, length, d_in, d_k, d_v = draw.sizes(leading + 4)
    return Case(
        (
            draw.normal(*lead, length, d_in),
            draw.normal(d_in, d_k),
            draw.normal(d_in, d_k),
            draw.normal(d_in, d_v),
        )
    )


equals_reference(
    project_qkv,
    _projections,
    _QKV,
    name="three projections",
    points=1,
    says="query, key and value are x times W_q, W_k and W_v, in this order.",
)


@project_qkv.property("any leading dimensions", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for one sentence (length, d_in), a batch of them, and any more dimensions."""
    for leading in (0, 2):
        case = _projections(draw, leading)
        found = expect.several(piece(*case.args), *_QKV)
        for part, wanted, name in zip(found, pieces.project_qkv(*case.args), _QKV, strict=True):
            expect.close(part, wanted, name)


gradients_flow(project_qkv, _projections, of=("x", "W_q", "W_k", "W_v"), points=0.25, outputs=3)
inputs_stay(project_qkv, _projections, points=0.25)


@project_qkv.misconception("weights transposed")
def _(x, W_q, W_k, W_v):
    """You multiply by the transposed matrices, as nn.Linear stores them. Here W_q is (d_in, d_k):
    x @ W_q is all there is to do."""
    return x @ W_q.T, x @ W_k.T, x @ W_v.T


@project_qkv.misconception("matrix on the left")
def _(x, W_q, W_k, W_v):
    """The matrix stands on the wrong side: each word is a row of x, so it is x @ W."""
    return W_q @ x, W_k @ x, W_v @ x


@project_qkv.misconception("query and key swapped")
def _(x, W_q, W_k, W_v):
    """Query and key have changed places: the query is made by W_q, the key by W_k."""
    return x @ W_k, x @ W_q, x @ W_v


@project_qkv.misconception("key and value swapped")
def _(x, W_q, W_k, W_v):
    """Key and value have changed places: return query, key, value."""
    return x @ W_q, x @ W_v, x @ W_k


@project_qkv.misconception("one matrix for query and key")
def _(x, W_q, W_k, W_v):
    """Query and key come from the same matrix. The key has its own, W_k: what a word looks for is
    not what it offers."""
    return x @ W_q, x @ W_q, x @ W_v


@project_qkv.misconception("value made by the key's matrix")
def _(x, W_q, W_k, W_v):
    """Your value comes from W_k. It has a matrix of its own: x @ W_v."""
    return x @ W_q, x @ W_k, x @ W_k


@project_qkv.misconception("value is the input")
def _(x, W_q, W_k, W_v):
    """You return x itself as the value. The value is a projection too: x @ W_v."""
    return x @ W_q, x @ W_k, x


@project_qkv.misconception("batches only")
def _(x, W_q, W_k, W_v):
    """This works for (batch, length, d_in) only. x @ W takes any number of leading dimensions by
    itself."""
    batch, length, d_in = x.shape
    flat = x.reshape(batch * length, d_in)
    return tuple((flat @ W).reshape(batch, length, -1) for W in (W_q, W_k, W_v))


@project_qkv.misconception("bent by a nonlinearity")
def _(x, W_q, W_k, W_v):
    """There is an activation function around your projections. They are linear: x @ W and no
    more."""
    return torch.relu(x @ W_q), torch.relu(x @ W_k), torch.relu(x @ W_v)


# ---- scaled_dot_product_attention --------------------------------------------------------------

scaled_dot_product_attention = Exercise(
    "scaled_dot_product_attention",
    reference=pieces.scaled_dot_product_attention,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
)
_ATTENDED = ("output", "weights")


def _attention(draw: Draw, leading: int = 2, masked: bool = False) -> Case:
    *lead, n_q, n_k, d_k, d_v = draw.sizes(leading + 4)
    case = Case(
        (
            draw.normal(*lead, n_q, d_k),
            draw.normal(*lead, n_k, d_k),
            draw.normal(*lead, n_k, d_v),
        )
    )
    return Case(case.args, {"mask": draw.mask(*lead, n_q, n_k)}) if masked else case


def _masked_attention(draw: Draw) -> Case:
    return _attention(draw, masked=True)


def _expect_attention(piece: Piece, case: Case, because: str = "") -> None:
    wanted = pieces.scaled_dot_product_attention(*case.args, **case.kwargs)
    found = expect.several(piece(*case.args, **case.kwargs), *_ATTENDED)
    for name, part, expected in reversed(list(zip(_ATTENDED, found, wanted, strict=True))):
        expect.close(part, expected, name, because=because)


@scaled_dot_product_attention.property("output and weights", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """The weights are softmax(query·keyᵀ / √d_k) along the keys; the output is weights times
    values."""
    _expect_attention(piece, _attention(draw))


@scaled_dot_product_attention.property("any leading dimensions", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for one sentence (length, d), for a batch, and for a batch of heads."""
    for leading in (0, 1, 3):
        _expect_attention(piece, _attention(draw, leading))


@scaled_dot_product_attention.property("the mask", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """True in the mask means "may attend": a word that may not be attended to gets the weight 0,
    and the others add up to 1 without it."""
    _expect_attention(piece, _masked_attention(draw))


@scaled_dot_product_attention.property("the mask broadcasts", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A mask (batch, 1, 1, keys) should serve every head and every query."""
    case = _attention(draw)
    batch, n_k = case.args[0].shape[0], case.args[1].shape[-2]
    mask = draw.mask(batch, 1, 1, n_k)
    _expect_attention(piece, Case(case.args, {"mask": mask}))


@scaled_dot_product_attention.property("what is masked can't be seen", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Changing a key and a value that nobody may attend to should change nothing."""
    query, key, value = _attention(draw).args
    mask = torch.ones(key.shape[-2], dtype=torch.bool)
    mask[draw.integer(0, len(mask) - 1)] = False
    mask = mask.expand(*query.shape[:-1], -1)
    before, _ = expect.several(piece(query, key, value, mask=mask), *_ATTENDED)
    before = expect.finite(before, "output")
    hidden = ~mask[..., 0, :, None]
    after, _ = expect.several(
        piece(query, key + 3.0 * hidden, value - 100.0 * hidden, mask=mask), *_ATTENDED
    )
    expect.close(after, before, "The output after a hidden word changed")


@scaled_dot_product_attention.property("nothing to attend to gives zeros", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A query whose mask is False everywhere should get zero weights and a zero output, and no
    gradient should become NaN."""
    case = _masked_attention(draw)
    mask = case.kwargs["mask"]
    mask[0, 0, 0] = False
    case = case.changed(lambda tensor: tensor.requires_grad_())
    wanted = pieces.scaled_dot_product_attention(*case.args, **case.kwargs)
    cotangent = draw.normal(*wanted[0].shape)
    found = piece.gradients(*case.args, cotangents=[cotangent, None], **case.kwargs)
    output, weights = expect.several(found.value, *_ATTENDED)
    expect.close(expect.finite(weights, "weights"), wanted[1].detach(), "weights")
    expect.close(expect.finite(output, "output"), wanted[0].detach(), "output")
    for gradient, name in zip(found.inputs, ("query", "key", "value"), strict=False):
        expect.that(gradient is not None, f"No gradient flows back to {name}.")
        expect.finite(gradient, f"The gradient of {name}")


def _dropped(piece: Piece, draw: Draw, p: float) -> tuple:
    """Weights as used (the values are two identity matrices side by side, so that the output shows
    them twice), weights as returned, weights as they should be."""
    n_q, n_k, d_k = draw.integer(28, 32), draw.integer(40, 44), draw.integer(3, 6)
    query, key = draw.normal(3, n_q, d_k), draw.normal(3, n_k, d_k)
    value = torch.eye(n_k, dtype=torch.float64).repeat(1, 2).expand(3, -1, -1)
    piece.seed(draw.integer(0, 2**31))
    used, returned = expect.several(piece(query, key, value, None, p), *_ATTENDED)
    wanted = pieces.scaled_dot_product_attention(query, key, value)[1]
    expect.shape(used, (*wanted.shape[:-1], 2 * n_k), "output")
    return used, returned, wanted


@scaled_dot_product_attention.property(
    "dropout acts on the weights used", points=0.75, repeatable=False
)
def _(piece: Piece, draw: Draw) -> None:
    """With dropout_p, each weight is dropped with that probability before it meets the values, and
    the survivors are divided by 1 − dropout_p."""
    p = draw.uniform(0.25, 0.4)
    used, _, wanted = _dropped(piece, draw, p)
    used, twin = used.chunk(2, dim=-1)
    expect.that(
        torch.equal(used == 0, twin == 0), "Numbers of the output were dropped, not weights."
    )
    dropped = used == 0
    expect.that(bool(dropped.any()), "Nothing was dropped.")
    expect.that(not bool(dropped.all(-1).any()), "Whole rows were dropped.")
    kept = ~dropped
    if torch.allclose(used[kept], wanted[kept], rtol=1e-9):
        raise expect.Mismatch("The survivors were not divided by 1 − dropout_p.")
    expect.that(
        torch.allclose(used[kept], wanted[kept] / (1 - p), rtol=1e-9),
        "The surviving weights are not the weights divided by 1 − dropout_p.",
    )
    # Over 3,300 weights: six standard deviations are 0.05, passed by luck once in 500 million.
    share = dropped.double().mean().item()
    expect.that(abs(share - p) < 0.05, "The share of dropped weights is not dropout_p.")


@scaled_dot_product_attention.property(
    "returned weights are before dropout", points=0.25, repeatable=False
)
def _(piece: Piece, draw: Draw) -> None:
    """The weights returned are there to be looked at: they are the ones before dropout."""
    _, returned, wanted = _dropped(piece, draw, 0.3)
    expect.shape(returned, wanted.shape, "weights")
    expect.that(
        torch.allclose(returned, wanted, rtol=1e-9),
        "The returned weights are not the ones before dropout.",
    )


gradients_flow(
    scaled_dot_product_attention, _masked_attention, of=("query", "key", "value"), points=0.5
)
inputs_stay(scaled_dot_product_attention, _masked_attention, points=0.5)
single_precision(scaled_dot_product_attention, _masked_attention, _ATTENDED, points=0.5)


def _weigh(scores, mask, value, dropout_p, scale_up=True):
    """Right from here on: mask, softmax, dropout, sum. The wrong answers differ before or after."""
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = pieces.softmax(scores, -1)
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("not scaled")
def _(query, key, value, mask=None, dropout_p=0.0):
    """The scores are not divided by √d_k. Without it they grow with the number of dimensions, and
    softmax saturates."""
    return _weigh(query @ key.transpose(-2, -1), mask, value, dropout_p)


@scaled_dot_product_attention.misconception("divided by d_k")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by d_k. The standard deviation of the scores is √d_k, so that is what to divide
    by: the root is missing."""
    return _weigh(query @ key.transpose(-2, -1) / query.shape[-1], mask, value, dropout_p)


@scaled_dot_product_attention.misconception("multiplied by the root")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You multiply by √d_k. Divide: large scores are what the scaling is there to tame."""
    scores = query @ key.transpose(-2, -1) * math.sqrt(query.shape[-1])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled by the number of keys")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by the root of the number of keys, key.shape[-2]. d_k is the size of one key,
    key.shape[-1]."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-2])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled by the number of queries")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by the root of the number of queries, query.shape[-2]. d_k is the size of one
    query, query.shape[-1]."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-2])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled by the size of the values")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by √d_v, the size of a value. The scores come from queries and keys: √d_k."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(value.shape[-1])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled after the softmax")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide the weights by √d_k, after the softmax. Divide the scores before it; the weights
    must add up to 1."""
    scores = query @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = pieces.softmax(scores, -1) / math.sqrt(query.shape[-1])
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("softmax over the queries")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Your softmax runs along the queries (dim −2). Each query shares out its own weight of 1 among
    the keys: dim −1."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = pieces.softmax(scores, -2)
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("no softmax")
def _(query, key, value, mask=None, dropout_p=0.0):
    """There is no softmax between the scores and the values."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, 0.0)
    return F.dropout(scores, dropout_p) @ value, scores


@scaled_dot_product_attention.misconception("mask ignored")
def _(query, key, value, mask=None, dropout_p=0.0):
    """The mask changes nothing: forbidden words still get weight. Set their scores to −inf before
    the softmax, and keep the result: scores = scores.masked_fill(…) makes a new tensor."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return _weigh(scores, None, value, dropout_p)


@scaled_dot_product_attention.misconception("mask inverted")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Your mask works the other way round. Here True means "may attend"; fill where it is False:
    masked_fill(~mask, …)."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return _weigh(scores, None if mask is None else ~mask, value, dropout_p)


@scaled_dot_product_attention.misconception("masked scores of zero")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Forbidden words get a score of 0 (or 1e-9, or a product with the mask), and exp(0) = 1 still
    gets weight. Fill with −inf, or with −1e9 and set empty rows to zero afterwards."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return _weigh(scores if mask is None else scores * mask, None, value, dropout_p)


@scaled_dot_product_attention.misconception("mask added")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You add the mask to the scores. Adding True is adding 1; a boolean mask says where to fill
    with −inf."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return _weigh(scores if mask is None else scores + mask, None, value, dropout_p)


@scaled_dot_product_attention.misconception("masked after the softmax")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You set weights to zero after the softmax, so that the rest no longer adds up to 1. Mask the
    scores before it."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = pieces.softmax(scores, -1)
    if mask is not None:
        weights = weights * mask
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("empty row gives NaN")
def _(query, key, value, mask=None, dropout_p=0.0):
    """A query that may attend to nothing gets NaN: its scores are all −inf. Your own softmax gives
    zeros there; torch.softmax doesn't."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, -1)
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("empty row attends to everything")
def _(query, key, value, mask=None, dropout_p=0.0):
    """A query that may attend to nothing gets an equal share of everything: its scores are all the
    same −1e9. Fill with −inf and use your softmax, or set such rows to zero."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = torch.softmax(scores, -1)
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("NaN swept away afterwards")
def _(query, key, value, mask=None, dropout_p=0.0):
    """nan_to_num hides the NaN of an empty row going forward, but the gradient has been through it
    and is NaN. Use your softmax, which never makes one."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(~mask, -math.inf)
    weights = torch.nan_to_num(torch.softmax(scores, -1))
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("key and query swapped")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You compute key·queryᵀ. Rows belong to queries: query @ key.transpose(-2, -1)."""
    return _weigh(
        key @ query.transpose(-2, -1) / math.sqrt(query.shape[-1]), mask, value, dropout_p
    )


@scaled_dot_product_attention.misconception("wrong axes transposed")
def _(query, key, value, mask=None, dropout_p=0.0):
    """transpose(0, 1) turns round the wrong axes once there is a batch. Turn the last two:
    key.transpose(-2, -1)."""
    scores = query @ key.transpose(0, 1) / math.sqrt(query.shape[-1])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("all axes transposed")
def _(query, key, value, mask=None, dropout_p=0.0):
    """key.T turns round all the axes, the batch and the heads too. Turn the last two only:
    key.transpose(-2, -1)."""
    turned = key.permute(*reversed(range(key.ndim)))
    return _weigh(query @ turned / math.sqrt(query.shape[-1]), mask, value, dropout_p)


@scaled_dot_product_attention.misconception("heads and words transposed")
def _(query, key, value, mask=None, dropout_p=0.0):
    """transpose(1, 2) turns round the wrong axes when there are heads. Count from the end:
    key.transpose(-2, -1) always turns the last two."""
    scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("one sentence only")
def _(query, key, value, mask=None, dropout_p=0.0):
    """This works for one number of dimensions only. transpose(-2, -1) and @ take any leading
    dimensions by themselves."""
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(query.shape[-1])
    return _weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("keys instead of values")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Your output is a sum of keys. Keys say where to look; what you take home are the values."""
    _, weights = pieces.scaled_dot_product_attention(query, key, value, mask)
    return F.dropout(weights, dropout_p) @ key, weights


@scaled_dot_product_attention.misconception("output only")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You return the output alone. The weights are asked for too: return output, weights."""
    return pieces.scaled_dot_product_attention(query, key, value, mask, dropout_p)[0]


@scaled_dot_product_attention.misconception("swapped results")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You return the weights first. The exercise asks for (output, weights)."""
    output, weights = pieces.scaled_dot_product_attention(query, key, value, mask, dropout_p)
    return weights, output


@scaled_dot_product_attention.misconception("scores returned as weights")
def _(query, key, value, mask=None, dropout_p=0.0):
    """What you return as weights are the scores, from before the softmax."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    output, _ = _weigh(scores, mask, value, dropout_p)
    return output, scores


@scaled_dot_product_attention.misconception("dropout forgotten")
def _(query, key, value, mask=None, dropout_p=0.0):
    """dropout_p is never used. Drop from the weights before they meet the values:
    nn.functional.dropout(weights, dropout_p)."""
    return pieces.scaled_dot_product_attention(query, key, value, mask)


@scaled_dot_product_attention.misconception("dropout always on")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You call dropout without dropout_p, so that it drops half of the weights every time (its own
    default is 0.5). Pass dropout_p on."""
    _, weights = pieces.scaled_dot_product_attention(query, key, value, mask)
    return F.dropout(weights) @ value, weights


@scaled_dot_product_attention.misconception("dropout without rescaling")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You drop weights without dividing the survivors by 1 − dropout_p, so that the output shrinks.
    nn.functional.dropout does both."""
    _, weights = pieces.scaled_dot_product_attention(query, key, value, mask)
    return (weights * (torch.rand_like(weights) >= dropout_p)) @ value, weights


@scaled_dot_product_attention.misconception("dropout on the output")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You drop from the output. Dropout acts on the weights, before they meet the values, so that
    whole words are left out."""
    output, weights = pieces.scaled_dot_product_attention(query, key, value, mask)
    return F.dropout(output, dropout_p), weights


@scaled_dot_product_attention.misconception("dropout on the scores")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You drop from the scores, before the softmax. A score of 0 still gets weight; drop from the
    weights."""
    scores = F.dropout(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), dropout_p)
    return _weigh(scores, mask, value, 0.0)


@scaled_dot_product_attention.misconception("dropped weights returned")
def _(query, key, value, mask=None, dropout_p=0.0):
    """The weights you return have been through dropout. Keep them under a name of their own and
    return the ones from before."""
    _, weights = pieces.scaled_dot_product_attention(query, key, value, mask)
    weights = F.dropout(weights, dropout_p)
    return weights @ value, weights


@scaled_dot_product_attention.misconception("mask changed in place")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Your call changes the caller's mask. Write ~mask, which makes a new one, and no method that
    ends in _."""
    if mask is not None:
        keep = mask.clone()
        mask.logical_not_()
        mask = keep
    return pieces.scaled_dot_product_attention(query, key, value, mask, dropout_p)


@scaled_dot_product_attention.misconception("weights cut off from the graph")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Query and key should learn through the weights: don't detach them before you use them."""
    _, weights = pieces.scaled_dot_product_attention(query, key, value, mask)
    weights = weights.detach()
    return F.dropout(weights, dropout_p) @ value, weights


# ---- SelfAttention -----------------------------------------------------------------------------

SelfAttention = Exercise(
    "SelfAttention",
    reference=pieces.SelfAttention,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
)


def _sentence_case(draw: Draw, masked: bool = False) -> Case:
    batch, length, d_model, d_k, d_v = draw.sizes(5, low=3)
    return Case(
        (draw.normal(batch, length, d_model),),
        {"mask": draw.mask(batch, length, length)} if masked else {},
        {"d_model": d_model, "d_k": d_k, "d_v": d_v},
    )


def _masked_sentence(draw: Draw) -> Case:
    return _sentence_case(draw, masked=True)


parameters_named(SelfAttention, _sentence_case, points=1)


@SelfAttention.property("three matrices of its own", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new module should start from three different random projections, and not create new ones
    at every call."""
    instance = piece.construct(6, 4, 4)
    x = draw.normal(2, 3, 6, dtype=torch.float32)
    once, again = (expect.several(instance(x), *_ATTENDED)[0] for _ in range(2))
    expect.that(torch.equal(once, again), "Two calls with the same input give different outputs.")
    made = list(instance.parameters().values())
    expect.that(len(made) >= 3, "There are fewer than three matrices.")
    expect.that(not torch.equal(made[0], made[1]), "Two of them start with the same numbers.")


equals_reference(
    SelfAttention,
    _sentence_case,
    _ATTENDED,
    name="output and weights",
    points=1.5,
    says="With the weights set by the check, output and weights are those of scaled dot-product "
    "attention over x's own projections.",
)
equals_reference(
    SelfAttention,
    _masked_sentence,
    _ATTENDED,
    name="the mask",
    points=1,
    says="The mask (batch, length, length), True for “may attend”, is passed on to the attention.",
)


@SelfAttention.property("order does not matter", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Self-attention without positions is blind to order: permute the words, and the outputs are
    permuted in the same way."""
    case = _sentence_case(draw)
    instance, _ = beside(SelfAttention, piece, case, draw)
    (x,) = case.args
    order = torch.arange(x.shape[1]).flip(0)
    straight, _ = expect.several(instance(x), *_ATTENDED)
    turned, _ = expect.several(instance(x[:, order]), *_ATTENDED)
    expect.shape(straight, (*x.shape[:2], case.construct["d_v"]), "output")
    expect.close(turned, straight[:, order], "The output of the sentence in reverse")


gradients_flow(SelfAttention, _masked_sentence, of=("x",), points=0.5)
inputs_stay(SelfAttention, _masked_sentence, points=0.25)
single_precision(SelfAttention, _masked_sentence, _ATTENDED, points=0.25)


class _Projections(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, d_k, d_v, bias=False):
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=bias)
        self.k_proj = nn.Linear(d_model, d_k, bias=bias)
        self.v_proj = nn.Linear(d_model, d_v, bias=bias)


def _forward(change):
    """A SelfAttention that is right but for its forward."""

    class Wrong(_Projections):
        def __init__(self, d_model, d_k, d_v):
            super().__init__(d_model, d_k, d_v)

        def forward(self, x, mask=None):
            return change(self, x, mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


@SelfAttention.misconception("projections with bias")
class _(_Projections):
    """Your projections have a bias. Write nn.Linear(…, bias=False): the exercise lists three
    weights and nothing else."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v, bias=True)

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )


@SelfAttention.misconception("projections in a plain list")
class _(nn.Module):
    """Your projections are kept in a plain list, where the module doesn't see them: they would
    never be trained or moved to the GPU. Make each an attribute: self.q_proj = nn.Linear(…)."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.projections = [nn.Linear(d_model, size, bias=False) for size in (d_k, d_k, d_v)]

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(*(p(x) for p in self.projections), mask)


@SelfAttention.misconception("new projections at every call")
class _(nn.Module):
    """You make the projections inside forward, so that every call starts from new random ones. Make
    them once, in __init__."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.sizes = (d_model, d_k, d_v)

    def forward(self, x, mask=None):
        d_model, d_k, d_v = self.sizes
        made = [nn.Linear(d_model, size, bias=False).to(x) for size in (d_k, d_k, d_v)]
        return pieces.scaled_dot_product_attention(*(p(x) for p in made), mask)


@SelfAttention.misconception("one projection for query and key")
class _(_Projections):
    """Query and key share one projection. What a word looks for is not what it offers: give k_proj
    a matrix of its own."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.k_proj = self.q_proj

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )


@SelfAttention.misconception("other names")
class _(nn.Module):
    """The projections have other names than the exercise asks: q_proj, k_proj and v_proj. Names are
    how weights are exchanged with other implementations."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.W_q = nn.Linear(d_model, d_k, bias=False)
        self.W_k = nn.Linear(d_model, d_k, bias=False)
        self.W_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(self.W_q(x), self.W_k(x), self.W_v(x), mask)


@SelfAttention.misconception("value has the size of the key")
class _(_Projections):
    """v_proj makes vectors of size d_k. Its size is d_v."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_k)

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )


@SelfAttention.misconception("query and key swapped")
@_forward
def _(self, x, mask):
    """Query and key have changed places: q_proj makes the query, k_proj the key."""
    return pieces.scaled_dot_product_attention(self.k_proj(x), self.q_proj(x), self.v_proj(x), mask)


@SelfAttention.misconception("value is the input")
@_forward
def _(self, x, mask):
    """The values are x itself. They are a projection too: self.v_proj(x)."""
    return pieces.scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), x, mask)


@SelfAttention.misconception("mask not passed on")
@_forward
def _(self, x, mask):
    """The mask stops here: pass it on to scaled_dot_product_attention."""
    return pieces.scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), self.v_proj(x))


@SelfAttention.misconception("mask inverted")
@_forward
def _(self, x, mask):
    """Your mask works the other way round. True means “may attend” here as there: pass it on as it
    is."""
    return pieces.scaled_dot_product_attention(
        self.q_proj(x), self.k_proj(x), self.v_proj(x), None if mask is None else ~mask
    )


@SelfAttention.misconception("not scaled")
@_forward
def _(self, x, mask):
    """The scores are not divided by √d_k. Your scaled_dot_product_attention does it for you: call
    it."""
    query, key = self.q_proj(x), self.k_proj(x)
    return _weigh(query @ key.transpose(-2, -1), mask, self.v_proj(x), 0.0)


@SelfAttention.misconception("scaled by the model's size")
@_forward
def _(self, x, mask):
    """You divide by √d_model. Queries and keys have the size d_k: divide by √d_k."""
    query, key = self.q_proj(x), self.k_proj(x)
    scores = query @ key.transpose(-2, -1) / math.sqrt(x.shape[-1])
    return _weigh(scores, mask, self.v_proj(x), 0.0)


@SelfAttention.misconception("always causal")
@_forward
def _(self, x, mask):
    """No word can see a later one, though no mask says so. Hiding the future is the decoder's
    affair (lesson 06), and the mask's."""
    causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
    return pieces.scaled_dot_product_attention(
        self.q_proj(x), self.k_proj(x), self.v_proj(x), causal if mask is None else mask & causal
    )


@SelfAttention.misconception("output only")
@_forward
def _(self, x, mask):
    """You return the output alone. Return output, weights, as scaled_dot_product_attention does."""
    return pieces.scaled_dot_product_attention(
        self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
    )[0]


@SelfAttention.misconception("cut off from the graph")
@_forward
def _(self, x, mask):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off from the weights."""
    with torch.no_grad():
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )
