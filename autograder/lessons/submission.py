"""A submitted notebook, put back onto the lesson it was made from.

Students delete, copy, retype and reorder cells. What was released is known, so the notebook is
built anew from it, and only what was theirs to write is taken from them:

1. Every released cell stands where it stood, with its released metadata.
2. A cell that asks for an answer gets the student's text, found by its nbgrader id or, where that
   was lost, by the cell's. Of several with the same id, the first takes the place, and the others
   follow as cells of their own.
3. Every other cell that wasn't released follows the released cell that it followed, and keeps
   neither id nor points.
4. Released cells that are missing, edited or of another type are as they were. Code that was
   written over one follows it as a cell of its own: it may be an answer. The cell of a missing
   answer is empty: its stub would replace an answer that was written in another cell.
"""

from __future__ import annotations

import copy
import dis
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.lessons.cells import grade_id, is_answer, is_check, is_demonstration, is_locked

if TYPE_CHECKING:
    from nbformat import NotebookNode  # a second of import that judging a file can spare

# What reading a text as Python may raise: for a magic or a slip, for half a character or a null
# byte, and twice for what is nested too deeply.
NO_CODE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Step:
    """One thing to do with a notebook: run a cell, or judge an `exercise`.

    `answers` names the exercise that a cell is the answer to.
    """

    source: str
    label: str
    exercise: str | None = None
    answers: str | None = None


@dataclass(frozen=True)
class Rebuilt:
    """The notebook on its released skeleton, and a sentence for each thing that was put right."""

    notebook: NotebookNode
    repairs: tuple[str, ...]


def rebuild(submitted: NotebookNode, released: NotebookNode) -> Rebuilt:
    """The submission on the skeleton of the release. Neither argument is changed."""
    repairs: list[str] = []
    readable = [cell for cell in submitted.get("cells", ()) if _is_cell(cell)]
    if len(readable) < len(submitted.get("cells", ())):
        repairs.append("something among the cells was no cell, and has been left out")
    place_of, extras = _sort(readable, released, repairs)
    cells = [_foreign(cell) for cell in extras[-1]]
    for position, skeleton in enumerate(released.cells):
        cell = copy.deepcopy(skeleton)
        name = _name(skeleton)
        theirs = place_of.get(position)
        if theirs is None:
            if is_answer(skeleton) or is_locked(skeleton):
                repairs.append(f"{name}: the cell was missing and has been put back")
            if is_answer(skeleton) and skeleton.cell_type == "code":
                cell.source = ""
        elif is_answer(skeleton):
            if theirs.cell_type != skeleton.cell_type:
                repairs.append(f"{name}: had become a {theirs.cell_type} cell")
            cell.source = theirs.source
            if cell.cell_type == "markdown" and (pasted := _pictures(theirs)):
                cell["attachments"] = pasted
        elif theirs.source != skeleton.source or theirs.cell_type != skeleton.cell_type:
            if is_locked(skeleton):
                repairs.append(f"{name}: the cell had been edited and is as it was")
                if theirs.cell_type == "code":
                    extras[position].insert(0, theirs)
            elif skeleton.cell_type == theirs.cell_type == "code":
                cell.source = theirs.source  # a demonstration the student has played with
        cells.append(cell)
        cells.extend(_foreign(cell) for cell in extras[position])
    notebook = copy.deepcopy(released)
    notebook.cells = _with_unique_ids(cells)
    return Rebuilt(notebook, tuple(repairs))


def steps(notebook: NotebookNode, released: NotebookNode) -> list[Step]:
    """What to run and to judge, in order, of a rebuilt notebook.

    Released demonstrations that nobody touched are left out: they can't define a piece.
    """
    demonstrations = {cell.source for cell in released.cells if is_demonstration(cell)}
    plan = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        label = f"cell {number}"
        if is_check(cell):
            plan.append(Step(cell.source, label, exercise=grade_id(cell)))
        elif cell.source.strip() and cell.source not in demonstrations:
            answers = (grade_id(cell) or "").removesuffix("-answer") or None
            plan.append(Step(cell.source.removeprefix("\ufeff"), label, answers=answers))
    return plan


def provider(released: NotebookNode, name: str, before: Step) -> Step | None:
    """The last released demonstration that defines this name: for a cell of a student's that leans
    on one that isn't run."""
    for number, cell in reversed(list(enumerate(released.cells, start=1))):
        if is_demonstration(cell) and cell.source != before.source and name in defined(cell.source):
            return Step(cell.source, f"released cell {number}")
    return None


def defined(source: str) -> set[str]:
    """The names that a cell binds at its top level; none of one that isn't all Python."""
    try:
        code = compile(source, "", "exec")
    except NO_CODE:
        return set()
    stored = {"STORE_NAME", "STORE_GLOBAL"}
    return {each.argval for each in dis.get_instructions(code) if each.opname in stored}


def _is_cell(cell: object) -> bool:
    """Whether it has what every cell has: a submission may have been edited as text."""
    return (
        isinstance(cell, dict)
        and cell.get("cell_type") in ("code", "markdown", "raw")
        and isinstance(cell.get("source"), str)
        and isinstance(cell.get("metadata"), dict)
    )


def _sort(
    submitted: list[NotebookNode], released: NotebookNode, repairs: list[str]
) -> tuple[dict[int, NotebookNode], dict[int, list[NotebookNode]]]:
    """Which submitted cell stands at which released place, and which follow each place as extras
    (−1: before the first)."""
    by_grade_id = {grade_id(cell): p for p, cell in enumerate(released.cells) if grade_id(cell)}
    by_id = {cell.get("id"): p for p, cell in enumerate(released.cells) if cell.get("id")}
    place_of: dict[int, NotebookNode] = {}
    extras: dict[int, list[NotebookNode]] = defaultdict(list)
    last = -1
    for cell in submitted:
        place = by_grade_id.get(grade_id(cell))
        if place is None and not grade_id(cell):
            place = by_id.get(str(cell.get("id")))
            if place is not None and is_locked(released.cells[place]):
                place = None
        if place is not None and place not in place_of:
            place_of[place] = cell
            last = max(last, place)
            continue
        if place is not None:
            repairs.append(f"{_name(released.cells[place])}: there was a second cell with this id")
            # A copy of a cell that asks for no answer says nothing new; anything else was written.
            first = released.cells[place]
            if not is_answer(first) and cell.source == first.source:
                continue
        extras[last].append(cell)
    return place_of, extras


def _foreign(cell: NotebookNode) -> NotebookNode:
    """A cell of the student's own, of nothing but its text: it can't claim points or a place, and
    what other tools keep in a cell is often more than a notebook may have."""
    own = type(cell)(cell_type=cell.cell_type, metadata=type(cell)(), source=cell.source)
    if cell.cell_type == "code":
        own.outputs, own.execution_count = [], None
    if cell.cell_type == "markdown" and (pasted := _pictures(cell)):
        own["attachments"] = pasted
    return own


def _pictures(cell: NotebookNode) -> dict[str, dict[str, str]]:
    """What was pasted into a cell, as far as it has the form of a picture."""
    attachments = cell.get("attachments")
    return {
        name: copy.deepcopy(data)
        for name, data in (attachments.items() if isinstance(attachments, dict) else ())
        if isinstance(data, dict) and all(map(_is_text, (name, *data, *data.values())))
    }


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:  # half a character
        return False


def _with_unique_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    for number, cell in enumerate(cells):
        cell.setdefault("id", f"added-{number}")
    return cells


def _name(cell: NotebookNode) -> str:
    return grade_id(cell) or cell.get("id", "a cell")
