"""Rotary positions in two dimensions: query and key turn, and the angle between them decides."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from workbook.figures.arrays import as_array, short
from workbook.figures.diagram import arrow, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY, LINE, PAGE_WIDTH, QUERY
from workbook.figures.widget import Explorer

Rotary = Callable[..., torch.Tensor]
"""`apply_rotary(x, positions)`: the reader's own."""

QUERY_VECTOR, KEY_VECTOR = (1.0, 0.0), (0.8, 0.6)
"""Both of length 1, so that the score is the cosine of the angle between them."""

_LAST = 12
_RADIUS = 1.05
_NOTE = "Dashed: before the turn."


class _Look(NamedTuple):
    """A query and a key at their positions: the rotated vectors and the score."""

    query_at: int
    key_at: int
    query: np.ndarray
    key: np.ndarray

    @property
    def score(self) -> float:
        return float(self.query @ self.key)


def rotary_explorer(apply_rotary: Rotary) -> Explorer:
    """Sliders for two positions, over a query and a key that turn with them.

    Args:
        apply_rotary: `apply_rotary(x, positions)`, the reader's own: it runs at every change.
    """

    def look(query_at: int, key_at: int) -> _Look:
        vectors = torch.tensor([QUERY_VECTOR, KEY_VECTOR], dtype=torch.float64)
        turned = apply_rotary(vectors, torch.tensor([query_at, key_at]))
        query, key = as_array(turned, "the rotated vectors", 2, 2)
        return _Look(query_at, key_at, query, key)

    def draw(query_at: int, key_at: int) -> Picture:
        one = look(query_at, key_at)
        title = (
            f"Query at {query_at}, key at {key_at}: distance {query_at - key_at}, "
            f"score {short(one.score)}"
        )
        return _planes([one], title)

    def still() -> Picture:
        looks = [look(2, 1), look(5, 4), look(5, 2)]
        same, other = looks[1].score, looks[2].score
        title = (
            f"The same distance gives the same score ({short(same)}), "
            f"another distance another one ({short(other)})"
        )
        return _planes(looks, title)

    controls = {
        "query_at": ipywidgets.IntSlider(value=2, min=0, max=_LAST, description="query at"),
        "key_at": ipywidgets.IntSlider(value=1, min=0, max=_LAST, description="key at"),
    }
    return Explorer(draw, controls, still)


def _planes(looks: Sequence[_Look], title: str) -> Picture:
    across = PAGE_WIDTH / max(len(looks), 2)
    with sheet(PAGE_WIDTH if len(looks) > 1 else across, 3.0, title, _NOTE) as page:
        board = page.board()
        for number, look in enumerate(looks):
            _plane(board, across * (number + 0.5), 1.65, look)
    told = "; ".join(
        f"query at {look.query_at} points to {_degrees(look.query)}, key at {look.key_at} to "
        f"{_degrees(look.key)}, score {short(look.score)}"
        for look in looks
    )
    return Picture(
        page.figure,
        f"{title}. Arrows in a plane, degrees counted anticlockwise from the right: {told}.",
    )


def _plane(board: Axes, x: float, y: float, look: _Look) -> None:
    board.add_patch(Circle((x, y), _RADIUS, facecolor="none", edgecolor=LINE, linewidth=1.1))
    for vector, start, color, name, at in (
        (look.query, QUERY_VECTOR, QUERY, "query", look.query_at),
        (look.key, KEY_VECTOR, KEY, "key", look.key_at),
    ):
        board.plot(
            [x, x + _RADIUS * start[0]],
            [y, y + _RADIUS * start[1]],
            color=color,
            linewidth=1.0,
            linestyle=(0, (3, 2.5)),
            zorder=2,
        )
        tip = _RADIUS * vector
        arrow(board, (x, y), (x + tip[0], y + tip[1]), color=color, line=2.6, level=4)
        out = 1.2 * tip
        side = "left" if out[0] > 0.25 else "right" if out[0] < -0.25 else "center"
        label(board, x + 1.1 * tip[0], y + 1.14 * tip[1], f"{name} at {at}", ha=side, color=color)
    words = f"distance {look.query_at - look.key_at}, score {short(look.score)}"
    label(board, x, y - _RADIUS - 0.38, words, weight="bold", color=INK)


def _degrees(vector: np.ndarray) -> str:
    return f"{short(math.degrees(math.atan2(vector[1], vector[0])) % 360, 0)}°"
