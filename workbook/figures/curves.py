"""Measured curves: shares of right answers and times against a length, BLEU against training."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import MUTED, SERIES, SMALL_SIZE

MEASURED = "Measured in this notebook."


def share_curves(
    positions: Sequence[object],
    curves: Mapping[str, Sequence[float]],
    title: str,
    xlabel: str,
    *,
    measure: str = "share of right answers",
    chance: float | None = None,
    note: str = MEASURED,
) -> Picture:
    """Shares from 0 to 1, one line a model, at positions that stand at equal distances.

    Args:
        positions: what each place on the axis is called: lengths, distances, ranges.
        curves: name → one share for each position.
        title: what to notice.
        chance: what guessing would give, drawn as a dotted line.

    Raises:
        ValueError: no curve, more curves than line styles, or another number of shares than of
            positions.
    """
    names = [str(position) for position in positions]
    _refuse(curves, len(names))
    with sheet(7.2, 2.9, title, note) as page:
        axes = page.axes(0.75, 0.6, 6.1, 2.2)
        for (name, shares), style in zip(curves.items(), SERIES, strict=False):
            axes.plot(range(len(names)), shares, label=name, **style)
        if chance is not None:
            axes.axhline(chance, color=MUTED, linestyle=":", linewidth=1.3)
            axes.text(0, chance + 0.02, "guessing", size=SMALL_SIZE, color=MUTED, va="bottom")
        axes.set_xticks(range(len(names)), names)
        axes.set(xlabel=xlabel, ylabel=measure, ylim=(0, 1.05))
        axes.grid(axis="y")
        axes.legend(loc="best", handlelength=3.2)
    told = "; ".join(
        f"{name}: "
        + ", ".join(f"{share:.0%} at {where}" for where, share in zip(names, shares, strict=True))
        for name, shares in curves.items()
    )
    guess = "" if chance is None else f" Guessing gives {chance:.0%}."
    return Picture(
        page.figure, f"{title.rstrip('.')}. {measure.capitalize()} by {xlabel}. {told}.{guess}"
    )


def bleu_curves(
    positions: Sequence[object],
    curves: Mapping[str, Sequence[tuple[float, float, float]]],
    title: str,
    xlabel: str,
    *,
    copied: float | None = None,
    note: str = MEASURED,
) -> Picture:
    """BLEU within the band of its interval, one line a model, at positions at equal distances.

    Args:
        positions: what each place on the axis is called: tokens of training.
        curves: name → (BLEU, the interval's low end, its high end) for each position.
        title: what to notice.
        copied: what the untranslated source would get, drawn as a dotted line.

    Raises:
        ValueError: no curve, more curves than line styles, another number of figures than of
            positions, or a figure outside its interval.
    """
    names = [str(position) for position in positions]
    _refuse({name: [point[0] for point in points] for name, points in curves.items()}, len(names))
    for name, points in curves.items():
        if not all(low <= value <= high for value, low, high in points):
            raise ValueError(f"each figure of {name} should lie in its interval; it has {points}")
    places = range(len(names))
    with sheet(7.2, 3.3, title, note) as page:
        axes = page.axes(0.75, 0.6, 6.1, 2.6)
        for (name, points), style in zip(curves.items(), SERIES, strict=False):
            values, lows, highs = zip(*points, strict=True)
            axes.plot(places, values, label=name, **style)
            axes.fill_between(places, lows, highs, color=style["color"], alpha=0.15, linewidth=0)
        if copied is not None:
            axes.axhline(copied, color=MUTED, linestyle=":", linewidth=1.3)
            axes.text(
                len(names) - 1, copied + 0.6, "the source, copied",
                size=SMALL_SIZE, color=MUTED, va="bottom", ha="right",
            )  # fmt: skip
        axes.set_xticks(places, names)
        axes.set(xlabel=xlabel, ylabel="BLEU")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.legend(loc="upper left", handlelength=3.2)
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{value:.1f} ({low:.1f} to {high:.1f}) at {where}"
            for where, (value, low, high) in zip(names, points, strict=True)
        )
        for name, points in curves.items()
    )
    copy = "" if copied is None else f" A copy of the source has {copied:.1f}."
    return Picture(page.figure, f"{title.rstrip('.')}. BLEU by {xlabel}. {told}.{copy}")


def time_curves(
    lengths: Sequence[int],
    milliseconds: Mapping[str, Sequence[float]],
    title: str,
    xlabel: str,
    note: str = MEASURED,
) -> Picture:
    """Times against lengths, one line a model, both axes logarithmic.

    Args:
        lengths: from small to large.
        milliseconds: name → one time for each length.
        title: what to notice.

    Raises:
        ValueError: no curve, more curves than line styles, another number of times than of
            lengths, or a time that is not above 0.
    """
    _refuse(milliseconds, len(lengths))
    if min(min(times) for times in milliseconds.values()) <= 0:
        raise ValueError("times should be above 0: a logarithmic axis has no place for others")
    with sheet(7.2, 3.1, title, note) as page:
        axes = page.axes(0.85, 0.6, 6.0, 2.4)
        for (name, times), style in zip(milliseconds.items(), SERIES, strict=False):
            axes.plot(lengths, times, label=name, **style)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
        low, high = axes.get_ylim()
        tens = [10.0**p for p in range(-4, 7) if low <= 10.0**p <= high]
        axes.set_yticks(tens, [f"{ten:,.10g}" for ten in tens])
        axes.minorticks_off()
        axes.grid()
        axes.set(xlabel=f"{xlabel} (log scale)", ylabel="milliseconds (log scale)")
        axes.legend(loc="upper left", handlelength=3.2)
    told = "; ".join(
        f"{name}: "
        + ", ".join(f"{time:.2g} ms at {n:,}" for n, time in zip(lengths, times, strict=True))
        for name, times in milliseconds.items()
    )
    return Picture(page.figure, f"{title.rstrip('.')}. Milliseconds by {xlabel}. {told}.")


def _refuse(curves: Mapping[str, Sequence[float]], count: int) -> None:
    if not curves or len(curves) > len(SERIES):
        raise ValueError(f"there are styles for 1 to {len(SERIES)} curves, not for {len(curves)}")
    for name, values in curves.items():
        if len(values) != count or not np.all(np.isfinite(values)):
            raise ValueError(
                f"{name} should hold {count} numbers, one for each place on the axis; it holds "
                f"{list(values)}"
            )
