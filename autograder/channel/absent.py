"""What a submission can't import while it is judged: a clear word before any file is looked for."""

import importlib.abc
import sys
from typing import Any

from workbook.syllabus import LESSONS, Lesson


def absent_modules(lesson: Lesson) -> list[str]:
    """The exercises, and the references of this and later lessons."""
    return [
        "autograder.exercises",
        *(f"workbook.pieces.{each.module}" for each in LESSONS[lesson.number - 1 :]),
    ]


class Absent(importlib.abc.MetaPathFinder):
    """Refuses to import these modules, and what lies in them.

    It speaks to honest code. What mustn't be read is kept away by the sandbox, where there is one.
    """

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if any(name == absent or name.startswith(absent + ".") for absent in self._names):
            raise ModuleNotFoundError(
                f"{name} is not there while a submission is judged", name=name
            )


def refuse(names: list[str]) -> None:
    """From now on, these can't be imported in this process."""
    sys.meta_path.insert(0, Absent(names))
