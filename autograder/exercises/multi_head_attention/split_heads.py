"""The features of a word dealt out to heads."""

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    gradients_flow,
    inputs_stay,
)
from workbook import pieces

split_heads = Exercise("split_heads", reference=pieces.split_heads)


def flat_words(draw: Draw) -> Case:
    """Words (batch, length, heads · d_head), and the number of heads."""
    batch, length, heads, d_head = draw.sizes(4)
    return Case((draw.normal(batch, length, heads * d_head), heads))


@split_heads.property("the shape", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The heads become a dimension of their own, in second place: (batch, num_heads, length,
    d_model / num_heads)."""
    x, heads = flat_words(draw).args
    batch, length, d_model = x.shape
    expect.shape(piece(x, heads), (batch, heads, length, d_model // heads), "What comes back")


equals_reference(
    split_heads,
    flat_words,
    ("What comes back, at [sentence, head, word, feature],",),
    name="each head gets a run of features of every word",
    points=1,
    says="Of every word, the first d_model / num_heads features go to the first head, the next "
    "ones to the second head, and so on.",
)


@split_heads.property("from one head to one feature a head", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for any number of heads that divides d_model, from 1 up to d_model."""
    x, heads = flat_words(draw).args
    for count in (1, heads, x.shape[-1]):
        expect.close(piece(x, count), pieces.split_heads(x, count), f"The split into {count}")


gradients_flow(split_heads, flat_words, of=("x",), points=0.5)
inputs_stay(split_heads, flat_words, points=0.5)


def _sizes(x: torch.Tensor, num_heads: int) -> tuple[int, int, int]:
    return x.shape[0], x.shape[1], x.shape[2] // num_heads


@split_heads.misconception("a bare view")
def _(x, num_heads):
    """The shape is right and the numbers are not: view (or reshape) reads the numbers in the order
    in which they lie in memory, so that a head gets all of one word and a bit of the next, instead
    of a part of every word. Make (batch, length, num_heads, d_head) first, then swap the two axes
    in the middle."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, num_heads, length, d_head)


@split_heads.misconception("not transposed")
def _(x, num_heads):
    """The features are split, and the heads still stand behind the words: (batch, length,
    num_heads, d_head). Swap the two axes in the middle: transpose(1, 2)."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, num_heads, d_head)


@split_heads.misconception("every n-th feature")
def _(x, num_heads):
    """Your heads take turns: the first gets the features 0, num_heads, 2·num_heads … Each head
    should get a run of consecutive features: split d_model into (num_heads, d_head), in this
    order."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, d_head, num_heads).permute(0, 3, 1, 2)


@split_heads.misconception("num_heads taken for the size of a head")
def _(x, num_heads):
    """You make heads of num_heads features each. num_heads is how many heads there are; each gets
    d_model // num_heads features."""
    batch, length, d_model = x.shape
    return x.reshape(batch, length, d_model // num_heads, num_heads).transpose(1, 2)


@split_heads.misconception("words and features swapped")
def _(x, num_heads):
    """Inside each head, words and features have changed places: the last two axes should be
    (length, d_head)."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, num_heads, d_head).permute(0, 2, 3, 1)


@split_heads.misconception("the wrong two axes swapped")
def _(x, num_heads):
    """What comes back has the axes (batch, length, d_head, num_heads). The heads belong in front of
    the words: cut into (batch, length, num_heads, d_head), then swap axes 1 and 2, or stack along
    dim 1."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, num_heads, d_head).transpose(2, 3)


@split_heads.misconception("features in the place of the heads")
def _(x, num_heads):
    """The features have moved to second place, where the heads belong: (batch, d_head, length,
    num_heads). After the cut the axes are (batch, length, num_heads, d_head); swap 1 and 2 only."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, num_heads, d_head).permute(0, 3, 1, 2)


@split_heads.misconception("swapped before the cut")
def _(x, num_heads):
    """You swap words and features first and cut then, so that the cut goes through the words. Cut
    the features into (num_heads, d_head) first, then swap words and heads."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.transpose(1, 2).reshape(batch, num_heads, length, d_head)


@split_heads.misconception("heads stacked as words")
def _(x, num_heads):
    """You put the heads one behind the other along the words. They need an axis of their own:
    torch.stack(heads, dim=1) makes one, torch.cat doesn't."""
    return pieces.split_heads(x, num_heads).flatten(1, 2)


@split_heads.misconception("batch and words swapped")
def _(x, num_heads):
    """You swap the first two axes, batch and words. The heads should move in front of the words:
    transpose(1, 2)."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, num_heads, d_head).transpose(0, 1)


@split_heads.misconception("heads folded into the batch")
def _(x, num_heads):
    """You have folded the heads into the batch, (batch·num_heads, length, d_head). Here they keep
    an axis of their own, so that a mask can be broadcast over them."""
    return pieces.split_heads(x, num_heads).flatten(0, 1)


@split_heads.misconception("heads in front of the batch")
def _(x, num_heads):
    """Your heads come first, in front of the batch. They should be the second axis: stack or move
    them to dim 1."""
    return pieces.split_heads(x, num_heads).transpose(0, 1)


@split_heads.misconception("a list of heads")
def _(x, num_heads):
    """You return the heads one by one. Put them into one tensor: torch.stack(heads, dim=1)."""
    return list(x.chunk(num_heads, dim=-1))


@split_heads.misconception("every head gets everything")
def _(x, num_heads):
    """Each of your heads has all d_model features. They share them: d_model // num_heads each."""
    return x.unsqueeze(1).expand(-1, num_heads, -1, -1)


@split_heads.misconception("words shared out instead of features")
def _(x, num_heads):
    """You share out the words among the heads. Every head sees every word, and gets a part of its
    features: split the last axis."""
    return torch.stack(x.tensor_split(num_heads, dim=1), dim=1)


@split_heads.misconception("resized in place")
def _(x, num_heads):
    """Your call changes the caller's x: methods that end in _ work in place. Use the one without
    it."""
    batch, length, d_head = _sizes(x, num_heads)
    with torch.no_grad():
        return x.resize_(batch, length, num_heads, d_head).transpose(1, 2)


@split_heads.misconception("cut off from the graph")
def _(x, num_heads):
    """The values are right, but no gradient flows back: a .detach(), .data or a torch.tensor(...)
    built from numbers cuts the result off."""
    return pieces.split_heads(x.detach(), num_heads)


@split_heads.misconception("a float for a size")
def _(x, num_heads):
    """d_model / num_heads is a float. A shape needs whole numbers: use //."""
    batch, length, d_model = x.shape
    return x.reshape(batch, length, num_heads, d_model / num_heads).transpose(1, 2)


@split_heads.misconception("words swapped with features")
def _(x, num_heads):
    """You swap words and features. The heads (axis 2) and the words (axis 1) are the ones to
    swap."""
    batch, length, d_head = _sizes(x, num_heads)
    return x.reshape(batch, length, num_heads, d_head).transpose(1, 3)
