"""The hint that goes back with a verdict."""

import pytest
from nbformat.v4 import new_markdown_cell

from autograder.checks.examine import unjudged
from autograder.checks.verdict import Result, Verdict
from autograder.exercises import all_exercises, exercise
from autograder.grading.hints import hints, next_hint
from autograder.grading.recording import record
from autograder.lessons.release import released_notebook
from tests.autograder.small_lesson import by_grade_id

FOLDED = """### Your turn

<details><summary><b>Hint 1: a question</b></summary>
What is large?

<details><summary><b>Hint 2: the shapes</b></summary>
`(B, T)` and <script>alert(1)</script>

<details><summary><b>Hint 3: the pseudocode</b></summary>
Nearly the solution.
</details></details></details>
"""


@pytest.fixture
def hinted(released):
    notebook = released.copy()
    place = released.cells.index(by_grade_id(released, "softmax-answer"))
    notebook.cells = [*released.cells]
    notebook.cells.insert(place, new_markdown_cell(FOLDED))
    return notebook


def half(name="softmax"):
    return Verdict(name, (Result("one", True, 1.0), Result("two", False, 1.0, "no")))


def test_hints_are_found_before_their_exercise(hinted):
    assert [title for title, _ in hints(hinted, "softmax")] == [
        "Hint 1: a question",
        "Hint 2: the shapes",
        "Hint 3: the pseudocode",
    ]
    assert hints(hinted, "softmax")[0][1] == "What is large?"
    assert hints(hinted, "attend") == []
    assert hints(hinted, "nothing") == []


def test_who_has_nothing_gets_the_first_and_who_is_on_the_way_the_second(hinted):
    assert next_hint(hinted, unjudged(exercise("softmax"), "not written yet", "."))[0] == (
        "Hint 1: a question"
    )
    assert next_hint(hinted, half())[0] == "Hint 2: the shapes"
    assert next_hint(hinted, half("attend")) is None


def test_a_right_answer_needs_none(hinted):
    assert next_hint(hinted, Verdict("softmax", (Result("one", True, 1.0),))) is None


def test_every_exercise_of_the_lessons_has_hints_and_the_last_is_never_sent():
    for each in all_exercises():
        released = released_notebook(each.lesson)
        found = hints(released, each.name)
        assert len(found) >= 2, each.name
        assert next_hint(released, half(each.name)) != found[-1] or len(found) == 1


def test_a_hint_in_the_graded_notebook_runs_nothing(hinted):
    cell = by_grade_id(hinted, "softmax").copy()
    record(cell, half(), 5.0, next_hint(hinted, half()))
    panel = cell.outputs[0].data
    assert "Hint 2: the shapes" in panel["text/plain"]
    assert "<code>(B, T)</code>" in panel["text/html"]
    assert "<script>" not in panel["text/html"]
