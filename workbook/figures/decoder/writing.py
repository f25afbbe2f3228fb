"""A sentence being written: the words so far, where the new one looks, and what could come next."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ipywidgets
import matplotlib

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.diagram import Place, block, label, row_of_words
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    ATTENTION_MAP,
    KEY,
    LINE,
    MUTED,
    PAGE_WIDTH,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
    ink_on,
)
from workbook.figures.widget import Explorer

_MOST = 12


class Step(NamedTuple):
    """One step of writing.

    Attributes:
        given: the words so far, `<bos>` first.
        looks: the weights over the source words, `(source words,)`.
        probable: the most probable next words with their probabilities, the best first.
    """

    given: Sequence[str]
    looks: object
    probable: Mapping[str, float]


def writing_step(source: Sequence[str], step: Step) -> Picture:
    """One step: source words shaded by the look at them, words so far, and bars for the next word.

    Raises:
        ValueError: another number of weights than source words, no probable word, or sentences too
            long to be read.
    """
    source, given = as_labels(source, "source", len(source)), [str(word) for word in step.given]
    looks = as_array(step.looks, "looks", len(source))
    if not step.probable:
        raise ValueError("there should be at least one probable word")
    if not given or max(len(source), len(given)) > _MOST:
        raise ValueError(f"sentences of 1 to {_MOST} words can be drawn")
    best, share = next(iter(step.probable.items()))
    title = f"After “{given[-1]}”: most probably “{best}”, {share:.0%}"
    with sheet(PAGE_WIDTH, 2.7, title, "Measured in this notebook.") as page:
        board = page.board()
        wide = 4.9
        label(
            board,
            0.15,
            2.45,
            "the source, and the weight that goes there",
            ha="left",
            size=SMALL_SIZE,
        )
        each = wide / max(len(source), 4)
        colours = matplotlib.colormaps[ATTENTION_MAP]
        for number, (word, weight) in enumerate(zip(source, looks, strict=True)):
            place = Place(0.15 + each * number, 1.72, each - 0.06, 0.56)
            shade = colours(float(weight))
            block(
                board,
                place,
                f"{word}\n{weight:.2f}",
                fill=shade,
                edge=LINE,
                rounding=0.04,
                size=SMALL_SIZE,
                ink=ink_on(shade[:3]),
            )
        label(board, 0.15, 1.2, "written so far; the last word asks", ha="left", size=SMALL_SIZE)
        row = Place(0.15, 0.62, wide * min(1.0, len(given) / 4), 0.34)
        spots = row_of_words(board, given, row, size=SMALL_SIZE)
        block(
            board,
            spots[-1],
            given[-1],
            fill=QUERY_TINT,
            edge=LINE,
            rounding=0.04,
            level=6,
            size=SMALL_SIZE,
        )
        axes = page.axes(wide + 1.35, 0.45, PAGE_WIDTH - wide - 1.95, 1.95)
        words, shares = list(step.probable), list(step.probable.values())
        axes.barh(range(len(words)), shares, color=VALUE_TINT, edgecolor=KEY)
        for place, value in enumerate(shares):
            axes.text(value + 0.02, place, f"{value:.0%}", va="center", size=SMALL_SIZE)
        axes.set_yticks(range(len(words)), words)
        axes.set(xlim=(0, 1.15), ylim=(len(words) - 0.5, -0.5), xticks=[0, 0.5, 1])
        axes.set_xlabel("probability of the next word", color=MUTED)
    told = ", ".join(f"“{word}” {value:.0%}" for word, value in step.probable.items())
    seen = ", ".join(f"“{word}” {weight:.2f}" for word, weight in zip(source, looks, strict=True))
    alt = f"Written so far: {' '.join(given)}. Next word: {told}. Weights on the source: {seen}."
    return Picture(page.figure, f"{title}. {alt}")


def writing_explorer(source: Sequence[str], steps: Sequence[Step], start: int = 0) -> Explorer:
    """Step through a sentence while it is written.

    Args:
        source: the source words.
        steps: one for each word that was written.
        start: the step that is shown first, and on pages that are not live.

    Raises:
        ValueError: no steps, or `start` is none of them.
    """
    if not 0 <= start < len(steps):
        raise ValueError(f"start should be one of the {len(steps)} steps, counted from 0: {start}")
    slider = ipywidgets.IntSlider(
        value=start + 1, min=1, max=len(steps), description="word", continuous_update=True
    )
    return Explorer(lambda word: writing_step(source, steps[word - 1]), {"word": slider})
