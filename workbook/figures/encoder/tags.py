"""Sentences with a tag under each word, as a tagger gives them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ipywidgets

from workbook.figures.diagram import Place, block, label
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY_TINT, LINE, MUTED, PAGE_WIDTH, PAPER, SMALL_SIZE
from workbook.figures.widget import Explorer

_ROW = 0.92


class Tagged(NamedTuple):
    """One sentence as a tagger sees it: words, the tags it gives, and how sure it is of each.

    `right` holds the true tags, where they are known.
    """

    words: Sequence[str]
    tags: Sequence[str]
    sure: Sequence[float]
    right: Sequence[str] | None = None


def tagged_sentences(sentences: Sequence[Tagged], title: str, note: str = "") -> Picture:
    """A line a sentence: words, tags below them, and how sure the tagger is as a bar.

    A tag that isn't the right one is dashed, and the right one stands below it.

    Raises:
        ValueError: no sentence, or a sentence whose lists differ in length.
    """
    if not sentences or not all(sentence.words for sentence in sentences):
        raise ValueError("there should be at least one sentence, with at least one word")
    for sentence in sentences:
        counts = {len(part) for part in sentence if part is not None}
        if len(counts) != 1:
            raise ValueError(
                f"words, tags and certainties should be as many as each other, not {sentence}"
            )
    lines = [line for sentence in sentences for line in _broken(sentence)]
    with sheet(PAGE_WIDTH, _ROW * len(lines) + 0.08, title, note) as page:
        board = page.board()
        for number, line in enumerate(lines):
            _draw(board, line, _ROW * (len(lines) - number))
    return Picture(page.figure, f"{title.rstrip('.')}. {' '.join(map(_told, sentences))}")


def tagger_explorer(tag: Callable[[str], Tagged], start: str) -> Explorer:
    """A box to type a sentence into, and its tags.

    Args:
        tag: reads a text; runs at every change.
        start: the sentence that stands there at first, and on pages that are not live.
    """

    def draw(sentence: str) -> Picture:
        tagged = tag(sentence)
        if not tagged.words:
            raise ValueError("type at least one word")
        unsure = min(zip(tagged.sure, tagged.words, strict=True))
        title = f"Least sure of “{unsure[1]}”: {unsure[0]:.0%}"
        return tagged_sentences([tagged], title)

    box = ipywidgets.Text(
        value=start,
        description="sentence",
        continuous_update=False,
        layout=ipywidgets.Layout(width="640px"),
    )
    return Explorer(draw, {"sentence": box})


def _width(word: str, tag: str, right: str) -> float:
    """Of a word's box: the widest of what stands in it and below it."""
    below = tag if tag == right else f"right: {right}"
    return max(text_width(word), text_width(tag, SMALL_SIZE), text_width(below, SMALL_SIZE)) + 0.16


def _broken(sentence: Tagged) -> list[Tagged]:
    """A sentence in lines that fit the page."""
    lines, start, width = [], 0, 0.0
    right_tags = sentence.right or sentence.tags
    for place, word in enumerate(sentence.words):
        wide = _width(word, sentence.tags[place], right_tags[place]) + 0.06
        if width + wide > PAGE_WIDTH - 0.3 and place > start:
            lines.append(_part(sentence, start, place))
            start, width = place, 0.0
        width += wide
    return [*lines, _part(sentence, start, len(sentence.words))]


def _part(sentence: Tagged, start: int, end: int) -> Tagged:
    return Tagged(*(None if part is None else part[start:end] for part in sentence))


def _draw(board: Any, line: Tagged, top: float) -> None:
    left = 0.14
    right_tags = line.right or line.tags
    for word, tag, sure, right in zip(line.words, line.tags, line.sure, right_tags, strict=True):
        wrong = tag != right
        wide = _width(word, tag, right)
        label(board, left + wide / 2, top - 0.14, word)
        place = Place(left, top - 0.52, wide, 0.25)
        block(
            board,
            place,
            tag,
            fill=PAPER if wrong else KEY_TINT,
            edge=INK if wrong else LINE,
            line=1.6 if wrong else 1.0,
            dashed=wrong,
            size=SMALL_SIZE,
            rounding=0.04,
        )
        board.plot([left, left + wide], [top - 0.58] * 2, color=LINE, linewidth=3)
        board.plot([left, left + wide * sure], [top - 0.58] * 2, color=INK, linewidth=3)
        if wrong:
            label(
                board, left + wide / 2, top - 0.71, f"right: {right}", size=SMALL_SIZE, color=MUTED
            )
        left += wide + 0.06


def _told(sentence: Tagged) -> str:
    right = sentence.right or sentence.tags
    return (
        ", ".join(
            f"{word} {tag}" + ("" if tag == true else f" (wrong: {true})") + f" {sure:.0%}"
            for word, tag, sure, true in zip(
                sentence.words, sentence.tags, sentence.sure, right, strict=True
            )
        )
        + "."
    )
