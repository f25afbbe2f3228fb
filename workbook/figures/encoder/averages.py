"""Which numbers batch norm and layer norm average over."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import as_array, as_labels, short
from workbook.figures.diagram import label
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY_TINT, LINE, MUTED, PAGE_WIDTH, PAPER, SHADE, SMALL_SIZE

_CELL = (0.46, 0.29)
_BETWEEN = 0.16


def averaged_over(x: Any, sentences: Sequence[Sequence[Any]], padding: str = "<pad>") -> Picture:
    """Two panels over the same batch: one feature of all words, and all features of one word.

    Args:
        x: `(sentences, words, features)`.
        sentences: the words of each sentence, all as many; those called `padding` are greyed.
        padding: what a place without a word is called.

    Raises:
        ValueError: other sizes than the sentences have, or sentences of different lengths.
    """
    count, length = len(sentences), len(sentences[0])
    values = as_array(x, "x", count, length, "features")
    words = [as_labels(each, "words", length) for each in sentences]
    features = values.shape[-1]
    longest = max(text_width(word, SMALL_SIZE) for row in words for word in row)
    across, up = _CELL
    high = count * length * up + (count - 1) * _BETWEEN
    title = "Batch norm averages down a column, layer norm along a row"
    feature, word = 1, (0, 1)
    with sheet(PAGE_WIDTH, high + 1.35, title) as page:
        board = page.board()
        told = []
        for place, name in enumerate(("batch norm", "layer norm")):
            left = longest + 1.1 + place * (features * across + longest + 1.3)
            top = high + 0.72
            middle = left + features * across / 2
            label(board, middle, top + 0.42, name, weight="bold")
            for column in range(features):
                label(
                    board,
                    left + across * (column + 0.5),
                    top + 0.12,
                    f"f{column + 1}",
                    size=SMALL_SIZE,
                    color=MUTED,
                )
            chosen = (
                values[:, :, feature].ravel() if place == 0 else values[word[0], word[1]].ravel()
            )
            for sentence in range(count):
                start = top - sentence * (length * up + _BETWEEN)
                picked = (
                    {(row, feature) for row in range(length)}
                    if place == 0
                    else {(word[1], column) for column in range(features)}
                    if sentence == word[0]
                    else set()
                )
                _draw_sentence(
                    board, left, start, values[sentence], words[sentence], picked, padding
                )
            mean, deviation = chosen.mean(), chosen.std()
            result = f"mean {short(mean)}, deviation {short(deviation)}"
            whose = (
                f"f{feature + 1}, over {count * length} places"
                if place == 0
                else f"“{words[word[0]][word[1]]}”, over {features} features"
            )
            label(board, middle, 0.4, whose, size=SMALL_SIZE)
            label(board, middle, 0.18, result, size=SMALL_SIZE)
            told.append(f"{name} takes {whose}: {result}")
    alt = f"{title}. A batch of {count} sentences of {length} places; {'; '.join(told)}."
    return Picture(page.figure, alt)


def _draw_sentence(
    board: Axes,
    left: float,
    top: float,
    values: np.ndarray,
    words: Sequence[str],
    picked: set[tuple[int, int]],
    padding: str,
) -> None:
    """One sentence: a row a word, picked cells shaded and outlined."""
    across, up = _CELL
    for (row, column), value in np.ndenumerate(values):
        x, y = left + across * column, top - up * (row + 1)
        chosen = (row, column) in picked
        empty = words[row] == padding
        board.add_patch(
            Rectangle(
                (x, y),
                across,
                up,
                facecolor=KEY_TINT if chosen else SHADE if empty else PAPER,
                edgecolor=INK if chosen else LINE,
                linewidth=1.8 if chosen else 0.8,
                zorder=3 if chosen else 2,
            )
        )
        label(
            board,
            x + across / 2,
            y + up / 2,
            short(value),
            size=SMALL_SIZE,
            weight="bold" if chosen else "normal",
            color=MUTED if empty and not chosen else INK,
        )
    for row, word in enumerate(words):
        label(board, left - 0.08, top - up * (row + 0.5), word, ha="right", size=SMALL_SIZE)
