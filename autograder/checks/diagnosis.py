"""Which known mistake a failing piece makes.

A misconception is the one a student has when it behaves the same: the same properties fail, and
where answers depend on nothing but the inputs, the same calls return the same values (elsewhere,
the same thing is said of them). Where none does exactly, the precision that answers are given in is
left aside: torch.tensor of a list of floats is float32, whatever the check's inputs are. Two
mistakes at once match no single misconception; then the one that explains the first failing
property is named, if exactly one does.

There are dozens of misconceptions, and a student waits. So those that are known to fail the same
properties come first (`Exercise.failing`), and with the seed of practice, for which that is known,
they are compared in what failed alone. Where none of them is the one, all are compared in
everything, each run no further than its first answer that isn't the piece's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

from autograder.channel.piece import Piece, PieceLost, PieceRaised, here
from autograder.channel.wire import Handle
from autograder.checks.complaints import meaning
from autograder.checks.draw import PRACTICE_SEED, Draw
from autograder.checks.exercise import Exercise, Misconception, Property, marks
from autograder.checks.expect import NOTHING_RETURNED, Mismatch
from autograder.checks.verdict import Diagnosis

# What a property's own code may run into when it is handed something quite unexpected.
AWKWARD = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Conduct:
    """How a piece behaved under one property: whether it held, what was said, what was returned."""

    held: bool
    message: str
    kind: str
    trace: tuple[Any, ...]
    error: dict[str, Any] | None = None
    lost: PieceLost | None = None


class Differs(BaseException):
    """An answer that isn't the one it is compared with. (No Exception: no property may catch
    it.)"""


class Following(list):
    """A trace that stops, with Differs, at its first answer that isn't alike to another trace's."""

    def __init__(self, other: Sequence[Any]) -> None:
        super().__init__()
        self._other = other

    def append(self, answer: Any) -> None:
        super().append(answer)
        if not _agree(self[-1:], self._other[len(self) - 1 :]):
            raise Differs


def observe(piece: Piece, prop: Property, seed: int, trace: list[Any] | None = None) -> Conduct:
    """Put a piece to one property, on the inputs that this seed gives. The answers are added to
    `trace`, a new list unless one is given."""
    message, kind, error, lost = "", "", None, None
    try:
        piece.seed(seed)
        piece.trace = [] if trace is None else trace
        prop.holds(piece, Draw(seed, prop.name))
    except Mismatch as mismatch:
        message, kind = mismatch.message, mismatch.kind
    except PieceRaised as raised:
        error = raised.error
        message = f"Your code raised {error['type']}: {error['message']}"
    except PieceLost as gone:
        lost, message = gone, gone.message
    except AWKWARD as awkward:
        message = f"What came back could not be used as the exercise asks ({awkward})."
    return Conduct(not message, message, kind or message, tuple(piece.trace), error, lost)


def diagnose(exercise: Exercise, conducts: Sequence[Conduct], seed: int) -> Diagnosis | None:
    """The misconception that behaves as the piece did, None where none does."""
    observed = list(zip(exercise.properties, conducts, strict=True))
    # What failed is where most misconceptions differ, and an answer is had sooner than a sentence.
    telling = sorted(observed, key=lambda pair: (pair[1].held, not pair[0].repeatable))
    failed = marks(seen.held for seen in conducts)
    # What is written down is known for that seed; with another one, chance may fail more or less.
    enough = failed.count("x") if seed == PRACTICE_SEED else len(telling)
    for misconception in exercise.misconceptions:
        if exercise.failing.get(misconception.name) == failed and all(
            _behaves(misconception, prop, seed, seen) for prop, seen in telling[:enough]
        ):
            return _named(misconception)
    # Now all of them: where no answer can be compared in what failed, begin with one that held.
    first = next((pair for pair in telling if pair[0].repeatable), telling[0])
    telling.sort(key=lambda pair: pair is not first)
    for precisely in (True, False):
        for misconception in exercise.misconceptions:
            if all(_behaves(misconception, prop, seed, seen, precisely) for prop, seen in telling):
                return _named(misconception)
    return _explains_first_failure(exercise, observed, seed) or _in_general(exercise, conducts)


def _in_general(exercise: Exercise, conducts: Sequence[Conduct]) -> Diagnosis | None:
    """What can be said of a mistake that isn't the exercise's own."""
    first = next(conduct for conduct in conducts if not conduct.held)
    if first.kind == NOTHING_RETURNED:
        where = "forward" if exercise.is_class else exercise.name
        return Diagnosis(
            NOTHING_RETURNED, f"{where} returns nothing: its last line should be a return."
        )
    says = meaning(first.error) if first.error is not None else None
    return None if says is None else Diagnosis(first.error["type"], says)


def _explains_first_failure(
    exercise: Exercise, observed: list[tuple[Property, Conduct]], seed: int
) -> Diagnosis | None:
    prop, seen = next((prop, seen) for prop, seen in observed if not seen.held)
    if seen.error is not None:
        return None
    matching = [
        misconception
        for misconception in exercise.misconceptions
        if _behaves(misconception, prop, seed, seen)
    ]
    return _named(matching[0]) if len(matching) == 1 else None


def _behaves(
    misconception: Misconception,
    prop: Property,
    seed: int,
    seen: Conduct,
    precisely: bool = True,
) -> bool:
    """Whether a known mistake does what was seen. It is run only as far as it has to be."""
    known = _known(misconception, prop, seed)
    if known.conduct is None and _agree(known.answers, seen.trace):
        piece = here(misconception.wrong, noting=False)
        trace = Following(seen.trace) if prop.repeatable else []
        try:
            known.conduct = observe(piece, prop, seed, trace)
        except Differs:
            known.answers = trace
    return known.conduct is not None and _alike(known.conduct, seen, prop, precisely)


@dataclass
class _Known:
    """How a known mistake behaves: the whole of it, or its first answers, where nobody has needed
    more."""

    answers: list[Any] = field(default_factory=list)
    conduct: Conduct | None = None


@lru_cache(maxsize=4096)
def _known(misconception: Misconception, prop: Property, seed: int) -> _Known:
    """What earlier checks with this seed have shown of it: it is the same at every one."""
    return _Known()


def forget() -> None:
    """As in a new kernel: what earlier checks have shown isn't known any more."""
    _known.cache_clear()


def _named(misconception: Misconception) -> Diagnosis:
    return Diagnosis(misconception.name, misconception.message)


def _alike(one: Conduct, other: Conduct, prop: Property, precisely: bool = True) -> bool:
    if one.held != other.held or (one.error is None) != (other.error is None):
        return False
    return same(one.trace, other.trace, precisely) if prop.repeatable else one.kind == other.kind


def _agree(answers: Sequence[Any], trace: Sequence[Any]) -> bool:
    """Whether a trace begins with these answers, their precision left aside."""
    return len(answers) <= len(trace) and all(
        same(answer, its_like, precisely=False)
        for answer, its_like in zip(answers, trace, strict=False)
    )


def same(one: Any, other: Any, precisely: bool = True) -> bool:
    """Whether two answers are equal up to rounding; NaN equals NaN, and a number in a tensor of no
    dimensions equals the number.

    precisely: False lets a float32 tensor equal a float64 one.
    """
    if isinstance(one, float) != isinstance(other, float):
        one, other = _number(one), _number(other)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.shape != other.shape:
            return False
        if one.dtype != other.dtype:
            if precisely or not (one.is_floating_point() and other.is_floating_point()):
                return False
            one, other = one.float(), other.float()
        if not one.is_floating_point():
            return torch.equal(one, other)
        limit = 1e-4 if one.dtype == torch.float32 else 1e-7
        return bool(torch.isclose(one, other, rtol=limit, atol=limit, equal_nan=True).all())
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(
            same(each, its_like, precisely) for each, its_like in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key], precisely) for key in one
        )
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-7, abs_tol=1e-9) or (
            one != one and other != other
        )
    if isinstance(one, Handle) and isinstance(other, Handle):
        return True  # two objects, each on its own bench: their numbers say nothing
    return type(one) is type(other) and one == other


def _number(value: Any) -> Any:
    """What a tensor of no dimensions holds; anything else as it is."""
    floating = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.item() if floating and value.ndim == 0 else value
