"""All words at once: attention as two matrix products, with the sizes drawn to scale."""

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.diagram import Place, arrow, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY_TINT,
    SHADE,
    SMALL_SIZE,
    TIMES,
    VALUE_TINT,
)

_GAP = 0.42
_STEP = 0.84
_MARGIN = 0.3


def all_words_at_once(length: int = 6, d_k: int = 4, d_v: int = 3) -> Picture:
    """`softmax(Q Kᵀ / √d_k) V` as rectangles whose sides are proportional to their sizes.

    One output row is marked through the whole calculation: its query row, its score row, its
    weights, and the values it mixes.

    Args:
        length: the number of words N.
        d_k: features of a query and of a key.
        d_v: features of a value.

    Raises:
        ValueError: a size below 1 or above 16, beyond which single cells can't be seen.
    """
    for name, size in (("length", length), ("d_k", d_k), ("d_v", d_v)):
        if not 1 <= size <= 16:
            raise ValueError(f"{name} should be from 1 to 16 to be drawn cell by cell, not {size}")
    cells = d_k + 3 * length + 2 * d_v
    unit = min(0.26, (PAGE_WIDTH - 2 * _MARGIN - 4 * _GAP - _STEP) / cells)
    tall = unit * max(length, d_k)
    width = cells * unit + 2 * _MARGIN + 4 * _GAP + _STEP
    start = _MARGIN + max(0.0, PAGE_WIDTH - width) / 2
    middle = 0.58 + tall / 2
    row = min(2, length - 1)
    title = f"Two matrix products answer all {length} queries at once"
    note = (
        f"One word's way through them is marked: row {row + 1} of Q meets every key, and its row "
        "of weights mixes every value."
    )
    with sheet(PAGE_WIDTH, tall + 1.0, title, note) as page:
        board = page.board()
        parts = (
            ("Q", length, d_k, QUERY_TINT, f"N {TIMES} $d_k$", [row]),
            ("Kᵀ", d_k, length, KEY_TINT, f"$d_k$ {TIMES} N", []),
            ("scores", length, length, PAPER, f"N {TIMES} N", [row]),
            ("weights", length, length, SHADE, f"N {TIMES} N", [row]),
            ("V", length, d_v, VALUE_TINT, f"N {TIMES} $d_v$", []),
            ("output", length, d_v, VALUE_TINT, f"N {TIMES} $d_v$", [row]),
        )
        signs = ("·", "=", "", "·", "=")
        x = start
        for position, (name, rows, columns, tint, size, marked) in enumerate(parts):
            place = Place(x, middle - unit * rows / 2, unit * columns, unit * rows)
            _grid(board, place, rows, columns, unit, tint, marked)
            label(board, place.middle[0], middle + tall / 2 + 0.2, name, weight="bold")
            numbers = f"{rows} {TIMES} {columns}"
            label(board, place.middle[0], middle - tall / 2 - 0.2, size)
            label(
                board,
                place.middle[0],
                middle - tall / 2 - 0.4,
                numbers,
                size=SMALL_SIZE,
                color=MUTED,
            )
            x = place.right
            if position < len(signs):
                gap = _GAP if signs[position] else _STEP
                if signs[position]:
                    label(board, x + gap / 2, middle, signs[position], size=13)
                else:
                    step = "$\\div\\sqrt{d_k}$\nsoftmax"
                    arrow(board, (x + 0.08, middle), (x + gap - 0.08, middle))
                    label(board, x + gap / 2, middle + 0.25, step, size=SMALL_SIZE)
                x += gap
    alt = (
        f"Q with {length} rows and {d_k} columns times K transposed, {d_k} by {length}, gives "
        f"scores of {length} by {length}. Divided by the square root of d_k and passed through "
        f"softmax they are weights of the same size, which times V, {length} by {d_v}, give the "
        f"output, {length} by {d_v}: one row for each word."
    )
    return Picture(page.figure, alt)


def _grid(
    board: Axes, place: Place, rows: int, columns: int, unit: float, tint: str, marked: list[int]
) -> None:
    board.add_patch(
        Rectangle((place.left, place.bottom), place.width, place.height, facecolor=tint, zorder=1)
    )
    for column in range(1, columns):
        x = place.left + unit * column
        board.plot([x, x], [place.bottom, place.top], color=LINE, linewidth=0.7, zorder=1.5)
    for line in range(1, rows):
        y = place.bottom + unit * line
        board.plot([place.left, place.right], [y, y], color=LINE, linewidth=0.7, zorder=1.5)
    outline = {"facecolor": "none", "edgecolor": MUTED, "linewidth": 1.1, "zorder": 2}
    board.add_patch(Rectangle((place.left, place.bottom), place.width, place.height, **outline))
    for row in marked:
        mark = Rectangle(
            (place.left, place.top - unit * (row + 1)),
            place.width,
            unit,
            facecolor="none",
            edgecolor=INK,
            linewidth=2.2,
            zorder=3,
            hatch="///",
        )
        board.add_patch(mark)
