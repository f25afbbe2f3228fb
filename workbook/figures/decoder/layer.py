"""A pre-norm decoder layer: three sublayers, three norms, three roads around them, one memory."""

from workbook.figures.diagram import Place, arrow, block, junction, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    KEY,
    KEY_TINT,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)

_SUBLAYERS = (
    ("norm1", "self_attention", QUERY_TINT, "q, k, v from x\nself_mask"),
    ("norm2", "cross_attention", KEY_TINT, ""),
    ("norm3", "feed_forward", VALUE_TINT, "each position\nfor itself"),
)


def decoder_layer() -> Picture:
    """x flows from left to right; memory comes in from below, in one place only."""
    title = "A decoder layer: look back at what is written, look across at the source, think"
    note = (
        "Pre-norm, norm_first=True. Dropout acts before each plus. The memory is not normed here."
    )
    with sheet(PAGE_WIDTH, 2.55, title, note) as page:
        board = page.board()
        level, part = 1.62, (PAGE_WIDTH - 1.0) / 3
        road = level + 0.72
        label(board, 0.2, level, "$x$")
        at = 0.34
        for number, (norm, name, tint, says) in enumerate(_SUBLAYERS):
            start = 0.42 + number * part
            first = Place(start + 0.3, level - 0.19, 0.66, 0.38)
            second = Place(first.right + 0.18, level - 0.25, 1.2, 0.5)
            plus = second.right + 0.34
            arrow(board, (at, level), (first.left, level))
            block(board, first, norm, fill=PAPER, size=SMALL_SIZE)
            arrow(board, (first.right, level), (second.left, level))
            block(board, second, name, fill=tint, edge=INK, size=SMALL_SIZE)
            arrow(board, (second.right, level), (plus - 0.1, level))
            fork = start + 0.14
            arrow(board, (fork, level), (fork, road), (plus, road), (plus, level + 0.1), color=INK)
            junction(board, plus, level)
            if says:
                label(board, second.middle[0], level - 0.5, says, size=SMALL_SIZE, color=MUTED)
            at = plus + 0.1
            if number == 1:
                memory = Place(second.middle[0] - 0.75, 0.18, 1.5, 0.36)
                block(board, memory, "memory", fill=KEY_TINT, edge=KEY)
                for shift, role in ((-0.25, "k"), (0.25, "v")):
                    x = second.middle[0] + shift
                    arrow(board, (x, memory.top), (x, second.bottom), color=KEY)
                    label(board, x - 0.1, (memory.top + second.bottom) / 2, role, size=SMALL_SIZE)
                label(
                    board,
                    memory.right + 0.12,
                    memory.middle[1],
                    "from the encoder, the same for all layers",
                    ha="left",
                    size=SMALL_SIZE,
                    color=MUTED,
                )
                label(
                    board,
                    second.middle[0] + 0.42,
                    (memory.top + second.bottom) / 2,
                    "cross_mask hides padding",
                    ha="left",
                    size=SMALL_SIZE,
                    color=MUTED,
                )
                label(board, first.right + 0.09, level + 0.16, "q", size=SMALL_SIZE)
        arrow(board, (at, level), (PAGE_WIDTH - 0.15, level))
    alt = (
        f"{title}. From left to right: x goes through norm1 and self_attention (queries, keys and "
        "values from x, self_mask) and is added again; through norm2 and cross_attention, whose "
        "queries come from x and whose keys and values come from the memory (cross_mask), and is "
        "added again; through norm3 and feed_forward and is added again. Three roads lead around "
        "the three sublayers."
    )
    return Picture(page.figure, alt)
