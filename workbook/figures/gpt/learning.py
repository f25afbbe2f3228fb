"""The loss of a language model while it learns, from the vocabulary's logarithm down."""

from collections.abc import Sequence

from workbook.figures.curves import MEASURED
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import MUTED, SERIES, SMALL_SIZE


def loss_curve(losses: Sequence[float], every: int, ignorance: float, title: str) -> Picture:
    """Means of the loss over equal numbers of steps, and the line of a model that knows nothing.

    Args:
        losses: the mean of each `every` steps, in nats a token.
        ignorance: the loss of equal probabilities, the logarithm of the vocabulary's size.
        title: what to notice.

    Raises:
        ValueError: no losses.
    """
    if not len(losses):
        raise ValueError("there should be at least one loss to draw")
    with sheet(7.2, 2.6, title, MEASURED) as page:
        axes = page.axes(0.75, 0.6, 6.1, 1.9)
        steps = [every * (place + 0.5) for place in range(len(losses))]
        axes.plot(steps, losses, **{**SERIES[0], "marker": "."})
        axes.axhline(ignorance, color=MUTED, linestyle=":", linewidth=1.3)
        axes.text(
            steps[-1],
            ignorance - 0.12,
            "every word equally likely",
            size=SMALL_SIZE,
            color=MUTED,
            ha="right",
            va="top",
        )
        axes.set(xlabel="training step", ylabel="loss of a token", ylim=(0, 1.08 * ignorance))
        axes.grid(axis="y")
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. The loss falls from {losses[0]:.2f} to {losses[-1]:.2f} in "
        f"{every * len(losses):,} steps; equal probabilities give {ignorance:.2f}.",
    )
