"""A padded batch, and the two ways of turning it round: with its padding, or each row by itself."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from workbook.figures.diagram import Place, block, label
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    SHADE,
    SMALL_SIZE,
    VALUE_TINT,
)

PAD = "<pad>"


def padded_batch(sentences: Sequence[Sequence[str]]) -> Picture:
    """A batch filled up to a rectangle, with each sentence's own last word marked.

    Args:
        sentences: lists of words, at least one, none empty.

    Raises:
        ValueError: no sentence, or an empty one.
    """
    rows = _rectangle(sentences)
    lengths = [len(sentence) for sentence in sentences]
    title = "A batch is a rectangle: short sentences are filled up, and end before their row does"
    note = "Bold outline: each sentence's own last word, at index length − 1. Hatched: padding."
    with sheet(PAGE_WIDTH, 0.36 + 0.36 * len(rows), title, note) as page:
        board = page.board()
        _draw_rows(board, rows, 1.05, PAGE_WIDTH - 1.25, page.height - 0.12, lengths)
        for row, length in enumerate(lengths):
            y = page.height - 0.12 - 0.36 * (row + 0.5)
            label(board, 0.95, y, f"length {length}", ha="right", size=SMALL_SIZE)
        width = (PAGE_WIDTH - 1.25) / len(rows[0])
        for column in range(len(rows[0])):
            x = 1.05 + width * (column + 0.5)
            label(board, x, 0.1, str(column), size=SMALL_SIZE, color=MUTED)
        label(board, 0.95, 0.1, "index", ha="right", size=SMALL_SIZE, color=MUTED)
    told = "; ".join(
        f"“{' '.join(sentence)}”, {len(sentence)} words and {row.count(PAD)} of padding"
        for sentence, row in zip(sentences, rows, strict=True)
    )
    return Picture(page.figure, f"A batch as a rectangle of words. {told}.")


def turned_round(sentences: Sequence[Sequence[str]]) -> Picture:
    """What a backward network reads first: the padding, or each sentence's own last word.

    Args:
        sentences: lists of words, at least one, none empty.

    Raises:
        ValueError: no sentence, or an empty one.
    """
    rows = _rectangle(sentences)
    flipped = [row[::-1] for row in rows]
    turned = [
        [*row[: len(sentence)][::-1], *row[len(sentence) :]]
        for sentence, row in zip(sentences, rows, strict=True)
    ]
    panels = (
        ("the batch", rows),
        ("flip: padding comes first", flipped),
        ("each within its own length", turned),
    )
    title = "Turn each sentence round within its own length, and the padding stays behind"
    width = (PAGE_WIDTH - 0.24 - 0.5) / 3
    with sheet(PAGE_WIDTH, 0.42 + 0.36 * len(rows), title) as page:
        board = page.board()
        for number, (name, drawn) in enumerate(panels):
            left = 0.12 + number * (width + 0.25)
            top = page.height - 0.34
            label(board, left, page.height - 0.14, name, ha="left", weight="bold")
            _draw_rows(board, drawn, left, width, top)
    told = ". ".join(
        f"{name[0].upper()}{name[1:]}: {'; '.join(' '.join(row) for row in drawn)}"
        for name, drawn in panels
    )
    return Picture(page.figure, f"Three grids of words. {told}.")


def _rectangle(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    if not sentences or not all(len(sentence) for sentence in sentences):
        raise ValueError("a batch should hold at least one sentence, and none should be empty")
    longest = max(len(sentence) for sentence in sentences)
    return [[*map(str, each), *[PAD] * (longest - len(each))] for each in sentences]


def _draw_rows(
    board: Axes,
    rows: Sequence[Sequence[str]],
    left: float,
    width: float,
    top: float,
    lengths: Sequence[int] = (),
) -> None:
    each = width / len(rows[0])
    size = SMALL_SIZE
    widest = max(text_width(word, size) for row in rows for word in row)
    shown = size * min(1.0, (each - 0.08) / widest)
    for number, row in enumerate(rows):
        for column, word in enumerate(row):
            place = Place(left + each * column, top - 0.36 * (number + 1), each, 0.36).grown(-0.025)
            padding = word == PAD
            last = bool(lengths) and column == lengths[number] - 1
            block(
                board,
                place,
                word,
                fill=SHADE if padding else VALUE_TINT if not last else PAPER,
                edge=INK if last else LINE,
                line=2.2 if last else 0.9,
                hatch="///" if padding else None,
                ink=MUTED if padding else INK,
                size=shown,
                rounding=0.03,
            )
