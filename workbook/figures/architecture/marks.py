"""The marks of the map: yours, partly yours, still to come, here, not in this model.

Each differs by more than its colour: a tick, a fraction, an empty box, a hatched rim, a dashed one.
"""

from collections.abc import Collection

from matplotlib.axes import Axes

from workbook.figures.architecture.plan import share
from workbook.figures.diagram import Place, block, label, part_fill
from workbook.figures.style import INK, KEY, PAPER, QUERY, SMALL_SIZE, TEXT_SIZE

YOURS = "#c3d8ec"
HERE = QUERY
ABSENT = "#767676"
TICK = "✓"

_RIM = 0.07


def piece_box(
    board: Axes,
    place: Place,
    text: str,
    pieces: Collection[str],
    passed: Collection[str],
    *,
    absent: bool = False,
    size: float = TEXT_SIZE,
    name: str = "",
) -> None:
    """A box that shows how many of its pieces have passed; `name` becomes the patch's gid."""
    done = sum(piece in passed for piece in pieces)
    whole = bool(pieces) and done == len(pieces)
    patch = block(board, place, line=0)
    if done and not absent:
        part_fill(board, patch, place, float(share(pieces, passed)), YOURS)
    outline = block(
        board,
        place,
        fill="none",
        edge=ABSENT if absent else KEY if done else INK,
        line=1.0 if absent or not done else 1.3,
        dashed=absent,
        level=2.5,
    )
    outline.set_gid(name or None)
    x, y = place.middle
    ink = ABSENT if absent else INK
    label(board, x - (0.1 if done and not absent else 0), y, text, size=size, color=ink)
    if done and not absent:
        mark = TICK if whole else f"{done}/{len(pieces)}"
        label(
            board,
            place.right - 0.08,
            y,
            mark,
            ha="right",
            size=TEXT_SIZE if whole else SMALL_SIZE,
            weight="bold" if whole else "normal",
            color=KEY,
        )


def rim(board: Axes, place: Place, level: float = 0.5) -> None:
    """The hatched rim around what today's lesson makes."""
    outer = block(
        board,
        place.grown(_RIM),
        fill="#fbe3d6",
        edge=HERE,
        line=1.6,
        hatch="//////",
        rounding=0.1,
        level=level,
    )
    outer.set_gid("here")
    block(board, place, fill=PAPER, edge="none", line=0, rounding=0.06, level=level + 0.05)
