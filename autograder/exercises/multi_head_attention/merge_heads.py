"""The heads' features side by side again."""

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
from autograder.exercises.multi_head_attention.split_heads import flat_words
from workbook import pieces

merge_heads = Exercise("merge_heads", reference=pieces.merge_heads)


def _heads(draw: Draw) -> Case:
    return Case((draw.normal(*draw.sizes(4)),))


@merge_heads.property("the shape", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The heads' features stand side by side again: (batch, length, num_heads · d_head)."""
    (x,) = _heads(draw).args
    batch, heads, length, d_head = x.shape
    expect.shape(piece(x), (batch, length, heads * d_head), "What comes back")


equals_reference(
    merge_heads,
    _heads,
    ("What comes back, at [sentence, word, feature],",),
    name="each word gets its own features back",
    points=1,
    says="Of every word, the features of the first head come first, then those of the second, and "
    "so on.",
)


@merge_heads.property("it undoes the split", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Merging what was split should give the very same numbers, for any number of heads."""
    x, heads = flat_words(draw).args
    for count in (heads, 1, x.shape[-1]):
        merged = piece(pieces.split_heads(x, count).contiguous())
        expect.close(merged, x, f"x, split into {count} and merged again,", tolerance=0.0)


gradients_flow(merge_heads, _heads, of=("x",), points=0.5)
inputs_stay(merge_heads, _heads, points=0.5)


@merge_heads.misconception("a bare view")
def _(x):
    """The shape is right and the numbers are not: reshape reads the numbers in memory order, head
    after head, and mixes the words up. Swap heads and words first, transpose(1, 2), then
    reshape."""
    batch, heads, length, d_head = x.shape
    return x.reshape(batch, length, heads * d_head)


@merge_heads.misconception("view of a swapped tensor")
def _(x):
    """The idea is right. After transpose the numbers no longer lie in memory in the order that view
    needs, and it refuses. Use reshape or flatten, or .contiguous() before view."""
    batch, heads, length, d_head = x.shape
    return x.transpose(1, 2).view(batch, length, heads * d_head)


@merge_heads.misconception("features of the heads interleaved")
def _(x):
    """The heads take turns in your result. Each head's features should stay together: after the
    swap the axes are (batch, length, num_heads, d_head), and the last two are merged as they
    are."""
    return x.permute(0, 2, 3, 1).flatten(-2)


@merge_heads.misconception("heads averaged")
def _(x):
    """You average the heads. They stand side by side (concatenated), so that nothing they found is
    lost; out_proj mixes them later."""
    return x.mean(1)


@merge_heads.misconception("heads added up")
def _(x):
    """You add the heads up. They stand side by side (concatenated), so that nothing they found is
    lost; out_proj mixes them later."""
    return x.sum(1)


@merge_heads.misconception("not flattened")
def _(x):
    """The axes are swapped, and heads and features are still two of them. Make the last two one:
    flatten(-2), or reshape(batch, length, -1)."""
    return x.transpose(1, 2)


@merge_heads.misconception("flattened before the swap")
def _(x):
    """You merge words and features. Swap heads and words first, so that heads and features are
    neighbours; these two are merged."""
    return x.flatten(2)


@merge_heads.misconception("heads stacked as words")
def _(x):
    """You put the heads one behind the other along the words, so that the sentence gets num_heads
    times as long. They belong side by side: concatenate along the last axis."""
    return x.flatten(1, 2)


@merge_heads.misconception("the wrong two axes swapped")
def _(x):
    """You swap the last two axes, words and features. Heads (axis 1) and words (axis 2) are the
    ones to swap."""
    batch, heads, length, d_head = x.shape
    return x.transpose(2, 3).reshape(batch, length, heads * d_head)


@merge_heads.misconception("heads and features swapped")
def _(x):
    """You swap heads and features, axes 1 and 3. Heads (axis 1) and words (axis 2) are the ones to
    swap."""
    batch, heads, length, d_head = x.shape
    return x.transpose(1, 3).reshape(batch, length, heads * d_head)


@merge_heads.misconception("words and heads made one")
def _(x):
    """The swap is right. Then you merge words and heads, so that the sentence gets num_heads times
    as long. Merge the last two axes, heads and features: flatten(-2)."""
    return x.transpose(1, 2).flatten(1, 2)


@merge_heads.misconception("batch mixed in")
def _(x):
    """You swap batch and heads, and after the reshape each sentence holds parts of the others.
    Swap heads (axis 1) and words (axis 2)."""
    batch, heads, length, d_head = x.shape
    return x.transpose(0, 1).reshape(batch, length, heads * d_head)


@merge_heads.misconception("the first head only")
def _(x):
    """You return one head and drop the others. All of them stand side by side in the result."""
    return x[:, 0]


@merge_heads.misconception("resized in place")
def _(x):
    """Your call changes the caller's x: methods that end in _ work in place. Use the one without
    it."""
    batch, heads, length, d_head = x.shape
    merged = pieces.merge_heads(x.detach().clone())
    with torch.no_grad():
        x.resize_(batch, length, heads * d_head).copy_(merged)
    return x


@merge_heads.misconception("cut off from the graph")
def _(x):
    """The values are right, but no gradient flows back: a .detach(), .data or a torch.tensor(...)
    built from numbers cuts the result off."""
    return pieces.merge_heads(x.detach())


@merge_heads.misconception("heads taken for words")
def _(x):
    """The shape that comes in is (batch, num_heads, length, d_head): the heads are second. You read
    it as (batch, length, num_heads, d_head)."""
    batch, length, heads, d_head = x.shape
    return x.transpose(1, 2).reshape(batch, length, heads * d_head)


@merge_heads.misconception("one row for the whole sentence")
def _(x):
    """You have made one row of the whole sentence. Merge only the last two axes: flatten(-2)."""
    return x.transpose(1, 2).flatten(1)


@merge_heads.misconception("heads in reverse order")
def _(x):
    """Your heads stand in the wrong order: the first head's features come first."""
    return pieces.merge_heads(x.flip(1))
