"""Where a word looks, head by head: for any model whose attention weights have been collected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.diagram import label
from workbook.figures.matrices import draw_attention, draw_scale
from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY, LINE, MUTED, PAGE_WIDTH, QUERY, SMALL_SIZE
from workbook.figures.widget import Explorer

_ROW = 0.25
_LINES = 4.3


@dataclass(frozen=True)
class Reading:
    """The attention weights of a model over one sentence, and its words.

    Attributes:
        weights: one entry a layer, each `(heads, queries, keys)`.
        queries: the words that ask.
        keys: the words that are looked at; by default the same.
    """

    weights: Sequence[Any]
    queries: Sequence[Any]
    keys: Sequence[Any] | None = None


class _Checked:
    """A reading as arrays, after its shapes have been looked at."""

    def __init__(self, reading: Reading) -> None:
        keys = reading.queries if reading.keys is None else reading.keys
        sizes = len(reading.queries), len(keys)
        self.layers = [
            as_array(layer, f"the weights of layer {number}", "heads", *sizes)
            for number, layer in enumerate(reading.weights, start=1)
        ]
        heads = {len(layer) for layer in self.layers}
        if len(heads) != 1:
            raise ValueError(
                "weights should hold one entry (heads, queries, keys) for each layer, all with as "
                f"many heads; they have {sorted(heads) or 'no layers'}"
            )
        self.heads = heads.pop()
        self.queries = as_labels(reading.queries, "queries", sizes[0])
        self.keys = as_labels(keys, "keys", sizes[1])

    def place(self, word: int | str) -> int:
        """The position of a word: its first one, or the number that was given."""
        if isinstance(word, str):
            if word not in self.queries:
                raise ValueError(f"expected one of the words {self.queries}, got {word!r}")
            return self.queries.index(word)
        return range(len(self.queries))[word]

    def every_head(self, place: int) -> np.ndarray:
        """Where one word looks: `(layers * heads, keys)`, layer by layer."""
        return np.concatenate([layer[:, place] for layer in self.layers])


def head_explorer(
    readings: Reading | Mapping[str, Reading],
    word: int | str = 0,
    layer: int = 1,
    head: int = 1,
) -> Explorer:
    """Pick a layer, a head and a word (and a sentence, where there are several): see where it
    looks.

    On pages that are not live, the word is shown in every head at once.

    Args:
        readings: one reading, or several by name.
        word: where to start: a position among the queries, or a word, its first occurrence.
        layer, head: where to start, counted from 1.

    Raises:
        ValueError: weights and words that do not fit each other, or a word that isn't there.
    """
    checked = _all_checked(readings)
    names = list(checked)
    first = checked[names[0]]
    start = first.place(word)
    controls = {
        "layer": _choice("layer", [(str(n + 1), n) for n in range(len(first.layers))], layer - 1),
        "head": _choice("head", [(str(n + 1), n) for n in range(first.heads)], head - 1),
        "word": ipywidgets.Dropdown(
            options=_numbered(first.queries), value=start, description="word"
        ),
    }
    if len(names) > 1:
        sentence = ipywidgets.Dropdown(options=names, value=names[0], description="sentence")
        controls = {"sentence": sentence} | controls

        def follow(change: Any) -> None:
            words = checked[change["new"]].queries
            kept = min(controls["word"].value, len(words) - 1)
            controls["word"].options = _numbered(words)
            controls["word"].value = kept

        # Before the picture is drawn anew, so that it is drawn for a word that is there.
        sentence.observe(follow, names="value")

    def draw(layer: int, head: int, word: int, sentence: str = names[0]) -> Picture:
        reading = checked[sentence]
        return _looks(reading, layer, head, min(word, len(reading.queries) - 1))

    return Explorer(draw, controls, lambda: word_in_every_head(readings, word))


def word_in_every_head(
    readings: Reading | Mapping[str, Reading],
    word: int | str = 0,
    title: str | None = None,
) -> Picture:
    """One word's weights in all heads of all layers: one row a head, one column a key.

    Args:
        readings: one reading, or several by name, which stand below each other.
        word: a position among the queries (negative ones count from the end), or a word.
        title: what to notice; by default, the head with the largest weight.

    Raises:
        ValueError: weights and words that do not fit each other, or a word that isn't there.
    """
    checked = _all_checked(readings)
    tables = {name: reading.every_head(reading.place(word)) for name, reading in checked.items()}
    rows = {name: _head_names(reading) for name, reading in checked.items()}
    left = 0.12 + max(text_width(row, SMALL_SIZE) for names in rows.values() for row in names) + 0.1
    columns = max(len(reading.keys) for reading in checked.values())
    cell = min(0.56, (PAGE_WIDTH - left - 0.85) / columns)
    longest = max(text_width(key, SMALL_SIZE) for r in checked.values() for key in r.keys)
    upright = longest > cell - 0.04
    above = (longest if upright else SMALL_SIZE / 72) + 0.12
    heading = 0.33
    heights = {name: above + heading + 0.28 * len(table) for name, table in tables.items()}
    height = sum(heights.values()) + 0.16 * len(tables)
    if title is None:
        one = next(iter(checked.values()))
        asked = one.queries[one.place(word)]
        table = next(iter(tables.values()))
        row, column = np.unravel_index(np.nanargmax(table), table.shape)
        title = (
            f"“{asked}” in every head: {next(iter(rows.values()))[row]} looks at "
            f"“{one.keys[column]}” ({table[row, column]:.2f})"
        )
    with sheet(PAGE_WIDTH, height, title) as page:
        top = height
        for name, reading in checked.items():
            table = tables[name]
            tall = 0.28 * len(table)
            bottom = top - heights[name]
            axes = page.axes(left, bottom, cell * len(reading.keys), tall)
            draw_attention(
                axes, table, rows[name], reading.keys, numbers=cell >= 0.36, upright=upright
            )
            for edge in range(reading.heads, len(table), reading.heads):
                axes.axhline(edge - 0.5, color=INK, linewidth=1.6)
            asks = f"“{reading.queries[reading.place(word)]}” asks"
            axes.set_title(f"{name}, {asks}" if name else asks, pad=above * 72 + 3)
            if top == height:
                draw_scale(page, left + cell * len(reading.keys) + 0.15, bottom, min(tall, 2.4))
            top = bottom - 0.16
    told = " ".join(
        (f"{name}, " if name else "")
        + f"“{reading.queries[reading.place(word)]}” asks: "
        + "; ".join(
            f"{row} at {_strongest(weights, reading.keys)}"
            for row, weights in zip(rows[name], tables[name], strict=True)
        )
        + "."
        for name, reading in checked.items()
    )
    said = title if title.endswith("?") else f"{title.rstrip('.')}."
    return Picture(page.figure, f"{said} {told}")


def _looks(reading: _Checked, layer: int, head: int, place: int) -> Picture:
    """One word of one head: lines to the words it looks at, and its row in the head's matrix."""
    table = reading.layers[layer][head]
    row = table[place]
    asked = reading.queries[place]
    title = (
        f"Layer {layer + 1}, head {head + 1}: “{asked}” looks at {_strongest(row, reading.keys)}"
    )
    tallest = max(len(reading.queries), len(reading.keys))
    longest = max(text_width(key, SMALL_SIZE) for key in reading.keys)
    above = longest + 0.3
    body = max(_ROW * tallest, 1.2)
    height = body + above + 0.15
    room = PAGE_WIDTH - _LINES - 0.9
    names = max(text_width(query, SMALL_SIZE) for query in reading.queries) + 0.1
    cell = min((room - names) / len(reading.keys), 0.3)
    note = (
        "Thickness of a line: the weight. On the right, the whole head; the word's row is framed."
    )
    with sheet(PAGE_WIDTH, height, title, note) as page:
        board = page.board()
        heading = body + 0.15 + 0.12
        label(board, 1.25, heading, "query", ha="right", weight="bold")
        label(board, 3.0, heading, "keys", ha="left", weight="bold")
        start = None
        for number, query in enumerate(reading.queries):
            y = body - _ROW * (number + 0.5) + 0.1
            is_asked = number == place
            label(
                board,
                1.25,
                y,
                query,
                ha="right",
                size=SMALL_SIZE,
                color=QUERY if is_asked else MUTED,
                weight="bold" if is_asked else "normal",
            )
            start = y if is_asked else start
        for number, (key, weight) in enumerate(zip(reading.keys, row, strict=True)):
            y = body - _ROW * (number + 0.5) + 0.1
            said = f"{key}  {weight:.2f}" if weight >= 0.005 else key
            strong = weight >= 0.1
            label(
                board,
                3.0,
                y,
                said,
                ha="left",
                size=SMALL_SIZE,
                color=INK if strong else MUTED,
                weight="bold" if strong else "normal",
            )
            if weight >= 0.005:
                (line,) = board.plot(
                    [1.32, 2.93], [start, y], color=KEY, linewidth=0.4 + 7 * weight, zorder=2
                )
                line.set_solid_capstyle("round")
                line.set_gid(f"look {number}")
        tall = _ROW * len(reading.queries)
        axes = page.axes(_LINES + names, body - tall + 0.1, cell * len(reading.keys), tall)
        _draw_head(axes, table, reading, place)
        draw_scale(page, _LINES + names + cell * len(reading.keys) + 0.12, body + 0.1 - tall, tall)
    everything = ", ".join(
        f"{key} {weight:.2f}" for key, weight in zip(reading.keys, row, strict=True)
    )
    return Picture(page.figure, f"{title}. All its weights: {everything}.")


def _draw_head(axes: Axes, table: np.ndarray, reading: _Checked, place: int) -> None:
    draw_attention(axes, table, reading.queries, reading.keys, numbers=False, upright=True)
    for side, color, width in (("outer", "#ffffff", 3.4), ("inner", INK, 1.6)):
        frame = Rectangle(
            (-0.5, place - 0.5),
            len(reading.keys),
            1,
            facecolor="none",
            edgecolor=color,
            linewidth=width,
            zorder=4,
            clip_on=False,
        )
        frame.set_gid(f"{side} frame")
        axes.add_patch(frame)
    axes.tick_params(color=LINE)


def _all_checked(readings: Reading | Mapping[str, Reading]) -> dict[str, _Checked]:
    named = {"": readings} if isinstance(readings, Reading) else dict(readings)
    if not named:
        raise ValueError("there should be at least one reading")
    checked = {name: _Checked(reading) for name, reading in named.items()}
    kinds = {(len(reading.layers), reading.heads) for reading in checked.values()}
    if len(kinds) > 1:
        raise ValueError(
            "all readings should come from one model, but their (layers, heads) are "
            f"{sorted(kinds)}"
        )
    return checked


def _head_names(reading: _Checked) -> list[str]:
    return [
        f"layer {layer}, head {head}" if len(reading.layers) > 1 else f"head {head}"
        for layer in range(1, len(reading.layers) + 1)
        for head in range(1, reading.heads + 1)
    ]


def _strongest(row: np.ndarray, keys: Sequence[str]) -> str:
    """The word with the largest weight, and the weight."""
    if np.isnan(row).any():
        return "nothing that can be told: its weights are NaN"
    best = int(row.argmax())
    return f"“{keys[best]}” ({row[best]:.2f})" if row[best] > 0 else "nothing"


def _numbered(words: Sequence[str]) -> list[tuple[str, int]]:
    return [(f"{number}. {word}", number - 1) for number, word in enumerate(words, start=1)]


def _choice(name: str, options: list[tuple[str, int]], value: int) -> ipywidgets.ToggleButtons:
    return ipywidgets.ToggleButtons(
        options=options,
        value=value,
        description=name,
        style={"button_width": "40px", "description_width": "50px"},
    )
