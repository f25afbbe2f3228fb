"""solutions/*.py, solutions/*.ipynb and lessons/ tell the same story, cell by cell."""

import copy

from autograder.lessons.cells import is_answer, is_check
from autograder.lessons.release import (
    from_text,
    master_notebook,
    read_notebook,
    released_notebook,
    released_path,
    without_solutions,
    written_lessons,
)
from workbook.figures.picture import WIDGET_VIEW
from workbook.home import lessons_folder, solutions_folder


def plain(notebook):
    """Everything of a notebook but what running it adds."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def test_the_stored_notebook_is_the_text(lesson):
    stored, text = read_notebook(master_notebook(lesson)), from_text(lesson)
    assert plain(stored) == plain(text), f"run `autograder release {lesson.name}`"


def test_the_released_lesson_is_made_from_the_text(lesson):
    made = without_solutions(from_text(lesson), lesson)
    assert plain(made) == released_notebook(lesson), f"run `autograder release {lesson.name}`"


def test_filled_in_the_released_lesson_is_the_master(lesson):
    """So that a run of one is a run of the other."""
    master, released = from_text(lesson), released_notebook(lesson)
    for filled, cell in zip(master.cells, released.cells, strict=True):
        assert (cell.id, cell.cell_type) == (filled.id, filled.cell_type)
        if cell.cell_type == "code" and not is_answer(cell):
            assert cell.source == filled.source, cell.id


def test_every_cell_was_executed_once_and_in_order(lesson):
    counts = [
        cell.execution_count
        for cell in read_notebook(master_notebook(lesson)).cells
        if cell.cell_type == "code"
    ]
    assert counts == list(range(1, len(counts) + 1))


def test_every_check_passed(lesson):
    for cell in read_notebook(master_notebook(lesson)).cells:
        if is_check(cell):
            assert "right. All" in cell.outputs[0]["data"]["text/plain"], cell["id"]


def test_nothing_that_varies_is_stored(lesson):
    stored = read_notebook(master_notebook(lesson))
    assert stored.metadata.keys() == {"kernelspec", "language_info"}
    for cell in stored.cells:
        assert "execution" not in cell.metadata
        for output in cell.get("outputs", ()):
            assert output.get("name") != "stderr", cell["id"]
            assert WIDGET_VIEW not in output.get("data", {}), cell["id"]


def test_there_is_nothing_else_in_the_folders():
    lessons = written_lessons()
    assert {path for path in lessons_folder().rglob("*") if path.is_file()} == {
        released_path(lesson) for lesson in lessons
    }
    known = {master_notebook(lesson) for lesson in lessons}
    assert {path for path in solutions_folder().rglob("*.ipynb")} == known
