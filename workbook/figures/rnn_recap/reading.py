"""A recurrent network unrolled over a sentence: one step, repeated, waiting for the one before."""

from collections.abc import Sequence

from workbook.figures.arrays import as_labels
from workbook.figures.diagram import Place, arrow, block, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY,
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)

_LONGEST = 10
_BOX = 0.42


def unrolled_network(words: Sequence[str]) -> Picture:
    """The same step at every word: the state goes to the right, from word to word.

    Args:
        words: of the sentence, 2 to 10.

    Raises:
        ValueError: fewer or more words.
    """
    words = as_labels(words, "words", len(words))
    if not 2 <= len(words) <= _LONGEST:
        raise ValueError(f"there is room for 2 to {_LONGEST} words, not for {len(words)}")
    count = len(words)
    title = f"One step, {count} times over: word {count} waits until all the others are done"
    note = "Every box h is the same function with the same weights. What it knows is in the arrow."
    with sheet(PAGE_WIDTH, 2.05, title, note) as page:
        board = page.board()
        room = (PAGE_WIDTH - 1.15) / count
        label(board, 0.5, 1.2, "zeros", size=SMALL_SIZE, color=MUTED)
        before = (0.75, 1.2)
        for number, word in enumerate(words):
            middle = 0.95 + room * (number + 0.5)
            place = Place(middle - 0.3, 1.2 - _BOX / 2, 0.6, _BOX)
            block(board, place, f"$h_{{{number + 1}}}$", fill=KEY_TINT, edge=KEY)
            arrow(board, before, (place.left, 1.2))
            width = min(room - 0.1, 1.05)
            below = Place(middle - width / 2, 0.32, width, 0.34)
            block(board, below, word, fill=VALUE_TINT, edge=LINE)
            arrow(board, (middle, below.top), (middle, place.bottom))
            label(board, middle, 0.14, f"step {number + 1}", size=SMALL_SIZE, color=MUTED)
            before = (place.right, 1.2)
            if number == count - 1:
                out = Place(middle - 0.3, 1.68, 0.6, 0.3)
                block(board, out, "last", fill=QUERY_TINT, edge=MUTED)
                arrow(board, (middle, place.top), (middle, out.bottom))
    alt = (
        f"A chain of {count} equal boxes h1 to h{count} from left to right, one for each of the "
        f"words {', '.join(words)}. Each box gets its word from below and the state of the box "
        f"before it; the first gets zeros. The last state leaves at the top."
    )
    return Picture(page.figure, alt)
