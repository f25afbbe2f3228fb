"""What is kept about a class beside nbgrader's own database, which nbgrader alone writes."""

import json
import secrets

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import SaveCells

from autograder.lessons.cells import grade_id, is_answer, is_locked
from autograder.lessons.release import released_notebook
from workbook.atomic import write_text
from workbook.home import root
from workbook.syllabus import lesson as find_lesson


def fill_gradebook(assignment: str, database: str) -> None:
    """Tell nbgrader's gradebook what a released lesson asks for, unless it knows already.

    So a fresh clone grades at once, without releasing anything. Raises RuntimeError (nbgrader's)
    where the lesson's cells changed after submissions were recorded.
    """
    lesson = find_lesson(assignment)
    notebook = released_notebook(lesson)
    asked = {
        grade_id(cell): cell.source for cell in notebook.cells if is_answer(cell) or is_locked(cell)
    }
    with Gradebook(database) as gradebook:
        try:
            known = gradebook.find_notebook(lesson.name, lesson.name).source_cells
            if {cell.name: cell.source for cell in known} == asked:
                return
        except MissingEntry:
            gradebook.update_or_create_assignment(lesson.name)
    resources = {
        "nbgrader": {"notebook": lesson.name, "assignment": lesson.name, "db_url": database}
    }
    SaveCells().preprocess(notebook, resources)


def secret_seed(assignment: str) -> int:
    """The seed of an assignment's random inputs: drawn once, the same for the whole class, and kept
    in `grading/seeds.json` for appeals."""
    path = root() / "grading" / "seeds.json"
    try:
        seeds = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        seeds = {}
    if assignment not in seeds:
        seeds[assignment] = secrets.randbelow(2**53)
        write_text(path, json.dumps(seeds, indent=2) + "\n")
    return seeds[assignment]
