"""The paper's learning rate: up in a line, down with the root of the step."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

warmup_rate = Exercise("warmup_rate", reference=pieces.warmup_rate)


def _expect_rate(piece: Piece, step: int, d_model: int, warmup: int) -> None:
    found = piece(step, d_model, warmup)
    what = f"warmup_rate({step}, {d_model}, {warmup})"
    if isinstance(found, torch.Tensor):
        raise expect.Mismatch(f"{what} should be a plain number; it is a tensor.", kind="a tensor")
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    wanted = pieces.warmup_rate(step, d_model, warmup)
    expect.that(
        math.isclose(found, wanted, rel_tol=1e-9),
        f"{what} should be {wanted:.6g}; yours is {found:.6g}.",
    )


@warmup_rate.property("on the way up", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Up to step `warmup`, the rate grows with the step: d_model^−0.5 · step · warmup^−1.5."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    for step in (1, 2, warmup // 3):
        _expect_rate(piece, step, d_model, warmup)


@warmup_rate.property("on the way down", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """After step `warmup`, the rate falls with the root of the step: d_model^−0.5 · step^−0.5."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    for step in (warmup + 1, 3 * warmup, 50 * warmup + 7):
        _expect_rate(piece, step, d_model, warmup)


@warmup_rate.property("the peak", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """At step `warmup` both are equal, and the rate is at its largest."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    _expect_rate(piece, warmup, d_model, warmup)


@warmup_rate.property("step 0 counts as 1", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A scheduler asks for step 0 first: it should get the rate of step 1, and not divide by
    zero."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    _expect_rate(piece, 0, d_model, warmup)


@warmup_rate.misconception("step 0 divides by zero")
def _(step, d_model, warmup):
    """0 to the power of −0.5 divides by zero. Step 0 counts as 1: step = max(step, 1)."""
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@warmup_rate.misconception("step 0 has rate 0")
def _(step, d_model, warmup):
    """Step 0 gets a rate of 0, so that the first batch is wasted. It counts as step 1."""
    return 0.0 if step == 0 else pieces.warmup_rate(step, d_model, warmup)


@warmup_rate.misconception("every step one later")
def _(step, d_model, warmup):
    """You count every step as the next one. Only step 0 counts as 1; step 1 is step 1."""
    return pieces.warmup_rate(step + 1, d_model, warmup)


@warmup_rate.misconception("the larger of the two")
def _(step, d_model, warmup):
    """You take the larger of the two curves, so that the rate begins high and never stops growing.
    Take the smaller: min."""
    step = max(step, 1)
    return d_model**-0.5 * max(step**-0.5, step * warmup**-1.5)


@warmup_rate.misconception("d_model forgotten")
def _(step, d_model, warmup):
    """d_model is never used: the factor d_model^−0.5 is missing."""
    return pieces.warmup_rate(step, 1, warmup)


@warmup_rate.misconception("multiplied by the root of d_model")
def _(step, d_model, warmup):
    """You multiply by √d_model. The exponent is −0.5: a wider model learns with a smaller rate."""
    return pieces.warmup_rate(step, 1, warmup) * d_model**0.5


@warmup_rate.misconception("divided by d_model")
def _(step, d_model, warmup):
    """You divide by d_model. Divide by its square root: d_model^−0.5."""
    return pieces.warmup_rate(step, 1, warmup) / d_model


@warmup_rate.misconception("warmup to the power of −0.5")
def _(step, d_model, warmup):
    """The way up has warmup^−1.5 (step / warmup of the peak rate warmup^−0.5). You have the
    exponent −0.5."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-0.5)


@warmup_rate.misconception("warmup to the power of −1")
def _(step, d_model, warmup):
    """You rise to 1 at step warmup: step / warmup. It is step · warmup^−1.5, so that the two curves
    meet there."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step / warmup)


@warmup_rate.misconception("only the way down")
def _(step, d_model, warmup):
    """There is no warm-up: your rate is step^−0.5 from the beginning. Take the smaller of step^−0.5
    and step · warmup^−1.5 (with a minus in the exponent)."""
    return d_model**-0.5 * max(step, 1) ** -0.5


@warmup_rate.misconception("only the way up")
def _(step, d_model, warmup):
    """The rate grows for ever. After the warm-up it falls with step^−0.5: take the smaller of the
    two."""
    return d_model**-0.5 * max(step, 1) * warmup**-1.5


@warmup_rate.misconception("constant after the warm-up")
def _(step, d_model, warmup):
    """After the warm-up your rate stays where it is. It should fall with step^−0.5."""
    return pieces.warmup_rate(min(step, warmup), d_model, warmup)


@warmup_rate.misconception("falls with the step, not its root")
def _(step, d_model, warmup):
    """After the warm-up your rate falls with 1/step. It falls with its root: step^−0.5."""
    step = max(step, 1)
    return d_model**-0.5 * (step * warmup**-1.5 if step <= warmup else warmup**0.5 / step)


@warmup_rate.misconception("a peak of 1")
def _(step, d_model, warmup):
    """Your rate is 1 at its peak, whatever d_model and warmup are: a factor for somebody else's
    rate. Equation 3 gives the rate itself: d_model^−0.5 · min(step^−0.5, step · warmup^−1.5)."""
    step = max(step, 1)
    return min(step / warmup, (warmup / step) ** 0.5)


@warmup_rate.misconception("negative")
def _(step, d_model, warmup):
    """Your rate is negative: the minus belongs into the exponent, d_model ** -0.5."""
    return -(d_model**0.5) * pieces.warmup_rate(step, 1, warmup)


@warmup_rate.misconception("a tensor")
def _(step, d_model, warmup):
    """You return a tensor. A plain number is asked for, as optimizers take it: math and ** will
    do, or .item()."""
    return torch.tensor(pieces.warmup_rate(step, d_model, warmup), dtype=torch.float64)


@warmup_rate.misconception("step and warmup swapped")
def _(step, d_model, warmup):
    """You have swapped step and warmup in the second term: it is step · warmup^−1.5."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, warmup * step**-1.5)
