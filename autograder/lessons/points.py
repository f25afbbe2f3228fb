"""What the released lessons give points for, by name."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from autograder.lessons.release import released_path
from workbook.syllabus import LESSONS, PIECES


def has_points(name: str) -> bool:
    """Whether a name is an exercise's, or a graded cell's of a released lesson."""
    return name in PIECES or any(name in names for names in _graded())


def names_with_points() -> list[str]:
    """All that have points: the exercises, and the graded cells of the released lessons."""
    return list(dict.fromkeys([*PIECES, *(name for names in _graded() for name in names)]))


def _graded() -> Iterator[tuple[str, ...]]:
    for path in map(released_path, LESSONS):
        if path.is_file():
            yield _graded_in(path, path.stat().st_mtime_ns)


@cache
def _graded_in(path: Path, changed: int) -> tuple[str, ...]:
    """The ids of the graded cells; settings are read often, and the lessons change rarely."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        told = [cell.get("metadata", {}).get("nbgrader", {}) for cell in cells]
        return tuple(each["grade_id"] for each in told if each.get("grade"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()  # whoever needs the lesson itself says what is wrong with it
