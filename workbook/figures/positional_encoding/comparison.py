"""Kinds of positions on one task: how fast they learn, and what they do with longer texts."""

from collections.abc import Mapping, Sequence

from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import INK, MUTED, PAGE_WIDTH, SERIES, SHADE, SMALL_SIZE

_STYLES = (*SERIES, {"color": INK, "marker": "x", "linestyle": (0, (1, 1))})

Runs = Mapping[str, Sequence[Sequence[float]]]


def positions_compared(
    learning: Runs, every: int, by_length: Runs, trained_up_to: int, title: str
) -> Picture:
    """Two panels: right answers while training, and right answers against the text's length.

    Args:
        learning: kind → one list a run, measured on texts of `trained_up_to` sentences before the
            first step and every `every` steps.
        every: training steps between two values.
        by_length: kind → one list a run, measured at 1, 2, 3, … sentences.
        trained_up_to: the longest texts of training, in sentences.
        title: what to notice.

    Raises:
        ValueError: the panels have other kinds, or there are more kinds than line styles.
    """
    if list(learning) != list(by_length) or not learning:
        raise ValueError(
            f"both panels should show the same kinds, not {list(learning)} and {list(by_length)}"
        )
    if len(learning) > len(_STYLES):
        raise ValueError(f"there are styles for {len(_STYLES)} kinds, not for {len(learning)}")
    with sheet(PAGE_WIDTH, 3.5, title, "Measured in this notebook; one line a run.") as page:
        left = page.axes(0.7, 0.95, 3.75, 2.25)
        right = page.axes(5.2, 0.95, 3.75, 2.25)
        longest = max(len(run) for kind in by_length.values() for run in kind)
        right.axvspan(0.5, trained_up_to + 0.5, color=SHADE, zorder=0)
        right.text(0.65, 0.42, "lengths seen in training", size=SMALL_SIZE, color=MUTED)
        for axes, runs, first, step in ((left, learning, 0, every), (right, by_length, 1, 1)):
            axes.axhline(0.5, color=MUTED, linewidth=1, linestyle=":")
            for (name, kind), style in zip(runs.items(), _STYLES, strict=False):
                for number, run in enumerate(kind):
                    at = [first + step * place for place in range(len(run))]
                    axes.plot(at, run, label="_" * bool(number) + name, **style, alpha=0.9)
            axes.set(ylim=(0.4, 1.04), yticks=(0.5, 0.75, 1), yticklabels=("a coin", "0.75", "1"))
        left.set(
            title=f"while training, {trained_up_to} sentences",
            xlabel="training step",
            ylabel="right answers",
        )
        right.set(title="on texts of each length", xlabel="sentences in the text")
        right.set(xlim=(0.5, longest + 0.5), xticks=range(1, longest + 1))
        handles, names = left.get_legend_handles_labels()
        page.figure.legend(
            handles, names, loc="lower center", ncols=len(names), borderaxespad=0.3, handlelength=3
        )
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{sum(run[place] for run in kind) / len(kind):.0%} at {place + 1}"
            for place in range(len(kind[0]))
        )
        for name, kind in by_length.items()
    )
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. Right answers by the number of sentences, trained on up to "
        f"{trained_up_to}; the mean of the runs. {told}.",
    )
