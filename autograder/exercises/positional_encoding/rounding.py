"""Tables of angles, right up to rounding."""

import torch

from autograder.checks import expect

FAR = 20_000
"""A position whose angle float32 can't hold: of its seven digits, five stand before the point."""


def expect_precise(
    found: torch.Tensor, wanted: torch.Tensor, what: str, limit: float, says: str
) -> None:
    """Right up to rounding. Told apart: wrong altogether, and worked out with too few digits."""
    expect.shape(found, wanted.shape, what)
    gap = (found.double() - wanted.double()).abs().max()
    expect.that(bool(gap < 0.05), f"{what} is wrong here by more than rounding.")
    expect.that(bool(gap < limit), says)
