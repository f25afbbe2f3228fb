"""What a translator is trained towards, and how fast: smoothed targets and the warm-up."""

from collections.abc import Mapping, Sequence

from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY, KEY_TINT, MUTED, QUERY, SERIES, SMALL_SIZE


def smoothed_targets(words: Sequence[str], target: int, smoothing: float) -> Picture:
    """The wanted probability of each word, without and with label smoothing, side by side.

    Args:
        words: of a small vocabulary.
        target: the position of the right word.
        smoothing: what the right word gives away, 0 to 1.

    Raises:
        ValueError: the target is no word, or the smoothing no share.
    """
    if not 0 <= target < len(words) or not 0 <= smoothing <= 1:
        raise ValueError(
            f"target should be one of {len(words)} words and smoothing from 0 to 1; got {target} "
            f"and {smoothing}"
        )
    plain = [float(place == target) for place in range(len(words))]
    share = smoothing / len(words)
    smooth = [share + (1 - smoothing) * value for value in plain]
    title = (
        f"“{words[target]}” gives away {smoothing:g}, and all {len(words)} words share it: "
        f"{share:.3g} each"
    )
    with sheet(7.6, 2.2, title) as page:
        for number, (name, values) in enumerate(
            (("without smoothing", plain), (f"with smoothing {smoothing:g}", smooth))
        ):
            axes = page.axes(0.6 + 3.6 * number, 0.4, 3.2, 1.5)
            colours = [KEY if place == target else KEY_TINT for place in range(len(words))]
            axes.bar(range(len(words)), values, color=colours, edgecolor=INK, linewidth=0.8)
            for place, value in enumerate(values):
                axes.text(place, value + 0.02, f"{value:.3g}", ha="center", size=SMALL_SIZE)
            axes.set_xticks(range(len(words)), words)
            axes.set(ylim=(0, 1.15), title=name)
    told = ", ".join(f"{word} {value:.3g}" for word, value in zip(words, smooth, strict=True))
    return Picture(page.figure, f"{title}. With smoothing the targets are {told}.")


def warmup_rates(rates: Mapping[str, Sequence[float]], peaks: Mapping[str, int]) -> Picture:
    """Learning rates by step, from step 1 on, one line a setting.

    Args:
        rates: name → the rates of steps 1, 2, 3 …
        peaks: name → the step at which the rate is largest, to be marked.

    Raises:
        ValueError: no curve, or more of them than line styles.
    """
    if not 0 < len(rates) <= len(SERIES):
        raise ValueError(f"there are styles for 1 to {len(SERIES)} curves, not for {len(rates)}")
    title = "Up in a straight line, down with the root of the step; the peak is where they meet"
    with sheet(7.4, 2.5, title) as page:
        axes = page.axes(0.85, 0.5, 6.3, 1.9)
        for (name, values), style in zip(rates.items(), SERIES, strict=False):
            line = {k: v for k, v in style.items() if k != "marker"}
            axes.plot(range(1, len(values) + 1), values, label=name, **line)
            top = values[peaks[name] - 1]
            axes.plot([peaks[name]], [top], marker=style["marker"], color=style["color"])
        axes.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
        axes.grid(axis="y")
        axes.legend(loc="upper right", handlelength=3.2)
    told = "; ".join(
        f"{name}: largest, {max(values):.2g}, at step {peaks[name]}"
        for name, values in rates.items()
    )
    return Picture(page.figure, f"{title}. {told}.")


def sentence_paths(paths: Sequence[tuple[Sequence[tuple[str, float]], str]], title: str) -> Picture:
    """Some sentences word by word, each with its probabilities, and their products: one row each.

    Args:
        paths: for each sentence its words with their probabilities, and a remark.
        title: what to notice.

    Raises:
        ValueError: no sentence.
    """
    if not paths:
        raise ValueError("there should be at least one sentence")
    rows = len(paths)
    with sheet(8.6, 0.62 * rows + 0.15, title) as page:
        board = page.board()
        said = []
        for number, (words, remark) in enumerate(paths):
            y = 0.62 * (rows - number) - 0.3
            product = 1.0
            for place, (word, p) in enumerate(words):
                x = 0.7 + 1.35 * place
                product *= p
                strong = number == 0
                board.text(
                    x,
                    y,
                    word,
                    ha="center",
                    va="center",
                    bbox={
                        "boxstyle": "round,pad=0.32",
                        "facecolor": KEY_TINT if strong else "#ffffff",
                        "edgecolor": KEY if strong else MUTED,
                    },
                )
                if place:
                    board.annotate(
                        "",
                        (x - 0.42, y),
                        (x - 0.93, y),
                        arrowprops={"arrowstyle": "->", "color": MUTED},
                    )
                board.text(
                    x - 0.67 if place else x - 0.45,
                    y + 0.17,
                    f"{p:.2g}",
                    ha="center",
                    size=SMALL_SIZE,
                    color=QUERY,
                )
            told = f"= {product:.3f}  {remark}"
            board.text(0.9 + 1.35 * len(words) - 0.6, y, told, ha="left", va="center")
            said.append(f"{' '.join(word for word, _ in words)} {product:.3f} ({remark})")
    return Picture(page.figure, f"{title.rstrip('.')}. {'; '.join(said)}.")
