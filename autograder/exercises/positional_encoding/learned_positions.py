"""The module whose table of positions is learned."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_forward
from autograder.exercises.positional_encoding.added_to_words import (
    dropout_acts_on_the_sum,
    refuse_more,
    refuses_too_long,
    rows_for,
    sentence_case,
)
from workbook import pieces

LearnedPositions = Exercise("LearnedPositions", reference=pieces.LearnedPositions)

parameters_named(LearnedPositions, sentence_case, points=0.75)


@LearnedPositions.property("starts small and random", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The positions should start as random numbers with standard deviation 0.02, so that they don't
    drown the words before anything is learned."""
    made = piece.construct(60, 40).parameters()
    position = made.get("position", next(iter(made.values()), torch.zeros(1)))
    spread = float(position.double().std(correction=0))
    expect.that(spread > 0, "Every number starts the same.")
    expect.that(
        bool(torch.isfinite(position).all()) and 0.015 < spread < 0.025,
        "The standard deviation at the start is another one.",
    )


equals_reference(
    LearnedPositions,
    sentence_case,
    ("The result, at [sentence, word, feature],",),
    name="adds the positions",
    points=0.75,
    says="In eval mode, and with the weights set by the check, the result is each word plus the "
    "row of its position, the same rows for every sentence of the batch.",
)
refuses_too_long(LearnedPositions, points=0.5)
dropout_acts_on_the_sum(LearnedPositions, points=0.5)
gradients_flow(LearnedPositions, sentence_case, of=("x",), points=0.25)
inputs_stay(LearnedPositions, sentence_case, points=0.25)
single_precision(LearnedPositions, sentence_case, ("The result",), points=0.25)


class _Learned(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(max_length, d_model) * 0.02)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + rows_for(self.position, x))


@LearnedPositions.misconception("the parameter has another name")
class _(nn.Module):
    """The parameter has another name than the exercise asks: position. (An nn.Embedding called
    position keeps its numbers under position.weight; here it is the module's own nn.Parameter.)"""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Embedding(max_length, d_model)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.position.weight, std=0.02)

    def forward(self, x):
        return self.dropout(x + rows_for(self.position.weight, x))


@LearnedPositions.misconception("a plain tensor")
class _(nn.Module):
    """Your positions are a plain tensor, which the module doesn't see: no optimizer will ever train
    them. Wrap them: self.position = nn.Parameter(…). (nn.Parameter(…) * 0.02 is a plain tensor
    again: scale first, wrap last.)"""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = torch.randn(max_length, d_model) * 0.02
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("a buffer")
class _(nn.Module):
    """Your positions are a buffer, and a buffer isn't trained. These are to be learned:
    self.position = nn.Parameter(…)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.register_buffer("position", torch.randn(max_length, d_model) * 0.02)
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("a batch axis in the parameter")
class _(nn.Module):
    """Your parameter has an axis of size 1 for the batch. Leave it out: (length, d_model) lines up
    with (batch, length, d_model) by itself, and the exercise lists position (max_length,
    d_model)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, max_length, d_model) * 0.02)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + rows_for(self.position[0], x))


@LearnedPositions.misconception("one number for each position")
class _(nn.Module):
    """You learn a single number for each position, the same for all features. It is a vector of
    d_model numbers: (max_length, d_model)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(max_length, 1) * 0.02)
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("length and width swapped")
class _(nn.Module):
    """Your parameter is (d_model, max_length). Each position is a row: (max_length, d_model). And
    mind the order of the arguments: this module takes max_length first."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(torch.randn(d_model, max_length) * 0.02)
        self.dropout = nn.Dropout(dropout)

    forward = _Learned.forward


@LearnedPositions.misconception("starts at zero")
class _(_Learned):
    """Your positions start at zero throughout. Start them as random numbers, small ones:
    nn.init.normal_(self.position, std=0.02)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, dropout)
        nn.init.zeros_(self.position)


@LearnedPositions.misconception("starts with another spread")
class _(_Learned):
    """Your positions don't start with standard deviation 0.02. torch.randn has the deviation 1,
    which is as loud as the words, and torch.rand isn't even centred on 0: use
    nn.init.normal_(self.position, std=0.02)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, dropout)
        nn.init.normal_(self.position)


@LearnedPositions.misconception("multiplied instead of added")
@wrong_forward(_Learned)
def _(self, x):
    """You multiply word and position. Add them."""
    return self.dropout(x * rows_for(self.position, x))


@LearnedPositions.misconception("dropout before adding")
@wrong_forward(_Learned)
def _(self, x):
    """Dropout acts on the words alone, before the positions come in. Add first, then drop out."""
    return self.dropout(x) + rows_for(self.position, x)


@LearnedPositions.misconception("dropout on the positions alone")
@wrong_forward(_Learned)
def _(self, x):
    """Dropout acts on the positions alone. Add first, then drop out of the sum."""
    return x + self.dropout(rows_for(self.position, x))


@LearnedPositions.misconception("dropout forgotten")
@wrong_forward(_Learned)
def _(self, x):
    """In training nothing is dropped. Keep nn.Dropout(dropout) in the module, and send the sum
    through it."""
    return x + rows_for(self.position, x)


@LearnedPositions.misconception("dropout in eval mode too")
class _(_Learned):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode, or pass training=self.training."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, dropout)
        self.rate = dropout

    def forward(self, x):
        return F.dropout(x + rows_for(self.position, x), self.rate)


@LearnedPositions.misconception("dropout's rate ignored")
class _(_Learned):
    """The rate that is passed isn't used: write nn.Dropout(dropout)."""

    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__(max_length, d_model, 0.1)


@LearnedPositions.misconception("positions counted along the batch")
@wrong_forward(_Learned)
def _(self, x):
    """x.size(0) is the number of sentences. Every word of a sentence now gets the same row, that of
    its sentence in the batch. Here words run along axis 1: take the first x.size(1) rows."""
    refuse_more(x.shape[0], self.position.shape[0])
    return self.dropout(x + self.position[: x.shape[0], None])


@LearnedPositions.misconception("as many rows as sentences")
@wrong_forward(_Learned)
def _(self, x):
    """You take as many rows as there are sentences: x.size(0), or len(x), is the batch. Words run
    along axis 1: take the first x.size(1) rows."""
    refuse_more(x.shape[0], self.position.shape[0])
    return self.dropout(x + self.position[: x.shape[0]])


@LearnedPositions.misconception("the whole table added")
@wrong_forward(_Learned)
def _(self, x):
    """You add all max_length rows. Take as many as the sentence has words:
    self.position[: x.size(1)]."""
    return self.dropout(x + self.position)


@LearnedPositions.misconception("the whole table added to what fits")
@wrong_forward(_Learned)
def _(self, x):
    """Your ValueError is right, and then you add all max_length rows. Take as many as the sentence
    has words: self.position[: x.size(1)]."""
    rows_for(self.position, x)
    return self.dropout(x + self.position)


@LearnedPositions.misconception("no ValueError")
@wrong_forward(_Learned)
def _(self, x):
    """A sentence past the last position fails somewhere inside torch. Say it in words: compare
    x.size(1) with the number of rows first, and raise ValueError with both numbers."""
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("a ValueError without the lengths")
@wrong_forward(_Learned)
def _(self, x):
    """Your ValueError doesn't name both lengths, and whoever reads it has to look for them. Put the
    number of words and the number of rows into its sentence."""
    if x.shape[1] > self.position.shape[0]:
        raise ValueError("sentence too long")
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("assert instead of raise")
@wrong_forward(_Learned)
def _(self, x):
    """You use assert, which raises AssertionError (and nothing at all under python -O). Raise a
    ValueError with a sentence."""
    assert x.shape[1] <= self.position.shape[0], "too long"
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("refuses the full length")
@wrong_forward(_Learned)
def _(self, x):
    """You refuse a sentence of exactly max_length words, which there are positions for. Raise only
    when it is longer: > and not >=."""
    words, rows = x.shape[1], self.position.shape[0]
    if words >= rows:
        raise ValueError(f"{words} words, and {rows} positions")
    return self.dropout(x + self.position[: x.shape[1]])


@LearnedPositions.misconception("positions cut off from the graph")
@wrong_forward(_Learned)
def _(self, x):
    """No gradient reaches the positions, so they would never be learned: a .detach(), .data or
    torch.no_grad() cuts them off."""
    return self.dropout(x + rows_for(self.position, x).detach())


@LearnedPositions.misconception("words changed in place")
@wrong_forward(_Learned)
def _(self, x):
    """x += … changes the caller's tensor. Write x + …, which makes a new one."""
    rows = rows_for(self.position, x)
    changed = x + rows
    with torch.no_grad():
        x += rows
    return self.dropout(changed)
