"""What a layer says about a sentence, and about the same words in another order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.diagram import arrow, label
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.positional_encoding.features import draw_features
from workbook.figures.style import MUTED, PAGE_WIDTH, PAPER, QUERY, SMALL_SIZE

_ROW = 0.34
_SAME = 1e-4
_NOTE = "One row a word, one cell a feature of its output vector."


def reordered_outputs(
    outputs: Any,
    reordered: Any,
    words: Sequence[Any],
    order: Sequence[int],
    title: str,
) -> Picture:
    """Two tables of output vectors, and lines between the rows that belong to the same word.

    A line is solid where the word's vector is the same on both sides, dashed where it isn't.

    Args:
        outputs: `(words, features)`, of the sentence as it stands.
        reordered: `(words, features)`, of the sentence whose word j is the first one's `order[j]`.
        words: of the first sentence.
        order: a permutation of 0, 1, 2, …
        title: what to notice.

    Raises:
        ValueError: shapes that differ, or an order that is no permutation.
    """
    left = as_array(outputs, "outputs", "words", "features")
    right = as_array(reordered, "reordered", *left.shape)
    count = len(left)
    names = as_labels(words, "words", count)
    order = [int(place) for place in order]
    if sorted(order) != list(range(count)):
        raise ValueError(f"order should hold each of 0 to {count - 1} once, but it is {order}")
    same = [bool(np.abs(right[j] - left[i]).max() < _SAME) for j, i in enumerate(order)]
    limit = float(np.abs([left, right]).max()) or 1.0
    height = _ROW * count
    room = max(text_width(name) for name in names) + 0.15
    width = (PAGE_WIDTH - 0.3 - 2 * room - 1.6) / 2
    with sheet(PAGE_WIDTH, height + 0.62, title, _NOTE) as page:
        board = page.board()
        first = 0.12 + room
        second = first + width + 1.6
        for place, rows, shown in (
            (first, left, names),
            (second, right, [names[i] for i in order]),
        ):
            axes = page.axes(place, 0.3, width, height)
            draw_features(axes, rows, (-limit, limit))
            axes.set_xticks([])
            axes.set_yticks(range(count), shown)
            if place == second:
                axes.yaxis.tick_right()
            for edge in range(1, count):
                axes.axhline(edge - 0.5, color=PAPER, linewidth=1.5)
        for place, text in ((first, "outputs of the sentence"), (second, "in the other order")):
            label(board, place, height + 0.44, text, ha="left", weight="bold")
        for j, (i, equal) in enumerate(zip(order, same, strict=True)):
            arrow(
                board,
                (first + width + 0.08, 0.3 + height - _ROW * (i + 0.5)),
                (second - 0.08, 0.3 + height - _ROW * (j + 0.5)),
                color=MUTED if equal else QUERY,
                dashed=not equal,
            )
        kept = sum(same)
        middle = first + width + 0.8
        said = f"{kept} of {count} the same"
        label(board, middle, 0.12, said, size=SMALL_SIZE, color=MUTED)
    pairs = ", ".join(
        f"“{names[i]}” moves from row {i + 1} to row {j + 1} and "
        f"{'keeps its vector' if equal else 'changes'}"
        for j, (i, equal) in enumerate(zip(order, same, strict=True))
    )
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. Two tables of output vectors, one row a word. {pairs}.",
    )
