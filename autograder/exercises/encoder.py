"""Lesson 05: layer norm, feed-forward, residual, the padding mask, the layer, the stack, a tagger.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel import made
from autograder.channel.piece import Instance, Piece, PieceRaised
from autograder.channel.wire import Made
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

Change = Callable[..., Any]

_GELU_TANH = partial(F.gelu, approximate="tanh")
_ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "gelu_tanh": _GELU_TANH, "silu": F.silu}


def _same_twice(instance: Instance, *args: Any) -> None:
    once, again = (expect.tensor(instance(*args), "What comes back") for _ in range(2))
    expect.that(torch.equal(once, again), "Two calls with the same input give different outputs.")


# ---- LayerNorm ---------------------------------------------------------------------------------

LayerNorm = Exercise(
    "LayerNorm",
    reference=pieces.LayerNorm,
    forbidden=("layer_norm", "native_layer_norm", "rms_norm", "group_norm", "batch_norm"),
)
_NORMED = ("The result, at [sentence, word, feature],",)


def _unlike_words(draw: Draw, **construct: Any) -> Case:
    """Sentences whose words have means and spreads of their own, none of them 0 and 1."""
    batch, length, d_model = draw.sizes(3, low=3)
    spread = draw.normal(batch, length, 1).abs() + 0.5
    x = draw.normal(batch, length, d_model) * spread + 2 * draw.normal(batch, length, 1)
    return Case((x,), {}, {"d_model": d_model, **construct})


parameters_named(LayerNorm, _unlike_words, points=0.5)


@LayerNorm.property("a new one only normalises", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """weight starts at 1 everywhere and bias at 0, so that a new layer norm neither scales nor
    shifts."""
    d_model = draw.integer(4, 7)
    start = piece.construct(d_model).parameters()
    for name, value in (("weight", 1.0), ("bias", 0.0)):
        found = expect.shape(start.get(name), (d_model,), f"The parameter {name}")
        expect.that(bool((found == value).all()), f"{name} should start at {value:g} everywhere.")


equals_reference(
    LayerNorm,
    _unlike_words,
    _NORMED,
    name="each word by its own mean and deviation",
    points=2,
    says="From each word's features, their mean is subtracted; the rest is divided by "
    "√(variance + eps), times weight, plus bias. The variance is the biased one: divided by "
    "d_model.",
)


@LayerNorm.property("eps inside the root", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """eps is added to the variance, inside the root, and it is the one that was passed."""
    for eps in (draw.uniform(0.2, 0.6), draw.uniform(1.0, 2.0)):
        case = _unlike_words(draw, eps=eps)
        asked, oracle = beside(LayerNorm, piece, case, draw)
        expect.close(asked(*case.args), oracle(*case.args).detach(), _NORMED[0])


@LayerNorm.property("any number of dimensions before the last", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Only the last dimension is averaged over, whatever stands before it: (d_model,), (length,
    d_model), (batch, heads, length, d_model) …"""
    *sizes, d_model = draw.sizes(4)
    case = Case(construct={"d_model": d_model})
    asked, oracle = beside(LayerNorm, piece, case, draw)
    for count in (0, 1, 3):
        x = draw.normal(*sizes[:count], d_model) + 1
        expect.close(asked(x), oracle(x).detach(), f"The result for an x of shape {tuple(x.shape)}")


@LayerNorm.property("features that are all equal", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A word whose features are all the same has a variance of 0. Thanks to eps its result is the
    bias, and no gradient becomes NaN."""
    case = _unlike_words(draw)
    case.args[0][0, 0] = float(draw.integer(1, 9))
    case = case.changed(lambda tensor: tensor.requires_grad_())
    asked, oracle = beside(LayerNorm, piece, case, draw)
    wanted = oracle(*case.args).detach()
    found = asked.gradients(*case.args, cotangents=[draw.normal(*wanted.shape)])
    expect.close(expect.finite(found.value, "The result"), wanted, _NORMED[0], tolerance=1e-8)
    expect.that(found.inputs[0] is not None, "No gradient flows back to x.")
    expect.finite(found.inputs[0], "The gradient of x")


gradients_flow(LayerNorm, _unlike_words, of=("x",), points=0.5)
inputs_stay(LayerNorm, _unlike_words, points=0.25)
single_precision(LayerNorm, _unlike_words, _NORMED, points=0.25)


class _Norm(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        return pieces.LayerNorm.forward(self, x)


def _wrong_forward(base: type[nn.Module]) -> Callable[[Change], type[nn.Module]]:
    """A module that is right but for its forward."""

    def wrap(change: Change) -> type[nn.Module]:
        class Wrong(base):
            def forward(self, x):
                return change(self, x)

        Wrong.__doc__ = change.__doc__
        return Wrong

    return wrap


def _over(x: torch.Tensor, dim: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and biased variance over these dimensions, kept."""
    return x.mean(dim, keepdim=True), x.var(dim, unbiased=False, keepdim=True)


def _normed(self, x: torch.Tensor, mean: Any, variance: Any) -> torch.Tensor:
    return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("the unbiased variance")
@_wrong_forward(_Norm)
def _(self, x):
    """You take the unbiased variance, divided by d_model − 1: that is what var() and std() give
    unless told otherwise. Layer norm divides by d_model: var(-1, unbiased=False), or the mean of
    the squared differences."""
    return _normed(self, x, x.mean(-1, keepdim=True), x.var(-1, keepdim=True))


@LayerNorm.misconception("eps outside the root")
@_wrong_forward(_Norm)
def _(self, x):
    """You add eps to the standard deviation. It belongs inside the root, to the variance:
    √(variance + eps). Outside, a word with equal features gets a gradient of NaN, because the slope
    of the root at 0 is infinite."""
    mean, variance = _over(x, -1)
    return (x - mean) / (variance.sqrt() + self.eps) * self.weight + self.bias


@LayerNorm.misconception("the unbiased deviation, and eps outside the root")
@_wrong_forward(_Norm)
def _(self, x):
    """Two things at once, and both are in a version that is often copied: std() is the unbiased
    deviation (divided by d_model − 1), and eps is added outside the root. Use the biased variance,
    and √(variance + eps)."""
    deviation = x.std(-1, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / (deviation + self.eps) * self.weight + self.bias


@LayerNorm.misconception("eps forgotten")
@_wrong_forward(_Norm)
def _(self, x):
    """eps is never used. Add it to the variance, inside the root; otherwise a word with equal
    features is divided by 0."""
    mean, variance = _over(x, -1)
    return (x - mean) / variance.sqrt() * self.weight + self.bias


@LayerNorm.misconception("eps forgotten, the unbiased deviation")
@_wrong_forward(_Norm)
def _(self, x):
    """Two things: std() is the unbiased deviation, divided by d_model − 1, and eps is never used.
    Take the biased variance, and √(variance + eps)."""
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * self.weight + self.bias


@LayerNorm.misconception("always the same eps")
@_wrong_forward(_Norm)
def _(self, x):
    """You always add 1e-5. Keep the eps of the constructor (self.eps = eps) and use that one."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + 1e-5) * self.weight + self.bias


@LayerNorm.misconception("eps added to the quotient")
@_wrong_forward(_Norm)
def _(self, x):
    """You add eps to the quotient. It belongs to the variance, under the root: parentheses are
    missing."""
    mean, variance = _over(x, -1)
    return ((x - mean) / variance.sqrt() + self.eps) * self.weight + self.bias


@LayerNorm.misconception("eps squared")
@_wrong_forward(_Norm)
def _(self, x):
    """You add eps² to the variance. Add eps itself."""
    mean, variance = _over(x, -1)
    return _normed(self, x, mean, variance + self.eps**2 - self.eps)


@LayerNorm.misconception("divided by the variance")
@_wrong_forward(_Norm)
def _(self, x):
    """You divide by the variance. Divide by its root, the standard deviation: only then do features
    that are twice as large give the same result."""
    mean, variance = _over(x, -1)
    return (x - mean) / (variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("the mean kept")
@_wrong_forward(_Norm)
def _(self, x):
    """You divide x as it is. Subtract the mean first: (x − mean) / √(variance + eps)."""
    return _normed(self, x, 0.0, _over(x, -1)[1])


@LayerNorm.misconception("RMS norm")
@_wrong_forward(_Norm)
def _(self, x):
    """You divide by the root of the mean square, and subtract no mean. That is RMS norm, which
    newer models use. Layer norm subtracts the mean first, and divides by the deviation."""
    return _normed(self, x, 0.0, x.square().mean(-1, keepdim=True))


@LayerNorm.misconception("the mean square for the variance")
@_wrong_forward(_Norm)
def _(self, x):
    """Your variance is the mean of x². It is the mean of (x − mean)²."""
    return _normed(self, x, x.mean(-1, keepdim=True), x.square().mean(-1, keepdim=True))


@LayerNorm.misconception("the mean not squared")
@_wrong_forward(_Norm)
def _(self, x):
    """Your variance is the mean of x² minus the mean. The mean has to be squared too; or take the
    mean of (x − mean)², which is the same and easier to get right."""
    mean = x.mean(-1, keepdim=True)
    return _normed(self, x, mean, x.square().mean(-1, keepdim=True) - mean)


@LayerNorm.misconception("the deviation in the variance's place")
@_wrong_forward(_Norm)
def _(self, x):
    """You take the root of the standard deviation, which is a root already. Under the root stands
    the variance, var(…) and not std(…), plus eps."""
    mean, variance = _over(x, -1)
    return _normed(self, x, mean, variance.sqrt())


@LayerNorm.misconception("the squares added up")
@_wrong_forward(_Norm)
def _(self, x):
    """You add the squared differences up. The variance is their mean: divide by d_model."""
    mean = x.mean(-1, keepdim=True)
    return _normed(self, x, mean, (x - mean).square().sum(-1, keepdim=True))


@LayerNorm.misconception("parentheses missing")
@_wrong_forward(_Norm)
def _(self, x):
    """Only the mean is divided: x − mean / √… is x − (mean / √…). Write (x − mean) / √(variance +
    eps)."""
    mean, variance = _over(x, -1)
    return (x - mean / torch.sqrt(variance + self.eps)) * self.weight + self.bias


@LayerNorm.misconception("no parentheses at all")
@_wrong_forward(_Norm)
def _(self, x):
    """Without parentheses only the mean is divided, and only the mean is scaled: x − mean / √… ·
    weight is x − (mean / √… · weight). Write (x − mean) / √(variance + eps) · weight + bias."""
    mean, variance = _over(x, -1)
    return x - mean / torch.sqrt(variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("over the sentences")
@_wrong_forward(_Norm)
def _(self, x):
    """You average over dimension 0, the sentences of the batch. Then a word's result depends on
    what else is in the batch. Layer norm averages over the last dimension, a word's own
    features."""
    return _normed(self, x, *_over(x, 0))


@LayerNorm.misconception("over the words")
@_wrong_forward(_Norm)
def _(self, x):
    """You average over dimension 1, the words. Layer norm averages over the last dimension, so that
    each word is normalised by itself."""
    return _normed(self, x, *_over(x, 1 if x.ndim > 1 else 0))


@LayerNorm.misconception("batch norm")
@_wrong_forward(_Norm)
def _(self, x):
    """You average each feature over all words of all sentences. That is batch norm. Layer norm
    turns it round: for each word, over all its features, dim=-1."""
    return _normed(self, x, *_over(x, tuple(range(x.ndim - 1)) or 0))


@LayerNorm.misconception("over the whole batch")
@_wrong_forward(_Norm)
def _(self, x):
    """You take one mean and one deviation of all numbers. Each word has its own: mean(-1,
    keepdim=True)."""
    return _normed(self, x, x.mean(), x.var(unbiased=False))


@LayerNorm.misconception("over the whole batch, the unbiased deviation")
@_wrong_forward(_Norm)
def _(self, x):
    """Without a dimension, mean() and std() or var() are taken over all numbers of the batch, and
    var() and std() divide by one less than their count. Each word has a mean and a biased variance
    of its own: (-1, keepdim=True)."""
    return _normed(self, x, x.mean(), x.var())


@LayerNorm.misconception("over the whole batch, eps outside the root")
@_wrong_forward(_Norm)
def _(self, x):
    """Without a dimension, mean() and std() are taken over all numbers of the batch. Each word has
    a mean and a deviation of its own: (-1, keepdim=True). And take care: std() divides by one less
    than the count, and eps belongs inside the root."""
    return (x - x.mean()) / (x.std() + self.eps) * self.weight + self.bias


@LayerNorm.misconception("over the words, the unbiased variance")
@_wrong_forward(_Norm)
def _(self, x):
    """You average over dimension 1, the words, and var() divides by one less than their number.
    Layer norm averages over the last dimension, -1, and takes the biased variance."""
    dim = 1 if x.ndim > 1 else 0
    return _normed(self, x, x.mean(dim, keepdim=True), x.var(dim, keepdim=True))


@LayerNorm.misconception("over words and features, the unbiased variance")
@_wrong_forward(_Norm)
def _(self, x):
    """You average over the words of a sentence as well as over the features. Only the last
    dimension counts, -1; and var() divides by one less than the number unless you say
    unbiased=False."""
    dim = (-2, -1) if x.ndim > 1 else -1
    return _normed(self, x, x.mean(dim, keepdim=True), x.var(dim, keepdim=True))


@LayerNorm.misconception("over words and features")
@_wrong_forward(_Norm)
def _(self, x):
    """You average over the words of a sentence as well as over the features. The longer the
    sentence, the other the result. Only the last dimension: dim=-1."""
    return _normed(self, x, *_over(x, (-2, -1) if x.ndim > 1 else -1))


@LayerNorm.misconception("the dimension forgotten for the variance")
@_wrong_forward(_Norm)
def _(self, x):
    """Your mean is each word's own, and your variance is one number for the whole batch: it needs a
    dimension too."""
    return _normed(self, x, x.mean(-1, keepdim=True), x.var(unbiased=False))


@LayerNorm.misconception("keepdim forgotten")
@_wrong_forward(_Norm)
def _(self, x):
    """mean(-1) and var(-1) drop the last dimension, and then the result doesn't line up with x any
    more. keepdim=True keeps it, with size 1."""
    return _normed(self, x, x.mean(-1), x.var(-1, unbiased=False))


@LayerNorm.misconception("the dimension counted from the front")
@_wrong_forward(_Norm)
def _(self, x):
    """Your dimension is counted from the front, so it is the right one for (batch, length, d_model)
    only. Count from the back: dim=-1 is the last one of any tensor."""
    return _normed(self, x, *_over(x, 2))


@LayerNorm.misconception("divided by the length of the vector")
@_wrong_forward(_Norm)
def _(self, x):
    """You divide by the length (norm) of the vector, which is √d_model times the deviation. The
    result should have a variance of 1, not a length of 1."""
    centred = x - x.mean(-1, keepdim=True)
    return F.normalize(centred, dim=-1) * self.weight + self.bias


@LayerNorm.misconception("the mean difference for the deviation")
@_wrong_forward(_Norm)
def _(self, x):
    """You take the mean of the absolute differences. The deviation is the root of the mean of their
    squares."""
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / ((x - mean).abs().mean(-1, keepdim=True) + self.eps) * (
        self.weight
    ) + self.bias


@LayerNorm.misconception("weight and bias unused")
@_wrong_forward(_Norm)
def _(self, x):
    """You normalise, and stop. Multiply by weight and add bias, so that the network can choose the
    scale it needs."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps)


@LayerNorm.misconception("weight and bias unused, the unbiased variance")
@_wrong_forward(_Norm)
def _(self, x):
    """Two things: var() divides by d_model − 1 unless you say unbiased=False, and what you have
    normalised is neither multiplied by weight nor is bias added."""
    variance = x.var(-1, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + self.eps)


@LayerNorm.misconception("weight and bias unused, the unbiased deviation, eps outside the root")
@_wrong_forward(_Norm)
def _(self, x):
    """Three things: std() is the unbiased deviation; eps belongs inside the root, √(variance +
    eps); and what you have normalised is neither multiplied by weight nor is bias added."""
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + self.eps)


@LayerNorm.misconception("weight unused")
@_wrong_forward(_Norm)
def _(self, x):
    """weight is never used: multiply the normalised features by it, then add bias."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) + self.bias


@LayerNorm.misconception("bias unused")
@_wrong_forward(_Norm)
def _(self, x):
    """bias is never used: add it at the end."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) * self.weight


@LayerNorm.misconception("weight and bias swapped")
@_wrong_forward(_Norm)
def _(self, x):
    """You multiply by bias and add weight. weight scales, bias shifts."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) * self.bias + self.weight


@LayerNorm.misconception("bias added before the scaling")
@_wrong_forward(_Norm)
def _(self, x):
    """You add bias before you multiply by weight. First times weight, then plus bias."""
    mean, variance = _over(x, -1)
    return ((x - mean) / torch.sqrt(variance + self.eps) + self.bias) * self.weight


@LayerNorm.misconception("bias added to weight")
@_wrong_forward(_Norm)
def _(self, x):
    """You multiply by the sum of weight and bias: parentheses too many. Times weight first, then
    plus bias."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) * (self.weight + self.bias)


@LayerNorm.misconception("scaled before it is normalised")
@_wrong_forward(_Norm)
def _(self, x):
    """You apply weight and bias first and normalise afterwards, which takes most of their effect
    away again. Normalise first."""
    scaled = x * self.weight + self.bias
    mean, variance = _over(scaled, -1)
    return (scaled - mean) / torch.sqrt(variance + self.eps)


@LayerNorm.misconception("x kept beside")
@_wrong_forward(_Norm)
def _(self, x):
    """You add x to the normalised x. That is a residual connection, which has an exercise of its
    own; LayerNorm only normalises."""
    return x + _normed(self, x, *_over(x, -1))


@LayerNorm.misconception("statistics cut off from the graph")
@_wrong_forward(_Norm)
def _(self, x):
    """The values are right and the gradient isn't: mean and variance depend on x too. Don't cut
    them off by detach() or torch.no_grad()."""
    with torch.no_grad():
        mean, variance = _over(x, -1)
    return _normed(self, x, mean, variance)


@LayerNorm.misconception("cut off from the graph")
@_wrong_forward(_Norm)
def _(self, x):
    """The values are right, but no gradient flows back: a .detach(), .data or torch.no_grad() cuts
    the result off."""
    with torch.no_grad():
        return _normed(self, x, *_over(x, -1))


@LayerNorm.misconception("x changed in place")
@_wrong_forward(_Norm)
def _(self, x):
    """Your call changes the caller's x: x -= mean and methods that end in _ work in place. Make a
    new tensor: centred = x - mean."""
    mean, variance = _over(x, -1)
    x -= mean
    return x / torch.sqrt(variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("weight starts at 0")
class _(_Norm):
    """weight starts at 0, so that a new layer norm returns nothing but bias. It starts at 1:
    torch.ones(d_model)."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)
        self.weight = nn.Parameter(torch.zeros(d_model))


@LayerNorm.misconception("bias starts at 1")
class _(_Norm):
    """bias starts at 1. It starts at 0, so that a new layer norm doesn't shift:
    torch.zeros(d_model)."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)
        self.bias = nn.Parameter(torch.ones(d_model))


@LayerNorm.misconception("random at first")
class _(_Norm):
    """weight and bias start at random numbers. A new layer norm only normalises: weight starts at
    1, bias at 0."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)
        self.weight = nn.Parameter(torch.randn(d_model))
        self.bias = nn.Parameter(torch.randn(d_model))


@LayerNorm.misconception("other names")
class _(nn.Module):
    """The parameters have other names than the exercise asks: weight and bias. (The paper calls
    them gain and bias, others gamma and beta.) Names are how weights are exchanged with other
    implementations."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(d_model))
        self.beta = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        mean, variance = _over(x, -1)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.gamma + self.beta


@LayerNorm.misconception("plain tensors for parameters")
class _(nn.Module):
    """weight and bias are no parameters: they are missing, or plain tensors, which no optimizer
    would ever see. Wrap them: nn.Parameter(torch.ones(d_model))."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight, self.bias, self.eps = torch.ones(d_model), torch.zeros(d_model), eps

    def forward(self, x):
        return _normed(self, x, *_over(x, -1))


@LayerNorm.misconception("buffers for parameters")
class _(nn.Module):
    """weight and bias are buffers: saved, but not learned. Make them nn.Parameter."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.register_buffer("weight", torch.ones(d_model))
        self.register_buffer("bias", torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        return _normed(self, x, *_over(x, -1))


@LayerNorm.misconception("one number for all features")
class _(_Norm):
    """weight and bias hold a single number. Each feature has one of its own: (d_model,)."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__(1, eps)

    def forward(self, x):
        return _normed(self, x, *_over(x, -1))


# ---- FeedForward -------------------------------------------------------------------------------

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

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(activation)
        self.activation = _ACTIVATIONS[activation]
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def _activated(**changed: Callable) -> type[nn.Module]:
    """A FeedForward in which these names stand for other functions."""

    class Wrong(_Thinking):
        def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
            super().__init__(d_model, d_ff, dropout, activation)
            self.activation = (_ACTIVATIONS | changed)[activation]

    return Wrong


def _thinks(change: Change) -> type[nn.Module]:
    return _wrong_forward(_Thinking)(change)


@FeedForward.misconception("activation ignored")
class _(_activated(gelu=F.relu, gelu_tanh=F.relu, silu=F.relu)):
    """You always use ReLU. activation says which one: look it up in a dictionary of the four."""


@FeedForward.misconception("no activation")
@_thinks
def _(self, x):
    """There is no activation. Two linear layers, one behind the other, are one linear layer: all
    the extra features are for nothing."""
    return self.linear2(self.dropout(self.linear1(x)))


@FeedForward.misconception("activation at the end")
@_thinks
def _(self, x):
    """Your activation stands behind linear2. It belongs between the two linear layers, on the d_ff
    hidden features."""
    return self.activation(self.linear2(self.dropout(self.linear1(x))))


@FeedForward.misconception("activation twice")
@_thinks
def _(self, x):
    """There is a second activation behind linear2. The result has to be free to become negative: it
    is added to the residual road. Activate the hidden features only."""
    return self.activation(self.linear2(self.dropout(self.activation(self.linear1(x)))))


@FeedForward.misconception("activation in front")
@_thinks
def _(self, x):
    """You activate x, in front of linear1. The activation stands between the two linear layers."""
    return self.linear2(self.dropout(self.linear1(self.activation(x))))


@FeedForward.misconception("gelu by its approximation")
class _(_activated(gelu=_GELU_TANH)):
    """Your "gelu" is the approximation by tanh. "gelu" is the exact one, F.gelu(x); the
    approximation is called "gelu_tanh"."""


@FeedForward.misconception("gelu_tanh exact")
class _(_activated(gelu_tanh=F.gelu)):
    """Your "gelu_tanh" is the exact GELU. The approximation, which GPT-2 uses, is F.gelu(x,
    approximate="tanh")."""


@FeedForward.misconception("tanh for gelu_tanh")
class _(_activated(gelu_tanh=torch.tanh)):
    """Your "gelu_tanh" is tanh. It is GELU, approximated with the help of tanh: F.gelu(x,
    approximate="tanh")."""


@FeedForward.misconception("sigmoid for silu")
class _(_activated(silu=torch.sigmoid)):
    """Your "silu" is the sigmoid. SiLU is x times the sigmoid of x: F.silu."""


@FeedForward.misconception("relu for silu")
class _(_activated(silu=F.relu)):
    """Your "silu" is ReLU. SiLU is smooth, x times the sigmoid of x: F.silu."""


@FeedForward.misconception("leaky ReLU")
class _(_activated(relu=F.leaky_relu)):
    """Your "relu" lets a bit of the negative numbers through (leaky ReLU). ReLU is 0 there:
    F.relu."""


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
@_thinks
def _(self, x):
    """dropout is never used. Drop hidden features, behind the activation: an nn.Dropout(dropout)
    there."""
    return self.linear2(self.activation(self.linear1(x)))


@FeedForward.misconception("dropout always on")
@_thinks
def _(self, x):
    """Features are dropped after eval() too. F.dropout doesn't know about eval() unless you pass
    training=self.training; nn.Dropout does."""
    return self.linear2(F.dropout(self.activation(self.linear1(x)), self.dropout.p))


@FeedForward.misconception("dropout at the end")
@_thinks
def _(self, x):
    """You drop numbers of the result. Here the hidden features are dropped, between the activation
    and linear2. (The result meets another dropout later, in the residual.)"""
    return self.dropout(self.linear2(self.activation(self.linear1(x))))


@FeedForward.misconception("dropout in both places")
@_thinks
def _(self, x):
    """You drop hidden features, and then numbers of the result too. The result meets its dropout
    later, in the residual: here it is one too many."""
    return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))


@FeedForward.misconception("dropout before the activation")
@_thinks
def _(self, x):
    """You drop before the activation. With ReLU that is the same, with GELU and SiLU it isn't: the
    survivors are made larger and then bent. Drop behind the activation."""
    return self.linear2(self.activation(self.dropout(self.linear1(x))))


@FeedForward.misconception("dropout on the input")
@_thinks
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
@_thinks
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
@_thinks
def _(self, x):
    """You add x to the result. The residual has an exercise of its own, and every block uses it:
    here x would be added twice in the end."""
    return x + self.linear2(self.dropout(self.activation(self.linear1(x))))


@FeedForward.misconception("normalised inside")
@_thinks
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
@_thinks
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
@_thinks
def _(self, x):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off."""
    return self.linear2(self.dropout(self.activation(self.linear1(x)))).detach()


# ---- residual ----------------------------------------------------------------------------------

residual = Exercise("residual", reference=pieces.residual)


def _road(draw: Draw) -> tuple[torch.Tensor, dict[str, Made]]:
    """x, and three layers that can't change places unseen: each has a matrix of its own."""
    batch, length, d_model = draw.sizes(3, low=3)
    layers = {
        name: Made(
            "linear",
            {
                "weight": draw.normal(d_model, d_model, scale=d_model**-0.5),
                "bias": draw.normal(d_model),
            },
        )
        for name in ("sublayer", "norm", "dropout")
    }
    return draw.normal(batch, length, d_model), layers


def _made(layers: dict[str, Made]) -> dict[str, nn.Module]:
    """The same layers on this side of the channel."""
    return {name: made.MAKERS[each.kind](**each.options) for name, each in layers.items()}


def _expect_road(piece: Piece, draw: Draw, *norm_first: bool) -> None:
    x, layers = _road(draw)
    wanted = pieces.residual(x, *_made(layers).values(), *norm_first).detach()
    found = piece(x, *layers.values(), *norm_first)
    expect.close(found, wanted, "The result, at [sentence, word, feature],")


@residual.property("pre-norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=True: x + dropout(sublayer(norm(x))). (The check passes three linear layers
    for sublayer, norm and dropout, so that none can change places unseen.)"""
    _expect_road(piece, draw, True)


@residual.property("post-norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=False: norm(x + dropout(sublayer(x)))."""
    _expect_road(piece, draw, False)


@residual.property("pre-norm unless told otherwise", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Without norm_first, it should be pre-norm."""
    _expect_road(piece, draw)


@residual.property("gradients flow", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back to x by both roads: past the sublayer, and through it."""
    for norm_first in (True, False):
        x, layers = _road(draw)
        cotangent = draw.normal(*x.shape)
        x.requires_grad_()
        value = pieces.residual(x, *_made(layers).values(), norm_first)
        (wanted,) = torch.autograd.grad(value, x, cotangent)
        found = piece.gradients(x, *layers.values(), norm_first, cotangents=[cotangent])
        expect.shape(found.value, x.shape, "The result")
        expect.gradient(found.inputs[0], wanted, "x")


@residual.property("inputs stay as they were", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave x as it was: the caller may need it again."""
    for norm_first in (True, False):
        x, layers = _road(draw)
        before = x.clone()
        expect.unchanged([before], piece.inputs_after(x, *layers.values(), norm_first))


def _pre(x, sublayer, norm, dropout):
    return x + dropout(sublayer(norm(x)))


def _post(x, sublayer, norm, dropout):
    return norm(x + dropout(sublayer(x)))


@residual.misconception("norm_first the other way round")
def _(x, sublayer, norm, dropout, norm_first=True):
    """The two orders have changed places: norm_first=True normalises first, x +
    dropout(sublayer(norm(x)))."""
    return pieces.residual(x, sublayer, norm, dropout, not norm_first)


@residual.misconception("always pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """norm_first is never looked at. With norm_first=False the norm comes last: norm(x +
    dropout(sublayer(x)))."""
    return _pre(x, sublayer, norm, dropout)


@residual.misconception("always post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """norm_first is never looked at. With norm_first=True the norm comes first: x +
    dropout(sublayer(norm(x)))."""
    return _post(x, sublayer, norm, dropout)


@residual.misconception("no residual")
def _(x, sublayer, norm, dropout, norm_first=True):
    """x is never added: that is the residual connection itself, the road past the sublayer."""
    return dropout(sublayer(norm(x))) if norm_first else norm(dropout(sublayer(x)))


@residual.misconception("the normalised x added")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you add the normalised x. Add x as it came: the road past the sublayer goes
    through no norm. (Writing x = norm(x) at the top does this.)"""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    x = norm(x)
    return x + dropout(sublayer(x))


@residual.misconception("residual added after the norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you normalise what the sublayer gave and then add x. The sum is what is
    normalised: norm(x + …)."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return x + norm(dropout(sublayer(x)))


@residual.misconception("the norm around x alone")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you normalise x alone, and add to that. The norm goes around the whole sum:
    norm(x + dropout(sublayer(x)))."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return norm(x) + dropout(sublayer(x))


@residual.misconception("the normalised x added, dropout forgotten")
def _(x, sublayer, norm, dropout, norm_first=True):
    """Two things: dropout is never used, and in pre-norm you add the normalised x. Write x +
    dropout(sublayer(norm(x))), with x as it came on the left."""
    if not norm_first:
        return norm(x + sublayer(x))
    x = norm(x)
    return x + sublayer(x)


@residual.misconception("the norm behind the sublayer")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you normalise what comes out of the sublayer. Its input is what is normalised:
    sublayer(norm(x))."""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    return x + dropout(norm(sublayer(x)))


@residual.misconception("normalised twice in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you normalise in front of the sublayer as well. There the sublayer gets x as it
    is, and only the sum is normalised."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return norm(x + dropout(sublayer(norm(x))))


@residual.misconception("normalised twice in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you normalise the sum as well. There only the sublayer's input is normalised, so
    that the road past it stays free."""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    return norm(x + dropout(sublayer(norm(x))))


@residual.misconception("norm forgotten in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm the sublayer gets x as it is, and norm is never used (or its result is thrown
    away). Hand norm(x) to the sublayer."""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    return x + dropout(sublayer(x))


@residual.misconception("norm forgotten in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you return the sum without normalising it: norm(x + dropout(sublayer(x)))."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return x + dropout(sublayer(x))


@residual.misconception("no norm at all")
def _(x, sublayer, norm, dropout, norm_first=True):
    """norm is never used. It stands in front of the sublayer (norm_first=True) or behind the sum
    (False)."""
    return x + dropout(sublayer(x))


@residual.misconception("dropout forgotten")
def _(x, sublayer, norm, dropout, norm_first=True):
    """dropout is never used. Call it on what the sublayer returns, before x is added."""
    return x + sublayer(norm(x)) if norm_first else norm(x + sublayer(x))


@residual.misconception("dropout forgotten in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm dropout is never used: norm(x + dropout(sublayer(x)))."""
    return _pre(x, sublayer, norm, dropout) if norm_first else norm(x + sublayer(x))


@residual.misconception("dropout forgotten in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm dropout is never used: x + dropout(sublayer(norm(x)))."""
    return x + sublayer(norm(x)) if norm_first else _post(x, sublayer, norm, dropout)


@residual.misconception("nothing returned in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """With norm_first=False your function comes to its end without a return. Return norm(x +
    dropout(sublayer(x))) there."""
    return _pre(x, sublayer, norm, dropout) if norm_first else None


@residual.misconception("dropout on the sum")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop out of the sum, and so out of x too. Only what the sublayer returns is dropped: x +
    dropout(sublayer(…))."""
    return dropout(x + sublayer(norm(x))) if norm_first else norm(dropout(x + sublayer(x)))


@residual.misconception("dropout on the sum in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you drop out of the sum, and so out of x too. Only what the sublayer returns is
    dropped: x + dropout(sublayer(norm(x)))."""
    if norm_first:
        return dropout(x + sublayer(norm(x)))
    return _post(x, sublayer, norm, dropout)


@residual.misconception("dropout on the sum in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you drop out of the sum, and so out of x too. Only what the sublayer returns is
    dropped: norm(x + dropout(sublayer(x)))."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return norm(dropout(x + sublayer(x)))


@residual.misconception("dropout on the result")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop out of the final result. Only what the sublayer returns is dropped, before x is
    added."""
    return dropout(x + sublayer(norm(x))) if norm_first else dropout(norm(x + sublayer(x)))


@residual.misconception("dropout in front of the sublayer")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop from the sublayer's input. Drop from what it returns: dropout(sublayer(…))."""
    return x + sublayer(dropout(norm(x))) if norm_first else norm(x + sublayer(dropout(x)))


@residual.misconception("the rate read from the module")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You read a rate from dropout and drop by F.dropout. dropout is something to call, like norm
    and sublayer: dropout(…). Then it also knows whether it is training."""
    changed = F.dropout(sublayer(norm(x) if norm_first else x), dropout.p)
    return x + changed if norm_first else norm(x + changed)


@residual.misconception("a dropout of its own")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop by F.dropout, at its own rate and at test time too. Call the one that was passed,
    dropout(…): it knows the rate, and whether it is training."""
    return pieces.residual(x, sublayer, norm, F.dropout, norm_first)


@residual.misconception("a module taken for a rate")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You make an nn.Dropout out of dropout. It is one already, something to call like norm and
    sublayer: dropout(…)."""
    return pieces.residual(x, sublayer, norm, nn.Dropout(dropout), norm_first)


@residual.misconception("a new norm made inside")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You normalise by a norm of your own. Call the one that was passed: its weights are learned
    with the block."""
    return pieces.residual(x, sublayer, pieces.LayerNorm(x.shape[-1]).to(x), dropout, norm_first)


@residual.misconception("multiplied")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You multiply by x. It is added: a sum hands its gradient on to both sides as it is."""
    if norm_first:
        return x * dropout(sublayer(norm(x)))
    return norm(x * dropout(sublayer(x)))


@residual.misconception("averaged")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You take the mean of x and the sublayer's result. They are added, nothing is halved:
    otherwise x would shrink with every layer."""
    if norm_first:
        return (x + dropout(sublayer(norm(x)))) / 2
    return norm((x + dropout(sublayer(x))) / 2)


@residual.misconception("side by side")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You put x and the sublayer's result side by side (torch.cat). Add them: the shape stays as it
    is."""
    if norm_first:
        return torch.cat([x, dropout(sublayer(norm(x)))], -1)
    return torch.cat([x, dropout(sublayer(x))], -1)


@residual.misconception("sublayer and norm swapped")
def _(x, sublayer, norm, dropout, norm_first=True):
    """sublayer and norm have changed places. The order of the parameters is x, sublayer, norm,
    dropout."""
    return pieces.residual(x, norm, sublayer, dropout, norm_first)


@residual.misconception("x changed in place")
def _(x, sublayer, norm, dropout, norm_first=True):
    """Your call changes the caller's x: x += … works in place. Write x = x + …, which makes a new
    tensor."""
    if norm_first:
        x += dropout(sublayer(norm(x)))
        return x
    x += dropout(sublayer(x))
    return norm(x)


@residual.misconception("the road cut off")
def _(x, sublayer, norm, dropout, norm_first=True):
    """The values are right, but no gradient flows past the sublayer: x is cut off by detach(). That
    road is what residual connections are for."""
    if norm_first:
        return x.detach() + dropout(sublayer(norm(x)))
    return norm(x.detach() + dropout(sublayer(x)))


@residual.misconception("cut off from the graph")
def _(x, sublayer, norm, dropout, norm_first=True):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off."""
    with torch.no_grad():
        return pieces.residual(x, sublayer, norm, dropout, norm_first)


# ---- padding_mask ------------------------------------------------------------------------------

padding_mask = Exercise("padding_mask", reference=pieces.padding_mask)


def _padded(draw: Draw, pad_id: int | None = None, count: int = 3) -> tuple[torch.Tensor, int]:
    """Sentences of different lengths with padding at their ends, and what it is written as."""
    batch, length = draw.sizes(2, low=count, high=count + 4)
    pad_id = draw.integer(2, 6) if pad_id is None else pad_id
    tokens = draw.tokens(batch, length, low=pad_id + 1, high=pad_id + 20)
    lower = draw.tokens(batch, length, low=0, high=max(pad_id - 1, 0))
    tokens = torch.where((draw.normal(batch, length) > 0) & (lower != pad_id), lower, tokens)
    for row in tokens[1:]:
        row[draw.integer(1, length - 1) :] = pad_id
    return tokens, pad_id


@padding_mask.property("the shape and the type", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should be a boolean tensor (batch, 1, 1, length), so that it broadcasts over heads and
    queries."""
    tokens, pad_id = _padded(draw, pad_id=0)
    batch, length = tokens.shape
    found = expect.shape(piece(tokens, pad_id), (batch, 1, 1, length), "The mask")
    name = str(found.dtype).removeprefix("torch.")
    expect.that(found.dtype == torch.bool, f"The mask should be boolean; it is {name}.")


@padding_mask.property("True at the real tokens", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """True means "may attend": True at the real tokens, False at the padding."""
    tokens, pad_id = _padded(draw, pad_id=0)
    found = piece(tokens, pad_id)
    expect.close(found, pieces.padding_mask(tokens, pad_id), "The mask")


@padding_mask.property("any pad_id", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The padding may be written as any number, not only as 0; other tokens may be smaller than
    it."""
    tokens, pad_id = _padded(draw)
    found = piece(tokens, pad_id)
    expect.close(found, pieces.padding_mask(tokens, pad_id), f"With pad_id {pad_id}, the mask")


@padding_mask.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave its inputs as they were."""
    tokens, pad_id = _padded(draw)
    expect.unchanged([tokens.clone()], piece.inputs_after(tokens, pad_id))


@padding_mask.misconception("True at the padding")
def _(tokens, pad_id):
    """Your mask is True at the padding. Here True means "may attend", so it is True at the real
    tokens: !=, not ==. (torch's key_padding_mask is the other way round.)"""
    return (tokens == pad_id)[:, None, None, :]


@padding_mask.misconception("torch's key_padding_mask")
def _(tokens, pad_id):
    """That is torch's key_padding_mask, (batch, length) and True at the padding. Here True means
    "may attend", !=, and two dimensions of size 1 stand in the middle: [:, None, None, :]."""
    return tokens == pad_id


@padding_mask.misconception("no dimensions for heads and queries")
def _(tokens, pad_id):
    """Your mask is (batch, length). Two dimensions of size 1 are missing in the middle, one for the
    heads and one for the queries: [:, None, None, :]."""
    return tokens != pad_id


@padding_mask.misconception("no dimension for the heads")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length). Against scores (batch, heads, queries, keys) it would be
    read as one mask for each head. Another dimension of size 1 is missing: [:, None, None, :]."""
    return (tokens != pad_id)[:, None, :]


@padding_mask.misconception("queries hidden in place of keys")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length, 1): it forbids the padding to look, and lets every word look
    at the padding. The keys are the last dimension."""
    return (tokens != pad_id)[:, None, :, None]


@padding_mask.misconception("the length right behind the batch")
def _(tokens, pad_id):
    """Your mask is (batch, length, 1, 1), so the words stand where the heads belong. The keys are
    the last dimension: [:, None, None, :]."""
    return (tokens != pad_id)[:, :, None, None]


@padding_mask.misconception("pairs of words")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length, length): it hides the padding as a query too. Nobody asks
    what the padding finds, and its empty rows only cost memory. Leave the queries' dimension at
    1."""
    real = tokens != pad_id
    return real[:, None, :, None] & real[:, None, None, :]


@padding_mask.misconception("repeated for each query")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length, length), one and the same row for each query. Broadcasting
    repeats it by itself: leave that dimension at 1."""
    return (tokens != pad_id)[:, None, None, :].repeat(1, 1, tokens.size(1), 1)


@padding_mask.misconception("later words hidden too")
def _(tokens, pad_id):
    """Your mask hides the later words too. That is a causal mask, for a decoder; an encoder's words
    look both ways. (batch, 1, 1, length) is all it takes."""
    length = tokens.size(1)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    return (tokens != pad_id)[:, None, None, :] & causal


@padding_mask.misconception("dimensions in front")
def _(tokens, pad_id):
    """Your mask is (1, 1, batch, length), so the sentences stand where the queries belong. The
    batch comes first: [:, None, None, :]."""
    return (tokens != pad_id)[None, None]


@padding_mask.misconception("dimensions at the end")
def _(tokens, pad_id):
    """Your mask is (batch, length) with other dimensions behind or before it than asked: it should
    be (batch, 1, 1, length)."""
    return (tokens != pad_id).unsqueeze(0).unsqueeze(-1)


@padding_mask.misconception("the first sentence's mask for all")
def _(tokens, pad_id):
    """You make one mask from the first sentence. Each sentence ends somewhere else and needs its
    own row: (batch, 1, 1, length)."""
    return (tokens[0] != pad_id)[None, None, None, :]


@padding_mask.misconception("pad_id ignored")
def _(tokens, pad_id):
    """You compare with 0. The padding may be another number: compare with pad_id."""
    return (tokens != 0)[:, None, None, :]


@padding_mask.misconception("larger than pad_id")
def _(tokens, pad_id):
    """You ask for tokens larger than pad_id. Smaller ones are real too: !=."""
    return (tokens > pad_id)[:, None, None, :]


@padding_mask.misconception("floats")
def _(tokens, pad_id):
    """Your mask holds floats. It should be boolean: leave the comparison as it is, without
    .float()."""
    return (tokens != pad_id)[:, None, None, :].float()


@padding_mask.misconception("whole numbers")
def _(tokens, pad_id):
    """Your mask holds 0 and 1. It should be boolean: leave the comparison as it is. (With whole
    numbers, ~ would mean something else.)"""
    return (tokens != pad_id)[:, None, None, :].long()


@padding_mask.misconception("minus infinity")
def _(tokens, pad_id):
    """Your mask holds 0 and −inf, to be added to the scores. Here a mask is boolean, and your
    attention fills in −inf itself."""
    return torch.zeros(tokens.shape).masked_fill(tokens == pad_id, -math.inf)[:, None, None, :]


@padding_mask.misconception("the tokens themselves")
def _(tokens, pad_id):
    """You return the tokens, in another shape. The mask says of each one whether it is real:
    compare with pad_id."""
    return tokens[:, None, None, :]


@padding_mask.misconception("the real tokens picked out")
def _(tokens, pad_id):
    """You pick the real tokens out, tokens[…]. The comparison itself is the mask: tokens != pad_id,
    with two dimensions of size 1 in its middle."""
    return tokens[tokens != pad_id]


@padding_mask.misconception("nothing hidden")
def _(tokens, pad_id):
    """Your mask is True everywhere, so nothing is hidden. Compare with pad_id: tokens != pad_id."""
    return torch.ones_like(tokens, dtype=torch.bool)[:, None, None, :]


@padding_mask.misconception("an answer for each sentence")
def _(tokens, pad_id):
    """You have one answer for a whole sentence. Each token needs its own: compare, and neither
    any() nor all()."""
    return (tokens != pad_id).all(-1)[:, None, None, None]


@padding_mask.misconception("Python's comparison of lists")
def _(tokens, pad_id):
    """You return a list. Compare the whole tensor at once: tokens != pad_id is a tensor of
    booleans."""
    return [[token != pad_id for token in row] for row in tokens.tolist()]


@padding_mask.misconception("tokens changed in place")
def _(tokens, pad_id):
    """Your call changes the caller's tokens: methods that end in _ and tokens[…] = … work in place.
    tokens != pad_id makes a new tensor."""
    mask = (tokens != pad_id)[:, None, None, :]
    tokens.ne_(pad_id)
    return mask


# ---- EncoderLayer ------------------------------------------------------------------------------

EncoderLayer = Exercise(
    "EncoderLayer",
    reference=pieces.EncoderLayer,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_transformer_encoder_layer_fwd",
    ),
)
_LAYER = ("The result, at [sentence, word, feature],",)


def _block(draw: Draw, mask: str = "", **construct: Any) -> Case:
    """One layer's sentences; the mask leaves every query a word to look at."""
    batch, heads, length, d_head, d_ff = draw.sizes(5)
    d_model = heads * d_head
    shapes = {
        "": (),
        "whole": (batch, heads, length, length),
        "padding": (batch, 1, 1, length),
        "one for all": (1, 1, length, length),
    }
    sizes = {"d_model": d_model, "num_heads": heads, "d_ff": d_ff}
    masked = {"mask": draw.mask(*shapes[mask])} if mask else {}
    return Case((draw.normal(batch, length, d_model),), masked, sizes | construct, d_model**-0.5)


def _masked_block(draw: Draw) -> Case:
    return _block(draw, "whole")


def _masked_post_block(draw: Draw) -> Case:
    return _block(draw, "padding", norm_first=False)


def _expect_module(
    exercise: Exercise, piece: Piece, case: Case, draw: Draw, what: str = _LAYER[0]
) -> None:
    asked, oracle = beside(exercise, piece, case, draw)
    wanted = oracle(*case.args, **case.kwargs)
    expect.close(asked(*case.args, **case.kwargs), wanted.detach(), what)


parameters_named(EncoderLayer, _block, points=1)
equals_reference(
    EncoderLayer,
    _block,
    _LAYER,
    name="pre-norm",
    points=1.5,
    says="With norm_first=True: self-attention, then feed-forward, each as x + "
    "dropout(sublayer(norm(x))).",
)
equals_reference(
    EncoderLayer,
    partial(_block, norm_first=False),
    _LAYER,
    name="post-norm",
    points=1,
    says="With norm_first=False: self-attention, then feed-forward, each as norm(x + "
    "dropout(sublayer(x))).",
)


@EncoderLayer.property("the mask", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The mask should reach the attention as it came, for every shape that broadcasts: (batch,
    heads, length, length), (batch, 1, 1, length), (1, 1, length, length)."""
    for mask in ("whole", "padding", "one for all"):
        _expect_module(EncoderLayer, piece, _block(draw, mask), draw)


@EncoderLayer.property("activation is passed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """activation goes to the feed-forward layer."""
    for value in ("gelu", "silu"):
        what = f"With activation={value!r}, the result"
        _expect_module(EncoderLayer, piece, _block(draw, activation=value), draw, what)


@EncoderLayer.property("eps is passed on", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """eps goes to both layer norms."""
    _expect_module(EncoderLayer, piece, _block(draw, eps=0.4), draw, "With eps=0.4, the result")


def _rate(draw: Draw) -> float:
    """A dropout that is far from the 0.1 of our modules and from the 0.5 of torch's."""
    return draw.uniform(0.25, 0.33)


def _layer_weights(draw: Draw, d_model: int, d_ff: int) -> dict[str, torch.Tensor]:
    """A layer that does nothing, pre-norm: both sublayers return 0."""
    empty = pieces.EncoderLayer(d_model, 2, d_ff).double()
    weights = {name: torch.zeros_like(value) for name, value in empty.state_dict().items()}
    for name in ("norm1.weight", "norm2.weight"):
        weights[name] = torch.ones(d_model, dtype=torch.float64)
    return weights


def _drops(piece: Piece, draw: Draw, weights: dict[str, torch.Tensor], rate: float) -> torch.Tensor:
    """What a layer in training adds to x, times 1 − dropout."""
    d_model = len(weights["norm1.weight"])
    d_ff = len(weights["feed_forward.linear1.bias"])
    instance = piece.construct(d_model, 2, d_ff, rate).to(torch.float64)
    expect.that(not instance.load(weights), "The check can't set the weights: see above.")
    x = draw.normal(3, 17, d_model)
    piece.seed(draw.integer(0, 2**31))
    found = expect.shape(instance.train()(x), x.shape, "The result")
    return (found - x) * (1 - rate)


def _expect_share(added: torch.Tensor, rate: float, where: str) -> None:
    """Of numbers that should all be 1, a share was dropped; the others are as they should be."""
    gone = added.abs() < 1e-9
    # Of 1,020 numbers: five standard deviations are 0.08.
    share = gone.double().mean().item()
    expect.that(
        abs(share - rate) < 0.09,
        f"The share of dropped numbers of what {where} returns is not `dropout`.",
    )
    expect.that(
        bool((gone | ((added - 1).abs() < 1e-6)).all()),
        f"What is left of what {where} returns is not what it was, divided by 1 − dropout.",
    )


@EncoderLayer.property("dropout behind each sublayer, in training", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, each sublayer's result meets dropout before x is added."""
    rate = _rate(draw)
    added = {}
    for name, where in (
        ("self_attention.out_proj.bias", "the attention"),
        ("feed_forward.linear2.bias", "the feed-forward layer"),
    ):
        weights = _layer_weights(draw, 20, 6)
        weights[name] = torch.ones(20, dtype=torch.float64)
        added[where] = _drops(piece, draw, weights, rate)
    whole = [where for where, result in added.items() if bool((result.abs() > 1e-9).all())]
    expect.that(not whole, f"Nothing is dropped of what {' and '.join(whole)} returns.")
    for where, result in added.items():
        _expect_share(result, rate, where)


@EncoderLayer.property("dropout inside each sublayer, in training", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is passed on to MultiHeadAttention, for its weights, and to FeedForward, for its
    hidden features."""
    rate = _rate(draw)
    attention = _layer_weights(draw, 20, 6)
    attention["self_attention.v_proj.bias"] = torch.ones(20, dtype=torch.float64)
    attention["self_attention.out_proj.weight"] = torch.eye(20, dtype=torch.float64)
    thinking = _layer_weights(draw, 20, 6)
    thinking["feed_forward.linear1.bias"] = torch.ones(6, dtype=torch.float64)
    thinking["feed_forward.linear2.weight"] = torch.eye(20, 6, dtype=torch.float64)
    # A head returns the sum of its 17 weights, each 1/17 at first; of the hidden features, all 1,
    # six are shown. What survives is divided by 1 − dropout: that tells one rate from another.
    wrong = []
    for weights, what, one in (
        (attention, "attention weights", 1 / 17),
        (thinking, "hidden features", 1.0),
    ):
        added = _drops(piece, draw, weights, rate)
        left = added[added.abs() > 1e-9]
        survivors = left * (1 - rate) / one
        if left.numel() == 0 or bool(((left - 1).abs() < 1e-6).all()):
            wrong.append(f"none of the {what} is dropped")
        elif bool(((survivors - survivors.round()).abs() > 1e-6).any()):
            wrong.append(f"the {what} are dropped at another rate than `dropout`")
    expect.that(not wrong, f"In training, {' and '.join(wrong)}.")


@EncoderLayer.property("nothing to attend to", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence that is all padding should give finite numbers and finite gradients."""
    case = _block(draw, "padding")
    case.kwargs["mask"][0] = False
    case = case.changed(lambda tensor: tensor.requires_grad_())
    asked, oracle = beside(EncoderLayer, piece, case, draw)
    wanted = oracle(*case.args, **case.kwargs).detach()
    found = asked.gradients(*case.args, **case.kwargs, cotangents=[draw.normal(*wanted.shape)])
    expect.close(expect.finite(found.value, "The result"), wanted, _LAYER[0])
    expect.that(found.inputs[0] is not None, "No gradient flows back to x.")
    expect.finite(found.inputs[0], "The gradient of x")


@EncoderLayer.property("weights of its own", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A layer's weights are made once, in the constructor: after eval(), two calls with the same
    input give the same output."""
    instance = piece.construct(6, 2, 5).eval()
    _same_twice(instance, draw.normal(2, 3, 6, dtype=torch.float32))


gradients_flow(EncoderLayer, _masked_block, of=("x",), points=0.75)
inputs_stay(EncoderLayer, _masked_block, points=0.25)
single_precision(EncoderLayer, _masked_post_block, _LAYER, points=0.25)


class _Layer(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.norm1, self.norm2 = pieces.LayerNorm(d_model, eps), pieces.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def look(self, x, mask):
        return self.self_attention(x, x, x, mask)[0]

    def wrap(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, norm, self.dropout, self.norm_first)

    def attended(self, x, mask):
        """Right up to the end of the first sublayer."""
        return self.wrap(x, lambda y: self.look(y, mask), self.norm1)

    def thought(self, x):
        """The second sublayer, as it should be."""
        return self.wrap(x, self.feed_forward, self.norm2)

    def forward(self, x, mask=None):
        return self.thought(self.attended(x, mask))


def _layer(change: Change) -> type[nn.Module]:
    """An EncoderLayer that is right but for its forward."""

    class Wrong(_Layer):
        def forward(self, x, mask=None):
            return change(self, x, mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _born(base: type[nn.Module]) -> Callable[[Change], type[nn.Module]]:
    """A module that is right but for what its constructor makes; `change` gets the arguments by
    name, changes them, and may return something to be done with the module."""

    def wrap(change: Change) -> type[nn.Module]:
        class Wrong(base):
            __init__ = _constructor(base, change)

        Wrong.__doc__ = change.__doc__
        return Wrong

    return wrap


def _constructor(base: type[nn.Module], change: Change) -> Callable[..., None]:
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        given = {
            "d_model": d_model,
            "num_heads": num_heads,
            "d_ff": d_ff,
            "dropout": dropout,
            "norm_first": norm_first,
            "activation": activation,
            "eps": eps,
        }
        then = change(given)
        base.__init__(self, **given)
        if then is not None:
            then(self)

    return __init__


# What is wrong with the constructor.


@EncoderLayer.misconception("other names")
class _(nn.Module):
    """The sub-modules have other names than the exercise asks: self_attention, feed_forward, norm1
    and norm2. Names are how weights are exchanged with other implementations."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.norm_first = norm_first
        self.attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.ffn = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.ln1, self.ln2 = pieces.LayerNorm(d_model, eps), pieces.LayerNorm(d_model, eps)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = pieces.residual(
            x, lambda y: self.attention(y, y, y, mask)[0], self.ln1, self.drop, self.norm_first
        )
        return pieces.residual(x, self.ffn, self.ln2, self.drop, self.norm_first)


@EncoderLayer.misconception("one norm for both sublayers")
@_born(_Layer)
def _(given):
    """Both sublayers share one layer norm. Each has its own, norm1 and norm2, with weights of its
    own."""
    return lambda self: setattr(self, "norm2", self.norm1)


@EncoderLayer.misconception("only one norm")
class _(_Layer):
    """There is only one layer norm. Each of the two sublayers has its own: norm1 and norm2."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.norm = self.norm1
        del self.norm1, self.norm2

    def forward(self, x, mask=None):
        x = self.wrap(x, lambda y: self.look(y, mask), self.norm)
        return self.wrap(x, self.feed_forward, self.norm)


@EncoderLayer.misconception("d_ff ignored")
@_born(_Layer)
def _(given):
    """Your feed-forward layer always has 4 · d_model hidden features. d_ff says how many."""
    given["d_ff"] = 4 * given["d_model"]


@EncoderLayer.misconception("no feed-forward layer")
class _(_Layer):
    """There is no feed-forward layer: attention alone moves information between words, and nothing
    works on it."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        del self.feed_forward, self.norm2

    def forward(self, x, mask=None):
        return self.attended(x, mask)


@EncoderLayer.misconception("an extra norm at the end")
class _(_Layer):
    """There is a third layer norm. A layer has one for each sublayer; the last norm of a stack
    belongs to Encoder."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.norm3 = pieces.LayerNorm(d_model, eps)

    def forward(self, x, mask=None):
        return self.norm3(super().forward(x, mask))


@EncoderLayer.misconception("attention without bias")
@_born(_Layer)
def _(given):
    """Your attention has no biases. MultiHeadAttention has them unless it is told otherwise."""

    def then(self):
        self.self_attention = pieces.MultiHeadAttention(
            given["d_model"], given["num_heads"], given["dropout"], bias=False
        )

    return then


@EncoderLayer.misconception("one head")
@_born(_Layer)
def _(given):
    """Your attention always has one head. Pass num_heads on."""
    given["num_heads"] = 1


@EncoderLayer.misconception("norm_first ignored, always pre-norm")
@_born(_Layer)
def _(given):
    """norm_first has no effect: your layer is always pre-norm. Keep it, self.norm_first =
    norm_first, and hand it to residual both times."""
    given["norm_first"] = True


@EncoderLayer.misconception("norm_first ignored, always post-norm")
@_born(_Layer)
def _(given):
    """norm_first has no effect: your layer is always post-norm. Keep it, self.norm_first =
    norm_first, and hand it to residual both times."""
    given["norm_first"] = False


@EncoderLayer.misconception("norm_first the other way round")
@_born(_Layer)
def _(given):
    """The two orders have changed places: norm_first=True normalises each sublayer's input."""
    given["norm_first"] = not given["norm_first"]


@EncoderLayer.misconception("activation not passed on")
@_born(_Layer)
def _(given):
    """activation never reaches the feed-forward layer, which stays with ReLU: FeedForward(d_model,
    d_ff, dropout, activation)."""
    given["activation"] = "relu"


@EncoderLayer.misconception("eps not passed on")
@_born(_Layer)
def _(given):
    """eps never reaches the layer norms, which stay with theirs: LayerNorm(d_model, eps)."""
    given["eps"] = 1e-5


@EncoderLayer.misconception("activation and eps not passed on")
@_born(_Layer)
def _(given):
    """activation and eps are never passed on: FeedForward(d_model, d_ff, dropout, activation) and
    LayerNorm(d_model, eps)."""
    given["activation"], given["eps"] = "relu", 1e-5


@EncoderLayer.misconception("eps for one norm only")
@_born(_Layer)
def _(given):
    """eps reaches norm1 and not norm2. Both layer norms get it."""
    return lambda self: setattr(self.norm2, "eps", 1e-5)


@EncoderLayer.misconception("activation in dropout's place")
class _(_Layer):
    """The third argument of FeedForward is dropout and the fourth is activation. You hand the
    activation over where the rate belongs."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, activation)


@EncoderLayer.misconception("heads and d_ff swapped")
class _(_Layer):
    """num_heads and d_ff have changed places: MultiHeadAttention(d_model, num_heads, dropout) and
    FeedForward(d_model, d_ff, dropout, activation)."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, d_ff, num_heads, dropout, norm_first, activation, eps)


@EncoderLayer.misconception("d_ff in the place of the heads")
class _(_Layer):
    """You hand d_ff to the attention where the number of heads belongs: MultiHeadAttention(d_model,
    num_heads, dropout)."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.self_attention = pieces.MultiHeadAttention(d_model, d_ff, dropout)


@EncoderLayer.misconception("new modules at every call")
class _(nn.Module):
    """You make the modules inside forward, so that every call starts from new random ones. Make
    them once, in __init__."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.sizes = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)

    def forward(self, x, mask=None):
        return _Layer(*self.sizes).to(x)(x, mask)


# What is wrong with forward.


@EncoderLayer.misconception("the mask not passed on")
@_layer
def _(self, x, mask):
    """mask is never used, so every word looks at the padding too. Hand it to self_attention as the
    fourth argument."""
    return self.thought(self.attended(x, None))


@EncoderLayer.misconception("the mask inverted")
@_layer
def _(self, x, mask):
    """You turn the mask round. Here True means "may attend", in your attention too: pass it on as
    it is."""
    return self.thought(self.attended(x, None if mask is None else ~mask))


@EncoderLayer.misconception("an axis added to the mask")
@_layer
def _(self, x, mask):
    """You add an axis to the mask. It comes with four already, (batch, heads, queries, keys), with
    1 wherever it serves all: pass it on as it is."""
    return self.thought(self.attended(x, None if mask is None else mask.unsqueeze(1)))


@EncoderLayer.misconception("two axes added to the mask")
@_layer
def _(self, x, mask):
    """You add axes to the mask. It comes with four already, (batch, heads, queries, keys), with 1
    wherever it serves all (padding_mask has made them): pass it on as it is."""
    return self.thought(self.attended(x, None if mask is None else mask[:, None, None, :]))


@EncoderLayer.misconception("the first sentence's mask for all")
@_layer
def _(self, x, mask):
    """You use the mask of the first sentence for all. Pass the whole mask on; it broadcasts by
    itself."""
    return self.thought(self.attended(x, None if mask is None else mask[:1]))


@EncoderLayer.misconception("no residual around the attention")
@_layer
def _(self, x, mask):
    """Nothing is added around the attention: each word is replaced by what it found. Wrap the
    attention in residual."""
    if self.norm_first:
        return self.thought(self.dropout(self.look(self.norm1(x), mask)))
    return self.thought(self.norm1(self.dropout(self.look(x, mask))))


@EncoderLayer.misconception("no residual around the feed-forward layer")
@_layer
def _(self, x, mask):
    """Nothing is added around the feed-forward layer. Wrap it in residual, as the attention."""
    x = self.attended(x, mask)
    if self.norm_first:
        return self.dropout(self.feed_forward(self.norm2(x)))
    return self.norm2(self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("no residuals")
@_layer
def _(self, x, mask):
    """There is no residual at all: nothing goes past the sublayers. Wrap each of them in
    residual."""
    if self.norm_first:
        x = self.dropout(self.look(self.norm1(x), mask))
        return self.dropout(self.feed_forward(self.norm2(x)))
    x = self.norm1(self.dropout(self.look(x, mask)))
    return self.norm2(self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("the normalised x added")
@_layer
def _(self, x, mask):
    """In pre-norm you add the normalised x, in place of x. The road past a sublayer goes through no
    norm: your residual does it right."""
    if not self.norm_first:
        return self.thought(self.attended(x, mask))
    x = self.norm1(x)
    x = x + self.dropout(self.look(x, mask))
    x = self.norm2(x)
    return x + self.dropout(self.feed_forward(x))


@EncoderLayer.misconception("x added around residual")
@_layer
def _(self, x, mask):
    """You add x to what residual returns. residual has added it already: x = residual(x, …)."""
    x = x + self.attended(x, mask)
    return x + self.thought(x)


@EncoderLayer.misconception("x added around the attention's residual")
@_layer
def _(self, x, mask):
    """You add x to what the first residual returns. residual has added it already: x = residual(x,
    …)."""
    return self.thought(x + self.attended(x, mask))


@EncoderLayer.misconception("normalised in the sublayers too")
@_layer
def _(self, x, mask):
    """You normalise inside your sublayers as well. residual calls the norm that you hand over, in
    its right place: the sublayers themselves take y as it comes."""
    x = self.wrap(x, lambda y: self.look(self.norm1(y), mask), self.norm1)
    return self.wrap(x, lambda y: self.feed_forward(self.norm2(y)), self.norm2)


@EncoderLayer.misconception("normalised in the attention too")
@_layer
def _(self, x, mask):
    """You normalise inside the function around the attention as well. residual calls the norm that
    you hand over, in its right place: take y as it comes."""
    return self.thought(self.wrap(x, lambda y: self.look(self.norm1(y), mask), self.norm1))


@EncoderLayer.misconception("residual added after the norm")
@_layer
def _(self, x, mask):
    """In post-norm you normalise what the sublayer gave and then add x. The sum is what is
    normalised: your residual does it right."""
    if self.norm_first:
        return self.thought(self.attended(x, mask))
    x = x + self.norm1(self.dropout(self.look(x, mask)))
    return x + self.norm2(self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("side by side, not one after the other")
@_layer
def _(self, x, mask):
    """Your feed-forward layer works on the x that came in. It works on what the attention has made
    of it: the second residual starts from the result of the first."""
    attended = self.attended(x, mask)
    if self.norm_first:
        return attended + self.dropout(self.feed_forward(self.norm2(x)))
    return self.norm2(attended + self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("the second residual starts from x again")
@_layer
def _(self, x, mask):
    """Your second residual adds the x that came in, so that the attention's result is on no direct
    road. It adds what the first one returned."""
    attended = self.attended(x, mask)
    if self.norm_first:
        return x + self.dropout(self.feed_forward(self.norm2(attended)))
    return self.norm2(x + self.dropout(self.feed_forward(attended)))


@EncoderLayer.misconception("the attention's result thrown away")
@_layer
def _(self, x, mask):
    """What the first residual returns is thrown away: the second one starts from the x that came
    in. Write x = residual(…) both times."""
    return self.thought(x)


@EncoderLayer.misconception("the feed-forward layer's result thrown away")
@_layer
def _(self, x, mask):
    """What the second residual returns is thrown away (or it is never called). Return it."""
    return self.attended(x, mask)


@EncoderLayer.misconception("the norms swapped")
@_layer
def _(self, x, mask):
    """norm1 and norm2 have changed places: norm1 belongs to the attention, norm2 to the
    feed-forward layer."""
    x = self.wrap(x, lambda y: self.look(y, mask), self.norm2)
    return self.wrap(x, self.feed_forward, self.norm1)


@EncoderLayer.misconception("norm1 for both")
@_layer
def _(self, x, mask):
    """norm2 is made and never used: the feed-forward layer has norm2, not norm1."""
    return self.wrap(self.attended(x, mask), self.feed_forward, self.norm1)


@EncoderLayer.misconception("only the queries normalised")
@_layer
def _(self, x, mask):
    """In pre-norm only your queries are normalised. Query, key and value are the same normalised x:
    inside the sublayer, use its own argument three times."""
    if not self.norm_first:
        return self.thought(self.attended(x, mask))
    found = self.self_attention(self.norm1(x), x, x, mask)[0]
    return self.thought(x + self.dropout(found))


@EncoderLayer.misconception("the sublayer looks at x from outside")
@_layer
def _(self, x, mask):
    """Your sublayer ignores its own argument and takes x from outside, so that in pre-norm the
    attention gets an x that isn't normalised. lambda y: use y three times."""
    return self.thought(self.wrap(x, lambda y: self.look(x, mask), self.norm1))


@EncoderLayer.misconception("feed-forward first")
@_layer
def _(self, x, mask):
    """Your feed-forward layer comes first. First the attention collects, then the feed-forward
    layer works on what it found."""
    return self.attended(self.thought(x), mask)


@EncoderLayer.misconception("no norm around the attention")
@_layer
def _(self, x, mask):
    """norm1 is never used: the attention's residual goes without a norm."""
    return self.thought(x + self.dropout(self.look(x, mask)))


@EncoderLayer.misconception("no norms")
@_layer
def _(self, x, mask):
    """Neither norm is ever used. Hand norm1 and norm2 to residual."""
    x = x + self.dropout(self.look(x, mask))
    return x + self.dropout(self.feed_forward(x))


@EncoderLayer.misconception("norm_first not handed to residual")
@_layer
def _(self, x, mask):
    """The second residual never hears of norm_first and stays pre-norm. Hand it over both times."""
    x = self.attended(x, mask)
    return pieces.residual(x, self.feed_forward, self.norm2, self.dropout)


@EncoderLayer.misconception("sublayer and norm swapped")
@_layer
def _(self, x, mask):
    """You hand norm over where sublayer belongs: residual(x, sublayer, norm, dropout,
    norm_first)."""
    x = self.wrap(x, self.norm1, lambda y: self.look(y, mask))
    return self.wrap(x, self.norm2, self.feed_forward)


@EncoderLayer.misconception("output and weights added")
@_layer
def _(self, x, mask):
    """Your attention returns two things, (output, weights), and you pass both on as if they were
    one tensor. Take the first: self_attention(…)[0]."""
    x = self.wrap(x, lambda y: self.self_attention(y, y, y, mask), self.norm1)
    return self.thought(x)


@EncoderLayer.misconception("the weights taken for the output")
@_layer
def _(self, x, mask):
    """You take the second of the two things that your attention returns, the weights. The output
    comes first: self_attention(…)[0]."""
    x = self.wrap(x, lambda y: self.self_attention(y, y, y, mask)[1], self.norm1)
    return self.thought(x)


@EncoderLayer.misconception("the attention handed over as it is")
@_layer
def _(self, x, mask):
    """residual calls its sublayer with one tensor, and your attention takes query, key, value and a
    mask. Put a small function in between: lambda y: self.self_attention(y, y, y, mask)[0]."""
    return self.thought(self.wrap(x, self.self_attention, self.norm1))


@EncoderLayer.misconception("called in place of handed over")
@_layer
def _(self, x, mask):
    """You call the attention and hand its result to residual. residual wants the function itself,
    and calls it: lambda y: self.self_attention(y, y, y, mask)[0]."""
    return self.thought(self.wrap(x, self.look(x, mask), self.norm1))


@EncoderLayer.misconception("the mask in the value's place")
@_layer
def _(self, x, mask):
    """Your attention gets the mask where the value belongs. In self-attention, query, key and value
    are the same three times: self.self_attention(y, y, y, mask)."""
    x = self.wrap(x, lambda y: self.self_attention(y, y, mask)[0], self.norm1)
    return self.thought(x)


@EncoderLayer.misconception("a rate for a module")
@_born(_Layer)
def _(given):
    """You keep the rate and hand a number to residual, which wants something to call: keep an
    nn.Dropout(dropout)."""

    def then(self):
        del self.dropout
        self.dropout = given["dropout"]

    return then


@EncoderLayer.misconception("weights returned too")
@_layer
def _(self, x, mask):
    """You return two things. forward returns x alone; a lesson that wants the weights takes them by
    a hook on self_attention."""
    return self.thought(self.attended(x, mask)), None


@EncoderLayer.misconception("dropout always on")
@_layer
def _(self, x, mask):
    """Numbers are dropped after eval() too. F.dropout doesn't know about eval() unless you pass
    training=self.training; nn.Dropout does."""
    always = partial(F.dropout, p=self.dropout.p)
    x = pieces.residual(x, lambda y: self.look(y, mask), self.norm1, always, self.norm_first)
    return pieces.residual(x, self.feed_forward, self.norm2, always, self.norm_first)


@EncoderLayer.misconception("no dropout behind the sublayers")
@_born(_Layer)
def _(given):
    """What the sublayers return is never dropped. Keep an nn.Dropout(dropout), and hand it to
    residual both times."""
    return lambda self: setattr(self, "dropout", nn.Identity())


@EncoderLayer.misconception("no dropout behind the feed-forward layer")
@_layer
def _(self, x, mask):
    """What the feed-forward layer returns is never dropped. (Its own dropout acts inside, on the
    hidden features.) Hand dropout to residual both times."""
    x = self.attended(x, mask)
    return pieces.residual(x, self.feed_forward, self.norm2, nn.Identity(), self.norm_first)


@EncoderLayer.misconception("no dropout behind the attention")
@_layer
def _(self, x, mask):
    """What the attention returns is never dropped. (Its own dropout acts inside, on the weights.)
    Hand dropout to residual both times."""
    x = pieces.residual(x, lambda y: self.look(y, mask), self.norm1, nn.Identity(), self.norm_first)
    return self.thought(x)


@EncoderLayer.misconception("no dropout for the attention's weights")
@_born(_Layer)
def _(given):
    """dropout isn't passed on to the attention, whose own default is 0:
    MultiHeadAttention(d_model, num_heads, dropout)."""
    return lambda self: setattr(self.self_attention, "dropout", 0.0)


@EncoderLayer.misconception("no dropout inside")
@_born(_Layer)
def _(given):
    """dropout is passed on neither to the attention nor to the feed-forward layer. Both take it:
    MultiHeadAttention(d_model, num_heads, dropout), FeedForward(d_model, d_ff, dropout,
    activation)."""

    def then(self):
        self.self_attention.dropout = 0.0
        self.feed_forward.dropout.p = 0.1

    return then


@EncoderLayer.misconception("another dropout in the feed-forward layer")
@_born(_Layer)
def _(given):
    """dropout isn't passed on to the feed-forward layer, whose own default is 0.1:
    FeedForward(d_model, d_ff, dropout, activation)."""
    return lambda self: setattr(self.feed_forward.dropout, "p", 0.1)


@EncoderLayer.misconception("no dropout in the feed-forward layer")
@_born(_Layer)
def _(given):
    """The feed-forward layer drops nothing. Pass dropout on: FeedForward(d_model, d_ff, dropout,
    activation)."""
    return lambda self: setattr(self.feed_forward.dropout, "p", 0.0)


@EncoderLayer.misconception("no dropout at all")
@_born(_Layer)
def _(given):
    """dropout is never used. It goes to the attention, to the feed-forward layer, and, as an
    nn.Dropout, to residual."""
    given["dropout"] = 0.0


@EncoderLayer.misconception("always the same dropout")
@_born(_Layer)
def _(given):
    """Your rate is always the same. Use the one that was passed: nn.Dropout(dropout). (nn.Dropout()
    alone drops half.)"""
    given["dropout"] = 0.1


@EncoderLayer.misconception("x changed in place")
@_layer
def _(self, x, mask):
    """Your call changes the caller's x: x += … works in place. Use your residual, or write x = x +
    …"""
    if not self.norm_first:
        return self.thought(self.attended(x, mask))
    x += self.dropout(self.look(self.norm1(x), mask))
    return self.thought(x)


@EncoderLayer.misconception("cut off from the graph")
@_layer
def _(self, x, mask):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off from the weights."""
    with torch.no_grad():
        return self.thought(self.attended(x, mask))


# ---- Encoder -----------------------------------------------------------------------------------

Encoder = Exercise(
    "Encoder",
    reference=pieces.Encoder,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_transformer_encoder_layer_fwd",
    ),
)


def _stack(draw: Draw, mask: str = "", layers: int = 2, **construct: Any) -> Case:
    case = _block(draw, mask, **construct)
    return Case(case.args, case.kwargs, {"num_layers": layers} | case.construct, case.scale)


parameters_named(Encoder, lambda draw: _stack(draw, layers=draw.integer(3, 4)), points=0.75)
parameters_named(
    Encoder, partial(_stack, norm_first=False), points=0.5, name="no last norm in post-norm"
)


@Encoder.property("layers of its own", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The layers are of the same kind, with different weights: each starts from random numbers of
    its own."""
    instance = piece.construct(2, 6, 2, 5)
    start = instance.parameters()
    for kind in ("self_attention.q_proj.weight", "feed_forward.linear1.weight"):
        found = [value for name, value in start.items() if name.endswith(kind)]
        alike = any(
            torch.equal(one, other) for place, one in enumerate(found) for other in found[:place]
        )
        expect.that(not alike, "Two layers start with the same numbers.")
    _same_twice(instance.eval(), draw.normal(2, 3, 6, dtype=torch.float32))


equals_reference(
    Encoder,
    _stack,
    _LAYER,
    name="pre-norm, with the last norm",
    points=1,
    says="One layer after the other, each on the result of the one before; with norm_first=True, "
    "norm comes last.",
)
equals_reference(
    Encoder,
    partial(_stack, norm_first=False),
    _LAYER,
    name="post-norm, without it",
    points=0.75,
    says="With norm_first=False the layers normalise their results themselves: there is no last "
    "norm.",
)


@Encoder.property("the mask reaches every layer", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """Every layer gets the mask, not only the first one."""
    _expect_module(Encoder, piece, _stack(draw, "padding", layers=3), draw)


@Encoder.property("activation is passed on", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """activation goes to every layer."""
    case = _stack(draw, activation="silu")
    _expect_module(Encoder, piece, case, draw, "With activation='silu', the result")


@Encoder.property("eps is passed on", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """eps goes to every layer and to the last norm."""
    _expect_module(Encoder, piece, _stack(draw, eps=0.4), draw, "With eps=0.4, the result")


@Encoder.property("dropout is passed on", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout goes to every layer: in training, with dropout=0 two calls agree, and with a high
    rate they differ."""
    x = draw.normal(2, 7, 6, dtype=torch.float32)
    still, lively = (piece.construct(2, 6, 2, 5, rate).train() for rate in (0.0, 0.6))
    silent = {name: torch.zeros_like(each) for name, each in still.parameters().items()}
    silent["norm.weight"] = torch.ones(6)
    empty = piece.construct(2, 6, 2, 5, 0.6).train()
    expect.that(not empty.load(silent), "The check can't set the weights: see above.")
    one, other = (expect.shape(empty(x), x.shape, "The result") for _ in range(2))
    expect.that(torch.equal(one, other), "Something is dropped outside the layers.")
    for instance, agree in ((still, True), (lively, False)):
        one, other = (expect.shape(instance(x), x.shape, "The result") for _ in range(2))
        expect.that(
            torch.equal(one, other) == agree,
            "Something is dropped in training with dropout=0."
            if agree
            else "Nothing is dropped in training with dropout=0.6.",
        )


gradients_flow(Encoder, partial(_stack, mask="whole"), of=("x",), points=0.25)
inputs_stay(Encoder, partial(_stack, mask="padding"), points=0.25)


class _Stack(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        sizes = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.layers = nn.ModuleList(pieces.EncoderLayer(*sizes) for _ in range(num_layers))
        self.norm = pieces.LayerNorm(d_model, eps) if norm_first else None
        self.made_of(sizes)

    def made_of(self, sizes):
        """What a wrong answer makes otherwise."""

    def last(self, x):
        return x if self.norm is None else self.norm(x)

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return self.last(x)


def _stacked(change: Change) -> type[nn.Module]:
    """An Encoder that is right but for its forward."""

    class Wrong(_Stack):
        def forward(self, x, mask=None):
            return change(self, x, mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _stack_of(change: Change) -> type[nn.Module]:
    """An Encoder that is right but for what it is made of; `change` gets it and its layers'
    sizes."""

    class Wrong(_Stack):
        made_of = change

    Wrong.__doc__ = change.__doc__
    return Wrong


@Encoder.misconception("one layer, many times")
@_stack_of
def _(self, sizes):
    """All your layers are one and the same module: [layer] * n repeats it, and there is one set of
    weights. The layers share the architecture and not the weights: make each anew, [EncoderLayer(…)
    for _ in range(n)]."""
    self.layers = nn.ModuleList([self.layers[0]] * len(self.layers))


@Encoder.misconception("one layer, applied again and again")
@_stacked
def _(self, x, mask):
    """You apply the first layer again and again. Go through all of them: for layer in
    self.layers."""
    for _ in self.layers:
        x = self.layers[0](x, mask)
    return self.last(x)


@Encoder.misconception("copies of one layer")
@_stack_of
def _(self, sizes):
    """Your layers are copies of one another: they start from the same numbers. Make each anew, so
    that each starts from random numbers of its own."""
    self.layers = nn.ModuleList(copy.deepcopy(self.layers[0]) for _ in self.layers)


@Encoder.misconception("layers in a plain list")
class _(nn.Module):
    """Your layers are kept in a plain list, where the module doesn't see them: they would never be
    trained or moved to the GPU. nn.ModuleList is a list that it sees."""

    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        sizes = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.layers = [pieces.EncoderLayer(*sizes) for _ in range(num_layers)]
        self.norm = pieces.LayerNorm(d_model, eps) if norm_first else None

    def forward(self, x, mask=None):
        return _Stack.forward(self, x, mask)

    def last(self, x):
        return _Stack.last(self, x)


@Encoder.misconception("other names")
@_stack_of
def _(self, sizes):
    """The sub-modules have other names than the exercise asks: layers and norm. Names are how
    weights are exchanged with other implementations."""
    self.blocks, self.final_norm = self.layers, self.norm
    del self.layers, self.norm
    self.forward = lambda x, mask=None: _renamed(self, x, mask)


def _renamed(self, x, mask):
    for layer in self.blocks:
        x = layer(x, mask)
    return x if self.final_norm is None else self.final_norm(x)


@Encoder.misconception("no last norm")
@_stack_of
def _(self, sizes):
    """In pre-norm a last norm is missing. The road past the sublayers is never normalised, so x
    grows from layer to layer: self.norm = LayerNorm(d_model, eps), used at the end."""
    self.norm = None


@Encoder.misconception("the last norm never used")
@_stacked
def _(self, x, mask):
    """norm is made and never used. In pre-norm it comes last, after all layers."""
    for layer in self.layers:
        x = layer(x, mask)
    return x


@Encoder.misconception("a last norm in post-norm too")
@_stack_of
def _(self, sizes):
    """There is a last norm in post-norm too. There each layer ends with a norm already: with
    norm_first=False a stack has none of its own."""
    self.norm = pieces.LayerNorm(sizes[0], sizes[-1])


@Encoder.misconception("the last norm always made")
class _(_Stack):
    """In post-norm norm is made and not used: its weights would be saved, and waited for by whoever
    loads published ones. Make it with norm_first only."""

    def made_of(self, sizes):
        self.used = sizes[4]
        self.norm = pieces.LayerNorm(sizes[0], sizes[-1])

    def last(self, x):
        return self.norm(x) if self.used else x


@Encoder.misconception("always a last norm, without eps")
@_stack_of
def _(self, sizes):
    """There is a last norm in post-norm too, where each layer ends with a norm already; and it
    never gets eps. Make it with norm_first only, as LayerNorm(d_model, eps)."""
    self.norm = pieces.LayerNorm(sizes[0])


@Encoder.misconception("the last norm in post-norm only")
@_stack_of
def _(self, sizes):
    """The last norm is there in post-norm, and not in pre-norm: it is the other way round. A
    post-norm layer ends with a norm already."""
    self.norm = None if sizes[4] else pieces.LayerNorm(sizes[0], sizes[-1])


@Encoder.misconception("the norm behind every layer")
@_stacked
def _(self, x, mask):
    """norm comes behind each layer. It comes once, after the last layer."""
    for layer in self.layers:
        x = self.last(layer(x, mask))
    return x


@Encoder.misconception("the norm first")
@_stacked
def _(self, x, mask):
    """norm comes in front of the layers. It comes once, after the last one."""
    x = self.last(x)
    for layer in self.layers:
        x = layer(x, mask)
    return x


@Encoder.misconception("the mask for the first layer only")
@_stacked
def _(self, x, mask):
    """Only the first layer gets the mask. From the second one on, every word looks at the padding
    again: pass the mask to every layer."""
    for number, layer in enumerate(self.layers):
        x = layer(x, mask if number == 0 else None)
    return self.last(x)


@Encoder.misconception("the mask for the last layer only")
@_stacked
def _(self, x, mask):
    """Only the last layer gets the mask. By then the padding has been looked at: pass the mask to
    every layer."""
    for number, layer in enumerate(self.layers, start=1):
        x = layer(x, mask if number == len(self.layers) else None)
    return self.last(x)


@Encoder.misconception("the mask not passed on")
@_stacked
def _(self, x, mask):
    """mask is never used: pass it to every layer, layer(x, mask)."""
    for layer in self.layers:
        x = layer(x)
    return self.last(x)


@Encoder.misconception("the mask inverted")
@_stacked
def _(self, x, mask):
    """You turn the mask round. Here True means "may attend", in your layers too: pass it on as it
    is."""
    for layer in self.layers:
        x = layer(x, None if mask is None else ~mask)
    return self.last(x)


@Encoder.misconception("the mask inverted from layer to layer")
@_stacked
def _(self, x, mask):
    """You turn the mask round between the layers, so that every second one has it the wrong way.
    Pass the same mask to every layer."""
    for layer in self.layers:
        x = layer(x, mask)
        mask = None if mask is None else ~mask
    return self.last(x)


@Encoder.misconception("every layer reads the input")
@_stacked
def _(self, x, mask):
    """Every layer gets the x that came in, and only the last one's result counts. Each works on the
    result of the one before: x = layer(x, mask)."""
    for layer in self.layers:
        made = layer(x, mask)
    return self.last(made)


@Encoder.misconception("results added up")
@_stacked
def _(self, x, mask):
    """You add the layers' results up. They stand one behind the other: x = layer(x, mask)."""
    return self.last(sum(layer(x, mask) for layer in self.layers))


@Encoder.misconception("another residual around each layer")
@_stacked
def _(self, x, mask):
    """You add x to each layer's result. The residuals are inside the layers already: x = layer(x,
    mask)."""
    for layer in self.layers:
        x = x + layer(x, mask)
    return self.last(x)


@Encoder.misconception("another residual around the stack")
@_stacked
def _(self, x, mask):
    """You add the x that came in at the end. The residuals are inside the layers already."""
    y = x
    for layer in self.layers:
        y = layer(y, mask)
    return self.last(x + y)


@Encoder.misconception("a list of results")
@_stacked
def _(self, x, mask):
    """You return what every layer gave, as a list. Return the last one, one tensor."""
    found = []
    for layer in self.layers:
        x = layer(x, mask)
        found.append(x)
    return found


@Encoder.misconception("returned inside the loop")
@_stacked
def _(self, x, mask):
    """Only your first layer ever works: the return stands inside the loop. Move it out, so that
    all layers have their turn."""
    for layer in self.layers:
        return self.last(layer(x, mask))


@Encoder.misconception("the layers backwards")
@_stacked
def _(self, x, mask):
    """You go through the layers from the last to the first. layers[0] is the first to read the
    words."""
    for layer in reversed(self.layers):
        x = layer(x, mask)
    return self.last(x)


@Encoder.misconception("the last layer left out")
@_stacked
def _(self, x, mask):
    """One of your layers never gets its turn: go through all of self.layers."""
    for layer in self.layers[:-1]:
        x = layer(x, mask)
    return self.last(x)


@Encoder.misconception("one layer too few")
@_stack_of
def _(self, sizes):
    """There is one layer fewer than num_layers. range(num_layers) counts from 0 and gives as many
    as it says."""
    self.layers = self.layers[:-1]


@Encoder.misconception("always six layers")
@_stack_of
def _(self, sizes):
    """You always make six layers, as the paper has. num_layers says how many."""
    self.layers = nn.ModuleList(pieces.EncoderLayer(*sizes) for _ in range(6))


def _layers_with(**changed: Any) -> Change:
    """Layers that are made with something else than what was passed."""
    names = ("d_model", "num_heads", "d_ff", "dropout", "norm_first", "activation", "eps")

    def made_of(self, sizes):
        given = dict(zip(names, sizes, strict=True)) | changed
        self.layers = nn.ModuleList(pieces.EncoderLayer(**given) for _ in self.layers)

    return made_of


@Encoder.misconception("norm_first not passed on")
@_stack_of
def _(self, sizes):
    """norm_first never reaches the layers, which stay pre-norm. Pass it on."""
    _layers_with(norm_first=True)(self, sizes)


@Encoder.misconception("activation not passed on")
@_stack_of
def _(self, sizes):
    """activation never reaches the layers, which stay with ReLU. Pass it on."""
    _layers_with(activation="relu")(self, sizes)


@Encoder.misconception("eps not passed on")
@_stack_of
def _(self, sizes):
    """eps reaches neither the layers nor the last norm. Pass it on to both."""
    _layers_with(eps=1e-5)(self, sizes)
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("eps for the last norm only")
@_stack_of
def _(self, sizes):
    """eps reaches the last norm, and not the layers. Pass it on to them too."""
    _layers_with(eps=1e-5)(self, sizes)


@Encoder.misconception("eps for the layers only")
@_stack_of
def _(self, sizes):
    """eps reaches the layers, and not the last norm: LayerNorm(d_model, eps)."""
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("activation and eps not passed on")
@_stack_of
def _(self, sizes):
    """activation and eps are never passed on to the layers (nor eps to the last norm)."""
    _layers_with(activation="relu", eps=1e-5)(self, sizes)
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("only the sizes passed on")
@_stack_of
def _(self, sizes):
    """Your layers get d_model, num_heads and d_ff only. dropout, norm_first, activation and eps are
    theirs too: pass them on."""
    self.layers = nn.ModuleList(pieces.EncoderLayer(*sizes[:3]) for _ in self.layers)
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("dropout not passed on")
@_stack_of
def _(self, sizes):
    """dropout never reaches the layers, which stay with 0.1. Pass it on."""
    _layers_with(dropout=0.1)(self, sizes)


@Encoder.misconception("no dropout")
@_stack_of
def _(self, sizes):
    """Nothing is dropped in training: your layers have dropout 0. Pass dropout on."""
    _layers_with(dropout=0.0)(self, sizes)


@Encoder.misconception("a dropout of its own, in front")
@_stacked
def _(self, x, mask):
    """You drop numbers outside the layers. All the dropout of a stack is inside its layers; the one
    in front of it belongs to PositionalEncoding."""
    return _Stack.forward(self, F.dropout(x, 0.3, self.training), mask)


@Encoder.misconception("only the sizes passed on to the layers")
@_stack_of
def _(self, sizes):
    """Your layers get d_model, num_heads and d_ff only. dropout, norm_first, activation and eps are
    theirs too, as eps is the last norm's: pass them on."""
    self.layers = nn.ModuleList(pieces.EncoderLayer(*sizes[:3]) for _ in self.layers)


@Encoder.misconception("new layers at every call")
class _(nn.Module):
    """You make the layers inside forward, so that every call starts from new random ones. Make them
    once, in __init__."""

    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        self.sizes = (num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation, eps)

    def forward(self, x, mask=None):
        return pieces.Encoder(*self.sizes).to(x)(x, mask)


@Encoder.misconception("a graph cut between the layers")
@_stacked
def _(self, x, mask):
    """The values are right, but no gradient gets past a layer: x is detached between them. So only
    the last layer would learn."""
    for layer in self.layers:
        x = layer(x.detach(), mask)
    return self.last(x)


# ---- Tagger ------------------------------------------------------------------------------------

Tagger = Exercise(
    "Tagger",
    reference=pieces.Tagger,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_transformer_encoder_layer_fwd",
    ),
)
_TAGGED = ("The logits, at [sentence, word, tag],",)


def _sentences(draw: Draw, padding: bool = False, **construct: Any) -> Case:
    """Sentences of token ids; with padding, of different lengths."""
    heads, d_head, tags, layers, d_ff = draw.sizes(5)
    pad_id = construct.pop("pad_id", 0)
    if padding:
        tokens, _ = _padded(draw, pad_id, count=4)
        vocabulary = pad_id + 21
    else:
        vocabulary = draw.integer(15, 19)
        tokens = draw.tokens(*draw.sizes(2, low=3), low=1, high=vocabulary - 1)
    d_model = heads * d_head
    sizes = {
        "vocab_size": vocabulary,
        "num_tags": tags + 8,
        "d_model": d_model,
        "num_heads": heads,
        "num_layers": min(layers, 2),
        "d_ff": d_ff + d_model,
        "max_length": tokens.shape[1] + 3,
    }
    sizes |= {"pad_id": pad_id} if pad_id else {}
    return Case((tokens,), {}, sizes | construct, d_model**-0.5)


parameters_named(Tagger, _sentences, points=0.75)
equals_reference(
    Tagger,
    _sentences,
    _TAGGED,
    name="logits for each word",
    points=2,
    says="token embeddings times √d_model, then positions, encoder (pre-norm) and head: a row of "
    "logits for each word.",
)


@Tagger.property("padding changes nothing", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """No word looks at the padding: a real word's logits are the same whether its sentence is
    padded or not."""
    case = _sentences(draw, padding=True)
    asked, oracle = beside(Tagger, piece, case, draw)
    (tokens,) = case.args
    real = tokens != 0
    expect.close(asked(tokens)[real], oracle(tokens).detach()[real], "The real words' logits")


@Tagger.property("any pad_id", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """pad_id says which token is the padding; with another one, 0 is a word like any other."""
    case = _sentences(draw, padding=True, pad_id=draw.integer(2, 5))
    asked, oracle = beside(Tagger, piece, case, draw)
    (tokens,) = case.args
    real = tokens != case.construct["pad_id"]
    expect.close(asked(tokens)[real], oracle(tokens).detach()[real], "The real words' logits")


@Tagger.property("how it starts", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The embeddings start normal, with mean 0 and the deviation 1/√d_model; multiplied by
    √d_model they are then as large as the sinusoids."""
    d_model = 64
    start = piece.construct(200, 5, d_model, 2, 1, 8, 10).parameters().get("token.weight")
    table = expect.shape(start, (200, d_model), "The parameter token.weight")[1:]
    deviation = float(table.double().std())
    # Of 12,736 numbers: six standard deviations are 4 %.
    large = deviation * 8 > 1.05
    expect.that(not large, "The embeddings start larger than with the deviation 1/√d_model.")
    expect.that(
        deviation * 8 > 0.95, "The embeddings start smaller than with the deviation 1/√d_model."
    )
    uniform = float(table.abs().max()) < 2.5 * deviation
    expect.that(not uniform, "The embeddings don't start normal; they look uniform.")


@Tagger.property("too long a sentence", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence of max_length words should pass, one word more should raise ValueError (your
    PositionalEncoding does it)."""
    length = draw.integer(4, 7)
    instance = piece.construct(9, 5, 6, 2, 1, 8, length).eval()
    try:
        full = instance(draw.tokens(2, length, low=1, high=8))
    except PieceRaised as raised:
        if not raised.is_a(ValueError):
            raise
        raise expect.Mismatch("A sentence of exactly max_length words was refused.") from None
    expect.shape(full, (2, length, 5), "The logits")
    longer = draw.tokens(2, length + 1, low=1, high=8)
    expect.raises(ValueError, lambda: instance(longer), "A sentence past max_length came through.")


def _varies(piece: Piece, draw: Draw, rate: float, weights: dict[str, torch.Tensor]) -> bool:
    """Whether two calls in training differ, with everything at 0 but these weights."""
    names = pieces.Tagger(9, 5, 6, 2, 1, 8, 7).state_dict()
    zero = {name: torch.zeros_like(value) for name, value in names.items()}
    instance = piece.construct(9, 5, 6, 2, 1, 8, 7, rate).train()
    expect.that(
        not instance.load(zero | weights),
        "The check can't set the weights: see the first property.",
    )
    tokens = draw.tokens(2, 5, low=1, high=8)
    one, other = (expect.shape(instance(tokens), (2, 5, 5), "The logits") for _ in range(2))
    return not torch.equal(one, other)


def _expect_dropout(piece: Piece, draw: Draw, where: str, weights: dict[str, torch.Tensor]) -> None:
    weights = weights | {
        "encoder.norm.weight": torch.ones(6),
        "head.weight": draw.normal(5, 6, dtype=torch.float32),
    }
    expect.that(
        not _varies(piece, draw, 0.0, weights),
        f"Something is dropped in {where} in training, with dropout=0.",
    )
    expect.that(
        _varies(piece, draw, 0.6, weights),
        f"Nothing is dropped in {where} in training, with dropout=0.6.",
    )


@Tagger.property("dropout reaches the positions", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is passed on to PositionalEncoding."""
    start = {"token.weight": draw.normal(9, 6, dtype=torch.float32)}
    _expect_dropout(piece, draw, "the positions", start)


@Tagger.property("dropout reaches the encoder", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is passed on to Encoder."""
    head = draw.normal(5, 6, dtype=torch.float32)
    always = {"encoder.norm.bias": torch.ones(6), "head.weight": head}  # whatever comes before
    behind = _varies(piece, draw, 0.6, always)
    expect.that(not behind, "Something is dropped behind the encoder, in training.")
    added = draw.normal(6, dtype=torch.float32)  # by the feed-forward layer, to embeddings of 0
    start = {"encoder.layers.0.feed_forward.linear2.bias": added}
    _expect_dropout(piece, draw, "the encoder", start)


@Tagger.property("gradients flow", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back from the real words' logits to every weight, so that the tagger
    can learn."""
    case = _sentences(draw, padding=True)
    asked, oracle = beside(Tagger, piece, case, draw)
    (tokens,) = case.args
    value = oracle(tokens)
    cotangent = draw.normal(*value.shape) * (tokens != 0)[..., None]
    weights = dict(oracle.named_parameters())
    wanted = torch.autograd.grad(value, list(weights.values()), cotangent)
    found = asked.gradients(tokens, cotangents=[cotangent])
    expect.shape(found.value, value.shape, "The logits")
    for name, expected in zip(weights, wanted, strict=True):
        expect.gradient(found.weights.get(name), expected, name)


inputs_stay(Tagger, partial(_sentences, padding=True), points=0.25)


def _tagger(change: Change) -> type[nn.Module]:
    """A Tagger that is right but for its forward."""

    class Wrong(_Tagging):
        def forward(self, tokens):
            return change(self, tokens)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _tagger_of(change: Change) -> type[nn.Module]:
    """A Tagger that is right but for what it is made of; `change` gets it and the arguments by
    name."""

    class Wrong(_Tagging):
        made_of = change

    Wrong.__doc__ = change.__doc__
    return Wrong


class _Tagging(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        vocab_size,
        num_tags,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
        pad_id=0,
    ):
        super().__init__()
        self.pad_id, self.d_model = pad_id, d_model
        self.token = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.token.weight, std=d_model**-0.5)
        self.positions = pieces.PositionalEncoding(d_model, max_length, dropout)
        self.encoder = pieces.Encoder(num_layers, d_model, num_heads, d_ff, dropout)
        self.head = nn.Linear(d_model, num_tags)
        self.made_of(
            {
                "vocab_size": vocab_size,
                "num_tags": num_tags,
                "d_model": d_model,
                "num_heads": num_heads,
                "num_layers": num_layers,
                "d_ff": d_ff,
                "max_length": max_length,
                "dropout": dropout,
            }
        )

    def made_of(self, sizes):
        """What a wrong answer makes otherwise."""

    def embedded(self, tokens):
        return self.token(tokens) * math.sqrt(self.d_model)

    def mask(self, tokens):
        return pieces.padding_mask(tokens, self.pad_id)

    def forward(self, tokens):
        x = self.positions(self.embedded(tokens))
        return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("no mask")
@_tagger
def _(self, tokens):
    """The encoder gets no mask, so every word looks at the padding: its tag depends on how long the
    other sentences of the batch are. Pass padding_mask(tokens, self.pad_id)."""
    return self.head(self.encoder(self.positions(self.embedded(tokens))))


@Tagger.misconception("the mask inverted")
@_tagger
def _(self, tokens):
    """Your words look at the padding only. True means "may attend": padding_mask gives it like that
    already."""
    x = self.positions(self.embedded(tokens))
    return self.head(self.encoder(x, ~self.mask(tokens)))


@Tagger.misconception("pad_id ignored")
@_tagger
def _(self, tokens):
    """You take 0 for the padding. Keep pad_id and hand it to padding_mask."""
    x = self.positions(self.embedded(tokens))
    return self.head(self.encoder(x, pieces.padding_mask(tokens, 0)))


@Tagger.misconception("embeddings not scaled")
@_tagger
def _(self, tokens):
    """The embeddings aren't multiplied by √d_model. They should start small, with the deviation
    1/√d_model, and the sinusoids, which are as large as 1, would drown them."""
    x = self.positions(self.token(tokens))
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("scaled by d_model")
@_tagger
def _(self, tokens):
    """You multiply the embeddings by d_model. It is its root: √d_model."""
    x = self.positions(self.token(tokens) * self.d_model)
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("divided by √d_model")
@_tagger
def _(self, tokens):
    """You divide the embeddings by √d_model. They are multiplied by it: scores are divided, in the
    attention."""
    x = self.positions(self.token(tokens) / math.sqrt(self.d_model))
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("scaled with the positions")
@_tagger
def _(self, tokens):
    """You multiply embeddings and positions by √d_model. Only the embeddings are multiplied, before
    the positions are added."""
    x = self.positions(self.token(tokens)) * math.sqrt(self.d_model)
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("no positions")
@_tagger
def _(self, tokens):
    """The positions are never added, so the encoder sees a bag of words. Send the embeddings
    through self.positions."""
    return self.head(self.encoder(self.embedded(tokens), self.mask(tokens)))


@Tagger.misconception("positions added twice")
@_tagger
def _(self, tokens):
    """The positions are added twice: PositionalEncoding returns x with the positions already
    added."""
    x = self.embedded(tokens)
    x = x + self.positions(x)
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("positions behind the encoder")
@_tagger
def _(self, tokens):
    """You add the positions after the encoder. The attention needs them: before."""
    x = self.encoder(self.embedded(tokens), self.mask(tokens))
    return self.head(self.positions(x))


@Tagger.misconception("probabilities")
@_tagger
def _(self, tokens):
    """You return probabilities. The loss takes logits and does the softmax itself; done twice, the
    network hardly learns. Leave it out."""
    return _Tagging.forward(self, tokens).softmax(-1)


@Tagger.misconception("probabilities, embeddings not scaled")
@_tagger
def _(self, tokens):
    """Two things: the embeddings aren't multiplied by √d_model, and you return probabilities. The
    loss takes logits, and does the softmax itself."""
    x = self.positions(self.token(tokens))
    return self.head(self.encoder(x, self.mask(tokens))).softmax(-1)


@Tagger.misconception("a sigmoid on the logits")
@_tagger
def _(self, tokens):
    """You send the logits through a sigmoid. Return what head gives: the loss takes logits, and
    does the softmax itself."""
    return _Tagging.forward(self, tokens).sigmoid()


@Tagger.misconception("a softmax over the words")
@_tagger
def _(self, tokens):
    """You apply a softmax, and over the words at that. Return what head gives: the loss takes
    logits, and does the softmax over the tags itself."""
    return _Tagging.forward(self, tokens).softmax(1)


@Tagger.misconception("logarithms of probabilities")
@_tagger
def _(self, tokens):
    """You return logarithms of probabilities. Return what head gives, the logits; cross_entropy
    does the rest."""
    return _Tagging.forward(self, tokens).log_softmax(-1)


@Tagger.misconception("the tags themselves")
@_tagger
def _(self, tokens):
    """You return the largest logit's number. Return the logits: from whole numbers no gradient
    flows."""
    return _Tagging.forward(self, tokens).argmax(-1)


@Tagger.misconception("one answer for a sentence")
@_tagger
def _(self, tokens):
    """You average over the words, and give one answer for a sentence. Each word needs its own tag:
    (batch, length, num_tags)."""
    x = self.encoder(self.positions(self.embedded(tokens)), self.mask(tokens))
    return self.head(x.mean(1))


@Tagger.misconception("the first word's answer")
@_tagger
def _(self, tokens):
    """You answer for the first word only. Each word needs its own tag: (batch, length,
    num_tags)."""
    return _Tagging.forward(self, tokens)[:, 0]


@Tagger.misconception("the mask made from the vectors")
@_tagger
def _(self, tokens):
    """You make the mask from the vectors. What is padding can be seen from the tokens only:
    padding_mask(tokens, self.pad_id)."""
    x = self.positions(self.embedded(tokens))
    return self.head(self.encoder(x, self.mask(x)))


@Tagger.misconception("dropout in front of the head")
@_tagger
def _(self, tokens):
    """You drop numbers of what the encoder returns. The dropout of a tagger is in its positions and
    in its encoder; head gets what comes out."""
    x = self.encoder(self.positions(self.embedded(tokens)), self.mask(tokens))
    return self.head(F.dropout(x, 0.3, self.training))


@Tagger.misconception("tags in second place")
@_tagger
def _(self, tokens):
    """Your logits are (batch, num_tags, length). That is what cross_entropy would like; the
    exercise asks for (batch, length, num_tags), and the loss is given flattened."""
    return _Tagging.forward(self, tokens).transpose(1, 2)


@Tagger.misconception("flattened")
@_tagger
def _(self, tokens):
    """Your logits are (batch · length, num_tags). Leave the two dimensions apart; the loss flattens
    them itself."""
    return _Tagging.forward(self, tokens).flatten(0, 1)


@Tagger.misconception("the head left out")
@_tagger
def _(self, tokens):
    """You return the encoder's vectors. head makes a logit for each tag of them."""
    return self.encoder(self.positions(self.embedded(tokens)), self.mask(tokens))


@Tagger.misconception("the encoder left out")
@_tagger
def _(self, tokens):
    """The encoder is never used, so each word is tagged without its sentence."""
    return self.head(self.positions(self.embedded(tokens)))


@Tagger.misconception("an activation on the logits")
@_tagger
def _(self, tokens):
    """You send the logits through ReLU. A logit may be negative: return what head gives."""
    return F.relu(_Tagging.forward(self, tokens))


@Tagger.misconception("the last word of the padding removed")
@_tagger
def _(self, tokens):
    """You set the padding's logits to 0, or leave them out. The result keeps its shape, and what
    stands at the padding doesn't matter; leave it."""
    return _Tagging.forward(self, tokens)[tokens != self.pad_id]


@Tagger.misconception("tokens changed in place")
@_tagger
def _(self, tokens):
    """Your call changes the caller's tokens: tokens[…] = … and methods that end in _ work in
    place."""
    logits = _Tagging.forward(self, tokens)
    tokens.masked_fill_(tokens == self.pad_id, -100)
    return logits


@Tagger.misconception("embeddings cut off from the graph")
@_tagger
def _(self, tokens):
    """The values are right, but no gradient reaches the embeddings: a .detach() or torch.no_grad()
    cuts them off."""
    x = self.positions(self.embedded(tokens).detach())
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("other names")
@_tagger_of
def _(self, sizes):
    """The sub-modules have other names than the exercise asks: token, positions, encoder, head.
    Names are how weights are exchanged with other implementations."""
    self.embedding, self.classifier = self.token, self.head
    del self.token, self.head
    self.forward = lambda tokens: self.classifier(
        self.encoder(
            self.positions(self.embedding(tokens) * math.sqrt(self.d_model)), self.mask(tokens)
        )
    )


@Tagger.misconception("head without bias")
@_tagger_of
def _(self, sizes):
    """head has no bias. It is a plain nn.Linear(d_model, num_tags)."""
    self.head = nn.Linear(sizes["d_model"], sizes["num_tags"], bias=False)


@Tagger.misconception("as many tags as words")
@_tagger_of
def _(self, sizes):
    """Your head has a logit for each word of the vocabulary. It should have one for each tag:
    nn.Linear(d_model, num_tags)."""
    self.head = nn.Linear(sizes["d_model"], sizes["vocab_size"])


@Tagger.misconception("learned positions")
@_tagger_of
def _(self, sizes):
    """Your positions are learned. This tagger has the sinusoids of your PositionalEncoding."""
    self.positions = pieces.LearnedPositions(
        sizes["max_length"], sizes["d_model"], sizes["dropout"]
    )


@Tagger.misconception("one layer only")
@_tagger_of
def _(self, sizes):
    """There is one layer only: num_layers never reaches the encoder, whose first argument it is."""
    self.encoder = pieces.Encoder(
        1, sizes["d_model"], sizes["num_heads"], sizes["d_ff"], sizes["dropout"]
    )


@Tagger.misconception("heads and layers swapped")
@_tagger_of
def _(self, sizes):
    """num_heads and num_layers have changed places: Encoder(num_layers, d_model, num_heads, d_ff,
    dropout)."""
    self.encoder = pieces.Encoder(
        sizes["num_heads"], sizes["d_model"], sizes["num_layers"], sizes["d_ff"], sizes["dropout"]
    )


@Tagger.misconception("a single EncoderLayer")
@_tagger_of
def _(self, sizes):
    """Your encoder is a single EncoderLayer. It should be an Encoder, with num_layers of them and
    a last norm."""
    self.encoder = pieces.EncoderLayer(
        sizes["d_model"], sizes["num_heads"], sizes["d_ff"], sizes["dropout"]
    )


@Tagger.misconception("post-norm")
@_tagger_of
def _(self, sizes):
    """Your encoder is post-norm. The tagger leaves Encoder's defaults: pre-norm, with ReLU."""
    self.encoder = pieces.Encoder(
        sizes["num_layers"],
        sizes["d_model"],
        sizes["num_heads"],
        sizes["d_ff"],
        sizes["dropout"],
        norm_first=False,
    )


@Tagger.misconception("GELU")
@_tagger_of
def _(self, sizes):
    """Your encoder uses GELU. The tagger leaves Encoder's defaults: pre-norm, with ReLU."""
    self.encoder = pieces.Encoder(
        sizes["num_layers"],
        sizes["d_model"],
        sizes["num_heads"],
        sizes["d_ff"],
        sizes["dropout"],
        activation="gelu",
    )


@Tagger.misconception("max_length not passed on")
@_tagger_of
def _(self, sizes):
    """max_length never reaches the positions, which then have more rows than that (5000 by
    themselves): a sentence that is too long comes through. PositionalEncoding(d_model, max_length,
    dropout)."""
    self.positions = pieces.PositionalEncoding(sizes["d_model"], dropout=sizes["dropout"])


@Tagger.misconception("dropout in max_length's place")
@_tagger_of
def _(self, sizes):
    """The second argument of PositionalEncoding is max_length, the third is dropout. You hand the
    rate over where the length belongs."""
    self.positions = pieces.PositionalEncoding(sizes["d_model"], sizes["dropout"])


@Tagger.misconception("no dropout for the positions")
@_tagger_of
def _(self, sizes):
    """The positions drop nothing: dropout never reaches PositionalEncoding. Pass it on."""
    self.positions = pieces.PositionalEncoding(sizes["d_model"], sizes["max_length"], 0.0)


@Tagger.misconception("dropout not passed to the positions")
@_tagger_of
def _(self, sizes):
    """dropout never reaches the positions, which stay with their own 0.1:
    PositionalEncoding(d_model, max_length, dropout)."""
    self.positions = pieces.PositionalEncoding(sizes["d_model"], sizes["max_length"])


@Tagger.misconception("dropout not passed to the encoder")
@_tagger_of
def _(self, sizes):
    """dropout never reaches the encoder, which stays with its own 0.1: pass it on as the fifth
    argument."""
    self.encoder = pieces.Encoder(
        sizes["num_layers"], sizes["d_model"], sizes["num_heads"], sizes["d_ff"]
    )


@Tagger.misconception("no dropout for the encoder")
@_tagger_of
def _(self, sizes):
    """The encoder drops nothing: dropout never reaches it. Pass it on as the fifth argument."""
    self.encoder = pieces.Encoder(
        sizes["num_layers"], sizes["d_model"], sizes["num_heads"], sizes["d_ff"], 0.0
    )


@Tagger.misconception("dropout passed to neither")
@_tagger_of
def _(self, sizes):
    """dropout never reaches the positions nor the encoder, which stay with their own 0.1:
    PositionalEncoding(d_model, max_length, dropout), and the fifth argument of Encoder."""
    self.positions = pieces.PositionalEncoding(sizes["d_model"], sizes["max_length"])
    self.encoder = pieces.Encoder(
        sizes["num_layers"], sizes["d_model"], sizes["num_heads"], sizes["d_ff"]
    )


@Tagger.misconception("torch's own start")
@_tagger_of
def _(self, sizes):
    """nn.Embedding starts with a deviation of 1; times √d_model, the words then drown the
    sinusoids. Start it smaller: nn.init.normal_(self.token.weight, std=1 / √d_model)."""
    self.token = nn.Embedding(sizes["vocab_size"], sizes["d_model"])


@Tagger.misconception("a start from 1/d_model")
@_tagger_of
def _(self, sizes):
    """Your embeddings start with a deviation of 1/d_model. It is 1/√d_model: std =
    d_model ** -0.5."""
    nn.init.normal_(self.token.weight, std=1 / sizes["d_model"])
