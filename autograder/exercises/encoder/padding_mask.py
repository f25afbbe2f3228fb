"""Which tokens are words."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

padding_mask = Exercise("padding_mask", reference=pieces.padding_mask)


def padded_sentences(
    draw: Draw, pad_id: int | None = None, count: int = 3
) -> tuple[torch.Tensor, int]:
    """Sentences of different lengths with padding at their ends, and what it is written as."""
    batch, length = draw.sizes(2, low=count, high=count + 4)
    pad_id = draw.integer(2, 6) if pad_id is None else pad_id
    tokens = draw.tokens(batch, length, low=pad_id + 1, high=pad_id + 20)
    lower = draw.tokens(batch, length, low=0, high=max(pad_id - 1, 0))
    tokens = torch.where((draw.normal(batch, length) > 0) & (lower != pad_id), lower, tokens)
    for row in tokens[1:]:
        row[draw.integer(1, length - 1) :] = pad_id
    return tokens, pad_id


@padding_mask.property("the shape and the type", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """It should be a boolean tensor (batch, 1, 1, length), so that it broadcasts over heads and
    queries."""
    tokens, pad_id = padded_sentences(draw, pad_id=0)
    batch, length = tokens.shape
    found = expect.shape(piece(tokens, pad_id), (batch, 1, 1, length), "The mask")
    name = str(found.dtype).removeprefix("torch.")
    expect.that(found.dtype == torch.bool, f"The mask should be boolean; it is {name}.")


@padding_mask.property("True at the real tokens", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """True means "may attend": True at the real tokens, False at the padding."""
    tokens, pad_id = padded_sentences(draw, pad_id=0)
    found = piece(tokens, pad_id)
    expect.close(found, pieces.padding_mask(tokens, pad_id), "The mask")


@padding_mask.property("any pad_id", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The padding may be written as any number, not only as 0; other tokens may be smaller than
    it."""
    tokens, pad_id = padded_sentences(draw)
    found = piece(tokens, pad_id)
    expect.close(found, pieces.padding_mask(tokens, pad_id), f"With pad_id {pad_id}, the mask")


@padding_mask.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave its inputs as they were."""
    tokens, pad_id = padded_sentences(draw)
    expect.unchanged([tokens.clone()], piece.inputs_after(tokens, pad_id))


@padding_mask.misconception("True at the padding")
def _(tokens, pad_id):
    """Your mask is True at the padding. Here True means "may attend", so it is True at the real
    tokens: !=, not ==. (torch's key_padding_mask is the other way round.)"""
    return (tokens == pad_id)[:, None, None, :]


@padding_mask.misconception("torch's key_padding_mask")
def _(tokens, pad_id):
    """That is torch's key_padding_mask, (batch, length) and True at the padding. Here True means
    "may attend", !=, and two dimensions of size 1 stand in the middle: [:, None, None, :]."""
    return tokens == pad_id


@padding_mask.misconception("no dimensions for heads and queries")
def _(tokens, pad_id):
    """Your mask is (batch, length). Two dimensions of size 1 are missing in the middle, one for the
    heads and one for the queries: [:, None, None, :]."""
    return tokens != pad_id


@padding_mask.misconception("no dimension for the heads")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length). Against scores (batch, heads, queries, keys) it would be
    read as one mask for each head. Another dimension of size 1 is missing: [:, None, None, :]."""
    return (tokens != pad_id)[:, None, :]


@padding_mask.misconception("queries hidden in place of keys")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length, 1): it forbids the padding to look, and lets every word look
    at the padding. The keys are the last dimension."""
    return (tokens != pad_id)[:, None, :, None]


@padding_mask.misconception("the length right behind the batch")
def _(tokens, pad_id):
    """Your mask is (batch, length, 1, 1), so the words stand where the heads belong. The keys are
    the last dimension: [:, None, None, :]."""
    return (tokens != pad_id)[:, :, None, None]


@padding_mask.misconception("pairs of words")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length, length): it hides the padding as a query too. Nobody asks
    what the padding finds, and its empty rows only cost memory. Leave the queries' dimension at
    1."""
    real = tokens != pad_id
    return real[:, None, :, None] & real[:, None, None, :]


@padding_mask.misconception("repeated for each query")
def _(tokens, pad_id):
    """Your mask is (batch, 1, length, length), one and the same row for each query. Broadcasting
    repeats it by itself: leave that dimension at 1."""
    return (tokens != pad_id)[:, None, None, :].repeat(1, 1, tokens.size(1), 1)


@padding_mask.misconception("later words hidden too")
def _(tokens, pad_id):
    """Your mask hides the later words too. That is a causal mask, for a decoder; an encoder's words
    look both ways. (batch, 1, 1, length) is all it takes."""
    length = tokens.size(1)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    return (tokens != pad_id)[:, None, None, :] & causal


@padding_mask.misconception("dimensions in front")
def _(tokens, pad_id):
    """Your mask is (1, 1, batch, length), so the sentences stand where the queries belong. The
    batch comes first: [:, None, None, :]."""
    return (tokens != pad_id)[None, None]


@padding_mask.misconception("dimensions at the end")
def _(tokens, pad_id):
    """Your mask is (batch, length) with other dimensions behind or before it than asked: it should
    be (batch, 1, 1, length)."""
    return (tokens != pad_id).unsqueeze(0).unsqueeze(-1)


@padding_mask.misconception("the first sentence's mask for all")
def _(tokens, pad_id):
    """You make one mask from the first sentence. Each sentence ends somewhere else and needs its
    own row: (batch, 1, 1, length)."""
    return (tokens[0] != pad_id)[None, None, None, :]


@padding_mask.misconception("pad_id ignored")
def _(tokens, pad_id):
    """You compare with 0. The padding may be another number: compare with pad_id."""
    return (tokens != 0)[:, None, None, :]


@padding_mask.misconception("larger than pad_id")
def _(tokens, pad_id):
    """You ask for tokens larger than pad_id. Smaller ones are real too: !=."""
    return (tokens > pad_id)[:, None, None, :]


@padding_mask.misconception("floats")
def _(tokens, pad_id):
    """Your mask holds floats. It should be boolean: leave the comparison as it is, without
    .float()."""
    return (tokens != pad_id)[:, None, None, :].float()


@padding_mask.misconception("whole numbers")
def _(tokens, pad_id):
    """Your mask holds 0 and 1. It should be boolean: leave the comparison as it is. (With whole
    numbers, ~ would mean something else.)"""
    return (tokens != pad_id)[:, None, None, :].long()


@padding_mask.misconception("minus infinity")
def _(tokens, pad_id):
    """Your mask holds 0 and −inf, to be added to the scores. Here a mask is boolean, and your
    attention fills in −inf itself."""
    return torch.zeros(tokens.shape).masked_fill(tokens == pad_id, -math.inf)[:, None, None, :]


@padding_mask.misconception("the tokens themselves")
def _(tokens, pad_id):
    """You return the tokens, in another shape. The mask says of each one whether it is real:
    compare with pad_id."""
    return tokens[:, None, None, :]


@padding_mask.misconception("the real tokens picked out")
def _(tokens, pad_id):
    """You pick the real tokens out, tokens[…]. The comparison itself is the mask: tokens != pad_id,
    with two dimensions of size 1 in its middle."""
    return tokens[tokens != pad_id]


@padding_mask.misconception("nothing hidden")
def _(tokens, pad_id):
    """Your mask is True everywhere, so nothing is hidden. Compare with pad_id: tokens != pad_id."""
    return torch.ones_like(tokens, dtype=torch.bool)[:, None, None, :]


@padding_mask.misconception("an answer for each sentence")
def _(tokens, pad_id):
    """You have one answer for a whole sentence. Each token needs its own: compare, and neither
    any() nor all()."""
    return (tokens != pad_id).all(-1)[:, None, None, None]


@padding_mask.misconception("Python's comparison of lists")
def _(tokens, pad_id):
    """You return a list. Compare the whole tensor at once: tokens != pad_id is a tensor of
    booleans."""
    return [[token != pad_id for token in row] for row in tokens.tolist()]


@padding_mask.misconception("tokens changed in place")
def _(tokens, pad_id):
    """Your call changes the caller's tokens: methods that end in _ and tokens[…] = … work in place.
    tokens != pad_id makes a new tensor."""
    mask = (tokens != pad_id)[:, None, None, :]
    tokens.ne_(pad_id)
    return mask
