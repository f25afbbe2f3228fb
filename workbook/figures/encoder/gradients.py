"""How large the gradient still is at a layer: by depth of the stack, and layer by layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes

from workbook.figures.arrays import as_array
from workbook.figures.curves import MEASURED
from workbook.figures.paper import Sheet, sheet
from workbook.figures.picture import Picture
from workbook.figures.style import PAGE_WIDTH, SERIES
from workbook.figures.widget import Explorer


def gradient_by_depth(
    depths: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[float]]], title: str
) -> Picture:
    """The gradient's norm at the first layer against the number of layers, both logarithmic.

    Args:
        depths: numbers of layers, from few to many.
        panels: name of the panel → kind of stack → one norm for each depth.
        title: what to notice.

    Raises:
        ValueError: no panel, a panel without curves or with more than there are line styles, or
            another number of norms than of depths.
    """
    if not panels:
        raise ValueError("there should be at least one panel")
    checked = {name: _checked(curves, len(depths)) for name, curves in panels.items()}
    width = (PAGE_WIDTH - 1.0) / len(panels) - 0.65
    told = []
    with sheet(PAGE_WIDTH, 3.45, title, MEASURED) as page:
        for number, (panel, curves) in enumerate(checked.items()):
            axes = page.axes(0.85 + number * (width + 0.75), 0.6, width, 2.45)
            axes.set_title(panel)
            for (name, norms), style in zip(curves.items(), SERIES, strict=False):
                axes.plot(depths, norms, label=name, **style)
                ends = f"{norms[0]:.2g} with {depths[0]}, {norms[-1]:.2g} with {depths[-1]}"
                told.append(f"{panel}, {name}: {ends}")
            axes.set_xscale("log", base=2)
            axes.set_xticks(list(depths), [str(depth) for depth in depths])
            _dress(axes, curves, least=4)
            axes.set(xlabel="layers in the stack (log scale)")
            axes.set_ylabel("gradient norm (log scale)" if number == 0 else "")
            axes.legend(loc="best", handlelength=3.2)
    alt = f"{title.rstrip('.')}. Gradient norm at the first layer by number of layers."
    return Picture(page.figure, f"{alt} {'; '.join(told)}.")


def gradient_layers_explorer(
    norms_of: Callable[[str, int], Any], kinds: Sequence[str], depths: Sequence[int], chosen: int
) -> Explorer:
    """Pick a depth and kinds of stacks: the gradient's norm at every layer.

    On pages that are not live, all kinds are shown at the depth chosen at first.

    Args:
        norms_of: (kind, depth) → one norm a layer, the first layer first; runs at every change.
        kinds: what the stacks are called.
        depths: the depths that can be picked.
        chosen: the depth to start with.
    """
    remembered: dict[tuple[str, int], np.ndarray] = {}

    def norms(kind: str, depth: int) -> np.ndarray:
        if (kind, depth) not in remembered:
            remembered[kind, depth] = as_array(norms_of(kind, depth), "the norms", depth)
        return remembered[kind, depth]

    def draw(depth: int, kind: str) -> Picture:
        shown = list(kinds) if kind == "all" else [kind]
        return _by_layer({name: norms(name, depth) for name in shown}, list(kinds), depth)

    slider = ipywidgets.SelectionSlider(
        options=list(depths), value=chosen, description="layers", continuous_update=False
    )
    options = ["all", *kinds]
    choice = ipywidgets.Dropdown(options=options, value="all", description="stack")
    return Explorer(draw, {"depth": slider, "kind": choice})


def _by_layer(curves: Mapping[str, np.ndarray], kinds: list[str], depth: int) -> Picture:
    title = f"The gradient at each of {depth} layers: from the loss (right) back to the words"
    with sheet(PAGE_WIDTH, 3.0, title, MEASURED) as page:
        axes = page.axes(0.85, 0.6, 5.6, 2.3)
        at = range(1, depth + 1)
        for name, norms in curves.items():
            style = SERIES[kinds.index(name)]
            axes.plot(at, norms, label=name, markevery=max(1, depth // 8), **style)
        axes.set_xticks([n for n in at if depth <= 12 or n % 4 == 0 or n == 1])
        _dress(axes, curves)
        axes.set(xlabel="layer", ylabel="gradient norm (log scale)")
        _legend(page, axes)
    told = "; ".join(
        f"{name}: {norms[0]:.2g} at the first layer, {norms[-1]:.2g} at the last"
        for name, norms in curves.items()
    )
    return Picture(page.figure, f"{title}. {told}.")


def _checked(curves: Mapping[str, Sequence[float]], count: int) -> dict[str, np.ndarray]:
    if not curves or len(curves) > len(SERIES):
        raise ValueError(f"there are styles for 1 to {len(SERIES)} curves, not for {len(curves)}")
    return {name: as_array(norms, f"the norms of {name}", count) for name, norms in curves.items()}


def _dress(axes: Axes, curves: Mapping[str, np.ndarray], least: int = 1) -> None:
    """A logarithmic axis of at least so many powers of ten, so that noise looks like noise."""
    axes.set_yscale("log")
    low = min(float(norms.min()) for norms in curves.values())
    high = max(float(norms.max()) for norms in curves.values())
    first, last = int(np.floor(np.log10(max(low, 1e-30)))), int(np.ceil(np.log10(high)))
    missing = max(0, least - (last - first))
    first, last = first - (missing + 1) // 2, last + missing // 2
    powers = range(first, last + 1, max(1, (last - first) // 6))
    axes.set_ylim(10.0**first / 1.5, 10.0**last * 1.5)
    axes.set_yticks(
        [10.0**power for power in powers],
        [f"{10.0**power:g}" if -4 < power < 4 else f"$10^{{{power}}}$" for power in powers],
    )
    axes.minorticks_off()
    axes.grid()


def _legend(page: Sheet, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    at = (6.65 / page.width, 0.8)
    page.figure.legend(handles, names, loc="upper left", bbox_to_anchor=at, handlelength=3.2)
