"""Attention worked by hand: every number of the calculation, where it comes from and goes to."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import as_array, as_labels, short
from workbook.figures.diagram import arrow, label
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
    TIMES,
    VALUE_TINT,
)
from workbook.figures.tables import CELL_HEIGHT, CELL_WIDTH, draw_table

_MOST = 5


def soft_lookup(
    query: Any,
    keys: Any,
    values: Any,
    scores: Any,
    weights: Any,
    output: Any,
    names: Sequence[Any] | None = None,
) -> Picture:
    """One query over a small memory: scores, weights, and the weighted sum of the values.

    Args:
        query: `(d_k,)`.
        keys: `(n, d_k)`.
        values: `(n, d_v)`.
        scores: `(n,)`, the dot products of the query with the keys.
        weights: `(n,)`, from 0 to 1.
        output: `(d_v,)`, the context that the look-up returns.
        names: what each memory entry is called; by default "entry 1" and so on.

    Raises:
        ValueError: a shape that does not fit the others, or more than five rows or columns, which
            nobody checks by hand.
    """
    keys = as_array(keys, "keys", "n", "d_k")
    count, d_k = keys.shape
    values = as_array(values, "values", count, "d_v")
    d_v = values.shape[1]
    query = as_array(query, "query", d_k)
    scores = as_array(scores, "scores", count)
    weights = as_array(weights, "weights", count)
    output = as_array(output, "output", d_v)
    _small_enough("the memory", count, d_k, d_v)
    names = as_labels(names or [f"entry {i + 1}" for i in range(count)], "names", count)

    step = 0.44
    cell = (CELL_WIDTH, CELL_HEIGHT)
    key_left, bar_left, bar_long = 0.95, 3.72, 1.3
    key_width = CELL_WIDTH * d_k
    score_x = key_left + max(key_width, 1.2) + 0.45
    value_left = bar_left + bar_long + 0.62
    made_left = value_left + max(CELL_WIDTH * d_v, 1.0) + 0.75
    top = 1.02 + step * count
    with sheet(PAGE_WIDTH, top + 0.4, _title(names, weights)) as page:
        board = page.board()
        draw_table(board, key_left, top + 0.3, query[None], cell=cell, fill=QUERY_TINT)
        label(board, key_left - 0.07, top + 0.155, "query", ha="right", weight="bold")
        heads = (
            (key_left + key_width / 2, "keys"),
            (score_x, "score\nquery · key"),
            (bar_left + bar_long / 2, "weight\nsoftmax of the scores"),
            (value_left + CELL_WIDTH * d_v / 2, "values"),
            (made_left + CELL_WIDTH * d_v / 2, f"weight {TIMES} value"),
        )
        for x, text in heads:
            first, _, second = text.partition("\n")
            label(board, x, top - 0.12, first, weight="bold")
            if second:
                label(board, x, top - 0.29, second, size=SMALL_SIZE, color=MUTED)
        for entry in range(count):
            y = top - 0.62 - step * entry
            upper = y + CELL_HEIGHT / 2
            label(board, key_left - 0.07, y, names[entry], ha="right", size=SMALL_SIZE)
            draw_table(board, key_left, upper, keys[entry : entry + 1], cell=cell, fill=KEY_TINT)
            label(board, score_x, y, short(scores[entry]))
            arrow(board, (key_left + key_width + 0.06, y), (score_x - 0.25, y), color=MUTED)
            _bar(board, bar_left, y, bar_long, weights[entry])
            arrow(board, (score_x + 0.25, y), (bar_left - 0.06, y), color=MUTED)
            draw_table(
                board, value_left, upper, values[entry : entry + 1], cell=cell, fill=VALUE_TINT
            )
            made = draw_table(
                board, made_left, upper, weights[entry] * values[entry : entry + 1], cell=cell
            )
            label(board, value_left - 0.15, y, TIMES)
            label(board, made_left - 0.3, y, "=")
        base = made.bottom - 0.12
        board.plot([made.left, made.right], [base, base], color=INK, linewidth=1.4)
        label(board, made.right + 0.16, base, "+", weight="bold")
        draw_table(
            board, made_left, base - 0.12, output[None], cell=cell, fill=VALUE_TINT, follow=0
        )
        label(board, made_left - 0.12, base - 0.265, "output", ha="right", weight="bold")
        total = short(float(weights.sum()))
        label(
            board,
            bar_left + bar_long / 2,
            base - 0.265,
            f"the weights add up to {total}",
            size=SMALL_SIZE,
            color=MUTED,
        )
    rows = "; ".join(
        f"{name}: score {short(score)}, weight {short(weight)}, value {_vector(value)}"
        for name, score, weight, value in zip(names, scores, weights, values, strict=True)
    )
    alt = (
        f"A look-up by hand. The query {_vector(query)} is compared with {count} keys. {rows}. "
        f"The weighted sum of the values is the output {_vector(output)}."
    )
    return Picture(page.figure, alt)


def self_attention_by_hand(
    x: Any,
    query: Any,
    key: Any,
    value: Any,
    scores: Any,
    weights: Any,
    output: Any,
    words: Sequence[Any] | None = None,
    scaled: bool = True,
    follow: int = 0,
) -> Picture:
    """Self-attention on a few inputs as a row of small matrices, one outlined row to follow.

    Args:
        x: `(n, d_in)`, the inputs.
        query, key: `(n, d_k)`.
        value: `(n, d_v)`.
        scores: `(n, n)`, the dot products before any scaling.
        weights: `(n, n)`, from 0 to 1.
        output: `(n, d_v)`.
        words: names of the inputs; by default 1, 2, 3 and so on.
        scaled: whether the weights were made from scores divided by √d_k.
        follow: the row to outline in every matrix.

    Raises:
        ValueError: a shape that does not fit the others, or more than five rows or columns.
    """
    x = as_array(x, "x", "n", "d_in")
    count, d_in = x.shape
    query = as_array(query, "query", count, "d_k")
    key = as_array(key, "key", count, query.shape[1])
    value = as_array(value, "value", count, "d_v")
    scores = as_array(scores, "scores", count, count)
    weights = as_array(weights, "weights", count, count)
    output = as_array(output, "output", count, value.shape[1])
    _small_enough("the example", count, d_in, query.shape[1], value.shape[1])
    words = as_labels(words or range(1, count + 1), "words", count)

    tall = CELL_HEIGHT * count
    wide = {
        "x": CELL_WIDTH * d_in,
        "qkv": CELL_WIDTH * max(query.shape[1], value.shape[1]),
        "square": CELL_WIDTH * count,
        "output": CELL_WIDTH * value.shape[1],
    }
    room = PAGE_WIDTH - 0.6 - wide["x"] - wide["qkv"] - 2 * wide["square"] - wide["output"] - 0.15
    gap = max(room / 4, 0.48)
    lefts = {"x": 0.6}
    lefts["qkv"] = lefts["x"] + wide["x"] + gap
    lefts["scores"] = lefts["qkv"] + wide["qkv"] + gap
    lefts["weights"] = lefts["scores"] + wide["square"] + gap + 0.22
    lefts["output"] = lefts["weights"] + wide["square"] + gap - 0.22
    width = max(PAGE_WIDTH, lefts["output"] + wide["output"] + 0.15)
    between = 0.42
    height = 3 * tall + 2 * between + 0.62
    tops = [height - 0.42 - (tall + between) * place for place in range(3)]
    note = f"Follow input {words[follow]}: its row is outlined in every step."
    shares = [
        f"{short(weight)} of value {w}" for weight, w in zip(weights[follow], words, strict=True)
    ]
    title = f"The output for input {words[follow]} mixes {_listed(shares)}"
    with sheet(width, height, title, note) as page:
        board = page.board()
        given = draw_table(
            board, lefts["x"], tops[1], x, name="inputs x", rows=words, follow=follow
        )
        q, k, v = (
            draw_table(board, lefts["qkv"], top, table, name=name, fill=tint, follow=row)
            for top, table, name, tint, row in (
                (tops[0], query, "query q", QUERY_TINT, follow),
                (tops[1], key, "key k", KEY_TINT, None),
                (tops[2], value, "value v", VALUE_TINT, None),
            )
        )
        level = (tops[0] + tops[1]) / 2
        squares = [
            draw_table(
                board,
                lefts[name],
                level,
                table,
                name=name,
                rows=words,
                columns=words,
                follow=follow,
                as_weights=name == "weights",
            )
            for name, table in (("scores", scores), ("weights", weights))
        ]
        made = draw_table(
            board, lefts["output"], level, output, name="output", fill=VALUE_TINT, follow=follow
        )
        middle = given.middle[1]
        for place, name in ((q, "q"), (k, "k"), (v, "v")):
            start, end, turn = given.right + 0.06, place.left - 0.06, given.right + gap * 0.42
            y = place.middle[1]
            if abs(y - middle) < 0.01:
                arrow(board, (start, middle), (end, y))
            else:
                arrow(board, (start, middle), (turn, middle), (turn, y), (end, y))
            label(board, (turn + end) / 2 + 0.03, y + 0.14, f"$W_{name}$", size=SMALL_SIZE)
        left, right = squares
        y = left.middle[1]
        turn, end = q.right + gap * 0.3, left.left - 0.24
        for place in (q, k):
            start = (place.right + 0.06, place.middle[1])
            arrow(board, start, (turn, start[1]), (turn, y), (end, y))
        arrow(board, (left.right + 0.06, y), (right.left - 0.24, y))
        step = "$\\div\\sqrt{d_k}$\nsoftmax" if scaled else "softmax"
        above = 0.23 if scaled else 0.13
        label(board, (left.right + right.left) / 2 - 0.09, y + above, step, size=SMALL_SIZE)
        arrow(board, (right.right + 0.06, y), (made.left - 0.06, y))
        below = v.middle[1]
        arrow(
            board,
            (v.right + 0.06, below),
            (made.middle[0], below),
            (made.middle[0], made.bottom - 0.06),
        )
        label(
            board,
            (v.right + made.middle[0]) / 2,
            below + 0.13,
            "each output row is a weighted sum of the value rows",
            size=SMALL_SIZE,
            color=MUTED,
        )
        label(board, left.middle[0], left.bottom - 0.16, "$q\\,k^T$", size=SMALL_SIZE)
    alt = (
        f"Self-attention by hand on {count} inputs. Input {words[follow]} is {_vector(x[follow])}; "
        f"its query is {_vector(query[follow])}, its scores are {_vector(scores[follow])}, its "
        f"weights {_vector(weights[follow])} and its output {_vector(output[follow])}. "
        f"All outputs: {'; '.join(_vector(row) for row in output)}."
    )
    return Picture(page.figure, alt)


def _bar(board: Axes, left: float, y: float, length: float, weight: float) -> None:
    """A weight as a bar in a frame of length 1, with its number."""
    frame = {"linewidth": 0.8, "edgecolor": LINE, "facecolor": "none", "zorder": 2}
    board.add_patch(Rectangle((left, y - 0.1), length, 0.2, **frame))
    bar = Rectangle((left, y - 0.1), length * weight, 0.2, facecolor=KEY, zorder=3)
    bar.set_gid("weight")
    board.add_patch(bar)
    label(board, left + length + 0.06, y, short(weight), ha="left", color=QUERY, weight="bold")


def _title(names: Sequence[str], weights: Any) -> str:
    best = int(weights.argmax())
    return (
        f"The output is mostly {names[best]}: its key fits the query best and gets "
        f"{short(weights[best])} of the weight"
    )


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def _vector(values: Any) -> str:
    return f"({', '.join(short(number) for number in values)})"


def _small_enough(what: str, *sizes: int) -> None:
    if max(sizes) > _MOST:
        raise ValueError(
            f"{what} has a side of {max(sizes)}, but by hand at most {_MOST} can be followed; "
            "use attention_matrix for larger ones"
        )
