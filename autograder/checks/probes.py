"""Properties that many exercises share, each against the exercise's own reference.

A `Case` is one way to call a piece; an exercise's `cases(draw)` makes it from random sizes. The
functions here declare a property on the exercise, with its share of the points.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch

from autograder.channel.piece import Asked, Instance, Piece
from autograder.channel.wire import map_leaves, tensors_in
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise


@dataclass(frozen=True)
class Case:
    """Arguments of a call and, for a class, of its constructor.

    `scale` is the standard deviation of the weights that the check sets: smaller than 1 where
    layers are stacked, so that no softmax saturates.
    """

    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    construct: dict[str, Any] | None = None
    scale: float = 1.0

    def changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Case":
        """The same case with every floating-point tensor changed."""

        def leaf(value: Any) -> Any:
            floating = isinstance(value, torch.Tensor) and value.is_floating_point()
            return change(value) if floating else value

        return replace(self, args=map_leaves(self.args, leaf), kwargs=map_leaves(self.kwargs, leaf))


Cases = Callable[[Draw], Case]


def beside(
    exercise: Exercise,
    piece: Piece,
    case: Case,
    draw: Draw,
    dtype: torch.dtype = torch.float64,
) -> tuple[Asked, Any]:
    """The piece and its oracle, ready to be called: for a class, instances with the same
    weights."""
    if case.construct is None:
        return piece, exercise.reference
    options = tuple(sorted(case.construct.items()))
    made = _oracle(exercise.reference, options, case.scale, dtype, draw.state)
    oracle, weights, draw.state = made
    _as_made(oracle, weights)
    instance = piece.construct(**case.construct).to(dtype).eval()
    refused = instance.load(weights)
    if refused:
        raise expect.Mismatch(
            f"The check can't set the weights of {', '.join(refused)}: see the first property.",
            kind="weights that can't be set",
        )
    return instance, oracle


@lru_cache(maxsize=64)
def _oracle(
    reference: Any, options: tuple, scale: float, dtype: torch.dtype, state: bytes
) -> tuple[Any, dict[str, torch.Tensor], bytes]:
    """An oracle in eval mode, the weights it was given, and where their drawing ends. A diagnosis
    asks for the same one for each misconception."""
    draw = Draw(0)
    draw.state = state
    with torch.random.fork_rng(devices=[]):  # made or remembered, torch's generator stays as it was
        oracle = reference(**dict(options)).to(dtype).eval()
    shapes = {name: p.shape for name, p in oracle.named_parameters()}
    return oracle, draw.weights(shapes, scale, dtype), draw.state


def _as_made(oracle: Any, weights: dict[str, torch.Tensor]) -> None:
    """A property may have trained its oracle, or left gradients or another mode on it."""
    oracle.eval()
    with torch.no_grad():
        for name, parameter in oracle.named_parameters():
            parameter.requires_grad_(True).grad = None
            parameter.copy_(weights[name])


def agree(value: Any, expected: Any, names: tuple[str, ...], because: str = "") -> None:
    """A value, or a tuple of them, is what the oracle returned."""
    if isinstance(expected, tuple):
        parts = expect.several(value, *names)
        for part, wanted, name in zip(parts, expected, names, strict=True):
            expect.close(part, wanted.detach(), name, because=because)
    else:
        expect.close(value, expected.detach(), names[0], because=because)


def equals_reference(
    exercise: Exercise, cases: Cases, names: tuple[str, ...], *, name: str, points: float, says: str
) -> None:
    """The values are the oracle's."""

    def holds(piece: Piece, draw: Draw) -> None:
        case = cases(draw)
        asked, oracle = beside(exercise, piece, case, draw)
        agree(asked(*case.args, **case.kwargs), oracle(*case.args, **case.kwargs), names)

    holds.__doc__ = says
    exercise.property(name, points)(holds)


def gradients_flow(
    exercise: Exercise, cases: Cases, of: tuple[str, ...], points: float, outputs: int = 1
) -> None:
    """Gradients of the first `outputs` outputs by the floating-point inputs, named `of`, and by
    every weight. Further outputs (attention weights, say) may be detached: they are there to be
    looked at.
    """

    def holds(piece: Piece, draw: Draw) -> None:
        """Gradients should flow back to every input and weight, so that the piece can learn."""
        case = cases(draw).changed(lambda tensor: tensor.detach().requires_grad_())
        asked, oracle = beside(exercise, piece, case, draw)
        values = tensors_in(oracle(*case.args, **case.kwargs))
        cotangents = [draw.normal(*value.shape) for value in values[:outputs]]
        inputs = [t for t in tensors_in([case.args, case.kwargs]) if t.requires_grad]
        weights = dict(oracle.named_parameters()) if case.construct is not None else {}
        wanted = torch.autograd.grad(values[:outputs], [*inputs, *weights.values()], cotangents)
        found = asked.gradients(*case.args, cotangents=cotangents, **case.kwargs)
        returned = tensors_in(found.value)
        expect.that(len(returned) >= len(cotangents), "Too few tensors come back.")
        for tensor, cotangent in zip(returned, cotangents, strict=False):
            expect.shape(tensor, cotangent.shape, "What comes back")
        given = tensors_in([case.args, case.kwargs])
        arrived = [g for g, t in zip(found.inputs, given, strict=True) if t.requires_grad]
        for gradient, expected, name in zip(arrived, wanted, of, strict=False):
            expect.gradient(gradient, expected, name)
        for name, expected in zip(weights, wanted[len(inputs) :], strict=True):
            expect.gradient(found.weights.get(name), expected, name)

    exercise.property("gradients flow", points)(holds)


def inputs_stay(exercise: Exercise, cases: Cases, points: float) -> None:
    """No input is changed by a call."""

    def holds(piece: Piece, draw: Draw) -> None:
        """A call should leave its inputs as they were."""
        case = cases(draw)
        asked, _ = beside(exercise, piece, case, draw)
        before = tensors_in([case.args, case.kwargs])
        expect.unchanged(before, asked.inputs_after(*case.args, **case.kwargs))

    exercise.property("inputs stay as they were", points)(holds)


def single_precision(
    exercise: Exercise, cases: Cases, names: tuple[str, ...], points: float
) -> None:
    """float32 in, float32 out, on the accelerator where there is one."""

    def holds(piece: Piece, draw: Draw) -> None:
        """In float32, on this machine's fastest device, the values should be the same."""
        case = cases(draw).changed(lambda tensor: tensor.float())
        asked, oracle = beside(exercise, piece, case, draw, torch.float32)
        expected = oracle(*case.args, **case.kwargs)
        agree(asked.on_accelerator(*case.args, **case.kwargs), expected, names)

    exercise.property("float32, on this machine's device", points)(holds)


def parameters_named(
    exercise: Exercise, cases: Cases, points: float, name: str = "parameter names and shapes"
) -> None:
    """The parameters are called, and shaped, as the exercise lists them."""

    def holds(piece: Piece, draw: Draw) -> None:
        """The parameters should have the names and shapes that the exercise lists, so that weights
        can be exchanged with other implementations."""
        construct = cases(draw).construct
        oracle = exercise.reference(**construct)
        instance: Instance = piece.construct(**construct)
        wanted = {name: tuple(p.shape) for name, p in oracle.named_parameters()}
        expect.same_parameters(instance.parameters(), wanted)

    exercise.property(name, points, repeatable=False)(holds)
