"""Where the course lives on disk: one place that knows the names of the top-level folders."""

import os
from pathlib import Path


def root() -> Path:
    """The repository's folder: `$WORKBOOK_HOME` where it is set, else the folder above this
    package. Raises FileNotFoundError for the home of a user whom nobody knows."""
    return _chosen("WORKBOOK_HOME") or Path(__file__).resolve().parents[1]


def toolbox_folder() -> Path:
    """The student's passed pieces, one file each: `$WORKBOOK_TOOLBOX`, else `toolbox/`. Raises
    what `root` raises."""
    return _chosen("WORKBOOK_TOOLBOX") or root() / "toolbox"


def work_folder() -> Path:
    """The student's own copies of the lessons."""
    return root() / "work"


def lessons_folder() -> Path:
    """The released lessons: no outputs, no solutions."""
    return root() / "lessons"


def solutions_folder() -> Path:
    """The instructor's lessons, absent from a student's bundle."""
    return root() / "solutions"


def datasets_folder() -> Path:
    """The shipped sentences, and the list of what can be fetched."""
    return root() / "datasets"


def grading_folder() -> Path:
    """What grading a class writes: the gradebook, receipts, graded notebooks, reports."""
    return root() / "grading"


def _chosen(name: str) -> Path | None:
    """The folder that an environment variable is set to; None where it isn't set or is empty."""
    chosen = os.environ.get(name)
    if not chosen:
        return None
    try:
        return Path(chosen).expanduser().resolve()
    except RuntimeError as error:
        raise FileNotFoundError(
            f"{name} is {chosen}, and there is no such user's home. What to do: correct or unset "
            f"{name}."
        ) from error
