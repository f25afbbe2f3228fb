"""How the first word reaches the last: four ways drawn, and their lengths against the distance."""

from collections.abc import Callable, Sequence
from itertools import product

from matplotlib.axes import Axes
from matplotlib.patches import Circle

from workbook.figures.diagram import label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY,
    SERIES,
    SMALL_SIZE,
    VALUE_TINT,
)

PathLength = Callable[..., int]
"""`path_length(distance, model, kernel_size)`: the reader's own."""

MODELS = {
    "rnn": "recurrent",
    "conv": "convolution",
    "dilated conv": "dilated convolution",
    "attention": "attention",
}
_WORDS, _KERNEL = 9, 3
_DISTANCES = tuple(2**power for power in range(11))


def path_lengths(path_length: PathLength) -> Picture:
    """Four networks over nine words with the way from the first word to the last, and below them
    the number of steps against the distance.

    Raises:
        ValueError: an answer of `path_length` is no number above 0.
    """
    curves = {
        model: [path_length(distance, model, _KERNEL) for distance in _DISTANCES]
        for model in MODELS
    }
    for model, curve in curves.items():
        if not all(isinstance(value, (int, float)) and value > 0 for value in curve):
            raise ValueError(f'path_length(…, "{model}") should give numbers above 0, not {curve}')
    across = _WORDS - 1
    steps = {model: path_length(across, model, _KERNEL) for model in MODELS}
    title = (
        f"From the first of {_WORDS} words to the last: {steps['rnn']} steps in a recurrent "
        f"network, {steps['attention']} in attention"
    )
    note = (
        f"Convolutions with a kernel of {_KERNEL} words, which look to the left. Bold: the first "
        "word's way to the last."
    )
    with sheet(PAGE_WIDTH, 4.55, title, note) as page:
        board = page.board()
        draw = {"rnn": _recurrent, "conv": _stacked, "dilated conv": _dilated, "attention": _direct}
        width = (PAGE_WIDTH - 0.3) / 4
        for number, (model, name) in enumerate(MODELS.items()):
            left = 0.15 + number * width
            unit = "steps" if model == "rnn" else "layers" if steps[model] > 1 else "layer"
            label(board, left + 0.1, 4.38, name, ha="left", weight="bold")
            label(
                board, left + 0.1, 4.18, f"{steps[model]} {unit}", ha="left", color=QUERY, size=9.5
            )
            draw[model](board, left + 0.15, 2.62, width - 0.3)
        axes = page.axes(0.95, 0.58, PAGE_WIDTH - 1.2, 1.75)
        for (model, curve), style in zip(curves.items(), SERIES, strict=True):
            axes.plot(_DISTANCES, curve, label=MODELS[model], **style)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(_DISTANCES, [f"{distance:,}" for distance in _DISTANCES])
        axes.set_yticks((1, 10, 100, 1000), ("1", "10", "100", "1,000"))
        axes.set_ylim(0.7, 2500)
        axes.minorticks_off()
        axes.grid()
        axes.set(xlabel="distance between two words (log scale)", ylabel="path length\n(log scale)")
        axes.legend(loc="upper left", handlelength=3.2)
    told = "; ".join(
        f"{MODELS[model]}: {steps[model]} over 8 words, {curve[-1]:,} over {_DISTANCES[-1]:,}"
        for model, curve in curves.items()
    )
    return Picture(
        page.figure,
        "Four small networks over nine words with the path from the first word to the last drawn "
        f"bold, and below them path length against distance, both logarithmic. {told}.",
    )


def _dots(
    board: Axes, left: float, bottom: float, width: float, rows: int, height: float
) -> list[list[tuple[float, float]]]:
    """Points of a grid, the words' row first; drawn as circles, the words' filled."""
    grid = []
    for row in range(rows):
        points = []
        for column in range(_WORDS):
            point = left + width * column / (_WORDS - 1), bottom + height * row / (rows - 1)
            fill = VALUE_TINT if row == 0 else PAPER
            board.add_patch(
                Circle(point, 0.06, facecolor=fill, edgecolor=MUTED, linewidth=0.9, zorder=3)
            )
            points.append(point)
        grid.append(points)
    return grid


def _link(
    board: Axes, start: tuple[float, float], end: tuple[float, float], bold: bool = False
) -> None:
    board.plot(
        [start[0], end[0]],
        [start[1], end[1]],
        color=QUERY if bold else LINE,
        linewidth=2.6 if bold else 0.9,
        zorder=2.5 if bold else 1,
        solid_capstyle="round",
    )


def _recurrent(board: Axes, left: float, bottom: float, width: float) -> None:
    words, states = _dots(board, left, bottom + 0.45, width, 2, 0.7)
    label(board, left, bottom + 0.15, "each waits for the one before", ha="left", size=SMALL_SIZE)
    for number in range(_WORDS):
        _link(board, words[number], states[number], bold=number == 0)
        if number:
            _link(board, states[number - 1], states[number], bold=True)


def _direct(board: Axes, left: float, bottom: float, width: float) -> None:
    words, seen = _dots(board, left, bottom + 0.45, width, 2, 0.7)
    label(board, left, bottom + 0.15, "all words at the same time", ha="left", size=SMALL_SIZE)
    for start in range(_WORDS):
        for end in range(_WORDS):
            _link(board, words[start], seen[end], bold=(start, end) == (0, _WORDS - 1))


def _stacked(board: Axes, left: float, bottom: float, width: float) -> None:
    _layers(board, _dots(board, left, bottom, width, 5, 1.32), [1, 1, 1, 1])


def _dilated(board: Axes, left: float, bottom: float, width: float) -> None:
    _layers(board, _dots(board, left, bottom, width, 4, 1.32), [1, 2, 4])


def _layers(board: Axes, grid: list, dilations: Sequence[int]) -> None:
    """Every layer's links to the left, and one way of the first word to the last."""
    for layer, dilation in enumerate(dilations):
        for column in range(_WORDS):
            for source in range(column, max(-1, column - _KERNEL * dilation), -dilation):
                _link(board, grid[layer][source], grid[layer + 1][column])
    at = 0
    for layer, hop in enumerate(_hops(dilations)):
        _link(board, grid[layer][at], grid[layer + 1][at + hop], bold=True)
        at += hop


def _hops(dilations: Sequence[int]) -> list[int]:
    """How far each layer carries the first word, as much as possible in the lower layers."""
    taps = range(_KERNEL - 1, -1, -1)
    for way in product(*([tap * dilation for tap in taps] for dilation in dilations)):
        if sum(way) == _WORDS - 1:
            return list(way)
    raise ValueError(f"layers with the dilations {dilations} don't reach over {_WORDS} words")
