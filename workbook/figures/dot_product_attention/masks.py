"""Paint a mask and watch the weights follow: the reader's own attention on one sentence."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets
import numpy as np
import torch
import traitlets

from workbook.figures.arrays import as_array, as_labels
from workbook.figures.matrices import attention_matrices, attention_matrix, describe_attention
from workbook.figures.picture import Picture
from workbook.figures.widget import Explorer

Attention = Callable[..., tuple[torch.Tensor, torch.Tensor]]
"""`attention(query, key, value, mask)`: the reader's own, giving the output and the weights."""

OWN = "painted by you"


def presets(tokens: Sequence[Any]) -> dict[str, np.ndarray]:
    """The masks to start from, `(length, length)`, True means "may attend"."""
    length = len(tokens)
    everything = np.ones((length, length), dtype=bool)
    padding = everything.copy()
    padding[:, -2:] = False
    one_empty = everything.copy()
    one_empty[length // 2] = False
    return {
        "all: every word may look at every word": everything,
        "padding: nobody looks at the last two": padding,
        "causal: nobody looks ahead": np.tril(everything),
        f"one empty row: “{tokens[length // 2]}” may look at nothing": one_empty,
    }


class MaskGrid(ipywidgets.VBox):
    """A button for each query and key, and a list of masks to start from.

    A pressed button shows a tick and means "may attend". `value` is a tuple of rows of booleans.
    """

    value = traitlets.Tuple()

    def __init__(self, tokens: Sequence[Any]) -> None:
        words = [str(token) for token in tokens]
        self._presets = presets(words)
        names = list(self._presets)
        self.preset = ipywidgets.Dropdown(
            options=[*names, OWN],
            value=names[2],
            description="start from",
            layout=ipywidgets.Layout(width="430px"),
        )
        self.buttons = [
            [
                ipywidgets.ToggleButton(
                    tooltip=f"may “{query}” look at “{key}”?",
                    layout=ipywidgets.Layout(width="auto", height="28px"),
                )
                for key in words
            ]
            for query in words
        ]
        self._painting = False
        grid = [ipywidgets.Label(""), *(_heading(word, "center") for word in words)]
        for word, row in zip(words, self.buttons, strict=True):
            grid += [_heading(word, "flex-end"), *row]
        columns = f"minmax(60px, max-content) repeat({len(words)}, 64px)"
        layout = ipywidgets.Layout(grid_template_columns=columns, grid_gap="3px")
        super().__init__([self.preset, ipywidgets.GridBox(grid, layout=layout)])
        self._show(self._presets[names[2]])
        self.preset.observe(self._start_from, names="value")
        for row in self.buttons:
            for button in row:
                button.observe(self._pressed, names="value")

    def _start_from(self, change: Any) -> None:
        if change["new"] in self._presets and not self._painting:
            self._show(self._presets[change["new"]])

    def _pressed(self, change: Any) -> None:
        if self._painting:
            return
        with self._quietly():
            self.preset.value = OWN
        self._show(np.array([[button.value for button in row] for row in self.buttons]))

    def _show(self, mask: np.ndarray) -> None:
        with self._quietly():
            for row, allowed in zip(self.buttons, mask, strict=True):
                for button, may in zip(row, allowed, strict=True):
                    button.value = bool(may)
                    button.description = "✓" if may else "·"
        self.value = tuple(tuple(bool(may) for may in row) for row in mask)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Setting many buttons is one change of the mask, not thirty-six."""
        self._painting = True
        try:
            yield
        finally:
            self._painting = False


def mask_painter(
    tokens: Sequence[Any],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention: Attention,
) -> Explorer:
    """A mask to paint, button by button, over the attention weights of one sentence.

    Args:
        tokens: the words.
        query, key: `(length, d_k)`.
        value: `(length, d_v)`.
        attention: `attention(query, key, value, mask)` with a boolean mask `(length, length)`, True
            means "may attend"; returns the output and the weights. It runs at every change.

    Raises:
        ValueError: the tensors don't have one row for each token.
    """
    length = len(tokens)
    words = as_labels(tokens, "tokens", length)
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        as_array(tensor, name, length, "features")

    def weights(mask: np.ndarray) -> np.ndarray:
        allowed = torch.from_numpy(mask.copy()).to(query.device)
        result = attention(query, key, value, allowed)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                "attention should return a pair, (output, weights), "
                f"but it returned a {type(result).__name__}"
            )
        return as_array(result[1], "weights", length, length)

    def draw(mask: tuple[tuple[bool, ...], ...]) -> Picture:
        allowed = np.array(mask)
        table = weights(allowed)
        title = _title(words, allowed, table)
        alt = (
            f"Attention under a mask that allows {allowed.sum()} of {allowed.size} looks. "
            f"{_rows(words, allowed)} {describe_attention(table, words, words)}"
        )
        return attention_matrix(table, words, words, title, alt, mask=allowed)

    def still() -> Picture:
        masks = presets(words)
        tables = [weights(mask) for mask in masks.values()]
        return attention_matrices(
            tables,
            words,
            words,
            [name.partition(":")[0] for name in masks],
            "A mask takes looks away; what is left of each row adds up to 1, or is all zeros",
            masks=list(masks.values()),
            columns=2,
        )

    return Explorer(draw, {"mask": MaskGrid(words)}, still)


def _heading(word: str, where: str) -> ipywidgets.Label:
    return ipywidgets.Label(word, layout=ipywidgets.Layout(justify_content=where))


def _title(words: Sequence[str], mask: np.ndarray, weights: np.ndarray) -> str:
    leaks = int((np.nan_to_num(weights)[~mask] > 1e-9).sum())
    if np.isnan(weights).any():
        return "NaN: a row with nothing to look at should give zeros"
    if leaks:
        return f"{leaks} forbidden looks have a weight: the mask was not obeyed"
    empty = [word for word, row in zip(words, mask, strict=True) if not row.any()]
    if empty:
        return f"“{empty[0]}” may look at nothing, and its weights are all zero"
    return f"{mask.sum()} of {mask.size} looks are allowed; the hatched ones get no weight"


def _rows(words: Sequence[str], mask: np.ndarray) -> str:
    return " ".join(
        f"“{word}” may look at "
        + (", ".join(key for key, may in zip(words, row, strict=True) if may) or "nothing")
        + "."
        for word, row in zip(words, mask, strict=True)
    )
