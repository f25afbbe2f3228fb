"""What the side of the map shows: today's place seen from close by, one drawing a lesson."""

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from workbook.figures.architecture.marks import YOURS, piece_box
from workbook.figures.diagram import (
    Place,
    arrow,
    block,
    centred,
    junction,
    label,
    row_of_words,
)
from workbook.figures.style import (
    INK,
    LINE,
    MUTED,
    PAPER,
    QUERY,
    QUERY_TINT,
    SERIES,
    SHADE,
    SMALL_SIZE,
    TIMES,
    VALUE_TINT,
)

ENGLISH = ("this", "cat", "is", "very", "large")
SPANISH = ("este", "gato", "es", "muy", "grande")


class Inset(NamedTuple):
    """A drawing of the side panel: what stands over it, how high it is, and how it is drawn."""

    heading: str
    height: float
    draw: Callable[[Axes, Place, Collection[str]], None]


def _note(board: Axes, x: float, y: float, text: str, **keywords: object) -> None:
    label(board, x, y, text, size=SMALL_SIZE, color=MUTED, **keywords)


def _recurrent(board: Axes, area: Place, passed: Collection[str]) -> None:
    row = Place(area.left, area.bottom + 1.0, area.width, 0.26)
    words = row_of_words(board, ENGLISH, row, size=SMALL_SIZE)
    cells = [Place(word.left + 0.03, row.top + 0.32, word.width - 0.06, 0.5) for word in words]
    for word, cell in zip(words, cells, strict=True):
        piece_box(board, cell, "RNN", (), (), size=SMALL_SIZE)
        arrow(board, (word.middle[0], word.top), (word.middle[0], cell.bottom))
    for before, after in itertools.pairwise(cells):
        arrow(board, (before.right, before.middle[1]), (after.left, after.middle[1]))
    last = cells[-1]
    memory = Place(last.right - 0.98, last.top + 0.42, 0.98, 0.4)
    block(board, memory, "the whole\nsentence", fill=QUERY_TINT, size=SMALL_SIZE)
    arrow(board, (last.middle[0], last.top), (last.middle[0], memory.bottom))
    _note(
        board,
        area.left,
        memory.middle[1],
        "one vector has\nto hold it all",
        ha="left",
    )
    first = words[0].middle[0]
    y = area.bottom + 0.72
    arrow(board, (first, y), (words[-1].middle[0], y), color=QUERY, dashed=True)
    label(
        board,
        area.middle[0],
        y - 0.28,
        "“this” meets “large” after 4 steps,\none after the other",
        size=SMALL_SIZE,
    )


def _dot_product(board: Axes, area: Place, passed: Collection[str]) -> None:
    """The steps of scaled dot-product attention: figure 2, left, of the same paper."""
    x = area.left + 0.9
    width, tall = 1.4, 0.3
    rows = [area.bottom + 1.1 + 0.5 * step for step in range(5)]
    steps = (
        ("scores  Q Kᵀ", ("attend",), "rows: queries\ncolumns: keys"),
        ("scale  ÷ $\\sqrt{d_k}$", ("scaled_dot_product_attention",), "keeps them\nsmall"),
        ("mask", ("scaled_dot_product_attention",), "where it\nmay not look"),
        ("softmax", ("softmax",), "each row\nsums to 1"),
        ("weights · V", ("attend",), "a mix of\nthe values"),
    )
    places = [centred(x, bottom, width, tall) for bottom in rows]
    for place, (text, pieces, why) in zip(places, steps, strict=True):
        piece_box(board, place, text, pieces, passed, name=f"inset {text}")
        _note(board, place.right + 0.12, place.middle[1], why, ha="left")
    for lower, upper in itertools.pairwise(places):
        arrow(board, (x, lower.top), (x, upper.bottom))
    arrow(board, (x, places[-1].top), (x, places[-1].top + 0.24))
    label(board, x, places[-1].top + 0.34, "output", size=SMALL_SIZE)
    make = centred(x, area.bottom + 0.36, width, tall)
    piece_box(
        board, make, "$x W_q, \\ x W_k, \\ x W_v$", ("project_qkv",), passed, name="inset qkv"
    )
    _note(board, make.right + 0.12, make.middle[1], "three roles\nfor each word", ha="left")
    for offset, name in ((-0.4, "Q"), (0.05, "K")):
        arrow(board, (x + offset, make.top), (x + offset, places[0].bottom))
        label(board, x + offset + 0.1, make.top + 0.17, name, size=SMALL_SIZE)
    side, last = area.left + 0.02, places[-1]
    arrow(
        board,
        (x - 0.6, make.top),
        (x - 0.6, make.top + 0.12),
        (side, make.top + 0.12),
        (side, last.middle[1]),
        (last.left, last.middle[1]),
    )
    label(board, side + 0.1, make.top + 0.24, "V", size=SMALL_SIZE)
    arrow(board, (x, area.bottom + 0.12), (x, make.bottom))
    label(board, x, area.bottom + 0.04, "$x$, the words", size=SMALL_SIZE)


def _multi_head(board: Axes, area: Place, passed: Collection[str]) -> None:
    """Several heads side by side: figure 2, right, of the same paper."""
    x = area.left + 1.2
    whole = ("MultiHeadAttention",)
    linears = [
        Place(area.left + 0.12 + 0.76 * place, area.bottom + 0.5, 0.64, 0.3) for place in range(3)
    ]
    split = Place(area.left + 0.12, area.bottom + 1.08, 2.16, 0.28)
    heads = Place(area.left + 0.12, area.bottom + 1.72, 2.0, 0.56)
    merge = Place(area.left + 0.12, area.bottom + 2.7, 2.16, 0.28)
    mix = Place(area.left + 0.62, area.bottom + 3.28, 1.16, 0.3)
    for back in (2, 1):
        block(
            board,
            heads._replace(left=heads.left + 0.08 * back, bottom=heads.bottom + 0.08 * back),
            edge=INK,
            level=2.0 - 0.1 * back,
        )
    for place, name in zip(linears, ("Q", "K", "V"), strict=True):
        piece_box(board, place, f"$W_{name}$", whole, passed, name=f"inset W_{name}")
        middle = place.middle[0]
        arrow(board, (middle, area.bottom + 0.24), (middle, place.bottom))
        label(board, middle, area.bottom + 0.14, name, size=SMALL_SIZE)
        arrow(board, (middle, place.top), (middle, split.bottom))
        arrow(board, (middle, split.top), (middle, heads.bottom))
    piece_box(board, split, "split into heads", ("split_heads",), passed, name="inset split")
    piece_box(
        board,
        heads,
        "scaled dot-product\nattention",
        ("scaled_dot_product_attention",),
        passed,
        name="inset heads",
    )
    piece_box(board, merge, "merge the heads", ("merge_heads",), passed, name="inset merge")
    piece_box(board, mix, "$W_O$", whole, passed, name="inset W_O")
    _note(board, area.left + 2.4, heads.middle[1] + 0.08, f"{TIMES} h", ha="left")
    arrow(board, (x, heads.top + 0.16), (x, merge.bottom))
    arrow(board, (x, merge.top), (x, mix.bottom))
    arrow(board, (x, mix.top), (x, mix.top + 0.26))
    label(board, x, mix.top + 0.36, "output", size=SMALL_SIZE)


def _positions(board: Axes, area: Place, passed: Collection[str]) -> None:
    """Sine columns of the 64-dimensional encoding at positions 0 to 9 (base 10,000)."""
    left, wide, count = area.left + 0.42, area.width - 0.52, 9
    pairs = 4
    for pair in range(pairs):
        middle = area.bottom + 1.0 + 0.78 * pair
        style = SERIES[pair]
        rate = 10000 ** (-4 * pair / 64)
        fine = [step / 20 for step in range(20 * count + 1)]
        board.plot([left, left + wide], [middle, middle], color=LINE, linewidth=0.8, zorder=1.2)
        board.plot(
            [left + wide * t / count for t in fine],
            [middle + 0.27 * math.sin(t * rate) for t in fine],
            color=style["color"],
            linewidth=1.2,
            zorder=1.5,
        )
        board.plot(
            [left + wide * t / count for t in range(count + 1)],
            [middle + 0.27 * math.sin(t * rate) for t in range(count + 1)],
            color=style["color"],
            marker=style["marker"],
            markersize=4,
            linestyle="none",
            zorder=2,
        )
        label(board, area.left + 0.16, middle, str(4 * pair), size=SMALL_SIZE)
    _note(board, area.left, area.bottom + 1.0 + 0.78 * pairs - 0.36, "column, of 64", ha="left")
    for t in range(count + 1):
        label(board, left + wide * t / count, area.bottom + 0.56, str(t), size=SMALL_SIZE)
    _note(board, left + wide / 2, area.bottom + 0.36, "position in the sentence")
    label(
        board,
        area.middle[0],
        area.bottom + 0.08,
        "every position has a pattern of its own",
        size=SMALL_SIZE,
    )


def _encoder_block(board: Axes, area: Place, passed: Collection[str]) -> None:
    x = area.left + 1.42
    wide = 1.6
    rows = (
        ("dropout", ()),
        ("attention or\nfeed forward", ("MultiHeadAttention", "FeedForward")),
        ("layer norm", ("LayerNorm",)),
    )
    norm = centred(x, area.bottom + 0.74, wide, 0.3)
    inner = centred(x, area.bottom + 1.34, wide, 0.46)
    drop = centred(x, area.bottom + 2.1, wide, 0.3)
    plus = area.bottom + 2.76
    for place, (text, pieces) in zip((drop, inner, norm), rows, strict=True):
        piece_box(board, place, text, pieces, passed, name=f"inset {text}")
    arrow(board, (x, area.bottom + 0.24), (x, norm.bottom))
    label(board, x, area.bottom + 0.14, "$x$", size=SMALL_SIZE)
    arrow(board, (x, norm.top), (x, inner.bottom))
    arrow(board, (x, inner.top), (x, drop.bottom))
    arrow(board, (x, drop.top), (x, plus - 0.1))
    junction(board, x, plus)
    arrow(board, (x, plus + 0.1), (x, plus + 0.4))
    around = x - wide / 2 - 0.24
    fork = area.bottom + 0.48
    arrow(board, (x, fork), (around, fork), (around, plus), (x - 0.1, plus))
    _note(board, around - 0.1, area.bottom + 1.6, "the residual road", rotation=90)
    label(board, x, plus + 0.52, "$x + $sublayer(norm($x$))", size=SMALL_SIZE)
    _note(board, x + 0.16, plus, "residual", ha="left")


def _decoder_step(board: Axes, area: Place, passed: Collection[str]) -> None:
    asked = ("<bos>", *SPANISH[:-1])
    cell = 0.29
    left, top = area.left + 0.42, area.bottom + 2.66
    for row, (word, following) in enumerate(zip(asked, SPANISH, strict=True)):
        y = top - cell * (row + 0.5)
        label(board, left - 0.1, y, word, size=SMALL_SIZE, ha="right")
        for column in range(len(asked)):
            place = Place(left + cell * column, y - cell / 2, cell, cell).grown(-0.015)
            may = column <= row
            block(
                board,
                place,
                "✓" if may else "",
                fill=YOURS if may else SHADE,
                edge=LINE,
                hatch=None if may else "////",
                rounding=0.02,
                size=SMALL_SIZE,
            )
        end = left + cell * len(asked)
        arrow(board, (end + 0.05, y), (end + 0.28, y))
        label(board, end + 0.33, y, following, size=SMALL_SIZE, ha="left")
    for column, word in enumerate(asked):
        label(
            board,
            left + cell * (column + 0.5),
            top + 0.06,
            word,
            size=SMALL_SIZE,
            rotation=90,
            va="bottom",
        )
    _note(board, left + cell * len(asked) + 0.33, top + 0.1, "next", ha="left", va="bottom")
    label(
        board,
        area.middle[0],
        top - cell * len(asked) - 0.36,
        "each word may look at itself\nand at the words before it",
        size=SMALL_SIZE,
    )


def _bert(board: Axes, area: Place, passed: Collection[str]) -> None:
    words = ("[CLS]", "this", "very", "[MASK]", "cat")
    row = Place(area.left, area.bottom + 0.62, area.width, 0.28)
    places = row_of_words(board, words, row, size=SMALL_SIZE)
    body = Place(area.left, row.top + 0.34, area.width, 0.74)
    piece_box(
        board, body, "encoder, N layers,\nlooks both ways", ("Bert",), passed, name="inset body"
    )
    for place in places:
        arrow(board, (place.middle[0], place.top), (place.middle[0], body.bottom))
    heads = (
        (places[0], "question?\ncommand?", "the sentence", ("SentenceClassifier",)),
        (places[3], "large", "the hidden word", ("masked_lm_loss",)),
    )
    for place, text, what, pieces in heads:
        x = max(place.middle[0], area.left + 0.55)
        head = centred(x, body.top + 0.42, 1.1, 0.42)
        arrow(board, (place.middle[0], body.top), (place.middle[0], head.bottom))
        piece_box(board, head, text, pieces, passed, size=SMALL_SIZE, name=f"inset {what}")
        _note(board, x, head.top + 0.14, what)
    label(
        board,
        area.middle[0],
        area.bottom + 0.28,
        "hide words, read the whole sentence,\nguess what was hidden",
        size=SMALL_SIZE,
    )


def _gpt(board: Axes, area: Place, passed: Collection[str]) -> None:
    words = ("this", "cat", "is", "very")
    row = Place(area.left + 0.1, area.bottom + 0.7, area.width - 0.76, 0.28)
    places = row_of_words(board, words, row, size=SMALL_SIZE)
    body = Place(row.left, row.top + 0.34, row.width, 0.74)
    piece_box(
        board, body, "decoder, N layers,\nlooks back only", ("GPT",), passed, name="inset body"
    )
    for place in places:
        arrow(board, (place.middle[0], place.top), (place.middle[0], body.bottom))
    last = places[-1].middle[0]
    head = Place(body.right - 1.2, body.top + 0.36, 1.2, 0.3)
    piece_box(board, head, "sample", ("sample_next",), passed, name="inset sample")
    arrow(board, (last, body.top), (last, head.bottom))
    word = Place(last - 0.3, head.top + 0.3, 0.6, 0.28)
    block(board, word, "large", fill=VALUE_TINT, edge=LINE, size=SMALL_SIZE)
    arrow(board, (last, head.top), (last, word.bottom))
    following = Place(row.right + 0.08, row.bottom, 0.52, row.height)
    block(board, following, "large", fill=VALUE_TINT, edge=LINE, size=SMALL_SIZE, dashed=True)
    loop = following.middle[0]
    arrow(board, (word.right, word.middle[1]), (loop, word.middle[1]), (loop, following.top))
    _note(board, loop - 0.08, body.top + 0.3, "again", ha="right")
    label(
        board,
        area.middle[0],
        area.bottom + 0.3,
        "write a word, put it at the end,\nwrite the next",
        size=SMALL_SIZE,
    )


def _translator(board: Axes, area: Place, passed: Collection[str]) -> None:
    low = Place(area.left, area.bottom + 0.5, area.width, 0.26)
    source = row_of_words(board, ENGLISH, low, size=SMALL_SIZE)
    encoder = Place(area.left, low.top + 0.3, area.width, 0.36)
    decoder = Place(area.left, encoder.top + 0.3, area.width, 0.36)
    high = Place(area.left, decoder.top + 0.3, area.width, 0.26)
    piece_box(board, encoder, "encode", ("Encoder",), passed, name="inset encode")
    piece_box(board, decoder, "decode", ("Decoder",), passed, name="inset decode")
    for place in source:
        arrow(board, (place.middle[0], place.top), (place.middle[0], encoder.bottom))
    arrow(board, (area.middle[0], encoder.top), (area.middle[0], decoder.bottom))
    for place in row_of_words(board, SPANISH, high, size=SMALL_SIZE, fill=VALUE_TINT):
        arrow(board, (place.middle[0], decoder.top), (place.middle[0], place.bottom))
    label(
        board,
        area.middle[0],
        area.bottom + 0.22,
        "your classes, from your toolbox",
        size=SMALL_SIZE,
    )


def _four_tasks(board: Axes, area: Place, passed: Collection[str]) -> None:
    tasks: Sequence[tuple[str, str, str]] = (
        ("spelling", "tihs catt", "this cat"),
        ("parts of speech", "this cat is", "DET NOUN VERB"),
        ("speech", "", "this cat"),
        ("translation", "this cat", "este gato"),
    )
    step, half = 0.86, (area.width - 0.34) / 2
    for position, (task, given, made) in enumerate(tasks):
        bottom = area.bottom + 0.34 + step * (len(tasks) - 1 - position)
        start = Place(area.left, bottom, half, 0.32)
        end = Place(area.right - half, bottom, half, 0.32)
        label(board, area.left, start.top + 0.15, task, ha="left", size=SMALL_SIZE, weight="bold")
        block(board, start, given, fill=PAPER, edge=LINE, size=SMALL_SIZE)
        block(board, end, made, fill=VALUE_TINT, edge=LINE, size=SMALL_SIZE)
        arrow(board, (start.right, start.middle[1]), (end.left, end.middle[1]))
        if not given:
            _waveform(board, start)


def _waveform(board: Axes, place: Place) -> None:
    times = [step / 120 for step in range(121)]
    board.plot(
        [place.left + 0.1 + (place.width - 0.2) * t for t in times],
        [
            place.middle[1] + 0.12 * math.sin(math.pi * t) * math.sin(70 * t) * math.cos(9 * t)
            for t in times
        ],
        color=INK,
        linewidth=0.9,
        zorder=4,
    )


INSETS: dict[int, Inset] = {
    1: Inset("What stood here before", 2.9, _recurrent),
    2: Inset("Inside every attention box", 4.0, _dot_product),
    3: Inset("Inside every multi-head box", 3.95, _multi_head),
    4: Inset("What is added to each word", 3.7, _positions),
    5: Inset("How each sublayer is wrapped", 3.4, _encoder_block),
    6: Inset("What “masked” means", 3.1, _decoder_step),
    7: Inset("BERT: the left side alone", 3.0, _bert),
    8: Inset("GPT: the right side alone", 3.1, _gpt),
    9: Inset("The pieces assemble", 2.6, _translator),
    10: Inset("One class, four tasks", 3.5, _four_tasks),
}
