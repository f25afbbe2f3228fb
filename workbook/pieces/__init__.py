"""One plain reference for each piece of the course: what a student borrows, and what a check asks.

`from workbook.pieces import MultiHeadAttention` loads the module of that piece's lesson, and those
of the earlier lessons that it builds on, when the name is first used.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from workbook.syllabus import LESSONS, Lesson, lesson_of


def _module(lesson: Lesson) -> str:
    return f"{__name__}.{lesson.module}"


def _is_here(lesson: Lesson) -> bool:
    """Whether the lesson's module can be imported; where pieces are judged, some are kept away."""
    try:
        return find_spec(_module(lesson)) is not None
    except ModuleNotFoundError:
        return False


def __getattr__(name: str) -> Any:
    """The piece of this name. Raises AttributeError for any other name."""
    try:
        lesson = lesson_of(name)
    except KeyError:
        raise AttributeError(
            f"workbook.pieces has no piece called {name!r}; dir(workbook.pieces) lists those it has"
        ) from None
    if not _is_here(lesson):
        raise AttributeError(
            f"the reference for {name!r} is not here: there is no {_module(lesson)}; "
            "dir(workbook.pieces) lists the pieces there are"
        )
    piece = getattr(import_module(_module(lesson)), name)
    globals()[name] = piece
    return piece


def __dir__() -> list[str]:
    return sorted(piece for lesson in LESSONS if _is_here(lesson) for piece in lesson.pieces)
