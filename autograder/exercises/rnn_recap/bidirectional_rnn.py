"""Two recurrent networks, one of which reads from the end."""

import torch
from torch import nn

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    agree,
    beside,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_forward
from autograder.exercises.rnn_recap.padded_sentences import (
    all_padded_sequences,
    padded_sequences,
    past_the_end,
    real_steps,
    sequences,
)
from workbook import pieces

BidirectionalRNN = Exercise(
    "BidirectionalRNN",
    reference=pieces.BidirectionalRNN,
    forbidden=("rnn_tanh", "rnn_tanh_cell", "rnn_relu", "gru", "lstm"),
)

parameters_named(BidirectionalRNN, sequences, points=0.5)
equals_reference(
    BidirectionalRNN,
    sequences,
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
    for cases in (all_padded_sequences, padded_sequences):
        case = cases(draw)
        instance, oracle = beside(BidirectionalRNN, piece, case, draw)
        found = instance(*case.args, **case.kwargs)
        agree(found, oracle(*case.args, **case.kwargs), ("outputs",))


@BidirectionalRNN.property("padding changes nothing", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Other numbers in the padding should change no output."""
    case = padded_sequences(draw)
    instance, _ = beside(BidirectionalRNN, piece, case, draw)
    before = expect.tensor(instance(*case.args, **case.kwargs), "outputs")
    (x,) = case.args
    after = instance(torch.where(past_the_end(case), 3.0 - x, x), **case.kwargs)
    expect.close(after, before, "With other padding, outputs")


gradients_flow(BidirectionalRNN, padded_sequences, of=("x",), points=0.5)
inputs_stay(BidirectionalRNN, padded_sequences, points=0.25)
single_precision(BidirectionalRNN, padded_sequences, ("outputs",), points=0.25)


class _Pair(nn.Module):
    """Two networks under the right names: the part that most wrong answers get right."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.forward_rnn = pieces.RNN(input_size, hidden_size)
        self.backward_rnn = pieces.RNN(input_size, hidden_size)

    def forward(self, x, lengths=None):
        return torch.cat([self.forward_rnn(x, lengths)[0], _behind(self, x, lengths)], dim=-1)


def _turned(x, lengths):
    """Each sequence from its own end, its padding left in place."""
    if lengths is None:
        return x.flip(1)
    rows = [
        torch.cat([row[:length].flip(0), row[length:]])
        for row, length in zip(x, lengths.tolist(), strict=True)
    ]
    return torch.stack(rows)


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
@wrong_forward(_Pair)
def _(self, x, lengths):
    """x.flip(1) turns the padding to the front, so the backward network reads it before the
    sentence. Turn each sentence round within its own length."""
    behind, _ = self.backward_rnn(x.flip(1))
    outputs = torch.cat([self.forward_rnn(x, lengths)[0], behind.flip(1)], dim=-1)
    return outputs if lengths is None else outputs * real_steps(x, lengths)


@BidirectionalRNN.misconception("padding read first, and answered")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """x.flip(1) turns the padding to the front, so the backward network reads it before the
    sentence. Turn each sentence round within its own length."""
    behind = self.backward_rnn(x.flip(1))[0].flip(1)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("padding taken for the sentence")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """x.flip(1) turns the padding to the front, and with lengths the backward network then reads
    the padding first and leaves out as many words at the end. Turn each sentence round within its
    own length."""
    behind = self.backward_rnn(x.flip(1), lengths)[0].flip(1)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("not turned back")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The backward outputs stand in reading order: the first of them belongs to the last word. Turn
    them round again before you join the two."""
    behind, _ = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("turned back with the padding")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The sentences are turned round within their own lengths, but turned back with flip(1), which
    moves them to the other end. Turn back the way you turned round."""
    behind, _ = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind.flip(1)], dim=-1)


@BidirectionalRNN.misconception("never turned round")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """Both networks read from left to right. The backward network has to be given the words in
    reverse."""
    return torch.cat([self.forward_rnn(x, lengths)[0], self.backward_rnn(x, lengths)[0]], dim=-1)


@BidirectionalRNN.misconception("backward network never called")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """You never call backward_rnn: both directions are read by forward_rnn."""
    behind = _turned(self.forward_rnn(_turned(x, lengths), lengths)[0], lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("last at every word")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The backward half is the same at every word: you took last. Take outputs."""
    ahead, _ = self.forward_rnn(x, lengths)
    _, last = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([ahead, last.unsqueeze(1).expand_as(ahead)], dim=-1)


@BidirectionalRNN.misconception("sentences turned round")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """flip(0) turns the batch round, so that sentences change places. Turn round the words:
    dimension 1."""
    behind = self.backward_rnn(x.flip(0), lengths)[0].flip(0)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("features turned round")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """flip(-1) turns round the numbers inside each word. Turn round the words: dimension 1."""
    behind, _ = self.backward_rnn(x.flip(-1), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("backward half first")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The two halves have changed places: forward_rnn's comes first."""
    return torch.cat([_behind(self, x, lengths), self.forward_rnn(x, lengths)[0]], dim=-1)


@BidirectionalRNN.misconception("added instead of joined")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """You add the two halves up. Put them side by side: torch.cat([…, …], dim=-1), so that nothing
    is mixed."""
    return self.forward_rnn(x, lengths)[0] + _behind(self, x, lengths)


@BidirectionalRNN.misconception("lengths not passed on")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """lengths is never used: every sentence is read as if its padding belonged to it."""
    return torch.cat([self.forward_rnn(x)[0], _behind(self, x, None)], dim=-1)


@BidirectionalRNN.misconception("lengths not passed to the forward network")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The forward network isn't told the lengths, so its outputs go on past each sentence's end.
    Pass lengths to both."""
    return torch.cat([self.forward_rnn(x)[0], _behind(self, x, lengths)], dim=-1)


@BidirectionalRNN.misconception("lengths not passed to the backward network")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The backward network isn't told the lengths, so its outputs go on past each sentence's end.
    Pass lengths to both."""
    behind = _turned(self.backward_rnn(_turned(x, lengths))[0], lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


@BidirectionalRNN.misconception("no answer without lengths")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """lengths may be None: then every sentence is as long as x is wide. Your loop walks along None.
    Fill it in first, or turn round with x.flip(1) in that case."""
    rows = [torch.cat([x[i, :n].flip(0), x[i, n:]]) for i, n in enumerate(lengths)]
    behind, _ = self.backward_rnn(torch.stack(rows), lengths)
    return torch.cat([self.forward_rnn(x, lengths)[0], _turned(behind, lengths)], dim=-1)


@BidirectionalRNN.misconception("last states only")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """You return the two last states. The exercise asks for both states at every word:
    (batch, length, 2 · hidden)."""
    _, ahead = self.forward_rnn(x, lengths)
    _, behind = self.backward_rnn(_turned(x, lengths), lengths)
    return torch.cat([ahead, behind], dim=-1)


@BidirectionalRNN.misconception("joined along the words")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """You put the halves one after the other along the words, so that the sentence is twice as
    long. Join them along the features: dim=-1."""
    return torch.cat([self.forward_rnn(x, lengths)[0], _behind(self, x, lengths)], dim=1)


@BidirectionalRNN.misconception("pairs not taken apart")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """Your RNN returns two things, outputs and last, and you hand on both. Take the first:
    outputs, _ = self.forward_rnn(x, lengths)."""
    return torch.cat([self.forward_rnn(x, lengths), self.backward_rnn(x.flip(1), lengths)], dim=-1)


@BidirectionalRNN.misconception("x changed in place")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """Your call turns the caller's x round. Make a new tensor: x[row, :n] = … changes the one you
    were given."""
    outputs = torch.cat([self.forward_rnn(x, lengths)[0], _behind(self, x, lengths)], dim=-1)
    x.data.copy_(_turned(x.detach(), lengths))
    return outputs


@BidirectionalRNN.misconception("a tuple too many")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """You return a pair. This one returns the outputs alone, (batch, length, 2 · hidden)."""
    ahead, last = self.forward_rnn(x, lengths)
    return torch.cat([ahead, _behind(self, x, lengths)], dim=-1), last


@BidirectionalRNN.misconception("backward half cut off from the graph")
@wrong_forward(_Pair)
def _(self, x, lengths):
    """The values are right, but no gradient flows back through the backward network: it is filled
    into a new tensor without its history, or detached."""
    behind = _behind(self, x, lengths).detach()
    return torch.cat([self.forward_rnn(x, lengths)[0], behind], dim=-1)
