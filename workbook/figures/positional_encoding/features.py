"""Vectors as rows of coloured cells: one scale, −1 dark to 1 bright, in all figures of positions.

Attention weights have a scale of their own (`matrices`); a feature is no weight, so it gets another
colour map. Both are perceptually uniform and keep their order in greyscale.
"""

import numpy as np
from matplotlib.axes import Axes

from workbook.figures.paper import Sheet
from workbook.figures.style import MINUS, SMALL_SIZE

FEATURE_MAP = "viridis"
LIMITS = (-1.0, 1.0)


def draw_features(axes: Axes, rows: np.ndarray, limits: tuple[float, float] = LIMITS) -> None:
    """`(rows, features)` as cells, the first row on top."""
    axes.imshow(
        rows,
        cmap=FEATURE_MAP,
        vmin=limits[0],
        vmax=limits[1],
        aspect="auto",
        interpolation="nearest",
    )
    axes.tick_params(length=0, pad=4)
    axes.spines[:].set_visible(False)


def draw_feature_scale(
    page: Sheet,
    left: float,
    bottom: float,
    height: float,
    limits: tuple[float, float] = LIMITS,
) -> Axes:
    """What the colours mean, as a narrow strip."""
    low, high = limits
    axes = page.axes(left, bottom, 0.13, height)
    axes.imshow(
        np.linspace(low, high, 256)[:, None],
        cmap=FEATURE_MAP,
        vmin=low,
        vmax=high,
        aspect="auto",
        origin="lower",
        extent=(0, 1, low, high),
    )
    marks = [low, 0, high]
    axes.set(xticks=[], yticks=marks)
    axes.set_yticklabels([f"{mark:g}".replace("-", MINUS) for mark in marks])
    axes.yaxis.tick_right()
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
    axes.set_title("value", weight="normal", size=SMALL_SIZE, loc="left", pad=9)
    return axes
