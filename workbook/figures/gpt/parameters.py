"""Where the parameters of a GPT are: tables, attention, feed-forward layers."""

from collections.abc import Mapping

from workbook.figures.paper import sheet, text_width
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY, MUTED, PAGE_WIDTH, PAPER, SMALL_SIZE

_LOOKS = (
    {"facecolor": KEY, "hatch": None},
    {"facecolor": "#d9822b", "hatch": "///"},
    {"facecolor": "#d9e5f2", "hatch": "..."},
    {"facecolor": "#f1f1f1", "hatch": None},
)


def parameter_shares(models: Mapping[str, Mapping[str, int]], title: str) -> Picture:
    """One bar a model, its parameters by part, each bar as long as the others.

    Args:
        models: model → part → number of parameters; the same parts in the same order, at most 4.
        title: what to notice.

    Raises:
        ValueError: no model, other parts in one than in another, or too many of them.
    """
    if not models:
        raise ValueError("there should be at least one model")
    parts = list(next(iter(models.values())))
    if any(list(model) != parts for model in models.values()) or not 1 <= len(parts) <= len(_LOOKS):
        raise ValueError(f"every model should have the same 1 to {len(_LOOKS)} parts as {parts}")
    left = 0.25 + max(text_width(name) for name in models)
    with sheet(PAGE_WIDTH, 0.62 * len(models) + 0.5, title) as page:
        axes = page.axes(left, 0.45, PAGE_WIDTH - left - 1.35, 0.62 * len(models))
        for row, (_, model) in enumerate(models.items()):
            total, start = sum(model.values()), 0.0
            for (part, count), look in zip(model.items(), _LOOKS, strict=False):
                share = count / total
                axes.barh(
                    -row,
                    share,
                    0.6,
                    left=start,
                    edgecolor=MUTED,
                    linewidth=0.8,
                    label=part if row == 0 else None,
                    **look,
                )
                if share > 0.06:
                    axes.text(
                        start + share / 2,
                        -row,
                        f"{share:.0%}",
                        ha="center",
                        va="center",
                        size=SMALL_SIZE,
                        color=INK,
                        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
                    )
                start += share
            axes.text(
                1.01,
                -row,
                f"{total:,}" if total < 1e9 else f"{total / 1e9:.1f} billion",
                va="center",
                size=SMALL_SIZE,
            )
        axes.set(xlim=(0, 1), ylim=(0.5 - len(models), 0.5), xticks=())
        axes.set_yticks([-row for row in range(len(models))], list(models))
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.tick_params(left=False)
        handles, names = axes.get_legend_handles_labels()
        page.figure.legend(handles, names, loc="lower center", ncols=len(parts), borderaxespad=0.3)
    told = "; ".join(
        f"{name}, {sum(model.values()):,}: "
        + ", ".join(f"{part} {count / sum(model.values()):.0%}" for part, count in model.items())
        for name, model in models.items()
    )
    return Picture(page.figure, f"{title.rstrip('.')}. {told}.")
