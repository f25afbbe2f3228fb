"""Teacher forcing: what the decoder is given at every position, and what it should say there."""

from collections.abc import Sequence

from workbook.figures.arrays import as_labels
from workbook.figures.diagram import Place, arrow, block, label, row_of_words
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    QUERY,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)

_MOST = 9


def teacher_forcing(target: Sequence[str], bos: str = "<bos>") -> Picture:
    """The target below, shifted right, as what is given, and above as what should be said.

    Args:
        target: the words of a sentence, its end mark included.
        bos: what is given first.

    Raises:
        ValueError: fewer than two words, or more than can be read.
    """
    target = as_labels(target, "target", len(target))
    if not 2 <= len(target) <= _MOST:
        raise ValueError(f"2 to {_MOST} words can be drawn, not {len(target)}")
    given = [bos, *target[:-1]]
    title = "Every position is given the right words so far, and should say the next one"
    note = "All positions at once, in one pass. The mask keeps each from seeing what it should say."
    with sheet(PAGE_WIDTH, 2.75, title, note) as page:
        board = page.board()
        left, width = 1.75, PAGE_WIDTH - 1.75 - 0.25
        low = row_of_words(board, given, Place(left, 0.42, width, 0.34), fill=KEY_TINT)
        body = Place(left, 1.12, width, 0.46)
        block(board, body, "decoder: each position sees itself and the positions to its left")
        high = row_of_words(board, target, Place(left, 1.94, width, 0.34), fill=VALUE_TINT)
        for below, above in zip(low, high, strict=True):
            x = below.middle[0]
            arrow(board, (x, below.top), (x, body.bottom))
            arrow(board, (x, body.top), (x, above.bottom))
        for place, text in (
            (low[0], "given\n(shifted right)"),
            (high[0], "should say\n(the target)"),
        ):
            label(board, left - 0.15, place.middle[1], text, ha="right", size=SMALL_SIZE)
        lost = Place(high[-1].right - high[-1].width, 0.42, high[-1].width, 0.34)
        label(
            board,
            lost.right,
            0.14,
            f"“{target[-1]}” is never given: nothing comes after it",
            ha="right",
            size=SMALL_SIZE,
            color=MUTED,
        )
        first, second = high[0], low[1]
        arrow(
            board,
            (first.right - 0.1, first.bottom),
            (second.left + 0.1, second.top),
            color=QUERY,
            dashed=True,
        )
        block(board, first, target[0], fill=QUERY_TINT, edge=LINE, rounding=0.04, level=6)
        block(board, second, given[1], fill=QUERY_TINT, edge=LINE, rounding=0.04, level=6)
        label(
            board,
            left + width / 2,
            2.5,
            f"“{target[0]}” is the answer at the first position and given at the second",
            size=SMALL_SIZE,
            color=QUERY,
        )
    told = "; ".join(f"given “{a}”, should say “{b}”" for a, b in zip(given, target, strict=True))
    return Picture(page.figure, f"{title}. Position by position: {told}.")
