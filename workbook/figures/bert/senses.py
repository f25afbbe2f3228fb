"""The vectors of one word in many sentences, in a plane, before and after training."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import MUTED, PAGE_WIDTH, PAPER, SERIES


def word_in_a_plane(
    planes: Mapping[str, Any], senses: Sequence[str], title: str, separated: Mapping[str, float]
) -> Picture:
    """One panel a plane, one mark a sentence, another mark for each sense.

    Args:
        planes: name → `(sentences, 2)`; the cut stands upright at 0.
        senses: what the word means in each sentence; two to four kinds.
        title: what to notice.
        separated: name → the share of sentences that a straight cut sorts rightly, said in the
            panel's heading.

    Raises:
        ValueError: counts that differ, more senses than marks, or other names in `separated`.
    """
    kinds = list(dict.fromkeys(senses))
    if not planes or len(kinds) > len(SERIES) or planes.keys() != separated.keys():
        raise ValueError(
            f"there should be a share for each plane, and at most {len(SERIES)} senses; got "
            f"{list(planes)}, {list(separated)} and {kinds}"
        )
    names = as_labels(senses, "senses", len(senses))
    wide = (PAGE_WIDTH - 0.3) / max(len(planes), 2) - 0.3
    note = "Measured in this notebook. Dashed: the cut. In a heading: the share it sorts rightly."
    with sheet(0.3 + (wide + 0.3) * len(planes), 3.2, title, note) as page:
        for number, (name, points) in enumerate(planes.items()):
            points = as_array(points, name, len(names), 2)
            axes = page.axes(0.25 + (wide + 0.3) * number, 0.2, wide, 2.85)
            axes.axvline(0, color=MUTED, linestyle="--", linewidth=1.1, zorder=0)
            for kind, style in zip(kinds, SERIES, strict=False):
                own = points[[sense == kind for sense in names]]
                axes.scatter(
                    own[:, 0],
                    own[:, 1],
                    s=18,
                    marker=style["marker"],
                    color=style["color"] if style is SERIES[0] else PAPER,
                    edgecolors=style["color"],
                    linewidths=1.1,
                    label=kind,
                )
            axes.set_title(f"{name}: {separated[name]:.0%}")
            axes.set(xticks=[], yticks=[])
            axes.margins(0.08)
            axes.legend(loc="best", handletextpad=0.2)
    told = "; ".join(f"{name}: {share:.0%}" for name, share in separated.items())
    return Picture(
        page.figure,
        f"{title.rstrip('.')}. {len(names)} sentences, marked {', '.join(kinds)}. The share that a "
        f"straight cut sorts rightly: {told}.",
    )
