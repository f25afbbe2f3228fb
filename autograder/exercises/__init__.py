"""The exercises, a folder a lesson and a module each: what is asked, how it is judged, the named
wrong answers.

A lesson's folder is imported when one of its exercises is asked for.
"""

import importlib
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec

from autograder.checks.exercise import Exercise
from autograder.exercises.failing import FAILING
from workbook.syllabus import LESSONS, PIECES, Lesson, lesson_of


class UnknownExercise(LookupError):
    """No exercise has this name; the message gives the nearest ones."""


@cache
def exercises_of(lesson: Lesson) -> tuple[Exercise, ...]:
    """The exercises of a lesson in the syllabus' order; empty where it has none yet."""
    folder_name = f"{__name__}.{lesson.module}"
    if find_spec(folder_name) is None:
        return ()
    folder = importlib.import_module(folder_name)
    declared = {each.name: each for each in vars(folder).values() if isinstance(each, Exercise)}
    for name, each in declared.items():
        each.failing = FAILING.get(name, {})
    return tuple(declared[piece] for piece in lesson.pieces)


def exercise(name: str) -> Exercise:
    """The exercise with this name. Raises UnknownExercise."""
    if name in PIECES:
        for each in exercises_of(lesson_of(name)):
            if each.name == name:
                return each
    known = [each.name for each in all_exercises()]
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"; the nearest names are {', '.join(near)}" if near else ""
    raise UnknownExercise(f"no exercise is called {name!r}{hint}")


def all_exercises() -> tuple[Exercise, ...]:
    """Every exercise, lesson by lesson."""
    return tuple(each for lesson in LESSONS for each in exercises_of(lesson))
