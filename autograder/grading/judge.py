"""One submission in, its verdicts out. The student's code runs in another process, never in this
one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.channel.limits import Limits
from autograder.channel.piece import PieceLost, PieceRaised
from autograder.channel.process import Process
from autograder.channel.worker import FILE_MODULE
from autograder.checks.examine import PRACTICE_SEED, examine, unjudged
from autograder.checks.exercise import Exercise
from autograder.checks.verdict import Verdict
from autograder.exercises import exercises_of
from autograder.lessons.submission import Step, steps
from workbook.syllabus import Lesson

if TYPE_CHECKING:
    from nbformat import NotebookNode  # a second of import that judging a file can spare


def judge_file(
    exercise: Exercise, path: Path, seed: int = PRACTICE_SEED, limits: Limits | None = None
) -> Verdict:
    """The verdict on a Python file that defines the piece. Raises OSError where it can't be
    read."""
    limits = limits or Limits()
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return unjudged(exercise, "not a Python file", f"{path.name} is not UTF-8 text ({error}).")
    try:
        with Process(exercise.lesson, limits, notebook=False) as process:
            error = process.run(source, path.name)
            return _judge_piece(exercise, process, seed, error, home=FILE_MODULE)
    except PieceLost as lost:
        return unjudged(exercise, lost.cause, lost.message)


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

    `sandbox` is a word of `autograder.sandbox.WANTED`. `library_share` is the part of the points
    that a piece keeps which calls the torch function it was to write.

    `notebook` has been rebuilt on the `released` one (see `submission.rebuild`). Cells that equal
    the released demonstrations aren't run. Never raises for anything a submission does; raises
    NoSandbox where the machine gives no protection and one is wanted.
    """
    limits = limits or Limits()
    exercises = {exercise.name: exercise for exercise in exercises_of(lesson)}
    run = _Run(steps(notebook, released), exercises, seed)
    deadline = time.monotonic() + limits.submission_seconds
    try:
        while not run.finished and time.monotonic() < deadline:
            with Process(lesson, limits, notebook=True, deadline=deadline) as process:
                run.go_on(process)
        cause, message = "not run", f"{limits.submission_seconds:.0f} seconds were over before it."
    except PieceLost as lost:
        cause, message = lost.cause, lost.message
    return {
        name: run.verdicts.get(name) or unjudged(exercise, cause, message)
        for name, exercise in exercises.items()
    }


class _Run:
    """A notebook on its way through one worker after another.

    A worker that is lost (its time ran out, it died) costs the cell or the piece that lost it, and
    nothing else: the next worker goes through the cells again without that cell.
    """

    def __init__(self, plan: list[Step], exercises: dict[str, Exercise], seed: int) -> None:
        self._plan, self._exercises, self._seed = plan, exercises, seed
        self._lost_cells: dict[int, PieceLost] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.finished = False

    def go_on(self, process: Process) -> None:
        """Run the cells in order, and judge each exercise where its check stands. Returns early
        when the worker is lost; every call ends the run, loses one more cell, or adds a verdict."""
        troubles: dict[str | None, dict[str, Any] | PieceLost | None] = {}
        for position, step in enumerate(self._plan):
            if step.exercise is not None:
                exercise = self._exercises.get(step.exercise)
                if exercise is None or step.exercise in self.verdicts:
                    continue
                self.verdicts[step.exercise] = _judge_piece(
                    exercise, process, self._seed, troubles.get(step.exercise), home="__main__"
                )
                if process.lost:
                    return
            elif position in self._lost_cells:
                troubles[step.answers] = self._lost_cells[position]
            else:
                try:
                    troubles[step.answers] = process.run(step.source, step.label)
                except PieceLost as lost:
                    self._lost_cells[position] = lost
                    return
        for name, exercise in self._exercises.items():
            self.verdicts.setdefault(
                name, unjudged(exercise, "not run", f"The check of {name} is not in the notebook.")
            )
        self.finished = True


def _judge_piece(
    exercise: Exercise,
    process: Process,
    seed: int,
    trouble: dict[str, Any] | PieceLost | None,
    home: str,
) -> Verdict:
    """The verdict on one piece. `trouble` is what happened in the code that should define it."""
    try:
        with process.piece(exercise.name) as piece:
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
            return replace(examine(exercise, piece, seed), printed=process.output)
    except PieceRaised as raised:
        return unjudged(exercise, "not defined", str(raised))
    except PieceLost as lost:
        return unjudged(exercise, lost.cause, lost.message)


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
