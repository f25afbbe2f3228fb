"""Fine-tuning against training from scratch, by the number of labelled sentences."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import MUTED, SERIES, SMALL_SIZE

Runs = Mapping[str, Mapping[int, Sequence[float]]]


def few_labels(
    tasks: Mapping[str, Runs], chance: Mapping[str, float], title: str, note: str
) -> Picture:
    """One panel a task: the mean share of right answers with bars from the worst to the best run.

    Args:
        tasks: task → kind of start → number of labels → one share a run.
        chance: task → what always giving the same answer is worth.
        title: what to notice.
        note: where the numbers come from.

    Raises:
        ValueError: no runs, other tasks in `chance`, or more kinds of start than line styles.
    """
    if not tasks or tasks.keys() != chance.keys():
        raise ValueError(f"chance should have the tasks {list(tasks)}; it has {list(chance)}")
    kinds = {kind for runs in tasks.values() for kind in runs}
    if len(kinds) > len(SERIES) or not all(
        len(shares)
        for runs in tasks.values()
        for runs_ in runs.values()
        for shares in runs_.values()
    ):
        raise ValueError(f"each of at most {len(SERIES)} kinds should have a run for each number")
    wide = 3.7
    told = []
    with sheet(0.75 + (wide + 0.5) * len(tasks), 3.0, title, note) as page:
        for number, (task, runs) in enumerate(tasks.items()):
            axes = page.axes(0.7 + (wide + 0.5) * number, 0.55, wide, 2.1)
            places = sorted({count for of_kind in runs.values() for count in of_kind})
            for shift, ((kind, of_kind), style) in enumerate(
                zip(runs.items(), SERIES, strict=False)
            ):
                counts = sorted(of_kind)
                mean = np.array([np.mean(of_kind[count]) for count in counts])
                worst = np.array([min(of_kind[count]) for count in counts])
                best = np.array([max(of_kind[count]) for count in counts])
                bars = np.clip([mean - worst, best - mean], 0, None)  # a mean may round past one
                across = [places.index(count) + 0.06 * (shift - 0.5) for count in counts]
                axes.errorbar(
                    across, mean, yerr=bars, capsize=4, label=kind, elinewidth=1.4, **style
                )
                shares = ", ".join(
                    f"{share:.0%} with {count}" for count, share in zip(counts, mean, strict=True)
                )
                told.append(f"{task}, {kind}: {shares}")
            axes.axhline(chance[task], color=MUTED, linestyle=":", linewidth=1.3)
            axes.text(
                len(places) - 0.6,
                chance[task] - 0.02,
                "always the same answer",
                size=SMALL_SIZE,
                color=MUTED,
                va="top",
                ha="right",
            )
            axes.set_xticks(range(len(places)), [f"{count:,}" for count in places])
            axes.set(xlabel="labelled sentences", ylim=(0, 1.05), xlim=(-0.4, len(places) - 0.6))
            axes.set_ylabel("share of right answers" if number == 0 else "")
            axes.set_title(task)
            axes.grid(axis="y")
            axes.legend(loc="lower right", handlelength=3.2, bbox_to_anchor=(1.0, 0.02))
    return Picture(
        page.figure, f"{title.rstrip('.')}. Mean share of right answers. {'; '.join(told)}."
    )
