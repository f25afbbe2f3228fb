"""What nbgrader's metadata says of a cell, in the words of this course.

nbgrader has the same questions in `nbgrader.utils`, but importing it takes longer than judging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode  # a second of import that judging a file can spare


SETUP = "setup"


def _settings(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's metadata; in a submission anything may stand there."""
    settings = cell.metadata.get("nbgrader")
    return settings if isinstance(settings, dict) else {}


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's nbgrader id."""
    name = _settings(cell).get("grade_id")
    return name if isinstance(name, str) and name else None


def is_answer(cell: NotebookNode) -> bool:
    """A cell that is the student's to write."""
    return bool(_settings(cell).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    """A code cell that holds a check, and the points for it."""
    graded = bool(_settings(cell).get("grade"))
    return cell.cell_type == "code" and graded and not is_answer(cell)


def is_locked(cell: NotebookNode) -> bool:
    """A cell that nbgrader puts back as it was."""
    settings = _settings(cell)
    return not is_answer(cell) and bool(settings.get("grade") or settings.get("locked"))


def is_setup(cell: NotebookNode) -> bool:
    """A code cell that everything below it needs: imports, the device, the seed."""
    return SETUP in cell.metadata.get("tags", ())


def is_demonstration(cell: NotebookNode) -> bool:
    """A code cell that shows something: it asks for nothing and nothing later depends on it."""
    return (
        cell.cell_type == "code"
        and not is_answer(cell)
        and not is_check(cell)
        and not is_setup(cell)
    )
