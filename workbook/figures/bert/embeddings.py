"""What BERT's encoder is given: three vectors for each token, added."""

from collections.abc import Sequence

from workbook.figures.arrays import as_labels
from workbook.figures.diagram import Place, block, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY,
    KEY_TINT,
    MUTED,
    PAGE_WIDTH,
    QUERY,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)

_LEFT, _TALL, _STEP = 1.0, 0.34, 0.62


def embedding_sum(tokens: Sequence[str], segments: Sequence[int]) -> Picture:
    """Under each token the row it takes from each of the three tables.

    Args:
        tokens: with [CLS] and [SEP] among them.
        segments: 0 or 1 for each.

    Raises:
        ValueError: another number of segments than of tokens.
    """
    words = as_labels(tokens, "tokens", len(tokens))
    parts = as_labels(segments, "segments", len(words))
    title = "Each token brings three vectors: what it is, which segment it is in, where it stands"
    rows = (
        ("token", [f"“{word}”" for word in words], VALUE_TINT, MUTED, None),
        ("segment", [f"segment {part}" for part in parts], QUERY_TINT, QUERY, "//"),
        ("position", [f"place {place}" for place in range(len(words))], KEY_TINT, KEY, None),
    )
    tall = _STEP * len(rows) + 0.45
    each = (PAGE_WIDTH - _LEFT - 0.15) / len(words)
    with sheet(PAGE_WIDTH, tall, title) as page:
        board = page.board()
        for number, (name, entries, fill, edge, _) in enumerate(rows):
            y = tall - _STEP * number - _TALL - 0.1
            label(board, 0.12, y + _TALL / 2, name, ha="left", weight="bold")
            for place, entry in enumerate(entries):
                spot = Place(_LEFT + each * place + 0.03, y, each - 0.06, _TALL)
                block(board, spot, entry, fill=fill, edge=edge, size=SMALL_SIZE, rounding=0.04)
                below = "+" if number < len(rows) - 1 else "↓"
                label(board, spot.middle[0], y - (_STEP - _TALL) / 2, below, weight="bold")
        label(
            board,
            _LEFT + each * len(words) / 2,
            0.12,
            "norm, dropout, and then the encoder",
            weight="bold",
        )
    told = "; ".join(
        f"“{word}”: segment {part}, place {place}"
        for place, (word, part) in enumerate(zip(words, parts, strict=True))
    )
    return Picture(page.figure, f"{title}. {told}. The three are added, then normed.")
