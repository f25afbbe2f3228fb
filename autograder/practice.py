"""What the locked cell calls: `check("softmax")`.

It takes the piece from the notebook, examines it, shows the verdict, and on success puts the
piece's source into the toolbox. There is no branch for grading here: grading never runs this.
"""

import contextlib
import inspect
import io
import linecache
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.channel.piece import here
from autograder.checks.examine import examine, unjudged
from autograder.checks.exercise import Exercise
from autograder.checks.panel import Panel, headline
from autograder.checks.verdict import Diagnosis, Verdict
from autograder.exercises import exercise as find_exercise
from autograder.exercises import exercises_of
from workbook import toolbox
from workbook.source import (
    NotStandingAlone,
    NotWrittenHere,
    defining_cell,
    is_broken,
    standing_alone,
    uses,
)
from workbook.syllabus import PIECES

LEANING = "leans on another cell"


class CheckFailed(Exception):
    """A piece is not right yet. Its traceback is one line: the panel above says what to do."""

    def _render_traceback_(self) -> list[str]:
        return [f"CheckFailed: {self}"]


@dataclass(frozen=True)
class Notebook:
    """What a check sees of the notebook: its names, and the cells run so far, oldest first."""

    names: Mapping[str, Any]
    cells: Sequence[str]


def check(name: str) -> None:
    """Examine the notebook's piece `name`, show the verdict, keep the piece if it passes.

    Raises CheckFailed when it doesn't, LookupError for a name that is no exercise.
    """
    exercise = find_exercise(name)
    notebook = _notebook()
    verdict, source = _examine_in(notebook, exercise)
    remark = ""
    if verdict.passed:
        toolbox.save(name, source)
        remark = _progress(exercise)
    _show(Panel(verdict, remark))
    if not verdict.passed:
        raise CheckFailed(f"{name}: {headline(verdict)} The panel above says more.")


def _examine_in(notebook: Notebook, exercise: Exercise) -> tuple[Verdict, str]:
    """The verdict on the notebook's piece, and its source as a file (empty where it didn't
    pass)."""
    name = exercise.name
    if name not in notebook.names:
        return unjudged(
            exercise, "not defined", f"No {name} here yet: run the cell that defines it first."
        ), ""
    subject = notebook.names[name]
    try:
        cell = defining_cell(name, [*notebook.cells, *_cell_of(subject)])
    except NotWrittenHere:
        return unjudged(exercise, *_not_written_here(name, subject)), ""
    if getattr(subject, "__module__", "__main__") != "__main__":
        return unjudged(exercise, *_not_written_here(name, subject)), ""
    if is_broken(name, notebook.cells):
        return unjudged(
            exercise,
            "does not parse",
            f"The cell that you ran last for {name} has a SyntaxError, so {name} is still the one "
            "from before. Mend the cell, run it, and run the check again.",
        ), ""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        verdict = examine(exercise, here(subject, noting=bool(exercise.forbidden)))
        elsewhere = None if verdict.passed else _wrong_elsewhere(notebook, exercise, cell)
    if elsewhere is not None:
        verdict = replace(verdict, diagnosis=elsewhere)
    verdict = replace(verdict, printed=printed.getvalue()[:20_000])
    try:
        source = standing_alone(name, cell, notebook.names, PIECES)
    except NotStandingAlone as leaning:
        if verdict.passed:
            return unjudged(exercise, LEANING, str(leaning)), ""
        if verdict.diagnosis is None:
            verdict = replace(verdict, diagnosis=Diagnosis(LEANING, str(leaning)))
        return verdict, ""
    return verdict, source if verdict.passed else ""


def _wrong_elsewhere(notebook: Notebook, exercise: Exercise, cell: str) -> Diagnosis | None:
    """The earlier piece that a failing one leans on and that is missing or wrong itself."""
    used = uses(exercise.name, cell)
    for other in exercises_of(exercise.lesson):
        if other.name == exercise.name:
            return None
        if other.name not in used:
            continue
        if other.name not in notebook.names:
            return Diagnosis(
                f"{other.name} is missing",
                f"{exercise.name} uses your {other.name}, and nothing is called that since the "
                f"kernel started: run the cell of {other.name} first.",
            )
        if not examine(other, here(notebook.names[other.name])).passed:
            return Diagnosis(
                f"{other.name} first",
                f"{exercise.name} uses your {other.name}, and that isn't right yet: see what "
                f'check("{other.name}") says, then come back.',
            )
    return None


def _cell_of(subject: Any) -> list[str]:
    """The cell that the piece's code was compiled from: there also where a kernel keeps no history
    (nbval's doesn't). Empty for what has no code of its own."""
    members = vars(subject).values() if inspect.isclass(subject) else [subject]
    # Unwrapped, because a decorator such as torch.no_grad() has code of its own around it.
    written = [inspect.unwrap(member) for member in members if inspect.isfunction(member)]
    codes = [member.__code__ for member in written if inspect.isfunction(member)]
    return ["".join(linecache.getlines(code.co_filename)) for code in codes[:1]]


def _not_written_here(name: str, subject: Any) -> tuple[str, str]:
    home = getattr(subject, "__module__", None) or "somewhere else"
    if str(home).startswith("workbook."):
        return (
            "borrowed",
            f"This {name} is the course's. It works in the cells below; to earn the points, write "
            "your own in the cell above and run it.",
        )
    return (
        "not written here",
        f"This {name} comes from {home}. The exercise asks for one written in this notebook.",
    )


def _progress(exercise: Exercise) -> str:
    pieces = exercise.lesson.pieces
    own = toolbox.passed()
    done = sum(piece in own for piece in pieces)
    where = f"Lesson {exercise.lesson.number:02d}: {done} of {len(pieces)} pieces."
    return f"Saved as toolbox/{exercise.name}.py. {where}"


def _notebook() -> Notebook:
    """The notebook this runs in or, outside of one, the script that called `check`."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        return Notebook(shell.user_ns, shell.history_manager.input_hist_parsed)
    main = sys.modules["__main__"]
    try:
        return Notebook(vars(main), [inspect.getsource(main)])
    except (OSError, TypeError):
        return Notebook(vars(main), [])


def _show(panel: Panel) -> None:
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython() is not None:
        ipython.display.display(panel)
    else:
        print(panel.text())
