"""A lesson asks for its exercises, all of them, in order and for the right points."""

import re

from autograder.exercises import exercises_of
from autograder.lessons.cells import grade_id, is_answer, is_check
from autograder.lessons.release import released_notebook


def test_the_checks_are_the_exercises(lesson):
    checks = [cell for cell in released_notebook(lesson).cells if is_check(cell)]
    exercises = exercises_of(lesson)
    assert [grade_id(cell) for cell in checks] == [each.name for each in exercises]
    for cell, exercise in zip(checks, exercises, strict=True):
        assert cell.source == f'check("{exercise.name}")'
        assert cell.metadata.nbgrader.points == exercise.points, exercise.name
        assert cell.metadata.nbgrader.locked


def test_each_check_stands_behind_its_blank(lesson):
    cells = released_notebook(lesson).cells
    for number, cell in enumerate(cells):
        if is_check(cell):
            before = cells[number - 1]
            assert is_answer(before)
            assert grade_id(before) == f"{grade_id(cell)}-answer"


def test_each_exercise_has_three_hints_before_it(lesson):
    cells = released_notebook(lesson).cells
    answers = [n for n, cell in enumerate(cells) if is_check(cell)]
    for number in answers:
        before = "\n".join(cell.source for cell in cells[number - 4 : number - 1])
        hints = re.findall(r"<summary>(?:<b>)?Hint (\d)", before)
        assert hints == ["1", "2", "3"], grade_id(cells[number])


def test_written_questions_have_points_and_a_place_for_the_answer(lesson):
    written = [
        cell
        for cell in released_notebook(lesson).cells
        if is_answer(cell) and cell.cell_type == "markdown"
    ]
    assert 2 <= len(written) <= 3
    for cell in written:
        assert cell.metadata.nbgrader.grade
        assert cell.metadata.nbgrader.points > 0
