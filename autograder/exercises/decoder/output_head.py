"""Logits over the vocabulary, with the embedding's own table."""

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
from autograder.checks.wrong_module import wrong_forward
from workbook import pieces

OutputHead = Exercise("OutputHead", reference=pieces.OutputHead)


def _hidden(draw: Draw) -> Case:
    batch, length, d_model, vocab = draw.sizes(4, low=3)
    return Case(
        (draw.normal(batch, length, d_model),), {}, {"d_model": d_model, "vocab_size": vocab}
    )


parameters_named(OutputHead, _hidden, points=0.5)
equals_reference(
    OutputHead,
    _hidden,
    ("The logits, at [sentence, position, word],",),
    name="a logit for each word of the vocabulary",
    points=0.75,
    says="A word's logit is the dot product of x with the word's row of weight: x weightᵀ.",
)


@OutputHead.property("any axes in front", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """One vector, a sentence, or a batch of beams: whatever stands in front of d_model stays."""
    case = _hidden(draw)
    asked, oracle = beside(OutputHead, piece, case, draw)
    (x,) = case.args
    for some in (x[0, 0], x[0], x.unsqueeze(1)):
        expect.close(asked(some), oracle(some).detach(), f"The logits of x {tuple(some.shape)}")


@OutputHead.property("the weight can be shared", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """head.weight = embedding.weight ties the two. After that, the head should calculate with the
    embedding's weight."""
    case = _hidden(draw)
    (x,) = case.args
    instance = piece.construct(**case.construct).to(torch.float64)
    shared = draw.normal(case.construct["vocab_size"], case.construct["d_model"])
    head = piece.make("tied", head=instance.handle, weight=shared)
    expect.close(head(x), x @ shared.T, "The logits after head.weight = …")


# Where a weight's deviation may come from, as a multiple of 1/√d_model, for (576, 64).
_STARTS = {
    "torch.randn as it is": 8.0,
    "multiplied": 64.0,
    "divided by √vocab_size": 1 / 3,
    "divided by d_model": 1 / 8,
    "nn.Linear's": 1 / math.sqrt(3),
    "Xavier's": 8 * math.sqrt(2 / (576 + 64)),
}


@OutputHead.property("a start of its own", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new head starts from random numbers with a standard deviation of 1/√d_model, so that logits
    are about as large as the numbers of x."""
    d_model, vocab = 64, 576
    instance = piece.construct(d_model, vocab)
    x = draw.normal(50, d_model, dtype=torch.float32)
    once, again = (expect.shape(instance(x), (50, vocab), "The logits") for _ in range(2))
    expect.that(bool((once == again).all() or once.isnan().any()), "Two calls give other logits.")
    for weight in instance.parameters().values():
        if weight.ndim != 2:
            continue
        wild = not weight.isfinite().all() or bool(weight.abs().max() > 1000)
        expect.that(not wild, "The weight holds whatever lay in memory.")
        expect.that(bool((weight.abs() > 1e-9).double().mean() > 0.5), "The weight is zero.")
        expect.that(bool((weight != weight[0]).any()), "All rows of the weight start alike.")
        expect.that(bool((weight < 0).any()), "All numbers of the weight are positive.")
        spread = weight.double().std().item()
        share = spread * math.sqrt(d_model)
        told = f"For d_model = 64 it should be 0.125; your weight's deviation is {spread:.3g}."
        likely = [how for how, other in _STARTS.items() if abs(share / other - 1) < 0.05]
        if not 0.85 < share < 1.15:
            raise expect.Mismatch(told, kind=f"starts otherwise: {likely}")


gradients_flow(OutputHead, _hidden, of=("x",), points=0.25)
inputs_stay(OutputHead, _hidden, points=0.25)
single_precision(OutputHead, _hidden, ("The logits",), points=0.25)


class _Head(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.weight.T


@OutputHead.misconception("with a bias")
class _(_Head):
    """Your head has a bias. It has none: an embedding has none either, and the two can share their
    weight."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, x):
        return x @ self.weight.T + self.bias


@OutputHead.misconception("a Linear inside")
class _(nn.Module):
    """Your weight belongs to an nn.Linear inside of the head, so that it is called something like
    linear.weight. It should be the head's own, self.weight: make an nn.Parameter."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.linear = nn.Linear(d_model, vocab_size, bias=False)

    def forward(self, x):
        return self.linear(x)


@OutputHead.misconception("weight is a Linear")
class _(nn.Module):
    """Your self.weight is a whole nn.Linear, so that the numbers are called weight.weight. Make
    self.weight an nn.Parameter (vocab_size, d_model)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Linear(d_model, vocab_size, bias=False)

    def forward(self, x):
        return self.weight(x)


@OutputHead.misconception("a Linear with a bias inside")
class _(nn.Module):
    """Your weight belongs to an nn.Linear inside of the head, and there is a bias. The head has one
    parameter, self.weight: make an nn.Parameter (vocab_size, d_model)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.linear = nn.Linear(d_model, vocab_size)

    def forward(self, x):
        return self.linear(x)


@OutputHead.misconception("a Linear's weight by another name")
class _(nn.Module):
    """self.weight is only another name for the weight of an nn.Linear inside, and the Linear goes
    on with its own when head.weight is set to an embedding's. Use self.weight itself: x @
    self.weight.T."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.linear = nn.Linear(d_model, vocab_size, bias=False)
        self.weight = self.linear.weight

    def forward(self, x):
        return self.linear(x)


@OutputHead.misconception("a weight of another name")
class _(nn.Module):
    """Your parameter has another name. It should be self.weight, as an embedding's is, (vocab_size,
    d_model)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.W = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.W.T


@OutputHead.misconception("weight transposed")
class _(nn.Module):
    """Your weight is (d_model, vocab_size). An embedding's is the other way round, a row for each
    word: (vocab_size, d_model), and in forward x @ self.weight.T."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d_model, vocab_size) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.weight


@OutputHead.misconception("no parameter")
class _(nn.Module):
    """Your weight is a plain tensor: an optimizer doesn't see it, and nothing is learned. Wrap it:
    nn.Parameter(…)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = torch.randn(vocab_size, d_model) / math.sqrt(d_model)

    def forward(self, x):
        return x @ self.weight.to(x.dtype).T


@OutputHead.misconception("starts from zeros")
class _(_Head):
    """Your weight starts from zeros (torch.empty often holds zeros, too): all words get the same
    logit, and no gradient reaches the layers below. Start from random numbers: torch.randn."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.zeros_(self.weight)


@OutputHead.misconception("starts from ones")
class _(_Head):
    """Your weight starts from ones: all words are alike. Start from random numbers."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.ones_(self.weight)


@OutputHead.misconception("starts too large")
class _(_Head):
    """Your weight starts from torch.randn as it is. A sum of d_model products grows to √d_model,
    and the softmax begins saturated: divide by √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight)


@OutputHead.misconception("memory as it was found")
class _(_Head):
    """Your weight holds whatever lay in memory, as torch.empty and torch.Tensor(…) leave it. Fill
    it with random numbers: torch.randn(…), divided by √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        with torch.no_grad():
            self.weight[0] = 1e30


@OutputHead.misconception("the weight multiplied by the root")
class _(_Head):
    """Your weight is multiplied by √d_model, so that it starts far too large. Divide by the
    root."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight, std=math.sqrt(d_model))


@OutputHead.misconception("the other root")
class _(_Head):
    """You divide by √vocab_size. A logit is a sum of d_model products, so it's d_model whose root
    counts: torch.randn(…) / √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight, std=1 / math.sqrt(vocab_size))


@OutputHead.misconception("the root forgotten")
class _(_Head):
    """You divide by d_model, not by its root, so that the weight starts far too small:
    torch.randn(…) / √d_model, or std=1/√d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight, std=1 / d_model)


@OutputHead.misconception("an nn.Linear's start")
class _(_Head):
    """Your weight starts as an nn.Linear's does: uniform, with a deviation of 1/√(3 · d_model).
    Here 1/√d_model is asked for, as of an embedding to share it with: torch.randn(…) / √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        bound = 1 / math.sqrt(d_model)
        nn.init.uniform_(self.weight, -bound, bound)


@OutputHead.misconception("Xavier's start")
class _(_Head):
    """Your weight has Xavier's start, whose deviation depends on vocab_size too. Here 1/√d_model is
    asked for: torch.randn(…) / √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.xavier_normal_(self.weight)


@OutputHead.misconception("rand in place of randn")
class _(_Head):
    """Your weight starts from numbers that are all positive: torch.rand draws from 0 to 1. Then all
    words' rows point the same way. torch.randn draws normal numbers, around 0."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.uniform_(self.weight, 0, 1 / math.sqrt(d_model))


@OutputHead.misconception("probabilities")
@wrong_forward(_Head)
def _(self, x):
    """You return probabilities. The head returns logits: cross_entropy takes the softmax itself,
    and a second one would flatten everything."""
    return pieces.softmax(x @ self.weight.T, -1)


@OutputHead.misconception("log-probabilities")
@wrong_forward(_Head)
def _(self, x):
    """You return log-probabilities. The head returns logits: cross_entropy takes the log-softmax
    itself."""
    return F.log_softmax(x @ self.weight.T, dim=-1)


@OutputHead.misconception("a sigmoid")
@wrong_forward(_Head)
def _(self, x):
    """You squeeze the logits through a sigmoid. The head returns them as they are."""
    return torch.sigmoid(x @ self.weight.T)


@OutputHead.misconception("a ReLU")
@wrong_forward(_Head)
def _(self, x):
    """You cut negative logits off. The head returns them as they are, negative ones too."""
    return torch.relu(x @ self.weight.T)


@OutputHead.misconception("the best word")
@wrong_forward(_Head)
def _(self, x):
    """You return the number of the best word. The head returns a logit for every word; who decodes
    chooses."""
    return (x @ self.weight.T).argmax(-1)


@OutputHead.misconception("divided by the root")
@wrong_forward(_Head)
def _(self, x):
    """You divide by √d_model, as attention does. Here nothing is divided: x weightᵀ."""
    return x @ self.weight.T / math.sqrt(x.size(-1))


@OutputHead.misconception("multiplied by the root")
@wrong_forward(_Head)
def _(self, x):
    """You multiply by √d_model. That is done to an embedding on its way in; the head is x
    weightᵀ."""
    return x @ self.weight.T * math.sqrt(x.size(-1))


@OutputHead.misconception("cosines")
@wrong_forward(_Head)
def _(self, x):
    """You take cosines: x and the rows are made of length 1 first. The head takes the dot product
    as it is."""
    return F.normalize(x, dim=-1) @ F.normalize(self.weight, dim=-1).T


@OutputHead.misconception("the last position only")
@wrong_forward(_Head)
def _(self, x):
    """You return the logits of the last position. Training needs those of all positions: x
    weightᵀ, whatever stands in front."""
    return x[..., -1, :] @ self.weight.T


@OutputHead.misconception("positions averaged")
@wrong_forward(_Head)
def _(self, x):
    """You average over the positions first. Each position predicts a word of its own."""
    return x.mean(-2) @ self.weight.T


@OutputHead.misconception("sentences in one row")
@wrong_forward(_Head)
def _(self, x):
    """You flatten batch and positions. They stay as they are: only the last axis changes, from
    d_model to vocab_size."""
    return x.reshape(-1, x.size(-1)) @ self.weight.T


@OutputHead.misconception("words before positions")
@wrong_forward(_Head)
def _(self, x):
    """Your axes are (…, vocab_size, length). The words come last: x @ weight.T, not weight @
    x.T."""
    return self.weight @ x.transpose(-2, -1) if x.ndim > 1 else self.weight @ x


@OutputHead.misconception("three axes or nothing")
@wrong_forward(_Head)
def _(self, x):
    """Your head takes (batch, length, d_model) only. A decoder that writes word by word hands over
    other shapes: x @ weight.T takes any."""
    return torch.einsum("bld,vd->blv", x, self.weight)


@OutputHead.misconception("x looked up")
@wrong_forward(_Head)
def _(self, x):
    """An embedding turns numbers into vectors. The head goes the other way: the dot product of x
    with each row, x @ weight.T."""
    return F.embedding(x.argmax(-1) % self.weight.size(0), self.weight)


@OutputHead.misconception("not transposed")
@wrong_forward(_Head)
def _(self, x):
    """The weight is (vocab_size, d_model), so it has to be transposed: x @ self.weight.T."""
    return x @ self.weight


@OutputHead.misconception("cut off from the graph")
@wrong_forward(_Head)
def _(self, x):
    """The values are right, and no gradient flows back to weight, so that it never learns: look for
    .detach(), .data or requires_grad=False."""
    return x @ self.weight.detach().T


@OutputHead.misconception("x cut off from the graph")
@wrong_forward(_Head)
def _(self, x):
    """The values are right, and no gradient flows back to x, so the layers below never learn. Take
    the .detach() away."""
    return x.detach() @ self.weight.T


@OutputHead.misconception("x changed in place")
@wrong_forward(_Head)
def _(self, x):
    """Your call changes the caller's x: methods that end in _ and *= work in place."""
    logits = x @ self.weight.T
    with torch.no_grad():
        x.mul_(2.0)
    return logits
