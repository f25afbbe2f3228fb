"""The three kinds of attention in a Transformer: who asks, who answers, and what is hidden."""

from collections.abc import Sequence

import numpy as np

from workbook.figures.arrays import as_labels
from workbook.figures.diagram import label
from workbook.figures.matrices import draw_attention
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import MUTED, PAGE_WIDTH, SMALL_SIZE

_CELL = 0.3
_MOST = 7


def three_kinds_of_attention(
    source: Sequence[str], target: Sequence[str], pad: str = "<pad>"
) -> Picture:
    """Encoder self-attention, decoder self-attention and cross-attention, beside each other.

    Each word shares its weight equally among the words that it may look at.

    Args:
        source: words, padding at the end included.
        target: words as the decoder is given them, `<bos>` first.
        pad: how padding is written.

    Raises:
        ValueError: a sentence without words, or one too long to be read.
    """
    source, target = (
        as_labels(source, "source", len(source)),
        as_labels(target, "target", len(target)),
    )
    if not 1 <= len(source) <= _MOST or not 1 <= len(target) <= _MOST:
        raise ValueError(f"sentences of 1 to {_MOST} words can be drawn")
    real = np.array([word != pad for word in source])
    causal = np.tril(np.ones((len(target), len(target)), dtype=bool))
    kinds = (
        ("encoder self-attention", source, source, np.tile(real, (len(source), 1)),
         "source asks source", "hidden: padding"),
        ("decoder self-attention", target, target, causal,
         "target asks target", "hidden: the future"),
        ("cross-attention", target, source, np.tile(real, (len(target), 1)),
         "target asks source", "hidden: padding"),
    )  # fmt: skip
    left = max(text_width(word, SMALL_SIZE) for word in (*source, *target)) + 0.15
    above = left + 0.1
    tall = _CELL * max(len(source), len(target))
    title = "Three kinds of attention: one calculation, other askers, other answers, other masks"
    note = "Rows ask, columns are looked at, hatched cells are hidden. Weights shared equally."
    with sheet(PAGE_WIDTH, tall + above + 1.05, title, note) as page:
        board = page.board()
        room = PAGE_WIDTH / 3
        for number, (name, rows, columns, allowed, who, hidden) in enumerate(kinds):
            wide, high = _CELL * len(columns), _CELL * len(rows)
            start = number * room + (room - wide - left) / 2 + left
            bottom = 0.12 + tall - high
            weights = allowed / np.maximum(allowed.sum(1, keepdims=True), 1)
            axes = page.axes(start, bottom, wide, high)
            draw_attention(axes, weights, rows, columns, False, allowed, upright=True)
            middle = number * room + room / 2
            top = 0.12 + tall + above
            label(board, middle, top + 0.62, name, weight="bold")
            label(board, middle, top + 0.4, who, size=SMALL_SIZE)
            label(board, middle, top + 0.2, hidden, size=SMALL_SIZE, color=MUTED)
    told = " ".join(
        f"{name.capitalize()}: {who}, {len(rows)} rows by {len(columns)} columns, {hidden}; "
        f"{int(allowed.sum())} of {allowed.size} looks are allowed."
        for name, rows, columns, allowed, who, hidden in kinds
    )
    return Picture(page.figure, f"{title}. {told}")
