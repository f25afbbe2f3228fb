"""What a reader believes after each word, for two sentences that differ in one word."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbook.figures.arrays import as_array
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import MUTED, PAGE_WIDTH, SERIES, SMALL_SIZE


def belief_by_word(
    sentences: Sequence[Sequence[str]],
    readers: Mapping[str, Sequence[Any]],
    title: str,
    ylabel: str,
    question: str,
) -> Picture:
    """A panel for each reader, a line for each sentence, a point for each word.

    Args:
        sentences: two of the same length, as words.
        readers: name → for each sentence, probabilities `(words,)`.
        title: what to notice.
        ylabel: what a probability of 1 would mean.
        question: the word that the belief is about: a line stands there.

    Raises:
        ValueError: not two sentences of one length, or other numbers of probabilities.
    """
    if len(sentences) != 2 or len(sentences[0]) != len(sentences[1]):
        raise ValueError("two sentences of the same length can be compared word by word")
    count = len(sentences[0])
    names = [
        one if one == other else f"{one} /\n{other}" for one, other in zip(*sentences, strict=True)
    ]
    where = list(sentences[0]).index(question)
    width = (PAGE_WIDTH - 1.05 - 0.25 * len(readers)) / len(readers)
    told = []
    with sheet(PAGE_WIDTH, 2.9, title, "Measured in this notebook.") as page:
        for number, (name, lines) in enumerate(readers.items()):
            axes = page.axes(0.85 + number * (width + 0.3), 0.75, width, 1.85)
            for sentence, line, style in zip(sentences, lines, SERIES, strict=False):
                values = as_array(line, f"{name}'s belief", count)
                drawn = style | {"markersize": 8.0 if style is SERIES[0] else 5.0}
                axes.plot(range(count), values, label=f"… {sentence[-1]}", **drawn)
                told.append(
                    f"{name}, “{' '.join(sentence)}”: "
                    + ", ".join(f"{w} {v:.2f}" for w, v in zip(sentence, values, strict=True))
                )
            axes.axvline(where, color=MUTED, linestyle=":", linewidth=1.3)
            axes.set_xticks(range(count), names, rotation=35, ha="right", size=SMALL_SIZE)
            axes.set(title=name, ylim=(-0.06, 1.06), yticks=(0, 0.5, 1))
            axes.grid(axis="y")
            axes.legend(loc="lower right", bbox_to_anchor=(1.01, 1.0), ncols=2, handlelength=3.2)
            if number == 0:
                axes.set_ylabel(ylabel)
            else:
                axes.tick_params(labelleft=False)
    return Picture(page.figure, f"{title.rstrip('.')}. {ylabel.capitalize()}: {'; '.join(told)}.")
