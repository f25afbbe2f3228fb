"""No solution, rubric or trace of the master reaches the released lessons."""

import pytest

from autograder.lessons.cells import is_answer, is_setup
from autograder.lessons.leaks import leaks
from autograder.lessons.release import from_text, master_text, released_notebook, released_path


def test_the_released_lesson_gives_nothing_away(lesson):
    assert leaks(from_text(lesson), released_notebook(lesson)) == []


def test_the_search_sees_the_solutions_there_are(lesson):
    master, released = from_text(lesson), released_notebook(lesson)
    answers = [number for number, cell in enumerate(master.cells) if is_answer(cell)]
    assert answers
    for number in answers:
        planted = released_notebook(lesson)
        planted.cells[number].source = master.cells[number].source
        found = leaks(master, planted)
        assert any("holds a line of a solution" in each for each in found), released.cells[number]


def test_the_released_file_names_no_tool_of_the_master(lesson):
    text = released_path(lesson).read_text(encoding="utf-8")
    for word in ("jupytext", "BEGIN SOLUTION", "MARK SCHEME", master_text(lesson).name):
        assert word not in text


def test_every_blank_raises_until_it_is_filled(lesson):
    for cell in released_notebook(lesson).cells:
        if is_answer(cell) and cell.cell_type == "code":
            assert "raise NotImplementedError" in cell.source, cell["id"]


def test_run_all_goes_on_behind_a_failing_check(lesson):
    released, master = released_notebook(lesson), from_text(lesson)
    for cell in released.cells:
        if cell.cell_type == "code":
            goes_on = "raises-exception" in cell.metadata.get("tags", ())
            assert goes_on != is_setup(cell), cell["id"]
    assert not any("raises-exception" in cell.metadata.get("tags", ()) for cell in master.cells)


@pytest.mark.parametrize("what", ["outputs", "metadata", "scheme"])
def test_planted_leaks_are_found(lesson, what):
    master, planted = from_text(lesson), released_notebook(lesson)
    if what == "outputs":
        next(cell for cell in planted.cells if cell.cell_type == "code").execution_count = 1
    elif what == "metadata":
        planted.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    else:
        planted.cells[0].source += "\n=== BEGIN MARK SCHEME ==="
    assert len(leaks(master, planted)) == 1
