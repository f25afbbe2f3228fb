"""One matrix, any number of heads: the columns are shared out, and none are added."""

from collections.abc import Sequence

from matplotlib.patches import Rectangle

from workbook.figures.diagram import label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY_TINT,
    SMALL_SIZE,
    TIMES,
    VALUE_TINT,
)

_TINTS = (QUERY_TINT, KEY_TINT, VALUE_TINT, PAPER)
_HATCHES = (None, "...", None, "///")


def shared_columns(d_model: int = 8, heads: Sequence[int] = (1, 2, 4)) -> Picture:
    """W^Q drawn cell by cell, its columns shared out among different numbers of heads.

    Args:
        d_model: rows and columns of the matrix, at most 16.
        heads: the numbers of heads, each a divisor of `d_model`; one drawing each, at most four.

    Raises:
        ValueError: a number of heads that doesn't divide `d_model`, or sizes too large to be drawn.
    """
    if not 1 <= d_model <= 16 or not 1 <= len(heads) <= 4:
        raise ValueError("d_model should be from 1 to 16, and there should be 1 to 4 drawings")
    for count in heads:
        if count < 1 or d_model % count:
            raise ValueError(f"d_model = {d_model} can't be shared out among {count} heads")
    side = min(1.7, (PAGE_WIDTH - 1.2) / len(heads) - 0.7)
    unit = side / d_model
    step = (PAGE_WIDTH - 0.6) / len(heads)
    title = f"However many heads share it, $W^Q$ has {d_model**2} numbers"
    with sheet(PAGE_WIDTH, side + 0.95, title) as page:
        board = page.board()
        for place, count in enumerate(heads):
            left, bottom = 0.3 + step * place + (step - side) / 2, 0.5
            width = side / count
            for head in range(count):
                patch = Rectangle(
                    (left + head * width, bottom),
                    width,
                    side,
                    facecolor=_TINTS[head % 4],
                    edgecolor=MUTED,
                    linewidth=1.2,
                    hatch=_HATCHES[head % 4] if count > 1 else None,
                    zorder=1,
                )
                patch.set_gid(f"head {head + 1} of {count}")
                board.add_patch(patch)
                if width > 0.3:
                    text = label(
                        board,
                        left + (head + 0.5) * width,
                        bottom + side / 2,
                        f"head {head + 1}",
                        size=SMALL_SIZE,
                        rotation=90 if width < 0.55 else 0,
                    )
                    text.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 1.5})
            for line in range(1, d_model):
                for across, up in (
                    ([left, left + side], [bottom + unit * line] * 2),
                    ([left + unit * line] * 2, [bottom, bottom + side]),
                ):
                    board.plot(across, up, color=LINE, linewidth=0.5, zorder=1.5)
            plural = "head" if count == 1 else "heads"
            label(board, left + side / 2, bottom + side + 0.17, f"{count} {plural}", weight="bold")
            each = f"{d_model} {TIMES} {d_model // count}"
            said = each if count == 1 else f"{count} {TIMES} ({each})"
            label(board, left + side / 2, bottom - 0.17, f"{said} = {d_model**2}", size=SMALL_SIZE)
    told = "; ".join(f"{count} heads of {d_model // count} columns" for count in heads)
    alt = (
        f"The same matrix of {d_model} by {d_model} drawn {len(heads)} times, its columns shared "
        f"out among heads: {told}. The number of parameters is {d_model**2} each time."
    )
    return Picture(page.figure, alt)
