"""A box to type a sentence into: its translation, and where each of its words looked."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from workbook.figures.matrices import attention_matrix
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.widget import Explorer

# English sentence -> translation, and (target words, source words, weights) where there are any.
Translate = Callable[[str], tuple[str, tuple[Sequence[str], Sequence[str], Any] | None]]
_LONGEST = 24  # words a side, whose matrix can still be read


def translation_box(translate: Translate, sentence: str) -> Explorer:
    """Type an English sentence: its Spanish and the decoder's look at the source, word by word.

    Args:
        translate: gives the translation and, to be drawn, the target's words, the source's words
            and weights (target, source); None in their place where there is nothing to draw.
        sentence: what stands in the box at first, and on pages that are not live.
    """
    typed = ipywidgets.Text(
        value=sentence,
        description="English",
        continuous_update=False,
        layout=ipywidgets.Layout(width="38em"),
    )
    return Explorer(lambda sentence: _answer(translate, sentence), {"sentence": typed})


def _answer(translate: Translate, sentence: str) -> Picture:
    text, looks = translate(sentence.strip())
    title = f"“{sentence.strip()}” → “{text}”" if sentence.strip() else "Type a sentence"
    if looks is None or max(len(looks[0]), len(looks[1])) > _LONGEST:
        with sheet(7.0, 0.1, title) as page:
            pass
        return Picture(page.figure, f"{title}. No picture of the attention.")
    target, source, weights = looks
    return attention_matrix(weights, target, source, title)
