"""Two linear layers and a nonlinearity, for every word alone."""

from functools import partial
from typing import Any

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
)
from autograder.checks.wrong_module import wrong_forward
from workbook import pieces

_GELU_TANH = partial(F.gelu, approximate="tanh")
_ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "gelu_tanh": _GELU_TANH, "silu": F.silu}


FeedForward = Exercise("FeedForward", reference=pieces.FeedForward)
_THOUGHT = ("The result, at [sentence, word, feature],",)


def _thinking(draw: Draw, **construct: Any) -> Case:
    batch, length, d_model, d_ff = draw.sizes(4, low=3)
    x = draw.normal(batch, length, d_model, scale=d_model**-0.5)
    return Case((x,), {}, {"d_model": d_model, "d_ff": d_ff, **construct})


parameters_named(FeedForward, _thinking, points=0.5)
equals_reference(
    FeedForward,
    _thinking,
    _THOUGHT,
    name="linear, ReLU, linear",
    points=1.5,
    says="linear1 leads from d_model to d_ff features, then the activation (ReLU unless told "
    "otherwise), then linear2 back to d_model.",
)


@FeedForward.property("every activation", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """activation is "relu", "gelu" (exact), "gelu_tanh" (the approximation by tanh) or "silu"."""
    for activation in _ACTIVATIONS:
        case = _thinking(draw, activation=activation)
        asked, oracle = beside(FeedForward, piece, case, draw)
        what = f'With activation="{activation}", the result'
        expect.close(asked(*case.args), oracle(*case.args).detach(), what)


@FeedForward.property("an unknown activation is refused", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Any other activation should raise a ValueError in the constructor."""
    expect.raises(
        ValueError,
        lambda: piece.construct(4, 6, activation="sine"),
        'activation="sine" was none of the four, and that should be a ValueError.',
    )


@FeedForward.property("dropout inside, in training", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, the hidden features, behind the activation, are dropped with the probability
    dropout; the survivors are divided by 1 − dropout."""
    d_ff, rate = draw.integer(9, 12), draw.uniform(0.25, 0.33)  # far from 0.1 and 0.5
    # linear2 shows the hidden features twice: what it drops itself differs between the copies.
    twice = torch.eye(d_ff, dtype=torch.float64).repeat(2, 1)
    weights = {
        "linear1.weight": draw.normal(d_ff, 2 * d_ff, scale=(2 * d_ff) ** -0.5),
        "linear1.bias": draw.normal(d_ff),
        "linear2.weight": twice,
        "linear2.bias": torch.zeros(2 * d_ff, dtype=torch.float64),
    }
    instance = piece.construct(2 * d_ff, d_ff, rate, "gelu").to(torch.float64).train()
    expect.that(not instance.load(weights), "The check can't set the weights: see above.")
    x = draw.normal(7, 13, 2 * d_ff)
    hidden = F.gelu(F.linear(x, weights["linear1.weight"], weights["linear1.bias"]))
    piece.seed(draw.integer(0, 2**31))
    found, twin = expect.shape(instance(x), x.shape, "The result").chunk(2, dim=-1)
    dropped = found == 0
    if torch.allclose(found, hidden) and torch.allclose(twin, hidden):
        raise expect.Mismatch("Nothing was dropped.")
    if not torch.equal(dropped, twin == 0):
        again = torch.allclose(found[~dropped], (hidden / (1 - rate) ** 2)[~dropped])
        raise expect.Mismatch(
            f"Numbers of the output were dropped{', and hidden features too' if again else ''}."
        )
    expect.that(
        bool(dropped.any()),
        "The hidden features are other than they should be, and none is 0: what was dropped lies "
        "in front of linear1.",
    )
    # Of at least 819 numbers: five standard deviations are 0.09.
    share = dropped.double().mean().item()
    expect.that(abs(share - rate) < 0.09, "The share of dropped features is not `dropout`.")
    if torch.allclose(found[~dropped], hidden[~dropped]):
        raise expect.Mismatch("The survivors were not divided by 1 − dropout.")
    expect.that(
        torch.allclose(found, torch.where(dropped, 0.0, hidden / (1 - rate)), rtol=1e-9),
        "What is left are not the hidden features divided by 1 − dropout.",
    )


gradients_flow(FeedForward, _thinking, of=("x",), points=0.25)
inputs_stay(FeedForward, _thinking, points=0.25)


class _Thinking(nn.Module):
    """The part that most wrong answers get right."""

    activations = _ACTIVATIONS

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__()
        if activation not in self.activations:
            raise ValueError(activation)
        self.activation = self.activations[activation]
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@FeedForward.misconception("activation ignored")
class _(_Thinking):
    """You always use ReLU. activation says which one: look it up in a dictionary of the four."""

    activations = _ACTIVATIONS | {"gelu": F.relu, "gelu_tanh": F.relu, "silu": F.relu}


@FeedForward.misconception("no activation")
@wrong_forward(_Thinking)
def _(self, x):
    """There is no activation. Two linear layers, one behind the other, are one linear layer: all
    the extra features are for nothing."""
    return self.linear2(self.dropout(self.linear1(x)))


@FeedForward.misconception("activation at the end")
@wrong_forward(_Thinking)
def _(self, x):
    """Your activation stands behind linear2. It belongs between the two linear layers, on the d_ff
    hidden features."""
    return self.activation(self.linear2(self.dropout(self.linear1(x))))


@FeedForward.misconception("activation twice")
@wrong_forward(_Thinking)
def _(self, x):
    """There is a second activation behind linear2. The result has to be free to become negative: it
    is added to the residual road. Activate the hidden features only."""
    return self.activation(self.linear2(self.dropout(self.activation(self.linear1(x)))))


@FeedForward.misconception("activation in front")
@wrong_forward(_Thinking)
def _(self, x):
    """You activate x, in front of linear1. The activation stands between the two linear layers."""
    return self.linear2(self.dropout(self.linear1(self.activation(x))))


@FeedForward.misconception("gelu by its approximation")
class _(_Thinking):
    """Your "gelu" is the approximation by tanh. "gelu" is the exact one, F.gelu(x); the
    approximation is called "gelu_tanh"."""

    activations = _ACTIVATIONS | {"gelu": _GELU_TANH}


@FeedForward.misconception("gelu_tanh exact")
class _(_Thinking):
    """Your "gelu_tanh" is the exact GELU. The approximation, which GPT-2 uses, is F.gelu(x,
    approximate="tanh")."""

    activations = _ACTIVATIONS | {"gelu_tanh": F.gelu}


@FeedForward.misconception("tanh for gelu_tanh")
class _(_Thinking):
    """Your "gelu_tanh" is tanh. It is GELU, approximated with the help of tanh: F.gelu(x,
    approximate="tanh")."""

    activations = _ACTIVATIONS | {"gelu_tanh": torch.tanh}


@FeedForward.misconception("sigmoid for silu")
class _(_Thinking):
    """Your "silu" is the sigmoid. SiLU is x times the sigmoid of x: F.silu."""

    activations = _ACTIVATIONS | {"silu": torch.sigmoid}


@FeedForward.misconception("relu for silu")
class _(_Thinking):
    """Your "silu" is ReLU. SiLU is smooth, x times the sigmoid of x: F.silu."""

    activations = _ACTIVATIONS | {"silu": F.relu}


@FeedForward.misconception("leaky ReLU")
class _(_Thinking):
    """Your "relu" lets a bit of the negative numbers through (leaky ReLU). ReLU is 0 there:
    F.relu."""

    activations = _ACTIVATIONS | {"relu": F.leaky_relu}


@FeedForward.misconception("the activation looked up in torch")
class _(_Thinking):
    """You look the name up in torch.nn.functional. Two of the four are called so there; "gelu_tanh"
    isn't, and neither would a wrong name be refused by a ValueError. Use a dictionary of your own,
    with four entries."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, dropout)
        self.activation = getattr(F, activation)


@FeedForward.misconception("the name called")
class _(_Thinking):
    """You keep the activation's name and call that: a string is no function. Look it up in a
    dictionary, name → function, and keep the function."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, dropout, activation)
        self.activation = activation


@FeedForward.misconception("a KeyError for the ValueError")
class _(_Thinking):
    """A dictionary answers an unknown name with a KeyError. The exercise asks for a ValueError, and
    a sentence that lists what there is: ask `if activation not in …` first."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        chosen = _ACTIVATIONS[activation]
        super().__init__(d_model, d_ff, dropout)
        self.activation = chosen


@FeedForward.misconception("nobody refused")
class _(_Thinking):
    """An unknown activation is taken for another one, without a word: a typing error would cost
    somebody a day. Raise a ValueError."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(
            d_model, d_ff, dropout, activation if activation in _ACTIVATIONS else "relu"
        )


@FeedForward.misconception("dropout forgotten")
@wrong_forward(_Thinking)
def _(self, x):
    """dropout is never used. Drop hidden features, behind the activation: an nn.Dropout(dropout)
    there."""
    return self.linear2(self.activation(self.linear1(x)))


@FeedForward.misconception("dropout always on")
@wrong_forward(_Thinking)
def _(self, x):
    """Features are dropped after eval() too. F.dropout doesn't know about eval() unless you pass
    training=self.training; nn.Dropout does."""
    return self.linear2(F.dropout(self.activation(self.linear1(x)), self.dropout.p))


@FeedForward.misconception("dropout at the end")
@wrong_forward(_Thinking)
def _(self, x):
    """You drop numbers of the result. Here the hidden features are dropped, between the activation
    and linear2. (The result meets another dropout later, in the residual.)"""
    return self.dropout(self.linear2(self.activation(self.linear1(x))))


@FeedForward.misconception("dropout in both places")
@wrong_forward(_Thinking)
def _(self, x):
    """You drop hidden features, and then numbers of the result too. The result meets its dropout
    later, in the residual: here it is one too many."""
    return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))


@FeedForward.misconception("dropout before the activation")
@wrong_forward(_Thinking)
def _(self, x):
    """You drop before the activation. With ReLU that is the same, with GELU and SiLU it isn't: the
    survivors are made larger and then bent. Drop behind the activation."""
    return self.linear2(self.activation(self.dropout(self.linear1(x))))


@FeedForward.misconception("dropout on the input")
@wrong_forward(_Thinking)
def _(self, x):
    """You drop features of x. Drop hidden ones, behind the activation."""
    return self.linear2(self.activation(self.linear1(self.dropout(x))))


@FeedForward.misconception("always the same dropout")
class _(_Thinking):
    """Your rate is always the same. Use the one that was passed: nn.Dropout(dropout). (nn.Dropout()
    alone drops half.)"""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, 0.5, activation)


@FeedForward.misconception("survivors not divided")
@wrong_forward(_Thinking)
def _(self, x):
    """You set features to 0 and leave the others as they are. The survivors are divided by 1 −
    dropout, so that linear2 gets as much on average; nn.Dropout does both."""
    hidden = self.activation(self.linear1(x))
    if self.training:
        hidden = hidden * (torch.rand_like(hidden) >= self.dropout.p)
    return self.linear2(hidden)


@FeedForward.misconception("sizes the other way round")
class _(_Thinking):
    """Your linear1 leads from d_ff to d_model. x has d_model features: linear1 is d_model → d_ff,
    linear2 is d_ff → d_model. nn.Linear takes (in, out)."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_ff, d_model, dropout, activation)


@FeedForward.misconception("no room inside")
class _(_Thinking):
    """Both of your layers are d_model → d_model, and d_ff is never used. linear1 leads to d_ff
    features, linear2 back."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_model, dropout, activation)


@FeedForward.misconception("other names")
class _(nn.Module):
    """The parameters have other names than the exercise asks: linear1 and linear2. Names are how
    weights are exchanged with other implementations."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(activation)
        self.net = nn.Sequential(
            nn.Linear(d_model, d_ff), nn.ReLU(), nn.Dropout(dropout), nn.Linear(d_ff, d_model)
        )

    def forward(self, x):
        return self.net(x)


@FeedForward.misconception("no bias")
class _(_Thinking):
    """Your linear layers have no bias. Both have one here: nn.Linear(d_model, d_ff)."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, dropout, activation)
        self.linear1 = nn.Linear(d_model, d_ff, bias=False)
        self.linear2 = nn.Linear(d_ff, d_model, bias=False)


@FeedForward.misconception("residual inside")
@wrong_forward(_Thinking)
def _(self, x):
    """You add x to the result. The residual has an exercise of its own, and every block uses it:
    here x would be added twice in the end."""
    return x + self.linear2(self.dropout(self.activation(self.linear1(x))))


@FeedForward.misconception("normalised inside")
@wrong_forward(_Thinking)
def _(self, x):
    """You normalise x inside. That happens outside, in the residual, with a norm of its own: here
    are two linear layers and the activation only."""
    return self.linear2(self.dropout(self.activation(self.linear1(F.layer_norm(x, x.shape[-1:])))))


@FeedForward.misconception("a norm of its own")
class _(_Thinking):
    """There is a layer norm inside. The norm belongs to the block, which hands it to residual: here
    are two linear layers and the activation only."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, dropout, activation)
        self.norm = pieces.LayerNorm(d_model)

    def forward(self, x):
        return super().forward(self.norm(x))


@FeedForward.misconception("hidden features returned")
@wrong_forward(_Thinking)
def _(self, x):
    """You return the d_ff hidden features. linear2 leads back to d_model."""
    return self.dropout(self.activation(self.linear1(x)))


@FeedForward.misconception("new layers at every call")
class _(nn.Module):
    """You make the linear layers inside forward, so that every call starts from new random ones.
    Make them once, in __init__."""

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(activation)
        self.sizes = (d_model, d_ff, dropout, activation)

    def forward(self, x):
        return _Thinking(*self.sizes).to(x)(x)


@FeedForward.misconception("cut off from the graph")
@wrong_forward(_Thinking)
def _(self, x):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off."""
    return self.linear2(self.dropout(self.activation(self.linear1(x)))).detach()
