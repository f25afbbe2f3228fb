"""The two stacks of the map: their boxes, and the arrows that carry the data up through them."""

from collections.abc import Collection

from matplotlib.axes import Axes

from workbook.figures.architecture.marks import ABSENT, piece_box, rim
from workbook.figures.architecture.plan import (
    BOX,
    BOXES,
    DECODER,
    ENCODER,
    Spot,
    marked_place,
    share,
)
from workbook.figures.diagram import Place, arrow, block, junction, label
from workbook.figures.style import INK, LINE, MUTED, PAPER, SHADE, SMALL_SIZE, TIMES

_PLUS = 1.4
_FRAMES = ("encoder", "decoder")
_SIDE = 1.0
_SPREAD = 0.5


def draw_stacks(board: Axes, spot: Spot, passed: Collection[str]) -> None:
    """Both stacks with their marks.

    Args:
        board: at least `WIDTH` by `HEIGHT` inches.
        spot: where today's lesson is.
        passed: the names of the pieces that are the student's own.
    """
    for name in spot.marked:
        level = 1.3 if name in BOX and name not in _FRAMES else 0.2
        rim(board, marked_place(name), level)
    for name in _FRAMES:
        _frame(board, name, spot, passed)
    for box in BOXES:
        if box.name not in _FRAMES:
            absent = box.name in spot.absent
            piece_box(board, box.place, box.text, box.pieces, passed, absent=absent, name=box.name)
    source_absent = "source words" in spot.absent
    label(
        board,
        ENCODER,
        0.34,
        "Source words",
        color=ABSENT if source_absent else INK,
    )
    _encoder_arrows(board, "encoder" in spot.absent)
    _decoder_arrows(board, "decoder" in spot.absent, "cross-attention" in spot.absent)
    _memory(board, "encoder" in spot.absent or "decoder" in spot.absent)


def _frame(board: Axes, name: str, spot: Spot, passed: Collection[str]) -> None:
    box = BOX[name]
    absent = name in spot.absent
    block(
        board,
        box.place,
        fill=PAPER if absent else SHADE,
        edge=ABSENT if absent else MUTED,
        dashed=absent,
        rounding=0.1,
        level=1.0,
    ).set_gid(name)
    text = f"{name.capitalize()} {TIMES} N"
    badge = Place(box.place.left - 0.1, box.place.top - 0.12, 1.16, 0.24)
    piece_box(
        board, badge, text, box.pieces, passed, absent=absent, size=SMALL_SIZE, name=f"{name} badge"
    )


def _feed(board: Axes, x: float, start: float, attention: Place, colour: str) -> None:
    """One stream that becomes query, key and value below an attention box."""
    fork = attention.bottom - 0.17
    arrow(board, (x, start), (x, attention.bottom), color=colour)
    for side in (-_SPREAD, _SPREAD):
        arrow(board, (x, fork), (x + side, fork), (x + side, attention.bottom), color=colour)


def _residual(
    board: Axes, stack: float, x: float, start: float, norm: Place, side: float, colour: str
) -> None:
    """The way around a sublayer, from below it to the side of its add & norm box."""
    edge = norm.right if side > 0 else norm.left
    y = norm.middle[1]
    around = stack + side * _SIDE
    arrow(board, (x, start), (around, start), (around, y), (edge, y), color=colour)


def _into_stack(board: Axes, stack: float, prefix: str, colour: str) -> None:
    embedding = BOX[f"{prefix} embedding"].place
    positions = BOX[f"{prefix} positions"].place
    arrow(board, (stack, embedding.top), (stack, _PLUS - 0.1), color=colour)
    if positions.left > stack:
        arrow(board, (positions.left, _PLUS), (stack + 0.1, _PLUS), color=colour)
    else:
        arrow(board, (positions.right, _PLUS), (stack - 0.1, _PLUS), color=colour)
    junction(board, stack, _PLUS, color=colour)


def _encoder_arrows(board: Axes, absent: bool) -> None:
    colour = LINE if absent else INK
    x = ENCODER
    attention, norm_1 = BOX["encoder self-attention"].place, BOX["encoder norm 1"].place
    forward, norm_2 = BOX["encoder feed forward"].place, BOX["encoder norm 2"].place
    arrow(board, (x, 0.45), (x, BOX["source embedding"].place.bottom), color=colour)
    _into_stack(board, x, "source", colour)
    _feed(board, x, _PLUS + 0.1, attention, colour)
    _residual(board, x, x, 1.87, norm_1, -1, colour)
    arrow(board, (x, attention.top), (x, norm_1.bottom), color=colour, head=False)
    arrow(board, (x, norm_1.top), (x, forward.bottom), color=colour)
    _residual(board, x, x, 3.16, norm_2, -1, colour)
    arrow(board, (x, forward.top), (x, norm_2.bottom), color=colour, head=False)


def _decoder_arrows(board: Axes, absent: bool, without_cross: bool) -> None:
    colour = LINE if absent else INK
    cross = LINE if without_cross else INK
    x = DECODER
    place = {name: box.place for name, box in BOX.items()}
    attention, norm_1 = place["decoder self-attention"], place["decoder norm 1"]
    forward, norm_3 = place["decoder feed forward"], place["decoder norm 3"]
    arrow(
        board, (x, place["target words"].top), (x, place["target embedding"].bottom), color=colour
    )
    _into_stack(board, x, "target", colour)
    _feed(board, x, _PLUS + 0.1, attention, colour)
    _residual(board, x, x, 1.87, norm_1, 1, colour)
    arrow(board, (x, attention.top), (x, norm_1.bottom), color=colour, head=False)
    query = x + _SPREAD
    up = place["cross-attention"].bottom
    arrow(board, (x, norm_1.top), (x, 3.16), (query, 3.16), (query, up), color=cross)
    label(board, query + 0.1, 3.27, "Q", size=SMALL_SIZE, color=ABSENT if without_cross else INK)
    _residual(board, x, query, 3.16, place["decoder norm 2"], 1, cross)
    arrow(
        board,
        (x, place["cross-attention"].top),
        (x, place["decoder norm 2"].bottom),
        color=cross,
        head=False,
    )
    arrow(board, (x, place["decoder norm 2"].top), (x, forward.bottom), color=colour)
    _residual(board, x, x, 4.46, norm_3, 1, colour)
    arrow(board, (x, forward.top), (x, norm_3.bottom), color=colour, head=False)
    for lower, upper in (
        ("decoder norm 3", "linear"),
        ("linear", "softmax"),
        ("softmax", "next word"),
    ):
        arrow(board, (x, place[lower].top), (x, place[upper].bottom), color=colour)


def _memory(board: Axes, absent: bool) -> None:
    """The encoder's output, carried over to be the decoder's keys and values."""
    colour = LINE if absent else INK
    frame, cross = BOX["encoder"].place, BOX["cross-attention"].place
    over = (frame.right + BOX["decoder"].place.left) / 2
    rise, enter = frame.top + 0.27, 3.16
    top = BOX["encoder norm 2"].place.top
    for x in (DECODER - _SPREAD, DECODER - 0.12):
        arrow(
            board,
            (ENCODER, top),
            (ENCODER, rise),
            (over, rise),
            (over, enter),
            (x, enter),
            (x, cross.bottom),
            color=colour,
        )
    ink = ABSENT if absent else INK
    for x, name in ((DECODER - _SPREAD - 0.1, "K"), (DECODER - 0.22, "V")):
        label(board, x, 3.27, name, size=SMALL_SIZE, color=ink)
    label(
        board, ENCODER + 0.1, rise + 0.13, "what the encoder has read", size=SMALL_SIZE, color=ink
    )


def said(passed: Collection[str], absent: Collection[str]) -> str:
    """Which boxes are filled, in words, for the alternative text."""
    groups: dict[str, list[str]] = {"filled": [], "partly filled": [], "empty": []}
    for box in BOXES:
        if box.name in absent:
            continue
        part = share(box.pieces, passed)
        state = "filled" if part == 1 else "partly filled" if part else "empty"
        done = round(part * len(box.pieces))
        name = f"{box.spoken} ({done} of {len(box.pieces)})" if 0 < part < 1 else box.spoken
        if name not in groups[state]:
            groups[state].append(name)
    return " ".join(
        f"{state.capitalize()}: {', '.join(names)}." for state, names in groups.items() if names
    )
