"""What a gradebook must know before anything is graded, and what is kept beside nbgrader's own
database, which nbgrader alone writes."""

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Assignment, Gradebook, MissingEntry
from nbgrader.preprocessors import SaveCells

from autograder.grading import roster
from autograder.grading.quick_opening import quick_opening
from autograder.grading.settings import Settings, settings
from autograder.lessons.cells import grade_id, is_answer, is_locked
from autograder.lessons.release import released_notebook
from workbook.atomic import write_text
from workbook.home import grading_folder
from workbook.syllabus import Lesson
from workbook.syllabus import lesson as find_lesson


class CellsChanged(RuntimeError):
    """The released lesson has other graded cells than the recorded submissions; the message says
    what to do."""


def database(course: Path | None = None) -> str:
    """The address of nbgrader's gradebook of the course in a folder; it is there afterwards."""
    folder = course / "grading" if course else grading_folder()
    folder.mkdir(exist_ok=True)  # SQLite makes a missing file, but no missing folder
    return f"sqlite:///{folder / 'gradebook.db'}"


def is_there() -> bool:
    """Whether there is a gradebook."""
    return (grading_folder() / "gradebook.db").is_file()


def with_submissions() -> set[str]:
    """The names of the lessons of which the gradebook has submissions."""
    if not is_there():
        return set()
    with quick_opening(), Gradebook(database()) as gradebook:
        return {each.name for each in gradebook.assignments if each.num_submissions}


def fill_gradebook(assignment: str, database: str) -> None:
    """Tell nbgrader's gradebook what a released lesson asks for, when it is due and who is in the
    class, as far as it doesn't know already.

    So a fresh clone grades at once, without releasing anything. Raises CellsChanged, BadSettings
    and BadRoster.
    """
    lesson, chosen = find_lesson(assignment), settings()
    notebook = with_points(released_notebook(lesson), chosen)
    with quick_opening():
        with Gradebook(database) as gradebook:
            _fill_roster(gradebook, chosen)
            known = _fill_assignment(gradebook, lesson, chosen, notebook)
        if not known:
            resources = {
                "nbgrader": {"notebook": lesson.name, "assignment": lesson.name, "db_url": database}
            }
            try:
                SaveCells().preprocess(notebook, resources)
            except RuntimeError as error:
                raise CellsChanged(_what_changed(database, lesson, notebook)) from error


def _what_changed(database: str, lesson: Lesson, notebook: NotebookNode) -> str:
    now = {grade_id(cell) for cell in notebook.cells if is_answer(cell) or is_locked(cell)}
    with Gradebook(database) as gradebook:
        known = gradebook.find_notebook(lesson.name, lesson.name)
        before = {cell.name for cell in known.source_cells}
    lists = [("new", sorted(now - before)), ("gone", sorted(before - now))]
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in lists if names)
    return (
        f"{lesson.name} was released with other graded cells than its recorded submissions have "
        f"({told or 'of another kind'}), and nbgrader can't change them any more. Release the "
        "lesson as it was; or start its grades anew, without the points given by hand: keep a copy "
        f"of grading/gradebook.db, then `nbgrader db assignment remove {lesson.name} --force` and "
        f"`autograder grade {lesson.name}`. Other lessons are graded when they are named: "
        "autograder grade LESSON"
    )


def with_points(notebook: NotebookNode, chosen: Settings) -> NotebookNode:
    """The notebook with the points that the class's settings give; changed in place."""
    for cell in notebook.cells:
        told = cell.metadata.get("nbgrader", {})
        if told.get("grade"):
            told["points"] = chosen.points_of(told["grade_id"], float(told["points"]))
    return notebook


def _fill_assignment(
    gradebook: Gradebook, lesson: Lesson, chosen: Settings, notebook: NotebookNode
) -> bool:
    """Whether the gradebook knew the lesson's cells and their points already."""
    try:
        assignment = gradebook.find_assignment(lesson.name)
    except MissingEntry:
        assignment = gradebook.add_assignment(lesson.name)
    set_deadline(gradebook, assignment, chosen.due.get(lesson.name))
    asked = {
        grade_id(cell): cell.source for cell in notebook.cells if is_answer(cell) or is_locked(cell)
    }
    points = {
        grade_id(cell): cell.metadata.nbgrader["points"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    try:
        known = gradebook.find_notebook(lesson.name, lesson.name)
    except MissingEntry:
        return False
    return {cell.name: cell.source for cell in known.source_cells} == asked and {
        cell.name: cell.max_score for cell in known.grade_cells
    } == points


def set_deadline(gradebook: Gradebook, assignment: Assignment, due: datetime | None) -> None:
    """Set the deadline of grading.toml, or take out one that doesn't stand there any more. One that
    somebody set in nbgrader's own page stays; so those of the file are kept in mind, in
    `grading/deadlines.json`."""
    if due is not None:
        due = due.replace(tzinfo=None)  # nbgrader keeps times in UTC, without saying so
    path = grading_folder() / "deadlines.json"
    from_file = _kept(path)
    before = from_file.get(assignment.name)
    if due is not None:
        if before != due.isoformat():
            write_text(path, json.dumps(from_file | {assignment.name: due.isoformat()}) + "\n")
        if assignment.duedate != due:
            gradebook.update_or_create_assignment(assignment.name, duedate=due)
    elif before is not None:
        if assignment.duedate is not None and assignment.duedate.isoformat() == before:
            assignment.duedate = None
            for submission in assignment.submissions:
                submission.extension = None  # nbgrader fails where there is nothing to extend
            gradebook.db.commit()
        del from_file[assignment.name]
        write_text(path, json.dumps(from_file) + "\n")


def _fill_roster(gradebook: Gradebook, chosen: Settings) -> None:
    if chosen.roster is None:
        return
    known = {student.id: student for student in gradebook.students}
    for person in roster.read(chosen.roster).people:
        told = {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
        }
        now = known.get(person.id)
        if now is None or any(getattr(now, name) != value for name, value in told.items()):
            gradebook.update_or_create_student(person.id, **told)


def secret_seed(assignment: str) -> int:
    """The seed of an assignment's random inputs: drawn once, the same for the whole class, and kept
    in `grading/seeds.json` for appeals."""
    path = grading_folder() / "seeds.json"
    seeds = _kept(path)
    if assignment not in seeds:
        seeds[assignment] = secrets.randbelow(2**53)
        write_text(path, json.dumps(seeds, indent=2) + "\n")
    return seeds[assignment]


def _kept(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
