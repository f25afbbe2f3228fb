"""What a property may expect of a value, and the sentence a student reads when it isn't so.

Each function raises Mismatch and returns what it looked at, so that a property reads as a list of
expectations. Tolerances fit the precision: a missing eps or an unbiased deviation is far outside.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from autograder.channel.piece import PieceRaised
from autograder.channel.wire import Handle, Opaque

NOTHING_RETURNED = "nothing returned"
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5}


class Mismatch(Exception):
    """A property does not hold. `message` is for the student; `kind` is what two pieces that fail
    in the same way have in common (the message itself, unless it holds names of the student's)."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind or message


def that(condition: bool, sentence: str) -> None:
    """The condition holds."""
    if not condition:
        raise Mismatch(sentence)


def tensor(actual: Any, what: str) -> torch.Tensor:
    """It is a tensor."""
    if not isinstance(actual, torch.Tensor):
        raise Mismatch(f"{what} should be a tensor; it is {describe(actual)}.", kind=_kind(actual))
    return actual


def several(actual: Any, *names: str) -> tuple[Any, ...]:
    """It is a tuple (or list) of as many things as there are names, none of them None."""
    wanted = f"({', '.join(names)})"
    if not isinstance(actual, (tuple, list)):
        raise Mismatch(
            f"The result should be {wanted}; it is {describe(actual)}.", kind=_kind(actual)
        )
    if len(actual) != len(names):
        raise Mismatch(f"The result should be {wanted}; it has {len(actual)} parts.")
    for part, name in zip(actual, names, strict=True):
        if part is None:  # something was returned: no word of a missing return
            raise Mismatch(f"{name} should be a tensor; it is None.")
    return tuple(actual)


def shape(actual: Any, expected: Sequence[int], what: str) -> torch.Tensor:
    """It is a tensor of this shape."""
    tensor(actual, what)
    if tuple(actual.shape) != tuple(expected):
        raise Mismatch(
            f"{what} should have the shape {tuple(expected)}; it has {tuple(actual.shape)}."
        )
    return actual


def close(
    actual: Any,
    expected: torch.Tensor,
    what: str,
    tolerance: float | None = None,
    because: str = "",
) -> torch.Tensor:
    """Same shape, same dtype, same values up to the precision of the dtype.

    `because` is a sentence added to the message: what to look at.
    """
    shape(actual, expected.shape, what)
    if actual.dtype != expected.dtype:
        raise Mismatch(
            f"{what} should be {_dtype(expected)}, as its inputs are; it is {_dtype(actual)}."
        )
    if not expected.is_floating_point():
        agree = actual == expected
    else:
        limit = TOLERANCE.get(expected.dtype, 1e-4) if tolerance is None else tolerance
        agree = torch.isclose(actual, expected, rtol=limit, atol=limit, equal_nan=False)
    if bool(agree.all()):
        return actual
    place = tuple((~agree).nonzero()[0].tolist())
    where = f"[{', '.join(map(str, place))}]" if place else "its value"
    wrong = int((~agree).sum())
    count = f" ({wrong} of {agree.numel()} numbers differ)" if agree.numel() > 1 else ""
    wanted, found = _apart(expected[place].item(), actual[place].item())
    raise Mismatch(
        f"{what} differs at {where}: expected {wanted}, yours is {found}{count}."
        + (f" {because}" if because else "")
    )


def gradient(actual: torch.Tensor | None, expected: torch.Tensor, what: str) -> None:
    """A gradient arrived, and it is the right one."""
    if actual is None:
        raise Mismatch(
            f"No gradient flows back to {what}. Look for .detach(), .item(), .data, "
            "torch.no_grad() or a tensor built anew from numbers."
        )
    if not bool(torch.isfinite(actual).all()):
        raise Mismatch(f"The gradient of {what} has NaN or infinite numbers in it.")
    close(actual, expected, f"The gradient of {what}", tolerance=1e-7)


def finite(actual: Any, what: str) -> torch.Tensor:
    """No NaN, no infinity."""
    tensor(actual, what)
    if not bool(torch.isfinite(actual).all()):
        bad = "NaN" if bool(torch.isnan(actual).any()) else "infinite numbers"
        raise Mismatch(f"{what} has {bad} in it.")
    return actual


def unchanged(before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]) -> None:
    """The inputs are as they were."""
    for position, (old, new) in enumerate(zip(before, after, strict=False), start=1):
        if old.shape != new.shape or not torch.equal(old, new):
            raise Mismatch(
                f"Tensor input number {position} was changed by the call. Work on a new tensor: "
                "methods ending in _ and assignments such as x[...] = … change the caller's."
            )


def same_again(once: torch.Tensor, again: torch.Tensor) -> None:
    """What two calls with the same input gave, without dropout, is the same to the last digit."""
    that(torch.equal(once, again), "Two calls with the same input give different outputs.")


def raises(expected: type[Exception], call: Callable[[], Any], sentence: str) -> None:
    """The call raises this exception (or one derived from it)."""
    try:
        call()
    except PieceRaised as raised:
        if raised.is_a(expected):
            return
        raise Mismatch(f"{sentence} It raised {raised.error['type']} instead.") from None
    raise Mismatch(f"{sentence} It raised nothing.")


def same_parameters(actual: dict[str, torch.Tensor], expected: dict[str, Sequence[int]]) -> None:
    """The parameters have these names and shapes."""
    have, want = set(actual), set(expected)
    if have != want:
        parts = []
        if want - have:
            parts.append(f"missing: {', '.join(sorted(want - have))}")
        if have - want:
            parts.append(f"not asked for: {', '.join(sorted(have - want))}")
        renamed = sorted(map(tuple, expected.values())) == sorted(
            tuple(value.shape) for value in actual.values()
        )
        raise Mismatch(
            f"The parameters have other names than the exercise asks; {'; '.join(parts)}.",
            kind="right shapes under other names" if renamed else "",
        )
    for name, size in expected.items():
        shape(actual[name], size, f"The parameter {name}")


def _kind(actual: Any) -> str:
    return NOTHING_RETURNED if actual is None else ""


def describe(value: Any) -> str:
    """What a value is, in a student's words."""
    if value is None:
        return "None (is a return missing?)"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)} parts"
    if isinstance(value, Opaque):
        return f"of type {value.type_name}"
    if isinstance(value, Handle):
        return "a module"
    return f"of type {type(value).__name__}"


def _dtype(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _apart(expected: float, actual: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart; True and False by name."""
    if not isinstance(expected, float):
        return str(expected), str(actual)
    for digits in (6, 10, 14, 17):
        told = f"{expected:.{digits}g}", f"{actual:.{digits}g}"
        if told[0] != told[1]:
            break
    return told
