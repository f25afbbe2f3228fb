"""The four activations as curves."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from workbook.figures.arrays import as_array
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import LINE, SERIES, SMALL_SIZE


def activation_curves(
    activations: Mapping[str, Callable[[Any], Any]], x: Any, title: str
) -> Picture:
    """Functions of one number over the same numbers.

    Args:
        activations: name → function of a tensor.
        x: the numbers, in order; a tensor.
        title: what to notice.

    Raises:
        ValueError: no function, or more than there are line styles.
    """
    if not 1 <= len(activations) <= len(SERIES):
        raise ValueError(f"there are styles for 1 to {len(SERIES)} functions")
    numbers = as_array(x, "x", "numbers")
    made = {name: as_array(f(x), name, len(numbers)) for name, f in activations.items()}
    with sheet(7.2, 2.7, title) as page:
        axes = page.axes(0.6, 0.5, 4.3, 2.1)
        axes.axhline(0, color=LINE, linewidth=1)
        axes.axvline(0, color=LINE, linewidth=1)
        for place, (name, values) in enumerate(made.items()):
            every = (5 * place, max(1, len(numbers) // 9))
            axes.plot(numbers, values, label=name, markevery=every, **SERIES[place])
        axes.set(xlabel="what comes in", ylabel="what goes on")
        handles, names = axes.get_legend_handles_labels()
        page.figure.legend(
            handles,
            names,
            loc="center left",
            bbox_to_anchor=(5.05 / 7.2, 0.5),
            handlelength=3.2,
            fontsize=SMALL_SIZE,
        )
    lowest = "; ".join(
        f"{name} is lowest at {numbers[np.argmin(values)]:.1f}, {values.min():.2f}"
        for name, values in made.items()
    )
    return Picture(page.figure, f"{title.rstrip('.')}. {lowest}.")
