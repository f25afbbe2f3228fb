"""Each pair (sine, cosine) as the hand of a clock: where it points, and how a shift turns it.

A hand's tip is at (sine, cosine), so at the angle 0 it points up, and it turns clockwise.
"""

import math
from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Wedge

from workbook.figures.arrays import as_array, short
from workbook.figures.diagram import arrow, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    KEY,
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY,
    SMALL_SIZE,
)
from workbook.figures.widget import Explorer

Encoding = Callable[..., torch.Tensor]
Shift = Callable[..., torch.Tensor]

_WIDTH = 8
_SPEEDS = (10_000.0 ** (-2 * np.arange(_WIDTH // 2) / _WIDTH)).tolist()
"""Radians that each hand of the explorer turns by at a step."""

_RADIUS = 0.4
_LAST = 60


def clock_hands(
    positions: Sequence[int], title: str, d_model: int = 8, base: float = 10_000.0
) -> Picture:
    """A row of clocks for each position, one clock a pair of columns.

    It works the hands out by itself, so that it can be shown before there is an encoding.

    Args:
        positions: the rows to show.
        title: what to notice.
        d_model: an even number of columns.
        base: of the sinusoids.

    Raises:
        ValueError: an odd number of columns, or no positions.
    """
    if d_model % 2:
        raise ValueError(f"a hand takes a sine and a cosine, but there are {d_model} columns")
    if not positions:
        raise ValueError("there should be at least one position to show")
    pairs = d_model // 2
    speeds = base ** (-2 * np.arange(pairs) / d_model)
    rows = {
        position: np.stack([np.sin(position * speeds), np.cos(position * speeds)], 1).ravel()
        for position in positions
    }
    step, across = 1.02, 1.55
    height = step * len(positions) + 0.35
    left = (PAGE_WIDTH - across * pairs) / 2 + 0.35
    with sheet(PAGE_WIDTH, height, title) as page:
        board = page.board()
        for pair in range(pairs):
            x = left + across * (pair + 0.5)
            text = f"columns {2 * pair} and {2 * pair + 1}"
            label(board, x, height - 0.17, text, size=SMALL_SIZE, color=MUTED)
        for line, position in enumerate(positions):
            y = height - 0.35 - step * (line + 0.5)
            label(board, left - 0.1, y, f"position {position}", ha="right", weight="bold")
            for pair in range(pairs):
                x = left + across * (pair + 0.5)
                _face(board, x, y)
                sine, cosine = rows[position][2 * pair : 2 * pair + 2]
                _hand(board, x, y, sine, cosine, KEY)
    told = "; ".join(
        f"position {position}: {', '.join(_pointing(rows[position], p) for p in range(pairs))}"
        for position in positions
    )
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. Clocks with one hand each, {pairs} for a position. Hands in degrees "
        f"from the top, clockwise: {told}.",
    )


def shift_explorer(sinusoidal_encoding: Encoding, shift_matrix: Shift) -> Explorer:
    """Sliders for a start and an offset: the hands before, after, and where the matrix puts them.

    Args:
        sinusoidal_encoding: `sinusoidal_encoding(length, d_model)`, the reader's own.
        shift_matrix: `shift_matrix(offset, d_model)`, the reader's own.
    """

    def parts(start: int, offset: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = as_array(
            sinusoidal_encoding(2 * _LAST + 1, _WIDTH), "the encoding", 2 * _LAST + 1, _WIDTH
        )
        matrix = as_array(shift_matrix(offset, _WIDTH), "the shift matrix", _WIDTH, _WIDTH)
        return rows[start], rows[start + offset], matrix @ rows[start]

    def draw(start: int, offset: int) -> Picture:
        return _shifts([(start, offset, *parts(start, offset))])

    def still() -> Picture:
        return _shifts([(start, 3, *parts(start, 3)) for start in (0, 7, 40)])

    start = ipywidgets.IntSlider(value=7, min=0, max=_LAST, description="start")
    offset = ipywidgets.IntSlider(value=3, min=0, max=_LAST, description="offset")
    return Explorer(draw, {"start": start, "offset": offset}, still)


def _shifts(moves: Sequence[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]]) -> Picture:
    offset, pairs = moves[0][1], _WIDTH // 2
    worst = max(float(np.abs(after - moved).max()) for _, _, _, after, moved in moves)
    right = worst < 1e-4
    verb = "hits every hand" if right else "misses"
    title = f"Moved by {offset}: the same angle from every start, and your matrix {verb}"
    note = "Thin: the start. Thick: the position reached. Ring: where the matrix puts the hand."
    step, across, left = 1.25, 1.65, 2.2
    height = step * len(moves) + 0.4
    said = []
    with sheet(PAGE_WIDTH, height, title, note) as page:
        board = page.board()
        for pair in range(pairs):
            x = left + across * (pair + 0.5)
            text = f"columns {2 * pair} and {2 * pair + 1}"
            label(board, x, height - 0.15, text, size=SMALL_SIZE, color=MUTED)
        for line, (start, _, before, after, moved) in enumerate(moves):
            y = height - 0.32 - step * (line + 0.5)
            label(board, left - 0.1, y, f"from {start} to {start + offset}", ha="right")
            for pair in range(pairs):
                x = left + across * (pair + 0.5)
                _face(board, x, y)
                _turn(board, x, y, before[2 * pair : 2 * pair + 2], offset * _SPEEDS[pair])
                _hand(board, x, y, *before[2 * pair : 2 * pair + 2], MUTED, 1.1)
                _hand(board, x, y, *after[2 * pair : 2 * pair + 2], KEY, 2.2)
                tip = moved[2 * pair : 2 * pair + 2] * _RADIUS
                ring = Circle(
                    (x + tip[0], y + tip[1]), 0.07, facecolor="none", edgecolor=QUERY, zorder=6
                )
                ring.set(linewidth=1.8, gid="moved")
                board.add_patch(ring)
                turned = math.degrees(offset * _SPEEDS[pair]) % 360
                label(board, x, y - 0.55, f"{short(turned, 1)}°", size=SMALL_SIZE, color=INK)
            said.append(
                f"from {start} to {start + offset}: "
                + ", ".join(
                    f"{_pointing(before, p)} to {_pointing(after, p)}" for p in range(pairs)
                )
            )
    alt = (
        f"{title}. Clock hands in degrees from the top, for {pairs} pairs of columns. "
        f"{'; '.join(said)}." + ("" if right else f" The matrix is off by up to {worst:.2g}.")
    )
    return Picture(page.figure, alt)


def _face(board: Axes, x: float, y: float) -> None:
    board.add_patch(Circle((x, y), _RADIUS, facecolor=PAPER, edgecolor=LINE, linewidth=1.1))
    for quarter in range(4):
        sine, cosine = math.sin(quarter * math.pi / 2), math.cos(quarter * math.pi / 2)
        ends = [(x + r * sine, y + r * cosine) for r in (0.86 * _RADIUS, _RADIUS)]
        board.plot(*zip(*ends, strict=True), color=LINE, linewidth=1.1, zorder=2)


def _hand(
    board: Axes, x: float, y: float, sine: float, cosine: float, color: str, line: float = 2.0
) -> None:
    tip = (x + _RADIUS * float(sine), y + _RADIUS * float(cosine))
    arrow(board, (x, y), tip, color=color, line=line, level=4)


def _turn(board: Axes, x: float, y: float, start: np.ndarray, turned: float) -> None:
    """The sector that a hand has swept, at most one full turn of it."""
    top = 90 - math.degrees(math.atan2(start[0], start[1]))
    swept = math.degrees(min(turned, 2 * math.pi))
    board.add_patch(
        Wedge((x, y), 0.7 * _RADIUS, top - swept, top, facecolor=KEY_TINT, edgecolor="none")
    )


def _pointing(row: np.ndarray, pair: int) -> str:
    degrees = math.degrees(math.atan2(row[2 * pair], row[2 * pair + 1])) % 360
    return f"{short(degrees, 1)}°"
