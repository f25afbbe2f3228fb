"""The module that adds the sinusoids to the words."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    beside,
    gradients_flow,
    inputs_stay,
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

PositionalEncoding = Exercise("PositionalEncoding", reference=pieces.PositionalEncoding)


@PositionalEncoding.property("the table is a buffer", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The table of sinusoids should be a buffer called table, (max_length, d_model): not learned,
    and yet saved, moved to another device and cast with the module."""
    max_length, d_model = draw.sizes(2, low=5)
    instance = piece.construct(d_model, max_length)
    expect.that(
        not instance.parameters(),
        "There is a parameter, which training would change; the sinusoids are not learned.",
    )
    buffers = instance.to(torch.float64).buffers()
    if not buffers:
        instance(draw.normal(2, max_length - 1, d_model))
        late = " (After its first call it has one.)" if instance.buffers() else ""
        raise expect.Mismatch(f"A newly made module has no buffer.{late}")
    if "table" not in buffers:
        names = ", ".join(sorted(buffers))
        raise expect.Mismatch(f"The buffer should be called table, not {names}.", kind="name")
    expect.shape(buffers["table"], (max_length, d_model), "The buffer table")
    wanted = pieces.sinusoidal_encoding(max_length, d_model)
    expect.close(buffers["table"].float(), wanted, "The buffer table, at [position, column],")


@PositionalEncoding.property("adds the positions", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """In eval mode the result is each word plus the row of its position, the same rows for every
    sentence of the batch; sentences may be shorter than the table."""
    case = sentence_case(draw)
    instance, oracle = beside(PositionalEncoding, piece, case, draw, torch.float32)
    batch, length, d_model = case.args[0].shape
    for words in (length, length + batch - 1, 1):
        x = draw.normal(batch, words, d_model, dtype=torch.float32)
        expect.close(instance(x), oracle(x), "The result, at [sentence, word, feature],")


refuses_too_long(PositionalEncoding, points=1)
dropout_acts_on_the_sum(PositionalEncoding, points=1)
gradients_flow(PositionalEncoding, sentence_case, of=("x",), points=0.5)
inputs_stay(PositionalEncoding, sentence_case, points=0.25)


@PositionalEncoding.property("float32, on this machine's device", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32, on this machine's fastest device, the values should be the same."""
    case = sentence_case(draw).changed(lambda tensor: tensor.float())
    instance, oracle = beside(PositionalEncoding, piece, case, draw, torch.float32)
    expect.close(instance.on_accelerator(*case.args), oracle(*case.args), "The result")


class _Sinusoids(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("table", pieces.sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + rows_for(self.table, x))


@PositionalEncoding.misconception("multiplied instead of added")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You multiply word and position. Add them: multiplied, every sine of 0 at position 0 would
    wipe out a feature of the first word."""
    return self.dropout(x * rows_for(self.table, x))


@PositionalEncoding.misconception("positions returned alone")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You return the positions without the words. Return x plus the rows of the table."""
    return self.dropout(rows_for(self.table, x).expand_as(x))


@PositionalEncoding.misconception("positions set beside the words")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You set the positions beside the words, so that every vector is twice as long. Add them: the
    result has the shape of x."""
    return self.dropout(torch.cat([x, rows_for(self.table, x).expand_as(x)], dim=-1))


@PositionalEncoding.misconception("words scaled")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You multiply the words by √d_model before you add. The paper does that too, in the embedding
    (lesson 09); here x comes in as it should be."""
    return self.dropout(x * math.sqrt(x.shape[-1]) + rows_for(self.table, x))


@PositionalEncoding.misconception("dropout before adding")
@wrong_forward(_Sinusoids)
def _(self, x):
    """Dropout acts on the words alone, before the positions come in. Add first, then drop out."""
    return self.dropout(x) + rows_for(self.table, x)


@PositionalEncoding.misconception("dropout on the positions alone")
@wrong_forward(_Sinusoids)
def _(self, x):
    """Dropout acts on the positions alone. Add first, then drop out of the sum."""
    return x + self.dropout(rows_for(self.table, x))


@PositionalEncoding.misconception("dropout forgotten")
@wrong_forward(_Sinusoids)
def _(self, x):
    """In training nothing is dropped. Keep nn.Dropout(dropout) in the module, and send the sum
    through it."""
    return x + rows_for(self.table, x)


@PositionalEncoding.misconception("dropout in eval mode too")
class _(_Sinusoids):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode, or pass training=self.training."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(d_model, max_length, dropout)
        self.rate = dropout

    def forward(self, x):
        return F.dropout(x + rows_for(self.table, x), self.rate)


@PositionalEncoding.misconception("dropout's rate ignored")
class _(_Sinusoids):
    """The rate that is passed isn't used: write nn.Dropout(dropout)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(d_model, max_length, 0.1)


@PositionalEncoding.misconception("the table is a parameter")
class _(nn.Module):
    """Your table is a parameter, so an optimizer would train it. (requires_grad=False makes it a
    frozen parameter, and it still counts as one.) Use self.register_buffer("table", …)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.table = nn.Parameter(pieces.sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    forward = _Sinusoids.forward


@PositionalEncoding.misconception("the table is a plain attribute")
class _(nn.Module):
    """self.table = … keeps a plain tensor, which the module doesn't know: it stays behind when the
    module goes to a GPU, to float64 or into a file. Use self.register_buffer("table", …)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.table = pieces.sinusoidal_encoding(max_length, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + rows_for(self.table, x).to(x))


@PositionalEncoding.misconception("the table made anew at every call")
class _(nn.Module):
    """You work the sinusoids out anew at every call, as many as the sentence has words. Make the
    table once, in __init__, with max_length rows, and take its first rows in forward."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + pieces.sinusoidal_encoding(*x.shape[1:]).to(x))


@PositionalEncoding.misconception("the buffer registered at the first call")
class _(nn.Module):
    """You register the buffer in forward, so that a module has none until it is first used, and
    works its table out anew each time. Make it once, in __init__."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.d_model, self.max_length = d_model, max_length
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        table = pieces.sinusoidal_encoding(self.max_length, self.d_model)
        self.register_buffer("table", table.to(x))
        return self.dropout(x + rows_for(self.table, x))


@PositionalEncoding.misconception("copied from a model with the words first")
class _(nn.Module):
    """You have the well-known version for batches with the words first, (length, batch, d_model).
    Here the batch is first, so the words are counted by x.size(1) and the table is (max_length,
    d_model). Build it by your sinusoidal_encoding, which knows odd d_model too, register it as
    table, and raise ValueError past its end."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_length).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_length, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(0)])


@PositionalEncoding.misconception("words first, with the table of this lesson")
class _(nn.Module):
    """This fits batches with the words first, (length, batch, d_model). Here the batch is first:
    words are counted by x.size(1), and the table is (max_length, d_model), without unsqueeze(1).
    Then raise ValueError past its end."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        table = pieces.sinusoidal_encoding(max_length, d_model)
        self.register_buffer("table", table.unsqueeze(1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + self.table[: x.size(0)])


@PositionalEncoding.misconception("the buffer has another name")
class _(nn.Module):
    """The buffer has another name than the exercise asks: table. Names are how weights are
    exchanged with other implementations."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("pe", pieces.sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + rows_for(self.pe, x))


@PositionalEncoding.misconception("a batch axis in the table")
class _(nn.Module):
    """Your table has an axis of size 1 for the batch. Leave it out: (length, d_model) lines up with
    (batch, length, d_model) by itself, and the exercise lists table (max_length, d_model)."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("table", pieces.sinusoidal_encoding(max_length, d_model)[None])
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + rows_for(self.table[0], x))


@PositionalEncoding.misconception("length and width swapped")
class _(_Sinusoids):
    """You call sinusoidal_encoding(d_model, max_length). The length comes first."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(max_length, d_model, dropout)


@PositionalEncoding.misconception("max_length ignored")
class _(_Sinusoids):
    """Your table has 5000 rows, whatever is asked for. Build it with max_length rows."""

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__(d_model, 5000, dropout)


@PositionalEncoding.misconception("positions counted along the batch")
@wrong_forward(_Sinusoids)
def _(self, x):
    """x.size(0) is the number of sentences. Every word of a sentence now gets the same row, that of
    its sentence in the batch. Here words run along axis 1: take the first x.size(1) rows."""
    refuse_more(x.shape[0], self.table.shape[0])
    return self.dropout(x + self.table[: x.shape[0], None])


@PositionalEncoding.misconception("as many rows as sentences")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You take as many rows as there are sentences: x.size(0), or len(x), is the batch. Words run
    along axis 1: take the first x.size(1) rows."""
    refuse_more(x.shape[0], self.table.shape[0])
    return self.dropout(x + self.table[: x.shape[0]])


@PositionalEncoding.misconception("as many rows as features")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You take as many rows as a word has features: x.size(-1) is d_model. Words run along axis 1:
    take the first x.size(1) rows."""
    refuse_more(x.shape[-1], self.table.shape[0])
    return self.dropout(x + self.table[: x.shape[-1]])


@PositionalEncoding.misconception("the whole table added")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You add the whole table, max_length rows. Take as many rows as the sentence has words:
    self.table[: x.size(1)]."""
    return self.dropout(x + self.table)


@PositionalEncoding.misconception("the whole table added to what fits")
@wrong_forward(_Sinusoids)
def _(self, x):
    """Your ValueError is right, and then you add the whole table, max_length rows. Take as many
    rows as the sentence has words: self.table[: x.size(1)]."""
    rows_for(self.table, x)
    return self.dropout(x + self.table)


@PositionalEncoding.misconception("the last rows")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You take the last rows of the table. The first word has position 0: take the first rows,
    self.table[: x.size(1)]."""
    rows_for(self.table, x)
    return self.dropout(x + self.table[-x.shape[1] :])


@PositionalEncoding.misconception("positions from 1")
@wrong_forward(_Sinusoids)
def _(self, x):
    """Your first word gets row 1 of the table. Positions start at 0: take the rows from 0 on."""
    rows_for(self.table, x)
    rows = self.table[1 : x.shape[1] + 1]
    return self.dropout(x + F.pad(rows, (0, 0, 0, x.shape[1] - len(rows))))


@PositionalEncoding.misconception("no ValueError")
@wrong_forward(_Sinusoids)
def _(self, x):
    """A sentence past the end of the table fails somewhere inside torch. Say it in words: compare
    x.size(1) with the table's rows first, and raise ValueError with both numbers."""
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("ValueError returned")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You return the ValueError, and whoever called you takes it for a result. Write raise
    ValueError(…)."""
    if x.shape[1] > self.table.shape[0]:
        return ValueError("too long")
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("a ValueError without the lengths")
@wrong_forward(_Sinusoids)
def _(self, x):
    """Your ValueError doesn't name both lengths, and whoever reads it has to look for them. Put the
    number of words and the number of rows into its sentence."""
    if x.shape[1] > self.table.shape[0]:
        raise ValueError("sentence too long")
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("assert instead of raise")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You use assert, which raises AssertionError (and nothing at all under python -O). Raise a
    ValueError with a sentence."""
    assert x.shape[1] <= self.table.shape[0], "too long"
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("refuses the full length")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You refuse a sentence of exactly max_length words, which the table has rows for. Raise only
    when it is longer: > and not >=."""
    words, rows = x.shape[1], self.table.shape[0]
    if words >= rows:
        raise ValueError(f"{words} words, and {rows} positions")
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("cut off silently")
@wrong_forward(_Sinusoids)
def _(self, x):
    """You cut a long sentence off at max_length, and nobody is told. Raise ValueError."""
    x = x[:, : self.table.shape[0]]
    return self.dropout(x + self.table[: x.shape[1]])


@PositionalEncoding.misconception("words changed in place")
@wrong_forward(_Sinusoids)
def _(self, x):
    """x += … changes the caller's tensor. Write x + …, which makes a new one."""
    rows = rows_for(self.table, x)
    with torch.no_grad():
        x += rows
    return self.dropout(x * 1.0)


@PositionalEncoding.misconception("cut off from the graph")
@wrong_forward(_Sinusoids)
def _(self, x):
    """The values are right, but no gradient flows back to the words: a .detach(), .data or
    torch.no_grad() cuts the result off. A buffer needs none of them."""
    return self.dropout(x.detach() + rows_for(self.table, x))
