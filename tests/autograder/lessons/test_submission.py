"""A submitted notebook, put back onto the lesson it was made from."""

import copy

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.lessons.cells import grade_id, is_answer
from autograder.lessons.submission import defined, rebuild, steps
from tests.autograder.small_lesson import ANSWERS, ATTEND, SOFTMAX, answered, by_grade_id

quick = settings(derandomize=True, deadline=None, max_examples=60)


def place(notebook, name):
    return [grade_id(cell) for cell in notebook.cells].index(name)


def is_on_the_skeleton(rebuilt, released):
    """Every released cell is there, in order, as it was but for what is the student's to write."""
    cells = iter(rebuilt.cells)
    for skeleton in released.cells:
        cell = next((cell for cell in cells if cell["id"] == skeleton["id"]), None)
        assert cell is not None, f"{skeleton['id']} is missing or out of order"
        assert cell.metadata == skeleton.metadata
        assert cell.cell_type == skeleton.cell_type
        if not is_answer(skeleton) and skeleton.cell_type == "markdown":
            assert cell.source == skeleton.source
    claims = [grade_id(cell) for cell in rebuilt.cells if grade_id(cell)]
    assert claims == [grade_id(cell) for cell in released.cells if grade_id(cell)]
    nbformat.validate(rebuilt)
    return True


def test_an_untouched_lesson_is_rebuilt_as_it_is(released):
    rebuilt = rebuild(copy.deepcopy(released), released)
    assert rebuilt.notebook == released
    assert rebuilt.repairs == ()


def test_answers_are_taken_over_and_nothing_needs_mending(released):
    rebuilt = rebuild(answered(released, **ANSWERS), released)
    assert by_grade_id(rebuilt.notebook, "softmax-answer").source == SOFTMAX
    assert by_grade_id(rebuilt.notebook, "attend-answer").source == ATTEND
    assert rebuilt.repairs == ()
    assert is_on_the_skeleton(rebuilt.notebook, released)


def test_neither_notebook_is_changed(released):
    submitted = answered(released, **ANSWERS)
    submitted.cells.reverse()
    before = copy.deepcopy(submitted), copy.deepcopy(released)
    rebuild(submitted, released)
    assert (submitted, released) == before


def test_a_deleted_check_is_put_back_in_its_place(released):
    submitted = answered(released, softmax=SOFTMAX)
    del submitted.cells[place(submitted, "softmax")]
    rebuilt = rebuild(submitted, released)
    assert rebuilt.notebook.cells[place(released, "softmax")].source == 'check("softmax")'
    assert rebuilt.repairs == ("softmax: the cell was missing and has been put back",)
    assert is_on_the_skeleton(rebuilt.notebook, released)


def test_every_cell_deleted_is_put_back(released):
    empty = copy.deepcopy(released)
    empty.cells = []
    rebuilt = rebuild(empty, released)
    assert is_on_the_skeleton(rebuilt.notebook, released)
    assert len(rebuilt.repairs) == sum(1 for cell in released.cells if grade_id(cell))


def test_an_edited_check_is_as_it_was(released):
    submitted = answered(released, softmax=SOFTMAX)
    by_grade_id(submitted, "softmax").source = "print(5)"
    by_grade_id(submitted, "read-me").source = "# Nothing to read"
    rebuilt = rebuild(submitted, released)
    assert is_on_the_skeleton(rebuilt.notebook, released)
    assert by_grade_id(rebuilt.notebook, "softmax").source == 'check("softmax")'
    assert rebuilt.repairs == (
        "softmax: the cell had been edited and is as it was",
        "read-me: the cell had been edited and is as it was",
    )


def test_changed_points_and_other_metadata_count_for_nothing(released):
    submitted = answered(released, softmax=SOFTMAX)
    by_grade_id(submitted, "softmax").metadata.nbgrader.update(
        points=100, locked=False, solution=True, schema_version=99
    )
    assert is_on_the_skeleton(rebuild(submitted, released).notebook, released)


def test_a_duplicated_check_is_dropped(released):
    submitted = answered(released, softmax=SOFTMAX)
    submitted.cells.append(copy.deepcopy(by_grade_id(submitted, "softmax")))
    rebuilt = rebuild(submitted, released)
    assert len(rebuilt.notebook.cells) == len(released.cells)
    assert rebuilt.repairs == ("softmax: there was a second cell with this id",)


def test_of_a_duplicated_answer_the_first_takes_the_place_and_the_second_follows(released):
    submitted = answered(released, softmax=SOFTMAX)
    second = copy.deepcopy(by_grade_id(submitted, "softmax-answer"))
    second.source = "def softmax(scores, dim):\n    return 3"
    submitted.cells.insert(place(submitted, "softmax-answer") + 1, second)
    rebuilt = rebuild(submitted, released).notebook
    where = place(released, "softmax-answer")
    assert rebuilt.cells[where].source == SOFTMAX
    assert rebuilt.cells[where + 1].source == second.source
    assert grade_id(rebuilt.cells[where + 1]) is None
    assert is_on_the_skeleton(rebuilt, released)


def test_reordered_cells_stand_where_they_stood(released):
    submitted = answered(released, **ANSWERS)
    submitted.cells.reverse()
    rebuilt = rebuild(submitted, released).notebook
    assert is_on_the_skeleton(rebuilt, released)
    assert by_grade_id(rebuilt, "attend-answer").source == ATTEND


def test_a_retyped_answer_becomes_code_again_with_its_text(released):
    submitted = answered(released, softmax=SOFTMAX)
    where = place(submitted, "softmax-answer")
    retyped = new_markdown_cell(SOFTMAX, metadata=submitted.cells[where].metadata)
    submitted.cells[where] = retyped
    rebuilt = rebuild(submitted, released)
    assert rebuilt.notebook.cells[where].cell_type == "code"
    assert rebuilt.notebook.cells[where].source == SOFTMAX
    assert rebuilt.repairs == ("softmax-answer: had become a markdown cell",)


def test_a_written_answer_is_kept(released):
    submitted = copy.deepcopy(released)
    by_grade_id(submitted, "question-why").source = "Because of the variance."
    rebuilt = rebuild(submitted, released)
    assert by_grade_id(rebuilt.notebook, "question-why").source == "Because of the variance."
    assert rebuilt.repairs == ()


def test_pictures_pasted_into_text_are_kept(released):
    picture = {"me.png": {"image/png": "aGVsbG8="}}
    submitted = copy.deepcopy(released)
    why = by_grade_id(submitted, "question-why")
    bad = {"bad": 3, "x": {"y": 1}, "\ud83d": {}, "half": {"image/png": "\ud83d"}}
    why.update(source="![me](attachment:me.png)", attachments=picture | bad)
    submitted.cells.append(new_markdown_cell("![me](attachment:me.png)", attachments=picture))
    submitted.cells.append(new_code_cell("x = 1"))
    submitted.cells[-1]["attachments"] = picture
    rebuilt = rebuild(submitted, released).notebook
    assert by_grade_id(rebuilt, "question-why").attachments == picture
    assert rebuilt.cells[-2].attachments == picture
    assert "attachments" not in rebuilt.cells[-1]
    assert is_on_the_skeleton(rebuilt, released)


def test_a_demonstration_the_student_has_played_with_is_kept_as_it_is(released):
    submitted = copy.deepcopy(released)
    submitted.cells[2].source = "print('played with')"
    rebuilt = rebuild(submitted, released)
    assert rebuilt.notebook.cells[2].source == "print('played with')"
    assert rebuilt.repairs == ()


def test_cells_of_the_students_own_follow_what_they_followed(released):
    submitted = copy.deepcopy(released)
    submitted.cells.insert(0, new_code_cell("first = 1"))
    submitted.cells.insert(4, new_code_cell("helper = 2"))
    rebuilt = rebuild(submitted, released).notebook
    assert rebuilt.cells[0].source == "first = 1"
    assert [cell.source for cell in rebuilt.cells[3:5]] == [
        'print("a demonstration")',
        "helper = 2",
    ]
    assert is_on_the_skeleton(rebuilt, released)


def test_a_cell_of_the_students_own_cannot_claim_points_or_a_place(released):
    metadata = copy.deepcopy(by_grade_id(released, "softmax").metadata)
    metadata.nbgrader.grade_id = "bonus"
    submitted = copy.deepcopy(released)
    submitted.cells.append(new_code_cell("100", metadata=metadata, id="softmax"))
    rebuilt = rebuild(submitted, released).notebook
    assert "nbgrader" not in rebuilt.cells[-1].metadata
    assert is_on_the_skeleton(rebuilt, released)
    assert len({cell["id"] for cell in rebuilt.cells}) == len(rebuilt.cells)


def test_outputs_of_foreign_cells_are_not_taken_along(released):
    output = nbformat.v4.new_output("display_data", data={"text/html": "<script></script>"})
    submitted = copy.deepcopy(released)
    submitted.cells.append(new_code_cell("x", outputs=[output], execution_count=7))
    cell = rebuild(submitted, released).notebook.cells[-1]
    assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"collapsed": None, "scrolled": 3, "name": ""}},
        {"metadata": {"tags": ["a", "a"]}},
        {"metadata": {"tags": 3, "jupyter": "x"}},
        {"outputs": [], "execution_count": 3},
        {"prompt_number": 7, "language": "python"},
        {"attachments": {}},
        {"id": "not an id, but words"},
    ],
)
@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_of_a_cell_of_the_students_own_nothing_but_its_text_is_kept(released, kind, more):
    submitted = answered(released, softmax=SOFTMAX)
    cell = {"cell_type": kind, "source": "mine", "metadata": {}} | more
    submitted.cells.append(nbformat.from_dict(cell))
    rebuilt = rebuild(submitted, released).notebook
    assert is_on_the_skeleton(rebuilt, released)  # and a valid notebook
    own = rebuilt.cells[-1]
    assert (own.cell_type, own.source, own.metadata) == (kind, "mine", {})


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"cell_type": "code"},
        {"cell_type": "heading", "source": "x", "metadata": {}},
        {"cell_type": "code", "source": 3, "metadata": {}},
        {"cell_type": "code", "source": "x"},
        {"cell_type": "code", "source": "x", "metadata": None},
        "no cell at all",
        None,
    ],
)
def test_what_is_no_cell_is_left_out(released, garbage):
    submitted = answered(released, softmax=SOFTMAX)
    submitted.cells.insert(3, nbformat.from_dict(garbage))
    rebuilt = rebuild(submitted, released)
    assert rebuilt.notebook == rebuild(answered(released, softmax=SOFTMAX), released).notebook
    assert rebuilt.repairs == ("something among the cells was no cell, and has been left out",)


def test_a_notebook_without_cells_is_all_skeleton(released):
    rebuilt = rebuild(nbformat.from_dict({"metadata": {}}), released).notebook
    assert is_on_the_skeleton(rebuilt, released)


def test_an_answer_in_a_cell_of_its_own_is_not_replaced_by_the_stub(released):
    submitted = answered(released, attend=ATTEND)
    where = place(submitted, "softmax-answer")
    submitted.cells[where] = new_code_cell(SOFTMAX)
    rebuilt = rebuild(submitted, released).notebook
    assert by_grade_id(rebuilt, "softmax-answer").source == ""
    assert [step.source for step in steps(rebuilt, released)].count(SOFTMAX) == 1
    assert not any("NotImplementedError" in step.source for step in steps(rebuilt, released))


def test_an_answer_that_lost_its_metadata_is_found_by_the_cells_id(released):
    submitted = answered(released, softmax=SOFTMAX)
    by_grade_id(submitted, "softmax-answer").metadata = nbformat.from_dict({})
    rebuilt = rebuild(submitted, released)
    assert by_grade_id(rebuilt.notebook, "softmax-answer").source == SOFTMAX
    assert rebuilt.repairs == ()


@pytest.mark.parametrize("settings_", [None, 3, "text", [], {"grade_id": ["softmax"]}])
def test_metadata_of_another_form_is_no_claim(released, settings_):
    submitted = answered(released, softmax=SOFTMAX)
    submitted.cells.append(new_code_cell("mine = 1", metadata={"nbgrader": settings_}))
    submitted.cells.append(new_code_cell("mine = 2"))
    submitted.cells[-1]["id"] = ["no", "text"]
    rebuilt = rebuild(submitted, released).notebook
    assert is_on_the_skeleton(rebuilt, released)
    assert [cell.source for cell in rebuilt.cells[-2:]] == ["mine = 1", "mine = 2"]


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            ["delete", "duplicate", "edit", "retype", "move", "insert", "rename", "strip", "claim"]
        ),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
    ),
    max_size=12,
)


def edited(notebook, edits):
    """The notebook after a student who clicks on everything."""
    cells = notebook.cells
    for what, first, second in edits:
        if what == "insert":
            cells.insert(first % (len(cells) + 1), new_code_cell(f"mine = {second}"))
        if not cells:
            continue
        here, there = first % len(cells), second % len(cells)
        cell = cells[here]
        if what == "delete":
            del cells[here]
        elif what == "duplicate":
            cells.insert(there, copy.deepcopy(cell))
        elif what == "edit":
            cell.source = f"edited = {second}"
        elif what == "retype":
            make = new_code_cell if cell.cell_type == "markdown" else new_markdown_cell
            cells[here] = make(cell.source, metadata=cell.metadata, id=cell.get("id", "x"))
        elif what == "move":
            cells.insert(there, cells.pop(here))
        elif what == "rename":
            cell["id"] = cells[there].get("id", "x")
        elif what == "strip":
            cell.metadata = nbformat.from_dict({})
        elif what == "claim":
            cell.metadata = copy.deepcopy(cells[there].metadata)
    return notebook


@quick
@given(EDITS)
def test_after_any_edits_the_released_cells_are_all_there(released, edits):
    submitted = edited(answered(released, **ANSWERS), edits)
    rebuilt = rebuild(submitted, released)
    assert is_on_the_skeleton(rebuilt.notebook, released)
    again = rebuild(rebuilt.notebook, released)
    assert again.notebook == rebuilt.notebook
    assert again.repairs == ()


@quick
@given(EDITS)
def test_after_any_edits_no_answer_is_lost(released, edits):
    submitted = edited(answered(released, **ANSWERS), edits)
    written = [cell.source for cell in submitted.cells if cell.source in ANSWERS.values()]
    kept = [cell.source for cell in rebuild(submitted, released).notebook.cells]
    lost = [
        source
        for source in set(written)
        if source not in kept
        # code that was made text, and no longer says whose answer it is, is text
        and not any(
            grade_id(cell) is None and cell.cell_type == "markdown"
            for cell in submitted.cells
            if cell.source == source
        )
    ]
    assert lost == []


# ---- what to run and what to judge -------------------------------------------------------------


def planned(notebook, released):
    return [(step.exercise, step.answers, step.source) for step in steps(notebook, released)]


def test_answers_and_the_setup_run_and_checks_are_judged(released):
    notebook = rebuild(answered(released, **ANSWERS), released).notebook
    assert planned(notebook, released) == [
        (None, None, "import torch\n\nfrom autograder import check"),
        (None, "softmax", SOFTMAX),
        ("softmax", None, 'check("softmax")'),
        (None, "attend", ATTEND),
        ("attend", None, 'check("attend")'),
    ]


def test_demonstrations_run_only_when_they_were_changed(released):
    submitted = copy.deepcopy(released)
    submitted.cells[2].source = "helper = 1"
    submitted.cells.append(new_code_cell('print("a demonstration")'))
    submitted.cells.append(new_code_cell("  \n"))
    submitted.cells.append(new_markdown_cell("text = 1"))
    sources = [step.source for step in steps(rebuild(submitted, released).notebook, released)]
    assert "helper = 1" in sources
    assert not any("demonstration" in source or "text" in source for source in sources)
    assert all(source.strip() for source in sources)


def test_steps_are_labelled_by_the_place_of_their_cell(released):
    labels = [step.label for step in steps(released, released)]
    assert labels == ["cell 2", "cell 4", "cell 5", "cell 7", "cell 8"]


def test_the_names_that_a_cell_binds():
    source = "import math\ndef f(x):\n    y = x\nclass C: pass\na, (b, *c) = 1, (2, 3)"
    assert defined(source) == {"math", "f", "C", "a", "b", "c"}


@pytest.mark.parametrize(
    "source",
    [
        "%time x = 1",
        "def f(a, a): pass",
        "x = '\ud83d'",
        "x = 1  # \0",
        "x = " + "(" * 1000 + "1" + ")" * 1000,
        "x = " + "-" * 100_000 + "1",
        "x = 1" + " + 1" * 20_000,
    ],
)
def test_what_is_not_all_python_binds_nothing(source):
    assert defined(source) == set()
