"""What stands on the map: each box, where it is, which pieces fill it, and where each lesson is.

The arrangement follows the architecture of "Attention Is All You Need" (Vaswani et al., 2017,
figure 1): the encoder on the left, the decoder on the right, data flowing upwards.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from workbook.figures.diagram import Place, centred

WIDTH, HEIGHT = 5.98, 7.05
"""Inches taken by the two stacks."""

ENCODER, DECODER = 1.72, 4.34
"""Where the middle line of each stack is, in inches from the left."""

_BOX, _FRAME = 1.72, 2.3
_ATTENTION = ("softmax", "scaled_dot_product_attention", "split_heads", "merge_heads")
_ATTENTION += ("MultiHeadAttention",)


@dataclass(frozen=True)
class Box:
    """One box of the map. It is filled when all of its `pieces` have passed."""

    name: str
    text: str
    place: Place
    pieces: tuple[str, ...]
    spoken: str


def _column(stack: float, bottom: float, height: float) -> Place:
    return centred(stack, bottom, _BOX, height)


BOXES: tuple[Box, ...] = (
    Box(
        "source embedding",
        "Embedding",
        _column(ENCODER, 0.78, 0.3),
        ("Transformer",),
        "source embedding",
    ),
    Box(
        "source positions",
        "Positional\nencoding",
        Place(0.16, 1.2, 0.92, 0.4),
        ("sinusoidal_encoding", "PositionalEncoding"),
        "positional encoding of the source",
    ),
    Box(
        "encoder",
        "",
        centred(ENCODER, 1.74, _FRAME, 2.52),
        ("EncoderLayer", "Encoder"),
        "encoder stack",
    ),
    Box(
        "encoder self-attention",
        "Multi-head\nself-attention",
        _column(ENCODER, 2.2, 0.44),
        (*_ATTENTION, "padding_mask"),
        "encoder self-attention",
    ),
    Box(
        "encoder norm 1",
        "Add & norm",
        _column(ENCODER, 2.77, 0.26),
        ("LayerNorm", "residual"),
        "add and norm",
    ),
    Box(
        "encoder feed forward",
        "Feed forward",
        _column(ENCODER, 3.33, 0.32),
        ("FeedForward",),
        "encoder feed forward",
    ),
    Box(
        "encoder norm 2",
        "Add & norm",
        _column(ENCODER, 3.77, 0.26),
        ("LayerNorm", "residual"),
        "add and norm",
    ),
    Box(
        "target words",
        "Target words so far,\nshifted right",
        _column(DECODER, 0.17, 0.36),
        ("shift_right",),
        "target words shifted right",
    ),
    Box(
        "target embedding",
        "Embedding",
        _column(DECODER, 0.78, 0.3),
        ("Transformer",),
        "target embedding",
    ),
    Box(
        "target positions",
        "Positional\nencoding",
        Place(4.96, 1.2, 0.92, 0.4),
        ("sinusoidal_encoding", "PositionalEncoding"),
        "positional encoding of the target",
    ),
    Box(
        "decoder",
        "",
        centred(DECODER, 1.74, _FRAME, 3.8),
        ("DecoderLayer", "Decoder"),
        "decoder stack",
    ),
    Box(
        "decoder self-attention",
        "Masked multi-head\nself-attention",
        _column(DECODER, 2.2, 0.44),
        (*_ATTENTION, "causal_mask"),
        "masked decoder self-attention",
    ),
    Box(
        "decoder norm 1",
        "Add & norm",
        _column(DECODER, 2.77, 0.26),
        ("LayerNorm", "residual"),
        "add and norm",
    ),
    Box(
        "cross-attention",
        "Multi-head\ncross-attention",
        _column(DECODER, 3.5, 0.44),
        _ATTENTION,
        "cross-attention",
    ),
    Box(
        "decoder norm 2",
        "Add & norm",
        _column(DECODER, 4.07, 0.26),
        ("LayerNorm", "residual"),
        "add and norm",
    ),
    Box(
        "decoder feed forward",
        "Feed forward",
        _column(DECODER, 4.61, 0.32),
        ("FeedForward",),
        "decoder feed forward",
    ),
    Box(
        "decoder norm 3",
        "Add & norm",
        _column(DECODER, 5.05, 0.26),
        ("LayerNorm", "residual"),
        "add and norm",
    ),
    Box("linear", "Linear", _column(DECODER, 5.82, 0.25), ("OutputHead",), "output linear layer"),
    Box("softmax", "Softmax", _column(DECODER, 6.21, 0.25), ("softmax",), "output softmax"),
    Box(
        "next word",
        "Next word",
        _column(DECODER, 6.7, 0.25),
        ("greedy_decode", "beam_search"),
        "choice of the next word",
    ),
)

BOX: dict[str, Box] = {box.name: box for box in BOXES}

_ATTENTIONS = ("encoder self-attention", "decoder self-attention", "cross-attention")
_OF_THE_ENCODER = (
    "source words",
    "source embedding",
    "source positions",
    "encoder",
    "encoder self-attention",
    "encoder norm 1",
    "encoder feed forward",
    "encoder norm 2",
)
_CROSS = ("cross-attention", "decoder norm 2")


@dataclass(frozen=True)
class Spot:
    """Where a lesson is on the map: what is marked, what is not part of its model, and why."""

    marked: tuple[str, ...]
    absent: tuple[str, ...]
    spoken: str


WHOLE = "whole map"
OUTPUT = "linear and softmax"
ENCODER_SIDE, DECODER_SIDE = "encoder side", "decoder side"


def marked_place(name: str) -> Place:
    """What a lesson's mark goes around: a box, a pair of boxes, a side, or all."""
    if name == WHOLE:
        return Place(0.11, 0.1, WIDTH - 0.17, HEIGHT - 0.14)
    if name == ENCODER_SIDE:
        return Place(0.11, 0.1, 2.8, BOX["encoder"].place.top)
    if name == DECODER_SIDE:
        return Place(3.1, 0.1, WIDTH - 3.16, HEIGHT - 0.14)
    if name == OUTPUT:
        lower, upper = BOX["linear"].place, BOX["softmax"].place
        return lower._replace(height=upper.top - lower.bottom)
    return BOX[name].place


SPOTS: dict[int, Spot] = {
    1: Spot(("encoder", "decoder"), (), "the two stacks, where recurrent networks stood before"),
    2: Spot(_ATTENTIONS, (), "the dot-product attention inside all three attention boxes"),
    3: Spot(_ATTENTIONS, (), "all three multi-head attention boxes"),
    4: Spot(("source positions", "target positions"), (), "the two positional encodings"),
    5: Spot(("encoder",), (), "the encoder stack"),
    6: Spot(
        ("target words", "decoder", OUTPUT),
        (),
        "the shifted target words, the decoder stack, and the linear and softmax boxes above it",
    ),
    7: Spot(
        (ENCODER_SIDE,),
        tuple(box.name for box in BOXES if box.name not in _OF_THE_ENCODER),
        "the encoder side; BERT has no decoder",
    ),
    8: Spot(
        (DECODER_SIDE,),
        (*_OF_THE_ENCODER, *_CROSS),
        "the decoder side without cross-attention; GPT has no encoder",
    ),
    9: Spot((WHOLE,), (), "the whole Transformer"),
    10: Spot((WHOLE,), (), "the whole Transformer, put to four tasks"),
}


def share(pieces: Collection[str], passed: Collection[str]) -> Fraction:
    """How much of a box is the student's own: passed pieces over all of its pieces."""
    return Fraction(sum(piece in passed for piece in pieces), len(pieces))
