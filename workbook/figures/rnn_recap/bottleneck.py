"""A translator with everything in one vector, and one that may look back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.diagram import Place, arrow, block, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    KEY,
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    QUERY,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)

_RAIL = 1.62


def two_translators(
    source: Sequence[str], target: Sequence[str], writing: int, weights: Any
) -> Picture:
    """Above, one vector carries the sentence across; below, one word being written looks back.

    Args:
        source, target: words.
        writing: the target word that looks back, by its index.
        weights: of that word over the source, `(source words,)`, for the thickness of its lines.

    Raises:
        ValueError: `writing` is no target word, or another number of weights than source words.
    """
    source = as_labels(source, "source", len(source))
    target = as_labels(target, "target", len(target))
    if not 0 <= writing < len(target):
        raise ValueError(f"writing should be an index of {target}, not {writing}")
    weights = as_array(weights, "weights", len(source))
    title = "Without attention one vector carries the whole sentence; with it, each word looks back"
    with sheet(PAGE_WIDTH, 3.85, title) as page:
        board = page.board()
        _encoder_and_decoder(board, source, target, 2.45, bottleneck=True)
        states, written = _encoder_and_decoder(board, source, target, 0.3, bottleneck=False)
        seen = written[writing]
        for state, weight in zip(states, weights, strict=True):
            arch = (state.middle[0], state.top), (state.middle[0], _RAIL)
            arrow(board, *arch, head=False, color=QUERY, line=0.6 + 5 * float(weight))
        left, right = states[0].middle[0], seen.middle[0]
        arrow(board, (left, _RAIL), (right, _RAIL), (right, seen.top), color=QUERY, line=1.6)
        between = (states[-1].right + written[0].left) / 2
        label(
            board,
            between,
            _RAIL + 0.12,
            "weighted sum of all states",
            size=SMALL_SIZE,
            color=QUERY,
        )
    heaviest = int(np.argmax(weights))
    told = ", ".join(f"{word} {w:.2f}" for word, w in zip(source, weights, strict=True))
    alt = (
        f"Two diagrams of a translator from “{' '.join(source)}” to “{' '.join(target)}”. Above, "
        "the encoder's last state is the only way across to the decoder, marked as the bottleneck. "
        f"Below, “{target[writing]}” also looks back at every encoder state, most at "
        f"“{source[heaviest]}” (weights: {told})."
    )
    return Picture(page.figure, alt)


def _encoder_and_decoder(
    board: Axes, source: Sequence[str], target: Sequence[str], bottom: float, bottleneck: bool
) -> tuple[list[Place], list[Place]]:
    """Two chains of states over their words; returns the places of the states of both."""
    gap = 1.25
    each = (PAGE_WIDTH - 0.4 - gap) / (len(source) + len(target))
    width = min(0.62, each - 0.14)
    y = bottom + 0.78
    states, written = [], []
    name = "without attention" if bottleneck else "with attention"
    label(board, 0.2, bottom + 1.26 + (0 if bottleneck else 0.42), name, ha="left", weight="bold")
    for number, word in enumerate(source):
        place = Place(0.2 + each * (number + 0.5) - width / 2, y - 0.18, width, 0.36)
        block(board, place, f"$h_{{{number + 1}}}$", fill=KEY_TINT, edge=KEY)
        words = Place(place.middle[0] - each / 2 + 0.04, bottom, each - 0.08, 0.32)
        block(board, words, word, fill=VALUE_TINT, edge=LINE, size=SMALL_SIZE)
        arrow(board, (place.middle[0], words.top), (place.middle[0], place.bottom))
        if states:
            arrow(board, (states[-1].right, y), (place.left, y))
        states.append(place)
    start = 0.2 + each * len(source) + gap
    for number, word in enumerate(target):
        place = Place(start + each * (number + 0.5) - width / 2, y - 0.18, width, 0.36)
        block(board, place, f"$s_{{{number + 1}}}$", fill=QUERY_TINT, edge=MUTED)
        words = Place(place.middle[0] - each / 2 + 0.04, bottom, each - 0.08, 0.32)
        block(board, words, word, edge=LINE, size=SMALL_SIZE)
        arrow(board, (place.middle[0], place.bottom), (place.middle[0], words.top))
        if written:
            arrow(board, (written[-1].right, y), (place.left, y))
        written.append(place)
    if bottleneck:
        neck = Place((states[-1].right + written[0].left) / 2 - 0.36, y - 0.24, 0.72, 0.48)
        block(board, neck, "one\nvector", edge=INK, line=2.2, size=SMALL_SIZE, weight="bold")
        arrow(board, (states[-1].right, y), (neck.left, y))
        arrow(board, (neck.right, y), (written[0].left, y))
    else:
        arrow(board, (states[-1].right, y), (written[0].left, y))
    return states, written
