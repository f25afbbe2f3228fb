"""One step of a recurrent network."""

import torch

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

rnn_step = Exercise(
    "rnn_step",
    reference=pieces.rnn_step,
    forbidden=("rnn_tanh_cell", "rnn_relu_cell", "rnn_tanh"),
)


def _step(draw: Draw) -> Case:
    batch, inputs, hidden = draw.sizes(3)
    return Case(
        (
            draw.normal(batch, inputs),
            draw.normal(batch, hidden, scale=0.5),
            draw.normal(inputs, hidden, scale=0.5),
            draw.normal(hidden, hidden, scale=0.5),
            draw.normal(hidden, scale=0.5),
        )
    )


equals_reference(
    rnn_step,
    _step,
    ("The new hidden state",),
    name="matches the formula",
    points=1,
    says="The new hidden state is tanh(x_t W_xh + h W_hh + b).",
)
gradients_flow(rnn_step, _step, of=("x_t", "h", "W_xh", "W_hh", "b"), points=0.5)
inputs_stay(rnn_step, _step, points=0.25)
single_precision(rnn_step, _step, ("The new hidden state",), points=0.25)


@rnn_step.misconception("no tanh")
def _(x_t, h, W_xh, W_hh, b):
    """The tanh is missing. Without it a state can grow at every step, and all the steps together
    are one linear function."""
    return x_t @ W_xh + h @ W_hh + b


@rnn_step.misconception("another squashing function")
def _(x_t, h, W_xh, W_hh, b):
    """You squash with a sigmoid, which lies between 0 and 1. Here it is tanh, between −1 and 1."""
    return torch.sigmoid(x_t @ W_xh + h @ W_hh + b)


@rnn_step.misconception("relu instead of tanh")
def _(x_t, h, W_xh, W_hh, b):
    """You use relu. The exercise asks for tanh: it keeps the state between −1 and 1, however often
    the step is repeated."""
    return torch.relu(x_t @ W_xh + h @ W_hh + b)


@rnn_step.misconception("bias forgotten")
def _(x_t, h, W_xh, W_hh, b):
    """The bias b is never added. It belongs inside the tanh."""
    return torch.tanh(x_t @ W_xh + h @ W_hh)


@rnn_step.misconception("bias outside the tanh")
def _(x_t, h, W_xh, W_hh, b):
    """You add the bias after the tanh, so that the state can leave −1 … 1. Add it inside."""
    return torch.tanh(x_t @ W_xh + h @ W_hh) + b


@rnn_step.misconception("recurrent weights transposed")
def _(x_t, h, W_xh, W_hh, b):
    """W_hh is turned round. It is square, so no error is raised, but the exercise asks for
    h @ W_hh."""
    return torch.tanh(x_t @ W_xh + h @ W_hh.T + b)


@rnn_step.misconception("weights transposed, as torch keeps them")
def _(x_t, h, W_xh, W_hh, b):
    """You multiply by the transposed matrices, as nn.RNN and nn.Linear store them. Here W_xh is
    (input, hidden): x_t @ W_xh."""
    return torch.tanh(x_t @ W_xh.T + h @ W_hh.T + b)


@rnn_step.misconception("matrix on the left")
def _(x_t, h, W_xh, W_hh, b):
    """The matrix stands on the wrong side. Each sentence of the batch is a row of x_t, so it is
    x_t @ W_xh."""
    return torch.tanh(W_xh @ x_t + W_hh @ h + b)


@rnn_step.misconception("memory ignored")
def _(x_t, h, W_xh, W_hh, b):
    """The old state h plays no part: this network remembers nothing. Add h @ W_hh."""
    return torch.tanh(x_t @ W_xh + b)


@rnn_step.misconception("two tanh")
def _(x_t, h, W_xh, W_hh, b):
    """You squash the input's share and the memory's share apart and add them up. Add first: one
    tanh around the whole sum."""
    return torch.tanh(x_t @ W_xh) + torch.tanh(h @ W_hh + b)


@rnn_step.misconception("word outside the tanh")
def _(x_t, h, W_xh, W_hh, b):
    """The word's share stands outside the tanh. One tanh around the whole sum."""
    return x_t @ W_xh + torch.tanh(h @ W_hh + b)


@rnn_step.misconception("element by element")
def _(x_t, h, W_xh, W_hh, b):
    """The star multiplies element by element. A matrix product is written @."""
    return torch.tanh(x_t * W_xh + h * W_hh + b)


@rnn_step.misconception("old state added on")
def _(x_t, h, W_xh, W_hh, b):
    """You add the new state to the old one. In a vanilla network the new state replaces the old:
    return the tanh alone."""
    return h + torch.tanh(x_t @ W_xh + h @ W_hh + b)


@rnn_step.misconception("state changed in place")
def _(x_t, h, W_xh, W_hh, b):
    """h += … (or h[...] = …) changes the caller's state. Make a new tensor and return it."""
    new = torch.tanh(x_t @ W_xh + h @ W_hh + b)
    h.data.copy_(new)
    return new


@rnn_step.misconception("cut off from the graph")
def _(x_t, h, W_xh, W_hh, b):
    """The values are right, but no gradient flows back: a .detach(), .data or torch.no_grad() cuts
    the result off, and the network couldn't learn."""
    with torch.no_grad():
        return torch.tanh(x_t @ W_xh + h @ W_hh + b)
