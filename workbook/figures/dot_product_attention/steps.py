"""Softmax in its steps: scores, their exponentials, and the weights they are shares of."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbook.figures.arrays import as_array, as_labels, short
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import KEY, PAGE_WIDTH

_LARGEST = 80.0


def softmax_steps(scores: Any, words: Sequence[str]) -> Picture:
    """Three bar charts beside each other: the scores, e to the scores, and their shares.

    Args:
        scores: `(words,)`, small enough for `exp`.
        words: what stands under each bar.

    Raises:
        ValueError: another number of words than scores, or a score too large for `exp`.
    """
    scores = as_array(scores, "scores", "words")
    words = as_labels(words, "words", len(scores))
    if scores.max() > _LARGEST:
        raise ValueError(f"exp({scores.max():g}) is infinite, or as good as: no bar is that long")
    powers = np.exp(scores)
    panels = {
        "score s": scores,
        "e to the s": powers,
        "weight: divided by the sum": powers / powers.sum(),
    }
    with sheet(
        PAGE_WIDTH, 1.9, "exp makes every score positive, the sum makes them weights"
    ) as page:
        for place, (name, numbers) in enumerate(panels.items()):
            axes = page.axes(0.35 + 3.0 * place, 0.35, 2.6, 1.2)
            bars = axes.bar(words, numbers, color=KEY)
            axes.bar_label(bars, [short(number) for number in numbers], padding=2)
            axes.set(title=name, yticks=[])
            axes.margins(y=0.25)
    told = "; ".join(
        f"{name}: {', '.join(short(number) for number in numbers)}"
        for name, numbers in panels.items()
    )
    return Picture(page.figure, f"Three bar charts over {', '.join(words)}. {told}.")
