"""Splitting into heads with numbers that tell where they come from: done right, and by a bare
view."""

from typing import Any

import numpy as np

from workbook.figures.arrays import as_array
from workbook.figures.diagram import Place, arrow, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY_TINT,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)
from workbook.figures.tables import CELL_HEIGHT, CELL_WIDTH, draw_table

_TINTS = (QUERY_TINT, KEY_TINT, VALUE_TINT, PAPER)
_MOST = 8


def splitting_heads(x: Any, right: Any, view: Any) -> Picture:
    """A small sentence split into heads, beside what a bare view makes of it.

    A good choice of numbers is 11, 12, 13 … for the first word, 21, 22 … for the second: each then
    tells its word and its feature.

    Args:
        x: `(length, d_model)`.
        right: `(num_heads, length, d_head)`, the heads.
        view: the same shape, the numbers of `x` in memory order.

    Raises:
        ValueError: shapes that do not fit, more than four heads, or sizes too large to be read.
    """
    x = as_array(x, "x", "length", "d_model")
    length, d_model = x.shape
    right = as_array(right, "right", "num_heads", length, "d_head")
    heads, _, d_head = right.shape
    view = as_array(view, "view", heads, length, d_head)
    if heads * d_head != d_model:
        raise ValueError(f"{heads} heads of {d_head} features don't make d_model = {d_model}")
    if heads > len(_TINTS) or max(length, d_model) > _MOST:
        raise ValueError(
            f"at most {len(_TINTS)} heads and {_MOST} words and features can be drawn, not "
            f"{heads}, {length} and {d_model}"
        )
    tall, wide = CELL_HEIGHT * length, CELL_WIDTH * d_head
    left, gap = 0.85, 0.35
    first = left + CELL_WIDTH * d_model + 1.75
    band = tall + 0.75
    height = 2 * band + 0.1
    title = "A head takes a run of features from every word; a bare view deals out word after word"
    note = "First digit: the word. Second digit: the feature. The tint follows the feature's head."
    with sheet(max(PAGE_WIDTH, first + heads * (wide + gap)), height, title, note) as page:
        board = page.board()
        middle = height / 2
        top = middle + tall / 2
        owner = [head for head in range(heads) for _ in range(d_head)]
        for feature in range(d_model):
            draw_table(
                board,
                left + CELL_WIDTH * feature,
                top,
                x[:, feature : feature + 1],
                fill=_TINTS[owner[feature]],
            )
        given = Place(left, top - tall, CELL_WIDTH * d_model, tall)
        label(board, given.middle[0], top + 0.15, "x", weight="bold")
        for word in range(length):
            y = top - CELL_HEIGHT * (word + 0.5)
            label(board, left - 0.08, y, f"word {word + 1}", ha="right", size=SMALL_SIZE)
        for place, (name, made) in enumerate(
            (("split, then swapped", right), ("a bare view", view))
        ):
            upper = height - 0.45 - band * place
            level = upper - tall / 2
            turn = given.right + 0.3
            arrow(
                board,
                (given.right + 0.08, middle),
                (turn, middle),
                (turn, level),
                (first - 0.12, level),
                color=MUTED,
            )
            label(board, (turn + first) / 2 + 0.02, level + 0.14, name, size=SMALL_SIZE)
            for head in range(heads):
                start = first + head * (wide + gap)
                for (word, feature), number in np.ndenumerate(made[head]):
                    home = int(np.argwhere(x == number)[0][1]) if (x == number).any() else 0
                    draw_table(
                        board,
                        start + CELL_WIDTH * feature,
                        upper - CELL_HEIGHT * word,
                        np.array([[number]]),
                        fill=_TINTS[owner[home]],
                    )
                label(board, start + wide / 2, upper + 0.15, f"head {head + 1}", weight="bold")
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"head {head} holds {' | '.join(' '.join(f'{n:.0f}' for n in row) for row in table)}"
            for head, table in enumerate(made, start=1)
        )
        for name, made in (("Split, then swapped", right), ("A bare view", view))
    )
    alt = f"{title}. {length} words of {d_model} features, cut into {heads} heads. {told}."
    return Picture(page.figure, alt)
