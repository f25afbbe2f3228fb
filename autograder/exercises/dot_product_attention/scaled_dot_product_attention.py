"""All queries at once, scaled, masked, with weights."""

import math

import torch
from torch.nn import functional as F

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

scaled_dot_product_attention = Exercise(
    "scaled_dot_product_attention",
    reference=pieces.scaled_dot_product_attention,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
)
ATTENDED = ("output", "weights")


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
    found = expect.several(piece(*case.args, **case.kwargs), *ATTENDED)
    for name, part, expected in reversed(list(zip(ATTENDED, found, wanted, strict=True))):
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
    before, _ = expect.several(piece(query, key, value, mask=mask), *ATTENDED)
    before = expect.finite(before, "output")
    hidden = ~mask[..., 0, :, None]
    after, _ = expect.several(
        piece(query, key + 3.0 * hidden, value - 100.0 * hidden, mask=mask), *ATTENDED
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
    output, weights = expect.several(found.value, *ATTENDED)
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
    used, returned = expect.several(piece(query, key, value, None, p), *ATTENDED)
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
single_precision(scaled_dot_product_attention, _masked_attention, ATTENDED, points=0.5)


def weigh(scores, mask, value, dropout_p, scale_up=True):
    """Right from here on: mask, softmax, dropout, sum. The wrong answers differ before or after."""
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = pieces.softmax(scores, -1)
    return F.dropout(weights, dropout_p) @ value, weights


@scaled_dot_product_attention.misconception("not scaled")
def _(query, key, value, mask=None, dropout_p=0.0):
    """The scores are not divided by √d_k. Without it they grow with the number of dimensions, and
    softmax saturates."""
    return weigh(query @ key.transpose(-2, -1), mask, value, dropout_p)


@scaled_dot_product_attention.misconception("divided by d_k")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by d_k. The standard deviation of the scores is √d_k, so that is what to divide
    by: the root is missing."""
    return weigh(query @ key.transpose(-2, -1) / query.shape[-1], mask, value, dropout_p)


@scaled_dot_product_attention.misconception("multiplied by the root")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You multiply by √d_k. Divide: large scores are what the scaling is there to tame."""
    scores = query @ key.transpose(-2, -1) * math.sqrt(query.shape[-1])
    return weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled by the number of keys")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by the root of the number of keys, key.shape[-2]. d_k is the size of one key,
    key.shape[-1]."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-2])
    return weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled by the number of queries")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by the root of the number of queries, query.shape[-2]. d_k is the size of one
    query, query.shape[-1]."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-2])
    return weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("scaled by the size of the values")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You divide by √d_v, the size of a value. The scores come from queries and keys: √d_k."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(value.shape[-1])
    return weigh(scores, mask, value, dropout_p)


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
    return weigh(scores, None, value, dropout_p)


@scaled_dot_product_attention.misconception("mask inverted")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Your mask works the other way round. Here True means "may attend"; fill where it is False:
    masked_fill(~mask, …)."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return weigh(scores, None if mask is None else ~mask, value, dropout_p)


@scaled_dot_product_attention.misconception("masked scores of zero")
def _(query, key, value, mask=None, dropout_p=0.0):
    """Forbidden words get a score of 0 (or 1e-9, or a product with the mask), and exp(0) = 1 still
    gets weight. Fill with −inf, or with −1e9 and set empty rows to zero afterwards."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return weigh(scores if mask is None else scores * mask, None, value, dropout_p)


@scaled_dot_product_attention.misconception("mask added")
def _(query, key, value, mask=None, dropout_p=0.0):
    """You add the mask to the scores. Adding True is adding 1; a boolean mask says where to fill
    with −inf."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return weigh(scores if mask is None else scores + mask, None, value, dropout_p)


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
    return weigh(key @ query.transpose(-2, -1) / math.sqrt(query.shape[-1]), mask, value, dropout_p)


@scaled_dot_product_attention.misconception("wrong axes transposed")
def _(query, key, value, mask=None, dropout_p=0.0):
    """transpose(0, 1) turns round the wrong axes once there is a batch. Turn the last two:
    key.transpose(-2, -1)."""
    scores = query @ key.transpose(0, 1) / math.sqrt(query.shape[-1])
    return weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("all axes transposed")
def _(query, key, value, mask=None, dropout_p=0.0):
    """key.T turns round all the axes, the batch and the heads too. Turn the last two only:
    key.transpose(-2, -1)."""
    turned = key.permute(*reversed(range(key.ndim)))
    return weigh(query @ turned / math.sqrt(query.shape[-1]), mask, value, dropout_p)


@scaled_dot_product_attention.misconception("heads and words transposed")
def _(query, key, value, mask=None, dropout_p=0.0):
    """transpose(1, 2) turns round the wrong axes when there are heads. Count from the end:
    key.transpose(-2, -1) always turns the last two."""
    scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
    return weigh(scores, mask, value, dropout_p)


@scaled_dot_product_attention.misconception("one sentence only")
def _(query, key, value, mask=None, dropout_p=0.0):
    """This works for one number of dimensions only. transpose(-2, -1) and @ take any leading
    dimensions by themselves."""
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(query.shape[-1])
    return weigh(scores, mask, value, dropout_p)


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
    output, _ = weigh(scores, mask, value, dropout_p)
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
    return weigh(scores, mask, value, 0.0)


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
