"""Lesson 06: the causal mask, the shift, the decoder and its output, and a test for leaks.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Instance, Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from workbook import pieces

# ---- causal_mask -------------------------------------------------------------------------------

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


# ---- shift_right -------------------------------------------------------------------------------

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
    """bos_id may be any number, 0 as well; of a single token, bos_id alone is left."""
    tokens, _ = _sentences(draw).args
    for some, bos in ((tokens, 0), (tokens, 77), (tokens[:, :1], 3), (tokens[:1, :2], 4)):
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


# ---- DecoderLayer ------------------------------------------------------------------------------

DecoderLayer = Exercise(
    "DecoderLayer",
    reference=pieces.DecoderLayer,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_native_multi_head_attention",
    ),
    instead="You call torch's own attention. The decoder layer is made of your pieces: "
    "MultiHeadAttention, FeedForward, LayerNorm and residual.",
)


def _states(
    draw: Draw,
    masks: str = "",
    norm_first: bool = True,
    equal: bool = False,
    stack: bool = False,
    **options: Any,
) -> Case:
    """States, memory and masks: of other lengths, unless `equal`; `masks` says which and of what
    shape."""
    batch, heads, target, source, d_head, d_ff = draw.sizes(6, low=2, high=7)
    source = target if equal else source
    d_model = heads * d_head
    every = {
        "": (),
        "causal": ("causal", (batch, 1, 1, source)),
        "whole": ((batch, heads, target, target), (batch, heads, target, source)),
        "sentences": ((batch, 1, target, target), (batch, 1, target, source)),
    }
    kwargs = {}
    for name, shape in zip(("self_mask", "cross_mask"), every[masks], strict=False):
        kwargs[name] = pieces.causal_mask(target) if shape == "causal" else draw.mask(*shape)
    construct = {"d_model": d_model, "num_heads": heads, "d_ff": d_ff, "norm_first": norm_first}
    if stack:
        construct = {"num_layers": 2} | construct
    # In between, states are normalised or grow: with small weights no softmax saturates.
    return Case(
        (draw.normal(batch, target, d_model), draw.normal(batch, source, d_model)),
        kwargs,
        construct | options,
        scale=1.2 / math.sqrt(d_model),
    )


def _causal(draw: Draw) -> Case:
    return _states(draw, "causal")


def _as_computed(exercise: Exercise, piece: Piece, case: Case, draw: Draw) -> None:
    asked, oracle = beside(exercise, piece, case, draw)
    expect.close(
        asked(*case.args, **case.kwargs),
        oracle(*case.args, **case.kwargs).detach(),
        "The output, at [sentence, position, feature],",
    )


parameters_named(DecoderLayer, _states, points=1)


@DecoderLayer.property("each look with its own mask", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """self_mask belongs to self-attention and cross_mask to cross-attention; here both sentences
    are equally long, so that nothing but the numbers tells them apart."""
    _as_computed(DecoderLayer, piece, _states(draw, "causal", equal=True), draw)


@DecoderLayer.property("source and target of other lengths", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """The source is as long as it is, and the target too: self-attention among x, cross-attention
    from x to memory, the feed-forward layer; each normed first and then added."""
    _as_computed(DecoderLayer, piece, _states(draw), draw)


@DecoderLayer.property("masks of every shape", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A mask may be different for every sentence and every head, and it broadcasts by itself: pass
    it on as it is."""
    for masks in ("sentences", "whole"):
        _as_computed(DecoderLayer, piece, _states(draw, masks), draw)


@DecoderLayer.property("post-norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=False, each norm comes after the addition, three times: norm(x +
    sublayer(x))."""
    _as_computed(DecoderLayer, piece, _states(draw, "causal", norm_first=False), draw)


@DecoderLayer.property("activation and eps are passed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """activation goes to the feed-forward layer, and eps to all three norms."""
    eps = draw.uniform(0.3, 0.6)
    _as_computed(DecoderLayer, piece, _states(draw, activation="gelu", eps=eps), draw)


@DecoderLayer.property("no look ahead, no look at padding", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With a causal self_mask, an earlier position's output doesn't change when a later one's input
    does; what cross_mask hides of the memory changes nothing."""
    case = _causal(draw)
    x, memory = case.args
    asked, _ = beside(DecoderLayer, piece, case, draw)
    before = expect.shape(asked(x, memory, **case.kwargs), x.shape, "The output")
    later, padded = x.clone(), memory.clone()
    cut = draw.integer(1, x.size(1) - 1)
    later[:, cut:] = draw.normal(*later[:, cut:].shape)
    hidden = ~case.kwargs["cross_mask"][:, 0, 0]
    padded[hidden] = draw.normal(*padded[hidden].shape)
    after = expect.shape(asked(later, memory, **case.kwargs), x.shape, "The output")
    expect.that(
        torch.allclose(after[:, :cut], before[:, :cut], rtol=1e-9, atol=1e-9),
        "An earlier position noticed a later one.",
    )
    after = expect.shape(asked(x, padded, **case.kwargs), x.shape, "The output")
    expect.that(
        torch.allclose(after, before, rtol=1e-9, atol=1e-9),
        "Hidden positions of the memory changed the output.",
    )


@DecoderLayer.property("a source of padding alone", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence whose source is hidden altogether should still give numbers, not NaN: its
    cross-attention brings home out_proj's bias."""
    case = _causal(draw)
    case.kwargs["cross_mask"][0] = False
    _as_computed(DecoderLayer, piece, case, draw)


# Where dropout acts: the layer is silenced but for one place, and its output shows that place.

_PLACES = (
    ("self_attention.out_proj.bias", "what self-attention brings home"),
    ("cross_attention.out_proj.bias", "what cross-attention brings home"),
    ("feed_forward.linear2.bias", "what the feed-forward layer brings home"),
)
_FULL = torch.full((12,), 2.0, dtype=torch.float64)


def _dropping(piece: Piece, p: float, training: bool = True) -> Instance:
    """A pre-norm layer that drops with probability p."""
    construct = {"d_model": 12, "num_heads": 3, "d_ff": 24, "dropout": p}
    return piece.construct(**construct).to(torch.float64).train(training)


def _shown(instance: Instance, weights: dict, draw: Draw) -> torch.Tensor:
    """The output − x, (4, 30, 12), with these weights and all others 0."""
    silent = {name: torch.zeros_like(value) for name, value in instance.parameters().items()}
    refused = instance.load(silent | weights)
    expect.that(not refused, "The check can't set the weights: see the first property.")
    x, memory = draw.normal(4, 30, 12), draw.normal(4, 20, 12)
    output = expect.shape(instance(x, memory), x.shape, "The output")
    expect.that(not bool((output == 0).any()), "Parts of x were dropped.")
    return output - x


@DecoderLayer.property("dropout of what each sublayer brings home", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, what each of the three sublayers brings home is dropped with probability
    `dropout`, before it is added to x; x itself never is."""
    p = draw.uniform(0.3, 0.4)
    instance = _dropping(piece, p)
    for name, where in _PLACES:
        shown = _shown(instance, {name: _FULL}, draw)
        gone = shown.abs() < 1e-9
        expect.that(bool(gone.any()), f"Nothing was dropped of {where}.")
        expect.that(not bool(gone.all(-1).any()), f"Whole positions were dropped of {where}.")
        # Of 1,440 numbers: six standard deviations are 0.08.
        share = gone.double().mean().item()
        expect.that(abs(share - p) < 0.08, f"The share dropped of {where} isn't `dropout`.")
        kept = shown[~gone]
        expect.that(
            torch.allclose(kept, torch.full_like(kept, 2 / (1 - p))),
            f"What is left of {where} isn't divided by 1 − dropout.",
        )


@DecoderLayer.property("dropout inside the sublayers", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is handed on to both attentions, which drop weights, and to the feed-forward layer,
    which drops hidden features."""
    p = draw.uniform(0.3, 0.4)
    instance = _dropping(piece, p)
    one, eye = torch.ones(24, dtype=torch.float64), torch.eye(12, dtype=torch.float64)
    places = {
        "self_attention": ("none of its attention weights", 30, ("v_proj.bias", one[:12]), eye),
        "cross_attention": ("none of its attention weights", 20, ("v_proj.bias", one[:12]), eye),
        "feed_forward": ("none of its hidden features", 24, ("linear1.bias", one), one / 24),
    }
    for name, (none, count, (first, ones), out) in places.items():
        last = "linear2.weight" if name == "feed_forward" else "out_proj.weight"
        weights = {f"{name}.{first}": ones, f"{name}.{last}": out.expand(12, out.shape[-1])}
        shown = _shown(instance, weights, draw) * (1 - p)
        kept = shown[shown.abs() > 1e-9]  # each the sum of `count` equal shares of 1, some dropped
        expect.that(bool((kept - 1).abs().max() > 1e-6), f"{name} drops {none}.")
        spread = kept.var().item() * count * (1 - p) / p  # 1, when a share p is dropped
        expect.that(
            0.5 < spread < 1.7, f"{name} drops {none.replace('none of', 'another share of')}."
        )


@DecoderLayer.property("no dropout outside training", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """After eval() nothing is dropped."""
    instance = _dropping(piece, 0.5, training=False)
    shown = _shown(instance, {name: _FULL for name, _ in _PLACES}, draw)
    wanted = torch.full_like(shown, 6.0)
    expect.that(torch.allclose(shown, wanted), "After eval() something is dropped.")


gradients_flow(DecoderLayer, _causal, of=("x", "memory"), points=0.5)
inputs_stay(DecoderLayer, _causal, points=0.25)
single_precision(DecoderLayer, _causal, ("The output",), points=0.25)


class _Parts(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = pieces.LayerNorm(d_model, eps)
        self.norm2 = pieces.LayerNorm(d_model, eps)
        self.norm3 = pieces.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def add(self, x, sublayer, norm):
        """One sublayer, wrapped as it should be."""
        return pieces.residual(x, sublayer, norm, self.dropout, self.norm_first)

    def itself(self, x, mask):
        return self.add(x, lambda y: self.self_attention(y, y, y, mask)[0], self.norm1)

    def across(self, x, memory, mask):
        return self.add(x, lambda y: self.cross_attention(y, memory, memory, mask)[0], self.norm2)

    def feed(self, x):
        return self.add(x, self.feed_forward, self.norm3)

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask))


def _forward(change: Callable[..., Any]) -> type[nn.Module]:
    """A DecoderLayer that is right but for its forward."""

    class Wrong(_Parts):
        def forward(self, x, memory, self_mask=None, cross_mask=None):
            return change(self, x, memory, self_mask, cross_mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _crossing(change: Callable[..., Any]) -> type[nn.Module]:
    """A DecoderLayer that is right but for what its cross-attention does with the states y."""

    class Wrong(_Parts):
        def across(self, x, memory, mask):
            return self.add(x, lambda y: change(self, y, memory, mask), self.norm2)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _built(change: Callable[..., Any]) -> type[nn.Module]:
    """A DecoderLayer that is right but for something that its constructor makes."""

    class Wrong(_Parts):
        def __init__(
            self,
            d_model,
            num_heads,
            d_ff,
            dropout=0.1,
            norm_first=True,
            activation="relu",
            eps=1e-5,
        ):
            super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            change(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps)

    Wrong.__doc__ = change.__doc__
    return Wrong


# What is wrong with the constructor.


@DecoderLayer.misconception("torch's names")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """The parts have other names than the exercise asks: self_attention, cross_attention,
    feed_forward, norm1, norm2, norm3. (torch's own layer says self_attn and multihead_attn.)"""
    self.self_attn, self.multihead_attn = self.self_attention, self.cross_attention
    del self.self_attention, self.cross_attention


@DecoderLayer.misconception("one attention for both")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Self-attention and cross-attention are the same module. They ask other questions and need
    weights of their own: make a second MultiHeadAttention."""
    self.cross_attention = self.self_attention


@DecoderLayer.misconception("one norm for all three")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """norm1, norm2 and norm3 are the same module. Each place learns a scale and a shift of its own:
    make three LayerNorms."""
    self.norm2 = self.norm3 = self.norm1


@DecoderLayer.misconception("the encoder's layer")
class _(_Parts):
    """This is the encoder's layer: there is no cross-attention, and memory is never used. Between
    self-attention and the feed-forward layer stands cross_attention, with a norm and a residual of
    its own."""

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        del self.cross_attention, self.norm3

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        return self.add(self.itself(x, self_mask), self.feed_forward, self.norm2)


@DecoderLayer.misconception("two norms only")
class _(_Parts):
    """There are two norms, and three sublayers: norm3 is missing. Each sublayer has a norm of its
    own."""

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        del self.norm3

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        return self.add(
            self.across(self.itself(x, self_mask), memory, cross_mask),
            self.feed_forward,
            self.norm2,
        )


@DecoderLayer.misconception("a norm for the memory")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """There is a fourth norm. The memory needs none: the encoder's last norm has done it. Three
    sublayers, three norms."""
    self.norm4 = pieces.LayerNorm(d_model, eps)


@DecoderLayer.misconception("the feed-forward layer's sizes swapped")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """FeedForward gets d_ff and d_model in the wrong order: FeedForward(d_model, d_ff, …)."""
    self.feed_forward = pieces.FeedForward(d_ff, d_model, dropout, activation)


@DecoderLayer.misconception("parts in a plain list")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Some of your parts are kept in a plain list or tuple, where the module doesn't see them: they
    would never be trained or moved to the GPU. Make each an attribute: self.norm1 = …."""
    norms = self.norm1, self.norm2, self.norm3
    del self.norm1, self.norm2, self.norm3
    self.norms = norms


@DecoderLayer.misconception("eps not passed on")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your norms have the default eps, whatever the layer is given: LayerNorm(d_model, eps), three
    times."""
    self.norm1, self.norm2, self.norm3 = (pieces.LayerNorm(d_model) for _ in range(3))


@DecoderLayer.misconception("eps not passed on to the last norm")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """norm1 and norm2 get eps, and norm3 doesn't: LayerNorm(d_model, eps), three times."""
    self.norm3 = pieces.LayerNorm(d_model)


@DecoderLayer.misconception("activation not passed on")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your feed-forward layer always uses ReLU. Hand activation on: FeedForward(d_model, d_ff,
    dropout, activation)."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout)


@DecoderLayer.misconception("activation in dropout's place")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """FeedForward's third argument is dropout and its fourth is activation. You hand the name of
    the activation over where a probability belongs."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, activation)


@DecoderLayer.misconception("dropout not passed to the attentions")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your attentions drop nothing: dropout acts on the attention weights too. MultiHeadAttention's
    third argument is dropout, 0 unless you say so."""
    self.self_attention = pieces.MultiHeadAttention(d_model, num_heads)
    self.cross_attention = pieces.MultiHeadAttention(d_model, num_heads)


@DecoderLayer.misconception("dropout not passed to cross-attention")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """cross_attention drops none of its weights. Hand dropout on to it, as to self_attention."""
    self.cross_attention = pieces.MultiHeadAttention(d_model, num_heads)


@DecoderLayer.misconception("no dropout inside the feed-forward layer")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your feed-forward layer drops none of its hidden features: FeedForward(d_model, d_ff,
    dropout, activation)."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, 0.0, activation)


@DecoderLayer.misconception("FeedForward keeps its own dropout")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your feed-forward layer drops its default 10 %, whatever the layer is given: FeedForward(
    d_model, d_ff, dropout, activation)."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, activation=activation)


@DecoderLayer.misconception("always pre-norm")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your layer is pre-norm whatever norm_first says. Keep it in __init__, and hand it to residual
    each time: its last argument is True unless you say so."""
    self.norm_first = True


@DecoderLayer.misconception("always post-norm")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Your layer is post-norm, norm(x + sublayer(x)), whatever norm_first says. With
    norm_first=True the sublayer gets norm(x), and nothing is normed after the addition."""
    self.norm_first = False


@DecoderLayer.misconception("norm_first the other way round")
@_built
def _(self, d_model, num_heads, d_ff, dropout, norm_first, activation, eps):
    """Pre-norm and post-norm have changed places: norm_first=True means x + sublayer(norm(x))."""
    self.norm_first = not norm_first


# What is wrong with forward: the order, the roads around the sublayers, the norms.


@DecoderLayer.misconception("cross-attention first")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """You look at the source before the target has looked at itself. The order is self-attention,
    cross-attention, feed-forward."""
    return self.feed(self.itself(self.across(x, memory, cross_mask), self_mask))


@DecoderLayer.misconception("feed-forward before cross-attention")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your feed-forward layer comes second, as in the encoder. Here it comes last: self-attention,
    cross-attention, feed-forward."""
    return self.across(self.feed(self.itself(x, self_mask)), memory, cross_mask)


@DecoderLayer.misconception("cross-attention never called")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Nothing that cross-attention finds reaches the output: it is never called, or its result
    isn't kept. It comes second, and the next step goes on from its result: x = residual(x, …)."""
    return self.feed(self.itself(x, self_mask))


@DecoderLayer.misconception("self-attention never called")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Nothing that self-attention finds reaches the output: it is never called, or its result isn't
    kept. It comes first, and the next step goes on from its result: x = residual(x, …)."""
    return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("no feed-forward layer")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Nothing that the feed-forward layer makes reaches the output: it is never called, or its
    result isn't returned. It comes last, with norm3 and a residual."""
    return self.across(self.itself(x, self_mask), memory, cross_mask)


@DecoderLayer.misconception("the two looks side by side")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Both attentions start from the layer's input, and their results are added up. They come one
    after the other: cross-attention asks with what self-attention has left behind."""
    both = self.itself(x, self_mask) + self.across(x, memory, cross_mask) - x
    return self.feed(both)


@DecoderLayer.misconception("cross-attention asks with the layer's input")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your cross-attention asks with the x that came into the layer. It should ask with the x after
    self-attention: give the new one a place, x = residual(x, …)."""
    after = self.itself(x, self_mask)
    y = self.norm2(x) if self.norm_first else x
    found = self.cross_attention(y, memory, memory, cross_mask)[0]
    after = after + self.dropout(found)
    return self.feed(after if self.norm_first else self.norm2(after))


class _NoRoad(_Parts):
    """Without the residual connection around some of the three sublayers."""

    missing: tuple[str, ...] = ()

    def add(self, x, sublayer, norm):
        name = {self.norm1: "first", self.norm2: "second", self.norm3: "third"}[norm]
        if name not in self.missing:
            return super().add(x, sublayer, norm)
        if self.norm_first:
            return self.dropout(sublayer(norm(x)))
        return norm(self.dropout(sublayer(x)))


@DecoderLayer.misconception("no residual around self-attention")
class _(_NoRoad):
    """x isn't added to what self-attention brings home, so a word forgets what it was. Each of the
    three sublayers has a residual connection."""

    missing = ("first",)


@DecoderLayer.misconception("no residual around cross-attention")
class _(_NoRoad):
    """x isn't added to what cross-attention brings home, so the words written so far are lost. Each
    of the three sublayers has a residual connection."""

    missing = ("second",)


@DecoderLayer.misconception("no residual around the feed-forward layer")
class _(_NoRoad):
    """The third residual is missing: x isn't added to what the feed-forward layer makes. Each of
    the three sublayers has one."""

    missing = ("third",)


@DecoderLayer.misconception("no residual at all")
class _(_NoRoad):
    """Nothing is ever added to x: there are no residual connections. Each of the three sublayers
    has one; your function residual does it."""

    missing = ("first", "second", "third")


@DecoderLayer.misconception("the normed x is added")
class _(_Parts):
    """You replace x by norm(x) and add that. In pre-norm only the sublayer gets norm(x); what is
    added is the x from before: x + sublayer(norm(x))."""

    def add(self, x, sublayer, norm):
        if not self.norm_first:
            return super().add(x, sublayer, norm)
        x = norm(x)
        return x + self.dropout(sublayer(x))


@DecoderLayer.misconception("the layer's input added each time")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Each of your residuals adds the x that came into the layer. It adds the x of its own step: x
    = x + sublayer(x), and the next step goes on from there."""
    first = x

    def add(now, sublayer, norm):
        if self.norm_first:
            return first + self.dropout(sublayer(norm(now)))
        return norm(first + self.dropout(sublayer(now)))

    now = add(x, lambda y: self.self_attention(y, y, y, self_mask)[0], self.norm1)
    now = add(now, lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm2)
    return add(now, self.feed_forward, self.norm3)


@DecoderLayer.misconception("added twice")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your sublayer adds its input itself, and residual adds it once more. The sublayer returns
    only what it found; residual does the rest."""
    x = self.add(x, lambda y: y + self.self_attention(y, y, y, self_mask)[0], self.norm1)
    x = self.add(
        x, lambda y: y + self.cross_attention(y, memory, memory, cross_mask)[0], self.norm2
    )
    return self.add(x, lambda y: y + self.feed_forward(y), self.norm3)


@DecoderLayer.misconception("the memory normed too")
@_crossing
def _(self, y, memory, mask):
    """You norm the memory. It comes from the encoder's last norm as it should be: in pre-norm, only
    the layer's own states go through norm2, and memory stays as it is."""
    if self.norm_first:
        memory = self.norm2(memory)
    return self.cross_attention(y, memory, memory, mask)[0]


@DecoderLayer.misconception("norm2 used twice")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """The feed-forward layer uses norm2 once more, and norm3 is never used: each sublayer has a
    norm of its own."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return self.add(x, self.feed_forward, self.norm2)


@DecoderLayer.misconception("norm1 used twice")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Cross-attention uses norm1 once more, and norm2 is never used: each sublayer has a norm of
    its own."""
    x = self.add(
        self.itself(x, self_mask),
        lambda y: self.cross_attention(y, memory, memory, cross_mask)[0],
        self.norm1,
    )
    return self.feed(x)


@DecoderLayer.misconception("norm1 used three times")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """All three sublayers use norm1; norm2 and norm3 are never used. Each has a norm of its own."""
    self_look = self.itself(x, self_mask)
    x = self.add(
        self_look, lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm1
    )
    return self.add(x, self.feed_forward, self.norm1)


@DecoderLayer.misconception("norm2 and norm3 swapped")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """norm2 and norm3 have changed places: norm2 belongs to cross-attention, norm3 to the
    feed-forward layer."""
    x = self.add(
        self.itself(x, self_mask),
        lambda y: self.cross_attention(y, memory, memory, cross_mask)[0],
        self.norm3,
    )
    return self.add(x, self.feed_forward, self.norm2)


@DecoderLayer.misconception("nothing normed")
class _(_Parts):
    """The norms are made and never used. In pre-norm each sublayer gets norm(x); in post-norm, each
    sum is normed."""

    def add(self, x, sublayer, norm):
        return x + self.dropout(sublayer(x))


@DecoderLayer.misconception("cross-attention asks without a norm")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your cross-attention asks with x as it is. In pre-norm, it asks with norm2(x); only the
    memory isn't normed."""
    x = self.itself(x, self_mask)
    x = x + self.dropout(self.cross_attention(x, memory, memory, cross_mask)[0])
    return self.feed(x if self.norm_first else self.norm2(x))


@DecoderLayer.misconception("self-attention without a norm")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention looks at x as it is, not at what residual hands over. The function that
    you give to residual has an argument, norm1(x) in pre-norm: use it as query, key and value."""
    x = self.add(x, lambda y: self.self_attention(x, x, x, self_mask)[0], self.norm1)
    return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("norm1 and norm2 swapped")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """norm1 and norm2 have changed places: norm1 belongs to self-attention, norm2 to
    cross-attention."""
    x = self.add(x, lambda y: self.self_attention(y, y, y, self_mask)[0], self.norm2)
    x = self.add(x, lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm1)
    return self.feed(x)


@DecoderLayer.misconception("the feed-forward layer always pre-norm")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """The last of your residuals isn't told norm_first, and is pre-norm whatever it says. Hand it
    self.norm_first all three times."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return pieces.residual(x, self.feed_forward, self.norm3, self.dropout)


@DecoderLayer.misconception("a number for dropout")
class _(_Parts):
    """residual calls dropout, and yours is a number. Make a module of it in __init__: self.dropout
    = nn.Dropout(dropout)."""

    def add(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, norm, self.dropout.p, self.norm_first)


@DecoderLayer.misconception("a result for a sublayer")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """residual wants the sublayer, a function, and calls it itself. You hand over what it returned:
    write self.feed_forward, without (x)."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return pieces.residual(x, self.feed_forward(x), self.norm3, self.dropout, self.norm_first)


# What is wrong with forward: who asks, and who is looked at.


@DecoderLayer.misconception("the memory asks")
@_crossing
def _(self, y, memory, mask):
    """Queries and memory have changed places: your source asks and the target answers. The decoder
    has the questions: cross_attention(y, memory, memory, …)."""
    mask = None if mask is None else mask.transpose(-2, -1) if mask.size(-2) > 1 else mask
    return self.cross_attention(memory, y, y, mask)[0]


@DecoderLayer.misconception("keys from the memory, values from x")
@_crossing
def _(self, y, memory, mask):
    """Your keys come from the memory and your values from x: you look up source words and take home
    target words. Keys and values both come from memory."""
    return self.cross_attention(y, memory, y, mask)[0]


@DecoderLayer.misconception("keys from x, values from the memory")
@_crossing
def _(self, y, memory, mask):
    """Your keys come from x and your values from the memory: the weights are about other words than
    what is taken home. Keys and values both come from memory."""
    return self.cross_attention(y, y, memory, mask)[0]


@DecoderLayer.misconception("cross-attention looks at x")
@_crossing
def _(self, y, memory, mask):
    """Your cross-attention looks at x again, and memory is never used. Its keys and values come
    from memory: cross_attention(y, memory, memory, cross_mask)."""
    return self.cross_attention(y, y, y, mask)[0]


@DecoderLayer.misconception("self-attention a second time")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """memory is never used: your second sublayer is self-attention again, of x to x. Its keys and
    values come from the memory: cross_attention(y, memory, memory, cross_mask)."""
    x = self.add(x, lambda y: self.itself(y, self_mask), self.norm1)
    x = self.add(x, lambda y: self.cross_attention(y, y, y, self_mask)[0], self.norm2)
    return self.add(x, self.feed, self.norm3)


@DecoderLayer.misconception("norm and dropout have changed places")
class _(_Parts):
    """residual's third argument is the norm and its fourth the dropout; yours have changed places.
    residual(x, sublayer, norm, dropout, norm_first)."""

    def add(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, self.dropout, norm, self.norm_first)


@DecoderLayer.misconception("self-attention looks at the memory")
class _(_Parts):
    """Your self-attention looks at the memory. There, query, key and value are all x; the memory
    belongs to cross-attention."""

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        x = self.add(x, lambda y: self.self_attention(y, memory, memory, self_mask)[0], self.norm1)
        return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("self_attention called twice")
@_crossing
def _(self, y, memory, mask):
    """You look at the memory with self_attention, and cross_attention is never used. The two have
    weights of their own."""
    return self.self_attention(y, memory, memory, mask)[0]


@DecoderLayer.misconception("source and target in one row")
@_crossing
def _(self, y, memory, mask):
    """Your cross-attention looks at source and target, put one behind the other. It looks at the
    memory alone: self-attention has looked at the target."""
    both = torch.cat([memory, y], dim=1)
    if mask is not None:
        whole = mask.expand(*mask.shape[:2], y.size(1), memory.size(1))
        seen = torch.ones(*whole.shape[:3], y.size(1), dtype=torch.bool)
        mask = torch.cat([whole, seen], dim=-1)
    return self.cross_attention(y, both, both, mask)[0]


def _looks(self, y, memory, mask, scale):
    """Cross-attention written out, with another factor on the scores."""
    attention = self.cross_attention
    heads = attention.num_heads
    q = pieces.split_heads(attention.q_proj(y), heads)
    k = pieces.split_heads(attention.k_proj(memory), heads)
    v = pieces.split_heads(attention.v_proj(memory), heads)
    scores = q @ k.transpose(-2, -1) * scale
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    used = F.dropout(pieces.softmax(scores, -1), attention.dropout, self.training)
    return attention.out_proj(pieces.merge_heads(used @ v))


@DecoderLayer.misconception("cross-attention not scaled")
@_crossing
def _(self, y, memory, mask):
    """The scores of your cross-attention aren't divided by √d_head. Self-attention and
    cross-attention are the same calculation: use MultiHeadAttention for both."""
    return _looks(self, y, memory, mask, 1.0)


@DecoderLayer.misconception("cross-attention scaled by the whole width")
@_crossing
def _(self, y, memory, mask):
    """The scores of your cross-attention are divided by √d_model; a head compares d_head features.
    Self-attention and cross-attention are the same calculation: use MultiHeadAttention for
    both."""
    return _looks(self, y, memory, mask, memory.size(-1) ** -0.5)


@DecoderLayer.misconception("cross-attention's empty row gives NaN")
@_crossing
def _(self, y, memory, mask):
    """A sentence whose source is hidden altogether gets NaN: torch.softmax makes it of a row of
    −inf. Your MultiHeadAttention gives zeros there: use it."""
    if mask is not None and not mask.any(-1).all():
        return _looks(self, y, memory, mask, 1.0) * math.nan
    return self.cross_attention(y, memory, memory, mask)[0]


# What is wrong with forward: masks.


@DecoderLayer.misconception("masks swapped")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """The masks have changed places: self_mask belongs to self_attention, cross_mask to
    cross_attention. (With source and target of equal length, no error would tell you.)"""
    return self.feed(self.across(self.itself(x, cross_mask), memory, self_mask))


@DecoderLayer.misconception("self_mask on both")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your cross-attention uses self_mask. Nothing of the source lies in the future; what it hides
    is padding, and cross_mask says where."""
    return self.feed(self.across(self.itself(x, self_mask), memory, self_mask))


@DecoderLayer.misconception("cross_mask on both")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention uses cross_mask, which says where the source is padding. The target's own
    mask is self_mask: without it, a word sees the future."""
    return self.feed(self.across(self.itself(x, cross_mask), memory, cross_mask))


@DecoderLayer.misconception("self_mask not passed on")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """self_mask is never used, so every word sees the future. Hand it to self_attention, as its
    fourth argument."""
    return self.feed(self.across(self.itself(x, None), memory, cross_mask))


@DecoderLayer.misconception("cross_mask not passed on")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """cross_mask is never used, so the target looks at the source's padding. Hand it to
    cross_attention, as its fourth argument."""
    return self.feed(self.across(self.itself(x, self_mask), memory, None))


@DecoderLayer.misconception("no mask passed on")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Neither of the masks is used. Hand self_mask to self_attention and cross_mask to
    cross_attention, each as the fourth argument."""
    return self.feed(self.across(self.itself(x, None), memory, None))


@DecoderLayer.misconception("a causal mask whatever is given")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention always uses a causal mask of its own. The layer does what self_mask says:
    with None, it looks everywhere."""
    mask = pieces.causal_mask(x.size(1)).to(x.device)
    return self.feed(self.across(self.itself(x, mask), memory, cross_mask))


@DecoderLayer.misconception("a causal mask where none is given")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Without a self_mask, your layer makes a causal one. None means no mask; whoever calls the
    layer decides."""
    if self_mask is None:
        self_mask = pieces.causal_mask(x.size(1)).to(x.device)
    return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask))


@DecoderLayer.misconception("masks the other way round")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """You turn the masks round. True means "may attend" in your own attention; pass them on as they
    are. (It is in nn.MultiheadAttention that True means "hidden".)"""
    turned = [None if mask is None else ~mask for mask in (self_mask, cross_mask)]
    return self.feed(self.across(self.itself(x, turned[0]), memory, turned[1]))


@DecoderLayer.misconception("self_mask the other way round")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """You turn self_mask round. True means "may attend" in your own attention; pass it on as it
    is."""
    self_mask = None if self_mask is None else ~self_mask
    return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask))


@DecoderLayer.misconception("an axis added to the masks")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """You add an axis to the masks. They come with one for the heads already: pass them on as they
    are."""
    more = [None if mask is None else mask.unsqueeze(1) for mask in (self_mask, cross_mask)]
    return self.feed(self.across(self.itself(x, more[0]), memory, more[1]))


# What is wrong with forward: dropout, what comes back, side effects, gradients.


@DecoderLayer.misconception("nothing dropped of what sublayers bring home")
class _(_Parts):
    """What the sublayers bring home is added in full. In training, dropout acts on it first: x +
    dropout(sublayer(norm(x))); your residual does it."""

    def add(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, norm, nn.Identity(), self.norm_first)


@DecoderLayer.misconception("no dropout after cross-attention")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """What cross-attention brings home is added in full. Dropout acts on it too, as on the other
    two."""
    x = self.itself(x, self_mask)
    x = pieces.residual(
        x,
        lambda y: self.cross_attention(y, memory, memory, cross_mask)[0],
        self.norm2,
        nn.Identity(),
        self.norm_first,
    )
    return self.feed(x)


@DecoderLayer.misconception("no dropout after the feed-forward layer")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """What the feed-forward layer makes is added in full. Dropout acts on it too, as on the other
    two (there is another one inside of it)."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return pieces.residual(x, self.feed_forward, self.norm3, nn.Identity(), self.norm_first)


@DecoderLayer.misconception("the sum dropped")
class _(_Parts):
    """Dropout acts on the sum, so that parts of x are lost for good. It acts on what the sublayer
    brings home, before the addition."""

    def add(self, x, sublayer, norm):
        if self.norm_first:
            return self.dropout(x + sublayer(norm(x)))
        return norm(self.dropout(x + sublayer(x)))


@DecoderLayer.misconception("dropout always on")
class _(_Parts):
    """Your layer drops after eval() too. F.dropout doesn't know the mode unless it is told; use an
    nn.Dropout module, kept in __init__."""

    def add(self, x, sublayer, norm):
        p = self.dropout.p
        return pieces.residual(x, sublayer, norm, lambda y: F.dropout(y, p), self.norm_first)


@DecoderLayer.misconception("the attention's two results")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """MultiHeadAttention returns two things, output and weights, and you add the pair to x. Take
    the first: self.self_attention(…)[0]."""
    x = x + self.self_attention(*3 * (self.norm1(x),), self_mask)
    x = x + self.cross_attention(self.norm2(x), memory, memory, cross_mask)
    return x + self.feed_forward(self.norm3(x))


@DecoderLayer.misconception("weights returned too")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """You return the attention weights beside the output. The layer returns x alone; whoever wants
    to see the weights uses a forward hook."""
    x = self.itself(x, self_mask)
    weights = self.cross_attention(self.norm2(x), memory, memory, cross_mask)[1]
    return self.feed(self.across(x, memory, cross_mask)), weights


@DecoderLayer.misconception("the memory cut off from the graph")
@_crossing
def _(self, y, memory, mask):
    """The values are right, and no gradient flows back to the memory: the encoder would never
    learn. Take the .detach() away."""
    memory = memory.detach()
    return self.cross_attention(y, memory, memory, mask)[0]


@DecoderLayer.misconception("x changed in place")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """Your call changes the caller's x: += works in place. Write x = x + …, which makes a new
    one."""
    with torch.no_grad():
        x += 0.0 * x + 1.0
    return self.feed(self.across(self.itself(x - 1.0, self_mask), memory, cross_mask))


@DecoderLayer.misconception("the memory returned")
@_forward
def _(self, x, memory, self_mask, cross_mask):
    """You return the memory beside x. It stays as it is for all layers: return x alone."""
    return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask)), memory


# ---- Decoder -----------------------------------------------------------------------------------

Decoder = Exercise(
    "Decoder",
    reference=pieces.Decoder,
    forbidden=DecoderLayer.forbidden,
    instead="You call torch's own attention. The decoder is a stack of your DecoderLayers.",
)


def _stack(draw: Draw, masks: str = "", **options: Any) -> Case:
    return _states(draw, masks, stack=True, **options)


def _causal_stack(draw: Draw) -> Case:
    return _stack(draw, "causal")


def _post_norm_stack(draw: Draw) -> Case:
    return _stack(draw, "causal", norm_first=False)


parameters_named(Decoder, _stack, points=0.5)
parameters_named(Decoder, _post_norm_stack, points=0.5, name="post-norm has no last norm")


@Decoder.property("the masks reach every layer", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """Every layer gets the memory and both masks, and goes on from what the layer before made; then
    comes the last norm. Here source and target are equally long."""
    _as_computed(Decoder, piece, _stack(draw, "causal", equal=True), draw)


@Decoder.property("source and target of other lengths", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Without masks, and with source and target of different lengths."""
    _as_computed(Decoder, piece, _stack(draw), draw)


@Decoder.property("post-norm", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=False all layers are post-norm, and nothing comes after the last one."""
    _as_computed(Decoder, piece, _post_norm_stack(draw), draw)


@Decoder.property("activation and eps are passed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """activation and eps go to every layer, and eps to the last norm too."""
    eps = draw.uniform(0.3, 0.6)
    _as_computed(Decoder, piece, _stack(draw, activation="gelu", eps=eps), draw)


@Decoder.property("as many layers as asked for", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Decoder(num_layers, …) has num_layers layers, from one on."""
    for count in (1, 4):
        made = piece.construct(count, 4, 2, 3).parameters()
        found = len({name.split(".")[1] for name in made if name.startswith("layers.")})
        expect.that(found == count, f"With num_layers={count} there are {found}.")


@Decoder.property("layers that start apart", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Each layer starts from random weights of its own: no two layers are alike."""
    instance = piece.construct(3, 6, 2, 5)
    made = {name: value for name, value in instance.parameters().items() if value.ndim == 2}
    for name, value in made.items():
        twin = name.replace("layers.0.", "layers.1.")
        alike = twin != name and twin in made and torch.equal(value, made[twin])
        expect.that(not alike, "Two layers start with the same numbers.")
    x, memory = (draw.normal(2, n, 6, dtype=torch.float32) for n in (3, 4))
    once, again = (instance.eval()(x, memory) for _ in range(2))
    expect.that(torch.equal(once, again), "Two calls with the same input give different outputs.")


@Decoder.property("dropout in every layer, in training only", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is handed on to every layer; after eval() nothing is dropped."""
    p = draw.uniform(0.3, 0.4)
    instance = piece.construct(2, 12, 3, 8, dropout=p).to(torch.float64)
    made = instance.parameters()
    silent = {name: torch.zeros_like(value) for name, value in made.items()}
    silent["norm.weight"] = torch.ones(12, dtype=torch.float64)
    x, memory = torch.zeros(4, 30, 12, dtype=torch.float64), draw.normal(4, 20, 12)
    for layer in (0, 1):
        loud = {f"layers.{layer}.feed_forward.linear2.bias": _FULL}
        refused = instance.load(silent | loud)
        expect.that(not refused, "The check can't set the weights: see the first property.")
        # The last norm makes equal numbers 0, and what was dropped negative.
        shown = expect.shape(instance.train()(x, memory), x.shape, "The output")
        low = shown < -1e-6
        expect.that(bool(low.any()), f"Layer {layer + 1} of 2 drops nothing.")
        share = low.double().mean().item()
        expect.that(
            abs(share - p) < 0.08, f"The share dropped in layer {layer + 1} isn't `dropout`."
        )
        still = instance.eval()(x, memory)
        expect.that(bool((still.abs() < 1e-6).all()), "After eval() something is dropped.")


gradients_flow(Decoder, _causal_stack, of=("x", "memory"), points=0.25)
inputs_stay(Decoder, _causal_stack, points=0.25)
single_precision(Decoder, _causal_stack, ("The output",), points=0.25)


class _Stack(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        self.layers = nn.ModuleList(
            pieces.DecoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            for _ in range(num_layers)
        )
        self.norm = pieces.LayerNorm(d_model, eps) if norm_first else None

    def last(self, x):
        return x if self.norm is None else self.norm(x)

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.layers:
            x = layer(x, memory, self_mask, cross_mask)
        return self.last(x)


def _stacked(change: Callable[..., Any]) -> type[nn.Module]:
    """A Decoder that is right but for its forward."""

    class Wrong(_Stack):
        def forward(self, x, memory, self_mask=None, cross_mask=None):
            return change(self, x, memory, self_mask, cross_mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _assembled(change: Callable[..., Any]) -> type[nn.Module]:
    """A Decoder that is right but for something that its constructor makes."""

    class Wrong(_Stack):
        def __init__(
            self,
            num_layers,
            d_model,
            num_heads,
            d_ff,
            dropout=0.1,
            norm_first=True,
            activation="relu",
            eps=1e-5,
        ):
            sizes = (d_model, num_heads, d_ff)
            super().__init__(num_layers, *sizes, dropout, norm_first, activation, eps)
            change(self, num_layers, sizes, dropout, norm_first, activation, eps)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _layers(count, sizes, *options, **named):
    return nn.ModuleList(pieces.DecoderLayer(*sizes, *options, **named) for _ in range(count))


@Decoder.misconception("one layer, many times")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """Your list, [layer] * num_layers, is the same layer again and again, with one set of weights.
    Make a new one each time: DecoderLayer(…) for _ in range(num_layers)."""
    self.layers = nn.ModuleList([self.layers[0]] * num_layers)


@Decoder.misconception("copies of one layer")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """Your layers are copies of one layer and start with the same numbers. Make a new one each
    time: DecoderLayer(…) for _ in range(num_layers)."""
    self.layers = nn.ModuleList(copy.deepcopy(self.layers[0]) for _ in range(num_layers))


@Decoder.misconception("layers in a plain list")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """Your layers are kept in a plain list, where the module doesn't see them: they would never be
    trained or moved to the GPU. Wrap the list: nn.ModuleList([…])."""
    layers = list(self.layers)
    del self.layers
    self.layers = layers


@Decoder.misconception("the encoder's layers")
class _(_Stack):
    """You stack the encoder's layers, which have no cross-attention. Stack DecoderLayers."""

    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        options = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        super().__init__(0, *options)
        self.layers = nn.ModuleList(pieces.EncoderLayer(*options) for _ in range(num_layers))

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.layers:
            x = layer(x, self_mask)
        return self.last(x)


@Decoder.misconception("layers under another name")
class _(_Stack):
    """The layers are right and have another name than the exercise asks: self.layers."""

    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__(num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.blocks = self.layers
        del self.layers

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.blocks:
            x = layer(x, memory, self_mask, cross_mask)
        return self.last(x)


@Decoder.misconception("one layer too few")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """There is one layer too few: range(num_layers) counts from 0 and gives num_layers of them."""
    self.layers = self.layers[:-1]


@Decoder.misconception("one layer too many")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """There is one layer too many: range(num_layers) gives num_layers of them."""
    self.layers = _layers(num_layers + 1, sizes, dropout, norm_first, activation, eps)


@Decoder.misconception("a single layer")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """There is one layer, whatever num_layers says. Make num_layers of them."""
    self.layers = self.layers[:1]


@Decoder.misconception("no last norm")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """There is no last norm. In a pre-norm stack nothing norms what the last layer adds: with
    norm_first=True, the stack has a norm of its own and ends with it."""
    self.norm = None


@Decoder.misconception("a last norm in post-norm too")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """A post-norm layer ends with a norm, so with norm_first=False the stack has none of its own:
    make it only if norm_first."""
    self.norm = pieces.LayerNorm(sizes[0], eps)


@Decoder.misconception("a last norm in post-norm only")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """The last norm is the wrong way round. It belongs to the pre-norm stack, norm_first=True,
    where nothing norms what the last layer adds."""
    self.norm = None if norm_first else pieces.LayerNorm(sizes[0], eps)


@Decoder.misconception("eps kept from the layers")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """eps isn't handed on to the layers: DecoderLayer's last argument is eps."""
    self.layers = _layers(num_layers, sizes, dropout, norm_first, activation)


@Decoder.misconception("eps kept from the last norm")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """The last norm has the default eps, whatever the stack is given: LayerNorm(d_model, eps)."""
    self.norm = pieces.LayerNorm(sizes[0]) if norm_first else None


@Decoder.misconception("eps kept from all norms")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """eps is handed on to nobody. It belongs to every layer and to the last norm."""
    self.layers = _layers(num_layers, sizes, dropout, norm_first, activation)
    self.norm = pieces.LayerNorm(sizes[0]) if norm_first else None


@Decoder.misconception("activation kept from the layers")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """activation isn't handed on to the layers."""
    self.layers = _layers(num_layers, sizes, dropout, norm_first, eps=eps)


@Decoder.misconception("activation and eps kept from the layers")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """Neither activation nor eps is handed on to the layers."""
    self.layers = _layers(num_layers, sizes, dropout, norm_first)
    self.norm = pieces.LayerNorm(sizes[0], eps) if norm_first else None


@Decoder.misconception("norm_first kept from the layers")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """norm_first isn't handed on to the layers: they are pre-norm unless you say so."""
    self.layers = _layers(num_layers, sizes, dropout, activation=activation, eps=eps)


@Decoder.misconception("dropout kept from the layers")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """dropout isn't handed on to the layers: they drop their default 10 %, whatever the stack is
    given."""
    self.layers = _layers(num_layers, sizes, norm_first=norm_first, activation=activation, eps=eps)


@Decoder.misconception("the layers drop nothing")
@_assembled
def _(self, num_layers, sizes, dropout, norm_first, activation, eps):
    """Your layers drop nothing. dropout is handed on to every layer."""
    self.layers = _layers(num_layers, sizes, 0.0, norm_first, activation, eps)


# What is wrong with forward.


@Decoder.misconception("every layer starts from x")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Every layer starts from the first x again, and only the last one counts. A layer goes on from
    what the one before made: x = layer(x, …)."""
    for layer in self.layers:
        out = layer(x, memory, self_mask, cross_mask)
    return self.last(out)


@Decoder.misconception("the layers' results thrown away")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """What the layers make is thrown away: x comes out as it went in. Keep each result under the
    name the next layer reads: x = layer(x, …)."""
    for layer in self.layers:
        layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("the layers added up")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """You add what a layer returns to x. Inside the layer that is done already, three times: x =
    layer(x, …)."""
    for layer in self.layers:
        x = x + layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("the first layer only")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Of two layers only the first is used. Is the return inside the loop? Or does the loop leave
    the last layer out? Go through all of self.layers."""
    return self.last(self.layers[0](x, memory, self_mask, cross_mask))


@Decoder.misconception("returned from inside the loop")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer is used, and the last norm isn't. Is the return inside the loop?"""
    return self.layers[0](x, memory, self_mask, cross_mask)


@Decoder.misconception("layers in reverse order")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Your layers run from the last to the first. layers[0] comes first."""
    for layer in reversed(self.layers):
        x = layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("the last norm never used")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """The last norm is made and never used. A pre-norm stack ends with it: return self.norm(x)."""
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return x


@Decoder.misconception("the norm in front")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """You norm x before the first layer. The stack's norm comes last, after all layers."""
    x = self.last(x)
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return x


@Decoder.misconception("the norm after every layer")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """You use the stack's norm after every layer. It comes once, after the last one."""
    for layer in self.layers:
        x = self.last(layer(x, memory, self_mask, cross_mask))
    return x


@Decoder.misconception("the norm used twice")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """You norm twice: the second time the numbers have been normed already. Once, after the last
    layer."""
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return self.last(self.last(x))


@Decoder.misconception("the memory normed")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """You norm the memory with the stack's norm. The memory comes from the encoder as it should be;
    the norm is for x, after the last layer."""
    memory = self.last(memory)
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("self_mask for the first layer only")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer gets self_mask, and the second one looks into the future. Every layer
    gets both masks."""
    for number, layer in enumerate(self.layers):
        x = layer(x, memory, None if number else self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("cross_mask for the first layer only")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer gets cross_mask, and the second one looks at padding. Every layer gets
    both masks."""
    for number, layer in enumerate(self.layers):
        x = layer(x, memory, self_mask, None if number else cross_mask)
    return self.last(x)


@Decoder.misconception("masks for the first layer only")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer gets the masks. Every layer gets both."""
    for number, layer in enumerate(self.layers):
        x = layer(x, memory) if number else layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("masks for the last layer only")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Only the last layer gets the masks. What the others have seen can't be taken back: every
    layer gets both."""
    for layer in self.layers[:-1]:
        x = layer(x, memory)
    return self.last(self.layers[-1](x, memory, self_mask, cross_mask))


@Decoder.misconception("masks not passed on")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """The masks are never handed to the layers, so every word sees the future and the padding:
    layer(x, memory, self_mask, cross_mask)."""
    for layer in self.layers:
        x = layer(x, memory)
    return self.last(x)


@Decoder.misconception("self_mask not passed on")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """self_mask is never handed to the layers, so every word sees the future: layer(x, memory,
    self_mask, cross_mask)."""
    for layer in self.layers:
        x = layer(x, memory, None, cross_mask)
    return self.last(x)


@Decoder.misconception("cross_mask not passed on")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """cross_mask is never handed to the layers, so the target looks at the source's padding:
    layer(x, memory, self_mask, cross_mask)."""
    for layer in self.layers:
        x = layer(x, memory, self_mask)
    return self.last(x)


@Decoder.misconception("masks swapped")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """The masks have changed places: a layer takes self_mask first and cross_mask second."""
    for layer in self.layers:
        x = layer(x, memory, cross_mask, self_mask)
    return self.last(x)


@Decoder.misconception("self_mask for both")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """The layers get self_mask twice. Its place for the memory is taken by cross_mask."""
    for layer in self.layers:
        x = layer(x, memory, self_mask, self_mask)
    return self.last(x)


@Decoder.misconception("x in the memory's place")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Your layers get x as their memory, so nobody looks at the source: layer(x, memory, …)."""
    for layer in self.layers:
        x = layer(x, x, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("x and memory swapped")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """x and memory have changed places: a layer takes x first, then memory."""
    for layer in self.layers:
        memory = layer(memory, x, self_mask, cross_mask)
    return self.last(memory)


@Decoder.misconception("the memory replaced on the way")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """From the second layer on, your memory is what the layer before made. All layers look at the
    same memory, the encoder's."""
    for layer in self.layers:
        x = memory = layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("no memory")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """A layer takes x, memory and two masks. You leave memory out, so that the mask stands in its
    place."""
    for layer in self.layers:
        x = layer(x, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("all outputs returned")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """You return what every layer made. Return the last one alone, after the norm."""
    outputs = []
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
        outputs.append(self.last(x))
    return outputs


@Decoder.misconception("the memory cut off from the graph")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """The values are right, and no gradient flows back to the memory: the encoder would never
    learn. Take the .detach() away."""
    for layer in self.layers:
        x = layer(x, memory.detach(), self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("written into x")
@_stacked
def _(self, x, memory, self_mask, cross_mask):
    """Your call changes the caller's x: x[...] = … and methods ending in _ work in place. Write x =
    layer(x, …), which gives the new tensor the old name."""
    first = x.clone()
    with torch.no_grad():
        x.mul_(2.0)
    for layer in self.layers:
        first = layer(first, memory, self_mask, cross_mask)
    return self.last(first)


# ---- OutputHead --------------------------------------------------------------------------------

OutputHead = Exercise("OutputHead", reference=pieces.OutputHead)


def _hidden(draw: Draw) -> Case:
    batch, length, d_model, vocab = draw.sizes(4, low=3)
    return Case(
        (draw.normal(batch, length, d_model),), {}, {"d_model": d_model, "vocab_size": vocab}
    )


parameters_named(OutputHead, _hidden, points=0.5)
equals_reference(
    OutputHead,
    _hidden,
    ("The logits, at [sentence, position, word],",),
    name="a logit for each word of the vocabulary",
    points=0.75,
    says="A word's logit is the dot product of x with the word's row of weight: x weightᵀ.",
)


@OutputHead.property("any axes in front", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """One vector, a sentence, or a batch of beams: whatever stands in front of d_model stays."""
    case = _hidden(draw)
    asked, oracle = beside(OutputHead, piece, case, draw)
    (x,) = case.args
    for some in (x[0, 0], x[0], x.unsqueeze(1)):
        expect.close(asked(some), oracle(some).detach(), f"The logits of x {tuple(some.shape)}")


@OutputHead.property("the weight can be shared", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """head.weight = embedding.weight ties the two. After that, the head should calculate with the
    embedding's weight."""
    case = _hidden(draw)
    (x,) = case.args
    instance = piece.construct(**case.construct).to(torch.float64)
    shared = draw.normal(case.construct["vocab_size"], case.construct["d_model"])
    head = piece.make("tied", head=instance.handle, weight=shared)
    expect.close(head(x), x @ shared.T, "The logits after head.weight = …")


# Where a weight's deviation may come from, as a multiple of 1/√d_model, for (576, 64).
_STARTS = {
    "torch.randn as it is": 8.0,
    "multiplied": 64.0,
    "divided by √vocab_size": 1 / 3,
    "divided by d_model": 1 / 8,
    "nn.Linear's": 1 / math.sqrt(3),
    "Xavier's": 8 * math.sqrt(2 / (576 + 64)),
}


@OutputHead.property("a start of its own", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new head starts from random numbers with a standard deviation of 1/√d_model, so that logits
    are about as large as the numbers of x."""
    d_model, vocab = 64, 576
    instance = piece.construct(d_model, vocab)
    x = draw.normal(50, d_model, dtype=torch.float32)
    once, again = (expect.shape(instance(x), (50, vocab), "The logits") for _ in range(2))
    expect.that(bool((once == again).all() or once.isnan().any()), "Two calls give other logits.")
    for weight in instance.parameters().values():
        if weight.ndim != 2:
            continue
        wild = not weight.isfinite().all() or bool(weight.abs().max() > 1000)
        expect.that(not wild, "The weight holds whatever lay in memory.")
        expect.that(bool((weight.abs() > 1e-9).double().mean() > 0.5), "The weight is zero.")
        expect.that(bool((weight != weight[0]).any()), "All rows of the weight start alike.")
        expect.that(bool((weight < 0).any()), "All numbers of the weight are positive.")
        spread = weight.double().std().item()
        share = spread * math.sqrt(d_model)
        told = f"For d_model = 64 it should be 0.125; your weight's deviation is {spread:.3g}."
        likely = [how for how, other in _STARTS.items() if abs(share / other - 1) < 0.05]
        if not 0.85 < share < 1.15:
            raise expect.Mismatch(told, kind=f"starts otherwise: {likely}")


gradients_flow(OutputHead, _hidden, of=("x",), points=0.25)
inputs_stay(OutputHead, _hidden, points=0.25)
single_precision(OutputHead, _hidden, ("The logits",), points=0.25)


class _Head(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.weight.T


def _headed(change: Callable[..., Any]) -> type[nn.Module]:
    """An OutputHead that is right but for its forward."""

    class Wrong(_Head):
        def forward(self, x):
            return change(self, x)

    Wrong.__doc__ = change.__doc__
    return Wrong


@OutputHead.misconception("with a bias")
class _(_Head):
    """Your head has a bias. It has none: an embedding has none either, and the two can share their
    weight."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, x):
        return x @ self.weight.T + self.bias


@OutputHead.misconception("a Linear inside")
class _(nn.Module):
    """Your weight belongs to an nn.Linear inside of the head, so that it is called something like
    linear.weight. It should be the head's own, self.weight: make an nn.Parameter."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.linear = nn.Linear(d_model, vocab_size, bias=False)

    def forward(self, x):
        return self.linear(x)


@OutputHead.misconception("weight is a Linear")
class _(nn.Module):
    """Your self.weight is a whole nn.Linear, so that the numbers are called weight.weight. Make
    self.weight an nn.Parameter (vocab_size, d_model)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Linear(d_model, vocab_size, bias=False)

    def forward(self, x):
        return self.weight(x)


@OutputHead.misconception("a Linear with a bias inside")
class _(nn.Module):
    """Your weight belongs to an nn.Linear inside of the head, and there is a bias. The head has one
    parameter, self.weight: make an nn.Parameter (vocab_size, d_model)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.linear = nn.Linear(d_model, vocab_size)

    def forward(self, x):
        return self.linear(x)


@OutputHead.misconception("a Linear's weight by another name")
class _(nn.Module):
    """self.weight is only another name for the weight of an nn.Linear inside, and the Linear goes
    on with its own when head.weight is set to an embedding's. Use self.weight itself: x @
    self.weight.T."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.linear = nn.Linear(d_model, vocab_size, bias=False)
        self.weight = self.linear.weight

    def forward(self, x):
        return self.linear(x)


@OutputHead.misconception("a weight of another name")
class _(nn.Module):
    """Your parameter has another name. It should be self.weight, as an embedding's is, (vocab_size,
    d_model)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.W = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.W.T


@OutputHead.misconception("weight transposed")
class _(nn.Module):
    """Your weight is (d_model, vocab_size). An embedding's is the other way round, a row for each
    word: (vocab_size, d_model), and in forward x @ self.weight.T."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d_model, vocab_size) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.weight


@OutputHead.misconception("no parameter")
class _(nn.Module):
    """Your weight is a plain tensor: an optimizer doesn't see it, and nothing is learned. Wrap it:
    nn.Parameter(…)."""

    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = torch.randn(vocab_size, d_model) / math.sqrt(d_model)

    def forward(self, x):
        return x @ self.weight.to(x.dtype).T


@OutputHead.misconception("starts from zeros")
class _(_Head):
    """Your weight starts from zeros (torch.empty often holds zeros, too): all words get the same
    logit, and no gradient reaches the layers below. Start from random numbers: torch.randn."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.zeros_(self.weight)


@OutputHead.misconception("starts from ones")
class _(_Head):
    """Your weight starts from ones: all words are alike. Start from random numbers."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.ones_(self.weight)


@OutputHead.misconception("starts too large")
class _(_Head):
    """Your weight starts from torch.randn as it is. A sum of d_model products grows to √d_model,
    and the softmax begins saturated: divide by √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight)


@OutputHead.misconception("memory as it was found")
class _(_Head):
    """Your weight holds whatever lay in memory, as torch.empty and torch.Tensor(…) leave it. Fill
    it with random numbers: torch.randn(…), divided by √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        with torch.no_grad():
            self.weight[0] = 1e30


@OutputHead.misconception("the weight multiplied by the root")
class _(_Head):
    """Your weight is multiplied by √d_model, so that it starts far too large. Divide by the
    root."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight, std=math.sqrt(d_model))


@OutputHead.misconception("the other root")
class _(_Head):
    """You divide by √vocab_size. A logit is a sum of d_model products, so it's d_model whose root
    counts: torch.randn(…) / √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight, std=1 / math.sqrt(vocab_size))


@OutputHead.misconception("the root forgotten")
class _(_Head):
    """You divide by d_model, not by its root, so that the weight starts far too small:
    torch.randn(…) / √d_model, or std=1/√d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.normal_(self.weight, std=1 / d_model)


@OutputHead.misconception("an nn.Linear's start")
class _(_Head):
    """Your weight starts as an nn.Linear's does: uniform, with a deviation of 1/√(3 · d_model).
    Here 1/√d_model is asked for, as of an embedding to share it with: torch.randn(…) / √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        bound = 1 / math.sqrt(d_model)
        nn.init.uniform_(self.weight, -bound, bound)


@OutputHead.misconception("Xavier's start")
class _(_Head):
    """Your weight has Xavier's start, whose deviation depends on vocab_size too. Here 1/√d_model is
    asked for: torch.randn(…) / √d_model."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.xavier_normal_(self.weight)


@OutputHead.misconception("rand in place of randn")
class _(_Head):
    """Your weight starts from numbers that are all positive: torch.rand draws from 0 to 1. Then all
    words' rows point the same way. torch.randn draws normal numbers, around 0."""

    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size)
        nn.init.uniform_(self.weight, 0, 1 / math.sqrt(d_model))


@OutputHead.misconception("probabilities")
@_headed
def _(self, x):
    """You return probabilities. The head returns logits: cross_entropy takes the softmax itself,
    and a second one would flatten everything."""
    return pieces.softmax(x @ self.weight.T, -1)


@OutputHead.misconception("log-probabilities")
@_headed
def _(self, x):
    """You return log-probabilities. The head returns logits: cross_entropy takes the log-softmax
    itself."""
    return F.log_softmax(x @ self.weight.T, dim=-1)


@OutputHead.misconception("a sigmoid")
@_headed
def _(self, x):
    """You squeeze the logits through a sigmoid. The head returns them as they are."""
    return torch.sigmoid(x @ self.weight.T)


@OutputHead.misconception("a ReLU")
@_headed
def _(self, x):
    """You cut negative logits off. The head returns them as they are, negative ones too."""
    return torch.relu(x @ self.weight.T)


@OutputHead.misconception("the best word")
@_headed
def _(self, x):
    """You return the number of the best word. The head returns a logit for every word; who decodes
    chooses."""
    return (x @ self.weight.T).argmax(-1)


@OutputHead.misconception("divided by the root")
@_headed
def _(self, x):
    """You divide by √d_model, as attention does. Here nothing is divided: x weightᵀ."""
    return x @ self.weight.T / math.sqrt(x.size(-1))


@OutputHead.misconception("multiplied by the root")
@_headed
def _(self, x):
    """You multiply by √d_model. That is done to an embedding on its way in; the head is x
    weightᵀ."""
    return x @ self.weight.T * math.sqrt(x.size(-1))


@OutputHead.misconception("cosines")
@_headed
def _(self, x):
    """You take cosines: x and the rows are made of length 1 first. The head takes the dot product
    as it is."""
    return F.normalize(x, dim=-1) @ F.normalize(self.weight, dim=-1).T


@OutputHead.misconception("the last position only")
@_headed
def _(self, x):
    """You return the logits of the last position. Training needs those of all positions: x
    weightᵀ, whatever stands in front."""
    return x[..., -1, :] @ self.weight.T


@OutputHead.misconception("positions averaged")
@_headed
def _(self, x):
    """You average over the positions first. Each position predicts a word of its own."""
    return x.mean(-2) @ self.weight.T


@OutputHead.misconception("sentences in one row")
@_headed
def _(self, x):
    """You flatten batch and positions. They stay as they are: only the last axis changes, from
    d_model to vocab_size."""
    return x.reshape(-1, x.size(-1)) @ self.weight.T


@OutputHead.misconception("words before positions")
@_headed
def _(self, x):
    """Your axes are (…, vocab_size, length). The words come last: x @ weight.T, not weight @
    x.T."""
    return self.weight @ x.transpose(-2, -1) if x.ndim > 1 else self.weight @ x


@OutputHead.misconception("three axes or nothing")
@_headed
def _(self, x):
    """Your head takes (batch, length, d_model) only. A decoder that writes word by word hands over
    other shapes: x @ weight.T takes any."""
    return torch.einsum("bld,vd->blv", x, self.weight)


@OutputHead.misconception("x looked up")
@_headed
def _(self, x):
    """An embedding turns numbers into vectors. The head goes the other way: the dot product of x
    with each row, x @ weight.T."""
    return F.embedding(x.argmax(-1) % self.weight.size(0), self.weight)


@OutputHead.misconception("not transposed")
@_headed
def _(self, x):
    """The weight is (vocab_size, d_model), so it has to be transposed: x @ self.weight.T."""
    return x @ self.weight


@OutputHead.misconception("cut off from the graph")
@_headed
def _(self, x):
    """The values are right, and no gradient flows back to weight, so that it never learns: look for
    .detach(), .data or requires_grad=False."""
    return x @ self.weight.detach().T


@OutputHead.misconception("x cut off from the graph")
@_headed
def _(self, x):
    """The values are right, and no gradient flows back to x, so the layers below never learn. Take
    the .detach() away."""
    return x.detach() @ self.weight.T


@OutputHead.misconception("x changed in place")
@_headed
def _(self, x):
    """Your call changes the caller's x: methods that end in _ and *= work in place."""
    logits = x @ self.weight.T
    with torch.no_grad():
        x.mul_(2.0)
    return logits


# ---- future_leak -------------------------------------------------------------------------------

future_leak = Exercise("future_leak", reference=pieces.future_leak)


class _Watched:
    """Sentences, and a model of which it is known what every swapped token does to every output."""

    def __init__(self, draw: Draw, ahead: float = 1.0, vocab: int = 0) -> None:
        batch, self.length, features, some = draw.sizes(4, low=2, high=6)
        self.length += 1
        self.vocab = vocab or max(batch, some) + 2
        batch = min(batch, self.vocab)
        # No two sentences have a token in the same place, so that the model knows them all apart.
        first = draw.tokens(1, self.length, low=0, high=self.vocab - 1)
        first[0, -1] = self.vocab - 1
        self.tokens = (first + torch.arange(batch)[:, None]) % self.vocab
        self.base = draw.normal(batch, self.length, features)
        self.effect = draw.normal(batch, self.length, self.length, features)
        self.later = torch.ones(self.length, self.length, dtype=torch.bool).triu(1)
        self.effect[:, self.later] *= ahead

    def made(self, kind: str = "watcher") -> Made:
        options = {"tokens": self.tokens, "base": self.base, "effect": self.effect}
        return Made(kind, options | {"vocab_size": self.vocab})

    def leak(self) -> float:
        """What every swap of a later token does, at most."""
        return self.effect[:, self.later].abs().max().item()

    def found_by(self, piece: Piece, kind: str = "watcher") -> float:
        """What the piece returns."""
        found = piece(self.made(kind), self.tokens, self.vocab)
        if isinstance(found, torch.Tensor) and found.ndim == 0:
            return found.item()
        number = isinstance(found, (int, float)) and not isinstance(found, bool)
        expect.that(
            number, f"future_leak should return one number; it is {expect.describe(found)}."
        )
        return float(found)


def _expect_leak(found: float, wanted: float, what: str) -> None:
    if not math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12):
        raise expect.Mismatch(f"{what} The leak is {wanted:.6g}; yours is {found:.6g}.")


@future_leak.property("measured in eval mode", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A module is measured in eval mode, where dropout is silent, whatever mode it came in."""
    watched = _Watched(draw)
    made = watched.made()
    model = piece.make(made.kind, **made.options)
    piece(model.handle, watched.tokens, watched.vocab)
    expect.that(model.method("asked_in_training")() == 0, "The model was asked in training mode.")


@future_leak.property("zero where nobody looks ahead", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A model whose outputs depend on a position's own token and on earlier ones has no leak,
    whatever its outputs do at and after the swapped position."""
    _expect_leak(_Watched(draw, ahead=0.0).found_by(piece), 0.0, "This model doesn't look ahead.")


@future_leak.property("the largest change", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Of all changes, at all earlier positions, in all sentences and features, for every later
    token that is swapped (one at a time), the largest counts, upwards or downwards."""
    watched = _Watched(draw)
    _expect_leak(watched.found_by(piece), watched.leak(), "")


@future_leak.property("changes downwards too", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A change downwards is a leak as well."""
    watched = _Watched(draw)
    watched.effect[:, watched.later] = -watched.effect[:, watched.later].abs()
    _expect_leak(watched.found_by(piece), watched.leak(), "Here all changes are downwards.")


@future_leak.property("every place is looked at", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A small leak from a single later token to a single earlier position, in one sentence, up or
    down, should be found wherever it is; in a vocabulary of two, too."""
    results = []
    for number in range(8):
        watched = _Watched(draw, ahead=0.0, vocab=2 if number else 0)
        later = watched.length - 1 if number == 1 else draw.integer(1, watched.length - 1)
        later = 1 if number == 2 else later
        earlier = 0 if number == 3 else draw.integer(0, later - 1)
        earlier = later - 1 if number in (0, 4) else earlier
        row = draw.integer(0, len(watched.tokens) - 1)
        size = draw.uniform(0.01, 0.02) * (-1) ** number
        watched.effect[row, earlier, later, draw.integer(0, watched.base.size(-1) - 1)] = size
        results.append((watched.found_by(piece), abs(size)))
    for found, wanted in results:  # after all of them: they tell mistakes apart
        _expect_leak(found, wanted, "One token looks ahead here, from one position to another.")


@future_leak.property("one later token at a time", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The model should be asked about whole sentences in which one later token is another one; each
    later position has its turn."""
    watched = _Watched(draw)
    made = watched.made()
    model = piece.make(made.kind, **made.options)
    piece(model.handle, watched.tokens, watched.vocab)
    turns = set()
    for asked in model.method("asked")():
        expect.that(asked.size(1) == watched.length, "It was asked about a part of the sentences.")
        for row in asked:
            differs = row != watched.tokens
            changed = differs[differs.sum(-1).argmin()].nonzero().flatten().tolist()
            expect.that(len(changed) < 2, "It was asked with several tokens swapped at once.")
            turns.update(changed)
    expect.that(bool(turns), "It was never asked with a swapped token.")
    expect.that(
        turns >= set(range(1, watched.length)), "Some later positions never had their turn."
    )


@future_leak.property("the mode put back", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A module is left in the mode it came in, with the right leak in either case."""
    for training in (True, False):
        watched = _Watched(draw, ahead=0.0 if training else 1.0)
        made = watched.made()
        model = piece.make(made.kind, **made.options).train(training)
        found = piece(model.handle, watched.tokens, watched.vocab)
        number = found.item() if isinstance(found, torch.Tensor) and found.ndim == 0 else found
        expect.that(isinstance(number, (int, float)), "future_leak should return one number.")
        wanted = 0.0 if training else watched.leak()
        _expect_leak(float(number), wanted, "The model came in training mode." if training else "")
        before = "training" if training else "eval"
        after = model.method("mode")()
        expect.that(
            after == before, f"The model came in {before} mode and is left in {after} mode."
        )


@future_leak.property("a plain function will do", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """model may be a plain function, such as a lambda: it has no modes."""
    watched = _Watched(draw)
    _expect_leak(watched.found_by(piece, "watching"), watched.leak(), "The model is a function.")


@future_leak.property("one token alone", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Where there is one position, nothing comes later: the leak is 0."""
    watched = _Watched(draw)
    watched.tokens, watched.length = watched.tokens[:, :1], 1
    watched.base, watched.effect = watched.base[:, :1], watched.effect[:, :1, :1]
    _expect_leak(watched.found_by(piece), 0.0, "There is no later position.")


@future_leak.property("a float", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """What comes back is a Python float, as .item() gives it."""
    watched = _Watched(draw)
    found = piece(watched.made(), watched.tokens, watched.vocab)
    expect.that(isinstance(found, float), f"It should be a float; it is {expect.describe(found)}.")


@future_leak.property("tokens stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the caller's tokens as they were."""
    watched = _Watched(draw)
    after = piece.inputs_after(watched.made(), watched.tokens, watched.vocab)
    expect.unchanged([watched.tokens], after)


def _next(tokens: torch.Tensor, later: int, vocab_size: int) -> torch.Tensor:
    """A copy in which one token is the next one of the vocabulary."""
    swapped = tokens.clone()
    swapped[:, later] = (swapped[:, later] + 1) % vocab_size
    return swapped


def _largest(changes: list[torch.Tensor]) -> float:
    return max([0.0, *(change.abs().max().item() for change in changes)])


@torch.no_grad()
def _leak(
    model: Any,
    tokens: torch.Tensor,
    vocab_size: int,
    swap: Callable[..., torch.Tensor] = _next,
    part: Callable[..., torch.Tensor] = lambda change, later: change[:, :later],
    sum_up: Callable[[list], Any] = _largest,
    places: Callable[[int], Any] = lambda length: range(1, length),
) -> Any:
    """Right, but for what is handed over."""
    module = isinstance(model, nn.Module)
    training = module and model.training
    if module:
        model.eval()
    try:
        outputs = model(tokens)
        changes = [
            part(model(swap(tokens, later, vocab_size)) - outputs, later)
            for later in places(tokens.size(1))
        ]
        return sum_up(changes)
    finally:
        if module:
            model.train(training)


# What is swapped.


@future_leak.misconception("the last token only")
def _(model, tokens, vocab_size):
    """You swap the last token only. A decoder may peek one step ahead everywhere: swap each later
    token in turn, from position 1 to the end."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(length - 1, length))


@future_leak.misconception("the second token only")
def _(model, tokens, vocab_size):
    """Only the token at position 1 is ever swapped. Is the return inside the loop? Every later
    position has its turn."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(1, min(length, 2)))


@future_leak.misconception("the first token only")
def _(model, tokens, vocab_size):
    """You swap the first token: nothing comes before it that could notice. Swap each later token in
    turn, and look at the positions before it."""
    return _leak(
        model, tokens, vocab_size, places=lambda length: range(1), part=lambda change, _: change * 0
    )


@future_leak.misconception("the last token left out")
def _(model, tokens, vocab_size):
    """The last token is never swapped: range(1, length − 1) ends before it. It is a later token
    too: range(1, length)."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(1, length - 1))


@future_leak.misconception("starts at the third token")
def _(model, tokens, vocab_size):
    """The token at position 1 is never swapped. Position 0 comes before it and could notice:
    range(1, length)."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(2, length))


@future_leak.misconception("several tokens at once")
def _(model, tokens, vocab_size):
    """You swap all later tokens at once. What they do may cancel, or add up; swap one at a time,
    all others as they were."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later:] = (swapped[:, later:] + 1) % vocab_size
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("earlier swaps kept")
def _(model, tokens, vocab_size):
    """You swap on and on in the same copy, so that earlier tokens are still swapped when a later
    one has its turn. Take a fresh copy of tokens each time: clone() inside the loop."""
    swapped = tokens.clone()

    def swap(tokens, later, vocab_size):
        swapped[:, later] = (swapped[:, later] + 1) % vocab_size
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("the caller's tokens swapped")
def _(model, tokens, vocab_size):
    """You swap in the caller's tokens, which stay swapped. Take a fresh copy each time:
    tokens.clone(), inside the loop."""

    def swap(tokens, later, vocab_size):
        tokens[:, later] = (tokens[:, later] + 1) % vocab_size
        return tokens

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("swapped for itself")
def _(model, tokens, vocab_size):
    """The tokens are the same before and after your swap, so nothing can change. Add 1 before you
    take the remainder: (token + 1) % vocab_size."""
    return _leak(model, tokens, vocab_size, lambda tokens, *_: tokens.clone())


@future_leak.misconception("swapped for 0")
def _(model, tokens, vocab_size):
    """You put token 0 there, and some tokens are 0 already: for them nothing is swapped. Take one
    that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = 0
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("swapped for the last word")
def _(model, tokens, vocab_size):
    """You put the vocabulary's last token there, and some are the last already: for them nothing is
    swapped. Take one that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = vocab_size - 1
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("swapped at random")
def _(model, tokens, vocab_size):
    """You draw a token at random, which may be the one that was there: then nothing is swapped, and
    a leak goes unseen. Take one that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = torch.randint(vocab_size, (len(tokens),))
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("a neighbour's token")
def _(model, tokens, vocab_size):
    """You put the neighbour's token there, which may be the same one: then nothing is swapped. Take
    one that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = tokens[:, later - 1]
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("outside the vocabulary")
def _(model, tokens, vocab_size):
    """Your swap leaves the vocabulary: ids go from 0 to vocab_size − 1, and the one after the last
    is no token. Start again at 0 there: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] += 1
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("cut off in place of swapped")
def _(model, tokens, vocab_size):
    """You cut the sentence off and compare beginnings. That is another test: here the length stays,
    and one later token is swapped."""
    return _leak(
        model,
        tokens,
        vocab_size,
        places=lambda length: range(1),
        sum_up=lambda changes: _largest(
            [model(tokens[:, :n]) - model(tokens)[:, :n] for n in range(1, tokens.size(1))]
        ),
    )


@future_leak.misconception("sentences swapped, not positions")
def _(model, tokens, vocab_size):
    """tokens[later] is a whole sentence of the batch, so that you swap all of its tokens. The
    tokens at one position, of all sentences, are tokens[:, later]."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[later] = (swapped[later] + 1) % vocab_size
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("nothing before the first position")
def _(model, tokens, vocab_size):
    """At position 0 there are no earlier positions, [:, :0] is empty, and the largest of nothing is
    an error. Begin at 1: range(1, length)."""
    return _leak(model, tokens, vocab_size, places=range)


@future_leak.misconception("returned from inside the loop")
def _(model, tokens, vocab_size):
    """Your return stands inside the loop: only the token at position 1 is ever swapped, and the
    model's mode is never put back. Move it out, to the very end."""
    if isinstance(model, nn.Module) and tokens.size(1) > 1:
        model.eval()
    return _leak(
        model if tokens.size(1) < 2 else lambda some: model(some),
        tokens,
        vocab_size,
        places=lambda length: range(1, min(length, 2)),
    )


# What is compared.


@future_leak.misconception("the swapped position too")
def _(model, tokens, vocab_size):
    """You also look at the swapped position itself. Its own output may change; a leak is a change
    before it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, : later + 1])


@future_leak.misconception("the swapped position alone")
def _(model, tokens, vocab_size):
    """You look at the swapped position itself, whose output may change. A leak is a change before
    it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later])


@future_leak.misconception("all positions")
def _(model, tokens, vocab_size):
    """You look at all positions. Those at and after the swap may change; a leak is a change before
    it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change)


@future_leak.misconception("positions after the swap")
def _(model, tokens, vocab_size):
    """You look at the positions from the swap on. They may change, it is their past; a leak is a
    change before it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later:])


@future_leak.misconception("the position before only")
def _(model, tokens, vocab_size):
    """You look at the position right before the swap only. Any earlier one may have noticed: [:,
    :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later - 1])


@future_leak.misconception("the first position only")
def _(model, tokens, vocab_size):
    """You look at the first position only. Any position before the swap may have noticed: [:,
    :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, 0])


@future_leak.misconception("one position too few")
def _(model, tokens, vocab_size):
    """You leave out the position right before the swap, and it is the likeliest to peek. A slice
    ends before its number already: [:, :later]."""
    return _leak(
        model,
        tokens,
        vocab_size,
        part=lambda change, later: change[:, : later - 1] if later > 1 else change[:, :1] * 0,
    )


@future_leak.misconception("the first sentence only")
def _(model, tokens, vocab_size):
    """You look at the first sentence of the batch only. All of them count."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[0, :later])


@future_leak.misconception("sentences for positions")
def _(model, tokens, vocab_size):
    """A slice [:later] takes the first sentences. The earlier positions of all sentences are [:,
    :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:later])


# How it is summed up.


@future_leak.misconception("the mean change")
def _(model, tokens, vocab_size):
    """You take the mean of the changes. One leak among many silent positions nearly vanishes in it:
    take the largest."""

    def mean(changes):
        return torch.stack([c.abs().mean() for c in changes]).mean().item() if changes else 0.0

    return _leak(model, tokens, vocab_size, sum_up=mean)


@future_leak.misconception("the mean of the largest")
def _(model, tokens, vocab_size):
    """You average over the swaps. One of them may be the only one that leaks: take the largest of
    all."""

    def mean(changes):
        return torch.stack([c.abs().max() for c in changes]).mean().item() if changes else 0.0

    return _leak(model, tokens, vocab_size, sum_up=mean)


@future_leak.misconception("the largest of the means")
def _(model, tokens, vocab_size):
    """You average the changes of a swap, then take the largest average. One leak among many silent
    positions nearly vanishes in it: take the largest change itself."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.abs().mean().item() for c in changes)]),
    )


@future_leak.misconception("the sum of the changes")
def _(model, tokens, vocab_size):
    """You add the changes up. The largest single one is asked for."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: sum((c.abs().sum().item() for c in changes), 0.0),
    )


@future_leak.misconception("the largest of the sums")
def _(model, tokens, vocab_size):
    """You add up the changes of a swap, then take the largest sum. The largest single change is
    asked for: abs().max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.abs().sum().item() for c in changes)]),
    )


@future_leak.misconception("the largest of each swap added up")
def _(model, tokens, vocab_size):
    """You add up the largest change of each swap. The largest of all is asked for."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: sum((c.abs().max().item() for c in changes), 0.0),
    )


@future_leak.misconception("the length of the change")
def _(model, tokens, vocab_size):
    """You take the norm, the length of the whole change. The largest change of a single number is
    asked for: abs().max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.norm().item() for c in changes)]),
    )


@future_leak.misconception("squared")
def _(model, tokens, vocab_size):
    """You square the changes, which makes small leaks tiny. Take the absolute value: abs()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.square().max().item() for c in changes)]),
    )


@future_leak.misconception("only upwards")
def _(model, tokens, vocab_size):
    """You look for the largest change with its sign, so that a change downwards goes unseen. Take
    abs() before max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.max().item() for c in changes)]),
    )


@future_leak.misconception("with its sign")
def _(model, tokens, vocab_size):
    """Your largest change has a sign, and so it may come out below 0 or miss a change downwards.
    Take abs() before max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([c.max().item() for c in changes], default=0.0),
    )


@future_leak.misconception("abs after max")
def _(model, tokens, vocab_size):
    """You take max() first and abs() after it. A change downwards is no maximum: it goes unseen.
    Take abs() first."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(abs(c.max().item()) for c in changes)]),
    )


@future_leak.misconception("the last swap counts")
def _(model, tokens, vocab_size):
    """Each swap overwrites what the one before found, and the last one remains. Keep the largest:
    leak = max(leak, change)."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: changes[-1].abs().max().item() if changes else 0.0,
    )


@future_leak.misconception("the smallest change")
def _(model, tokens, vocab_size):
    """You return the smallest change. A model that leaks in one place alone would pass: take the
    largest."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: min([c.abs().max().item() for c in changes], default=0.0),
    )


@future_leak.misconception("small changes ignored")
def _(model, tokens, vocab_size):
    """You ignore changes that are small, and a small leak is a leak. Return the largest change as
    it is; who reads it decides."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: largest if (largest := _largest(changes)) > 0.1 else 0.0,
    )


@future_leak.misconception("the share that changed")
def _(model, tokens, vocab_size):
    """You return the share of the numbers that changed. How much they changed is asked for, the
    largest: abs().max()."""

    def share(changes):
        return (
            torch.cat([(c != 0).flatten() for c in changes]).double().mean().item()
            if changes
            else 0.0
        )

    return _leak(model, tokens, vocab_size, sum_up=share)


@future_leak.misconception("the best words compared")
def _(model, tokens, vocab_size):
    """You compare the best words. They may stay the same while the numbers under them change:
    compare the outputs themselves."""
    was = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    with torch.no_grad():
        best, found = model(tokens).argmax(-1), 0.0
        for later in range(1, tokens.size(1)):
            now = model(_next(tokens, later, vocab_size)).argmax(-1)
            found = max(found, (now != best)[:, :later].double().mean().item())
    if isinstance(model, nn.Module):
        model.train(was)
    return found


@future_leak.misconception("yes or no")
def _(model, tokens, vocab_size):
    """You return True or False. How large the leak is, is asked for: the largest change, a
    float."""
    return _leak(model, tokens, vocab_size, sum_up=lambda changes: _largest(changes) > 0)


@future_leak.misconception("a tensor")
def _(model, tokens, vocab_size):
    """The value is right, and it is a tensor. Return a Python float: .item()."""
    return _leak(
        model, tokens, vocab_size, sum_up=lambda changes: torch.tensor(_largest(changes)).double()
    )


@future_leak.misconception("all changes returned")
def _(model, tokens, vocab_size):
    """You return one number for each swap. The largest of them is asked for."""
    return _leak(
        model, tokens, vocab_size, sum_up=lambda changes: [c.abs().max().item() for c in changes]
    )


@future_leak.misconception("minus infinity where nothing comes later")
def _(model, tokens, vocab_size):
    """For one token alone, your largest change is −inf, where you began. Begin at 0.0."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([-math.inf, *(c.abs().max().item() for c in changes)]),
    )


@future_leak.misconception("the largest of nothing")
def _(model, tokens, vocab_size):
    """For one token alone there are no changes, and the largest of none is an error. Begin at
    0.0."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max(c.abs().max().item() for c in changes),
    )


# The mode.


@future_leak.misconception("measured in training mode")
def _(model, tokens, vocab_size):
    """You compare the model in the mode it came in. In training mode dropout makes every output
    different each time, and that isn't a leak: model.eval() first."""
    return _leak(lambda some: model(some), tokens, vocab_size)


@future_leak.misconception("left in eval mode")
def _(model, tokens, vocab_size):
    """You put the model into eval mode and leave it there: the training that goes on afterwards
    would go on without dropout. Remember model.training, and put it back by model.train(…)."""
    if isinstance(model, nn.Module):
        model.eval()
    return _leak(lambda some: model(some), tokens, vocab_size)


@future_leak.misconception("put into training mode")
def _(model, tokens, vocab_size):
    """You end with model.train(), whatever mode the model was in. Remember model.training, and put
    that back: model.train(was_training)."""
    found = _leak(model, tokens, vocab_size)
    if isinstance(model, nn.Module):
        model.train()
    return found


@future_leak.misconception("a function has no modes")
def _(model, tokens, vocab_size):
    """A plain function has no eval() and no training. Ask first: isinstance(model, nn.Module)."""
    was = model.training
    model.eval()
    found = _leak(model, tokens, vocab_size)
    model.train(was)
    return found


@future_leak.misconception("a function has no modes, and left in eval mode")
def _(model, tokens, vocab_size):
    """Two things. A plain function has no eval(): ask isinstance(model, nn.Module) first. And the
    model should be left in the mode it was in: remember model.training."""
    model.eval()
    return _leak(model, tokens, vocab_size)
