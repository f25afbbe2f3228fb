"""Queries, keys and values out of the same words."""

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    gradients_flow,
    inputs_stay,
)
from workbook import pieces

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
