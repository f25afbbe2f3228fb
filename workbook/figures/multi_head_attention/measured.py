"""How often each head's largest weight lies where one hopes, beside what luck would give."""

from collections.abc import Mapping, Sequence

from workbook.figures.arrays import as_labels
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import INK, MUTED, PAGE_WIDTH, SERIES, SMALL_SIZE


def heads_against_chance(
    shares: Mapping[str, Sequence[float]],
    heads: Sequence[str],
    chances: Mapping[str, float],
    title: str,
    measure: str,
) -> Picture:
    """One dot a head for each kind of share, with lines for what one gets without knowing.

    Args:
        shares: name → one share a head, 0 to 1.
        heads: what each head is called.
        chances: name → share that comes by luck, or by a simple habit; drawn as a dashed line.
        title: what to notice.
        measure: what the shares are.

    Raises:
        ValueError: no shares, more kinds than styles, or another number of shares than heads.
    """
    if not 1 <= len(shares) <= len(SERIES):
        raise ValueError(f"there should be 1 to {len(SERIES)} kinds of shares, not {len(shares)}")
    for name, values in shares.items():
        as_labels(heads, f"heads of {name!r}", len(values))
        if not all(0 <= value <= 1 for value in values):
            raise ValueError(f"the shares of {name!r} should be from 0 to 1: {list(values)}")
    with sheet(PAGE_WIDTH, 2.95, title, "Measured in this notebook.") as page:
        axes = page.axes(0.75, 0.75, 6.0, 2.1)
        for kind, (name, values) in enumerate(shares.items()):
            dots = SERIES[kind] | {"linestyle": "none", "markersize": 8}
            beside = 0.17 * (kind - (len(shares) - 1) / 2)  # equal shares would hide one another
            places = [head + beside for head in range(len(heads))]
            axes.plot(places, list(values), label=name, **dots)
        for name, chance in chances.items():
            axes.axhline(chance, color=MUTED, linestyle="--", linewidth=1.2, zorder=1)
            axes.text(len(heads) - 0.42, chance, name, va="center", size=SMALL_SIZE, color=INK)
        axes.set_xticks(range(len(heads)), heads)
        axes.set(ylim=(-0.04, 1.05), xlim=(-0.5, len(heads) - 0.5), ylabel=measure)
        axes.grid(axis="y")
        handles, labels = axes.get_legend_handles_labels()
        page.figure.legend(handles, labels, loc="lower left", ncols=len(shares), borderaxespad=0.4)
    told = "; ".join(
        f"{name}: "
        + ", ".join(f"{head} {value:.0%}" for head, value in zip(heads, values, strict=True))
        for name, values in shares.items()
    )
    luck = ", ".join(f"{name} {chance:.0%}" for name, chance in chances.items())
    plain = [head.replace("\n", " ") for head in heads]
    told = told if plain == list(heads) else told.replace("\n", " ")
    return Picture(page.figure, f"{title.rstrip('.')}. {measure}: {told}. For comparison: {luck}.")
