"""The module: projections, heads, masks, dropout, weights."""

import math

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
from autograder.checks.wrong_module import wrong_forward
from workbook import pieces

MultiHeadAttention = Exercise(
    "MultiHeadAttention",
    reference=pieces.MultiHeadAttention,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_native_multi_head_attention",
    ),
)
_ATTENDED = ("output", "weights")


def _attention(draw: Draw, mask: str = "", bias: bool = True) -> Case:
    """Keys and values of other words than the queries, and not the same tensor."""
    batch, heads, n_q, n_k, d_head = draw.sizes(5)
    d_model = heads * d_head
    shapes = {
        "": (),
        "whole": (batch, heads, n_q, n_k),
        "keys": (batch, 1, 1, n_k),
        "sentences": (batch, 1, n_q, n_k),
        "one for all": (1, 1, n_q, n_k),
    }
    inputs = (draw.normal(batch, n, d_model) for n in (n_q, n_k, n_k))
    masked = {"mask": draw.mask(*shapes[mask])} if mask else {}
    return Case(
        # The check's weights have variance 1: divided, the scores don't saturate the softmax.
        tuple(each / math.sqrt(d_model) for each in inputs),
        masked,
        {"d_model": d_model, "num_heads": heads, "bias": bias},
    )


def _masked(draw: Draw) -> Case:
    return _attention(draw, "whole")


def _without_bias(draw: Draw) -> Case:
    return _attention(draw, bias=False)


def _expect_attention(piece: Piece, case: Case, draw: Draw) -> None:
    asked, oracle = beside(MultiHeadAttention, piece, case, draw)
    wanted = oracle(*case.args, **case.kwargs)
    found = expect.several(asked(*case.args, **case.kwargs), *_ATTENDED)
    for name, part, expected in reversed(list(zip(_ATTENDED, found, wanted, strict=True))):
        expect.close(part, expected.detach(), name)


parameters_named(MultiHeadAttention, _attention, points=1)
parameters_named(MultiHeadAttention, _without_bias, points=0.5, name="no bias where none is wanted")


@MultiHeadAttention.property("what does not divide is refused", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """When d_model is not a multiple of num_heads, the constructor should raise a ValueError."""
    heads = draw.integer(3, 6)
    fits = heads * draw.integer(2, 4)
    d_model = fits + draw.integer(1, heads - 1)
    try:
        piece.construct(fits, heads)
    except PieceRaised as raised:
        # Anything else that goes wrong there is told elsewhere.
        expect.that(
            not raised.is_a(ValueError),
            f"You refuse d_model = {fits} with num_heads = {heads}, and {heads} divides {fits}: "
            "the test is the wrong way round. Refuse where d_model % num_heads is not 0.",
        )
    expect.raises(
        ValueError,
        lambda: piece.construct(d_model, heads),
        "d_model was no multiple of num_heads, and that should be a ValueError.",
    )


@MultiHeadAttention.property("four matrices of its own", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new module should start from four different random matrices, and not make new ones at every
    call."""
    instance = piece.construct(6, 2)
    x = draw.normal(2, 3, 6, dtype=torch.float32)
    once, again = (expect.several(instance(x, x, x), *_ATTENDED)[0] for _ in range(2))
    expect.same_again(once, again)
    made = [each for each in instance.parameters().values() if each.ndim == 2]
    expect.that(len(made) >= 4, "There are fewer than four matrices.")
    alike = any(
        torch.equal(one, other) for place, one in enumerate(made) for other in made[place + 1 :]
    )
    expect.that(not alike, "Two of the matrices start with the same numbers.")


@MultiHeadAttention.property("output and weights", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """With the weights set by the check: each head attends with its own features of the projected
    queries, keys and values; the merged heads go through out_proj. The weights come back head by
    head, (batch, num_heads, queries, keys)."""
    _expect_attention(piece, _attention(draw), draw)


equals_reference(
    MultiHeadAttention,
    _without_bias,
    _ATTENDED,
    name="output and weights without bias",
    points=0.25,
    says="With bias=False, none of the four projections adds a bias.",
)


@MultiHeadAttention.property("the mask", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """True in the mask means "may attend". A mask (batch, num_heads, queries, keys) says it for
    every head apart."""
    _expect_attention(piece, _masked(draw), draw)


@MultiHeadAttention.property("the mask broadcasts", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A mask (batch, 1, 1, keys), (batch, 1, queries, keys) or (1, 1, queries, keys) should serve
    all heads as it is."""
    for mask in ("keys", "sentences", "one for all"):
        _expect_attention(piece, _attention(draw, mask), draw)


@MultiHeadAttention.property("nothing to attend to gives zeros", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A query whose mask is False everywhere should get zero weights and, as its output, out_proj's
    bias alone; no gradient should become NaN."""
    case = _masked(draw)
    case.kwargs["mask"][0, :, 0] = False
    case = case.changed(lambda tensor: tensor.requires_grad_())
    asked, oracle = beside(MultiHeadAttention, piece, case, draw)
    wanted = oracle(*case.args, **case.kwargs)
    cotangent = draw.normal(*wanted[0].shape)
    found = asked.gradients(*case.args, cotangents=[cotangent, None], **case.kwargs)
    output, weights = expect.several(found.value, *_ATTENDED)
    expect.close(expect.finite(weights, "weights"), wanted[1].detach(), "weights")
    expect.close(expect.finite(output, "output"), wanted[0].detach(), "output")
    for gradient, name in zip(found.inputs, ("query", "key", "value"), strict=False):
        expect.that(gradient is not None, f"No gradient flows back to {name}.")
        expect.finite(gradient, f"The gradient of {name}")


def _dropped(piece: Piece, draw: Draw, p: float, training: bool) -> tuple:
    """Weights as used, as returned, and as they should be, each (batch, heads, queries, keys).

    Every head's values are two identity matrices side by side, and v_proj and out_proj are one: the
    output then shows the weights that were used, twice.
    """
    batch, heads, n_q, n_k = 3, 4, draw.integer(26, 30), draw.integer(12, 14)
    d_model = heads * 2 * n_k
    construct = {"d_model": d_model, "num_heads": heads, "dropout": p}
    oracle = pieces.MultiHeadAttention(d_model, heads).double().eval()
    weights = {name: torch.zeros_like(value) for name, value in oracle.state_dict().items()}
    for name in ("q_proj", "k_proj"):
        weights[f"{name}.weight"] = draw.normal(d_model, d_model, scale=d_model**-0.5)
    for name in ("v_proj", "out_proj"):
        weights[f"{name}.weight"] = torch.eye(d_model, dtype=torch.float64)
    oracle.load_state_dict(weights)
    instance = piece.construct(**construct).to(torch.float64).train(training)
    refused = instance.load(weights)
    expect.that(not refused, "The check can't set the weights: see the first property.")
    query, key = draw.normal(batch, n_q, d_model), draw.normal(batch, n_k, d_model)
    value = torch.eye(n_k, dtype=torch.float64).repeat(1, 2 * heads).expand(batch, -1, -1)
    piece.seed(draw.integer(0, 2**31))
    used, returned = expect.several(instance(query, key, value), *_ATTENDED)
    wanted = oracle(query, key, value)[1].detach()
    expect.shape(used, (batch, n_q, d_model), "output")
    return pieces.split_heads(used, heads), returned, wanted


@MultiHeadAttention.property("dropout in training", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, each weight is dropped with probability `dropout` before it meets the values,
    and the survivors are divided by 1 − dropout."""
    p = draw.uniform(0.25, 0.4)
    used, _, wanted = _dropped(piece, draw, p, training=True)
    used, twin = used.chunk(2, dim=-1)
    dropped = used == 0
    kept = ~dropped
    # Where the heads are wrong, nothing can be said of what they drop.
    factors = used[kept] / wanted[kept]
    expect.that(
        torch.allclose(factors, factors[:1], rtol=1e-9),
        "What comes out are not the weights, dropped or not.",
    )
    expect.that(torch.equal(dropped, twin == 0), "Numbers of the output were dropped, not weights.")
    expect.that(bool(dropped.any()), "Nothing was dropped.")
    whole = dropped.all(-1).any() or dropped.all(-2).any()
    expect.that(not bool(whole), "Whole rows or columns of weights were dropped.")
    if torch.allclose(used[kept], wanted[kept], rtol=1e-9):
        raise expect.Mismatch("The survivors were not divided by 1 − dropout.")
    expect.that(
        torch.allclose(used[kept], wanted[kept] / (1 - p), rtol=1e-9),
        "What is left are not the weights divided by 1 − dropout.",
    )
    # Over at least 3,700 weights: six standard deviations are 0.05.
    share = dropped.double().mean().item()
    expect.that(abs(share - p) < 0.05, "The share of dropped weights is not `dropout`.")


@MultiHeadAttention.property("returned weights are before dropout", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The weights returned are there to be looked at: they are the ones before dropout, in training
    too."""
    _, returned, wanted = _dropped(piece, draw, 0.3, training=True)
    expect.shape(returned, wanted.shape, "weights")
    expect.that(
        torch.allclose(returned, wanted, rtol=1e-9),
        "The returned weights are not the ones before dropout.",
    )


@MultiHeadAttention.property("no dropout outside training", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """After eval() nothing is dropped, whatever `dropout` is."""
    used, _, wanted = _dropped(piece, draw, draw.uniform(0.3, 0.5), training=False)
    expect.that(
        torch.allclose(used, wanted.repeat(1, 1, 1, 2), rtol=1e-9, atol=1e-12),
        "After eval() the output is not that of the full weights.",
    )


gradients_flow(MultiHeadAttention, _masked, of=("query", "key", "value"), points=0.75)
inputs_stay(MultiHeadAttention, _masked, points=0.25)
single_precision(MultiHeadAttention, _masked, _ATTENDED, points=0.25)


class _Projections(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be a multiple of num_heads")
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    def split(self, query, key, value):
        """The three projections, split into heads."""
        return (
            pieces.split_heads(projection(x), self.num_heads)
            for projection, x in (
                (self.q_proj, query),
                (self.k_proj, key),
                (self.v_proj, value),
            )
        )

    def attend(self, q, k, v, mask):
        """Right from the heads on."""
        heads, weights = pieces.scaled_dot_product_attention(
            q, k, v, mask, self.dropout if self.training else 0.0
        )
        return self.out_proj(pieces.merge_heads(heads)), weights

    def forward(self, query, key, value, mask=None):
        return self.attend(*self.split(query, key, value), mask)

    def weigh(self, scores, v, mask, fill=-math.inf, soften=pieces.softmax, dim=-1):
        """From the scores on: mask, softmax, dropout, sum, merge, project."""
        if mask is not None:
            scores = scores.masked_fill(~mask, fill)
        weights = soften(scores, dim)
        used = F.dropout(weights, self.dropout, self.training)
        return self.out_proj(pieces.merge_heads(used @ v)), weights


def _scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))


def _through(self, projections, tensors, mask):
    """The three tensors through these projections, split, and right from there on."""
    q, k, v = (
        pieces.split_heads(projection(x), self.num_heads)
        for projection, x in zip(projections, tensors, strict=True)
    )
    return self.attend(q, k, v, mask)


# What is wrong with the constructor.
@MultiHeadAttention.misconception("nobody refused")
class _(_Projections):
    """When d_model is not a multiple of num_heads, your constructor says nothing, and the error
    comes much later, from a reshape. Raise a ValueError in __init__."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, 1, dropout, bias)
        self.num_heads = num_heads


@MultiHeadAttention.misconception("an assertion in place of a ValueError")
class _(_Projections):
    """You refuse by assert, which raises an AssertionError (and nothing at all under python -O).
    Write: if d_model % num_heads: raise ValueError(…)."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        assert d_model % num_heads == 0, "d_model must be a multiple of num_heads"
        super().__init__(d_model, num_heads, dropout, bias)


@MultiHeadAttention.misconception("bias ignored")
class _(_Projections):
    """With bias=False your projections still have one. Pass bias on to all four:
    nn.Linear(d_model, d_model, bias=bias)."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias=True)


@MultiHeadAttention.misconception("never a bias")
class _(_Projections):
    """Your projections never have a bias. Lesson 02's had none; these have one unless bias=False:
    pass bias on to all four."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias=False)


@MultiHeadAttention.misconception("out_proj keeps its bias")
class _(_Projections):
    """With bias=False, out_proj still has a bias. It concerns all four projections, out_proj
    too."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        self.out_proj = nn.Linear(d_model, d_model)


@MultiHeadAttention.misconception("out_proj without bias")
class _(_Projections):
    """Your out_proj never has a bias. bias concerns all four projections, out_proj too."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)


@MultiHeadAttention.misconception("other names")
class _(_Projections):
    """The parameters have other names than the exercise asks: q_proj, k_proj, v_proj and out_proj.
    Names are how weights are exchanged with other implementations."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        self.W_q, self.W_k, self.W_v, self.W_o = (
            self.q_proj,
            self.k_proj,
            self.v_proj,
            self.out_proj,
        )
        del self.q_proj, self.k_proj, self.v_proj, self.out_proj

    def forward(self, query, key, value, mask=None):
        q, k, v = (
            pieces.split_heads(projection(x), self.num_heads)
            for projection, x in ((self.W_q, query), (self.W_k, key), (self.W_v, value))
        )
        heads, weights = pieces.scaled_dot_product_attention(q, k, v, mask)
        return self.W_o(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("three projections in one")
class _(_Projections):
    """You keep query, key and value in one large matrix, as torch's own module does. Here they are
    three: q_proj, k_proj, v_proj, so that each can be given its own input and be looked at."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        del self.q_proj, self.k_proj, self.v_proj
        self.in_proj = nn.Linear(d_model, 3 * d_model, bias=bias)

    def split(self, query, key, value):
        return (
            pieces.split_heads(self.in_proj(x).chunk(3, -1)[place], self.num_heads)
            for place, x in enumerate((query, key, value))
        )


@MultiHeadAttention.misconception("projections as large as one head")
class _(_Projections):
    """Each of your projections leads to one head's features only, d_model → d_head. They make the
    features of all heads at once, d_model → d_model, and split_heads shares them out."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        for name in ("q_proj", "k_proj", "v_proj"):
            setattr(self, name, nn.Linear(d_model, d_model // num_heads, bias=bias))
        self.out_proj = nn.Linear(d_model // num_heads, d_model, bias=bias)


@MultiHeadAttention.misconception("a module for each head")
class _(nn.Module):
    """You build every head as a module of its own. That is the same calculation, but the weights
    have other names and shapes, and a loop is slower: four projections d_model → d_model do all
    heads at once, and split_heads shares their features out."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be a multiple of num_heads")
        d_head = d_model // num_heads
        self.heads = nn.ModuleList(
            pieces.SelfAttention(d_model, d_head, d_head) for _ in range(num_heads)
        )
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, query, key, value, mask=None):
        parts = [head(query) for head in self.heads]
        output = self.out_proj(torch.cat([part[0] for part in parts], -1))
        return output, torch.stack([part[1] for part in parts], 1)


@MultiHeadAttention.misconception("one matrix for query, key and value")
class _(_Projections):
    """Query, key and value share one projection. What a word looks for, what it offers and what it
    hands over are three things: give each a matrix of its own."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        self.k_proj = self.v_proj = self.q_proj


@MultiHeadAttention.misconception("query and key share a matrix")
class _(_Projections):
    """Query and key share one projection. What a word looks for is not what it offers: give k_proj
    a matrix of its own."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        self.k_proj = self.q_proj


@MultiHeadAttention.misconception("projections in a plain list")
class _(nn.Module):
    """Your projections are kept in a plain list, where the module doesn't see them: they would
    never be trained or moved to the GPU. Make each an attribute: self.q_proj = nn.Linear(…)."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be a multiple of num_heads")
        self.num_heads = num_heads
        self.projections = [nn.Linear(d_model, d_model, bias=bias) for _ in range(4)]

    def forward(self, query, key, value, mask=None):
        *made, out = self.projections
        heads, weights = pieces.scaled_dot_product_attention(
            *(
                pieces.split_heads(projection(x), self.num_heads)
                for projection, x in zip(made, (query, key, value), strict=True)
            ),
            mask,
        )
        return out(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("new projections at every call")
class _(nn.Module):
    """You make projections inside forward, so that every call starts from new random ones. Make
    them once, in __init__."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be a multiple of num_heads")
        self.sizes = (d_model, num_heads, dropout, bias)

    def forward(self, query, key, value, mask=None):
        made = pieces.MultiHeadAttention(*self.sizes).to(query)
        return made(query, key, value, mask)


# What is wrong with forward: projections and heads.
@MultiHeadAttention.misconception("split by a bare view")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your heads are cut by view or reshape alone, so that a head gets all of one word and a
    bit of the next, instead of a part of every word. Use your split_heads."""
    q, k, v = (
        x.reshape(x.shape[0], self.num_heads, x.shape[1], -1)
        for x in (self.q_proj(query), self.k_proj(key), self.v_proj(value))
    )
    return self.attend(q, k, v, mask)


@MultiHeadAttention.misconception("the queries split by a bare view")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your queries are cut by view or reshape alone, so that a head gets all of one word and a bit
    of the next, instead of a part of every word. Use your split_heads, as for the others."""
    q = self.q_proj(query).reshape(query.shape[0], self.num_heads, query.shape[1], -1)
    _, k, v = self.split(query, key, value)
    return self.attend(q, k, v, mask)


@MultiHeadAttention.misconception("merged by a bare view")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your heads are put together by view or reshape alone, which mixes the words up. Use your
    merge_heads: it swaps heads and words first."""
    heads, weights = pieces.scaled_dot_product_attention(
        *self.split(query, key, value), mask, self.dropout if self.training else 0.0
    )
    return self.out_proj(heads.reshape(query.shape)), weights


@MultiHeadAttention.misconception("split and merged by a bare view")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You split and merge by view or reshape alone. The two undo each other, and in between each
    head sees all of one word and a bit of the next, instead of a part of every word. Use
    split_heads and merge_heads."""
    q, k, v = (
        x.reshape(x.shape[0], self.num_heads, x.shape[1], -1)
        for x in (self.q_proj(query), self.k_proj(key), self.v_proj(value))
    )
    heads, weights = pieces.scaled_dot_product_attention(
        q, k, v, mask, self.dropout if self.training else 0.0
    )
    return self.out_proj(heads.reshape(query.shape)), weights


@MultiHeadAttention.misconception("heads attend to heads")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Heads and words are not swapped, so that inside each word the heads attend to one another.
    Words should attend to words: (batch, num_heads, length, d_head), which is what split_heads
    gives."""
    q, k, v = (each.transpose(1, 2) for each in self.split(query, key, value))
    heads, weights = pieces.scaled_dot_product_attention(
        q, k, v, mask, self.dropout if self.training else 0.0
    )
    return self.out_proj(heads.flatten(-2)), weights


@MultiHeadAttention.misconception("one head only")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Nothing is split: there is one large head, whatever num_heads says. Send the three
    projections through split_heads."""
    q, k, v = (
        projection(x).unsqueeze(1)
        for projection, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
    )
    return self.attend(q, k, v, mask)


@MultiHeadAttention.misconception("no axis for the heads")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Nothing is split: you attend with all features at once, whatever num_heads says. Send the
    three projections through split_heads."""
    found, weights = pieces.scaled_dot_product_attention(
        self.q_proj(query), self.k_proj(key), self.v_proj(value), mask
    )
    return self.out_proj(found), weights


@MultiHeadAttention.misconception("no axis for the heads, and merged")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Nothing is split, so there is nothing to merge: merge_heads takes (batch, num_heads, length,
    d_head). Send the three projections through split_heads."""
    found, weights = pieces.scaled_dot_product_attention(
        self.q_proj(query),
        self.k_proj(key),
        self.v_proj(value),
        mask,
        self.dropout if self.training else 0.0,
    )
    return self.out_proj(found.transpose(1, 2).flatten(2)), weights


@MultiHeadAttention.misconception("as many heads as a head has features")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You cut into d_head heads. split_heads takes the number of heads: self.num_heads."""
    q, k, v = (
        pieces.split_heads(projection(x), x.shape[-1] // self.num_heads)
        for projection, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
    )
    return self.attend(q, k, v, mask)


@MultiHeadAttention.misconception("split before the projection")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your heads get the raw features: the input is split and never projected. Project first, then
    split."""
    q, k, v = (pieces.split_heads(x, self.num_heads) for x in (query, key, value))
    return self.attend(q, k, v, mask)


@MultiHeadAttention.misconception("each head projected")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You project single heads. A projection works on all d_model features at once: project first,
    split afterwards; merge first, out_proj afterwards."""
    q, k, v = (
        projection(pieces.split_heads(x, self.num_heads))
        for projection, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
    )
    return self.attend(q, k, v, mask)


@MultiHeadAttention.misconception("key asks query")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your keys ask and your queries answer. Is the query the first argument of
    scaled_dot_product_attention?"""
    q, k, v = self.split(query, key, value)
    return self.attend(k, q, v, mask)


@MultiHeadAttention.misconception("values ask and keys are handed over")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Keys and values have changed places on the way into scaled_dot_product_attention: it takes
    query, key, value."""
    q, k, v = self.split(query, key, value)
    return self.attend(q, v, k, mask)


@MultiHeadAttention.misconception("out_proj forgotten")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The merged heads are returned as they are. The last step is out_proj: it lets what the heads
    have found meet."""
    heads, weights = pieces.scaled_dot_product_attention(
        *self.split(query, key, value), mask, self.dropout if self.training else 0.0
    )
    return pieces.merge_heads(heads), weights


@MultiHeadAttention.misconception("the input added")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You add the query to the output. That is the residual connection of lesson 05; it belongs to
    the block around this layer."""
    output, weights = self.attend(*self.split(query, key, value), mask)
    return output + query, weights


@MultiHeadAttention.misconception("everything made from the query")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Query, key and value all come from the first argument. In self-attention they are the same
    tensor; a decoder asks with one sentence and looks at another (lesson 06)."""
    return self.attend(*self.split(query, query, query), mask)


@MultiHeadAttention.misconception("query projected from the key")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your query is made from the argument key. q_proj belongs to query, k_proj to key."""
    return self.attend(*self.split(key, key, value), mask)


@MultiHeadAttention.misconception("value made from the key")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The argument value is never used: your values are made from key. They are v_proj(value)."""
    return self.attend(*self.split(query, key, key), mask)


@MultiHeadAttention.misconception("key and value swapped")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Key and value have changed places: k_proj gets key, v_proj gets value."""
    return self.attend(*self.split(query, value, key), mask)


@MultiHeadAttention.misconception("query's and key's matrices swapped")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """q_proj and k_proj have changed places: q_proj gets query, k_proj gets key."""
    return _through(self, (self.k_proj, self.q_proj, self.v_proj), (query, key, value), mask)


@MultiHeadAttention.misconception("q_proj for the key")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your key goes through q_proj, and k_proj is never used: k_proj(key)."""
    return _through(self, (self.q_proj, self.q_proj, self.v_proj), (query, key, value), mask)


@MultiHeadAttention.misconception("k_proj for the value")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your value goes through k_proj, and v_proj is never used: v_proj(value)."""
    return _through(self, (self.q_proj, self.k_proj, self.k_proj), (query, key, value), mask)


@MultiHeadAttention.misconception("q_proj for all three")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """All three go through q_proj. Each has a projection of its own: k_proj(key), v_proj(value)."""
    return _through(self, (self.q_proj, self.q_proj, self.q_proj), (query, key, value), mask)


@MultiHeadAttention.misconception("keys handed over instead of values")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your heads hand over their keys, not their values. Keys say where to look; what is taken home
    are the values: v_proj(value)."""
    q, k, _ = self.split(query, key, value)
    return self.attend(q, k, k, mask)


# What is wrong with forward: scores, mask, weights.
@MultiHeadAttention.misconception("not scaled")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The scores are not divided by √d_head. Your scaled_dot_product_attention does it: call it on
    the heads."""
    q, k, v = self.split(query, key, value)
    return self.weigh(q @ k.transpose(-2, -1), v, mask)


@MultiHeadAttention.misconception("scaled by the model's size")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You divide by √d_model. A head compares d_head = d_model / num_heads features, so divide by
    √d_head: the size of the last axis after the split."""
    q, k, v = self.split(query, key, value)
    return self.weigh(q @ k.transpose(-2, -1) / math.sqrt(query.shape[-1]), v, mask)


@MultiHeadAttention.misconception("divided by the size of a head")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You divide by d_head. The standard deviation of the scores is √d_head: the root is missing.
    Or do you divide twice? scaled_dot_product_attention divides already."""
    q, k, v = self.split(query, key, value)
    return self.weigh(q @ k.transpose(-2, -1) / q.shape[-1], v, mask)


@MultiHeadAttention.misconception("scaled by the number of heads")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You divide by √num_heads. A head compares d_head = d_model / num_heads features, so divide by
    √d_head."""
    q, k, v = self.split(query, key, value)
    return self.weigh(q @ k.transpose(-2, -1) / math.sqrt(self.num_heads), v, mask)


@MultiHeadAttention.misconception("softmax over the heads")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your softmax runs along the heads, so that they compete. Each head shares out a weight of 1
    of its own, among the keys: the last axis."""
    q, k, v = self.split(query, key, value)
    return self.weigh(_scores(q, k), v, mask, dim=1)


@MultiHeadAttention.misconception("softmax over the queries")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your softmax runs along the queries (dim −2). Each query shares out its own weight of 1 among
    the keys: dim −1."""
    q, k, v = self.split(query, key, value)
    return self.weigh(_scores(q, k), v, mask, dim=-2)


@MultiHeadAttention.misconception("mask not passed on")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The mask stops here: pass it on to scaled_dot_product_attention."""
    return self.attend(*self.split(query, key, value), None)


@MultiHeadAttention.misconception("mask inverted")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your mask works the other way round. Here True means "may attend"; it is in
    nn.MultiheadAttention that True means "hidden"."""
    return self.attend(*self.split(query, key, value), None if mask is None else ~mask)


@MultiHeadAttention.misconception("an axis for the heads added to the mask")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You add an axis to the mask by unsqueeze(1). It comes with one for the heads already,
    (batch, num_heads, queries, keys) with 1 wherever it serves all: pass it on as it is."""
    if mask is not None:
        mask = mask.unsqueeze(1)
    return self.attend(*self.split(query, key, value), mask)


def _with_an_axis_more(self, query, key, value, mask, merge):
    """Unsqueezes the mask: merge_heads gets five axes, and what comes of it is up to the student's
    own."""
    q, k, v = self.split(query, key, value)
    if mask is not None:
        mask = mask.unsqueeze(1)
    heads, weights = pieces.scaled_dot_product_attention(
        q, k, v, mask, self.dropout if self.training else 0.0
    )
    return self.out_proj(merge(heads)), weights


@MultiHeadAttention.misconception("an axis added to the mask, heads flattened")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You add an axis to the mask by unsqueeze(1), and merge_heads gets one too many. The mask has
    one for the heads already, (batch, num_heads, queries, keys) with 1 wherever it serves all: pass
    it on as it is."""
    return _with_an_axis_more(
        self, query, key, value, mask, lambda heads: heads.transpose(1, 2).flatten(2)
    )


@MultiHeadAttention.misconception("an axis added to the mask, heads' shape taken apart")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You add an axis to the mask by unsqueeze(1), and merge_heads gets five instead of four. The
    mask has one for the heads already, (batch, num_heads, queries, keys) with 1 wherever it serves
    all: pass it on as it is."""

    def merge(heads):
        batch, num_heads, length, d_head = heads.shape
        return heads.transpose(1, 2).reshape(batch, length, num_heads * d_head)

    return _with_an_axis_more(self, query, key, value, mask, merge)


@MultiHeadAttention.misconception("the first head's mask for all")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You use the mask of the first head for all of them. Each head may have its own; pass the
    whole mask on, it broadcasts by itself."""
    return self.attend(
        *self.split(query, key, value), None if mask is None else mask[:, :1].clone()
    )


@MultiHeadAttention.misconception("mask added to the scores")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You add the mask to the scores. Adding True is adding 1; a boolean mask says where to fill
    with −inf. Your scaled_dot_product_attention does it: call it."""
    q, k, v = self.split(query, key, value)
    return self.weigh(_scores(q, k) if mask is None else _scores(q, k) + mask, v, None)


@MultiHeadAttention.misconception("scores multiplied by the mask")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You multiply the scores by the mask. A score of 0 still gets weight, because exp(0) = 1; fill
    with −inf. Your scaled_dot_product_attention does it: call it."""
    q, k, v = self.split(query, key, value)
    return self.weigh(_scores(q, k) if mask is None else _scores(q, k) * mask, v, None)


@MultiHeadAttention.misconception("masked after the softmax")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You set weights to zero after the softmax, so that the rest no longer adds up to 1. Mask the
    scores before it, as your scaled_dot_product_attention does."""
    q, k, v = self.split(query, key, value)
    weights = pieces.softmax(_scores(q, k), -1)
    if mask is not None:
        weights = weights * mask
    used = F.dropout(weights, self.dropout, self.training)
    return self.out_proj(pieces.merge_heads(used @ v)), weights


@MultiHeadAttention.misconception("empty row gives NaN")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """A query that may attend to nothing gets NaN: torch.softmax turns a row of −inf into NaN. Your
    scaled_dot_product_attention from lesson 02 gives zeros there: call it."""
    q, k, v = self.split(query, key, value)
    return self.weigh(_scores(q, k), v, mask, soften=torch.softmax)


@MultiHeadAttention.misconception("empty row attends to everything")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """A query that may attend to nothing gets an equal share of everything: its scores are all the
    same −1e9. Your scaled_dot_product_attention from lesson 02 gives zeros there: call it."""
    q, k, v = self.split(query, key, value)
    return self.weigh(_scores(q, k), v, mask, fill=-1e9, soften=torch.softmax)


@MultiHeadAttention.misconception("weights averaged over the heads")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You return one matrix of weights, averaged over the heads, as nn.MultiheadAttention does
    unless it is told otherwise. Return them all: (batch, num_heads, queries, keys)."""
    output, weights = self.attend(*self.split(query, key, value), mask)
    return output, weights.mean(1)


@MultiHeadAttention.misconception("the first head's weights only")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You return the weights of one head. Return them all: (batch, num_heads, queries, keys)."""
    output, weights = self.attend(*self.split(query, key, value), mask)
    return output, weights[:, 0]


@MultiHeadAttention.misconception("output only")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You return the output alone. The weights are asked for too: return output, weights."""
    return self.attend(*self.split(query, key, value), mask)[0]


@MultiHeadAttention.misconception("None for the weights")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The weights you return are None. Return those of scaled_dot_product_attention: output,
    weights."""
    return self.attend(*self.split(query, key, value), mask)[0], None


@MultiHeadAttention.misconception("swapped results")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You return the weights first. The exercise asks for (output, weights)."""
    output, weights = self.attend(*self.split(query, key, value), mask)
    return weights, output


# What is wrong with forward: dropout, side effects, gradients.
@MultiHeadAttention.misconception("dropout forgotten")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """dropout is never used. In training, hand it to scaled_dot_product_attention, which drops
    weights with that probability."""
    heads, weights = pieces.scaled_dot_product_attention(*self.split(query, key, value), mask)
    return self.out_proj(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("dropout always on")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Weights are dropped after eval() too. Dropout belongs to training: hand on
    self.dropout if self.training else 0.0."""
    heads, weights = pieces.scaled_dot_product_attention(
        *self.split(query, key, value), mask, self.dropout
    )
    return self.out_proj(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("dropout the other way round")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your dropout is on after eval() and off in training: it is the other way round."""
    heads, weights = pieces.scaled_dot_product_attention(
        *self.split(query, key, value), mask, 0.0 if self.training else self.dropout
    )
    return self.out_proj(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("the probability in the mask's place")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The fourth argument of scaled_dot_product_attention is the mask and the fifth is dropout_p.
    You hand a number over where the mask belongs."""
    p = self.dropout if self.training else 0.0
    heads, weights = pieces.scaled_dot_product_attention(*self.split(query, key, value), p)
    return self.out_proj(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("a module for a probability")
class _(_Projections):
    """scaled_dot_product_attention wants the probability, a number. You hand it an nn.Dropout: keep
    self.dropout = dropout."""

    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, dropout, bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key, value, mask=None):
        heads, weights = pieces.scaled_dot_product_attention(
            *self.split(query, key, value), mask, self.dropout
        )
        return self.out_proj(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("dropout on the output")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You drop numbers of the output. Dropout acts on the attention weights, before they meet the
    values: hand the probability to scaled_dot_product_attention."""
    heads, weights = pieces.scaled_dot_product_attention(*self.split(query, key, value), mask)
    output = self.out_proj(pieces.merge_heads(heads))
    return F.dropout(output, self.dropout, self.training), weights


@MultiHeadAttention.misconception("dropped weights returned")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The weights you return have been through dropout. Return the ones from before, as your
    scaled_dot_product_attention does."""
    q, k, v = self.split(query, key, value)
    _, weights = pieces.scaled_dot_product_attention(q, k, v, mask)
    weights = F.dropout(weights, self.dropout, self.training)
    return self.out_proj(pieces.merge_heads(weights @ v)), weights


@MultiHeadAttention.misconception("weights dropped too late")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """You drop weights after they have met the values, so that only those you return have gaps.
    Hand the probability to scaled_dot_product_attention, and return its weights as they are."""
    heads, weights = pieces.scaled_dot_product_attention(*self.split(query, key, value), mask)
    weights = F.dropout(weights, self.dropout, self.training)
    return self.out_proj(pieces.merge_heads(heads)), weights


@MultiHeadAttention.misconception("mask changed in place")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """Your call changes the caller's mask. Write ~mask, which makes a new one, and no method that
    ends in _."""
    kept = None if mask is None else mask.clone()
    if mask is not None:
        mask.logical_not_()
    return self.attend(*self.split(query, key, value), kept)


@MultiHeadAttention.misconception("cut off from the graph")
@wrong_forward(_Projections)
def _(self, query, key, value, mask):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off from the weights."""
    with torch.no_grad():
        return self.attend(*self.split(query, key, value), mask)
