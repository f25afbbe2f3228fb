"""What nbgrader's metadata says of a cell."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.lessons.cells import grade_id, is_answer, is_check, is_demonstration, is_locked


def code(**settings):
    return new_code_cell("x", metadata={"nbgrader": {"grade_id": "x"} | settings})


ANSWER = code(solution=True, grade=False, locked=False)
CHECK = code(grade=True, locked=True, solution=False)
GRADED_ANSWER = code(solution=True, grade=True, locked=False)
READ_ONLY = code(locked=True, grade=False, solution=False)
PLAIN = new_code_cell("x")
SETUP = new_code_cell("x", metadata={"tags": ["setup"]})
TEXT = new_markdown_cell("x")
QUESTION = new_markdown_cell("x", metadata={"nbgrader": {"grade": True, "solution": True}})


@pytest.mark.parametrize(
    ("question", "yes"),
    [
        (is_answer, [ANSWER, GRADED_ANSWER, QUESTION]),
        (is_check, [CHECK]),
        (is_locked, [CHECK, READ_ONLY]),
        (is_demonstration, [PLAIN, READ_ONLY]),
    ],
)
def test_each_kind_of_cell_is_told_from_the_others(question, yes):
    every = [ANSWER, CHECK, GRADED_ANSWER, READ_ONLY, PLAIN, SETUP, TEXT, QUESTION]
    assert [cell for cell in every if question(cell)] == [cell for cell in every if cell in yes]


def test_the_grade_id_is_the_name_of_a_cell():
    assert grade_id(CHECK) == "x"
    assert grade_id(PLAIN) is None


@pytest.mark.parametrize("settings", [None, "text", [1], {}, {"grade_id": None}, {"grade_id": [1]}])
def test_what_is_no_metadata_of_nbgraders_says_nothing(settings):
    cell = new_code_cell("x", metadata={"nbgrader": settings})
    assert grade_id(cell) is None
    assert not is_answer(cell)
    assert not is_check(cell)
    assert not is_locked(cell)
    assert is_demonstration(cell)
