"""Why scores are divided by √d_k: dot products spread as d_k grows, and softmax saturates."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbook.figures.arrays import as_array, short
from workbook.figures.diagram import label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY,
    LINE,
    MUTED,
    PAGE_WIDTH,
    SERIES,
    SMALL_SIZE,
)
from workbook.figures.widget import Explorer

Softmax = Callable[[torch.Tensor, int], torch.Tensor]
"""`softmax(scores, dim)`: the reader's own."""

CHOICES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""The key sizes of the slider."""

STEEPEST = 0.5
"""The largest Frobenius norm that softmax's Jacobian can have: two weights of one half."""

_RAW, _SCALED = SERIES[1], SERIES[0]


class Sharpness(NamedTuple):
    """What a row of attention weights says about training.

    Attributes:
        largest: the largest weight, 0 to 1.
        entropy: in bits, from 0 (all on one key) to log2 of the number of keys (all equal).
        gradient: Frobenius norm of softmax's Jacobian, diag(p) - p pᵀ; 0 means that no gradient
            passes.
    """

    largest: float
    entropy: float
    gradient: float


def sharpness(weights: Any) -> Sharpness:
    """Largest weight, entropy and gradient size of one row of weights, `(keys,)`."""
    p = as_array(weights, "weights", "keys")
    positive = p[p > 0]
    jacobian = np.diag(p) - np.outer(p, p)
    return Sharpness(
        largest=float(p.max()),
        # Adding zero turns the -0.0 of a one-hot row into 0.0.
        entropy=float(-(positive * np.log2(positive)).sum() + 0.0),
        gradient=float(np.linalg.norm(jacobian)),
    )


def dot_product_spread(products: Mapping[int, Any]) -> Picture:
    """How far dot products of random vectors spread, for several d_k, raw and divided by √d_k.

    Args:
        products: for each d_k, a sample of dot products `(samples,)` of queries and keys whose
            features have mean 0 and variance 1. Theory then gives a standard deviation of √d_k.

    Raises:
        ValueError: fewer than two sizes, or a sample that is not one-dimensional.
    """
    if len(products) < 2:
        raise ValueError(f"products should hold two or more sizes d_k, but holds {len(products)}")
    sizes = sorted(products)
    samples = [as_array(products[size], f"products[{size}]", "samples") for size in sizes]
    spread = [float(sample.std()) for sample in samples]
    scaled = [sample / np.sqrt(size) for sample, size in zip(samples, sizes, strict=True)]
    title = (
        f"Dot products grow with $\\sqrt{{d_k}}$: at $d_k$ = {sizes[-1]} they spread "
        f"{short(spread[-1] / spread[0], 0)} times as far as at $d_k$ = {sizes[0]}"
    )
    note = (
        f"{len(samples[0]):,} pairs of random vectors for each $d_k$. Dark band: the middle half. "
        "Light band: nine in ten."
    )
    with sheet(PAGE_WIDTH, 3.1, title, note) as page:
        left = page.axes(0.75, 0.55, 3.75, 2.2)
        right = page.axes(5.2, 0.55, 3.75, 2.2, sharey=left)
        for axes, drawn, name in (
            (left, samples, "$q \\cdot k$"),
            (right, scaled, "$q \\cdot k \\, / \\sqrt{d_k}$"),
        ):
            for outer, inner, tint in ((5, 95, "#c9d9ea"), (25, 75, "#7fa3c7")):
                bands = [np.percentile(sample, (outer, inner)) for sample in drawn]
                axes.fill_between(sizes, *zip(*bands, strict=True), color=tint, linewidth=0)
            axes.plot(sizes, [np.median(sample) for sample in drawn], color=KEY, linewidth=1.2)
            _size_axis(axes, sizes, room=12)
            axes.set(title=name, xlabel="$d_k$, features of a key", ylabel="dot product")
        theory = np.array(sizes) ** 0.5
        for sign in (1, -1):
            left.plot(sizes, sign * theory, color=MUTED, linestyle="--", linewidth=1.3)
            right.axhline(sign, color=MUTED, linestyle="--", linewidth=1.3)
        for axes, text in (
            (left, "dashed: one standard deviation\nin theory, $\\sqrt{d_k}$"),
            (right, "the same vertical scale;\nthe standard deviation is 1 at every size"),
        ):
            axes.text(
                0.04, 0.95, text, transform=axes.transAxes, va="top", size=SMALL_SIZE, color=MUTED
            )
    rows = "; ".join(
        f"d_k {size}: {short(raw)} raw, {short(float(divided.std()))} scaled"
        for size, raw, divided in zip(sizes, spread, scaled, strict=True)
    )
    alt = (
        "Two panels of quantile bands of dot products against d_k, on one vertical scale. Raw, "
        f"the bands open like a funnel; divided by the square root of d_k they stay level. "
        f"Standard deviations: {rows}."
    )
    return Picture(page.figure, alt)


def softmax_saturation(scores: Mapping[int, Any], softmax: Softmax) -> Picture:
    """What unscaled scores do to softmax: largest weight, entropy and gradient against d_k.

    Args:
        scores: for each d_k, rows of raw scores `(rows, keys)`; they are divided by √d_k here for
            the second curve.
        softmax: `softmax(scores, dim)`, the reader's own.

    Raises:
        ValueError: fewer than two sizes, or scores that are not two-dimensional.
    """
    if len(scores) < 2:
        raise ValueError(f"scores should hold two or more sizes d_k, but holds {len(scores)}")
    sizes = sorted(scores)
    curves = {
        "not scaled": [_mean_sharpness(scores[size], 1.0, softmax) for size in sizes],
        "divided by $\\sqrt{d_k}$": [
            _mean_sharpness(scores[size], size**0.5, softmax) for size in sizes
        ],
    }
    keys = as_array(scores[sizes[0]], "scores", "rows", "keys").shape[1]
    raw, scaled = (points[-1] for points in curves.values())
    title = (
        f"Without scaling softmax saturates: at $d_k$ = {sizes[-1]} one of {keys} keys takes "
        f"{short(raw.largest)} of the weight, and the gradient is "
        f"{short(scaled.gradient / max(raw.gradient, 1e-12), 1)} times smaller"
    )
    panels = (
        ("largest weight", "weight", 1.0, None),
        ("entropy", "bits", np.log2(keys), "all keys equal"),
        ("gradient through softmax", "norm of the Jacobian", STEEPEST, None),
    )
    with sheet(PAGE_WIDTH, 3.05, title) as page:
        for position, (name, unit, top, mark) in enumerate(panels):
            axes = page.axes(0.62 + 3.0 * position, 0.85, 2.3, 1.85)
            for (name_of_curve, points), style in zip(curves.items(), (_RAW, _SCALED), strict=True):
                axes.plot(
                    sizes, [point[position] for point in points], label=name_of_curve, **style
                )
            _size_axis(axes, sizes, room=7)
            axes.set(title=name, xlabel="$d_k$", ylabel=unit, ylim=(0, top * 1.05))
            if mark:
                axes.axhline(top, color=MUTED, linestyle=":", linewidth=1.3)
                axes.text(sizes[0], top * 0.97, mark, va="top", size=SMALL_SIZE, color=MUTED)
        handles, labels = axes.get_legend_handles_labels()
        page.figure.legend(
            handles, labels, loc="lower center", ncols=2, borderaxespad=0.3, handlelength=3.2
        )
    rows = "; ".join(
        f"d_k {size}: largest weight {short(a.largest)} and {short(b.largest)}, entropy "
        f"{short(a.entropy)} and {short(b.entropy)} bits, gradient {short(a.gradient, 3)} and "
        f"{short(b.gradient, 3)}"
        for size, a, b in zip(sizes, *curves.values(), strict=True)
    )
    alt = (
        f"Three panels against d_k, each with a curve for raw and one for scaled scores over "
        f"{keys} keys. Raw, then scaled, {rows}."
    )
    return Picture(page.figure, alt)


def scaling_explorer(softmax: Softmax, keys: int = 8, seed: int = 30) -> Explorer:
    """A slider for d_k and a switch for the scaling, over the attention weights of one query.

    The same random query and keys are cut to their first d_k features, so a step of the slider
    adds features and changes nothing else.

    Args:
        softmax: `softmax(scores, dim)`, the reader's own: it runs at every change.
        keys: how many keys the query meets.
        seed: of the random vectors; with the default the weights rise about as they do on
            average, which a single query often doesn't.
    """
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(CHOICES[-1], generator=generator, dtype=torch.float64)
    memory = torch.randn(keys, CHOICES[-1], generator=generator, dtype=torch.float64)

    def weights(d_k: int, scale: bool) -> np.ndarray:
        scores = memory[:, :d_k] @ query[:d_k]
        return as_array(softmax(scores / d_k**0.5 if scale else scores, -1), "weights", keys)

    def draw(d_k: int, scale: bool) -> Picture:
        return _bars_and_gauges(weights(d_k, scale), d_k, scale)

    def still() -> Picture:
        return _bars_side_by_side({d: (weights(d, False), weights(d, True)) for d in (1, 64, 512)})

    size = ipywidgets.SelectionSlider(
        options=CHOICES, value=64, description="d_k", continuous_update=True
    )
    switch = ipywidgets.Checkbox(value=False, description="divide the scores by √d_k", indent=False)
    return Explorer(draw, {"d_k": size, "scale": switch}, still)


def _size_axis(axes: Axes, sizes: Sequence[int], room: int) -> None:
    """A logarithmic axis of key sizes that names only as many as there is room for."""
    apart = np.log2(sizes[-1] / sizes[0]) / room
    named = [sizes[-1]]
    for size in reversed(sizes[:-1]):
        if np.log2(named[-1] / size) >= apart:
            named.append(size)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) if size in named else "" for size in sizes])
    axes.minorticks_off()
    axes.grid(axis="y")


def _mean_sharpness(scores: Any, divisor: float, softmax: Softmax) -> Sharpness:
    rows = torch.as_tensor(as_array(scores, "scores", "rows", "keys")) / divisor
    measured = [sharpness(row) for row in softmax(rows, -1)]
    return Sharpness(*np.mean(measured, axis=0).tolist())


def _draw_bars(axes: Axes, weights: np.ndarray, numbers: bool) -> None:
    bars = axes.bar(range(1, len(weights) + 1), weights, color=KEY, width=0.7)
    if numbers:
        texts = [f"{weight:.2f}" for weight in weights]
        axes.bar_label(bars, texts, padding=2, fontsize=SMALL_SIZE)
    axes.set(ylim=(0, 1.1), yticks=(0, 0.5, 1), xticks=range(1, len(weights) + 1))
    axes.grid(axis="y")


def _bars_and_gauges(weights: np.ndarray, d_k: int, scale: bool) -> Picture:
    measured = sharpness(weights)
    most = float(np.log2(len(weights)))
    how = "divided by $\\sqrt{d_k}$" if scale else "not scaled"
    title = f"$d_k$ = {d_k}, {how}: the largest of {len(weights)} weights is {measured.largest:.2f}"
    with sheet(PAGE_WIDTH, 2.9, title) as page:
        axes = page.axes(0.62, 0.55, 5.3, 2.15)
        _draw_bars(axes, weights, numbers=True)
        axes.set(xlabel="key", ylabel="attention weight")
        board = page.board()
        _gauge(board, 1.8, f"entropy: {measured.entropy:.2f} bits", measured.entropy, most)
        name = f"gradient through softmax: {measured.gradient:.3f}"
        _gauge(board, 0.85, name, measured.gradient, STEEPEST)
    alt = (
        f"Attention weights of one query over {len(weights)} keys, d_k {d_k}, scores "
        f"{'divided by the square root of d_k' if scale else 'not scaled'}: "
        f"{', '.join(f'{weight:.2f}' for weight in weights)}. Entropy {measured.entropy:.2f} of "
        f"{most:.2f} bits. Gradient through softmax {measured.gradient:.3f} of at most {STEEPEST}."
    )
    return Picture(page.figure, alt)


def _gauge(board: Axes, bottom: float, name: str, value: float, most: float) -> None:
    """A value as a bar inside the frame of all that it could be."""
    left, width, height = 6.35, 2.55, 0.24
    frame = Rectangle((left, bottom), width, height, facecolor="none", edgecolor=LINE, zorder=2)
    bar = Rectangle((left, bottom), width * value / most, height, facecolor=KEY, zorder=1)
    bar.set_gid(name)
    board.add_patch(frame)
    board.add_patch(bar)
    label(board, left, bottom + height + 0.16, name, ha="left", weight="bold")
    label(board, left, bottom - 0.12, "0", size=SMALL_SIZE)
    label(board, left + width, bottom - 0.12, f"{most:.2g}", size=SMALL_SIZE)


def _bars_side_by_side(weights: Mapping[int, Sequence[np.ndarray]]) -> Picture:
    sizes = list(weights)
    raw, scaled = (sharpness(row) for row in weights[sizes[-1]])
    title = (
        f"At $d_k$ = {sizes[-1]} raw scores give one key {raw.largest:.2f} of the weight; "
        f"scaled, the largest is {scaled.largest:.2f}"
    )
    said = []
    with sheet(PAGE_WIDTH, 4.12, title) as page:
        for line, how in enumerate(("not scaled", "divided by $\\sqrt{d_k}$")):
            for column, d_k in enumerate(sizes):
                row = weights[d_k][line]
                measured = sharpness(row)
                axes = page.axes(0.85 + 2.85 * column, 2.52 - 2.05 * line, 2.45, 1.15)
                _draw_bars(axes, row, numbers=False)
                axes.set_title(f"$d_k$ = {d_k}, {how}", size=SMALL_SIZE, pad=19)
                axes.set_xlabel("key", labelpad=1)
                if column == 0:
                    axes.set_ylabel("weight")
                numbers = f"entropy {measured.entropy:.2f} bits, gradient {measured.gradient:.3f}"
                axes.text(0, 1.06, numbers, transform=axes.transAxes, size=SMALL_SIZE, color=MUTED)
                said.append(
                    f"d_k {d_k} {'scaled' if line else 'raw'}: largest {measured.largest:.2f}, "
                    f"entropy {measured.entropy:.2f} bits, gradient {measured.gradient:.3f}"
                )
    alt = (
        f"Six bar charts of one query's attention weights over {len(weights[sizes[0]][0])} keys. "
        f"{'; '.join(said)}."
    )
    return Picture(page.figure, alt)
