"""What temperature, top-k and top-p do to the choice of the next token."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import torch

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import KEY, MUTED, PAGE_WIDTH, SMALL_SIZE
from workbook.figures.widget import Explorer

SampleNext = Callable[..., torch.Tensor]
"""`sample_next(logits, temperature, top_k, top_p, generator)`: the reader's own."""

_DRAWS = 2_000


def sampled_shares(
    words: Sequence[str], before: Any, shares: Mapping[str, Any], title: str, note: str = ""
) -> Picture:
    """How often each word comes under several settings, beside the model's own probabilities.

    Args:
        words: the words shown, likeliest first.
        before: `(words,)`, the model's probabilities, drawn as outlines.
        shares: setting → `(words,)`, how often each word comes then; 1 to 4 settings.
        title: what to notice.

    Raises:
        ValueError: no setting, or more than four.
    """
    if not 1 <= len(shares) <= 4:
        raise ValueError(f"1 to 4 settings can be drawn side by side, not {len(shares)}")
    names = as_labels(words, "words", len(words))
    outline = as_array(before, "before", len(names))
    drawn = {name: as_array(row, name, len(names)) for name, row in shares.items()}
    top = max(0.3, *(float(row.max()) for row in (outline, *drawn.values())))
    height = 0.24 * len(names)
    with sheet(PAGE_WIDTH, height + 0.85, title, note) as page:
        step = (PAGE_WIDTH - 1.35) / len(drawn)
        for place, (name, row) in enumerate(drawn.items()):
            axes = page.axes(1.2 + step * place, 0.5, step - 0.25, height)
            rows = np.arange(len(names))[::-1]
            axes.barh(rows, outline, 0.8, facecolor="none", edgecolor=MUTED, linewidth=0.9)
            axes.barh(rows, row, 0.55, color=KEY)
            for place_of, share, own in zip(rows, row, outline, strict=True):
                axes.text(
                    max(share, own) + 0.02 * top,
                    place_of,
                    f"{share:.0%}",
                    va="center",
                    size=SMALL_SIZE,
                )
            axes.set(
                title=name,
                xlim=(0, top * 1.25),
                xticks=(),
                yticks=rows,
                ylim=(-0.6, len(names) - 0.4),
            )
            axes.set_yticklabels(names if place == 0 else [])
            axes.spines["bottom"].set_visible(False)
        page.board().text(
            1.2,
            0.22,
            "outline: the model's own probabilities",
            size=SMALL_SIZE,
            color=MUTED,
        )
    told = "; ".join(
        f"{name}: "
        + ", ".join(f"{word} {share:.0%}" for word, share in zip(names, row, strict=True))
        for name, row in {"the model": outline, **drawn}.items()
    )
    return Picture(page.figure, f"{title.rstrip('.')}. {told}.")


def sampling_explorer(
    words: Sequence[str], logits: Any, sample_next: SampleNext, shown: int = 12
) -> Explorer:
    """Sliders for temperature, top-k and top-p over what the reader's own `sample_next` draws.

    Args:
        words: the vocabulary.
        logits: `(vocabulary,)`, of one next token.
        sample_next: draws 2,000 tokens at every change, always with the same seed.
        shown: the likeliest words that get a bar.
    """
    scores = torch.as_tensor(as_array(logits, "logits", len(words)))
    best = scores.topk(min(shown, len(words))).indices
    labels = [str(words[index]) for index in best.tolist()]
    before = scores.softmax(-1)[best]

    def shares(temperature: float, top_k: int, top_p: float) -> np.ndarray:
        rows = scores.expand(_DRAWS, -1).clone()
        draw = sample_next(
            rows,
            temperature,
            top_k if top_k < len(words) else None,
            top_p if top_p < 1 else None,
            torch.Generator().manual_seed(8),
        )
        counts = torch.bincount(draw.cpu(), minlength=len(words)).double() / _DRAWS
        return counts[best].numpy()

    def draw(temperature: float, top_k: int, top_p: float) -> Picture:
        row = shares(temperature, top_k, top_p)
        rest = max(0.0, 1 - float(row.sum()))
        title = (
            f"Temperature {temperature:.1f}, top-k {top_k}, top-p {top_p:.2f}: “{labels[0]}” comes "
            f"in {row[0]:.0%}, words not shown in {rest:.0%}"
        )
        return sampled_shares(labels, before, {f"{_DRAWS:,} draws": row}, title)

    def still() -> Picture:
        settings = {
            "as it is": (1.0, len(words), 1.0),
            "temperature 0.5": (0.5, len(words), 1.0),
            "temperature 2": (2.0, len(words), 1.0),
            "top-p 0.8": (1.0, len(words), 0.8),
        }
        rows = {name: shares(*setting) for name, setting in settings.items()}
        title = "A low temperature sharpens, a high one flattens, top-p cuts off the tail"
        return sampled_shares(labels, before, rows, title, f"{_DRAWS:,} draws each.")

    slider = ipywidgets.FloatSlider(
        value=1.0, min=0.0, max=3.0, step=0.1, description="temperature", continuous_update=False
    )
    share = ipywidgets.FloatSlider(
        value=1.0, min=0.05, max=1.0, step=0.05, description="top-p", continuous_update=False
    )
    count = ipywidgets.SelectionSlider(
        options=[1, 2, 3, 5, 10, 20, len(words)], value=len(words), description="top-k"
    )
    return Explorer(draw, {"temperature": slider, "top_k": count, "top_p": share}, still)
