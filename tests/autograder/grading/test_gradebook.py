"""What is kept about a class beside nbgrader's own database, and how a verdict reaches it."""

import json

import pytest
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.utils import determine_grade

from autograder.checks.examine import unjudged
from autograder.checks.verdict import Result, Verdict
from autograder.exercises import exercise
from autograder.grading.gradebook import fill_gradebook, secret_seed
from autograder.grading.recording import record
from autograder.lessons.release import released_notebook, released_path, write_notebook
from tests.autograder.small_lesson import LESSON, by_grade_id


@pytest.fixture
def database(course):
    (course / "grading").mkdir(exist_ok=True)
    return f"sqlite:///{course / 'grading' / 'gradebook.db'}"


def known(database):
    with Gradebook(database) as gradebook:
        notebook = gradebook.find_notebook(LESSON.name, LESSON.name)
        return (
            {cell.name: cell.max_score for cell in notebook.grade_cells},
            {cell.name: cell.source for cell in notebook.source_cells},
        )


def test_a_fresh_gradebook_learns_what_the_lesson_asks_for_and_what_changed(course, database):
    fill_gradebook(LESSON.name, database)
    points, sources = known(database)
    assert points == {"softmax": 5.0, "attend": 3.5, "question-why": 2.0}
    assert sources["softmax"] == 'check("softmax")'
    assert sources["read-me"] == "Read this before you go on."
    fill_gradebook(LESSON.name, database)
    assert known(database) == (points, sources)
    changed = released_notebook(LESSON)
    by_grade_id(changed, "read-me").source = "Read that."
    write_notebook(changed, released_path(LESSON))
    fill_gradebook(LESSON.name, database)
    assert known(database)[1]["read-me"] == "Read that."


def test_a_lesson_that_was_not_released_says_so(course, database):
    with pytest.raises(FileNotFoundError):
        fill_gradebook("01-rnn-recap", database)
    with pytest.raises(KeyError):
        fill_gradebook("11-nothing", database)


def test_the_seed_is_drawn_once_and_kept(course):
    seed = secret_seed(LESSON.name)
    assert secret_seed(LESSON.name) == seed
    other = secret_seed("01-rnn-recap")
    assert other != seed
    kept = json.loads((course / "grading" / "seeds.json").read_text())
    assert kept == {LESSON.name: seed, "01-rnn-recap": other}


# ---- how nbgrader reads what is recorded -------------------------------------------------------


def recorded(released, verdict, points=5.0):
    cell = by_grade_id(released, "softmax").copy()
    cell.metadata = by_grade_id(released, "softmax").metadata
    cell.outputs = [new_output("stream", name="stderr", text="left from the submission")]
    record(cell, verdict, points)
    return determine_grade(cell), cell


def verdict(*points):
    """A verdict with these points, those above 0 earned."""
    return Verdict("softmax", tuple(Result(f"{p}", p > 0, abs(p)) for p in points))


@pytest.mark.parametrize(
    ("points", "score"),
    [((1, 4), 5.0), ((1, -4), 1.0), ((-1, -4), 0.0), ((0.1, 0.2, 0.7), 5.0), ((0.1, -0.3), 1.25)],
)
def test_the_share_of_the_points_is_the_grade(released, points, score):
    (grade, most), _ = recorded(released, verdict(*points))
    assert (pytest.approx(grade), most) == (score, 5.0)
    assert grade <= 5.0


def test_a_verdict_that_was_not_judged_is_a_grade_of_zero(released):
    lost = unjudged(exercise("softmax"), "time", "It took longer than 10 seconds.")
    (grade, _), cell = recorded(released, lost)
    assert grade == 0.0
    assert "It took longer" in cell.outputs[0].data["text/plain"]


def test_a_cell_that_was_not_judged_is_a_grade_of_zero_in_words(released):
    (grade, _), cell = recorded(released, None)
    assert grade == 0.0
    assert "was not judged" in cell.outputs[0].data["text/plain"]


def test_a_verdict_without_points_is_a_grade_of_zero(released):
    (grade, _), _ = recorded(released, Verdict("softmax", ()))
    assert grade == 0.0


@pytest.mark.parametrize("parts", [3, 7, 9, 11])
def test_rounding_never_gives_more_than_there_is(released, parts):
    whole = verdict(*[1 / parts] * parts)
    (grade, most), _ = recorded(released, whole)
    assert grade == pytest.approx(most)
    assert grade <= most
