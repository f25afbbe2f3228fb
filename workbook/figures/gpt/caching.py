"""What a key–value cache saves, position by position, and what that is worth in speed."""

from collections.abc import Mapping, Sequence

from matplotlib.patches import Rectangle

from workbook.figures.curves import MEASURED
from workbook.figures.diagram import label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    KEY,
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    SERIES,
    SMALL_SIZE,
)


def cached_work(tokens: Sequence[str]) -> Picture:
    """Which positions go through the layers at each step of writing, without and with a cache.

    Args:
        tokens: 3 to 9 of them, written one a step.

    Raises:
        ValueError: too few or too many tokens to be drawn.
    """
    count = len(tokens)
    if not 3 <= count <= 9:
        raise ValueError(f"3 to 9 tokens can be drawn, not {count}")
    total = count * (count + 1) // 2
    title = f"{count} steps: {total} positions are worked out without a cache, {count} with one"
    cell = min(0.42, 2.6 / count)
    side = cell * count
    with sheet(PAGE_WIDTH, side + 1.05, title) as page:
        board = page.board()
        for left, name, cached in ((0.85, "without a cache", False), (4.45, "with a cache", True)):
            bottom = 0.42
            for step in range(count):
                y = bottom + side - cell * (step + 1)
                label(
                    board, left - 0.1, y + cell / 2, f"step {step + 1}", ha="right", size=SMALL_SIZE
                )
                for position in range(count):
                    fresh = position == step or (position < step and not cached)
                    read = position < step and cached
                    patch = Rectangle(
                        (left + cell * position, y),
                        cell,
                        cell,
                        facecolor=KEY if fresh else KEY_TINT if read else PAPER,
                        edgecolor=LINE,
                        hatch="...." if read else None,
                        zorder=1,
                    )
                    if fresh or read:
                        patch.set_gid(f"{name}: {'worked out' if fresh else 'read'}")
                    board.add_patch(patch)
            for position, token in enumerate(tokens):
                board.text(
                    left + cell * (position + 0.35),
                    bottom + side + 0.06,
                    token,
                    rotation=45,
                    size=SMALL_SIZE,
                    ha="left",
                    va="bottom",
                    rotation_mode="anchor",
                )
            label(board, left + side / 2, 0.2, name, weight="bold")
        key = 4.45 + side + 0.3
        for y, fill, hatch, text in (
            (side * 0.75 + 0.3, KEY, None, "worked out"),
            (side * 0.75 - 0.1, KEY_TINT, "....", "key and value read"),
        ):
            board.add_patch(
                Rectangle((key, y), 0.22, 0.22, facecolor=fill, edgecolor=LINE, hatch=hatch)
            )
            label(board, key + 0.3, y + 0.11, text, ha="left", size=SMALL_SIZE, color=MUTED)
    return Picture(
        page.figure,
        f"{title}. Two grids, one row a step, one column a position. Without a cache step t works "
        "out t positions; with one it works out the last and reads the keys and values of the "
        "others.",
    )


def writing_speed(
    lengths: Sequence[int], speeds: Mapping[str, Sequence[float]], title: str
) -> Picture:
    """Tokens per second against the length of the text, one line a way of writing.

    Args:
        lengths: the tokens written, from few to many.
        speeds: way → tokens per second up to each length.
        title: what to notice.

    Raises:
        ValueError: no line, more lines than styles, or another number of speeds than of lengths.
    """
    if not 1 <= len(speeds) <= len(SERIES):
        raise ValueError(f"there are styles for 1 to {len(SERIES)} lines, not for {len(speeds)}")
    for name, row in speeds.items():
        if len(row) != len(lengths):
            raise ValueError(f"{name} should have {len(lengths)} speeds; it has {len(row)}")
    with sheet(7.2, 2.8, title, MEASURED) as page:
        axes = page.axes(0.85, 0.6, 6.0, 2.1)
        for (name, row), style in zip(speeds.items(), SERIES, strict=False):
            axes.plot(lengths, row, label=name, **style)
        axes.set(xlabel="tokens written", ylabel="tokens per second", xticks=lengths)
        axes.set_ylim(0, 1.15 * max(max(row) for row in speeds.values()))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(axis="y")
        axes.legend(loc="best", handlelength=3.2)
    told = "; ".join(
        f"{name}: "
        + ", ".join(f"{speed:,.0f} at {n}" for n, speed in zip(lengths, row, strict=True))
        for name, row in speeds.items()
    )
    return Picture(
        page.figure, f"{title.rstrip('.')}. Tokens per second by tokens written. {told}."
    )
