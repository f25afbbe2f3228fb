"""From the master to what students get."""

import copy
import json

import nbformat
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from autograder.lessons import release as releasing
from autograder.lessons.cells import is_answer
from autograder.lessons.release import (
    ReleaseError,
    from_text,
    master_notebook,
    master_text,
    read_notebook,
    release,
    released_notebook,
    released_path,
    without_solutions,
    written_lessons,
)
from tests.autograder.small_lesson import LESSON, MASTER, SECRET_WORDS, by_grade_id
from workbook.syllabus import lesson


def files(folder):
    """Every file of the course, but what nbgrader keeps and Python compiles."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "grading" not in path.parts
    }


def change_master(old, new):
    text = master_text(LESSON).read_text(encoding="utf-8")
    assert old in text
    master_text(LESSON).write_text(text.replace(old, new), encoding="utf-8")


# ---- what students get -------------------------------------------------------------------------


def test_blanks_are_blank_and_the_rest_is_as_it_was(released):
    sources = [cell.source for cell in released.cells]
    stub = "    raise NotImplementedError  # replace this line by your code"
    assert sources[3] == f"def softmax(scores, dim):\n{stub}"
    assert sources[4] == 'check("softmax")'
    assert sources[9] == "*Write your answer here.*"
    assert sources[2] == 'print("a demonstration")'
    assert SECRET_WORDS not in json.dumps(released)


def test_cells_are_known_by_their_grade_id_or_their_place(released):
    assert [cell["id"] for cell in released.cells] == [
        "cell-000",
        "cell-001",
        "cell-002",
        "softmax-answer",
        "softmax",
        "read-me",
        "attend-answer",
        "attend",
        "cell-008",
        "question-why",
        "cell-010",
    ]


def test_nothing_of_jupytext_is_left(released):
    assert "jupytext" not in json.dumps(released)
    assert "lines_to_next_cell" not in json.dumps(released)


def test_run_all_goes_on_behind_a_cell_that_fails_but_for_the_setup(released):
    stopping = [
        cell["id"]
        for cell in released.cells
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    assert stopping == ["cell-001"]
    assert released.cells[1].metadata.tags == ["setup"]
    assert by_grade_id(released, "softmax").metadata.deletable is False
    assert by_grade_id(released, "softmax").metadata.editable is False


def test_a_released_notebook_is_valid(released):
    nbformat.validate(released)
    assert released.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


# ---- the way there -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_release_writes_both_files_and_twice_the_same(course):
    released_path(LESSON).unlink()
    lines = list(release(LESSON))
    assert lines == ["executed", "nothing leaks", "11 cells released"]
    first = files(course)
    assert {path.name for path in first} == {
        "nbgrader_config.py",
        f"{LESSON.name}.py",
        f"{LESSON.name}.ipynb",
    }
    executed = read_notebook(master_notebook(LESSON))
    assert executed.cells[2].outputs[0].text == "a demonstration\n"
    assert "All 7 properties hold" in by_grade_id(executed, "softmax").outputs[0].data["text/plain"]
    assert [cell.execution_count for cell in executed.cells if cell.cell_type == "code"] == list(
        range(1, 8)
    )
    assert executed.cells[-1].outputs[0].data == {"text/plain": "a slider"}
    assert "widgets" not in executed.metadata
    assert all("execution" not in cell.metadata for cell in executed.cells)
    list(release(LESSON))
    assert files(course) == first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            'print("a demonstration")',
            "import warnings\nwarnings.warn('careful')",
            "cell-002 writes to stderr",
        ),
        ("peak = scores.amax(dim, keepdim=True)", "peak = scores.max()", "CheckFailed"),
    ],
    ids=["stderr", "a check that fails"],
)
def test_a_master_that_does_not_run_is_not_released(course, old, new, why):
    released_path(LESSON).unlink()
    change_master(old, new)
    before = files(course)
    with pytest.raises(ReleaseError, match=why):
        list(release(LESSON))
    assert files(course) == before


@pytest.mark.parametrize(
    "trouble",
    [
        CellTimeoutError("A cell timed out"),
        DeadKernelError("Kernel died"),
    ],
    ids=["no end", "a dead kernel"],
)
def test_a_kernel_that_is_lost_is_a_reason_not_to_release(course, monkeypatch, trouble):
    def execute(client, **options):
        raise trouble

    monkeypatch.setattr("nbclient.NotebookClient.execute", execute)
    before = files(course)
    with pytest.raises(ReleaseError, match="does not run"):
        list(release(LESSON))
    assert files(course) == before


@pytest.fixture
def stored(course, released, monkeypatch):
    """A course whose master has been executed, and an nbgrader that doesn't take its time."""
    notebook = from_text(LESSON)
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = number + 1
    releasing.write_notebook(notebook, master_notebook(LESSON))

    def blank(master, lesson):
        made = copy.deepcopy(released)
        for cell, original in zip(made.cells, master.cells, strict=True):
            if not is_answer(cell):
                cell.source = original.source
        return made

    monkeypatch.setattr(releasing, "without_solutions", blank)
    return course


def test_a_leak_is_not_released(stored):
    change_master("# # A small lesson", "# # A small lesson\n#\n# BEGIN HIDDEN TESTS")
    before = files(stored)
    with pytest.raises(ReleaseError, match=r"would give something away(.|\n)*BEGIN HIDDEN TESTS"):
        list(release(LESSON, execute=False))
    assert files(stored) == before


def test_outputs_are_kept_only_while_the_code_is_the_same(stored):
    assert list(release(LESSON, execute=False)) == ["nothing leaks", "11 cells released"]
    change_master('"a slider"', '"a knob"')
    before = files(stored)
    with pytest.raises(ReleaseError, match="cell-010 has changed since"):
        list(release(LESSON, execute=False))
    assert files(stored) == before


def test_text_may_change_while_outputs_are_kept(stored):
    change_master("# # A small lesson", "# # A little lesson")
    list(release(LESSON, execute=False))
    assert released_notebook(LESSON).cells[0].source == "# A little lesson"
    assert read_notebook(master_notebook(LESSON)).cells[2].execution_count == 2


def test_outputs_that_are_not_there_cannot_be_kept(course):
    with pytest.raises(ReleaseError, match="there are no outputs"):
        list(release(LESSON, execute=False))


def test_a_lesson_without_a_master_says_which_have_one(course):
    assert written_lessons() == [LESSON]
    with pytest.raises(ReleaseError, match=f"01-rnn-recap has no master.*{LESSON.name}"):
        from_text(lesson(1))
    with pytest.raises(FileNotFoundError):
        released_notebook(lesson(1))


def test_two_cells_of_one_name_are_refused(course):
    change_master('"grade_id": "attend-answer"', '"grade_id": "softmax-answer"')
    with pytest.raises(ReleaseError, match="two cells with the nbgrader id 'softmax-answer'"):
        from_text(LESSON)


def test_a_master_that_nbgrader_refuses_says_why(course):
    change_master("### END SOLUTION", "### DONE")
    with pytest.raises(ReleaseError, match="nbgrader can't release"):
        without_solutions(from_text(LESSON), LESSON)


def test_what_is_no_notebook_says_so(tmp_path):
    for text in ("", "{}", "print(3)", '{"cells": 3}'):
        path = tmp_path / "x.ipynb"
        path.write_text(text)
        with pytest.raises(ValueError, match="is not a notebook"):
            read_notebook(path)
    with pytest.raises(FileNotFoundError):
        read_notebook(tmp_path / "y.ipynb")


def test_the_small_master_is_what_these_tests_take_it_for():
    assert MASTER.count("### BEGIN SOLUTION") == MASTER.count("### END SOLUTION") == 2
