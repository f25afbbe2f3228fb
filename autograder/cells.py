"""What nbgrader's metadata says of a cell, in the words of this course.

nbgrader has the same questions in `nbgrader.utils`, but importing it takes longer than judging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode  # a second of import that judging a file can spare


SETUP = "setup"


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's nbgrader id."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_answer(cell: NotebookNode) -> bool:
    """A cell that is the student's to write."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    """A code cell that holds a check, and the points for it."""
    graded = cell.metadata.get("nbgrader", {}).get("grade")
    return cell.cell_type == "code" and bool(graded) and not is_answer(cell)


def is_locked(cell: NotebookNode) -> bool:
    """A cell that nbgrader puts back as it was."""
    settings = cell.metadata.get("nbgrader", {})
    return not is_answer(cell) and bool(settings.get("grade") or settings.get("locked"))


def is_demonstration(cell: NotebookNode) -> bool:
    """A code cell that shows something: it asks for nothing and nothing later depends on it."""
    return (
        cell.cell_type == "code"
        and not is_answer(cell)
        and not is_check(cell)
        and SETUP not in cell.metadata.get("tags", ())
    )
