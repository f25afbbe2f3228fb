"""One submission in, its verdicts out. The student's code runs in another process, never in this
one."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.channel.alone import Alone
from autograder.channel.limits import Limits
from autograder.channel.piece import PieceLost, PieceRaised
from autograder.channel.process import NO_ANSWER, Process
from autograder.channel.worker import FILE_MODULE
from autograder.channel.working import Worker
from autograder.checks.examine import PRACTICE_SEED, examine, unjudged
from autograder.checks.exercise import Exercise
from autograder.checks.verdict import Verdict
from autograder.exercises import exercises_of
from autograder.grading.lending import lent_to
from autograder.grading.library_calls import library_calls
from autograder.lessons.submission import Step, defined, provider, steps
from autograder.sandbox import NoSandbox, choose
from autograder.sandbox.warm import at_hand
from workbook.syllabus import Lesson

if TYPE_CHECKING:
    from nbformat import NotebookNode  # a second of import that judging a file can spare

_DEMONSTRATIONS_FOR_ONE_CELL = 8
_log = logging.getLogger(__name__)


def judge_file(
    exercise: Exercise,
    path: Path,
    seed: int = PRACTICE_SEED,
    limits: Limits | None = None,
    sandbox: str = "auto",
) -> Verdict:
    """The verdict on a Python file that defines the piece. Raises OSError where it can't be read,
    NoSandbox as `judge_notebook` does."""
    limits = limits or Limits()
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return unjudged(exercise, "not a Python file", f"{path.name} is not UTF-8 text ({error}).")
    deadline = time.monotonic() + limits.submission_seconds
    with (
        _workers(sandbox, exercise.lesson, limits) as start,
        _conversation(exercise.lesson, limits, False, deadline, start) as process,
    ):
        try:
            error = process.run(source, path.name)
        except PieceLost as lost:
            return unjudged(exercise, lost.cause, lost.message)
        return _judge_piece(exercise, process, seed, error, home=FILE_MODULE)


def judge_notebook(
    notebook: NotebookNode,
    released: NotebookNode,
    lesson: Lesson,
    seed: int = PRACTICE_SEED,
    limits: Limits | None = None,
    sandbox: str = "auto",
    *,
    library_share: float = 0.0,
) -> dict[str, Verdict]:
    """The verdict on every exercise of a lesson's notebook, by name.

    `notebook` has been rebuilt on the `released` one (see `submission.rebuild`). Cells that equal
    the released demonstrations aren't run, unless a student's cell needs a name of theirs.
    `sandbox` is a word of `autograder.sandbox.WANTED`. `library_share` is the part of the points
    that a piece keeps which calls the torch function it was to write.

    Never raises for anything a submission does; raises NoSandbox where the machine gives no
    protection and one is wanted, or where nothing can be run in it.
    """
    limits = limits or Limits()
    exercises = {exercise.name: exercise for exercise in exercises_of(lesson)}
    run = _Run(steps(notebook, released), released, exercises, seed, library_share)
    deadline = time.monotonic() + limits.submission_seconds
    message = f"{limits.submission_seconds:.0f} seconds were over before it."
    with _workers(sandbox, lesson, limits) as start:
        while not run.finished and time.monotonic() < deadline:
            with _conversation(lesson, limits, True, deadline, start) as process:
                run.go_on(process)
    return {
        name: run.verdicts.get(name) or unjudged(exercise, "not run", message)
        for name, exercise in exercises.items()
    }


@contextlib.contextmanager
def _workers(sandbox: str, lesson: Lesson, limits: Limits) -> Iterator[Callable[[], Worker]]:
    """What starts a worker in this protection, as often as it is called."""
    chosen = choose(sandbox)
    if not hasattr(os, "fork"):
        yield Alone
        return
    with contextlib.ExitStack() as stack:
        parent = stack.enter_context(at_hand(chosen, lesson, limits))

        def start() -> Worker:
            nonlocal parent
            with contextlib.suppress(OSError):
                return parent.fork(limits)
            parent = stack.enter_context(at_hand(chosen, lesson, limits))  # the other one is gone
            return parent.fork(limits)

        yield start


@contextlib.contextmanager
def _conversation(
    lesson: Lesson, limits: Limits, notebook: bool, deadline: float, start: Callable[[], Worker]
) -> Iterator[Process]:
    """A worker, asked. Raises NoSandbox where it doesn't answer at first: no student's code has run
    by then, so it isn't the submission's doing."""
    try:
        process = Process(lesson, limits, notebook, deadline, start)
    except PieceLost as lost:
        raise NoSandbox(f"Nothing can be run in the sandbox. {lost.message}") from None
    with process:
        yield process


class _Run:
    """A notebook on its way through one worker after another.

    A worker that is lost (its time ran out, it died) costs the cell or the piece that lost it, and
    nothing else: the next worker goes through the cells again without that cell.
    """

    def __init__(
        self,
        plan: list[Step],
        released: NotebookNode,
        exercises: dict[str, Exercise],
        seed: int,
        library_share: float,
    ) -> None:
        self._plan, self._released = plan, released
        self._exercises, self._seed, self._library_share = exercises, seed, library_share
        self._lost_cells: dict[int, PieceLost] = {}
        self._tries: dict[str, list[Verdict]] = {}
        self._tried_late: set[str] = set()
        self._over = False

    @property
    def finished(self) -> bool:
        return self._over

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The better of an exercise's tries, the first where they are equal."""
        return {
            name: max(tries, key=lambda verdict: verdict.score)
            for name, tries in self._tries.items()
        }

    def go_on(self, process: Process) -> None:
        """Run the cells in order, and judge each exercise where its check stands. Returns early
        when the worker is lost; every call ends the run, loses one more cell, or adds a try."""
        troubles: dict[str | None, dict[str, Any] | PieceLost | None] = {}
        for position, step in enumerate(self._plan):
            if step.exercise is not None:
                exercise = self._exercises.get(step.exercise)
                while exercise is not None and self._wants_a_try(exercise):
                    second = exercise.name in self._tries
                    self._try(exercise, process, troubles.get(step.exercise), second)
                    if process.lost:
                        return
            elif position in self._lost_cells:
                troubles[step.answers] = self._lost_cells[position]
            else:
                try:
                    troubles[step.answers] = self._run_cell(step, process)
                except PieceLost as lost:
                    self._lost_cells[position] = lost
                    return
        for name, exercise in self._exercises.items():
            if self._wants_a_late_try(name):
                self._tried_late.add(name)
                self._try(exercise, process, None, second=False)
                if process.lost:
                    return
            if name not in self._tries:
                message = f"The check of {name} is not in the notebook."
                self._tries[name] = [unjudged(exercise, "not run", message)]
        self._over = True

    def _run_cell(self, step: Step, process: Process) -> dict[str, Any] | None:
        """Run a cell; where it lacks a name that an untouched demonstration defines, that too."""
        error = process.run(step.source, step.label)
        for _ in range(_DEMONSTRATIONS_FOR_ONE_CELL):
            needed = self._provider(error, step)
            if needed is None:
                break
            process.run(needed.source, needed.label)
            error = process.run(step.source, step.label)
        return error

    def _provider(self, error: dict[str, Any] | None, step: Step) -> Step | None:
        """The demonstration that defines the name a cell lacked."""
        name = _lacked(error)
        return None if name is None else provider(self._released, name, before=step)

    def _wants_a_try(self, exercise: Exercise) -> bool:
        """The first try is with the student's own other pieces; a second, with the course's earlier
        ones in their place, is worth it where the first failed and one of those did too."""
        tries = self._tries.get(exercise.name, [])
        if len(tries) != 1 or _is_right(tries[0]):
            return not tries
        lent = lent_to(exercise.name)
        return lent is not None and any(
            not _is_right(self.verdicts[name]) for name in lent["names"] if name in self._tries
        )

    def _wants_a_late_try(self, name: str) -> bool:
        """Whether what a failing piece lacked is defined below its check: it was written there, and
        run out of order."""
        tries = self._tries.get(name, [])
        if not tries or name in self._tried_late or any(_is_right(each) for each in tries):
            return False
        lacked = {name} | {_lacked(each.error) for each in tries}
        below = False
        for step in self._plan:
            if below and step.exercise is None and defined(step.source) & lacked:
                return True
            below = below or step.exercise == name
        return False

    def _try(
        self,
        exercise: Exercise,
        process: Process,
        trouble: dict[str, Any] | PieceLost | None,
        second: bool,
    ) -> None:
        tries = self._tries.setdefault(exercise.name, [])
        lent = None
        if second:
            again = [
                {"source": step.source, "label": step.label}
                for position, step in enumerate(self._plan)
                if step.answers == exercise.name and position not in self._lost_cells
            ]
            lent = {"lent": lent_to(exercise.name), "again": again}
        verdict = _judge_piece(exercise, process, self._seed, trouble, "__main__", lent)
        try:
            written = library_calls(exercise, [step.source for step in self._plan])
        except Exception:  # a text that no rule foresaw: what the worker noted still counts
            _log.exception("%s: a text that could not be read for calls of torch's", exercise.name)
            written = ()
        calls = tuple(dict.fromkeys((*verdict.forbidden, *written)))
        tries.append(replace(verdict, forbidden=calls, library_share=self._library_share))


def _lacked(error: dict[str, Any] | None) -> str | None:
    """The name that a NameError says is not there."""
    if error is None or error["type"] != "NameError":
        return None
    return error["message"].partition("'")[2].partition("'")[0] or None


def _is_right(verdict: Verdict) -> bool:
    """Whether the values are: which torch calls gave them is another matter."""
    return not verdict.cause and all(result.passed for result in verdict.results)


def _judge_piece(
    exercise: Exercise,
    process: Process,
    seed: int,
    trouble: dict[str, Any] | PieceLost | None,
    home: str,
    lent: dict[str, Any] | None = None,
) -> Verdict:
    """The verdict on one piece. `trouble` is what happened in the code that should define it."""
    try:
        with process.piece(exercise.name, lent) as piece:
            if piece is None:
                return _undefined(exercise, trouble)
            found = piece.describe()
            if found["module"] not in (home, None) and found["kind"] != "other":
                return unjudged(
                    exercise,
                    "not written here",
                    f"This {exercise.name} comes from {found['module']}. The exercise asks for one "
                    "of your own.",
                )
            verdict = examine(exercise, piece, seed)
    except PieceRaised as raised:
        return unjudged(exercise, "not defined", str(raised))
    except PieceLost as lost:
        return unjudged(exercise, lost.cause, lost.message)
    except Exception:  # a value that no property foresaw: no points, and a word for us
        _log.exception("%s: an answer that could not be judged", exercise.name)
        return unjudged(exercise, "died", NO_ANSWER)
    if lent is not None:
        return replace(verdict, lent=tuple(lent["lent"]["names"]))
    return replace(verdict, printed=process.output)


def _undefined(exercise: Exercise, trouble: dict[str, Any] | PieceLost | None) -> Verdict:
    """Nothing has the piece's name: because the code before it failed, or because it isn't
    there."""
    if isinstance(trouble, PieceLost):
        return unjudged(exercise, trouble.cause, trouble.message)
    if trouble is None:
        return unjudged(exercise, "not defined", f"Nothing here is called {exercise.name}.")
    unparsed = "SyntaxError" in trouble["bases"]
    verdict = unjudged(
        exercise,
        "does not parse" if unparsed else "not defined",
        f"Python can't read the code that should define {exercise.name}."
        if unparsed
        else f"The code that should define {exercise.name} stops before it does.",
    )
    return replace(verdict, error=trouble)
