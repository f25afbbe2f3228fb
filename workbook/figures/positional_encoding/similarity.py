"""How alike two positions are, against the distance between them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbook.figures.arrays import as_array, short
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.positional_encoding.sinusoids import likeness
from workbook.figures.style import LINE, SERIES


def similarity_by_distance(
    tables: Mapping[str, Any], at: int, title: str, reach: int = 30
) -> Picture:
    """Cosine between the vector of one position and those around it, a curve for each table.

    Args:
        tables: name → `(positions, features)`, one row a position.
        at: the position that all others are compared with.
        title: what to notice.
        reach: how far to look, to both sides.

    Raises:
        ValueError: no tables or more than there are line styles, or too few positions around `at`.
    """
    if not 0 < len(tables) <= len(SERIES):
        raise ValueError(f"tables should be 1 to {len(SERIES)}, but there are {len(tables)}")
    curves = {}
    for name, table in tables.items():
        rows = as_array(table, name, "positions", "features")
        if at - reach < 0 or at + reach >= len(rows):
            raise ValueError(
                f"{name} has {len(rows)} positions, too few to look {reach} to both sides of {at}"
            )
        curves[name] = likeness(rows, at)[at - reach : at + reach + 1]
    distances = np.arange(-reach, reach + 1)
    with sheet(7.6, 2.75, title) as page:
        axes = page.axes(0.75, 0.6, 6.5, 2.0)
        axes.axhline(0, color=LINE, linewidth=1)
        for (name, curve), style in zip(curves.items(), SERIES, strict=False):
            axes.plot(distances, curve, label=name, markevery=5, **style)
        axes.set(xlabel=f"distance from position {at}", ylabel="cosine", ylim=(-0.45, 1.08))
        axes.legend(loc="upper right", handlelength=3.2)
    near = (1, 5, reach)
    told = "; ".join(
        f"{name}: {', '.join(f'{short(curve[reach + d])} at distance {d}' for d in near)}"
        for name, curve in curves.items()
    )
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. Cosine between position {at} and its neighbours. {told}.",
    )
