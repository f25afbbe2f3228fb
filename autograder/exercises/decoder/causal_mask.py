"""Who may look at whom where the future is unknown."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

causal_mask = Exercise("causal_mask", reference=pieces.causal_mask)


@causal_mask.property("True and False, four axes", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The mask should be boolean, with the shape (1, 1, length, length), so that it serves all
    sentences and heads."""
    length = draw.integer(4, 7)
    mask = expect.tensor(piece(length), "The mask")
    kind = str(mask.dtype).removeprefix("torch.")
    expect.that(mask.dtype == torch.bool, f"It is {kind}, not bool.")
    expect.shape(mask, (1, 1, length, length), "The mask")


@causal_mask.property("everyone sees themselves and those before", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Row t should be True at the columns 0 to t: a position may attend to itself and to those
    before it. Rows ask (queries), columns are looked at (keys)."""
    length = draw.integer(4, 7)
    mask = expect.shape(piece(length), (1, 1, length, length), "The mask")
    expect.close(mask != 0, pieces.causal_mask(length), "The mask, at [0, 0, query, key],")


@causal_mask.property("from one word to many", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for any length; a single word sees itself."""
    for length in (1, 2, draw.integer(9, 14)):
        mask = expect.shape(piece(length), (1, 1, length, length), "The mask")
        expect.close(mask != 0, pieces.causal_mask(length), f"The mask of {length}")


@causal_mask.misconception("True where it is hidden")
def _(length):
    """Your mask is the wrong way round: True marks what is hidden. In this course True means "may
    attend": tril keeps the lower triangle, and ~ turns a mask round."""
    return torch.ones(1, 1, length, length).triu(1).bool()


@causal_mask.misconception("looks at the future")
def _(length):
    """Your mask lets a word look at itself and at those after it. Rows are the words that ask; a
    row should be True up to its own column: the lower triangle, tril."""
    return torch.ones(1, 1, length, length).triu().bool()


@causal_mask.misconception("not at itself")
def _(length):
    """Your mask forbids a word to look at itself, and leaves the first one nothing at all. The
    diagonal is allowed: key ≤ query, tril() without a number."""
    return torch.ones(1, 1, length, length).tril(-1).bool()


@causal_mask.misconception("one too far")
def _(length):
    """Your mask lets a word look one position ahead, at the very word it should predict. The
    diagonal is the limit: tril(), not tril(1)."""
    return torch.ones(1, 1, length, length).tril(1).bool()


@causal_mask.misconception("only at itself")
def _(length):
    """Your mask lets each word look at itself only. It may look at all words before it too: key ≤
    query."""
    return torch.eye(length).bool()[None, None]


@causal_mask.misconception("only at itself and its neighbour")
def _(length):
    """Your mask lets a word look one word back, no further. It may look at all words before it: key
    ≤ query."""
    return torch.ones(1, 1, length, length).tril().triu(-1).bool()


@causal_mask.misconception("nothing hidden")
def _(length):
    """Your mask is True everywhere and hides nothing. Only key ≤ query is allowed; tril returns a
    new tensor and leaves its own as it was."""
    return torch.ones(1, 1, length, length, dtype=torch.bool)


@causal_mask.misconception("everything hidden")
def _(length):
    """Your mask is False everywhere: nobody may look at anything. tril keeps what is there; begin
    with ones, not with zeros."""
    return torch.zeros(1, 1, length, length, dtype=torch.bool)


@causal_mask.misconception("all or nothing by the row")
def _(length):
    """Your mask makes whole rows True or False. Whether a look is allowed depends on both, the row
    that asks and the column that is looked at: compare a column of positions, (length, 1), with a
    row of them, (1, length)."""
    return (torch.arange(length)[:, None] <= torch.arange(length)[:, None]).expand(
        1, 1, length, length
    ) & (torch.arange(length) > 0)[:, None]


@causal_mask.misconception("counted from the other corner")
def _(length):
    """Your triangle hangs at the other diagonal, from the lower left to the upper right. The first
    row sees one word, the last row sees all: tril."""
    return torch.ones(1, 1, length, length).tril().flip(-1).bool()


@causal_mask.misconception("rows in reverse order")
def _(length):
    """Your rows stand in reverse order: the first word sees all and the last one sees one. It is
    the other way round."""
    return torch.ones(1, 1, length, length).tril().flip(-2).bool()


@causal_mask.misconception("numbers, not booleans")
def _(length):
    """Your mask holds the numbers 0.0 and 1.0. The convention here is boolean, so that ~ and
    masked_fill work: make it of dtype=torch.bool, or add .bool()."""
    return torch.ones(1, 1, length, length).tril()


@causal_mask.misconception("whole numbers, not booleans")
def _(length):
    """Your mask holds the whole numbers 0 and 1. The convention here is boolean: add .bool() (on
    whole numbers, ~ makes −1 and −2)."""
    return torch.ones(1, 1, length, length, dtype=torch.long).tril()


@causal_mask.misconception("minus infinity to be added")
def _(length):
    """You make what is added to the scores, 0 and −inf, as nn.Transformer's own helper does. Here a
    mask is boolean, True where a look is allowed; your attention does the rest."""
    return torch.full((1, 1, length, length), -math.inf).triu(1)


@causal_mask.misconception("a large negative number to be added")
def _(length):
    """You make what is added to the scores, 0 and −1e9. Here a mask is boolean, True where a look
    is allowed; your attention does the rest."""
    return torch.full((1, 1, length, length), -1e9).triu(1)


@causal_mask.misconception("two axes only")
def _(length):
    """The triangle is right, and its shape is (length, length). Put two axes of size 1 in front,
    for batch and heads: [None, None]."""
    return torch.ones(length, length, dtype=torch.bool).tril()


@causal_mask.misconception("two axes, and True where it is hidden")
def _(length):
    """Two things. True marks what is hidden, and here it means "may attend": tril, not triu(1). And
    two axes of size 1 are missing in front, for batch and heads: [None, None]."""
    return torch.ones(length, length, dtype=torch.bool).triu(1)


@causal_mask.misconception("numbers on two axes, 1 where it is hidden")
def _(length):
    """Three things. 1 marks what is hidden, and here True means "may attend": tril, not triu(1). It
    should be boolean: .bool(). And two axes of size 1 are missing in front: [None, None]."""
    return torch.ones(length, length).triu(1)


@causal_mask.misconception("numbers on two axes")
def _(length):
    """Two things: your mask holds the numbers 0.0 and 1.0, and its shape is (length, length). Add
    .bool(), and two axes of size 1 in front: [None, None]."""
    return torch.ones(length, length).tril()


@causal_mask.misconception("torch's own helper")
def _(length):
    """You make what nn.Transformer adds to the scores, 0 and −inf, (length, length). Here a mask is
    boolean, True where a look is allowed, with two axes of size 1 in front."""
    return torch.full((length, length), -math.inf).triu(1)


@causal_mask.misconception("three axes only")
def _(length):
    """The triangle is right, and its shape is (1, length, length). It needs one more axis of size 1
    in front: one for the batch, one for the heads."""
    return torch.ones(1, length, length, dtype=torch.bool).tril()


@causal_mask.misconception("axes behind")
def _(length):
    """Your two axes of size 1 stand behind the triangle. They belong in front, where batch and
    heads are: [None, None]."""
    return torch.ones(length, length, dtype=torch.bool).tril()[:, :, None, None]


@causal_mask.misconception("axes around")
def _(length):
    """One of your axes of size 1 stands in the middle or behind. Both belong in front, where batch
    and heads are: [None, None]."""
    return torch.ones(length, length, dtype=torch.bool).tril()[None, :, None, :]


@causal_mask.misconception("a row like a padding mask")
def _(length):
    """You make one row, (1, 1, 1, length), as for padding. There, all words may see the same; here,
    each word sees another part: a row for each of them."""
    return torch.ones(1, 1, 1, length, dtype=torch.bool)


@causal_mask.misconception("a table for each word")
def _(length):
    """Your mask has length in place of a 1. Batch and heads aren't known here: both axes are 1, and
    broadcasting does the rest."""
    return torch.ones(length, 1, length, length, dtype=torch.bool).tril()


@causal_mask.misconception("one longer")
def _(length):
    """Your mask has one row and one column too many. shift_right keeps the length, so <bos> needs
    no extra place."""
    return torch.ones(1, 1, length + 1, length + 1, dtype=torch.bool).tril()
