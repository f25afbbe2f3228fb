"""Lesson 01: recurrent networks, how far their gradients reach, and attention as the first cure.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

import math

import torch
from torch import nn

from autograder.channel.made import MAKERS
from autograder.channel.piece import Instance, Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    agree,
    beside,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from workbook import pieces

# ---- rnn_step ----------------------------------------------------------------------------------

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


# ---- RNN ---------------------------------------------------------------------------------------

RNN = Exercise(
    "RNN",
    reference=pieces.RNN,
    forbidden=("rnn_tanh", "rnn_tanh_cell", "rnn_relu", "gru", "lstm"),
)
_STATES = ("outputs", "last")


def _sequences(draw: Draw) -> Case:
    batch, length, inputs, hidden = draw.sizes(4, low=3)
    return Case(
        (draw.normal(batch, length, inputs),),
        {},
        {"input_size": inputs, "hidden_size": hidden},
    )


def _padded(draw: Draw, fill: float = 1.0) -> Case:
    """Sequences of different lengths, one of them whole, with numbers of no meaning behind their
    ends."""
    case = _sequences(draw)
    batch, length, _ = case.args[0].shape
    lengths = torch.tensor([draw.integer(1, length - 1) for _ in range(batch)])
    lengths[draw.integer(0, batch - 1)] = length
    return Case(case.args, {"lengths": lengths}, case.construct)


def _all_padded(draw: Draw) -> Case:
    """Every sequence is shorter than the batch is wide."""
    case = _sequences(draw)
    batch, length, _ = case.args[0].shape
    lengths = torch.tensor([draw.integer(1, length - 1) for _ in range(batch)])
    return Case(case.args, {"lengths": lengths}, case.construct)


def _past_the_end(case: Case) -> torch.Tensor:
    """(batch, length, 1), True for padding."""
    steps = torch.arange(case.args[0].shape[1])
    return (steps >= case.kwargs["lengths"][:, None])[..., None]


def _values(instance: Instance, case: Case, x: torch.Tensor | None = None) -> tuple:
    given = case.args if x is None else (x,)
    return expect.several(instance(*given, **case.kwargs), *_STATES)


parameters_named(RNN, _sequences, points=0.5)


@RNN.property("a network to start from", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new network should start from random weights of its own, small enough not to saturate the
    tanh, and keep them from call to call."""
    instance, twin = piece.construct(5, 64), piece.construct(5, 64)
    made = instance.parameters()
    if "W_hh" not in made:
        raise expect.Mismatch("There is no W_hh: see the first property.", kind="no W_hh")
    W_hh = expect.shape(made["W_hh"], (64, 64), "W_hh")
    expect.that(float(W_hh.abs().max()) > 0, "W_hh starts as zeros: nothing would be remembered.")
    expect.that(float(W_hh.std()) > 0, "All weights of W_hh start equal.")
    expect.that(
        not torch.equal(W_hh, twin.parameters()["W_hh"]), "Two new networks have equal weights."
    )
    expect.that(
        float(W_hh.std()) < 2 / math.sqrt(64),
        "The weights of W_hh start so large that every tanh saturates.",
    )
    x = draw.normal(2, 4, 5, dtype=torch.float32)
    (once, _), (again, _) = (expect.several(instance(x), *_STATES) for _ in range(2))
    expect.that(torch.equal(once, again), "Two calls with the same input give different outputs.")


equals_reference(
    RNN,
    _sequences,
    _STATES,
    name="without padding",
    points=1,
    says="Without lengths, outputs holds the state after every step, and last is the last of them.",
)


@RNN.property("outputs stop at each sequence's end", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With lengths, outputs is as long as x; each sequence's outputs are its states up to its own
    end, and zeros after it."""
    for cases in (_all_padded, _padded):
        case = cases(draw)
        instance, oracle = beside(RNN, piece, case, draw)
        outputs, _ = _values(instance, case)
        expect.close(outputs, oracle(*case.args, **case.kwargs)[0].detach(), "outputs")


@RNN.property("last is each sequence's own", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With lengths, last holds each sequence's state after its own last real step, for lengths in
    any order."""
    for cases in (_all_padded, _padded):
        case = cases(draw)
        instance, oracle = beside(RNN, piece, case, draw)
        _, last = _values(instance, case)
        expect.close(last, oracle(*case.args, **case.kwargs)[1].detach(), "last")


@RNN.property("padding changes nothing", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Other numbers in the padding should change neither outputs nor last."""
    case = _padded(draw)
    instance, _ = beside(RNN, piece, case, draw)
    before = _values(instance, case)
    (x,) = case.args
    after = _values(instance, case, torch.where(_past_the_end(case), 3.0 - x, x))
    for name, old, new in zip(_STATES, before, after, strict=True):
        expect.close(new, expect.tensor(old, name), f"With other padding, {name}")


gradients_flow(RNN, _padded, of=("x",), points=0.5, outputs=2)
inputs_stay(RNN, _padded, points=0.25)
single_precision(RNN, _padded, _STATES, points=0.25)


class _Weights(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        bound = 1 / math.sqrt(hidden_size)
        self.W_xh = nn.Parameter(torch.empty(input_size, hidden_size).uniform_(-bound, bound))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, hidden_size).uniform_(-bound, bound))
        self.b = nn.Parameter(torch.empty(hidden_size).uniform_(-bound, bound))

    def step(self, x_t, h):
        return torch.tanh(x_t @ self.W_xh + h @ self.W_hh + self.b)

    def states(self, x):
        """All states, padding or not: (batch, length, hidden)."""
        h = x.new_zeros(x.shape[0], self.W_hh.shape[0])
        outputs = []
        for t in range(x.shape[1]):
            h = self.step(x[:, t], h)
            outputs.append(h)
        return torch.stack(outputs, dim=1)


def _real(x, lengths):
    return (torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None])[..., None]


def _at_the_end(outputs, lengths):
    return outputs[torch.arange(len(lengths)), lengths.cpu() - 1]


def _finish(outputs, lengths):
    """Right from here on: what is past the end becomes zero, and each sequence has its own last."""
    if lengths is None:
        return outputs, outputs[:, -1]
    return outputs * _real(outputs, lengths), _at_the_end(outputs, lengths)


def _rnn(change):
    """An RNN that is right but for its forward."""

    class Wrong(_Weights):
        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size)

        def forward(self, x, lengths=None):
            return change(self, x, lengths)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _rnn_with(step):
    """An RNN that is right but for its step."""

    class Wrong(_Weights):
        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size)

        def step(self, x_t, h):
            return step(self, x_t, h)

        def forward(self, x, lengths=None):
            return _finish(self.states(x), lengths)

    Wrong.__doc__ = step.__doc__
    return Wrong


@RNN.misconception("weights that are no parameters")
class _(_Weights):
    """Your weights are plain tensors, which the module doesn't see: they would never be trained,
    saved or moved to the GPU. Wrap each in nn.Parameter(…)."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        for name in ("W_xh", "W_hh", "b"):
            weight = getattr(self, name).detach()
            delattr(self, name)
            setattr(self, name, weight)

    def forward(self, x, lengths=None):
        return _finish(self.states(x), lengths)


@RNN.misconception("linear layers inside")
class _(nn.Module):
    """Your weights sit in nn.Linear layers, under other names and turned round. The exercise asks
    for three nn.Parameter: W_xh (input, hidden), W_hh (hidden, hidden), b (hidden,)."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W_xh = nn.Linear(input_size, hidden_size, bias=False)
        self.W_hh = nn.Linear(hidden_size, hidden_size)

    def forward(self, x, lengths=None):
        h = x.new_zeros(x.shape[0], self.W_hh.out_features)
        outputs = []
        for x_t in x.unbind(1):
            h = torch.tanh(self.W_xh(x_t) + self.W_hh(h))
            outputs.append(h)
        return _finish(torch.stack(outputs, dim=1), lengths)


@RNN.misconception("other names")
class _(nn.Module):
    """The three parameters have other names than the exercise asks: W_xh, W_hh and b. Names are how
    weights are exchanged with other implementations."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        bound = 1 / math.sqrt(hidden_size)
        self.weight_x = nn.Parameter(torch.empty(input_size, hidden_size).uniform_(-bound, bound))
        self.weight_h = nn.Parameter(torch.empty(hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(hidden_size).uniform_(-bound, bound))

    def forward(self, x, lengths=None):
        h = x.new_zeros(x.shape[0], len(self.bias))
        outputs = []
        for x_t in x.unbind(1):
            h = torch.tanh(x_t @ self.weight_x + h @ self.weight_h + self.bias)
            outputs.append(h)
        return _finish(torch.stack(outputs, dim=1), lengths)


@RNN.misconception("torch's network inside")
class _(nn.Module):
    """torch's nn.RNN does the work here, under names of its own. The exercise asks for three
    nn.Parameter, W_xh, W_hh and b, and your own rnn_step."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size, batch_first=True)

    def forward(self, x, lengths=None):
        return self.rnn(x)


@RNN.misconception("weights the other way round")
class _(_Weights):
    """W_xh is (hidden, input), as torch stores it. The exercise asks for (input, hidden), so that
    a step is x_t @ W_xh."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.W_xh = nn.Parameter(self.W_xh.detach().T.clone())

    def step(self, x_t, h):
        return torch.tanh(x_t @ self.W_xh.T + h @ self.W_hh + self.b)

    def forward(self, x, lengths=None):
        return _finish(self.states(x), lengths)


@RNN.misconception("weights start as zeros")
class _(_Weights):
    """W_hh starts as zeros, so nothing is remembered, and all hidden numbers learn the same. Start
    from small random numbers: uniform between −1/√hidden and 1/√hidden."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        for weight in self.parameters():
            nn.init.zeros_(weight)

    def forward(self, x, lengths=None):
        return _finish(self.states(x), lengths)


@RNN.misconception("weights start as ones")
class _(_Weights):
    """All weights start equal. Then all hidden numbers are the same number, for ever. Start from
    small random numbers: uniform between −1/√hidden and 1/√hidden."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        for weight in self.parameters():
            nn.init.ones_(weight)

    def forward(self, x, lengths=None):
        return _finish(self.states(x), lengths)


@RNN.misconception("weights start too large")
class _(_Weights):
    """torch.randn gives weights around 1. With 64 hidden numbers their sum is around 8, every tanh
    saturates, and no gradient passes. Start between −1/√hidden and 1/√hidden."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        for weight in self.parameters():
            nn.init.normal_(weight)

    def forward(self, x, lengths=None):
        return _finish(self.states(x), lengths)


@RNN.misconception("state kept between calls")
class _(_Weights):
    """Two calls with the same input give different outputs. Either the state of one call is still
    there in the next, or something random is made in forward. Start every call from zeros, and make
    weights in __init__ only."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.h = None

    def forward(self, x, lengths=None):
        outputs = []
        h = x.new_zeros(x.shape[0], self.W_hh.shape[0])
        if self.h is not None and self.h.shape == h.shape:
            h = self.h.to(h)
        for x_t in x.unbind(1):
            h = self.step(x_t, h)
            outputs.append(h)
        self.h = h.detach()
        return _finish(torch.stack(outputs, dim=1), lengths)


@RNN.misconception("state handed on to nobody")
@_rnn
def _(self, x, lengths):
    """Every step starts from zeros again: the new state is never handed on to the next step. Write
    h = rnn_step(…)."""
    zero = x.new_zeros(x.shape[0], self.W_hh.shape[0])
    return _finish(torch.stack([self.step(x_t, zero) for x_t in x.unbind(1)], dim=1), lengths)


@RNN.misconception("states from before the step")
@_rnn
def _(self, x, lengths):
    """Your outputs are the states before each word: the first is the zeros. Make the step first,
    then keep the state."""
    states = self.states(x)
    return _finish(torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1), lengths)


@RNN.misconception("starts from ones")
@_rnn
def _(self, x, lengths):
    """The first state is ones. Before the first word there is nothing to remember: zeros."""
    h = x.new_ones(x.shape[0], self.W_hh.shape[0])
    outputs = []
    for x_t in x.unbind(1):
        h = self.step(x_t, h)
        outputs.append(h)
    return _finish(torch.stack(outputs, dim=1), lengths)


@RNN.misconception("first state in float32")
@_rnn
def _(self, x, lengths):
    """torch.zeros(…) makes float32 on the CPU, whatever x is. Make the first state like the input:
    x.new_zeros(batch, hidden)."""
    h = torch.zeros(x.shape[0], self.W_hh.shape[0])
    outputs = []
    for x_t in x.unbind(1):
        h = self.step(x_t, h)
        outputs.append(h)
    return _finish(torch.stack(outputs, dim=1), lengths)


@RNN.misconception("words and sentences swapped")
@_rnn
def _(self, x, lengths):
    """You walk along the sentences of the batch, x[t]. The words of all sentences at time t are
    x[:, t]."""
    h = x.new_zeros(x.shape[1], self.W_hh.shape[0])
    outputs = []
    for t in range(x.shape[0]):
        h = self.step(x[t], h)
        outputs.append(h)
    return _finish(torch.stack(outputs, dim=0), lengths)


@RNN.misconception("time comes first")
@_rnn
def _(self, x, lengths):
    """Your outputs are (length, batch, hidden). Stack them along dimension 1: the batch comes
    first, as in x."""
    outputs, last = _finish(self.states(x), lengths)
    return outputs.transpose(0, 1), last


@RNN.misconception("read from right to left")
@_rnn
def _(self, x, lengths):
    """You read from the last word to the first. This network reads from left to right."""
    return _finish(self.states(x.flip(1)).flip(1), lengths)


@RNN.misconception("recurrent weights transposed")
@_rnn_with
def _(self, x_t, h):
    """W_hh is turned round. It is square, so no error is raised: a step is h @ W_hh."""
    return torch.tanh(x_t @ self.W_xh + h @ self.W_hh.T + self.b)


@RNN.misconception("bias not used")
@_rnn_with
def _(self, x_t, h):
    """The bias b is never added. It belongs inside the tanh, at every step."""
    return torch.tanh(x_t @ self.W_xh + h @ self.W_hh)


@RNN.misconception("no tanh")
@_rnn_with
def _(self, x_t, h):
    """There is no tanh around the sum. Your rnn_step does the whole step: call it."""
    return x_t @ self.W_xh + h @ self.W_hh + self.b


@RNN.misconception("memory cut at every step")
@_rnn
def _(self, x, lengths):
    """The values are right, but the state is detached at every step, so no gradient reaches an
    earlier word. Hand h on as it is."""
    h = x.new_zeros(x.shape[0], self.W_hh.shape[0])
    outputs = []
    for x_t in x.unbind(1):
        h = self.step(x_t, h.detach())
        outputs.append(h)
    return _finish(torch.stack(outputs, dim=1), lengths)


@RNN.misconception("outputs cut off from the graph")
@_rnn
def _(self, x, lengths):
    """You store the outputs without their history (by .detach(), .data, .item() or a tensor of
    zeros filled under no_grad), so no gradient flows back through them."""
    outputs = self.states(x)
    stopped, _ = _finish(outputs.detach(), lengths)
    return stopped, _finish(outputs, lengths)[1]


@RNN.misconception("lengths ignored")
@_rnn
def _(self, x, lengths):
    """lengths is never used: short sentences read on through their padding. Set the outputs past
    each end to zero, and take last where each sentence ends."""
    outputs = self.states(x)
    return outputs, outputs[:, -1]


@RNN.misconception("last has read the padding")
@_rnn
def _(self, x, lengths):
    """last is the state after the whole batch's width, so short sentences have read their padding
    too. Take each sentence's state at its own length − 1."""
    outputs = self.states(x)
    return _finish(outputs, lengths)[0], outputs[:, -1]


@RNN.misconception("last taken from the padding")
@_rnn
def _(self, x, lengths):
    """You take last at the end of the batch, after the padding has been set to zero: short
    sentences get zeros. Take each sentence's state at its own length − 1."""
    outputs, _ = _finish(self.states(x), lengths)
    return outputs, outputs[:, -1]


@RNN.misconception("last one step too far")
@_rnn
def _(self, x, lengths):
    """You take the state at index length. Counting starts at 0, so the last real word stands at
    length − 1."""
    outputs = self.states(x)
    if lengths is None:
        return outputs, outputs[:, -1]
    last = outputs[torch.arange(len(lengths)), lengths.cpu()]
    return _finish(outputs, lengths)[0], last


@RNN.misconception("last one step too early")
@_rnn
def _(self, x, lengths):
    """last is one step too early: the last real word stands at length − 1."""
    outputs = self.states(x)
    if lengths is None:
        return outputs, outputs[:, -1]
    last = outputs[torch.arange(len(lengths)), lengths.cpu() - 2]
    return _finish(outputs, lengths)[0], last


@RNN.misconception("last a sum of states")
@_rnn
def _(self, x, lengths):
    """last is the sum of all real states. Only the one at length − 1 is asked for."""
    outputs, last = _finish(self.states(x), lengths)
    return outputs, (last if lengths is None else outputs.sum(1))


@RNN.misconception("every end for every sentence")
@_rnn
def _(self, x, lengths):
    """outputs[:, lengths − 1] picks all the ends for every sentence. Pair each sentence with its
    own end: outputs[torch.arange(batch), lengths − 1]."""
    outputs, last = _finish(self.states(x), lengths)
    return outputs, (last if lengths is None else self.states(x)[:, lengths.cpu() - 1])


@RNN.misconception("one length for all")
@_rnn
def _(self, x, lengths):
    """You use one length (the largest, or the first) for the whole batch. Every sentence has its
    own."""
    longest = None if lengths is None else torch.full_like(lengths, int(lengths.max()))
    return _finish(self.states(x), longest)


@RNN.misconception("outputs not set to zero")
@_rnn
def _(self, x, lengths):
    """last is right, but the outputs go on past each sentence's end. Set them to zero there:
    outputs.masked_fill(past_the_end, 0.0)."""
    outputs = self.states(x)
    return outputs, _finish(outputs, lengths)[1]


@RNN.misconception("end off by one")
@_rnn
def _(self, x, lengths):
    """Your mask keeps one step too many: the real steps are those with t < length, not ≤."""
    outputs = self.states(x)
    if lengths is None:
        return outputs, outputs[:, -1]
    return outputs * _real(x, lengths + 1), _at_the_end(outputs, lengths)


@RNN.misconception("outputs cut short")
@_rnn
def _(self, x, lengths):
    """outputs is only as long as the longest sentence. Keep x's length, so that outputs and words
    line up."""
    outputs, last = _finish(self.states(x), lengths)
    return (outputs if lengths is None else outputs[:, : int(lengths.max())]), last


@RNN.misconception("padding emptied, yet read")
@_rnn
def _(self, x, lengths):
    """You set the padding of x to zero and then let the network read it. A step changes the state
    even when its word is zero. Take last where each sentence ends."""
    if lengths is not None:
        x = x.masked_fill(~_real(x, lengths), 0.0)
    outputs = self.states(x)
    return _finish(outputs, lengths)[0], outputs[:, -1]


@RNN.misconception("x changed in place")
@_rnn
def _(self, x, lengths):
    """Your call changes the caller's x. x.masked_fill(…) makes a new tensor; x[…] = 0 and methods
    ending in _ don't."""
    result = _finish(self.states(x), lengths)
    if lengths is not None:
        x.data.masked_fill_(~_real(x, lengths), 0.0)
    return result


@RNN.misconception("swapped results")
@_rnn
def _(self, x, lengths):
    """You return last first. The exercise asks for (outputs, last)."""
    outputs, last = _finish(self.states(x), lengths)
    return last, outputs


@RNN.misconception("outputs only")
@_rnn
def _(self, x, lengths):
    """You return the outputs alone. Return outputs, last."""
    return _finish(self.states(x), lengths)[0]


@RNN.misconception("last with an axis of its own")
@_rnn
def _(self, x, lengths):
    """last has an extra axis of size 1, as torch's own networks have it. Here it is
    (batch, hidden)."""
    outputs, last = _finish(self.states(x), lengths)
    return outputs, last.unsqueeze(0)


# ---- BidirectionalRNN --------------------------------------------------------------------------

BidirectionalRNN = Exercise(
    "BidirectionalRNN",
    reference=pieces.BidirectionalRNN,
    forbidden=("rnn_tanh", "rnn_tanh_cell", "rnn_relu", "gru", "lstm"),
)

parameters_named(BidirectionalRNN, _sequences, points=0.5)
equals_reference(
    BidirectionalRNN,
    _sequences,
    ("outputs",),
    name="without padding",
    points=1,
    says="Without lengths, each output is the forward state after that word, then the backward "
    "network's state after it has read from the end to that word.",
)


@BidirectionalRNN.property("each sentence from its own end", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With lengths, the backward network starts at each sentence's own last word, its outputs stand
    at their own words again, and past the end there are zeros."""
    for cases in (_all_padded, _padded):
        case = cases(draw)
        instance, oracle = beside(BidirectionalRNN, piece, case, draw)
        found = instance(*case.args, **case.kwargs)
        agree(found, oracle(*case.args, **case.kwargs), ("outputs",))


@BidirectionalRNN.property("padding changes nothing", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Other numbers in the padding should change no output."""
    case = _padded(draw)
    instance, _ = beside(BidirectionalRNN, piece, case, draw)
    before = expect.tensor(instance(*case.args, **case.kwargs), "outputs")
    (x,) = case.args
    after = instance(torch.where(_past_the_end(case), 3.0 - x, x), **case.kwargs)
    expect.close(after, before, "With other padding, outputs")


gradients_flow(BidirectionalRNN, _padded, of=("x",), points=0.5)
inputs_stay(BidirectionalRNN, _padded, points=0.25)
single_precision(BidirectionalRNN, _padded, ("outputs",), points=0.25)


class _Pair(nn.Module):
    """Two networks under the right names: the part that most wrong answers get right."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.forward_rnn = pieces.RNN(input_size, hidden_size)
        self.backward_rnn = pieces.RNN(input_size, hidden_size)


def _turned(x, lengths):
    """Each sequence from its own end, its padding left in place."""
    if lengths is None:
        return x.flip(1)
    rows = [
        torch.cat([row[:length].flip(0), row[length:]])
        for row, length in zip(x, lengths.tolist(), strict=True)
    ]
    return torch.stack(rows)


def _two_ways(change):
    """A BidirectionalRNN that is right but for its forward."""

    class Wrong(_Pair):
        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size)

        def forward(self, x, lengths=None):
            return change(self, x, lengths)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _behind(self, x, lengths):
    return _turned(self.backward_rnn(_turned(x, lengths), lengths)[0], lengths)


@BidirectionalRNN.misconception("one network for both directions")
class _(nn.Module):
    """Both directions share one network. A reader from the right learns something else: give each
    direction an RNN of its own."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.forward_rnn = pieces.RNN(input_size, hidden_size)
        self.backward_rnn = self.forward_rnn

    def forward(self, x, lengths=None):
        return torch.cat([self.forward_rnn(x, lengths)[0], _behind(self, x, lengths)], dim=-1)


@BidirectionalRNN.misconception("other names")
class _(nn.Module):
    """The two networks have other names than the exercise asks: forward_rnn and backward_rnn."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.rnn = pieces.RNN(input_size, hidden_size)
        self.reverse_rnn = pieces.RNN(input_size, hidden_size)

    def forward(self, x, lengths=None):
        behind = _turned(self.reverse_rnn(_turned(x, lengths), lengths)[0], lengths)
        return torch.cat([self.rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("padding read first")
@_two_ways
def _(self, x, lengths):
    """x.flip(1) turns the padding to the front, so the backward network reads it before the
    sentence. Turn each sentence round within its own length."""
    behind, _ = self.backward_rnn(x.flip(1))
    outputs = torch.cat([self.forward_rnn(x, lengths)[0], behind.flip(1)], dim=-1)
    return outputs if lengths is None else outputs * _real(x, lengths)


@BidirectionalRNN.misconception("padding read first, and answered")
@_two_ways
def _(self, x, lengths):
    """x.flip(1) turns the padding to the front, so the backward network reads it before the
    sentence. Turn each sentence round within its own length."""
    behind = self.backward_rnn(x.flip(1))[0].flip(1)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("padding taken for the sentence")
@_two_ways
def _(self, x, lengths):
    """x.flip(1) turns the padding to the front, and with lengths the backward network then reads
    the padding first and leaves out as many words at the end. Turn each sentence round within its
    own length."""
    behind = self.backward_rnn(x.flip(1), lengths)[0].flip(1)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("not turned back")
@_two_ways
def _(self, x, lengths):
    """The backward outputs stand in reading order: the first of them belongs to the last word. Turn
    them round again before you join the two."""
    behind, _ = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("turned back with the padding")
@_two_ways
def _(self, x, lengths):
    """The sentences are turned round within their own lengths, but turned back with flip(1), which
    moves them to the other end. Turn back the way you turned round."""
    behind, _ = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind.flip(1)], dim=-1)


@BidirectionalRNN.misconception("never turned round")
@_two_ways
def _(self, x, lengths):
    """Both networks read from left to right. The backward network has to be given the words in
    reverse."""
    return torch.cat([self.forward_rnn(x, lengths)[0], self.backward_rnn(x, lengths)[0]], dim=-1)


@BidirectionalRNN.misconception("backward network never called")
@_two_ways
def _(self, x, lengths):
    """You never call backward_rnn: both directions are read by forward_rnn."""
    behind = _turned(self.forward_rnn(_turned(x, lengths), lengths)[0], lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("last at every word")
@_two_ways
def _(self, x, lengths):
    """The backward half is the same at every word: you took last. Take outputs."""
    ahead, _ = self.forward_rnn(x, lengths)
    _, last = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([ahead, last.unsqueeze(1).expand_as(ahead)], dim=-1)


@BidirectionalRNN.misconception("sentences turned round")
@_two_ways
def _(self, x, lengths):
    """flip(0) turns the batch round, so that sentences change places. Turn round the words:
    dimension 1."""
    behind = self.backward_rnn(x.flip(0), lengths)[0].flip(0)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("features turned round")
@_two_ways
def _(self, x, lengths):
    """flip(-1) turns round the numbers inside each word. Turn round the words: dimension 1."""
    behind, _ = self.backward_rnn(x.flip(-1), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("backward half first")
@_two_ways
def _(self, x, lengths):
    """The two halves have changed places: forward_rnn's comes first."""
    return torch.cat([_behind(self, x, lengths), self.forward_rnn(x, lengths)[0]], dim=-1)


@BidirectionalRNN.misconception("added instead of joined")
@_two_ways
def _(self, x, lengths):
    """You add the two halves up. Put them side by side: torch.cat([…, …], dim=-1), so that nothing
    is mixed."""
    return self.forward_rnn(x, lengths)[0] + _behind(self, x, lengths)


@BidirectionalRNN.misconception("lengths not passed on")
@_two_ways
def _(self, x, lengths):
    """lengths is never used: every sentence is read as if its padding belonged to it."""
    return torch.cat([self.forward_rnn(x)[0], _behind(self, x, None)], dim=-1)


@BidirectionalRNN.misconception("lengths not passed to the forward network")
@_two_ways
def _(self, x, lengths):
    """The forward network isn't told the lengths, so its outputs go on past each sentence's end.
    Pass lengths to both."""
    return torch.cat([self.forward_rnn(x)[0], _behind(self, x, lengths)], dim=-1)


@BidirectionalRNN.misconception("lengths not passed to the backward network")
@_two_ways
def _(self, x, lengths):
    """The backward network isn't told the lengths, so its outputs go on past each sentence's end.
    Pass lengths to both."""
    behind = _turned(self.backward_rnn(_turned(x, lengths))[0], lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("no answer without lengths")
@_two_ways
def _(self, x, lengths):
    """lengths may be None: then every sentence is as long as x is wide. Your loop walks along None.
    Fill it in first, or turn round with x.flip(1) in that case."""
    rows = [torch.cat([x[i, :n].flip(0), x[i, n:]]) for i, n in enumerate(lengths)]
    behind, _ = self.backward_rnn(torch.stack(rows), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], _turned(behind, lengths)], dim=-1)


@BidirectionalRNN.misconception("last states only")
@_two_ways
def _(self, x, lengths):
    """You return the two last states. The exercise asks for both states at every word:
    (batch, length, 2 · hidden)."""
    _, ahead = self.forward_rnn(x, lengths)
    _, behind = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([ahead, behind], dim=-1)


@BidirectionalRNN.misconception("joined along the words")
@_two_ways
def _(self, x, lengths):
    """You put the halves one after the other along the words, so that the sentence is twice as
    long. Join them along the features: dim=-1."""
    return torch.cat([self.forward_rnn(x, lengths)[0], _behind(self, x, lengths)], dim=1)


@BidirectionalRNN.misconception("pairs not taken apart")
@_two_ways
def _(self, x, lengths):
    """Your RNN returns two things, outputs and last, and you hand on both. Take the first:
    outputs, _ = self.forward_rnn(x, lengths)."""
    return torch.cat([self.forward_rnn(x, lengths), self.backward_rnn(x.flip(1), lengths)], dim=-1)


@BidirectionalRNN.misconception("x changed in place")
@_two_ways
def _(self, x, lengths):
    """Your call turns the caller's x round. Make a new tensor: x[row, :n] = … changes the one you
    were given."""
    outputs = torch.cat([self.forward_rnn(x, lengths)[0], _behind(self, x, lengths)], dim=-1)
    x.data.copy_(_turned(x.detach(), lengths))
    return outputs


@BidirectionalRNN.misconception("a tuple too many")
@_two_ways
def _(self, x, lengths):
    """You return a pair. This one returns the outputs alone, (batch, length, 2 · hidden)."""
    ahead, last = self.forward_rnn(x, lengths)
    return torch.cat([ahead, _behind(self, x, lengths)], dim=-1), last


@BidirectionalRNN.misconception("backward half cut off from the graph")
@_two_ways
def _(self, x, lengths):
    """The values are right, but no gradient flows back through the backward network: it is filled
    into a new tensor without its history, or detached."""
    behind = _behind(self, x, lengths).detach()
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


# ---- gradient_reach ----------------------------------------------------------------------------

gradient_reach = Exercise("gradient_reach", reference=pieces.gradient_reach)


def _network(draw: Draw, cell: str, inputs: int, hidden: int, scale: float = 0.5) -> Made:
    """A network of this kind with random weights, to be made on the piece's side."""
    rows = hidden * {"RNN": 1, "GRU": 3}[cell]
    shapes = ((rows, inputs), (rows, hidden), (rows,), (rows,))
    weights = [draw.normal(*shape, scale=scale) for shape in shapes]
    return Made("recurrent", {"cell": cell, "weights": weights})


def _wanted_reach(network: Made, x: torch.Tensor) -> torch.Tensor:
    return pieces.gradient_reach(MAKERS[network.kind](**network.options), x)


@gradient_reach.property("the norm of each word's Jacobian", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """For every word: the root of the sum of squares of all slopes of last with respect to it."""
    length, inputs, hidden = draw.sizes(3, low=3)
    network, x = _network(draw, "RNN", inputs, hidden), draw.normal(1, length, inputs)
    expect.close(piece(network, x), _wanted_reach(network, x), "gradient_reach")


@gradient_reach.property("any recurrent network", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for any network that returns (outputs, last), a GRU for example."""
    length, inputs, hidden = draw.sizes(3, low=3)
    network, x = _network(draw, "GRU", inputs, hidden), draw.normal(1, length, inputs)
    expect.close(piece(network, x), _wanted_reach(network, x), "gradient_reach of a GRU")


@gradient_reach.property("tiny is not zero", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Far away, the reach may be as small as 1e-20, and it should still be right."""
    length, inputs, hidden = draw.integer(18, 24), *draw.sizes(2, low=3)
    network = _network(draw, "RNN", inputs, hidden, scale=0.1)
    x = draw.normal(1, length, inputs)
    wanted = _wanted_reach(network, x)
    found = expect.shape(piece(network, x), wanted.shape, "gradient_reach")
    expect.close(found / wanted, torch.ones_like(wanted), "gradient_reach divided by what it is")


@gradient_reach.property("leaves no gradients behind", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Looking should change nothing: x stays as it was, and no weight of the network has a
    .grad afterwards."""
    length, inputs, hidden = draw.sizes(3, low=3)
    made, x = _network(draw, "RNN", inputs, hidden), draw.normal(1, length, inputs)
    network = piece.make(made.kind, **made.options)
    expect.unchanged([x], piece.inputs_after(network.handle, x))
    expect.that(
        all(gradient is None for gradient in network.stored_gradients()),
        "The network's weights have gradients now, and the next training step would use them.",
    )


@gradient_reach.property("float32", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32 the values should be the same."""
    length, inputs, hidden = draw.sizes(3, low=3)
    made, x = _network(draw, "RNN", inputs, hidden), draw.normal(1, length, inputs)
    single = [weight.float() for weight in made.options["weights"]]
    network = Made(made.kind, {"cell": "RNN", "weights": single})
    expect.close(piece(network, x.float()), _wanted_reach(network, x.float()), "gradient_reach")


def _jacobian(rnn, x):
    """(hidden, length, input), one backward pass for each number of last."""
    x = x.detach().clone().requires_grad_()
    last = rnn(x)[1].flatten()
    return torch.stack([torch.autograd.grad(each, x, retain_graph=True)[0][0] for each in last])


@gradient_reach.misconception("gradient of the sum")
def _(rnn, x):
    """You take the gradient of last.sum(). In a sum, slopes of opposite sign cancel. Take each
    number of last by itself, and only then combine their squares."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1].sum(), x)[0][0].norm(dim=-1)


@gradient_reach.misconception("gradient of the norm")
def _(rnn, x):
    """You take the gradient of last's norm. The question is how far last moves in any direction:
    take the slopes of each number of last, and the norm of all of them."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1].norm(), x)[0][0].norm(dim=-1)


@gradient_reach.misconception("gradient of the squares")
def _(rnn, x):
    """You take the gradient of the sum of last². Take the slopes of each number of last itself, and
    square those."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1].square().sum(), x)[0][0].norm(dim=-1)


@gradient_reach.misconception("all outputs instead of last")
def _(rnn, x):
    """You start from the outputs of all steps. Then a word reaches the state right after it, and
    nothing seems to vanish. Start from last alone."""
    x = x.detach().clone().requires_grad_()
    outputs = rnn(x)[0]
    rows = [
        torch.autograd.grad(outputs[..., unit].sum(), x, retain_graph=True)[0][0]
        for unit in range(outputs.shape[-1])
    ]
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("one hidden number only")
def _(rnn, x):
    """You look at the first number of last only. The Jacobian has a row for each of them."""
    return _jacobian(rnn, x)[:1].square().sum((0, 2)).sqrt()


@gradient_reach.misconception("root forgotten")
def _(rnn, x):
    """These are the squares of the norms. Take the root of the sum of squares."""
    return _jacobian(rnn, x).square().sum((0, 2))


@gradient_reach.misconception("absolute values added up")
def _(rnn, x):
    """You add up absolute values. The Frobenius norm is the root of the sum of squares."""
    return _jacobian(rnn, x).abs().sum((0, 2))


@gradient_reach.misconception("norms added up")
def _(rnn, x):
    """You take a norm for each number of last and add the norms. Add the squares, and take one root
    at the end."""
    return _jacobian(rnn, x).norm(dim=2).sum(0)


@gradient_reach.misconception("mean instead of sum")
def _(rnn, x):
    """You average the squares. The Frobenius norm adds them up."""
    return _jacobian(rnn, x).square().mean((0, 2)).sqrt()


@gradient_reach.misconception("largest stretch only")
def _(rnn, x):
    """This is the spectral norm, the largest singular value. The Frobenius norm is asked for: the
    root of the sum of the squares of all entries."""
    return torch.linalg.matrix_norm(_jacobian(rnn, x).transpose(0, 1), ord=2)


@gradient_reach.misconception("counted from the end")
def _(rnn, x):
    """The order is turned round: entry t belongs to word t, so the last word comes last."""
    return _jacobian(rnn, x).square().sum((0, 2)).sqrt().flip(0)


@gradient_reach.misconception("divided by the last word's")
def _(rnn, x):
    """You divide by the reach of the last word. The norms themselves are asked for."""
    reach = _jacobian(rnn, x).square().sum((0, 2)).sqrt()
    return reach / reach[-1]


@gradient_reach.misconception("one number for the sentence")
def _(rnn, x):
    """You return one norm for the whole sentence. Keep the words apart: add up the squares over the
    hidden numbers and over the features of a word, not over the words."""
    return _jacobian(rnn, x).norm()


@gradient_reach.misconception("features kept apart")
def _(rnn, x):
    """You return a number for each feature of each word. Combine them too: one norm a word,
    (length,)."""
    return _jacobian(rnn, x).square().sum(0).sqrt()


@gradient_reach.misconception("words and features mixed up")
def _(rnn, x):
    """You combine over the words and keep the features apart. The result has one entry a word,
    (length,)."""
    return _jacobian(rnn, x).square().sum((0, 1)).sqrt()


@gradient_reach.misconception("a batch axis left over")
def _(rnn, x):
    """Your result is (1, length). The sentence is alone in its batch: take it out, [0]."""
    return _jacobian(rnn, x).square().sum((0, 2)).sqrt()[None]


@gradient_reach.misconception("gradients pile up")
def _(rnn, x):
    """Each backward() adds to x.grad, and yours is never emptied, so later rows hold the earlier
    ones. Use torch.autograd.grad, which adds nothing up."""
    x = x.detach().clone().requires_grad_()
    total = 0.0
    for each in rnn(x)[1].flatten():
        each.backward(retain_graph=True)
        total = total + x.grad.square().sum(-1)[0]
    return total.sqrt()


@gradient_reach.misconception("gradients left behind")
def _(rnn, x):
    """The values are right, but backward() has filled the .grad of the network's weights too, and
    the next training step would use them. torch.autograd.grad leaves them alone."""
    x = x.detach().clone().requires_grad_()
    rows = []
    for each in rnn(x)[1].flatten():
        x.grad = None
        each.backward(retain_graph=True)
        rows.append(x.grad[0])
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("x asks for no gradient")
def _(rnn, x):
    """torch keeps no slopes of x, because nobody asked for them. Start from a copy that does:
    x.detach().clone().requires_grad_()."""
    last = rnn(x.detach())[1].flatten()
    rows = [torch.autograd.grad(each, x, retain_graph=True)[0][0] for each in last]
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("tuple not taken apart")
def _(rnn, x):
    """torch.autograd.grad returns a tuple, even for one input. Take the tensor out of it: …[0]."""
    x = x.detach().clone().requires_grad_()
    total = 0.0
    for each in rnn(x)[1].flatten():
        total = total + (torch.autograd.grad(each, x, retain_graph=True) ** 2).sum(-1)
    return total.sqrt()[0]


@gradient_reach.misconception("all of last at once")
def _(rnn, x):
    """What you differentiate isn't one number. Is it last? rnn(x) returns (outputs, last): last is
    the second. Then take one number at a time: last[0, i] for every i."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1], x)[0][0].norm(dim=-1)


@gradient_reach.misconception("graph used up")
def _(rnn, x):
    """After one backward pass torch throws the graph away, and the second number of last finds
    none. Keep it with retain_graph=True, or call rnn(x) anew for each."""
    x = x.detach().clone().requires_grad_()
    rows = [torch.autograd.grad(each, x)[0][0] for each in rnn(x)[1].flatten()]
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("tiny numbers rounded away")
def _(rnn, x):
    """An epsilon, a rounding or a finite difference hides what is smaller than itself. The slopes
    of autograd are exact: use them as they are."""
    return (_jacobian(rnn, x).square().sum((0, 2)) + 1e-18).sqrt()


@gradient_reach.misconception("float32 inside")
def _(rnn, x):
    """You collect the slopes in a float32 tensor. Make new tensors like x: torch.zeros_like(x), or
    torch.stack of what you have."""
    return _jacobian(rnn, x).float().square().sum((0, 2)).sqrt()


# ---- clip_gradients_ ---------------------------------------------------------------------------

clip_gradients_ = Exercise(
    "clip_gradients_",
    reference=pieces.clip_gradients_,
    forbidden=("_foreach_norm", "_foreach_mul_"),  # what torch's own clip_grad_norm_ calls
)
_CLOSE = 1e-5  # torch adds 1e-6 to the norm; both ways are right


def _gradients(draw: Draw, scale: float = 1.0) -> list[torch.Tensor]:
    """Gradients of three weights: a matrix, a vector and a block, none of the same size."""
    a, b, c, d = draw.sizes(4, low=2)
    shapes = ((a, b), (c,), (b, d, a))
    return [draw.normal(*shape, scale=scale) for shape in shapes]


def _joint_norm(gradients: list[torch.Tensor | None]) -> float:
    return math.sqrt(sum(float(g.square().sum()) for g in gradients if g is not None))


def _clip(
    piece: Piece, gradients: list[torch.Tensor | None], max_norm: float, iterator: bool = False
) -> tuple[object, list[torch.Tensor | None]]:
    """What the call returns, and the gradients after it."""
    values = [torch.full((2,), 0.5) if g is None else 10.0 + torch.zeros_like(g) for g in gradients]
    weights = piece.make("parameters", values=values, gradients=gradients, iterator=iterator)
    returned = piece(weights.handle, max_norm)
    return returned, weights.stored_gradients()


def _expect_scaled(found: list, gradients: list, factor: float) -> None:
    for number, (after, before) in enumerate(zip(found, gradients, strict=True), start=1):
        if before is None:
            expect.that(after is None, "A parameter without a gradient has got one.")
        else:
            expect.close(
                after, before * factor, f"The gradient of weight number {number}", tolerance=_CLOSE
            )


def _expect_number(returned: object, wanted: float, what: str) -> None:
    if isinstance(returned, torch.Tensor):
        expect.shape(returned, (), what)
        returned = returned.item()
    expect.that(
        isinstance(returned, (int, float)),
        f"{what} should be a number; it is {expect.describe(returned)}.",
    )
    expect.that(
        math.isclose(returned, wanted, rel_tol=_CLOSE, abs_tol=1e-12),
        f"{what} should be {wanted:.6g}; yours is {returned:.6g}.",
    )


@clip_gradients_.property("too long: scaled to max_norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Where the joint norm of all gradients is above max_norm, all of them are scaled by one
    factor, so that their joint norm is max_norm afterwards."""
    gradients = _gradients(draw)
    limit = _joint_norm(gradients) * draw.uniform(0.1, 0.25)
    _, found = _clip(piece, gradients, limit)
    _expect_scaled(found, gradients, limit / _joint_norm(gradients))


@clip_gradients_.property("short enough: left alone", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Where the joint norm is below max_norm, nothing changes."""
    gradients = _gradients(draw, scale=0.1)
    limit = _joint_norm(gradients) * draw.uniform(1.5, 3.0)
    _, found = _clip(piece, gradients, limit)
    _expect_scaled(found, gradients, 1.0)


@clip_gradients_.property("returns the norm before clipping", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The joint norm from before the clipping is returned, clipped or not."""
    for share in (0.4, 2.0):
        gradients = _gradients(draw)
        norm = _joint_norm(gradients)
        returned, _ = _clip(piece, gradients, norm * share)
        if returned is None:
            raise expect.Mismatch(
                "The result should be the norm; it is None (is a return missing?).",
                kind=expect.NOTHING_RETURNED,
            )
        _expect_number(returned, norm, "The norm")


@clip_gradients_.property("a generator will do", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """module.parameters() is a generator: it gives each parameter once. Clipping should work for it
    as for a list."""
    gradients = _gradients(draw)
    limit = _joint_norm(gradients) * 0.2
    _, found = _clip(piece, gradients, limit, iterator=True)
    _expect_scaled(found, gradients, limit / _joint_norm(gradients))


@clip_gradients_.property("weights without a gradient", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A parameter whose .grad is None took no part in the loss: it is skipped."""
    first, second, third = _gradients(draw)
    gradients = [first, None, second, third]
    limit = _joint_norm(gradients) * 0.2
    _, found = _clip(piece, gradients, limit)
    _expect_scaled(found, gradients, limit / _joint_norm(gradients))


@clip_gradients_.property("gradients of zero", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients that are all zero stay zero, and nothing is divided by zero."""
    gradients = [torch.zeros_like(gradient) for gradient in _gradients(draw)]
    returned, found = _clip(piece, gradients, draw.uniform(0.5, 2.0))
    _expect_scaled(found, gradients, 1.0)
    _expect_number(returned, 0.0, "The norm")


def _held(parameters):
    return [p.grad for p in parameters if p.grad is not None]


def _norm_of(gradients):
    return torch.stack([g.norm() for g in gradients]).norm()


def _scale(gradients, factor):
    for gradient in gradients:
        gradient.mul_(factor)


@clip_gradients_.misconception("each gradient on its own")
def _(parameters, max_norm):
    """You clip every weight's gradient by its own norm. That bends the direction of the step. Take
    one norm over all of them and scale all by the same factor."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    for gradient in gradients:
        own = gradient.norm()
        if own > max_norm:
            gradient.mul_(max_norm / own)
    return norm


@clip_gradients_.misconception("values clamped")
def _(parameters, max_norm):
    """You clamp single numbers. That bends the direction of the step. Scale all gradients by one
    factor."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    for gradient in gradients:
        gradient.clamp_(-max_norm, max_norm)
    return norm


@clip_gradients_.misconception("short gradients stretched")
def _(parameters, max_norm):
    """You scale to max_norm always. Gradients that are short enough should stay as they are: the
    factor is never above 1."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    _scale(gradients, max_norm / norm if norm > 0 else 1.0)
    return norm


@clip_gradients_.misconception("divided by zero")
def _(parameters, max_norm):
    """When all gradients are zero, you divide by zero. Divide by the norm plus a tiny number, or
    only when the norm is above max_norm."""
    gradients = _held(parameters)
    norm = _norm_of(gradients).item()
    _scale(gradients, min(1.0, max_norm / norm))
    return norm


@clip_gradients_.misconception("fraction turned round")
def _(parameters, max_norm):
    """Your factor is norm / max_norm, which makes long gradients longer. Turn the fraction
    round."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, norm / max_norm)
    return norm


@clip_gradients_.misconception("max_norm taken for a factor")
def _(parameters, max_norm):
    """You multiply by max_norm. The factor is max_norm divided by the norm there is."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, max_norm)
    return norm


@clip_gradients_.misconception("divided by the norm only")
def _(parameters, max_norm):
    """You divide by the norm, so that the joint norm becomes 1. It should become max_norm: multiply
    by it too."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, 1 / norm)
    return norm


@clip_gradients_.misconception("norms added up")
def _(parameters, max_norm):
    """You add up the norms of the single gradients. The joint norm is that of one long vector: add
    up the squares of everything, then take one root."""
    gradients = _held(parameters)
    norm = sum(gradient.norm() for gradient in gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("largest norm")
def _(parameters, max_norm):
    """You take the largest of the single norms. The joint norm is that of one long vector: the root
    of the sum of all squares."""
    gradients = _held(parameters)
    norm = torch.stack([gradient.norm() for gradient in gradients]).max()
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("root forgotten")
def _(parameters, max_norm):
    """You add up the squares and take no root."""
    gradients = _held(parameters)
    norm = sum(gradient.square().sum() for gradient in gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("absolute values added up")
def _(parameters, max_norm):
    """You add up absolute values. The norm is the root of the sum of squares."""
    gradients = _held(parameters)
    norm = sum(gradient.abs().sum() for gradient in gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("norm of the weights")
def _(parameters, max_norm):
    """You take the norm of the weights themselves. What is clipped are their gradients, .grad."""
    held = [p for p in parameters if p.grad is not None]
    norm = torch.stack([p.detach().norm() for p in held]).norm()
    if norm > max_norm:
        _scale([p.grad for p in held], max_norm / norm)
    return norm


@clip_gradients_.misconception("nothing changes")
def _(parameters, max_norm):
    """The gradients are the same as before. Either grad = grad * factor made new tensors (write
    p.grad.mul_(factor)), or you walk twice through a generator, (… for …), which is empty the
    second time (make a list: [… for …])."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        for gradient in gradients:
            gradient = gradient * (max_norm / norm)
    return norm


@clip_gradients_.misconception("generator used up")
def _(parameters, max_norm):
    """You walk through parameters twice. module.parameters() is a generator: the second time it is
    empty, and nothing is scaled. Make a list of it first."""
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters if p.grad is not None))
    factor = min(1.0, max_norm / (norm + 1e-6))
    for p in parameters:
        if p.grad is not None:
            p.grad.mul_(factor)
    return norm


@clip_gradients_.misconception("None not skipped")
def _(parameters, max_norm):
    """A weight that took no part in the loss has the .grad None. Skip it: if p.grad is not None."""
    gradients = [p.grad for p in parameters]
    norm = torch.stack([g.norm() for g in gradients]).norm()
    _scale(gradients, min(1.0, max_norm / (norm + 1e-6)))
    return norm


@clip_gradients_.misconception("generator used up, None not skipped")
def _(parameters, max_norm):
    """Two things. You walk through parameters twice, and module.parameters() is a generator, empty
    the second time: make a list of it first. And some weights have the .grad None: skip them."""
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters))
    factor = min(1.0, max_norm / (norm + 1e-6))
    for p in parameters:
        p.grad.mul_(factor)
    return norm


@clip_gradients_.misconception("norm after clipping")
def _(parameters, max_norm):
    """You return the norm from after the clipping. The one from before tells whether the gradients
    explode."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return _norm_of(gradients)


@clip_gradients_.misconception("factor returned")
def _(parameters, max_norm):
    """You return the factor. The norm before clipping is asked for."""
    gradients = _held(parameters)
    factor = torch.clamp(max_norm / (_norm_of(gradients) + 1e-6), max=1.0)
    _scale(gradients, factor)
    return factor


@clip_gradients_.misconception("nothing returned")
def _(parameters, max_norm):
    """The gradients are clipped, and nothing is returned. Return the norm from before."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)


# ---- additive_attention ------------------------------------------------------------------------

additive_attention = Exercise("additive_attention", reference=pieces.additive_attention)
_ATTENDED = ("context", "weights")


def _question(draw: Draw) -> Case:
    batch, n, d_q, d_k, d_v, d_a = draw.sizes(6, low=3)
    return Case(
        (
            draw.normal(batch, d_q),
            draw.normal(batch, n, d_k),
            draw.normal(batch, n, d_v),
            draw.normal(d_q, d_a, scale=0.6),
            draw.normal(d_k, d_a, scale=0.6),
            draw.normal(d_a),
        )
    )


def _masked_question(draw: Draw) -> Case:
    case = _question(draw)
    return Case(case.args, {"mask": draw.mask(*case.args[1].shape[:2])})


@additive_attention.property("the weights", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The score of a key is v · tanh(query W_q + key W_k); the weights are the softmax of the
    scores along the keys."""
    case = _question(draw)
    _, weights = expect.several(piece(*case.args), *_ATTENDED)
    expect.close(weights, pieces.additive_attention(*case.args)[1], "weights")


equals_reference(
    additive_attention,
    _question,
    _ATTENDED,
    name="the context",
    points=1,
    says="The context is the sum of the values, each times its weight; it comes first, the weights "
    "second.",
)


def _expect_attention(piece: Piece, case: Case) -> None:
    wanted = pieces.additive_attention(*case.args, **case.kwargs)
    found = expect.several(piece(*case.args, **case.kwargs), *_ATTENDED)
    for name, part, expected in reversed(list(zip(_ATTENDED, found, wanted, strict=True))):
        expect.close(part, expected, name)


@additive_attention.property("the mask", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """True in the mask means "may attend": a padded word gets the weight 0, and the others add up
    to 1 without it."""
    _expect_attention(piece, _masked_question(draw))


@additive_attention.property("far below zero", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Scores may be as low as −1000. A padded word should still get nothing, and the others
    everything."""
    case = _masked_question(draw)
    query, keys, values, W_q, W_k, v = case.args
    # A query that saturates every tanh at 1, and a v of negative numbers: every score is low.
    high = query.abs() + 1.0, keys, values, W_q.abs() + 1.0, W_k, -300.0 * (v.abs() + 0.5)
    _expect_attention(piece, Case(high, case.kwargs))


@additive_attention.property("nothing to attend to gives zeros", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence whose mask is False everywhere should get zero weights and a zero context, and no
    gradient should become NaN."""
    case = _masked_question(draw)
    case.kwargs["mask"][0] = False
    case = case.changed(lambda tensor: tensor.requires_grad_())
    wanted = pieces.additive_attention(*case.args, **case.kwargs)
    cotangent = draw.normal(*wanted[0].shape)
    found = piece.gradients(*case.args, cotangents=[cotangent, None], **case.kwargs)
    context, weights = expect.several(found.value, *_ATTENDED)
    expect.close(expect.finite(weights, "weights"), wanted[1].detach(), "weights")
    expect.close(expect.finite(context, "context"), wanted[0].detach(), "context")
    for gradient, name in zip(
        found.inputs, ("query", "keys", "values", "W_q", "W_k", "v"), strict=False
    ):
        expect.that(gradient is not None, f"No gradient flows back to {name}.")
        expect.finite(gradient, f"The gradient of {name}")


gradients_flow(
    additive_attention,
    _masked_question,
    of=("query", "keys", "values", "W_q", "W_k", "v"),
    points=0.5,
)
inputs_stay(additive_attention, _masked_question, points=0.25)
single_precision(additive_attention, _masked_question, _ATTENDED, points=0.25)


def _scores(query, keys, W_q, W_k, v):
    return torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k) @ v


def _weights(scores, mask):
    """Right from here on: mask, softmax, and zeros where a whole row is masked."""
    if mask is None:
        return torch.softmax(scores, -1)
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, lowest), -1).masked_fill(~mask, 0.0)


def _mix(weights, values):
    return (weights.unsqueeze(-1) * values).sum(1), weights


@additive_attention.misconception("no tanh")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """There is no tanh between the sum and v. Without it the query adds the same number to every
    score, and the softmax forgets it."""
    scores = ((query @ W_q).unsqueeze(1) + keys @ W_k) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("tanh around the score")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your tanh stands around the finished score. It belongs inside: first tanh, then the product
    with v."""
    scores = torch.tanh(((query @ W_q).unsqueeze(1) + keys @ W_k) @ v)
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("two tanh")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You squash the query's share and the key's share apart. Add them up first: one tanh around
    the sum."""
    scores = (torch.tanh(query @ W_q).unsqueeze(1) + torch.tanh(keys @ W_k)) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("another squashing function")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You use relu (or a sigmoid) where the exercise asks for tanh."""
    scores = torch.relu((query @ W_q).unsqueeze(1) + keys @ W_k) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("dot product instead of a sum")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You multiply query and key. That is lesson 02. Here they are added, squashed by tanh and
    weighed by v."""
    scores = (torch.tanh((query @ W_q).unsqueeze(1) * (keys @ W_k))) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("a dot product of the projections")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You score by the dot product of the two projections, and v is never used. Here they are
    added, squashed by tanh and weighed by v."""
    scores = ((query @ W_q).unsqueeze(1) * (keys @ W_k)).sum(-1)
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("v forgotten")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """v is never used: you add up the numbers after the tanh as they are. Multiply with v:
    … @ v."""
    scores = torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k).sum(-1)
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("query left out")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """The query plays no part in your score, so every question gets the same answer. Add
    query @ W_q inside the tanh."""
    return _mix(_weights(torch.tanh(keys @ W_k) @ v, mask), values)


@additive_attention.misconception("weights swapped")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """W_q and W_k have changed places: W_q belongs to the query, W_k to the keys."""
    scores = torch.tanh((query @ W_k).unsqueeze(1) + keys @ W_q) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("query not lined up")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """query W_q is (batch, d_a) and keys W_k is (batch, n, d_a): they don't line up when they are
    added. Give the query an axis for the words: (query @ W_q).unsqueeze(1)."""
    scores = torch.tanh(query @ W_q + keys @ W_k) @ v
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("scaled")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You divide the scores by a root. Scaling belongs to the dot product of lesson 02; here tanh
    keeps the scores in bounds."""
    scores = _scores(query, keys, W_q, W_k, v) / math.sqrt(keys.shape[-1])
    return _mix(_weights(scores, mask), values)


@additive_attention.misconception("no softmax")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You use the scores themselves as weights. Weights are positive and add up to 1: softmax."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(scores if mask is None else scores.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("softmax over the batch")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your softmax runs along the batch (dim 0), so sentences share their attention among each
    other. Each sentence shares out its own 1 among its words: dim −1."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, 0)
    return _mix(weights if mask is None else weights.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("softmax over an axis of one")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your scores are (batch, n, 1), and the softmax runs along the 1: every weight is 1. Take that
    axis out first, by multiplying with v itself: … @ v."""
    scores = _scores(query, keys, W_q, W_k, v).unsqueeze(-1)
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(-1), torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, -1)
    if mask is not None:
        weights = weights.masked_fill(~mask.unsqueeze(-1), 0.0)
    return (weights * values).sum(1), weights


@additive_attention.misconception("sentences mixed up in the product")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """weights @ values multiplies every sentence's weights with every sentence's values, so the
    context is (batch, batch, d_v). Give the weights an axis: weights.unsqueeze(1) @ values."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights @ values, weights


@additive_attention.misconception("mask ignored")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """The mask changes nothing: padding still gets weight. Fill the scores where it is False, and
    keep the result: scores = scores.masked_fill(~mask, …) makes a new tensor."""
    return _mix(_weights(_scores(query, keys, W_q, W_k, v), None), values)


@additive_attention.misconception("mask inverted")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your mask works the other way round. Here True means "may attend"; fill where it is False:
    masked_fill(~mask, …)."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(_weights(scores, None if mask is None else ~mask), values)


@additive_attention.misconception("masked scores of zero")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Padding gets a score of 0, and exp(0) = 1 still gets weight. Fill with a very negative
    number, and set those weights to zero after the softmax."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(_weights(scores if mask is None else scores * mask, None), values)


@additive_attention.misconception("not negative enough")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You fill with a number that scores can reach, −100 for example. Then a masked word can win
    against a real one. Fill with −inf, −1e9 or torch.finfo(scores.dtype).min."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is None:
        return _mix(torch.softmax(scores, -1), values)
    weights = torch.softmax(scores.masked_fill(~mask, -100.0), -1)
    return _mix(weights.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("masked after the softmax")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You set weights to zero after the softmax, so the rest adds up to less than 1: the padding
    has taken its share already. Mask the scores before it."""
    weights = torch.softmax(_scores(query, keys, W_q, W_k, v), -1)
    return _mix(weights if mask is None else weights.masked_fill(~mask, 0.0), values)


@additive_attention.misconception("empty row shares its weight out")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """A sentence with nothing to attend to gets an equal share of everything: its scores are all
    the same. Set the weights of masked words to zero after the softmax as well."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    return _mix(torch.softmax(scores, -1), values)


@additive_attention.misconception("empty row gives NaN")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """A sentence with nothing to attend to gets NaN: all its scores are −inf. Fill with a very
    negative number, torch.finfo(scores.dtype).min, and set those weights to zero afterwards."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return _mix(torch.softmax(scores, -1), values)


@additive_attention.misconception("NaN swept away afterwards")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Sweeping up the NaN of an empty row afterwards hides it going forward, but the gradient has
    been through it and is NaN. Fill with torch.finfo(scores.dtype).min, which never makes one."""
    scores = _scores(query, keys, W_q, W_k, v)
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(~mask, -math.inf)
    return _mix(torch.nan_to_num(torch.softmax(scores, -1)), values)


@additive_attention.misconception("keys instead of values")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your context is a sum of keys. Keys say where to look; what is taken home are the values."""
    return _mix(_weights(_scores(query, keys, W_q, W_k, v), mask), keys)


@additive_attention.misconception("not added up")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You multiply the values by their weights and return them one by one. Add them up over the
    words: the context is (batch, d_v)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights.unsqueeze(-1) * values, weights


@additive_attention.misconception("plain average of the values")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your context gives every value the same weight. Multiply each by its own weight before you
    add them up."""
    return values.mean(1), _weights(_scores(query, keys, W_q, W_k, v), mask)


@additive_attention.misconception("weights with an axis left over")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your weights have an extra axis of size 1. They are (batch, n): squeeze it out, or multiply
    with v itself, not with v.unsqueeze(-1)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return _mix(weights, values)[0], weights.unsqueeze(-1)


@additive_attention.misconception("context with an axis left over")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your context is (batch, 1, d_v). Take the extra axis out: .squeeze(1)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights.unsqueeze(1) @ values, weights


@additive_attention.misconception("swapped results")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You return the weights first. The exercise asks for (context, weights)."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return weights, _mix(weights, values)[0]


@additive_attention.misconception("context only")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """You return the context alone. The weights are asked for too: return context, weights."""
    return _mix(_weights(_scores(query, keys, W_q, W_k, v), mask), values)[0]


@additive_attention.misconception("scores returned as weights")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """What you return as weights are the scores, from before the softmax."""
    scores = _scores(query, keys, W_q, W_k, v)
    return _mix(_weights(scores, mask), values)[0], scores


@additive_attention.misconception("mask changed in place")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Your call changes the caller's mask. Write ~mask, which makes a new one, and no method that
    ends in _."""
    result = _mix(_weights(_scores(query, keys, W_q, W_k, v), mask), values)
    if mask is not None:
        mask.logical_not_()
    return result


@additive_attention.misconception("weights cut off from the graph")
def _(query, keys, values, W_q, W_k, v, mask=None):
    """Query and keys should learn through the weights: don't detach them before you use them."""
    weights = _weights(_scores(query, keys, W_q, W_k, v), mask)
    return _mix(weights.detach(), values)[0], weights


# ---- path_length -------------------------------------------------------------------------------

path_length = Exercise("path_length", reference=pieces.path_length)
_DISTANCES = (1, 2, 3, 4, 6, 7, 8, 14, 15, 16, 31, 62, 63, 64)


def _expect_lengths(piece: Piece, model: str, draw: Draw, kernels: tuple[int, ...] = ()) -> None:
    """For several distances, with the default kernel and with these, the numbers are the
    reference's."""
    questions = [(distance, model) for distance in _distances(draw)]
    for kernel_size in kernels:
        questions += [(distance, model, kernel_size) for distance in _distances(draw)]
    # All are asked before any is judged: what is wrong with them tells one mistake from another.
    answers = [piece(*question) for question in questions]
    for question, found in zip(questions, answers, strict=True):
        wanted = pieces.path_length(*question)
        what = f"path_length({', '.join(map(repr, question))})".replace("'", '"')
        if isinstance(found, torch.Tensor) and found.numel() == 1:
            found = found.item()
        expect.that(
            isinstance(found, (int, float)) and not isinstance(found, bool),
            f"{what} should be {wanted}; it is {expect.describe(found)}.",
        )
        expect.that(found == wanted, f"{what} should be {wanted}; yours is {found}.")


def _distances(draw: Draw) -> list[int]:
    """Small ones, those around powers of two, and three of any size, in a random order."""
    found = [*_DISTANCES, *(draw.integer(65, 3000) for _ in range(3))]
    start = draw.integer(0, len(found) - 1)
    return found[start:] + found[:start]


@path_length.property("recurrent and attention", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A recurrent network takes one step for each word of distance, attention always one."""
    _expect_lengths(piece, "rnn", draw)
    _expect_lengths(piece, "attention", draw)


@path_length.property("convolution", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """With a kernel of k words, each layer reaches k − 1 words further: distance / (k − 1), rounded
    up."""
    _expect_lengths(piece, "conv", draw, kernels=(2, draw.integer(4, 6), 7))


@path_length.property("dilated convolution", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Each layer reaches twice as far as the one below it: the least L with
    (k − 1)(2^L − 1) ≥ distance."""
    _expect_lengths(piece, "dilated conv", draw, kernels=(2, draw.integer(4, 6), 7))


@path_length.property("no other model", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """For any other model there is no answer: raise a ValueError."""
    expect.raises(
        ValueError,
        lambda: piece(draw.integer(2, 9), "telepathy"),
        'path_length(…, "telepathy") should raise a ValueError.',
    )


def _path(**other):
    """A path_length that is right but for one model."""

    def wrong(distance, model, kernel_size=3):
        if model in other:
            return other[model](distance, kernel_size)
        return pieces.path_length(distance, model, kernel_size)

    return wrong


def _wrong_path(name, **other):
    """Declare a path_length that is wrong for one model; the function's docstring is the
    sentence."""

    def declare(says):
        wrong = _path(**{key.replace("_", " "): value for key, value in other.items()})
        wrong.__doc__ = says.__doc__
        path_length.misconception(name)(wrong)

    return declare


def _dilated(distance, kernel_size, reaches):
    """The least number of layers that `reaches`, counted up one by one."""
    layers = 0
    while reaches(layers, kernel_size) < distance:
        layers += 1
    return layers


@_wrong_path("rnn counts the words", rnn=lambda d, k: d + 1)
def _():
    """For the recurrent network you count the words. The steps between two neighbours are 1, not
    2: the distance itself."""


@_wrong_path("rnn one step short", rnn=lambda d, k: d - 1)
def _():
    """For the recurrent network you count the words in between. Two neighbours are one step
    apart: the distance itself."""


@_wrong_path("attention grows with the distance", attention=lambda d, k: d)
def _():
    """Attention looks at every word directly: 1, however far away it is."""


@_wrong_path("attention takes no step", attention=lambda d, k: 0)
def _():
    """Attention is one layer, so it takes one step: 1."""


@_wrong_path("rounded down", conv=lambda d, k: d // (k - 1))
def _():
    """For the convolution you round down: // drops the rest. A rest of one word needs one more
    layer: math.ceil."""


@_wrong_path("one layer too many, always", conv=lambda d, k: d // (k - 1) + 1)
def _():
    """For the convolution you add a layer even where nothing is left over: distance 2 and a kernel
    of 3 take one layer. Round up instead: math.ceil."""


@_wrong_path("rounded to the nearest", conv=lambda d, k: round(d / (k - 1)))
def _():
    """For the convolution you round to the nearest number. Anything left over takes one more layer:
    math.ceil."""


@_wrong_path("not rounded", conv=lambda d, k: d / (k - 1))
def _():
    """For the convolution you return a fraction. There are no half layers: math.ceil."""


@_wrong_path("divided by the kernel", conv=lambda d, k: math.ceil(d / k))
def _():
    """For the convolution you divide by k. A kernel of k words sees itself and k − 1 others, so
    each layer reaches k − 1 further."""


@_wrong_path("half a kernel to each side", conv=lambda d, k: math.ceil(d / max(1, k // 2)))
def _():
    """For the convolution you count half a kernel for each layer. From the first of its words to
    the last, a kernel of k connects words k − 1 apart."""


@_wrong_path("kernel of three for ever", conv=lambda d, k: math.ceil(d / 2))
def _():
    """For the convolution you always reckon with 3 words. Use kernel_size."""


@_wrong_path("dilation ignored", dilated_conv=lambda d, k: math.ceil(d / (k - 1)))
def _():
    """For the dilated convolution you count as if nothing were dilated. Layer 1 reaches k − 1
    words, layer 2 twice that, layer 3 four times: together (k − 1)(2^L − 1)."""


@_wrong_path(
    "minus one forgotten", dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: (k - 1) * 2**n)
)
def _():
    """For the dilated convolution you look for (k − 1)·2^L ≥ distance. The layers reach 1 + 2 + 4 +
    … = 2^L − 1 times k − 1: the −1 is missing."""


@_wrong_path(
    "only the top layer counted",
    dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: (k - 1) * 2 ** (n - 1) if n else 0),
)
def _():
    """For the dilated convolution you count the reach of the top layer alone. All layers together
    reach (k − 1)(2^L − 1)."""


@_wrong_path(
    "dilated by the kernel",
    dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: (k - 1) * (k**n - 1)),
)
def _():
    """Your dilation grows by the factor k. It doubles, whatever the kernel: 2^L."""


@_wrong_path(
    "the whole kernel counted",
    dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: k * (2**n - 1)),
)
def _():
    """For the dilated convolution you reckon with k. A kernel of k words reaches k − 1 further."""


@_wrong_path(
    "kernel of three, dilated",
    dilated_conv=lambda d, k: _dilated(d, 3, lambda n, k: (k - 1) * (2**n - 1)),
)
def _():
    """For the dilated convolution you always reckon with 3 words. Use kernel_size."""


@_wrong_path("a logarithm not rounded", dilated_conv=lambda d, k: math.log2(d / (k - 1) + 1))
def _():
    """For the dilated convolution the logarithm is right, but there are no fractions of a layer:
    round up with math.ceil."""


@_wrong_path("a logarithm rounded down", dilated_conv=lambda d, k: int(math.log2(d / (k - 1) + 1)))
def _():
    """For the dilated convolution you round the logarithm down. The reach has to be enough: round
    up."""


@_wrong_path(
    "one layer too many",
    dilated_conv=lambda d, k: int(math.log2(d / (k - 1) + 1)) + 1,
)
def _():
    """For the dilated convolution you add a layer even where the reach is enough exactly: for
    distance 2 and a kernel of 3, one layer will do. Round up instead of adding 1."""


@path_length.misconception("no error for other models")
def _(distance, model, kernel_size=3):
    """For a model that it doesn't know, your function returns something (None at the end counts).
    Raise ValueError(…) there."""
    try:
        return pieces.path_length(distance, model, kernel_size)
    except ValueError:
        return None


@path_length.misconception("attention for every other model")
def _(distance, model, kernel_size=3):
    """Your last branch answers 1 for any other model. Ask for "attention" there, and raise a
    ValueError for what is left."""
    known = ("rnn", "conv", "dilated conv")
    return pieces.path_length(distance, model, kernel_size) if model in known else 1
