"""The sinusoids as a picture, and what the base does to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes

from workbook.figures.arrays import as_array, as_labels, short
from workbook.figures.paper import Sheet, sheet
from workbook.figures.picture import Picture
from workbook.figures.positional_encoding.features import draw_feature_scale, draw_features
from workbook.figures.style import LINE, PAGE_WIDTH, PAPER, SERIES
from workbook.figures.widget import Explorer

Encoding = Callable[..., torch.Tensor]
"""`sinusoidal_encoding(length, d_model, base)`: the reader's own."""

BASES = (2, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
"""What the slider offers."""

_WIDTH, _LENGTH = 64, 100
_NEAR = 5


def position_picture(encoding: Any, title: str, labels: Sequence[Any] | None = None) -> Picture:
    """One row a position, one column a feature, −1 dark to 1 bright.

    Args:
        encoding: `(positions, d_model)`, from −1 to 1.
        title: what to notice.
        labels: of the rows; by default 0, 1, 2, …

    Raises:
        ValueError: numbers outside −1 to 1, or another number of labels than rows.
    """
    rows = as_array(encoding, "encoding", "positions", "d_model")
    count, d_model = rows.shape
    if np.abs(rows).max() > 1 + 1e-4:
        raise ValueError(
            f"a sine lies between -1 and 1, but one number is {np.abs(rows).max():.4g}"
        )
    names = as_labels(labels if labels is not None else range(count), "labels", count)
    height = min(0.26 * count, 5.0)
    with sheet(PAGE_WIDTH, height + 0.75, title) as page:
        axes = page.axes(0.95, 0.55, 7.3, height)
        draw_features(axes, rows)
        step = 1 if d_model <= 16 else 8
        axes.set_xticks(range(0, d_model, step))
        if count <= 20:
            axes.set_yticks(range(count), names)
            for edge in range(1, count):
                axes.axhline(edge - 0.5, color=PAPER, linewidth=0.6)
        axes.set(xlabel="column (even: sine, odd: cosine)", ylabel="position")
        draw_feature_scale(page, 8.45, 0.55, min(height, 1.9))
    still = int((np.abs(np.diff(rows, axis=0)).max(axis=0) < 0.01).sum()) if count > 1 else d_model
    alt = (
        f"{title.rstrip('.')}. {count} positions by {d_model} columns. Position {names[-1]}, the "
        f"first four columns: {', '.join(short(v) for v in rows[-1, :4])}; the last four: "
        f"{', '.join(short(v) for v in rows[-1, -4:])}. In {still} of the {d_model} columns "
        "neighbouring positions differ by less than 0.01."
    )
    return Picture(page.figure, alt)


def base_explorer(sinusoidal_encoding: Encoding) -> Explorer:
    """A slider for the base, over the picture of 100 positions and their likeness to the first.

    Args:
        sinusoidal_encoding: `sinusoidal_encoding(length, d_model, base)`, the reader's own: it runs
            at every change.
    """

    def rows(base: float) -> np.ndarray:
        encoding = sinusoidal_encoding(_LENGTH, _WIDTH, float(base))
        return as_array(encoding, "the encoding", _LENGTH, _WIDTH)

    def draw(base: int) -> Picture:
        return _one_base(rows(base), base)

    def still() -> Picture:
        return _bases_side_by_side({base: rows(base) for base in (2, 100, 10_000)})

    slider = ipywidgets.SelectionSlider(
        options=[(f"{base:,}", base) for base in BASES], value=10_000, description="base"
    )
    return Explorer(draw, {"base": slider}, still)


def likeness(rows: np.ndarray, at: int = 0) -> np.ndarray:
    """The cosine of the angle between one row and every row: `(positions,)`, from −1 to 1."""
    lengths = np.linalg.norm(rows, axis=1)
    return rows @ rows[at] / (lengths * lengths[at])


def _one_base(rows: np.ndarray, base: float) -> Picture:
    alike = likeness(rows)
    with sheet(PAGE_WIDTH, 3.6, _verdict(alike, base)) as page:
        _panel(page, rows, alike, 0.75, 3.7, named=True)
        draw_feature_scale(page, 8.55, 0.75, 1.9)
    return Picture(page.figure, _told({base: rows}))


def _bases_side_by_side(tables: Mapping[float, np.ndarray]) -> Picture:
    title = "With base 2 likeness is gone after three words; with base 10,000 it fades slowly"
    with sheet(PAGE_WIDTH, 5.15, title) as page:
        for column, (base, rows) in enumerate(tables.items()):
            left = 0.7 + 2.72 * column
            axes = page.axes(left, 2.75, 2.35, 1.95)
            _picture(axes, rows, named=column == 0)
            axes.set_title(f"base {base:,}")
            _curve(page.axes(left, 0.6, 2.35, 1.35), likeness(rows), named=column == 0)
        draw_feature_scale(page, 8.72, 2.75, 1.6)
    return Picture(page.figure, _told(tables))


def _panel(
    page: Sheet, rows: np.ndarray, alike: np.ndarray, left: float, width: float, named: bool
) -> None:
    axes = page.axes(left, 0.65, width, 2.55)
    _picture(axes, rows, named)
    axes.set_title("the encoding")
    curve = page.axes(left + width + 0.75, 0.65, 2.9, 2.55)
    _curve(curve, alike, named)
    curve.set_title("how alike to position 0")


def _picture(axes: Axes, rows: np.ndarray, named: bool) -> None:
    draw_features(axes, rows)
    axes.set_xticks((0, 16, 32, 48, 63))
    axes.set_yticks((0, 25, 50, 75, 99))
    axes.set_xlabel("column")
    if named:
        axes.set_ylabel("position")


def _curve(axes: Axes, alike: np.ndarray, named: bool) -> None:
    axes.plot(alike, color=SERIES[0]["color"], linewidth=1.6)
    axes.axhline(0, color=LINE, linewidth=1)
    axes.set(xlabel="position", ylim=(-1, 1.05), xlim=(0, len(alike) - 1))
    axes.set_yticks((-1, 0, 1))
    axes.grid(axis="y")
    if named:
        axes.set_ylabel("cosine")
    else:
        axes.set_yticklabels([])


def _rival(alike: np.ndarray) -> int:
    """The position, past the neighbourhood, that is most like position 0."""
    return _NEAR + int(alike[_NEAR:].argmax())


def _verdict(alike: np.ndarray, base: float) -> str:
    far = alike[-1]
    return (
        f"Base {base:,}: position 1 is {short(alike[1])} like position 0, "
        f"position {len(alike) - 1} is {short(far)} like it"
    )


def _told(tables: Mapping[float, np.ndarray]) -> str:
    said = []
    for base, rows in tables.items():
        alike = likeness(rows)
        rival = _rival(alike)
        said.append(
            f"Base {base:,}: cosine to position 0 is {short(alike[1])} at position 1, "
            f"{short(alike[10])} at 10 and {short(alike[-1])} at {len(rows) - 1}; from position "
            f"{_NEAR} on, the most alike is {rival} with {short(alike[rival])}"
        )
    return (
        f"Pictures of {_LENGTH} positions in {_WIDTH} columns, with a curve of how alike each "
        f"position is to position 0. {'. '.join(said)}."
    )
