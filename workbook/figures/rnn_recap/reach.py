"""How strongly a word still moves the last state, against how far back it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes

from workbook.figures.arrays import as_array
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import LINE, MUTED, PAGE_WIDTH, SERIES, SMALL_SIZE
from workbook.figures.widget import Explorer

FLOOR, CEILING = 1e-18, 1e6
"""What the axis shows; what is outside is drawn at its edge."""

RADII = tuple(round(0.1 * step, 1) for step in range(2, 31))
"""The spectral radii of the slider."""


def gradient_reach_curves(
    panels: Mapping[str, Mapping[str, Any]], title: str, note: str = ""
) -> Picture:
    """Reach against distance on a logarithmic axis, a panel for each kind of network.

    Args:
        panels: name of the panel → name of the network → its reach `(length,)`, the first word
            first.
        title: what to notice.

    Raises:
        ValueError: no panel, or more networks in one than there are line styles.
    """
    if not panels or not all(0 < len(curves) <= len(SERIES) for curves in panels.values()):
        raise ValueError(f"every panel should hold 1 to {len(SERIES)} networks")
    width = (PAGE_WIDTH - 0.95 - 0.3 * (len(panels) - 1)) / len(panels)
    told = []
    with sheet(PAGE_WIDTH, 3.1, title, note) as page:
        for number, (name, curves) in enumerate(panels.items()):
            axes = page.axes(0.85 + number * (width + 0.3), 0.58, width - 0.1, 2.2)
            for (network, reach), style in zip(curves.items(), SERIES, strict=False):
                told.append(f"{network}: {_draw(axes, reach, network, style)}")
            _dress(axes, labels=number == 0)
            axes.set_title(name)
            axes.legend(loc="lower left", handlelength=3.2)
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. Gradient reach by distance in words. {'; '.join(told)}.",
    )


def gradient_reach_explorer(
    reach_at: Callable[[float], Any], chosen: float = 1.0, beside: Sequence[float] = (0.5, 1.0, 2.0)
) -> Explorer:
    """A slider for the spectral radius under the gradient-reach curve.

    Args:
        reach_at: the reach `(length,)` of a network whose recurrent matrix has this radius; it runs
            at every change.
        chosen: where the slider starts.
        beside: the radii that the still picture shows together.
    """

    def draw(radius: float) -> Picture:
        reach = as_array(reach_at(radius), "the reach", "length")
        title = f"Spectral radius {radius:g}: {_verdict(reach)}"
        with sheet(PAGE_WIDTH, 3.0, title) as page:
            axes = page.axes(0.85, 0.58, PAGE_WIDTH - 1.1, 2.3)
            axes.axhline(reach[-1], color=LINE, linewidth=1.3)
            axes.text(
                len(reach) - 1, reach[-1] * 3, "no change", size=SMALL_SIZE, color=MUTED, ha="right"
            )
            told = _draw(axes, reach, "", SERIES[0])
            _dress(axes)
        return Picture(
            page.figure, f"Gradient reach by distance at a spectral radius of {radius:g}: {told}."
        )

    def still() -> Picture:
        curves = {f"radius {radius:g}": reach_at(radius) for radius in beside}
        return gradient_reach_curves(
            {"three positions of the slider": curves},
            "Below 1 the gradient vanishes, far above 1 it explodes",
        )

    slider = ipywidgets.SelectionSlider(
        options=RADII,
        value=chosen,
        description="spectral radius",
        continuous_update=True,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="420px"),
    )
    return Explorer(draw, {"radius": slider}, still)


def _verdict(reach: np.ndarray) -> str:
    """What became of the first word's gradient, in words."""
    back = len(reach) - 1
    if reach[0] == 0:
        return f"nothing is left after {back} words"
    change = reach[0] / reach[-1]
    if 0.1 <= change <= 10:
        return f"after {back} words the gradient is about as large as it was"
    times, how = (change, "larger") if change > 1 else (1 / change, "smaller")
    power = int(np.floor(np.log10(times)))
    told = f"{round(times, -power):,.0f}" if power < 5 else f"$10^{{{round(np.log10(times))}}}$"
    return f"after {back} words the gradient is {told} times {how}"


def _draw(axes: Axes, reach: Any, name: str, style: Mapping[str, Any]) -> str:
    """One curve, from the nearest word to the farthest; its key numbers in words."""
    values = as_array(reach, "the reach", "length")[::-1]
    every = max(1, len(values) // 8)
    axes.plot(
        range(len(values)),
        values.clip(FLOOR, CEILING),
        label=name or None,
        markevery=every,
        **style,
    )
    shown = sorted({0, len(values) // 2, len(values) - 1})
    return ", ".join(f"{values[back]:.1g} at distance {back}" for back in shown)


def _dress(axes: Axes, labels: bool = True) -> None:
    axes.set(yscale="log", ylim=(FLOOR, CEILING), xlabel="distance from the end, in words")
    ticks = [10.0**p for p in (-18, -12, -6, 0, 6)]
    names = ["$10^{-18}$", "$10^{-12}$", "$10^{-6}$", "1", "$10^{6}$"]
    axes.set_yticks(ticks, names if labels else [""] * len(ticks))
    if labels:
        axes.set_ylabel("gradient reach (log scale)")
    axes.minorticks_off()
    axes.grid()
