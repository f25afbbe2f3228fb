"""What a figure is given, as numpy: tensors from any device, arrays and lists, with their shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbook.figures.style import MINUS


def as_array(values: Any, what: str, *shape: int | str | None) -> np.ndarray:
    """The numbers in float64, checked against the shape that a figure can draw.

    Args:
        values: a tensor (detached and brought to the CPU here), an array or nested lists.
        what: the name to use in an error.
        shape: one entry an axis: an exact size, or any size under a name (`"queries"`).

    Raises:
        TypeError: these are not numbers.
        ValueError: the number of axes or a size differs.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} must be numbers in a regular grid, but {error}") from None
    fits = array.ndim == len(shape) and all(
        not isinstance(size, int) or size == found
        for size, found in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(
            f"{what} should have the shape ({wanted}), but it came with {array.shape}; "
            "pick one sentence and one head first, for example weights[0, head]"
        )
    return array


def as_labels(labels: Sequence[Any], what: str, count: int) -> list[str]:
    """One printable label for each row or column.

    Raises:
        TypeError: a bare string, which would be taken apart into letters.
        ValueError: there are more or fewer labels than `count`.
    """
    if isinstance(labels, str):
        raise TypeError(f"{what} should be a list of words, but a string came: {labels!r}")
    words = [str(label) for label in labels]
    if len(words) != count:
        raise ValueError(
            f"{what} should name {count} words, one for each row or column of the weights, "
            f"but there are {len(words)}: {words}"
        )
    return words


def short(value: float, digits: int = 2) -> str:
    """A number as it is printed in a figure: no trailing zeros, a true minus sign, no `-0`."""
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", MINUS)
