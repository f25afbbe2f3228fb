"""Two ways to write down one mask: True for "may attend", and True for "hidden"."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.diagram import arrow, label
from workbook.figures.matrices import draw_attention
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import INK, LINE, MUTED, PAGE_WIDTH, PAPER, SHADE, SMALL_SIZE


def mask_conventions(mask: Any, tokens: Sequence[Any]) -> Picture:
    """The same mask in both conventions, and the looks that both of them allow.

    Args:
        mask: `(queries, keys)` boolean, True means "may attend".
        tokens: the words, for rows and columns.

    Raises:
        ValueError: a mask that has not one row and one column for each token.
    """
    length = len(tokens)
    words = as_labels(tokens, "tokens", length)
    allowed = as_array(mask, "mask", length, length).astype(bool)
    counts = allowed.sum(axis=1, keepdims=True)
    weights = np.divide(allowed, counts, where=counts > 0, out=np.zeros((length, length)))
    left = max(text_width(word, SMALL_SIZE) for word in words) + 0.16
    above = max(text_width(word, SMALL_SIZE) for word in words) + 0.1
    between = 0.75
    cell = min((PAGE_WIDTH - 3 * left - 2 * between - 0.3) / (3 * length), 0.42)
    side = cell * length
    width = 3 * (left + side) + 2 * between + 0.3
    shift = max(PAGE_WIDTH - width, 0) / 2
    title = "One mask, written down in two ways: ~ turns one into the other"
    panels = (
        ("in this course", "True: may attend", allowed),
        ("in nn.MultiheadAttention", "True: hidden", ~allowed),
    )
    height = side + above + 1.0
    with sheet(max(width, PAGE_WIDTH), height, title) as page:
        board = page.board()
        bottom = 0.42
        for place, (name, meaning, table) in enumerate(panels):
            start = shift + 0.12 + left + place * (side + left + between)
            axes = page.axes(start, bottom, side, side)
            _draw_booleans(axes, table, words)
            middle = start + side / 2
            label(board, middle, bottom + side + above + 0.34, name, weight="bold")
            label(board, middle, bottom + side + above + 0.14, meaning, size=SMALL_SIZE)
        start = shift + 0.12 + left + 2 * (side + left + between)
        axes = page.axes(start, bottom, side, side)
        draw_attention(axes, weights, words, words, numbers=False, mask=allowed, upright=True)
        label(
            board, start + side / 2, bottom + side + above + 0.34, "what both mean", weight="bold"
        )
        label(
            board,
            start + side / 2,
            bottom + side + above + 0.14,
            "hatched: no look",
            size=SMALL_SIZE,
        )
        for place, sign in enumerate(("~", "=")):
            x = shift + 0.12 + left + side + place * (side + left + between) + between / 2
            y = bottom + side / 2
            if sign == "~":
                arrow(board, (x, y), (x + 0.26, y))
                arrow(board, (x, y), (x - 0.26, y))
                label(board, x, y + 0.15, "~", weight="bold", size=13)
            else:
                label(board, x, y, "=", weight="bold", size=14)
        label(
            board,
            shift + 0.12 + left + side / 2,
            bottom - 0.22,
            "and in F.scaled_dot_product_attention",
            size=SMALL_SIZE,
            color=MUTED,
        )
        label(
            board,
            shift + 0.12 + left + side + left + between + side / 2,
            bottom - 0.22,
            "attn_mask and key_padding_mask",
            size=SMALL_SIZE,
            color=MUTED,
        )
    looks = "; ".join(
        f"“{query}” at "
        + (", ".join(f"“{key}”" for key, may in zip(words, row, strict=True) if may) or "nothing")
        for query, row in zip(words, allowed, strict=True)
    )
    alt = (
        f"{title}. In this course and in F.scaled_dot_product_attention True means “may attend”: "
        f"{allowed.sum()} of {allowed.size} cells are T. In nn.MultiheadAttention True means "
        f"“hidden”: {(~allowed).sum()} are T. Both allow the same looks: {looks}."
    )
    return Picture(page.figure, alt)


def _draw_booleans(axes: Axes, table: np.ndarray, words: Sequence[str]) -> None:
    """T and F in cells, T on a shade, so that it is told by more than its letter."""
    length = len(words)
    axes.set(xlim=(-0.5, length - 0.5), ylim=(length - 0.5, -0.5))
    for (row, column), value in np.ndenumerate(table):
        axes.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                1,
                1,
                facecolor="#cfd8e3" if value else PAPER,
                edgecolor=LINE,
                linewidth=0.8,
            )
        )
        axes.text(
            column,
            row,
            "T" if value else "F",
            ha="center",
            va="center",
            size=SMALL_SIZE,
            color=INK if value else MUTED,
            weight="bold" if value else "normal",
        )
    axes.set_facecolor(SHADE)
    axes.set_xticks(range(length), words, rotation=90)
    axes.set_yticks(range(length), words)
    axes.tick_params(length=0, pad=4, top=False, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
