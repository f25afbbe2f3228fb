"""Small matrices with their numbers printed: for what a reader should be able to check by hand."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import short
from workbook.figures.diagram import Place, label
from workbook.figures.style import (
    ATTENTION_LIMITS,
    ATTENTION_MAP,
    INK,
    LINE,
    MUTED,
    PAPER,
    SMALL_SIZE,
    ink_on,
)

CELL_WIDTH, CELL_HEIGHT = 0.38, 0.29


def draw_table(
    board: Axes,
    left: float,
    top: float,
    values: np.ndarray,
    *,
    cell: tuple[float, float] = (CELL_WIDTH, CELL_HEIGHT),
    name: str = "",
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    fill: str = PAPER,
    as_weights: bool = False,
    follow: int | None = None,
    digits: int = 2,
) -> Place:
    """A matrix on a board, one number a cell; returns the place it takes, without its labels.

    Args:
        board: whose units are inches.
        left, top: of the upper left cell.
        values: `(rows, columns)`.
        cell: width and height of one cell.
        name: written above the matrix, and above the column labels.
        rows, columns: labels on the left and along the top.
        fill: of every cell.
        as_weights: colour each cell by its value on the course's scale of attention weights, and
            print two digits, so that a small weight can be told from none.
        follow: a row to outline, so that a reader can follow one word through a calculation.
        digits: after the decimal point, at most.
    """
    height, width = values.shape
    across, up = cell
    place = Place(left, top - up * height, across * width, up * height)
    colours = matplotlib.colormaps[ATTENTION_MAP]
    low, high = ATTENTION_LIMITS
    for (row, column), value in np.ndenumerate(values):
        x, y = left + across * column, top - up * (row + 1)
        shade = colours((value - low) / (high - low)) if as_weights else None
        board.add_patch(
            Rectangle(
                (x, y), across, up, facecolor=shade or fill, edgecolor=LINE, linewidth=0.8, zorder=2
            )
        )
        label(
            board,
            x + across / 2,
            y + up / 2,
            f"{value:.2f}" if as_weights else short(value, digits),
            size=SMALL_SIZE,
            color=ink_on(shade[:3]) if shade else INK,
        )
    board.add_patch(
        Rectangle(
            (left, place.bottom),
            place.width,
            place.height,
            facecolor="none",
            edgecolor=MUTED,
            linewidth=1.0,
            zorder=3,
        )
    )
    if follow is not None:
        board.add_patch(
            Rectangle(
                (left, top - up * (follow + 1)),
                place.width,
                up,
                facecolor="none",
                edgecolor=INK,
                linewidth=2.2,
                zorder=4,
            )
        )
    for row, text in enumerate(rows):
        label(board, left - 0.07, top - up * (row + 0.5), text, ha="right", size=SMALL_SIZE)
    for column, text in enumerate(columns):
        label(board, left + across * (column + 0.5), top + 0.1, text, size=SMALL_SIZE)
    if name:
        label(board, place.middle[0], top + (0.3 if columns else 0.13), name, weight="bold")
    return place
