"""A look-up seen as directions: words as arrows in a plane, and the query that looks for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbook.figures.arrays import as_array, as_labels, short
from workbook.figures.diagram import Place
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    KEY,
    KEY_TINT,
    LINE,
    PAPER,
    QUERY,
    SMALL_SIZE,
    TEXT_SIZE,
)

_WIDTH, _HEIGHT = 5.6, 4.6
_LARGEST = 0.3


def similarity_plane(
    query: Any,
    keys: Any,
    weights: Any,
    words: Sequence[Any],
    query_word: str,
    axis_names: tuple[str, str],
    title: str | None = None,
) -> Picture:
    """Keys as thin arrows, the query as a thick one, and a disc at each key as large as its weight.

    A disc's area is proportional to the weight.

    Args:
        query: `(2,)`.
        keys: `(n, 2)`.
        weights: `(n,)`, from 0 to 1.
        words: one for each key.
        query_word: what asks.
        axis_names: what the two features mean.
        title: what to notice; by default, which key gets the largest weight.

    Raises:
        ValueError: vectors that are not two-dimensional, or counts that differ.
    """
    query = as_array(query, "query", 2)
    keys = as_array(keys, "keys", "n", 2)
    count = len(keys)
    weights = as_array(weights, "weights", count)
    names = as_labels(words, "words", count)
    best = int(weights.argmax())
    scores = keys @ query
    if title is None:
        title = (
            f"“{query_word}” looks at “{names[best]}”: arrows that point its way, and far, "
            f"get the weight ({short(weights[best])})"
        )
    points = np.vstack([keys, query[None], np.zeros((1, 2))])
    low, high = points.min(axis=0), points.max(axis=0)
    unit = max((high[0] - low[0]) / (_WIDTH - 2.0), (high[1] - low[1]) / (_HEIGHT - 1.1), 1e-9)
    middle = (low + high) / 2
    with sheet(_WIDTH + 0.95, _HEIGHT + 0.75, title) as page:
        axes = page.axes(0.75, 0.6, _WIDTH, _HEIGHT)
        axes.set_xlim(middle[0] - unit * _WIDTH / 2, middle[0] + unit * _WIDTH / 2)
        axes.set_ylim(middle[1] - unit * _HEIGHT / 2, middle[1] + unit * _HEIGHT / 2)
        axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
        axes.grid()
        axes.axhline(0, color=LINE, linewidth=1)
        axes.axvline(0, color=LINE, linewidth=1)
        areas = weights * np.pi * (_LARGEST * 72) ** 2
        axes.scatter(*keys.T, s=areas, color=KEY_TINT, edgecolors=KEY, linewidths=1.2, zorder=2)
        for point in keys:
            _arrow(axes, point, KEY, 1.2)
        _arrow(axes, query, QUERY, 3.0)
        tips = np.vstack([keys, query[None]]) / unit
        texts = [
            *(f"{name} {weight:.2f}" for name, weight in zip(names, weights, strict=True)),
            f"query: {query_word}",
        ]
        radii = [*(_LARGEST * np.sqrt(weights)), 0.0]
        for text, spot, tip in zip(texts, _spread(tips, texts, radii), tips, strict=True):
            is_query = text == texts[-1]
            x, y = (spot.left * unit, spot.middle[1] * unit)
            axes.text(
                x,
                y,
                text,
                va="center",
                size=TEXT_SIZE,
                color=QUERY if is_query else INK,
                weight="bold" if is_query else "normal",
                zorder=5,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
            )
            if not is_query and np.hypot(*(np.array(spot.middle) - tip)) > 0.75:
                axes.plot(
                    [tip[0] * unit, x], [tip[1] * unit, y], color=LINE, linewidth=0.8, zorder=1
                )
        axes.text(
            0.0,
            1.015,
            "area of a disc: its weight",
            transform=axes.transAxes,
            size=SMALL_SIZE,
        )
    rows = "; ".join(
        f"{name} at ({short(x)}, {short(y)}), score {short(score)}, weight {short(weight)}"
        for name, (x, y), score, weight in zip(names, keys, scores, weights, strict=True)
    )
    alt = (
        f"Arrows in a plane, {axis_names[0]} across and {axis_names[1]} upwards. The query "
        f"“{query_word}” points to ({short(query[0])}, {short(query[1])}). Keys: {rows}."
    )
    return Picture(page.figure, alt)


def _arrow(axes: Any, tip: np.ndarray, color: str, line: float) -> None:
    axes.annotate(
        "",
        tip,
        (0, 0),
        arrowprops={
            "arrowstyle": "-|>",
            "color": color,
            "linewidth": line,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 10 + 2 * line,
        },
        zorder=4,
    )


def _spread(tips: np.ndarray, texts: Sequence[str], radii: Sequence[float]) -> list[Place]:
    """Where each text goes, in inches: beyond its arrow's tip, and not over another text.

    The last one, the query's, stands beside its arrow, because a key that fits the query best lies
    right ahead of it.
    """
    spots = []
    for (x, y), text, radius in zip(tips, texts, radii, strict=True):
        width, height = text_width(text, TEXT_SIZE) + 0.06, 0.19
        out = np.array([x, y]) / max(np.hypot(x, y), 1e-9)
        centre_x = x + out[0] * (radius + 0.1 + width / 2)
        centre_y = y + out[1] * (radius + 0.1 + height / 2)
        spots.append(Place(centre_x - width / 2, centre_y - height / 2, width, height))
    spots[-1] = _beside(tips[-1], spots[-1])
    for _ in range(200):
        moved = False
        for one in range(len(spots)):
            for two in range(one + 1, len(spots)):
                a, b = spots[one], spots[two]
                over = min(a.top, b.top) - max(a.bottom, b.bottom)
                if over > 1e-6 and min(a.right, b.right) > max(a.left, b.left):
                    lower, upper = (one, two) if a.bottom <= b.bottom else (two, one)
                    push = over / 2 + 1e-4
                    spots[lower] = spots[lower]._replace(bottom=spots[lower].bottom - push)
                    spots[upper] = spots[upper]._replace(bottom=spots[upper].bottom + push)
                    moved = True
        if not moved:
            break
    return spots


def _beside(tip: np.ndarray, spot: Place) -> Place:
    """The place moved to the left-hand side of the arrow's middle."""
    length = max(float(np.hypot(*tip)), 1e-9)
    left_hand = np.array([-tip[1], tip[0]]) / length
    clear = 0.1 + abs(left_hand[0]) * spot.width / 2 + abs(left_hand[1]) * spot.height / 2
    centre = 0.6 * tip + left_hand * clear
    return spot._replace(
        left=float(centre[0]) - spot.width / 2, bottom=float(centre[1]) - spot.height / 2
    )
