"""An exercise and a piece, put together: the verdict.

The same examination serves practice and grading. It knows nothing of notebooks, files or processes.
"""

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import torch

from autograder.channel.piece import Piece, PieceLost, PieceRaised, here
from autograder.checks.diagnosis import Conduct, diagnose, observe
from autograder.checks.draw import PRACTICE_SEED
from autograder.checks.exercise import Exercise
from autograder.checks.verdict import Diagnosis, Result, Verdict
from workbook.device import pick_device
from workbook.syllabus import PIECES


def examine(exercise: Exercise, piece: Piece, seed: int = PRACTICE_SEED) -> Verdict:
    """Judge a piece. Never raises for anything a piece does."""
    with _one_thread(), _own_random_numbers(), _no_collecting():
        return _examine(exercise, piece, seed)


def _examine(exercise: Exercise, piece: Piece, seed: int) -> Verdict:
    try:
        refusal = _refusal(exercise, piece.describe())
    except (PieceRaised, PieceLost) as trouble:
        return unjudged(exercise, getattr(trouble, "cause", "died"), str(trouble))
    if refusal is not None:
        return unjudged(exercise, *refusal)
    conducts: list[Conduct] = []
    for_accelerator = []
    piece.accelerated = False  # a piece may be examined again
    for place, prop in enumerate(exercise.properties):
        piece.wants_accelerator = False
        conducts.append(observe(piece, prop, seed))
        if (verdict := _no_verdict(exercise, conducts[-1])) is not None:
            return verdict
        if piece.wants_accelerator:
            for_accelerator.append(place)
    # An index out of range, harmless on a CPU, ends all work on a GPU until the kernel is started
    # anew: only what is right on the CPU goes there.
    if all(conduct.held for conduct in conducts) and pick_device().type != "cpu":
        piece.accelerated = True
        for place in for_accelerator:
            conducts[place] = observe(piece, exercise.properties[place], seed)
            if (verdict := _no_verdict(exercise, conducts[place])) is not None:
                return verdict
    forbidden = tuple(name for name in exercise.forbidden if name in piece.torch_calls)
    failed = not all(conduct.held for conduct in conducts)
    return Verdict(
        exercise=exercise.name,
        results=_results(exercise, conducts),
        diagnosis=diagnose(exercise, conducts, seed) if failed else None,
        error=next((conduct.error for conduct in conducts if conduct.error is not None), None),
        forbidden=forbidden,
        instead=exercise.instead,
    )


def _no_verdict(exercise: Exercise, conduct: Conduct) -> Verdict | None:
    """Why a piece that behaves like this can't be judged; None if it can."""
    if conduct.lost is not None:
        return unjudged(exercise, conduct.lost.cause, conduct.lost.message)
    if conduct.error is not None and _is_stub(conduct.error):
        return unjudged(exercise, "not written yet", _where_the_stub_is(exercise, conduct.error))
    return None


@contextlib.contextmanager
def _own_random_numbers() -> Iterator[None]:
    """A check seeds torch; the notebook's own random numbers go on as if there had been none."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        yield


@contextlib.contextmanager
def _no_collecting() -> Iterator[None]:
    """A check leaves next to no cycles behind, and to look through all that torch has loaded takes
    Python 0.2 s, in the middle of a check that takes as long."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """A check's tensors are tiny: on a busy machine, threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def unjudged(exercise: Exercise, cause: str, message: str) -> Verdict:
    """The verdict on a piece that could not be judged: no points, and the reason."""
    return Verdict(
        exercise=exercise.name,
        results=tuple(
            Result(prop.name, False, prop.points, "not run") for prop in exercise.properties
        ),
        diagnosis=Diagnosis(cause, message),
        cause=cause,
    )


def _where_the_stub_is(exercise: Exercise, error: dict[str, Any]) -> str:
    called = error["function"]
    remedy = "replace that line by your code, run the cell, then run the check again."
    if called in PIECES and called != exercise.name:
        return f"It calls your {called}, which still raises NotImplementedError: there, {remedy}"
    method = f", in {called}" if exercise.is_class and called else ""
    return f"{exercise.name} still raises NotImplementedError{method}: {remedy}"


def _is_stub(error: dict[str, Any]) -> bool:
    """Whether the student's own line raises NotImplementedError; torch raises it too, for a dtype
    that it has no code for."""
    stub = "NotImplementedError"
    return stub in error["bases"] and (stub in error["code"] or not error["code"])


def _results(exercise: Exercise, conducts: list[Conduct]) -> tuple[Result, ...]:
    """A failing result says what should hold, then what was seen; an exception is told once."""
    results, told = [], []
    for prop, conduct in zip(exercise.properties, conducts, strict=True):
        message = "" if conduct.held else f"{prop.sentence} {conduct.message}"
        if conduct.error is not None:
            if conduct.error in told:
                message = f"Your code raised the same {conduct.error['type']}."
            told.append(conduct.error)
        results.append(Result(prop.name, conduct.held, prop.points, message))
    return tuple(results)


def _refusal(exercise: Exercise, found: dict[str, Any]) -> tuple[str, str] | None:
    """Why a piece isn't even tried: it is no function or class, or has another signature."""
    wanted = "class" if exercise.is_class else "function"
    if found["kind"] != wanted:
        is_what = found["kind"] if found["kind"] != "other" else f"of type {found['type']}"
        return (
            "not a " + wanted,
            f"{exercise.name} should be a {wanted}; what the name stands for here is {is_what}.",
        )
    expected = here(exercise.reference).describe()["parameters"]
    for what, signature in (
        ("construct", exercise.signature),
        ("call", exercise.forward_signature or exercise.signature),
    ):
        if what not in expected or expected[what] is None:
            continue
        have = found["parameters"].get(what)
        if have is None:
            return (
                "no module, or no forward",
                f"{exercise.name} should be an nn.Module with a method {signature}: write "
                f"class {exercise.name}(nn.Module), and def forward in it.",
            )
        names = [name for name, _, _ in have]
        wanted_names = [name for name, _, _ in expected[what]]
        if names != wanted_names:
            return (
                "another signature",
                f"The exercise asks for {signature}; your parameters are "
                f"({', '.join(names) or 'none'}). Names and order are part of the exercise.",
            )
        for (name, _, default), (_, _, wanted_default) in zip(have, expected[what], strict=True):
            if not _same_default(default, wanted_default):
                return (
                    "another signature",
                    f"The exercise asks for {signature}; yours has "
                    f"{f'{name}={default}' if default else f'no default for {name}'}.",
                )
    return None


def _same_default(one: str, other: str) -> bool:
    """Defaults are compared as they are written; 0 and 0.0 are the same number."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other
