"""What the decoder reads: the target, one position late."""

import torch
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    inputs_stay,
)
from workbook import pieces

shift_right = Exercise("shift_right", reference=pieces.shift_right)


def _sentences(draw: Draw) -> Case:
    batch, length = draw.sizes(2, low=3)
    bos = draw.integer(1, 5)
    return Case((draw.tokens(batch, length, low=6, high=40), bos))


@shift_right.property("the shape and the kind", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """As many tokens come back as went in, and they are still whole numbers."""
    tokens, bos = _sentences(draw).args
    shifted = expect.shape(piece(tokens, bos), tokens.shape, "What comes back")
    expect.that(
        shifted.dtype == tokens.dtype,
        f"Token ids should stay {tokens.dtype}; yours are {shifted.dtype}.",
    )


@shift_right.property("bos first, the last token gone", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Each sentence should begin with bos_id and go on with its own tokens, the last one left
    out."""
    tokens, bos = _sentences(draw).args
    shifted = expect.shape(piece(tokens, bos), tokens.shape, "What comes back")
    wanted = pieces.shift_right(tokens, bos)
    expect.close(shifted.to(wanted.dtype), wanted, "The result, at [sentence, position],")


@shift_right.property("any bos_id, any length", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """bos_id may be any number, 0 as well; of a single token, bos_id alone is left. An end mark and
    padding move like any other token."""
    tokens, _ = _sentences(draw).args
    padded = tokens.clone()
    padded[0, -2:] = torch.tensor([2, 0])  # an end mark and padding, as the lesson has them
    some_of = ((tokens, 0), (tokens, 77), (tokens[:, :1], 3), (tokens[:1, :2], 4), (padded, 1))
    for some, bos in some_of:
        wanted = pieces.shift_right(some, bos)
        shifted = expect.shape(piece(some, bos), wanted.shape, "What comes back")
        expect.close(shifted.to(wanted.dtype), wanted, f"The result with bos_id={bos}")


inputs_stay(shift_right, _sentences, points=0.25)


@shift_right.misconception("one longer")
def _(tokens, bos_id):
    """You put bos_id in front and keep everything, so that the result is one longer. Leave the last
    token out: nothing follows it that could be predicted."""
    return torch.cat([tokens.new_full((len(tokens), 1), bos_id), tokens], dim=1)


@shift_right.misconception("bos forgotten")
def _(tokens, bos_id):
    """You leave the last token out and put nothing in front: the result is one shorter. The decoder
    starts from bos_id: it comes first."""
    return tokens[:, :-1]


@shift_right.misconception("shifted to the left")
def _(tokens, bos_id):
    """You shift to the left: the first token is gone. Then each position is given the very token
    that comes after the one it should predict. Put bos_id in front and leave out the last."""
    return torch.cat([tokens[:, 1:], tokens.new_full((len(tokens), 1), bos_id)], dim=1)


@shift_right.misconception("rolled to the left")
def _(tokens, bos_id):
    """You roll to the left. Put bos_id in front, then the tokens without the last."""
    return tokens.roll(-1, dims=1)


@shift_right.misconception("the last token rolled to the front")
def _(tokens, bos_id):
    """You roll, so that the last token comes to the front, and bos_id is never used. The first
    place belongs to bos_id: the decoder mustn't know how the sentence ends."""
    return tokens.roll(1, dims=1)


@shift_right.misconception("rolled through all sentences")
def _(tokens, bos_id):
    """roll without dims goes through the whole batch: the last token of each sentence comes to the
    front of the next one. And the first place belongs to bos_id."""
    return tokens.roll(1)


@shift_right.misconception("sentences shifted")
def _(tokens, bos_id):
    """You shift the sentences, not the tokens: axis 0 is the batch. Work along the last axis,
    dim=1: tokens[:, :-1]."""
    return torch.cat([tokens.new_full((1, tokens.shape[1]), bos_id), tokens[:-1]])


@shift_right.misconception("bos in the first sentence only")
def _(tokens, bos_id):
    """Only the first sentence gets bos_id. Every sentence begins with it: shifted[:, 0] =
    bos_id."""
    shifted = tokens.roll(1, dims=1)
    shifted[0, 0] = bos_id
    return shifted


@shift_right.misconception("the first sentence made of bos")
def _(tokens, bos_id):
    """shifted[0] is the whole first sentence. The first position of all sentences is
    shifted[:, 0]."""
    shifted = tokens.roll(1, dims=1)
    shifted[0] = bos_id
    return shifted


@shift_right.misconception("first token replaced")
def _(tokens, bos_id):
    """bos_id takes the first token's place and nothing moves: each position still holds the very
    token it should predict. All tokens move one to the right; it is the last one that is left
    out."""
    shifted = tokens.clone()
    shifted[:, 0] = bos_id
    return shifted


@shift_right.misconception("last token replaced")
def _(tokens, bos_id):
    """You put bos_id at the end, in the last token's place. It belongs in front, and the rest moves
    one to the right."""
    return torch.cat([tokens[:, :-1], tokens.new_full((len(tokens), 1), bos_id)], dim=1)


@shift_right.misconception("the end mark taken out")
def _(tokens, bos_id):
    """You take the end mark out where padding follows it. Look for no token: each moves one to the
    right, whichever it is, and only the last column is left out."""
    shifted = F.pad(tokens[:, :-1], (1, 0), value=bos_id)
    shifted[shifted == 2] = 0
    return shifted


@shift_right.misconception("nothing shifted")
def _(tokens, bos_id):
    """The tokens come back as they were. So each position would be given the very token it should
    predict."""
    return tokens.clone()


@shift_right.misconception("zero in front")
def _(tokens, bos_id):
    """The first place holds 0, whatever bos_id is. Write bos_id there."""
    return F.pad(tokens[:, :-1], (1, 0))


@shift_right.misconception("one in front")
def _(tokens, bos_id):
    """The first place holds 1, whatever bos_id is. Write bos_id there."""
    return F.pad(tokens[:, :-1], (1, 0), value=1)


@shift_right.misconception("bos twice")
def _(tokens, bos_id):
    """You shift by two: bos_id stands there twice. One place is enough."""
    return (
        F.pad(tokens[:, :-1], (1, 0), value=bos_id)
        .roll(1, dims=1)
        .index_fill(1, torch.tensor([0]), bos_id)
    )


@shift_right.misconception("the first token doubled")
def _(tokens, bos_id):
    """You copy one token after the other to the right, from the left: each copy is copied again.
    Copy from tokens, not from the result."""
    shifted = tokens.clone()
    for place in range(1, tokens.shape[1]):
        shifted[:, place] = shifted[:, place - 1]
    shifted[:, 0] = bos_id
    return shifted


@shift_right.misconception("shifted in place")
def _(tokens, bos_id):
    """The result is right, and the caller's tokens are changed: the very targets that the loss
    compares with. Build a new tensor, by clone(), cat or new_full."""
    tokens[:, 1:] = tokens[:, :-1].clone()
    tokens[:, 0] = bos_id
    return tokens


@shift_right.misconception("copied onto itself")
def _(tokens, bos_id):
    """You copy a part of a tensor onto another part of itself, which torch refuses. Make a new
    tensor: cat bos_id and tokens[:, :-1], or take tokens[:, :-1].clone() as the source."""
    tokens[:, 1:] = tokens[:, :-1]
    tokens[:, 0] = bos_id
    return tokens


@shift_right.misconception("floating-point tokens")
def _(tokens, bos_id):
    """Your tokens have become floating-point numbers, and an embedding takes whole ones: torch.ones
    and torch.zeros make floats. Write tokens.new_full((batch, 1), bos_id)."""
    return torch.cat([torch.ones(len(tokens), 1) * bos_id, tokens[:, :-1]], dim=1)


@shift_right.misconception("a bare number in cat")
def _(tokens, bos_id):
    """torch.cat puts tensors together, and bos_id is a number. Make a column of it first:
    tokens.new_full((batch, 1), bos_id)."""
    return torch.cat([bos_id, tokens[:, :-1]], dim=1)


@shift_right.misconception("put together without dim=1")
def _(tokens, bos_id):
    """torch.cat puts sentences below each other unless you say dim=1, and then the sizes don't fit.
    The column of bos_id belongs beside the tokens: dim=1."""
    return torch.cat([tokens.new_full((len(tokens), 1), bos_id), tokens[:, :-1]])


@shift_right.misconception("the last sentence left out")
def _(tokens, bos_id):
    """tokens[:-1] leaves out the last sentence. The last token of every sentence is left out by
    tokens[:, :-1]."""
    return torch.cat([tokens.new_full((len(tokens), 1), bos_id), tokens[:-1]], dim=1)


@shift_right.misconception("a row of bos, not a column")
def _(tokens, bos_id):
    """Your bos_ids have the shape (batch,), and cat wants as many axes as tokens has: a column,
    (batch, 1)."""
    return torch.cat([tokens.new_full((len(tokens),), bos_id), tokens[:, :-1]], dim=1)


@shift_right.misconception("one bos for the whole batch")
def _(tokens, bos_id):
    """You put a single bos_id beside a whole batch. There has to be one for each sentence, a column
    (batch, 1): tokens.new_full((batch, 1), bos_id)."""
    return torch.cat([torch.tensor([[bos_id]]), tokens[:, :-1]], dim=1)
