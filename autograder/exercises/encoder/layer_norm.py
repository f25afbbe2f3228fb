"""Every word brought to mean 0 and deviation 1 over its features."""

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
    single_precision,
)
from autograder.checks.wrong_module import wrong_forward
from workbook import pieces

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


def _over(x: torch.Tensor, dim: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and biased variance over these dimensions, kept."""
    return x.mean(dim, keepdim=True), x.var(dim, unbiased=False, keepdim=True)


def _normed(self, x: torch.Tensor, mean: Any, variance: Any) -> torch.Tensor:
    return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("the unbiased variance")
@wrong_forward(_Norm)
def _(self, x):
    """You take the unbiased variance, divided by d_model − 1: that is what var() and std() give
    unless told otherwise. Layer norm divides by d_model: var(-1, unbiased=False), or the mean of
    the squared differences."""
    return _normed(self, x, x.mean(-1, keepdim=True), x.var(-1, keepdim=True))


@LayerNorm.misconception("eps outside the root")
@wrong_forward(_Norm)
def _(self, x):
    """You add eps to the standard deviation. It belongs inside the root, to the variance:
    √(variance + eps). Outside, a word with equal features gets a gradient of NaN, because the slope
    of the root at 0 is infinite."""
    mean, variance = _over(x, -1)
    return (x - mean) / (variance.sqrt() + self.eps) * self.weight + self.bias


@LayerNorm.misconception("the unbiased deviation, and eps outside the root")
@wrong_forward(_Norm)
def _(self, x):
    """Two things at once, and both are in a version that is often copied: std() is the unbiased
    deviation (divided by d_model − 1), and eps is added outside the root. Use the biased variance,
    and √(variance + eps)."""
    deviation = x.std(-1, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / (deviation + self.eps) * self.weight + self.bias


@LayerNorm.misconception("eps forgotten")
@wrong_forward(_Norm)
def _(self, x):
    """eps is never used. Add it to the variance, inside the root; otherwise a word with equal
    features is divided by 0."""
    mean, variance = _over(x, -1)
    return (x - mean) / variance.sqrt() * self.weight + self.bias


@LayerNorm.misconception("eps forgotten, the unbiased deviation")
@wrong_forward(_Norm)
def _(self, x):
    """Two things: std() is the unbiased deviation, divided by d_model − 1, and eps is never used.
    Take the biased variance, and √(variance + eps)."""
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * self.weight + self.bias


@LayerNorm.misconception("always the same eps")
@wrong_forward(_Norm)
def _(self, x):
    """You always add 1e-5. Keep the eps of the constructor (self.eps = eps) and use that one."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + 1e-5) * self.weight + self.bias


@LayerNorm.misconception("eps added to the quotient")
@wrong_forward(_Norm)
def _(self, x):
    """You add eps to the quotient. It belongs to the variance, under the root: parentheses are
    missing."""
    mean, variance = _over(x, -1)
    return ((x - mean) / variance.sqrt() + self.eps) * self.weight + self.bias


@LayerNorm.misconception("eps squared")
@wrong_forward(_Norm)
def _(self, x):
    """You add eps² to the variance. Add eps itself."""
    mean, variance = _over(x, -1)
    return _normed(self, x, mean, variance + self.eps**2 - self.eps)


@LayerNorm.misconception("divided by the variance")
@wrong_forward(_Norm)
def _(self, x):
    """You divide by the variance. Divide by its root, the standard deviation: only then do features
    that are twice as large give the same result."""
    mean, variance = _over(x, -1)
    return (x - mean) / (variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("the mean kept")
@wrong_forward(_Norm)
def _(self, x):
    """You divide x as it is. Subtract the mean first: (x − mean) / √(variance + eps)."""
    return _normed(self, x, 0.0, _over(x, -1)[1])


@LayerNorm.misconception("RMS norm")
@wrong_forward(_Norm)
def _(self, x):
    """You divide by the root of the mean square, and subtract no mean. That is RMS norm, which
    newer models use. Layer norm subtracts the mean first, and divides by the deviation."""
    return _normed(self, x, 0.0, x.square().mean(-1, keepdim=True))


@LayerNorm.misconception("the mean square for the variance")
@wrong_forward(_Norm)
def _(self, x):
    """Your variance is the mean of x². It is the mean of (x − mean)²."""
    return _normed(self, x, x.mean(-1, keepdim=True), x.square().mean(-1, keepdim=True))


@LayerNorm.misconception("the mean not squared")
@wrong_forward(_Norm)
def _(self, x):
    """Your variance is the mean of x² minus the mean. The mean has to be squared too; or take the
    mean of (x − mean)², which is the same and easier to get right."""
    mean = x.mean(-1, keepdim=True)
    return _normed(self, x, mean, x.square().mean(-1, keepdim=True) - mean)


@LayerNorm.misconception("the deviation in the variance's place")
@wrong_forward(_Norm)
def _(self, x):
    """You take the root of the standard deviation, which is a root already. Under the root stands
    the variance, var(…) and not std(…), plus eps."""
    mean, variance = _over(x, -1)
    return _normed(self, x, mean, variance.sqrt())


@LayerNorm.misconception("the squares added up")
@wrong_forward(_Norm)
def _(self, x):
    """You add the squared differences up. The variance is their mean: divide by d_model."""
    mean = x.mean(-1, keepdim=True)
    return _normed(self, x, mean, (x - mean).square().sum(-1, keepdim=True))


@LayerNorm.misconception("parentheses missing")
@wrong_forward(_Norm)
def _(self, x):
    """Only the mean is divided: x − mean / √… is x − (mean / √…). Write (x − mean) / √(variance +
    eps)."""
    mean, variance = _over(x, -1)
    return (x - mean / torch.sqrt(variance + self.eps)) * self.weight + self.bias


@LayerNorm.misconception("no parentheses at all")
@wrong_forward(_Norm)
def _(self, x):
    """Without parentheses only the mean is divided, and only the mean is scaled: x − mean / √… ·
    weight is x − (mean / √… · weight). Write (x − mean) / √(variance + eps) · weight + bias."""
    mean, variance = _over(x, -1)
    return x - mean / torch.sqrt(variance + self.eps) * self.weight + self.bias


@LayerNorm.misconception("over the sentences")
@wrong_forward(_Norm)
def _(self, x):
    """You average over dimension 0, the sentences of the batch. Then a word's result depends on
    what else is in the batch. Layer norm averages over the last dimension, a word's own
    features."""
    return _normed(self, x, *_over(x, 0))


@LayerNorm.misconception("over the words")
@wrong_forward(_Norm)
def _(self, x):
    """You average over dimension 1, the words. Layer norm averages over the last dimension, so that
    each word is normalised by itself."""
    return _normed(self, x, *_over(x, 1 if x.ndim > 1 else 0))


@LayerNorm.misconception("batch norm")
@wrong_forward(_Norm)
def _(self, x):
    """You average each feature over all words of all sentences. That is batch norm. Layer norm
    turns it round: for each word, over all its features, dim=-1."""
    return _normed(self, x, *_over(x, tuple(range(x.ndim - 1)) or 0))


@LayerNorm.misconception("over the whole batch")
@wrong_forward(_Norm)
def _(self, x):
    """You take one mean and one deviation of all numbers. Each word has its own: mean(-1,
    keepdim=True)."""
    return _normed(self, x, x.mean(), x.var(unbiased=False))


@LayerNorm.misconception("over the whole batch, the unbiased deviation")
@wrong_forward(_Norm)
def _(self, x):
    """Without a dimension, mean() and std() or var() are taken over all numbers of the batch, and
    var() and std() divide by one less than their count. Each word has a mean and a biased variance
    of its own: (-1, keepdim=True)."""
    return _normed(self, x, x.mean(), x.var())


@LayerNorm.misconception("over the whole batch, eps outside the root")
@wrong_forward(_Norm)
def _(self, x):
    """Without a dimension, mean() and std() are taken over all numbers of the batch. Each word has
    a mean and a deviation of its own: (-1, keepdim=True). And take care: std() divides by one less
    than the count, and eps belongs inside the root."""
    return (x - x.mean()) / (x.std() + self.eps) * self.weight + self.bias


@LayerNorm.misconception("over the words, the unbiased variance")
@wrong_forward(_Norm)
def _(self, x):
    """You average over dimension 1, the words, and var() divides by one less than their number.
    Layer norm averages over the last dimension, -1, and takes the biased variance."""
    dim = 1 if x.ndim > 1 else 0
    return _normed(self, x, x.mean(dim, keepdim=True), x.var(dim, keepdim=True))


@LayerNorm.misconception("over words and features, the unbiased variance")
@wrong_forward(_Norm)
def _(self, x):
    """You average over the words of a sentence as well as over the features. Only the last
    dimension counts, -1; and var() divides by one less than the number unless you say
    unbiased=False."""
    dim = (-2, -1) if x.ndim > 1 else -1
    return _normed(self, x, x.mean(dim, keepdim=True), x.var(dim, keepdim=True))


@LayerNorm.misconception("over words and features")
@wrong_forward(_Norm)
def _(self, x):
    """You average over the words of a sentence as well as over the features. The longer the
    sentence, the other the result. Only the last dimension: dim=-1."""
    return _normed(self, x, *_over(x, (-2, -1) if x.ndim > 1 else -1))


@LayerNorm.misconception("the dimension forgotten for the variance")
@wrong_forward(_Norm)
def _(self, x):
    """Your mean is each word's own, and your variance is one number for the whole batch: it needs a
    dimension too."""
    return _normed(self, x, x.mean(-1, keepdim=True), x.var(unbiased=False))


@LayerNorm.misconception("keepdim forgotten")
@wrong_forward(_Norm)
def _(self, x):
    """mean(-1) and var(-1) drop the last dimension, and then the result doesn't line up with x any
    more. keepdim=True keeps it, with size 1."""
    return _normed(self, x, x.mean(-1), x.var(-1, unbiased=False))


@LayerNorm.misconception("the dimension counted from the front")
@wrong_forward(_Norm)
def _(self, x):
    """Your dimension is counted from the front, so it is the right one for (batch, length, d_model)
    only. Count from the back: dim=-1 is the last one of any tensor."""
    return _normed(self, x, *_over(x, 2))


@LayerNorm.misconception("divided by the length of the vector")
@wrong_forward(_Norm)
def _(self, x):
    """You divide by the length (norm) of the vector, which is √d_model times the deviation. The
    result should have a variance of 1, not a length of 1."""
    centred = x - x.mean(-1, keepdim=True)
    return F.normalize(centred, dim=-1) * self.weight + self.bias


@LayerNorm.misconception("the mean difference for the deviation")
@wrong_forward(_Norm)
def _(self, x):
    """You take the mean of the absolute differences. The deviation is the root of the mean of their
    squares."""
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / ((x - mean).abs().mean(-1, keepdim=True) + self.eps) * (
        self.weight
    ) + self.bias


@LayerNorm.misconception("weight and bias unused")
@wrong_forward(_Norm)
def _(self, x):
    """You normalise, and stop. Multiply by weight and add bias, so that the network can choose the
    scale it needs."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps)


@LayerNorm.misconception("weight and bias unused, the unbiased variance")
@wrong_forward(_Norm)
def _(self, x):
    """Two things: var() divides by d_model − 1 unless you say unbiased=False, and what you have
    normalised is neither multiplied by weight nor is bias added."""
    variance = x.var(-1, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + self.eps)


@LayerNorm.misconception("weight and bias unused, the unbiased deviation, eps outside the root")
@wrong_forward(_Norm)
def _(self, x):
    """Three things: std() is the unbiased deviation; eps belongs inside the root, √(variance +
    eps); and what you have normalised is neither multiplied by weight nor is bias added."""
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + self.eps)


@LayerNorm.misconception("weight unused")
@wrong_forward(_Norm)
def _(self, x):
    """weight is never used: multiply the normalised features by it, then add bias."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) + self.bias


@LayerNorm.misconception("bias unused")
@wrong_forward(_Norm)
def _(self, x):
    """bias is never used: add it at the end."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) * self.weight


@LayerNorm.misconception("weight and bias swapped")
@wrong_forward(_Norm)
def _(self, x):
    """You multiply by bias and add weight. weight scales, bias shifts."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) * self.bias + self.weight


@LayerNorm.misconception("bias added before the scaling")
@wrong_forward(_Norm)
def _(self, x):
    """You add bias before you multiply by weight. First times weight, then plus bias."""
    mean, variance = _over(x, -1)
    return ((x - mean) / torch.sqrt(variance + self.eps) + self.bias) * self.weight


@LayerNorm.misconception("bias added to weight")
@wrong_forward(_Norm)
def _(self, x):
    """You multiply by the sum of weight and bias: parentheses too many. Times weight first, then
    plus bias."""
    mean, variance = _over(x, -1)
    return (x - mean) / torch.sqrt(variance + self.eps) * (self.weight + self.bias)


@LayerNorm.misconception("scaled before it is normalised")
@wrong_forward(_Norm)
def _(self, x):
    """You apply weight and bias first and normalise afterwards, which takes most of their effect
    away again. Normalise first."""
    scaled = x * self.weight + self.bias
    mean, variance = _over(scaled, -1)
    return (scaled - mean) / torch.sqrt(variance + self.eps)


@LayerNorm.misconception("x kept beside")
@wrong_forward(_Norm)
def _(self, x):
    """You add x to the normalised x. That is a residual connection, which has an exercise of its
    own; LayerNorm only normalises."""
    return x + _normed(self, x, *_over(x, -1))


@LayerNorm.misconception("statistics cut off from the graph")
@wrong_forward(_Norm)
def _(self, x):
    """The values are right and the gradient isn't: mean and variance depend on x too. Don't cut
    them off by detach() or torch.no_grad()."""
    with torch.no_grad():
        mean, variance = _over(x, -1)
    return _normed(self, x, mean, variance)


@LayerNorm.misconception("cut off from the graph")
@wrong_forward(_Norm)
def _(self, x):
    """The values are right, but no gradient flows back: a .detach(), .data or torch.no_grad() cuts
    the result off."""
    with torch.no_grad():
        return _normed(self, x, *_over(x, -1))


@LayerNorm.misconception("x changed in place")
@wrong_forward(_Norm)
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
