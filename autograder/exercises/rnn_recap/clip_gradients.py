"""Gradients scaled down together where their norm is too large."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

clip_gradients_ = Exercise(
    "clip_gradients_",
    reference=pieces.clip_gradients_,
    forbidden=("_foreach_norm", "_foreach_mul_"),  # what torch's own clip_grad_norm_ calls
)
_CLOSE = 1e-5  # torch adds 1e-6 to the norm; both ways are right


def _gradients(draw: Draw, scale: float = 1.0) -> list[torch.Tensor]:
    """Gradients of three weights: a matrix, a vector and a block, none of the same size."""
    a, b, c, d = draw.sizes(4, low=2)
    shapes = ((a, b), (c,), (b, d, a))
    return [draw.normal(*shape, scale=scale) for shape in shapes]


def _joint_norm(gradients: list[torch.Tensor | None]) -> float:
    return math.sqrt(sum(float(g.square().sum()) for g in gradients if g is not None))


def _clip(
    piece: Piece, gradients: list[torch.Tensor | None], max_norm: float, iterator: bool = False
) -> tuple[object, list[torch.Tensor | None]]:
    """What the call returns, and the gradients after it. The weights of a list are looked at too:
    they should be as they were."""
    values = [torch.full((2,), 0.5) if g is None else 10.0 + torch.zeros_like(g) for g in gradients]
    weights = piece.make("parameters", values=values, gradients=gradients, iterator=iterator)
    returned = piece(weights.handle, max_norm)
    found = weights.stored_gradients()
    after = values if iterator else weights.method("copy")()
    expect.that(
        all(torch.equal(old, new) for old, new in zip(values, after, strict=True)),
        "You changed the weights themselves; clipping changes their gradients, .grad, alone.",
    )
    return returned, found


def _expect_scaled(found: list, gradients: list, factor: float) -> None:
    for number, (after, before) in enumerate(zip(found, gradients, strict=True), start=1):
        if before is None:
            expect.that(after is None, "A parameter without a gradient has got one.")
        else:
            expect.close(
                after, before * factor, f"The gradient of weight number {number}", tolerance=_CLOSE
            )


def _expect_number(returned: object, wanted: float, what: str) -> None:
    if isinstance(returned, torch.Tensor):
        expect.shape(returned, (), what)
        returned = returned.item()
    expect.that(
        isinstance(returned, (int, float)),
        f"{what} should be a number; it is {expect.describe(returned)}.",
    )
    expect.that(
        math.isclose(returned, wanted, rel_tol=_CLOSE, abs_tol=1e-12),
        f"{what} should be {wanted:.6g}; yours is {returned:.6g}.",
    )


@clip_gradients_.property("too long: scaled to max_norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Where the joint norm of all gradients is above max_norm, all of them are scaled by one
    factor, so that their joint norm is max_norm afterwards."""
    gradients = _gradients(draw)
    limit = _joint_norm(gradients) * draw.uniform(0.1, 0.25)
    _, found = _clip(piece, gradients, limit)
    _expect_scaled(found, gradients, limit / _joint_norm(gradients))


@clip_gradients_.property("short enough: left alone", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Where the joint norm is below max_norm, nothing changes."""
    gradients = _gradients(draw, scale=0.1)
    limit = _joint_norm(gradients) * draw.uniform(1.5, 3.0)
    _, found = _clip(piece, gradients, limit)
    _expect_scaled(found, gradients, 1.0)


@clip_gradients_.property("returns the norm before clipping", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The joint norm from before the clipping is returned, clipped or not."""
    for share in (0.4, 2.0):
        gradients = _gradients(draw)
        norm = _joint_norm(gradients)
        returned, _ = _clip(piece, gradients, norm * share)
        if returned is None:
            raise expect.Mismatch(
                "The result should be the norm; it is None (is a return missing?).",
                kind=expect.NOTHING_RETURNED,
            )
        _expect_number(returned, norm, "The norm")


@clip_gradients_.property("a generator will do", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """module.parameters() is a generator: it gives each parameter once. Clipping should work for it
    as for a list."""
    gradients = _gradients(draw)
    limit = _joint_norm(gradients) * 0.2
    _, found = _clip(piece, gradients, limit, iterator=True)
    _expect_scaled(found, gradients, limit / _joint_norm(gradients))


@clip_gradients_.property("weights without a gradient", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A parameter whose .grad is None took no part in the loss: it is skipped."""
    first, second, third = _gradients(draw)
    gradients = [first, None, second, third]
    limit = _joint_norm(gradients) * 0.2
    _, found = _clip(piece, gradients, limit)
    _expect_scaled(found, gradients, limit / _joint_norm(gradients))


@clip_gradients_.property("gradients of zero", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients that are all zero stay zero, and nothing is divided by zero."""
    gradients = [torch.zeros_like(gradient) for gradient in _gradients(draw)]
    returned, found = _clip(piece, gradients, draw.uniform(0.5, 2.0))
    _expect_scaled(found, gradients, 1.0)
    _expect_number(returned, 0.0, "The norm")


def _held(parameters):
    return [p.grad for p in parameters if p.grad is not None]


def _norm_of(gradients):
    return torch.stack([g.norm() for g in gradients]).norm()


def _scale(gradients, factor):
    for gradient in gradients:
        gradient.mul_(factor)


@clip_gradients_.misconception("each gradient on its own")
def _(parameters, max_norm):
    """You clip every weight's gradient by its own norm. That bends the direction of the step. Take
    one norm over all of them and scale all by the same factor."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    for gradient in gradients:
        own = gradient.norm()
        if own > max_norm:
            gradient.mul_(max_norm / own)
    return norm


@clip_gradients_.misconception("values clamped")
def _(parameters, max_norm):
    """You clamp single numbers. That bends the direction of the step. Scale all gradients by one
    factor."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    for gradient in gradients:
        gradient.clamp_(-max_norm, max_norm)
    return norm


@clip_gradients_.misconception("short gradients stretched")
def _(parameters, max_norm):
    """You scale to max_norm always. Gradients that are short enough should stay as they are: the
    factor is never above 1."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    _scale(gradients, max_norm / norm if norm > 0 else 1.0)
    return norm


@clip_gradients_.misconception("divided by zero")
def _(parameters, max_norm):
    """When all gradients are zero, you divide by zero. Divide by the norm plus a tiny number, or
    only when the norm is above max_norm."""
    gradients = _held(parameters)
    norm = _norm_of(gradients).item()
    _scale(gradients, min(1.0, max_norm / norm))
    return norm


@clip_gradients_.misconception("fraction turned round")
def _(parameters, max_norm):
    """Your factor is norm / max_norm, which makes long gradients longer. Turn the fraction
    round."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, norm / max_norm)
    return norm


@clip_gradients_.misconception("max_norm taken for a factor")
def _(parameters, max_norm):
    """You multiply by max_norm. The factor is max_norm divided by the norm there is."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, max_norm)
    return norm


@clip_gradients_.misconception("divided by the norm only")
def _(parameters, max_norm):
    """You divide by the norm, so that the joint norm becomes 1. It should become max_norm: multiply
    by it too."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, 1 / norm)
    return norm


@clip_gradients_.misconception("norms added up")
def _(parameters, max_norm):
    """You add up the norms of the single gradients. The joint norm is that of one long vector: add
    up the squares of everything, then take one root."""
    gradients = _held(parameters)
    norm = sum(gradient.norm() for gradient in gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("largest norm")
def _(parameters, max_norm):
    """You take the largest of the single norms. The joint norm is that of one long vector: the root
    of the sum of all squares."""
    gradients = _held(parameters)
    norm = torch.stack([gradient.norm() for gradient in gradients]).max()
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("root forgotten")
def _(parameters, max_norm):
    """You add up the squares and take no root."""
    gradients = _held(parameters)
    norm = sum(gradient.square().sum() for gradient in gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("absolute values added up")
def _(parameters, max_norm):
    """You add up absolute values. The norm is the root of the sum of squares."""
    gradients = _held(parameters)
    norm = sum(gradient.abs().sum() for gradient in gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return norm


@clip_gradients_.misconception("norm of the weights")
def _(parameters, max_norm):
    """You take the norm of the weights themselves. What is clipped are their gradients, .grad."""
    held = [p for p in parameters if p.grad is not None]
    norm = torch.stack([p.detach().norm() for p in held]).norm()
    if norm > max_norm:
        _scale([p.grad for p in held], max_norm / norm)
    return norm


@clip_gradients_.misconception("weights scaled")
def _(parameters, max_norm):
    """You changed the weights, and their gradients are the same as before. What is scaled is .grad:
    p.grad.mul_(factor), not p.mul_(factor) or p.data.mul_(factor)."""
    held = [p for p in parameters if p.grad is not None]
    norm = _norm_of([p.grad for p in held])
    if norm > max_norm:
        _scale([p.data for p in held], max_norm / norm)
    return norm


@clip_gradients_.misconception("nothing changes")
def _(parameters, max_norm):
    """The gradients are the same as before. Either grad = grad * factor made new tensors (write
    p.grad.mul_(factor)), or you walk twice through a generator, (… for …), which is empty the
    second time (make a list: [… for …])."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        for gradient in gradients:
            gradient = gradient * (max_norm / norm)
    return norm


@clip_gradients_.misconception("generator used up")
def _(parameters, max_norm):
    """You walk through parameters twice. module.parameters() is a generator: the second time it is
    empty, and nothing is scaled. Make a list of it first."""
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters if p.grad is not None))
    factor = min(1.0, max_norm / (norm + 1e-6))
    for p in parameters:
        if p.grad is not None:
            p.grad.mul_(factor)
    return norm


@clip_gradients_.misconception("None not skipped")
def _(parameters, max_norm):
    """A weight that took no part in the loss has the .grad None. Skip it: if p.grad is not None."""
    gradients = [p.grad for p in parameters]
    norm = torch.stack([g.norm() for g in gradients]).norm()
    _scale(gradients, min(1.0, max_norm / (norm + 1e-6)))
    return norm


@clip_gradients_.misconception("generator used up, None not skipped")
def _(parameters, max_norm):
    """Two things. You walk through parameters twice, and module.parameters() is a generator, empty
    the second time: make a list of it first. And some weights have the .grad None: skip them."""
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters))
    factor = min(1.0, max_norm / (norm + 1e-6))
    for p in parameters:
        p.grad.mul_(factor)
    return norm


@clip_gradients_.misconception("norm after clipping")
def _(parameters, max_norm):
    """You return the norm from after the clipping. The one from before tells whether the gradients
    explode."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
    return _norm_of(gradients)


@clip_gradients_.misconception("factor returned")
def _(parameters, max_norm):
    """You return the factor. The norm before clipping is asked for."""
    gradients = _held(parameters)
    factor = torch.clamp(max_norm / (_norm_of(gradients) + 1e-6), max=1.0)
    _scale(gradients, factor)
    return factor


@clip_gradients_.misconception("nothing returned")
def _(parameters, max_norm):
    """The gradients are clipped, and nothing is returned. Return the norm from before."""
    gradients = _held(parameters)
    norm = _norm_of(gradients)
    if norm > max_norm:
        _scale(gradients, max_norm / norm)
