"""Attention weights as pictures, with the words on both axes and one scale for the whole course."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import as_array, as_labels, short
from workbook.figures.paper import Sheet, sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import (
    ATTENTION_LIMITS,
    ATTENTION_MAP,
    INK,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    SMALL_SIZE,
    TEXT_SIZE,
    ink_on,
)

ROWS = "the word that asks (query)"
COLUMNS = "the words it looks at (keys)"

_LARGEST_CELL = 0.56
_SMALLEST_CELL = 0.14
_ROOM_FOR_A_NUMBER = 0.36
_GAP = 0.32
_SCALE = 0.85
_FOOT = 0.16
_SLACK = 1e-4


class _Plan(NamedTuple):
    """Sizes in inches that all matrices of one figure share."""

    cell: float
    left: float
    above: float
    upright: bool
    numbers: bool


def attention_matrix(
    weights: Any,
    queries: Sequence[Any],
    keys: Sequence[Any],
    title: str,
    alt: str | None = None,
    numbers: bool | None = None,
    mask: Any = None,
) -> Picture:
    """Who looks at whom: one row a query, one column a key, dark 0 to bright 1.

    Args:
        weights: `(queries, keys)`, each from 0 to 1; NaN is drawn as a crossed-out cell.
        queries, keys: the words (or other labels) of the rows and of the columns.
        title: what to notice.
        alt: the alternative text; by default it names where each word looks most.
        numbers: print each weight in its cell; by default wherever there is room.
        mask: `(queries, keys)` boolean, True means "may attend"; other cells are hatched.

    Raises:
        TypeError: labels given as one string, or weights that are no numbers.
        ValueError: a shape or a number of labels that does not fit, or weights outside 0 to 1.
    """
    return attention_matrices([weights], queries, keys, [""], title, alt, numbers, [mask])


def attention_matrices(
    weights: Sequence[Any],
    queries: Sequence[Any],
    keys: Sequence[Any],
    names: Sequence[str],
    title: str,
    alt: str | None = None,
    numbers: bool | None = None,
    masks: Sequence[Any] | None = None,
    columns: int | None = None,
) -> Picture:
    """Several attention matrices over the same words, on one scale: before and after, or heads.

    Args:
        weights: one `(queries, keys)` each.
        queries, keys: the words, shared by all of them.
        names: what stands over each matrix.
        title: what to notice when comparing.
        alt: the alternative text; by default each matrix' strongest weights.
        numbers: print the weights; by default wherever there is room.
        masks: one mask or None each.
        columns: matrices beside each other; by default as many as the page holds.

    Raises:
        TypeError, ValueError: as `attention_matrix`, and when the lists differ in length.
    """
    tables = _checked(weights, queries, keys, names)
    rows, across = as_labels(queries, "queries", len(tables[0])), [str(key) for key in keys]
    allowed = _checked_masks(masks, tables)
    columns = columns or min(len(tables), 4 if len(across) <= 6 else 2 if len(across) <= 20 else 1)
    plan = _plan(rows, across, min(columns, len(tables)), numbers)
    named = any(names)
    lines = -(-len(tables) // columns)
    panel_width = plan.left + plan.cell * len(across)
    band = plan.above + plan.cell * len(rows) + (0.2 if named else 0)
    width = _SCALE + columns * panel_width + (columns - 1) * _GAP
    width = max(width + 0.15, min(PAGE_WIDTH, text_width(title, 12, "bold") + 0.3))
    height = _FOOT + lines * band + (lines - 1) * _GAP
    with sheet(width, height, title) as page:
        for position, (table, name, may) in enumerate(zip(tables, names, allowed, strict=True)):
            line, column = divmod(position, columns)
            left = 0.12 + column * (panel_width + _GAP) + plan.left
            bottom = height - (line + 1) * band - line * _GAP
            axes = page.axes(left, bottom, plan.cell * len(across), plan.cell * len(rows))
            draw_attention(axes, table, rows, across, plan.numbers, may, plan.upright)
            alone = len(tables) == 1
            room_for_words = plan.cell * len(rows) > text_width(ROWS, TEXT_SIZE)
            axes.set_xlabel(COLUMNS if alone else "keys")
            axes.set_ylabel(ROWS if alone and room_for_words else "queries")
            if name:
                axes.set_title(name, pad=plan.above * 72 - 4)
        right = 0.12 + columns * (panel_width + _GAP) - _GAP + 0.15
        scale_height = min(plan.cell * len(rows), 2.4)
        draw_scale(
            page, right, height - band + (plan.cell * len(rows) - scale_height), scale_height
        )
    return Picture(page.figure, alt or _describe(title, tables, rows, across, names))


def draw_attention(
    axes: Axes,
    weights: np.ndarray,
    queries: Sequence[str],
    keys: Sequence[str],
    numbers: bool = True,
    mask: np.ndarray | None = None,
    upright: bool = False,
) -> None:
    """One matrix on axes that exist: for figures in which it stands beside something else.

    Args:
        axes: where; keys along the top, queries down the left side.
        weights: `(queries, keys)`.
        queries, keys: the labels.
        numbers: print each weight in its cell.
        mask: `(queries, keys)`; cells that are False are hatched.
        upright: set the keys' labels vertically.
    """
    low, high = ATTENTION_LIMITS
    colours = matplotlib.colormaps[ATTENTION_MAP].with_extremes(bad=PAPER)
    axes.imshow(weights, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(keys)), keys, rotation=90 if upright else 0)
    axes.set_yticks(range(len(queries)), queries)
    axes.tick_params(length=0, pad=4, top=False, labeltop=True, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.spines[:].set_visible(False)
    for edge in range(1, len(keys)):
        axes.axvline(edge - 0.5, color=PAPER, linewidth=0.8)
    for edge in range(1, len(queries)):
        axes.axhline(edge - 0.5, color=PAPER, linewidth=0.8)
    for (row, column), weight in np.ndenumerate(weights):
        forbidden = mask is not None and not mask[row, column]
        if forbidden or np.isnan(weight):
            hatch = "///" if forbidden else "xx"
            face = "#e4e4e4" if weight == 0 or np.isnan(weight) else "none"
            place = (column - 0.5, row - 0.5)
            axes.add_patch(
                Rectangle(place, 1, 1, facecolor=face, edgecolor=MUTED, hatch=hatch, linewidth=0)
            )
        empty_row = mask is not None and not mask[row].any()
        if numbers and (not forbidden or weight != 0 or empty_row):
            on_hatching = np.isnan(weight) or (forbidden and weight == 0)
            ink = INK if on_hatching else ink_on(colours(weight))
            text = axes.text(
                column, row, _weight(weight), color=ink, ha="center", va="center", size=SMALL_SIZE
            )
            if on_hatching:
                text.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 1})


def draw_scale(page: Sheet, left: float, bottom: float, height: float) -> Axes:
    """The colour scale of attention weights, 0 to 1, as a narrow strip."""
    axes = page.axes(left, bottom, 0.13, height)
    steps = np.linspace(*ATTENTION_LIMITS, 256)[:, None]
    axes.imshow(
        steps,
        cmap=ATTENTION_MAP,
        vmin=ATTENTION_LIMITS[0],
        vmax=ATTENTION_LIMITS[1],
        aspect="auto",
        origin="lower",
        extent=(0, 1, *ATTENTION_LIMITS),
    )
    axes.set(xticks=[], yticks=[0, 0.5, 1], yticklabels=["0", "0.5", "1"])
    axes.yaxis.tick_right()
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
    axes.set_title("weight", weight="normal", size=SMALL_SIZE, loc="left", pad=9)
    return axes


def describe_attention(
    weights: np.ndarray, queries: Sequence[str], keys: Sequence[str], most: int = 8
) -> str:
    """Where each word looks most, in words, for an alternative text.

    Up to `most` rows are named: all of them in a short sentence, else those with the strongest
    weights.
    """
    broken = int(np.isnan(weights).any(axis=1).sum())
    filled = np.nan_to_num(weights, nan=-1.0)
    best = filled.argmax(axis=1)
    peaks = filled.max(axis=1)
    order = np.sort(np.argsort(-peaks, kind="stable")[:most])
    said = []
    for row in order:
        if np.isnan(weights[row]).any():
            continue
        if peaks[row] <= 0:
            said.append(f"“{queries[row]}” at nothing, all its weights are 0")
        else:
            said.append(f"“{queries[row]}” at “{keys[best[row]]}” ({_weight(peaks[row])})")
    sentence = f"{len(queries)} queries by {len(keys)} keys."
    if said:
        few = "The strongest looks: " if len(queries) > most else "Each word looks most: "
        sentence += f" {few}{'; '.join(said)}."
    if broken:
        sentence += f" {broken} {'row holds' if broken == 1 else 'rows hold'} NaN."
    return sentence


def _checked(
    weights: Sequence[Any], queries: Sequence[Any], keys: Sequence[Any], names: Sequence[str]
) -> list[np.ndarray]:
    if not len(weights):
        raise ValueError("weights should hold at least one matrix, but the list is empty")
    if len(names) != len(weights):
        raise ValueError(
            f"there are {len(weights)} matrices but {len(names)} names; give each matrix one"
        )
    tables = [as_array(table, "weights", "queries", "keys") for table in weights]
    for table in tables:
        as_labels(queries, "queries", table.shape[0])
        as_labels(keys, "keys", table.shape[1])
        known = table[~np.isnan(table)]
        if known.size and (known.min() < -_SLACK or known.max() > 1 + _SLACK):
            worst = known.max() if known.max() > 1 + _SLACK else known.min()
            raise ValueError(
                f"attention weights lie between 0 and 1, but one is {worst:.4g}; "
                "have the scores been through softmax over the keys?"
            )
    return tables


def _checked_masks(
    masks: Sequence[Any] | None, tables: list[np.ndarray]
) -> list[np.ndarray | None]:
    if masks is None:
        return [None] * len(tables)
    if len(masks) != len(tables):
        raise ValueError(f"there are {len(tables)} matrices but {len(masks)} masks")
    return [
        None if mask is None else as_array(mask, "mask", *table.shape).astype(bool)
        for mask, table in zip(masks, tables, strict=True)
    ]


def _plan(rows: list[str], columns: list[str], beside: int, numbers: bool | None) -> _Plan:
    left = max(text_width(word, SMALL_SIZE) for word in rows) + 0.06 + 0.28
    room = (PAGE_WIDTH - _SCALE - 0.3 - (beside - 1) * _GAP) / beside - left
    cell = min(_LARGEST_CELL, room / len(columns), 7.0 / len(rows))
    cell = max(cell, _SMALLEST_CELL)
    longest = max(text_width(word, SMALL_SIZE) for word in columns)
    upright = longest > cell - 0.04
    above = (longest if upright else SMALL_SIZE / 72) + 0.06 + 0.3
    printed = cell >= _ROOM_FOR_A_NUMBER if numbers is None else numbers
    return _Plan(cell, left, above, upright, printed)


def _weight(weight: float) -> str:
    """Two digits, and an honest `0.00` for a weight that is small but not zero."""
    return f"{weight:.2f}" if weight and not np.isnan(weight) else short(weight)


def _describe(
    title: str,
    tables: list[np.ndarray],
    rows: list[str],
    columns: list[str],
    names: Sequence[str],
) -> str:
    parts = [
        (f"{name}: " if name else "Attention matrix, ") + describe_attention(table, rows, columns)
        for table, name in zip(tables, names, strict=True)
    ]
    return f"{title.rstrip('.')}. " + " ".join(parts)
