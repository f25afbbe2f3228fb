"""How well a model does while it is trained: one line a run, one style a kind of model."""

from collections.abc import Mapping, Sequence

from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import SERIES


def learning_curves(
    runs: Mapping[str, Sequence[Sequence[float]]],
    every: int,
    title: str,
    measure: str = "share of right answers",
    legend: str | tuple[float, float] = "lower right",
) -> Picture:
    """Curves measured in training, several runs of each kind.

    Args:
        runs: name → one list of values a run, each measured before the first step and then every
            `every` steps.
        every: training steps between two values.
        title: what to notice.
        measure: what the values are; shares, from 0 to 1.
        legend: where the names stand, in matplotlib's words, or as shares of the width and height.

    Raises:
        ValueError: no runs, a run without values, or more kinds than there are line styles.
    """
    if not runs or not all(kind and all(len(run) for run in kind) for kind in runs.values()):
        raise ValueError("there should be at least one run of each kind, with at least one value")
    if len(runs) > len(SERIES):
        raise ValueError(f"there are styles for {len(SERIES)} kinds of runs, not for {len(runs)}")
    with sheet(7.2, 2.9, title, "Measured in this notebook.") as page:
        axes = page.axes(0.75, 0.6, 6.1, 2.2)
        for (name, kind), style in zip(runs.items(), SERIES, strict=False):
            for number, run in enumerate(kind):
                steps = range(0, every * len(run), every)
                axes.plot(steps, run, label="_" * bool(number) + name, **style)
        axes.set(xlabel="training step", ylabel=measure, ylim=(0, 1.05))
        axes.legend(loc=legend, handlelength=3.2)
    middle = max(len(run) for kind in runs.values() for run in kind) // 3
    told = "; ".join(
        f"{name}: {', '.join(f'{run[min(middle, len(run) - 1)]:.0%}' for run in kind)}"
        for name, kind in runs.items()
    )
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. {measure.capitalize()} while training; at step {every * middle}, "
        f"{told}.",
    )
